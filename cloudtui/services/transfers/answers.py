"""What the answers of content servers mean, and what a broken connection means.

Knows HTTP and no service: API errors are the providers' to read.
"""

from __future__ import annotations

import re

from msgspec import Struct

from cloudtui.services.errors import (
    BadReply,
    CloudError,
    Denied,
    Gone,
    NotFound,
    Offline,
    Refused,
    Retry,
    ServerTrouble,
    TooMany,
)
from cloudtui.services.network import map_transport
from cloudtui.services.transfers.connection import Broken, Head

STALE = frozenset({401, 403, 404, 406, 410, 416, 503})
"""Answers to a read that a fresh link may cure: expired, moved, bound to another session."""

_CONTENT_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+|\*)", re.IGNORECASE | re.ASCII)


class StaleLink(Exception):
    """A link stopped working; `cause` is what to report when a fresh one does no better."""

    def __init__(self, cause: CloudError) -> None:
        super().__init__(cause.text)
        self.cause = cause


class Slept(Offline):
    """The connection did not survive a sleep of the machine: the next try follows at once, and this
    one counts for nothing."""


class RangeIgnored(Exception):
    """The server sent the whole file although a part was asked for."""


def transport_error(exc: OSError, account: str, *, executed: bool) -> CloudError:
    """The error for a connection that failed. `executed`: the request may have taken effect."""
    if isinstance(exc, Broken):
        return Offline(
            f"The connection to {account} broke: {exc}.",
            hint="Nothing was lost; try again when the network is back.",
            retry=Retry.RECONCILE if executed else Retry.SOON,
        )
    error = map_transport(exc, account)
    if error.retry is not Retry.NEVER:
        error.retry = Retry.RECONCILE if executed else Retry.SOON
    return error


def after_of(headers: dict[str, str]) -> float | None:
    """The seconds of a Retry-After header; dates and nonsense count as none."""
    text = headers.get("retry-after", "")
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() else None


def read_error(head: Head, account: str) -> CloudError:
    """The error for an answer to a content read that is not a success."""
    after = after_of(head.headers)
    status = head.status
    detail = f"HTTP {status}"
    if status == 404:
        return NotFound(f"{account} no longer has this file's content.", detail=detail)
    if status == 410:
        return Gone(f"The link to the content at {account} has expired.", detail=detail)
    if status in (401, 403, 406):
        return Denied(f"{account} does not hand out this file's content.", detail=detail)
    if status == 429:
        return TooMany(f"{account} asks to slow down.", after=after, detail=detail)
    if status == 416:
        return BadReply(f"{account} does not know this part of the file.", detail=detail)
    if status >= 500 or status == 408:
        return ServerTrouble(
            f"{account} is unwell (HTTP {status}).", after=after, hint="Try later.", detail=detail
        )
    return Refused(f"{account} refused to send the file (HTTP {status}).", detail=detail)


class Span(Struct, frozen=True):
    """The bytes an answer carries: from `start` up to, not including, `end`."""

    start: int
    end: int


def span_of(
    head: Head, length: int | None, wanted: Span, size: int, account: str, *, ranged: bool
) -> Span:
    """Which bytes of a file of `size` bytes a good answer carries.

    `length` is the body's length as framed, None when the framing tells none. Raises RangeIgnored
    when a part was asked for and the whole comes; BadReply when the numbers contradict the request.
    """
    if head.status == 200:
        span = Span(0, size)
        if ranged and (wanted.start > 0 or wanted.end < size):
            raise RangeIgnored
    else:
        match = _CONTENT_RANGE.fullmatch(head.headers.get("content-range", "").strip())
        if match is None:
            raise BadReply(f"{account} sent a part without saying which.")
        span = Span(int(match[1]), int(match[2]) + 1)
        total = match[3]
        if span != wanted or (total != "*" and int(total) != size):
            raise BadReply(f"{account} sent another part than was asked for.")
    if length is not None and length != span.end - span.start:
        raise BadReply(f"{account} announced another length than the file has.")
    return span
