"""The current ticket of a source, renewed when it stops working.

Many connections read through one ticket; when it expires one of them renews it for all. A renewed
ticket must be of the same content, or the transfer ends: parts of two versions never meet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from cloudtui.services.errors import BadReply, CloudError, SourceChanged
from cloudtui.services.network import ServerClock
from cloudtui.services.retry import Retries
from cloudtui.services.storage import ReadSource, ReadTicket
from cloudtui.services.transfers.origin import Origin
from cloudtui.services.transfers.patience import OnWait, Patience
from cloudtui.services.transfers.stop import Stop

_MARGIN = 10.0
_YOUNG = 5.0


def source_changed() -> SourceChanged:
    """The error for a remote source whose content is another one now."""
    return SourceChanged(
        "The file was changed at its source meanwhile; the copy was not finished.",
        hint="Start again to copy the new content.",
    )


async def open_patiently(
    open_source: Callable[[], Awaitable[ReadSource]],
    retries: Retries,
    stop: Stop,
    on_wait: OnWait | None,
) -> ReadSource:
    """The source, asked for as often as its errors allow."""
    patience = Patience(retries, stop, on_wait)
    while True:
        stop.check()
        try:
            return await open_source()
        except CloudError as exc:
            await patience.again(exc)


class Tickets:
    """Hands out the ticket to read with."""

    def __init__(
        self,
        first: ReadTicket,
        open_source: Callable[[], Awaitable[ReadSource]],
        clock: ServerClock,
        retries: Retries,
        stop: Stop,
        on_wait: OnWait | None = None,
    ) -> None:
        self.size = first.size
        self._clock = clock
        self._ticket = first
        self._born = time.monotonic()
        self._spoiled = False
        self._timed = not self._past(first)
        """Expiry times make sense by our clock: a ticket that is born expired shows they do not."""
        self._open_source = open_source
        self._retries = retries
        self._stop = stop
        self._on_wait = on_wait
        self._lock = asyncio.Lock()

    @property
    def latest(self) -> ReadTicket:
        """The newest ticket, whether it still works or not: for what it says about the file."""
        return self._ticket

    async def current(self) -> ReadTicket:
        """A ticket that should work. Raises SourceChanged, or what the provider raises."""
        async with self._lock:
            if self._spoiled or self._expired():
                await self._renew()
            return self._ticket

    def spoil(self, ticket: ReadTicket) -> None:
        """`ticket` did not work: the next one who asks gets a fresh one."""
        if ticket is self._ticket:
            self._spoiled = True

    def _expired(self) -> bool:
        # A service whose links live for seconds only must not be asked for ever.
        old = time.monotonic() - self._born >= _YOUNG
        return old and self._timed and self._past(self._ticket)

    def _past(self, ticket: ReadTicket) -> bool:
        if ticket.expires_at is None or not ticket.urls:
            return False
        return self._clock.now(Origin.of(ticket.urls[0]).host) >= ticket.expires_at - _MARGIN

    async def _renew(self) -> None:
        fresh = await open_patiently(self._open_source, self._retries, self._stop, self._on_wait)
        if not isinstance(fresh, ReadTicket):
            raise BadReply("The source can no longer be read the way it was.")
        if fresh.size != self.size or fresh.version != self._ticket.version:
            raise source_changed()
        self._ticket = fresh
        self._timed = not self._past(fresh)
        self._born = time.monotonic()
        self._spoiled = False
