"""Requests and answers as the sandbox's handlers see them.

Owns parsing of a request's head, the lazily read body, and the values a handler returns. Must not
open sockets or know about any cloud; `listener` does the former, the cloud packages the latter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import parse_qsl, unquote

import msgspec

from cloudtui.sandbox.faults import Fault

READ_SIZE = 1024 * 1024
READ_LIMIT = 64 * 1024 * 1024


class Drop(Exception):
    """Reset the connection instead of answering (or instead of the rest of the answer)."""


class Disconnected(Drop):
    """The client went away before the body it announced was complete."""


class BadRequest(Exception):
    """The request cannot be understood as HTTP/1.1; answered with 400 and a closed connection."""


class Headers:
    """Case-insensitive multi-dict of header lines, in the order they came."""

    __slots__ = ("_first", "_items")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items = list(items)
        self._first: dict[str, str] = {}
        for name, value in self._items:
            self._first.setdefault(name.lower(), value)

    def get(self, name: str, default: str | None = None) -> str | None:
        return self._first.get(name.lower(), default)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._first

    def items(self) -> list[tuple[str, str]]:
        return list(self._items)


class Source(Protocol):
    """Where a body's bytes come from: the connection behind it."""

    def recv_into(self, view: memoryview) -> int: ...

    def readline(self, limit: int) -> bytes: ...

    def send_continue(self) -> None: ...


class Body:
    """A request body that is read only when the handler asks for it.

    The first read sends `100 Continue` when the client waits for it. `received` counts payload
    bytes. Raises Disconnected when the connection ends before the announced length.
    """

    __slots__ = ("_expect", "_left", "_source", "chunked", "finished", "length", "received")

    def __init__(self, source: Source, length: int | None, *, chunked: bool, expect: bool) -> None:
        self._source = source
        self._expect = expect
        self._left = 0 if chunked else (length or 0)
        self.length = None if chunked else (length or 0)
        self.chunked = chunked
        self.received = 0
        self.finished = not chunked and self._left == 0

    @property
    def awaits_continue(self) -> bool:
        """Whether the client still waits for permission to send."""
        return self._expect and not self.finished

    def read(self, limit: int = READ_LIMIT) -> bytes:
        """The whole body (from here on); BadRequest when it is longer than `limit` bytes."""
        parts: list[bytes] = []
        total = 0
        for view in self.stream():
            total += len(view)
            if total > limit:
                raise BadRequest("The body is too long.")
            parts.append(bytes(view))
        return b"".join(parts)

    def stream(self, size: int = READ_SIZE) -> Iterator[memoryview]:
        """Views of one reused buffer of `size` bytes, each full except the last."""
        view = memoryview(bytearray(size if self._left == 0 else min(size, self._left)))
        while not self.finished:
            filled = self.readinto(view)
            if filled:
                yield view[:filled]

    def readinto(self, view: memoryview) -> int:
        """Fill `view` as far as the body reaches; 0 only at its end."""
        filled = 0
        while filled < len(view) and not self.finished:
            if self._expect:
                self._expect = False
                self._source.send_continue()
            if self.chunked and self._left == 0 and not self._next_chunk():
                break
            try:
                got = self._source.recv_into(view[filled : filled + self._left])
                if got == 0:
                    raise Disconnected
            except Drop:
                # What came before the break is handed on; the next call meets the break again.
                if filled:
                    return filled
                raise
            filled += got
            self._left -= got
            self.received += got
            if self._left == 0:
                if self.chunked:
                    self._source.readline(2)
                else:
                    self.finished = True
        return filled

    def _next_chunk(self) -> bool:
        line = self._source.readline(1024)
        try:
            self._left = int(line.split(b";")[0], 16)
        except ValueError as exc:
            raise BadRequest("A chunk has no length.") from exc
        if self._left:
            return True
        while self._source.readline(8192).strip():
            continue
        self.finished = True
        return False


