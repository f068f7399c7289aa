"""The byte plane: blocking sockets on daemon threads, one connection each.

File bytes go here and nowhere else; the event loop only waits. Knows HTTP requests as providers
describe them, no provider; the mover decides what is fetched, sent and tried again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cloudtui.services.errors import BadReply, CloudError, Retry
from cloudtui.services.storage import PartReply, PartRequest, ReadTicket
from cloudtui.services.transfers.answers import (
    STALE,
    RangeIgnored,
    Slept,
    Span,
    StaleLink,
    read_error,
    span_of,
    transport_error,
)
from cloudtui.services.transfers.bandwidth import Bandwidth
from cloudtui.services.transfers.bodies import BodySource
from cloudtui.services.transfers.connection import Broken, Connection
from cloudtui.services.transfers.exchange import (
    BUFFER,
    Ask,
    Exchanger,
    LostAnswer,
    Talk,
    buffer,
    deadline,
)
from cloudtui.services.transfers.meter import Lane, Meter
from cloudtui.services.transfers.pool import ConnectionPool
from cloudtui.services.transfers.rooms import Rooms
from cloudtui.services.transfers.sinks import Sink
from cloudtui.services.transfers.stop import Flight, Stop, interrupted
from cloudtui.services.transfers.threads import Threads

if TYPE_CHECKING:
    from cloudtui.services.network import Network

__all__ = ["Bandwidth", "Meter", "Pump", "Stop"]

_MAX_REPLY = 4 * 1024 * 1024


class Pump:
    """Moves bytes for everybody in this process.

    `disk` and `hashing` are the threads for work that blocks on the disk or on the processor;
    long copies on the disk have threads of their own (`copying`), so that no commit waits for them.
    `bandwidth` limits everything that passes, `rooms` how many connections read from an account.
    """

    def __init__(self, network: Network, *, threads: int = 64) -> None:
        self.network = network
        self.bandwidth = Bandwidth()
        self.disk = Threads(4, "disk")
        self.copying = Threads(4, "copy")
        # More than cores: most of them wait for bytes to pass, and none may wait for another.
        self.hashing = Threads(max(16, os.cpu_count() or 1), "hash")
        self._threads = Threads(threads, "pump")
        self._pool = ConnectionPool()
        self._exchanger = Exchanger(network, self._pool)
        self._flights: set[Flight] = set()
        self.rooms = Rooms()

    def close(self) -> None:
        """Close idle connections and take no more work. What runs is ended by its own Stop."""
        self._pool.close()
        for each in (self._threads, self.disk, self.copying, self.hashing):
            each.close()

    def wake(self) -> None:
        """The machine slept: idle connections are closed, those in use are broken off, and their
        work goes on at once over fresh ones."""
        self._pool.drop()
        for flight in list(self._flights):
            flight.wake()

    @contextlib.contextmanager
    def _flight(self, stop: Stop) -> Iterator[Flight]:
        flight = stop.open()
        self._flights.add(flight)
        try:
            yield flight
        finally:
            self._flights.discard(flight)
            stop.close(flight)

    async def read_range(
        self,
        ticket: ReadTicket,
        offset: int,
        length: int,
        sink: Sink,
        meter: Meter,
        stop: Stop,
    ) -> None:
        """Fetch `length` bytes from `offset` into `sink`.

        A piece that arrived before a failure is in the sink and counted: `sink.received`. Asked
        for the whole file, no Range header is sent. Raises Offline and its kin, Interrupted, the
        sink's own errors; StaleLink when a fresh ticket may help; RangeIgnored when the server
        sends the whole file for a part (nothing was written then).
        """
        async with self.rooms.enter(ticket, stop):
            await self._fetch(ticket, Span(offset, offset + length), sink, meter, stop)

    async def _fetch(
        self, ticket: ReadTicket, wanted: Span, sink: Sink, meter: Meter, stop: Stop
    ) -> None:
        with self._flight(stop) as flight:
            lane = meter.open()
            talk = Talk(flight, lane, (self.bandwidth, *meter.limits))
            try:
                await self._threads.run(lambda: self._read(ticket, wanted, sink, talk), flight.end)
            finally:
                meter.close(lane)

    async def send(
        self, request: PartRequest, source: BodySource, meter: Meter, stop: Stop
    ) -> PartReply:
        """Send a part and read the whole answer, whatever its status.

        The part counts in `meter` once an answer came; after a failure it does not. Raises
        Offline and its kin (`Retry.RECONCILE` when the request may have taken effect),
        Interrupted, the source's own errors.
        """
        with self._flight(stop) as flight:
            lane = meter.open()
            talk = Talk(flight, lane, (self.bandwidth, *meter.limits))
            answered = False
            try:
                reply = await self._threads.run(
                    lambda: self._send(request, source, talk), flight.end
                )
                answered = True
                return reply
            finally:
                meter.close(lane, keep=answered)

    # --- on pump threads ---------------------------------------------------------------------

    def _read(self, ticket: ReadTicket, wanted: Span, sink: Sink, talk: Talk) -> None:
        with self.reading(ticket, wanted, talk) as (connection, span):
            talk.flight.land()
            try:
                self._receive(connection, span, sink, talk)
            except OSError as exc:
                raise self._broken(exc, talk, ticket.account, executed=False) from exc

    def _receive(self, connection: Connection, span: Span, sink: Sink, talk: Talk) -> None:
        view = buffer()
        flight, lane = talk.flight, talk.lane
        at, end = span.start, span.end
        while at < end:
            got = connection.fill(view[: min(end - at, talk.piece(BUFFER))], deadline())
            if flight.stopped:
                raise interrupted()
            if got == 0:
                raise Broken("the body ended early")
            lane.wired += got
            lane.done += sink.write(at, view[:got])
            at += got
            talk.spend(got)
        if connection.length is None and connection.fill(view[:1], deadline()):
            raise BadReply("The service sent more bytes than the file has.")

    def _send(self, request: PartRequest, source: BodySource, talk: Talk) -> PartReply:
        ask = Ask(
            request.account,
            request.method,
            request.url,
            request.headers,
            source,
            request.head,
            request.tail,
        )
        answered = False
        try:
            with self._exchanger.exchange(ask, talk) as (connection, head):
                answered = True
                body = connection.read_all(_MAX_REPLY)
                return PartReply(head.status, head.headers, body)
        except OSError as exc:
            executed = answered or isinstance(exc, LostAnswer)
            raise self._broken(exc, talk, request.account, executed=executed) from exc
        finally:
            source.end()

    @contextlib.contextmanager
    def reading(
        self, ticket: ReadTicket, wanted: Span, talk: Talk
    ) -> Iterator[tuple[Connection, Span]]:
        """Stand before the bytes `wanted` of a file (pump threads only).

        The ticket's URLs are tried in order while no server answers. Raises as `read_range`.
        """
        ranged = (wanted.start, wanted.end) != (0, ticket.size)
        if ranged and not ticket.ranges:
            raise RangeIgnored
        headers = ticket.headers
        if ranged:
            headers = (*headers, ("Range", f"bytes={wanted.start}-{wanted.end - 1}"))
        with contextlib.ExitStack() as stack:
            connection, head = None, None
            failure: OSError | None = None
            for url in ticket.urls:
                ask = Ask(ticket.account, "GET", url, headers, way=ticket.way)
                try:
                    connection, head = stack.enter_context(self._exchanger.exchange(ask, talk))
                    break
                except OSError as exc:
                    talk.flight.check()
                    failure = exc
            if connection is None or head is None:
                if failure is None:
                    words = f"{ticket.account} gave no address for this file's content."
                    raise BadReply(words)
                raise self._broken(failure, talk, ticket.account, executed=False) from failure
            if head.status not in (200, 206):
                connection.drain()
                error = read_error(head, ticket.account)
                if head.status in STALE:
                    raise StaleLink(error)
                raise error
            span = span_of(
                head, connection.length, wanted, ticket.size, ticket.account, ranged=ranged
            )
            yield connection, span

    @staticmethod
    def _broken(exc: OSError, talk: Talk, account: str, *, executed: bool) -> CloudError:
        talk.flight.check()
        error = transport_error(exc, account, executed=executed)
        if talk.flight.woke and error.retry is not Retry.NEVER:
            return Slept(error.text, hint=error.hint, retry=error.retry)
        return error

    def talk(self, flight: Flight, lane: Lane) -> Talk:
        """What a relayed read inside an upload brings along: no limits, the upload pays."""
        return Talk(flight, lane)
