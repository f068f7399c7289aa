"""Fetching the missing bytes of one file into an open part.

Several connections pull blocks from one queue; a block that breaks goes on where it stopped. When
the server ignores ranges everything comes as one stream. Decides nothing about the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import BadReply, CloudError
from cloudtui.services.failpoints import failpoint
from cloudtui.services.transfers.answers import RangeIgnored, StaleLink
from cloudtui.services.transfers.digest import Landing
from cloudtui.services.transfers.durable import Durability
from cloudtui.services.transfers.groups import first_error
from cloudtui.services.transfers.lanes import FIRST, Lanes, Take
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.patience import Patience
from cloudtui.services.transfers.ranges import BlockQueue
from cloudtui.services.transfers.sinks import FileSink, GapSink
from cloudtui.services.transfers.tickets import Tickets
from cloudtui.services.transfers.work import Work

PARALLEL_FROM: Final = 8 * 1024 * 1024
"""Smaller files come over one connection: another one costs two to three round trips."""


class Receiving(Struct, frozen=True):
    """One pass over what is missing. `watch` sees every piece in order, over one connection;
    `durability` is told of landed ranges (None: nobody needs to know)."""

    work: Work
    tickets: Tickets
    fd: Callable[[], int]
    landing: Landing
    meter: Meter
    durability: Durability | None = None
    watch: Callable[[int, memoryview], None] | None = None

    async def run(self) -> None:
        """Fetch. Raises CloudErrors; what landed stays landed."""
        try:
            await self._in_blocks()
        except RangeIgnored:
            await self._in_one_stream()

    async def _in_blocks(self) -> None:
        size = self.tickets.size
        ticket = self.tickets.latest
        held = self.landing.snapshot()
        most = min(ticket.connections, self.work.connections)
        if size < PARALLEL_FROM or self.watch is not None or most <= 1:
            await self._drain(BlockQueue(size, held, 1).take)
            return
        if not ticket.ranges:
            raise RangeIgnored
        first = min(FIRST, most)
        queue = BlockQueue(size, held, first)
        try:
            async with asyncio.TaskGroup() as group:
                Lanes(group, queue, self._drain, self.meter, most).start(first)
        except BaseExceptionGroup as exc:
            raise first_error(exc) from exc

    async def _drain(self, take: Take) -> None:
        while (block := take()) is not None:
            start, end = block
            patience = self.work.patience()
            while start < end:
                sink = FileSink(self.fd, self.watch, summed=self._summed)
                try:
                    await self._attempt(start, end - start, sink, patience)
                finally:
                    start += sink.received

    @property
    def _summed(self) -> bool:
        """Whether checksums will be noted: of small files they are only when something fails."""
        return self.durability is not None and self.tickets.size >= PARALLEL_FROM

    async def _in_one_stream(self) -> None:
        size = self.tickets.size
        patience = self.work.patience()
        while (held := self.landing.snapshot()).total < size:
            await self._attempt(0, size, GapSink(self.fd, held, self.watch), patience)

    async def _attempt(
        self, start: int, length: int, sink: FileSink | GapSink, patience: Patience
    ) -> None:
        """One request. After a failure that may pass: waits, and leaves the rest to the caller."""
        self.work.stop.check()
        ticket = await self.tickets.current()
        stale = False
        error: CloudError | None = None
        self.landing.begin(sink, start)
        try:
            await self.work.pump.read_range(ticket, start, length, sink, self.meter, self.work.stop)
        except StaleLink as exc:
            error, stale = exc.cause, True
        except CloudError as exc:
            error = exc
        finally:
            self.landing.end(sink)
        if sink.fresh:
            patience.renew()
            failpoint("mover.part_received")
            if self.durability is not None:
                if isinstance(sink, FileSink):
                    self.durability.know(sink.pieces())
                self.durability.landed()
        if error is None:
            return
        if stale:
            self.tickets.spoil(ticket)
            await patience.again_fresh(error)
            return
        if patience.failures or isinstance(error, BadReply):
            self.tickets.spoil(ticket)  # a second failure in a row: perhaps it is the link
        await patience.again(error)
