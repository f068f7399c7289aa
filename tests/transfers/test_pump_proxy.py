"""File bytes through a CONNECT proxy."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtui.services.errors import NotSupported, Offline, Refused
from cloudtui.services.network import Network
from cloudtui.services.storage import ReadTicket
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.sinks import MemorySink
from cloudtui.services.transfers.stop import Stop
from tests.transfers.byte_server import ByteServer


class Proxy:
    """Answers CONNECT and joins the caller with `target`, whatever name was asked for."""

    def __init__(self, target: int, status: int = 200) -> None:
        self.heads: list[str] = []
        self._target = target
        self._status = status
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(100)
        for each in self._sockets:
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096) or b"\r\n\r\n"
            self.heads.append(head.decode())
            client.sendall(f"HTTP/1.1 {self._status} X\r\n\r\n".encode())
            if self._status != 200:
                with contextlib.suppress(OSError):  # the caller may have hung up already
                    client.shutdown(socket.SHUT_RDWR)
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            self._sockets.append(server)
            for one, other in ((client, server), (server, client)):
                thread = threading.Thread(target=_carry, args=(one, other), daemon=True)
                thread.start()
                self._threads.append(thread)


def _carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for each in (one, other):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(server: ByteServer) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


async def fetch(trusted: Path, proxy: str) -> bytes:
    network = Network(ca_file=str(trusted), timeout=5.0, environ={"HTTPS_PROXY": proxy})
    pump = Pump(network)
    sink = MemorySink(100)
    try:
        ticket = ReadTicket("one", ("https://files.example/f",), 5, "v")
        await pump.read_range(ticket, 0, 5, sink, Meter(), Stop())
    finally:
        pump.close()
    return sink.data


async def test_a_tunnel_with_credentials(server: ByteServer, proxy: Proxy, trusted: Path) -> None:
    server.files["/f"] = b"hello"
    assert await fetch(trusted, f"http://ann:p%40ss@127.0.0.1:{proxy.port}") == b"hello"
    head = proxy.heads[0]
    assert head.startswith("CONNECT files.example:443 HTTP/1.1\r\n")
    assert base64.b64encode(b"ann:p@ss").decode() in head
    assert "proxy-authorization" not in server.seen[0].headers


@pytest.mark.parametrize(("status", "error"), [(407, Refused), (502, Offline)])
async def test_a_proxy_that_refuses(
    server: ByteServer, trusted: Path, status: int, error: type[Exception]
) -> None:
    proxy = Proxy(server.port, status)
    try:
        with pytest.raises(error) as caught:
            await fetch(trusted, f"http://ann:secret@127.0.0.1:{proxy.port}")
        assert "secret" not in str(caught.value)
    finally:
        proxy.close()


async def test_a_proxy_of_another_kind(trusted: Path) -> None:
    with pytest.raises(NotSupported):
        await fetch(trusted, "socks5://127.0.0.1:1")
