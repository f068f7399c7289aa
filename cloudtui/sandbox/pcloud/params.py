"""Parameters of one call, wherever they came from.

Query, form body and cookies are merged; what comes later wins in that order, as the service
documents. Multipart forms are read up to their first file, which stays unread for the upload
method.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

from cloudtui.sandbox.http import BadRequest, Body, Disconnected, Request

FORM_LIMIT = 4 * 1024 * 1024
PART_HEAD_LIMIT = 16 * 1024
NAME = re.compile(rb'[;\s]name=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.DOTALL)
FILE_NAME = re.compile(rb'[;\s]filename=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.DOTALL)

Sink = Callable[[memoryview], object]


class Params:
    """A mapping of names to texts with the API's readings of them."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    def text(self, name: str) -> str | None:
        return self.values.get(name)

    def flag(self, name: str) -> bool:
        """Present, not empty and not "0" means yes."""
        return self.values.get(name, "") not in ("", "0")

    def number(self, name: str) -> int | None:
        """An unsigned number, or None when absent or something else."""
        value = self.values.get(name, "").strip()
        return int(value) if value.isascii() and value.isdigit() else None

    def numbers(self, name: str) -> list[int]:
        """A comma list of numbers; anything else in it is left out."""
        parts = self.values.get(name, "").split(",")
        return [int(part) for part in parts if part.strip().isascii() and part.strip().isdigit()]

    def names(self, name: str) -> frozenset[str] | None:
        """A comma list of field names, or None when absent."""
        value = self.values.get(name)
        return None if not value else frozenset(value.split(","))

    def moment(self, name: str) -> int | None:
        """A time as seconds: a number, RFC 2822, or ISO 8601 with parts left out."""
        value = self.values.get(name, "").strip()
        if not value:
            return None
        if value.isdigit() and len(value) < 14:
            return int(value)
        try:
            return int(parsedate_to_datetime(value).timestamp())
        except ValueError:
            return _iso(value)


def _iso(value: str) -> int | None:
    if value.isdigit():
        value = f"{value[:8]}T{value[8:]}"
    for form in (value, value + "-01", value + "-01-01"):
        try:
            parsed = datetime.fromisoformat(form)
        except ValueError:
            continue
        return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())
    return None


def read_params(request: Request) -> tuple[Params, Multipart | None]:
    """Merge all parameters; a multipart body comes back opened at its first file.

    Raises:
        BadRequest: a body that is not what its type says.
    """
    values = dict(request.query)
    multipart: Multipart | None = None
    if request.method == "POST":
        message = Message()
        message["content-type"] = request.headers.get("content-type") or ""
        kind = message.get_content_type() if message["content-type"] else ""
        if kind == "application/x-www-form-urlencoded":
            form = request.body.read(FORM_LIMIT).decode("utf-8", "replace")
            values.update(parse_qsl(form, keep_blank_values=True))
        elif kind == "multipart/form-data":
            boundary = str(message.get_param("boundary") or "")
            if not boundary:
                raise BadRequest("A multipart body without boundary.")
            multipart = Multipart(request.body, boundary)
            values.update(multipart.fields())
    for pair in (request.headers.get("cookie") or "").split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals:
            values[name] = value
    return Params(values), multipart


class Multipart:
    """A multipart/form-data body read from front to back."""

    def __init__(self, body: Body, boundary: str) -> None:
        self._pieces = body.stream()
        self._mark = b"\r\n--" + boundary.encode("latin-1", "replace")
        # The first boundary has no line end before it; pretending one makes all alike.
        self._buffer = bytearray(b"\r\n")
        self._ended = False
        self._file_name: str | None = None

    def fields(self) -> dict[str, str]:
        """The plain fields before the first file."""
        found: dict[str, str] = {}
        while (head := self._next_part()) is not None:
            name, file_name = head
            if file_name is not None:
                self._file_name = file_name
                break
            value = bytearray()
            self._content(value.extend)
            if len(value) > FORM_LIMIT:
                raise BadRequest("A form field is too long.")
            found[name] = value.decode("utf-8", "replace")
            self._at_boundary = True
        return found

    def files(self) -> Iterator[tuple[str, Callable[[Sink], None]]]:
        """Each file's own name and a function that passes its bytes to a sink; it must be
        called.
        """
        while self._file_name is not None:
            name, self._file_name = self._file_name, None
            yield name, self._content
            self._at_boundary = True
            head = self._next_part()
            while head is not None and head[1] is None:
                head = self._next_part()
            self._file_name = None if head is None else head[1]

    _at_boundary = False

    def _next_part(self) -> tuple[str, str | None] | None:
        """Go behind the next boundary and part head; field name and file name, None after
        the last.
        """
        if not self._at_boundary:
            self._content(len)
        self._at_boundary = False
        while b"\r\n\r\n" not in self._buffer:
            if self._buffer[:2] == b"--":
                for _ in self._pieces:
                    continue
                return None
            if len(self._buffer) > PART_HEAD_LIMIT:
                raise BadRequest("A part's head is too long.")
            self._more()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer = bytearray(rest)
        return _disposition(head)

    def _content(self, sink: Sink) -> None:
        """Pass everything up to the next boundary to the sink and step over the boundary."""
        keep = len(self._mark) - 1
        while True:
            at = self._buffer.find(self._mark)
            end = at if at >= 0 else len(self._buffer) - keep
            if end > 0:
                with memoryview(self._buffer) as view, view[:end] as part:
                    sink(part)
                del self._buffer[:end]
            if at >= 0:
                del self._buffer[: len(self._mark)]
                while len(self._buffer) < 2:
                    self._more()
                return
            self._more()

    def _more(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise Disconnected
        self._buffer += piece


def _disposition(head: bytes) -> tuple[str, str | None]:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            return _option(NAME, value) or "", _option(FILE_NAME, value)
    return "", None


def _option(pattern: re.Pattern[bytes], value: bytes) -> str | None:
    """One option of a Content-Disposition line; browsers and foreign clients send raw UTF-8 in
    quotes,
    with a quote inside as `%22` (browsers, httpx) or behind a backslash (Go)."""
    found = pattern.search(value)
    if found is None:
        return None
    if found[2] is not None:
        return found[2].decode("utf-8", "replace")
    text = re.sub(rb"\\(.)", rb"\1", found[1], flags=re.DOTALL)
    return text.decode("utf-8", "replace").replace("%22", '"')
