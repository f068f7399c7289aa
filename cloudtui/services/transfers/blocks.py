"""Whether the bytes that an earlier run left in a part are still the ones it noted.

Ranges are noted with a checksum of each block. A part lies on the disk under a name that anybody
may touch, so what is taken up again is read and compared beside the rest of the transfer, and what
differs is fetched anew. Proof against somebody who means harm are the digests of the whole.
"""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from cloudtui.services.storage import DiskWrite, Receipt
from cloudtui.services.transfers.exchange import buffer
from cloudtui.services.transfers.ondisk import on_disk
from cloudtui.services.transfers.positioned import read_at
from cloudtui.services.transfers.ranges import BLOCK
from cloudtui.services.transfers.sums import Piece, Sum, new_sum, sum_like
from cloudtui.services.transfers.threads import settled
from cloudtui.services.transfers.work import Work


def noted(
    fd: int, number: int, spans: Iterable[tuple[int, int]], known: Mapping[int, Piece]
) -> list[Receipt]:
    """Receipts for what stands in the file at `spans`, a block each, from `number` on. Pieces that
    are `known` by where they start are not read again. Blocks."""
    receipts: list[Receipt] = []
    starts = sorted(known)
    for start, end in spans:
        at = start
        while at < end:
            piece = known.get(at)
            if piece is not None and piece.end <= min(end, at + BLOCK):
                length, tag = piece.end - at, piece.tag
            else:
                following = bisect_right(starts, at)
                most = starts[following] if following < len(starts) else end
                length = min(BLOCK, end - at, most - at)
                tag = _tag(fd, at, length, new_sum())
            receipts.append(Receipt(number + len(receipts), at, length, tag))
            at += length
    return receipts


def _tag(fd: int, start: int, length: int, sum_: Sum, stopped: Callable[[], bool] = bool) -> str:
    """Empty when the file ends before, or when stopped."""
    view, at, end = buffer(), start, start + length
    while at < end and not stopped():
        got = read_at(fd, view[: min(len(view), end - at)], at)
        if got == 0:
            break
        sum_.update(view[:got])
        at += got
    return sum_.tag() if at == end else ""


class Doubt:
    """Compares what an earlier run left, beside the transfer of the rest. An async context manager:
    leaving it ends the reading."""

    def __init__(self, work: Work, handle: DiskWrite) -> None:
        self._work = work
        self._handle = handle
        self._ended = threading.Event()
        self._task: asyncio.Task[list[tuple[int, int]]] | None = None

    async def __aenter__(self) -> Self:
        if self._work.done:
            await on_disk(self._work.pump, self._handle.fd)  # from here on it only gives the number
            self._task = asyncio.create_task(self._work.pump.hashing.run(self._read, self._end))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._end()
            await settled(self._task)
            if not self._task.cancelled():
                self._task.exception()  # marks it as seen: whoever left had a reason of their own

    async def damaged(self) -> list[tuple[int, int]]:
        """The ranges that are no longer what was noted. Raises Interrupted, the disk's refusals."""
        if self._task is None:
            return []
        undo = self._work.stop.on_set(self._ended.set)
        try:
            found = await asyncio.shield(self._task)
        finally:
            undo()
        self._work.stop.check()
        return found

    def _end(self) -> bool:
        self._ended.set()
        return False

    def _read(self) -> list[tuple[int, int]]:
        fd, size = self._handle.fd(), self._work.facts.size
        bad: list[tuple[int, int]] = []
        for each in self._work.done:
            if self._ended.is_set():
                break
            tag = _tag(fd, each.offset, each.length, sum_like(each.tag), self._ended.is_set)
            if not tag or tag != each.tag:
                bad.append((max(0, each.offset), min(size, each.offset + each.length)))
        return bad
