"""One request and the head of its answer, over a pooled or a fresh connection.

Owns redirects, the one free replacement of a dead idle connection, and answers that arrive before
the body was sent. Blocking: for pump threads. Network failures leave as `OSError`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from msgspec import Struct
from msgspec.structs import replace

from cloudtui.services.errors import BadReply
from cloudtui.services.transfers.bandwidth import Bandwidth
from cloudtui.services.transfers.bodies import BodySource
from cloudtui.services.transfers.connection import Connection, Head
from cloudtui.services.transfers.meter import Lane
from cloudtui.services.transfers.origin import Origin, target_of
from cloudtui.services.transfers.pool import ConnectionPool
from cloudtui.services.transfers.stop import Flight
from cloudtui.services.way import Way

if TYPE_CHECKING:
    from cloudtui.services.network import Network

BUFFER = 512 * 1024
"""Bytes per read or write of a file. Each round of reading, opening and writing costs 30 µs beside
its bytes: 256 KiB cost a tenth more processor time, 1 MiB saves too little for its memory."""

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOR_ANYBODY = frozenset({"accept", "accept-encoding", "content-type", "if-range", "range"})
"""Headers that another origin may see. A list of what to hide would miss the next one: storage
credentials stand in headers of their own."""
_ONE_WRITE = 64 * 1024
_EARLY_SECONDS = 2.0

_local = threading.local()


def buffer() -> memoryview:
    """This thread's own reused buffer of `BUFFER` bytes."""
    view: memoryview | None = getattr(_local, "buffer", None)
    if view is None:
        view = memoryview(bytearray(BUFFER))
        _local.buffer = view
    return view


class Ask(Struct, frozen=True):
    """A request. `headers` win over the usual ones. `head` and `tail` frame the body."""

    account: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: BodySource | None = None
    head: bytes = b""
    tail: bytes = b""
    way: Way | None = None

    def __repr__(self) -> str:
        return f"Ask({self.account!r}, {self.method!r}, {self.content_length} bytes)"

    @property
    def content_length(self) -> int:
        """Bytes of the whole body."""
        return len(self.head) + (self.body.length if self.body else 0) + len(self.tail)


class Talk(Struct, frozen=True):
    """What one piece of work brings along: its flight, its counter, its limits."""

    flight: Flight
    lane: Lane
    limits: Sequence[Bandwidth] = ()

    def spend(self, count: int) -> None:
        """Pay for `count` bytes with time where there is a limit. Raises Interrupted."""
        for limit in self.limits:
            seconds = limit.take(count)
            if seconds > 0:
                self.flight.pause(seconds)

    def piece(self, largest: int) -> int:
        """How many bytes to move at once."""
        for limit in self.limits:
            largest = limit.piece(largest)
        return largest


class LostAnswer(ConnectionError):
    """The whole request was sent and no answer came: it may have taken effect."""


