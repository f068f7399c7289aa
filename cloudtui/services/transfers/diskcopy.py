"""From this disk to this disk: by the kernel where it can, else through a buffer.

The kernel shares blocks on file systems that know how to, and otherwise copies without carrying
the bytes through this process.
"""

from __future__ import annotations

import errno
import os
import threading
from typing import Final

from cloudtui.services.errors import Mismatch
from cloudtui.services.failpoints import failpoint
from cloudtui.services.hashes import hash_file
from cloudtui.services.models import HashType
from cloudtui.services.storage import DiskWrite, LocalFile
from cloudtui.services.transfers.blocks import Doubt
from cloudtui.services.transfers.bodies import source_shrank
from cloudtui.services.transfers.digest import Landing
from cloudtui.services.transfers.durable import Durability, ranges_of
from cloudtui.services.transfers.exchange import buffer
from cloudtui.services.transfers.localsource import OpenSource, open_local
from cloudtui.services.transfers.meter import Lane
from cloudtui.services.transfers.ondisk import on_disk
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.positioned import disk_error, read_at, write_at
from cloudtui.services.transfers.stop import Flight
from cloudtui.services.transfers.tickets import source_changed
from cloudtui.services.transfers.work import Moved, Work

_STEP: Final = 8 * 1024 * 1024
"""Bytes per kernel call: small enough that a stop is felt at once."""
_CANNOT: Final = frozenset(
    {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}
)


class _Gap:
    """One missing range on its way."""

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.received = 0


class DiskCopy:
    """Copies one file into a `DiskWrite`."""

    def __init__(self, work: Work, source: LocalFile, handle: DiskWrite) -> None:
        self._work = work
        self._source = source
        self._handle = handle
        self._by_kernel = hasattr(os, "copy_file_range")
        self._holes = source.sparse and hasattr(os, "SEEK_DATA")
        """Whether holes of the source are left out. What is missing of a part is zeros."""

    async def run(self) -> Moved:
        """Copy what is missing, watch the source, commit. Raises CloudErrors."""
        work = self._work
        if work.facts.size != self._source.size:
            raise source_changed()
        file = await on_disk(work.pump, lambda: open_local(self._source), "reading the file")
        try:
            target = await on_disk(work.pump, self._handle.fd)
            held = ranges_of(work)
            work.meter.restart(held.total)
            landing = Landing(held)
            sent = 0
            async with (
                Durability(work, self._handle, landing) as durability,
                Doubt(work, self._handle) as doubt,
            ):
                sent += await self._fill(file.fd, target, landing, durability)
                if bad := await doubt.damaged():
                    self._holes = False  # anything may stand there
                    durability.lose(bad)
                    work.meter.add(landing.snapshot().total - self._source.size)
                    sent += await self._fill(file.fd, target, landing, durability)
            file.check()
            checked = work.verify is Verify.STRICT and await self._compare(file, target)
        finally:
            file.close()
        work.stop.check()
        failpoint("mover.before_finish")
        entry = await on_disk(work.pump, lambda: self._handle.finish(work.facts))
        failpoint("mover.after_finish")
        return Moved(entry, checked, sent)

    async def _fill(
        self, source: int, target: int, landing: Landing, durability: Durability
    ) -> int:
        """Copy what is missing; how many bytes."""
        sent = 0
        for start, end in landing.snapshot().missing(0, self._source.size):
            gap = _Gap(start, end)
            await self._copy(source, target, gap, landing)
            sent += gap.received
            durability.landed()
        return sent

    async def _copy(self, source: int, target: int, gap: _Gap, landing: Landing) -> None:
        work = self._work
        flight = work.stop.open()
        lane = work.meter.open()
        landing.begin(gap, gap.start)
        try:
            await work.pump.copying.run(
                lambda: self._copy_gap(source, target, gap, flight, lane), flight.end
            )
        finally:
            landing.end(gap)
            work.meter.close(lane)
            work.stop.close(flight)
        failpoint("mover.part_received")

    def _copy_gap(self, source: int, target: int, gap: _Gap, flight: Flight, lane: Lane) -> None:
        flight.land()
        while (at := gap.start + gap.received) < gap.end:
            flight.check()
            data, end = self._extent(source, at, gap.end) if self._holes else (at, gap.end)
            if data > at:
                gap.received += data - at
                lane.done += data - at
                continue
            count = min(_STEP, end - at)
            copied = self._kernel_copy(source, target, at, count) if self._by_kernel else None
            if copied is None:
                copied = _buffer_copy(source, target, at, count)
            if copied == 0:
                raise source_shrank()
            gap.received += copied
            lane.done += copied
            for limit in self._work.meter.limits:
                flight.pause(limit.take(copied))

    def _extent(self, source: int, at: int, end: int) -> tuple[int, int]:
        """Where bytes of the source begin and end that are no hole, at or behind `at`."""
        try:
            data = os.lseek(source, at, os.SEEK_DATA)
            return min(data, end), min(os.lseek(source, data, os.SEEK_HOLE), end)
        except OSError as exc:
            if exc.errno == errno.ENXIO:  # a hole up to the end
                return end, end
            self._holes = False
            return at, end

    def _kernel_copy(self, source: int, target: int, at: int, count: int) -> int | None:
        """Bytes copied, None when this pair of file systems cannot."""
        try:
            return os.copy_file_range(source, target, count, at, at)
        except OSError as exc:
            if exc.errno not in _CANNOT:
                raise disk_error(exc, "writing the file") from exc
            self._by_kernel = False
            return None

    async def _compare(self, file: OpenSource, target: int) -> bool:
        """Read both files and compare; only on request, since the kernel copied them."""
        work, size = self._work, self._source.size
        ended = threading.Event()
        undo = work.stop.on_set(ended.set)

        def digest(fd: int) -> str:
            found = hash_file(fd, size, [HashType.SHA1], stop=ended.is_set)
            return found.get(HashType.SHA1, "")

        def work_of() -> bool:
            return digest(file.fd) == digest(target) != ""

        def end() -> bool:
            ended.set()
            return False

        try:
            equal = await work.pump.hashing.run(work_of, end)
        finally:
            undo()
        work.stop.check()
        file.check()
        if not equal:
            name = await on_disk(work.pump, self._handle.keep_bad)
            raise Mismatch(
                f"The copy differs from its source; it was kept as {name}.",
                hint="Check the disk.",
            )
        return True


def _buffer_copy(source: int, target: int, at: int, count: int) -> int:
    view = buffer()[:count]
    got = read_at(source, view, at)
    write_at(target, view[:got], at)
    return got
