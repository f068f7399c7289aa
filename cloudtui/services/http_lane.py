"""HTTP/1.1 for API calls under httpx: connections of asyncio, one call at a time on each.

httpx's own transport looks through a pool for every request and goes through three libraries to
reach the socket; with many small calls that was more than half of a transfer's processor time, and
loading it a tenth of every start. Requests, answers, timeouts and errors stay httpx's. Owns
connections and framing; no retries, no redirects. File bytes never come this way.
"""

from __future__ import annotations

import asyncio
import base64
import select
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import unquote, urlsplit

import httpx

from cloudtui.services.awake import since_boot
from cloudtui.services.way import Way, last_way

if TYPE_CHECKING:
    from cloudtui.services.network import Network

T = TypeVar("T")

_IDLE_SECONDS: Final = 30.0
_MAX_HEAD: Final = 128 * 1024
_PIECE: Final = 256 * 1024
_SMALL: Final = 16 * 1024
"""Bytes of an answer that is read at once, which spares the objects of a stream."""


class Lane:
    """A connection to one origin, opened on first use and again after it broke or idled long."""

    def __init__(self, network: Network, url: httpx.URL) -> None:
        self._network = network
        self._host = url.raw_host.decode("ascii")
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._sealed = url.scheme == "https"
        self._proxy = network.proxy_for(str(url))
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._idle_since = 0.0

    async def send(self, request: httpx.Request, free: Callable[[], None]) -> httpx.Response:
        """Send a request and stand before the body of its answer, or behind a small one; `free` is
        called when that was closed. Raises httpx's transport errors."""
        times = request.extensions.get("timeout") or {}
        try:
            reader, writer = await self._connection(times.get("connect"))
            family = 0 if self._proxy else writer.get_extra_info("socket").family
            last_way.set(Way(self._proxy, family))
            await self._write(writer, request, times.get("write"))
            if trace := request.extensions.get("trace"):
                await trace("http11.send_request_body.complete", {"request": request})
            status, headers = await _within(
                times.get("read"), _head(reader), httpx.ReadTimeout, httpx.ReadError
            )
            body = _framing(request.method, status, headers)
            keep = body is not None and not _says(headers, b"connection", b"close")
            if status == 200 and body is not None and 0 < body <= _SMALL:
                work = reader.readexactly(body)
                whole = await _within(times.get("read"), work, httpx.ReadTimeout, httpx.ReadError)
                response = httpx.Response(status, headers=headers, content=whole, request=request)
                self.over(reader, keep=keep)
                free()
                return response
        except BaseException:
            self.drop()
            raise
        stream = _Answer(self, reader, body, times.get("read"), keep=keep, free=free)
        return httpx.Response(status, headers=headers, stream=stream, request=request)

    def over(self, reader: asyncio.StreamReader, *, keep: bool) -> None:
        """The call is over; with `keep` the connection may carry another."""
        # bytes behind the end would be taken for the next answer's beginning
        if keep and not getattr(reader, "_buffer", b""):
            self._idle_since = since_boot()
        else:
            self.drop()

    def drop(self) -> None:
        """Close the connection."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.transport.abort()

    # --- connecting --------------------------------------------------------------------------

    async def _connection(
        self, limit: float | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = self._reader, self._writer
        if reader is not None and writer is not None:
            stale = since_boot() - self._idle_since > _IDLE_SECONDS
            stale = stale or writer.is_closing()
            if not stale and _readable(writer):
                # the end of the connection, or a word nobody asked for: let the loop take it in
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            if not stale and not reader.at_eof() and not writer.is_closing():
                return reader, writer
            self.drop()
        opened = await _within(limit, self._open(), httpx.ConnectTimeout, httpx.ConnectError)
        self._reader, self._writer = opened
        return opened

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = self._network.ssl_context if self._sealed else None
        if self._proxy is None:
            return await asyncio.open_connection(
                self._host, self._port, ssl=context, limit=_MAX_HEAD
            )
        if context is None:
            raise httpx.UnsupportedProtocol("plain http does not go through a proxy")
        reader, writer = await self._through(self._proxy)
        try:
            await writer.start_tls(context, server_hostname=self._host)
        except BaseException:
            writer.transport.abort()
            raise
        return reader, writer

    async def _through(self, proxy: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(proxy)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise httpx.UnsupportedProtocol("this kind of proxy is not spoken")
        context = self._network.ssl_context if parts.scheme == "https" else None
        port = parts.port or (443 if context else 80)
        reader, writer = await asyncio.open_connection(
            parts.hostname, port, ssl=context, limit=_MAX_HEAD
        )
        try:
            host = f"[{self._host}]" if ":" in self._host else self._host
            lines = [f"CONNECT {host}:{self._port} HTTP/1.1", f"Host: {host}:{self._port}"]
            if parts.username is not None:
                pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
                lines.append(
                    f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}"
                )
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))
            await writer.drain()
            status, _ = await _head(reader)
            if not 200 <= status < 300:
                raise httpx.ProxyError(f"the proxy answered {status}")
        except BaseException:
            writer.transport.abort()
            raise
        return reader, writer

    # --- sending -----------------------------------------------------------------------------

    async def _write(
        self, writer: asyncio.StreamWriter, request: httpx.Request, limit: float | None
    ) -> None:
        target = request.url.raw_path
        lines = [request.method.encode("ascii") + b" " + target + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in request.headers.raw]
        for line in lines:
            if b"\r" in line or b"\n" in line or b"\0" in line:
                raise httpx.LocalProtocolError("a header holds a line break")
        pending = b"\r\n".join(lines) + b"\r\n\r\n"
        assert isinstance(request.stream, httpx.AsyncByteStream)

        async def drain() -> None:
            if writer.transport.get_write_buffer_size():
                await _within(limit, writer.drain(), httpx.WriteTimeout, httpx.WriteError)

        async for piece in request.stream:
            pending += piece
            if len(pending) >= _PIECE:
                writer.write(pending)
                pending = b""
                await drain()
        if pending:
            writer.write(pending)
        await drain()


class _Answer(httpx.AsyncByteStream):
    """A body as it comes; the connection is free for the next call when this was closed.

    `left` is what is still to come, -1 for chunks, None up to the end of the connection.
    """

    def __init__(
        self,
        lane: Lane,
        reader: asyncio.StreamReader,
        left: int | None,
        limit: float | None,
        *,
        keep: bool,
        free: Callable[[], None],
    ) -> None:
        self._lane = lane
        self._reader = reader
        self._left = left
        self._limit = limit
        self._keep = keep
        self._free: Callable[[], None] | None = free
        self._whole = left == 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while not self._whole:
            piece = await _within(self._limit, self._next(), httpx.ReadTimeout, httpx.ReadError)
            if piece:
                yield piece

    async def _next(self) -> bytes:
        reader = self._reader
        if self._left is None:
            piece = await reader.read(_PIECE)
            self._whole = not piece
            return piece
        if self._left < 0:
            return await self._chunk()
        piece = await reader.read(min(self._left, _PIECE))
        if not piece:
            raise httpx.RemoteProtocolError("the body ended early")
        self._left -= len(piece)
        self._whole = not self._left
        return piece

    async def _chunk(self) -> bytes:
        digits = (await self._reader.readuntil(b"\r\n")).partition(b";")[0].strip()
        try:
            size = int(digits, 16)
        except ValueError:
            raise httpx.RemoteProtocolError("unreadable chunk size") from None
        if size < 0 or size > 1 << 40:
            raise httpx.RemoteProtocolError("unreadable chunk size")
        if size == 0:
            while (await self._reader.readuntil(b"\r\n")) != b"\r\n":
                pass
            self._whole = True
            return b""
        piece = await self._reader.readexactly(size)
        if await self._reader.readexactly(2) != b"\r\n":
            raise httpx.RemoteProtocolError("a chunk does not end where it should")
        return piece

    async def aclose(self) -> None:
        """The call is over, however much was read."""
        free, self._free = self._free, None
        if free is None:
            return
        self._lane.over(self._reader, keep=self._whole and self._keep)
        free()


def _readable(writer: asyncio.StreamWriter) -> bool:
    """Whether something waits in the socket that the loop has not seen yet."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(writer.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


