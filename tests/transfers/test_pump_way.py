"""Bytes are fetched by the way their link was asked for: services bind links to addresses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from cloudtui.services.network import Network
from cloudtui.services.storage import ReadTicket
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.sinks import MemorySink
from cloudtui.services.transfers.stop import Stop
from cloudtui.services.way import Way, last_way
from tests.transfers.test_pump_proxy import Proxy

FAMILIES = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
BODY = b"hello"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + BODY


def listeners() -> list[socket.socket]:
    """One of each family on one port. Raises OSError where there is no IPv6."""
    for _ in range(100):
        first = socket.create_server(("::1", 0), family=socket.AF_INET6)
        try:
            return [first, socket.create_server(("127.0.0.1", first.getsockname()[1]))]
        except OSError:
            first.close()  # somebody has that port in the other family: another one, then
    raise OSError("no port is free in both families")


class Both:
    """A server on both loopback addresses under one port. Notes who asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._listeners = listeners()
        self.port: int = self._listeners[0].getsockname()[1]
        for each in self._listeners:
            threading.Thread(target=self._serve, args=(each,), daemon=True).start()

    def close(self) -> None:
        for each in self._listeners:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            pending = b""
            while data := client.recv(4096):
                pending += data
                while b"\r\n\r\n" in pending:
                    pending = pending.partition(b"\r\n\r\n")[2]
                    self.asked.append(client.family)
                    client.sendall(ANSWER)


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    """A name with an address of each family."""
    try:
        server = Both()
    except OSError:
        pytest.skip("this machine has no IPv6")
    real = socket.getaddrinfo

    def lookup(host: object, port: object, *args: object, **more: object) -> object:
        if host != "localhost":
            return real(host, port, *args, **more)  # type: ignore[arg-type]
        return [
            (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for family, address in reversed(FAMILIES.items())
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    yield server
    server.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_bytes_come_by_the_family_that_asked_for_the_link(both: Both, family: int) -> None:
    """Both before a pooled connection of the other family and with one at hand."""
    network = Network(timeout=5.0, environ={})
    pump = Pump(network)
    other = next(each for each in FAMILIES if each != family)
    try:
        for wanted in (family, other, family):
            ticket = ReadTicket(
                "pc", (f"http://localhost:{both.port}/f",), 5, "v", way=Way(None, wanted)
            )
            sink = MemorySink(5)
            await pump.read_range(ticket, 0, 5, sink, Meter(), Stop())
            assert sink.data == BODY
    finally:
        pump.close()
    assert both.asked == [family, other, family]


async def test_a_family_that_the_content_server_lacks_is_no_dead_end(both: Both) -> None:
    network = Network(timeout=5.0, environ={})
    pump = Pump(network)
    try:
        ticket = ReadTicket(
            "pc", (f"http://127.0.0.1:{both.port}/f",), 5, "v", way=Way(None, socket.AF_INET6)
        )
        sink = MemorySink(5)
        await pump.read_range(ticket, 0, 5, sink, Meter(), Stop())
    finally:
        pump.close()
    assert sink.data == BODY


@pytest.mark.parametrize(("family", "address"), FAMILIES.items())
async def test_a_call_tells_by_which_family_it_went(both: Both, family: int, address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    async with Network(timeout=5.0, environ={}).client() as client:
        await client.get(f"http://{host}:{both.port}/")
    assert last_way.get() == Way(None, family)
    assert await asyncio.create_task(_seen()) == last_way.get()


async def _seen() -> Way | None:
    return last_way.get()


async def test_bytes_come_through_the_proxy_that_the_link_was_asked_through(both: Both) -> None:
    """Although this host itself needs none: the link is good for the proxy's address only."""
    proxy = Proxy(both.port)
    pump = Pump(Network(timeout=5.0, environ={}))
    way = Way(f"http://127.0.0.1:{proxy.port}", 0)
    ticket = ReadTicket("pc", (f"http://localhost:{both.port}/f",), 5, "v", way=way)
    sink = MemorySink(5)
    try:
        await pump.read_range(ticket, 0, 5, sink, Meter(), Stop())
    finally:
        pump.close()
        proxy.close()
    assert sink.data == BODY
    assert proxy.heads[0].startswith(f"CONNECT localhost:{both.port} ")
