"""A small content server on raw sockets, with faults: one thread per connection.

Serves files with ranges, takes PUT bodies, and spoils exchanges as a plan tells it to.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import ssl
import struct
import threading
import zlib
from collections import deque
from dataclasses import dataclass, field

import trustme

from tests.tls_server import accept_tls

CHUNK = 64 * 1024


@dataclass
class Fault:
    """What goes wrong with one request.

    `kind`: reset-before (no answer, nothing done), reset-after (done, no answer), cut (connection
    ends after `after` body bytes), corrupt (one body byte flipped), stall (silence after `after`
    bytes, of a PUT before its answer, until `go`), ignore-range, status (answers `status`),
    redirect (to `location`), early (answers before reading the body), chunked, no-length,
    wrong-range.
    """

    kind: str
    method: str = "GET"
    after: int = 0
    status: int = 0
    location: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    connection: int


class ByteServer:
    """Use as a context manager. `files` are served by path, `stored` is what was PUT."""

    def __init__(self, *, tls: bool = True, authority: trustme.CA | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.stored: dict[str, bytes] = {}
        self.seen: list[Seen] = []
        self.faults: deque[Fault] = deque()
        self.connections = 0
        self.served = 0
        self._marks: list[tuple[int, threading.Event]] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._context: ssl.SSLContext | None = None
        if tls:
            assert authority is not None
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1", "localhost", "files.example").configure_cert(
                self._context
            )
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> ByteServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for fault in list(self.faults):
            fault.go.set()
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection."""
        with self._lock:
            connections = list(self._open)
        for each in connections:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def plan(self, *faults: Fault) -> None:
        """These happen to the next requests of their method, in order."""
        self.faults.extend(faults)

    def served_more(self, count: int) -> threading.Event:
        """Set once `count` more bytes of bodies were sent."""
        reached = threading.Event()
        with self._lock:
            self._marks.append((self.served + count, reached))
        return reached

    def requests(self, method: str) -> list[Seen]:
        """What was asked so far with this method."""
        with self._lock:
            return [each for each in self.seen if each.method == method]

    # --- threads -----------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        sock = raw
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                sock = accept_tls(raw, self._context)
            with self._lock:
                self._open.add(sock)
                self.connections += 1
                number = self.connections
            stream = sock.makefile("rb", buffering=CHUNK)
            with contextlib.closing(stream):
                while self._exchange(sock, stream, number):
                    pass
        except (OSError, ValueError):
            pass  # the client went away: that is its right
        finally:
            with self._lock:
                self._open.discard(sock)
            with contextlib.suppress(OSError):
                sock.close()

    def _exchange(self, sock: socket.socket, stream, number: int) -> bool:  # type: ignore[no-untyped-def]
        line = stream.readline()
        if not line:
            return False
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers: dict[str, str] = {}
        while (line := stream.readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        path = target.partition("?")[0]
        with self._lock:
            self.seen.append(Seen(method, path, headers, number))
            fault = next((each for each in self.faults if each.method == method), None)
            if fault is not None:
                self.faults.remove(fault)
        if fault and fault.kind == "early":
            _answer(sock, fault.status, b"no", (("Connection", "close"),))
            return False
        body = stream.read(int(headers.get("content-length", "0")))
        if len(body) < int(headers.get("content-length", "0")):
            return False
        if fault and fault.kind == "reset-before":
            _reset(sock)
            return False
        if fault and fault.kind == "status":
            _answer(sock, fault.status, b"fault", fault.headers)
            return True
        if fault and fault.kind == "redirect":
            _answer(sock, fault.status, b"", (("Location", fault.location),))
            return True
        if method == "GET":
            return self._get(sock, path, headers, fault)
        if fault and fault.kind == "stall":
            fault.reached.set()
            fault.go.wait(60)
        with self._lock:
            self.stored[path] = body
        if fault and fault.kind == "reset-after":
            _reset(sock)
            return False
        tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if fault and fault.kind == "corrupt":
            tag = "0" * 32
        _answer(sock, 200, b"{}", (("ETag", f'"{tag}"'),))
        return True

    def _get(
        self, sock: socket.socket, path: str, headers: dict[str, str], fault: Fault | None
    ) -> bool:
        data = self.files.get(path)
        if data is None:
            _answer(sock, 404, b"nothing here")
            return True
        kind = fault.kind if fault else ""
        start, end, status = 0, len(data), 200
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))
        if match and kind != "ignore-range":
            start, end, status = int(match[1]), min(len(data), int(match[2]) + 1), 206
        body = memoryview(data)[start:end]
        lines = [f"HTTP/1.1 {status} X"]
        if status == 206:
            shown = start + 1 if kind == "wrong-range" else start
            lines.append(f"Content-Range: bytes {shown}-{end - 1}/{len(data)}")
        if kind == "chunked":
            lines.append("Transfer-Encoding: chunked")
        elif kind == "no-length":
            lines.append("Connection: close")
        else:
            lines.append(f"Content-Length: {len(body)}")
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        if kind == "corrupt":
            spoilt = bytearray(body)
            spoilt[zlib.crc32(path.encode()) % len(spoilt)] ^= 0xFF
            body = memoryview(spoilt)
        if kind == "chunked":
            for at in range(0, len(body), 50_000):
                piece = body[at : at + 50_000]
                sock.sendall(b"%x;x=y\r\n" % len(piece) + piece + b"\r\n")
            sock.sendall(b"0\r\nX-Trailer: 1\r\n\r\n")
            return True
        limit = fault.after if fault and kind in ("cut", "stall") else len(body)
        for at in range(0, limit, CHUNK):
            piece = body[at : min(limit, at + CHUNK)]
            with self._lock:
                self.served += len(piece)  # before a client can know that it has them all
            sock.sendall(piece)
            with self._lock:
                reached = [mark for mark in self._marks if mark[0] <= self.served]
                for mark in reached:
                    self._marks.remove(mark)
                    mark[1].set()
        if fault and kind == "stall":
            fault.reached.set()
            fault.go.wait(60)
            sock.sendall(body[limit:])
        return kind not in ("cut", "no-length")


def _answer(
    sock: socket.socket, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()
) -> None:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw = sock.detach()
    socket.socket(fileno=raw).close()