async def _within(
    limit: float | None,
    work: Awaitable[T],
    late: type[httpx.TransportError],
    broken: type[httpx.TransportError],
) -> T:
    """The result of `work`, in httpx's words when it takes too long or the connection breaks."""
    try:
        async with asyncio.timeout(limit):
            return await work
    except TimeoutError as exc:
        raise late("no answer in time") from exc
    except asyncio.IncompleteReadError as exc:
        raise httpx.RemoteProtocolError("the connection was closed too early") from exc
    except (asyncio.LimitOverrunError, ValueError) as exc:
        raise httpx.RemoteProtocolError("a line of the answer is too long") from exc
    except OSError as exc:
        raise broken(str(exc)) from exc


async def _head(reader: asyncio.StreamReader) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Status and headers of an answer, interim ones skipped."""
    while True:
        lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        version, _, rest = lines[0].partition(b" ")
        if version not in (b"HTTP/1.1", b"HTTP/1.0") or not rest[:3].isdigit():
            raise httpx.RemoteProtocolError("the answer is not HTTP")
        status = int(rest[:3])
        if status >= 200 or status == 101:
            break
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise httpx.RemoteProtocolError("unreadable header")
        headers.append((name, value.strip()))
    if version == b"HTTP/1.0" and not _says(headers, b"connection", b"keep-alive"):
        headers.append((b"connection", b"close"))
    return status, headers


def _says(headers: list[tuple[bytes, bytes]], name: bytes, word: bytes) -> bool:
    return any(key.lower() == name and word in value.lower() for key, value in headers)


def _framing(method: str, status: int, headers: list[tuple[bytes, bytes]]) -> int | None:
    """Bytes of the body, -1 for chunks, None for all up to the end of the connection."""
    if method == "HEAD" or status in (204, 304):
        return 0
    if _says(headers, b"transfer-encoding", b"chunked"):
        return -1
    lengths = {value for key, value in headers if key.lower() == b"content-length"}
    if not lengths:
        return None
    length = lengths.pop()
    if lengths or not length.isdigit():
        raise httpx.RemoteProtocolError("unreadable Content-Length")
    return int(length)
