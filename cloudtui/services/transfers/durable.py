"""When received bytes count: after the disk says they are safe.

Every 64 MiB or five seconds the part is synced and the new ranges are told, in that order, so a
range that was told survives the loss of power. Not when all will have arrived before the disk is
through: then nobody would profit and the end would have to wait. Used by everything that fills a
file on this disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Final

from cloudtui.services.errors import CloudError
from cloudtui.services.failpoints import failpoint
from cloudtui.services.storage import DiskWrite
from cloudtui.services.transfers.blocks import noted
from cloudtui.services.transfers.digest import Landing
from cloudtui.services.transfers.ondisk import on_disk
from cloudtui.services.transfers.ranges import Ranges
from cloudtui.services.transfers.sums import Piece
from cloudtui.services.transfers.threads import settled
from cloudtui.services.transfers.work import Work

SYNC_BYTES: Final = 64 * 1024 * 1024
SYNC_SECONDS: Final = 5.0
_DISK_RATE: Final = 200e6
"""Bytes per second a disk is believed to take before its first sync tells."""
_WATCHED: Final = 1024 * 1024
"""Smaller files are synced by their commit only; a task for each would cost more than it saves."""


def ranges_of(work: Work) -> Ranges:
    """What earlier receipts prove to be on disk, clipped to the file."""
    size = work.facts.size
    return Ranges((max(0, each.offset), min(size, each.offset + each.length)) for each in work.done)


class Durability:
    """Turns landed ranges into receipts. An async context manager around the receiving: on the
    way out, well or not, what has landed is made durable and told."""

    def __init__(self, work: Work, handle: DiskWrite, landing: Landing) -> None:
        self._work = work
        self._handle = handle
        self._landing = landing
        self._durable = landing.snapshot()
        self._number = 1 + max((each.number for each in work.done), default=-1)
        self._enough = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._began = time.monotonic()
        self._held = self._durable.total
        self._disk_rate = _DISK_RATE
        self._keeper: asyncio.Task[None] | None = None
        self._failure: CloudError | None = None
        self._pieces: dict[int, Piece] = {}
        """What arrived since the last sync, by where it starts."""

    async def __aenter__(self) -> Durability:
        if self._work.facts.size >= _WATCHED:
            self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await settled(self._keeper)
        if kind is not None:
            # The transfer failed or was stopped: what can be saved for the next try is saved; the
            # error on its way out matters more than one of saving.
            saving = asyncio.create_task(self.flush())
            await settled(saving)
            with contextlib.suppress(CloudError):
                saving.result()

    def lose(self, spans: Iterable[tuple[int, int]]) -> None:
        """What was durable there is not what it should be, and arrives anew."""
        lost = Ranges(spans)
        self._landing.lose(lost)
        self._durable = Ranges(self._durable.without(lost))

    def know(self, pieces: Mapping[int, Piece]) -> None:
        """These landed, by where they start: they need not be read from the disk to be noted."""
        self._pieces.update(pieces)

    def landed(self) -> None:
        """Something arrived; sync early when much is waiting. Raises what a sync in the
        background ran into."""
        if self._failure is not None:
            raise self._failure
        if self._landing.snapshot(whole=True).total - self._durable.total >= SYNC_BYTES:
            self._enough.set()

    async def flush(self, *, whole: bool = False) -> None:
        """Make all that has landed durable and tell it; with `whole` only ranges that are through,
        whose checksums are known. Raises the disk's refusals."""
        async with self._flushing:
            picture = self._landing.snapshot(whole=whole)
            fresh = picture.without(self._durable)
            if not fresh:
                return
            known, self._pieces = self._pieces, {}
            before = time.monotonic()
            await on_disk(self._work.pump, self._handle.sync)
            seconds = time.monotonic() - before
            fd, number = self._handle.fd, self._number
            receipts = await on_disk(self._work.pump, lambda: noted(fd(), number, fresh, known))
            waiting = picture.total - self._durable.total
            self._disk_rate = max(1e6, waiting / max(seconds, 0.001))
            failpoint("mover.range_durable")
            for start, end in fresh:
                self._durable.add(start, end)
            for receipt in receipts:
                self._work.on_receipt(receipt)
            self._number += len(receipts)

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SYNC_SECONDS):
                    await self._enough.wait()
            much = self._enough.is_set()
            self._enough.clear()
            if self._nearly_through():
                continue
            try:
                await self.flush(whole=much)
            except CloudError as exc:
                self._failure = exc  # raised where the next range lands
                return

    def _nearly_through(self) -> bool:
        """Whether the rest will arrive sooner than the disk would be through with a sync."""
        landed = self._landing.snapshot().total
        seconds = time.monotonic() - self._began
        rate = (landed - self._held) / max(seconds, 0.001)
        if rate <= 0:
            return False
        waiting = landed - self._durable.total
        return (self._work.facts.size - landed) / rate < waiting / self._disk_rate