class Exchanger:
    """Makes requests for all pump threads."""

    def __init__(self, network: Network, pool: ConnectionPool) -> None:
        self._network = network
        self._pool = pool

    @contextlib.contextmanager
    def exchange(self, ask: Ask, talk: Talk) -> Iterator[tuple[Connection, Head]]:
        """Send `ask` and stand before the body of its answer.

        On the way out the connection goes back to the pool when the answer was read to its end,
        else it is closed. Raises OSError (LostAnswer when the request may have been executed),
        BadReply, Refused, Interrupted.
        """
        self._network.require_safe(ask.url, ask.url)
        connection, head = self._follow(ask, talk)
        try:
            yield connection, head
        except BaseException:
            self._discard(connection, talk)
            raise
        self._give_back(ask, connection, talk)

    def _follow(self, ask: Ask, talk: Talk) -> tuple[Connection, Head]:
        before = talk.lane.done
        for _ in range(_MAX_REDIRECTS + 1):
            talk.lane.done = before
            connection, head = self._attempt(ask, talk)
            location = head.headers.get("location")
            repeatable = ask.body is None or head.status in (307, 308)
            if head.status not in _REDIRECTS or location is None or not repeatable:
                return connection, head
            if connection.drain():
                self._give_back(ask, connection, talk)
            else:
                self._discard(connection, talk)
            ask = self._redirected(ask, location)
        raise BadReply(f"{ask.account} sent this program in circles.")

    def _redirected(self, ask: Ask, location: str) -> Ask:
        try:
            url = urljoin(ask.url, location)
        except ValueError as exc:
            raise BadReply(f"{ask.account} named an address that is no web address.") from exc
        self._network.require_safe(url, ask.url)
        headers = ask.headers
        if Origin.of(url) != Origin.of(ask.url):
            headers = tuple(pair for pair in headers if pair[0].lower() in _FOR_ANYBODY)
        return replace(ask, url=url, headers=headers)

    def _attempt(self, ask: Ask, talk: Talk) -> tuple[Connection, Head]:
        origin = Origin.of(ask.url)
        connection = self._pool.take(ask.account, origin, ask.way)
        if connection is not None:
            before = talk.lane.done
            try:
                talk.flight.hold(connection.sock)
                return connection, self._talk(connection, ask, talk)
            except OSError:
                # A server may close an idle connection at any time: one fresh connection is
                # free, unless the request may have been executed and must not be repeated.
                executed = connection.sent and ask.body is not None
                self._discard(connection, talk)
                talk.lane.done = before
                talk.flight.check()
                if executed:
                    raise
            except BaseException:
                self._discard(connection, talk)
                raise
        connection = Connection.open(origin, self._network, talk.flight, ask.way)
        try:
            return connection, self._talk(connection, ask, talk)
        except BaseException:
            self._discard(connection, talk)
            raise

    def _talk(self, connection: Connection, ask: Ask, talk: Talk) -> Head:
        headers = {
            "host": ("Host", connection.origin.authority),
            "user-agent": ("User-Agent", self._network.user_agent),
            "accept": ("Accept", "*/*"),
            "accept-encoding": ("Accept-Encoding", "identity"),
        }
        for name, value in ask.headers:
            headers[name.lower()] = (name, value)
        if ask.body is not None or ask.method in ("PUT", "POST"):
            headers["content-length"] = ("Content-Length", str(ask.content_length))
        target = target_of(ask.url)
        try:
            self._send(connection, ask, target, list(headers.values()), talk)
        except OSError:
            head = self._early_answer(connection, ask, talk)
            if head is None:
                raise
            return head
        connection.sent = True
        try:
            head = connection.read_head(method=ask.method)
        except OSError as exc:
            raise LostAnswer(str(exc)) from exc
        self._network.clock.note(connection.origin.host, head.headers.get("date"))
        return head

    def _send(
        self,
        connection: Connection,
        ask: Ask,
        target: str,
        headers: list[tuple[str, str]],
        talk: Talk,
    ) -> None:
        body, lane = ask.body, talk.lane
        if body is None:
            connection.send_head(ask.method, target, headers, ask.head + ask.tail)
            return
        view = buffer()
        body.start(talk.flight)
        length = body.length
        first = b""
        if length + len(ask.head) + len(ask.tail) <= _ONE_WRITE:
            body.read_into(view[:length])
            first = b"".join((ask.head, view[:length], ask.tail))
            connection.send_head(ask.method, target, headers, first)
            lane.done += length
            lane.wired += length
            talk.spend(length)
            return
        connection.send_head(ask.method, target, headers, ask.head)
        left = length
        while left:
            piece = view[: min(left, talk.piece(BUFFER))]
            body.read_into(piece)
            talk.flight.check()
            connection.send(piece)
            count = len(piece)
            left -= count
            lane.done += count
            lane.wired += count
            talk.spend(count)
        if ask.tail:
            connection.send(memoryview(ask.tail))

    def _early_answer(self, connection: Connection, ask: Ask, talk: Talk) -> Head | None:
        """What the server said before it closed its ears; None when it said nothing."""
        if talk.flight.stopped or ask.body is None:
            return None
        connection.spoil()
        try:
            connection.sock.settimeout(_EARLY_SECONDS)
            head = connection.read_head(method=ask.method)
        except OSError:
            return None
        connection.spoil()
        return head if head.status >= 400 else None

    def _give_back(self, ask: Ask, connection: Connection, talk: Talk) -> None:
        if not connection.reusable or talk.flight.stopped:
            self._discard(connection, talk)
            return
        talk.flight.release(connection.sock)
        self._pool.give(ask.account, connection)

    def _discard(self, connection: Connection, talk: Talk) -> None:
        talk.flight.release(connection.sock)
        connection.close()


def deadline() -> float:
    """Until when one `fill` may go on: a quarter of a second keeps slow lines moving visibly."""
    return time.monotonic() + 0.25
