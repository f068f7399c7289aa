"""The least that can move the bytes: sockets, TLS, one reused buffer; nothing is kept.

`python -m tests.benchmarks.bare down LOC CONNECTIONS` throws away what it reads, `up LOC SIZE`
sends the same bytes over and over. Prints seconds and processor seconds of the moving alone as
JSON. If this is hardly faster than a program under test, it is the server that is measured.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

from cloudtui.services.models import HashType
from cloudtui.services.network import Network
from cloudtui.services.runtime import Runtime, open_runtime
from cloudtui.services.storage import PartRequest, ReadTicket, RemoteWrite, SourceFacts
from cloudtui.services.transfers.sealed import Sealed

PIECE = 512 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """A TLS connection, read and written in the quickest way that is known: see `sealed`."""

    sock: socket.socket
    sealed: Sealed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.sock.close()


def dial(network: Network, url: str) -> Line:
    """A connection to the URL's host, through the proxy."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    proxy = network.proxy_for(url)
    if proxy is None:
        raw = socket.create_connection((host, port))
    else:
        way = urlsplit(proxy)
        raw = socket.create_connection((way.hostname or "", way.port or 80))
        raw.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += raw.recv(4096)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sealed = Sealed(raw, network.ssl_context, host)
    sealed.handshake()
    return Line(raw, sealed)


def head_of(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """A request's head."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = [f"{method} {target} HTTP/1.1"]
    if not any(name.lower() == "host" for name, _ in headers):
        lines.append(f"Host: {parts.netloc}")
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def swallow(network: Network, ticket: ReadTicket, start: int, end: int) -> None:
    """Read a range into one buffer again and again."""
    with dial(network, ticket.urls[0]) as line:
        ranged = ("Range", f"bytes={start}-{end - 1}")
        line.sealed.sendall(head_of("GET", ticket.urls[0], (*ticket.headers, ranged)))
        view = memoryview(bytearray(PIECE))
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.sealed.recv(16384)
        left = end - start - len(head.partition(b"\r\n\r\n")[2])
        while left:
            count = line.sealed.recv_into(view)
            if not count:
                raise ConnectionError("the body ended early")
            left -= count


def pour(network: Network, requests: Iterator[PartRequest]) -> None:
    """Send parts out of one buffer, one after the other over one connection."""
    view = memoryview(bytearray(PIECE))
    line: Line | None = None
    for request in requests:
        if line is None:
            line = dial(network, request.url)
        length = len(request.head) + request.length + len(request.tail)
        headers = (*request.headers, ("Content-Length", str(length)), ("Connection", "keep-alive"))
        line.sealed.sendall(head_of(request.method, request.url, headers) + request.head)
        left = request.length
        while left:
            piece = view[: min(left, PIECE)]
            line.sealed.sendall(piece)
            left -= len(piece)
        line.sealed.sendall(request.tail)
        if read_answer(line).get("connection", "").lower() == "close":
            line.sock.close()
            line = None
    if line is not None:
        line.sock.close()


def read_answer(line: Line) -> dict[str, str]:
    """The headers of an answer; its body is read too. Raises unless it is a 200."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += line.sealed.recv(16384) or gone()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    if " 200 " not in status:
        raise ConnectionError(answer.decode(errors="replace")[:300])
    headers = {
        name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)
    }
    left = int(headers.get("content-length", "0")) - len(body)
    while left > 0:
        left -= len(line.sealed.recv(16384) or gone())
    return headers


def gone() -> bytes:
    """Nothing came where something was promised."""
    raise ConnectionError("no answer")


def timed(work: list[Callable[[], object]]) -> dict[str, float]:
    """All of it at once, each on its thread."""
    failures: list[BaseException] = []

    def guarded(each: Callable[[], object]) -> None:
        try:
            each()
        except BaseException as exc:  # raised again below: a thread's failure is no speed
            failures.append(exc)

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    cpu, started = used(), time.perf_counter()
    threads = [threading.Thread(target=guarded, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return {"wall": time.perf_counter() - started, "cpu": used() - cpu}


async def down(runtime: Runtime, where: str, connections: int) -> dict[str, float]:
    """Read a file with so many connections."""
    at = runtime.parse(where).at
    storage = await runtime.storage(at.account)
    ticket = await storage.open_read(await storage.stat(at))
    assert isinstance(ticket, ReadTicket)
    edges = [ticket.size * number // connections for number in range(connections + 1)]
    spans = list(itertools.pairwise(edges))
    return await asyncio.to_thread(
        timed,
        [lambda s=s, e=e: swallow(runtime.network, ticket, s, e) for s, e in spans],  # type: ignore[misc]
    )


async def up(runtime: Runtime, where: str, size: int) -> dict[str, float]:
    """Send a file and throw it away again."""
    at = runtime.parse(where).at
    storage = await runtime.storage(at.account)
    parent = (await storage.stat(at.parent)).at
    facts = SourceFacts(size, None, {HashType.GCID: f"{time.time_ns():040X}"})
    written = await storage.open_write(parent, at.name, facts, replace=None, job="bare")
    handle = cast("RemoteWrite", written)
    step = handle.part_size or size
    parts = [
        await handle.part_request(number, offset, min(step, size - offset))
        for number, offset in enumerate(range(0, size, step))
    ]
    lanes = max(1, handle.parts_at_once)
    queue = iter(parts)
    lock = threading.Lock()

    def waiting() -> Iterator[PartRequest]:
        while True:
            with lock:
                part = next(queue, None)
            if part is None:
                return
            yield part

    def lane() -> None:
        pour(runtime.network, waiting())

    try:
        return await asyncio.to_thread(timed, [lane] * min(lanes, len(parts)))
    finally:
        await handle.abort()


async def main() -> None:
    """Do what the arguments say."""
    way, where, number = sys.argv[1:4]
    async with open_runtime() as runtime:
        told = await (down if way == "down" else up)(runtime, where, int(number))
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main())
