"""A proxy that lets foreign clients reach the sandbox under the real services' host names.

A client is given `HTTPS_PROXY=front.url` and trusts `front.ca_file`. It asks `CONNECT
api.pcloud.com:443`; the front answers, terminates TLS with a certificate of a throw-away authority
for exactly that name, looks up the listener for the name (`cloudtui.sandbox.names.listener_for`)
and passes the decrypted bytes on, Host header untouched, both ways. Names of neither cloud, and any
other port than 443, are refused with 403.

    with ConnectFront(endpoints, tmp_path) as front:
        run([...], env={"HTTPS_PROXY": front.url, "SSL_CERT_FILE": str(front.ca_file)})
        assert "api.pcloud.com" in front.seen

`endpoints` is the parsed endpoints file of a *plain* (not TLS) sandbox. `seen` holds the names
asked for. Also here: `TlsFiles.make(folder)` writes ca.pem, cert.pem and key.pem for a sandbox that
serves TLS itself on 127.0.0.1 and localhost (options `--tls-cert`, `--tls-key`; clients get `ca`).
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import trustme

from cloudtui.sandbox.names import listener_for
from tests.tls_server import accept_tls

PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificate files for a sandbox on loopback."""

    ca: Path
    cert: Path
    key: Path

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Write a throw-away authority and a certificate of it below `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")
        files = cls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
        authority.cert_pem.write_to_path(str(files.ca))
        issued.private_key_pem.write_to_path(str(files.key))
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        files.cert.write_bytes(chain)
        return files


def addresses_of(endpoints: Mapping[str, Any]) -> dict[str, str]:
    """host:port of each listener, from the endpoints file."""
    pikpak, pcloud = endpoints["pikpak"], endpoints["pcloud"]
    urls = {
        "pikpak.user": pikpak["user_url"],
        "pikpak.drive": pikpak["drive_url"],
        "pikpak.upload": pikpak["upload_url"],
        "pikpak.content": pikpak["content_url"],
        "pcloud.us": pcloud["us_url"],
        "pcloud.eu": pcloud["eu_url"],
        "pcloud.authorize": pcloud["authorize_url"],
        "pcloud.content": pcloud["content_urls"][0],
    }
    return {name: urlsplit(url).netloc for name, url in urls.items()}


class ConnectFront:
    """The proxy, on threads. Start and stop by `with`."""

    def __init__(self, endpoints: Mapping[str, Any], folder: Path) -> None:
        self._addresses = addresses_of(endpoints)
        self._authority = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.seen: list[str] = []
        self.ca_file = folder / "front-ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_file))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # some systems refuse to shut a listening socket down
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            sockets = list(self._open)
        for sock in sockets:
            _hang_up(sock)
        for thread in list(self._threads):
            thread.join(5)

    def _start(self, work: Any, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, name="front", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(OSError))  # either side may go at any time
            stack.callback(sock.close)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host = _asked(sock)
            listener = listener_for(host) if host else None
            if listener is None:
                sock.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            with self._lock:
                self.seen.append(host)
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            client = accept_tls(sock, self._context(host))
            stack.callback(client.close)
            address, _, port = self._addresses[listener].rpartition(":")
            server = socket.create_connection((address, int(port)))
            stack.callback(server.close)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {client, server}
            try:
                _relay(client, server)
            finally:
                with self._lock:
                    self._open -= {client, server}

    def _context(self, host: str) -> ssl.SSLContext:
        with self._lock:
            context = self._contexts.get(host)
            if context is None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return context


def _asked(sock: socket.socket) -> str:
    """The host name of a CONNECT request for port 443; empty for anything else."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = sock.recv(4096)
        if not piece or len(head) > 16384:
            return ""
        head += piece
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or words[0] != "CONNECT":
        return ""
    host, _, port = words[1].rpartition(":")
    return host.lower() if port == "443" else ""


def _relay(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Copy both ways until both sides have ended, or one of them breaks off.

    On one thread: a TLS socket must not be read and written by two at once (before Python 3.13
    nothing guards its state), and HTTP/1.1 hardly ever talks both ways at the same moment.

    A side that says goodbye may still be spoken to: a server that refuses an upload answers and
    ends while the client is sending, and a connection torn down under it would lose the answer.
    """
    buffer = memoryview(bytearray(PIECE))
    with selectors.DefaultSelector() as ready:
        ready.register(client, selectors.EVENT_READ, server)
        ready.register(server, selectors.EVENT_READ, client)
        while ready.get_map():
            for key, _ in ready.select():
                source, target = key.fileobj, key.data
                assert isinstance(source, socket.socket)
                while True:
                    got = source.recv_into(buffer)
                    if not got:
                        ready.unregister(source)
                        _say_goodbye(target)
                        break
                    target.sendall(buffer[:got])
                    if source is not client or not client.pending():
                        break


def _say_goodbye(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be gone already
        socket.socket.shutdown(sock, socket.SHUT_WR)  # below TLS, whose own end waits for the peer


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be gone already
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
