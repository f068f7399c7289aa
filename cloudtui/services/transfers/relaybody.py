"""A request body that is itself being downloaded: bytes pass through one buffer.

One pump thread reads and sends in turns, so a relay needs no memory beyond its buffer and can
never wait for a thread of its own kind. A source connection that breaks is opened again where it
stopped; a link that expired ends the attempt, since renewing it is the event loop's work.
"""

from __future__ import annotations

import contextlib
import time

from cloudtui.services.errors import NotSupported
from cloudtui.services.storage import ReadTicket
from cloudtui.services.transfers.answers import RangeIgnored, Span, transport_error
from cloudtui.services.transfers.connection import Broken, Connection
from cloudtui.services.transfers.exchange import Talk
from cloudtui.services.transfers.meter import Lane
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.stop import Flight, interrupted

_REOPENS = 3


class RelayBody:
    """`length` bytes from `offset` of a remote file."""

    def __init__(self, pump: Pump, ticket: ReadTicket, offset: int, length: int) -> None:
        self.length = length
        self.received = 0
        self.down = 0
        """Bytes that came from the source, those of repeated requests included."""
        self._pump = pump
        self._ticket = ticket
        self._offset = offset
        self._talk: Talk | None = None
        self._open: contextlib.ExitStack | None = None
        self._connection: Connection | None = None
        self._failures = 0

    def start(self, flight: Flight) -> None:
        """Ask the source for the first byte on. Raises StaleLink, Offline, NotSupported."""
        self.end()
        flight.land()
        self._talk = Talk(flight, Lane())
        self.received = 0
        if self.length:
            self._connect()

    def read_into(self, view: memoryview) -> None:
        """Fill the view from the source. Raises StaleLink, Offline, Interrupted."""
        got = 0
        while got < len(view):
            try:
                got += self._more(view[got:])
            except OSError as exc:
                self._retry(exc)
                self.received += got
                try:
                    self._connect()
                finally:
                    self.received -= got
            else:
                self._failures = 0
        self.received += got

    def end(self) -> None:
        """Give the source connection back, or close it when bytes are left on it."""
        stack, self._open, self._connection = self._open, None, None
        if stack is not None:
            stack.close()

    def _more(self, view: memoryview) -> int:
        if self._connection is None or self._talk is None:
            raise Broken("the body was not started")
        count = self._connection.fill(view, time.monotonic() + 0.25)
        if self._talk.flight.stopped:
            raise interrupted()
        if count == 0:
            raise Broken("the body ended early")
        self.down += count
        return count

    def _connect(self) -> None:
        self.end()
        if self._talk is None:
            return
        wanted = Span(self._offset + self.received, self._offset + self.length)
        stack = contextlib.ExitStack()
        try:
            self._connection, _ = stack.enter_context(
                self._pump.reading(self._ticket, wanted, self._talk)
            )
        except RangeIgnored as exc:
            raise NotSupported(
                "The source cannot be read in parts, which this way of copying needs.",
                hint="Copy the file to this disk first.",
            ) from exc
        self._open = stack

    def _retry(self, exc: OSError) -> None:
        if self._talk is not None:
            self._talk.flight.check()
        self._failures += 1
        if self._failures > _REOPENS:
            error = transport_error(exc, self._ticket.account, executed=False)
            raise error from exc
