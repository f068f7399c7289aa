"""A CONNECT proxy for benchmarks: real host names to the sandbox's ports, TLS left untouched.

`python -m tests.benchmarks.relay --endpoints FILE [--rtt SECONDS]` prints its URL on one line and
serves until its standard input ends. Without a round trip time bytes are spliced between the
sockets inside the kernel, so that the relay is not what limits a transfer. With one, every piece is
handed on half a round trip after it came, however many are on their way: a long line of unlimited
width. Opening a connection costs one round trip more, as TCP's own handshake would.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from cloudtui.sandbox.listener import unpaced
from cloudtui.sandbox.names import listener_for
from tests.conformance.connect_front import addresses_of

PIPE = 1024 * 1024
_OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


def target_of(line: bytes, addresses: Mapping[str, str]) -> tuple[str, int] | None:
    """Where a CONNECT line leads; loopback addresses stand for themselves."""
    words = line.decode("latin-1").split(" ")
    if len(words) != 3 or words[0] != "CONNECT":
        return None
    host, _, port = words[1].rpartition(":")
    if host != "127.0.0.1":
        listener = listener_for(host)
        if listener is None or listener not in addresses:
            return None
        host, _, port = addresses[listener].rpartition(":")
    return host, int(port)


# --- without delay: threads and splice -----------------------------------------------------------


def splice_all(source: socket.socket, target: socket.socket) -> None:
    """Move bytes from `source` to `target` until it ends."""
    readable, writable = os.pipe()
    with contextlib.suppress(OSError):  # a container may not allow larger pipes
        fcntl.fcntl(writable, fcntl.F_SETPIPE_SZ, PIPE)
    try:
        while count := os.splice(source.fileno(), writable, PIPE):
            while count:
                count -= os.splice(readable, target.fileno(), count)
    except OSError:
        pass  # either side may go at any time; both are hung up below
    finally:
        os.close(readable)
        os.close(writable)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def serve_spliced(client: socket.socket, addresses: Mapping[str, str]) -> None:
    """One connection of a client."""
    with client:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return
            head += piece
        where = target_of(head.split(b"\r\n", 1)[0], addresses)
        if where is None:
            client.sendall(_REFUSED)
            return
        with socket.create_connection(where) as server:
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                unpaced(each)
            client.sendall(_OPEN)
            back = threading.Thread(target=splice_all, args=(server, client), daemon=True)
            back.start()
            splice_all(client, server)
            back.join()


def accept_spliced(listening: socket.socket, addresses: Mapping[str, str]) -> None:
    """Serve every connection on a thread of its own."""
    while True:
        client, _ = listening.accept()
        threading.Thread(target=serve_spliced, args=(client, addresses), daemon=True).start()


# --- with delay: one loop ------------------------------------------------------------------------


class Line(asyncio.Protocol):
    """One direction's reading end: what arrives is written to `other` half a round trip later."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.other: asyncio.Transport | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self.delay, self._pass_on, data)

    def connection_lost(self, exc: Exception | None) -> None:
        asyncio.get_running_loop().call_later(self.delay, self._hang_up)

    def _pass_on(self, data: bytes) -> None:
        if self.other is not None and not self.other.is_closing():
            self.other.write(data)

    def _hang_up(self) -> None:
        if self.other is not None:
            self.other.close()


class Entrance(Line):
    """A client's connection: first its CONNECT, then a line."""

    def __init__(self, rtt: float, addresses: Mapping[str, str]) -> None:
        super().__init__(rtt / 2)
        self._rtt = rtt
        self._addresses = addresses
        self._head = b""
        self._task: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            super().data_received(data)
            return
        self._head += data
        if self._task is None and b"\r\n\r\n" in self._head:
            self._task = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        assert self.transport is not None
        loop = asyncio.get_running_loop()
        where = target_of(self._head.split(b"\r\n", 1)[0], self._addresses)
        if where is None:
            self.transport.write(_REFUSED)
            self.transport.close()
            return
        await asyncio.sleep(self._rtt)
        try:
            transport, line = await loop.create_connection(lambda: Line(self.delay), *where)
        except OSError:
            self.transport.close()
            return
        line.other = self.transport
        self.other = transport
        self.transport.write(_OPEN)


async def serve_delayed(
    listening: socket.socket, addresses: Mapping[str, str], rtt: float, ended: threading.Event
) -> None:
    """Serve on one loop until `ended`."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Entrance(rtt, addresses), sock=listening)
    async with server:
        await asyncio.to_thread(ended.wait)


def main() -> int:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoints", type=Path, required=True)
    parser.add_argument("--rtt", type=float, default=0.0)
    options = parser.parse_args()
    addresses = addresses_of(json.loads(options.endpoints.read_text()))
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    ended = threading.Event()

    def watch() -> None:
        sys.stdin.buffer.read()
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    if options.rtt:
        asyncio.run(serve_delayed(listening, addresses, options.rtt, ended))
    else:
        threading.Thread(target=accept_spliced, args=(listening, addresses), daemon=True).start()
        ended.wait()
    os._exit(0)  # what is still open belongs to clients that are gone


if __name__ == "__main__":
    sys.exit(main())