@dataclass(slots=True)
class Request:
    """One request. `path` is still percent-encoded; `query` is decoded, in order, blanks kept."""

    method: str
    target: str
    path: str
    query: list[tuple[str, str]]
    headers: Headers
    body: Body
    client_ip: str
    scheme: str
    listener: str
    version: str = "HTTP/1.1"
    faults: list[Fault] = field(default_factory=list)
    connection: dict[str, object] = field(default_factory=dict)  # lives as long as the connection

    @property
    def host(self) -> str:
        """The Host header, with the port if it named one."""
        return self.headers.get("host") or ""

    @property
    def hostname(self) -> str:
        """The Host header without port, lower case."""
        host = self.host.lower()
        if host.startswith("["):
            return host.partition("]")[0] + "]"
        return host.partition(":")[0]

    @property
    def decoded_path(self) -> str:
        return unquote(self.path, errors="surrogateescape")

    @property
    def params(self) -> dict[str, str]:
        return dict(self.query)

    def param(self, name: str) -> str | None:
        """The last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    def json(self) -> object:
        """The body as JSON (None when empty); BadRequest when it is not JSON."""
        raw = self.body.read()
        if not raw:
            return None
        try:
            parsed: object = json.loads(raw)
        except ValueError as exc:
            raise BadRequest("The body is not JSON.") from exc
        return parsed

    def fault(self, kind: str) -> Fault | None:
        """The first planned fault of this kind for this request."""
        return next((fault for fault in self.faults if fault.kind == kind), None)


@dataclass(frozen=True, slots=True)
class FileBody:
    """A stretch of a file on disk as an answer's body."""

    path: Path
    offset: int
    length: int


@dataclass(slots=True)
class Response:
    """An answer; Content-Length and Date are added when it is sent. `close` forces the connection's
    end.
    """

    status: int = 200
    body: bytes | FileBody = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    close: bool | None = None
    done: Callable[[], None] | None = None

    @property
    def length(self) -> int:
        return len(self.body) if isinstance(self.body, bytes) else self.body.length

    @classmethod
    def json(
        cls, value: object, status: int = 200, headers: Iterable[tuple[str, str]] = ()
    ) -> Self:
        # A listing of 100,000 entries is 55 MB: msgspec writes it in 0.1 s, the json module in 0.6
        # s.
        body = msgspec.json.encode(value)
        return cls(status, body, [("Content-Type", "application/json; charset=utf-8"), *headers])

    @classmethod
    def text(cls, value: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Self:
        return cls._typed("text/plain; charset=utf-8", value, status, headers)

    @classmethod
    def html(cls, value: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Self:
        return cls._typed("text/html; charset=utf-8", value, status, headers)

    @classmethod
    def xml(cls, value: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Self:
        return cls._typed("application/xml", value, status, headers)

    @classmethod
    def empty(cls, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Self:
        return cls(status, b"", list(headers))

    @classmethod
    def _typed(cls, kind: str, value: str, status: int, headers: Iterable[tuple[str, str]]) -> Self:
        return cls(status, value.encode("utf-8", "replace"), [("Content-Type", kind), *headers])


Handler = Callable[[Request], Response]


def parse_head(head: bytes) -> tuple[str, str, str, Headers]:
    """Method, target, version and headers from the bytes before the empty line.

    Raises:
        BadRequest: the first line or a header line is malformed.
    """
    lines = head.decode("latin-1").split("\r\n")
    first = lines[0].split(" ")
    if len(first) != 3 or not first[2].startswith("HTTP/1."):
        raise BadRequest("The first line is not a request of HTTP/1.")
    items: list[tuple[str, str]] = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest("A header line is malformed.")
        items.append((name, value.strip()))
    return first[0], first[1], first[2], Headers(items)


def split_target(target: str) -> tuple[str, list[tuple[str, str]]]:
    """The raw path and decoded query of a request target (absolute targets lose their origin)."""
    if target.startswith(("http://", "https://")):
        target = "/" + target.split("/", 3)[3] if target.count("/") >= 3 else "/"
    path, _, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return path, pairs


def body_length(headers: Headers) -> tuple[int | None, bool]:
    """Content-Length and whether the body comes in chunks.

    Raises:
        BadRequest: the length is not a number.
    """
    chunked = "chunked" in (headers.get("transfer-encoding") or "").lower()
    length = headers.get("content-length")
    if length is not None and not length.isdigit():
        raise BadRequest("Content-Length is not a number.")
    return (int(length) if length is not None else None), chunked


def reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
