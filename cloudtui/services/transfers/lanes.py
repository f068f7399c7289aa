"""How many connections one file comes over: a few at first, more while they make it faster, one
alone where this process is short of processor time.

Connections are for lines with delay and loss. On a line that brings more than a processor can open
and write, each further one costs time: its thread competes for the interpreter at every one of
65,000 records in a GiB, which was a fifth of the time and a quarter of the processor time there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.ranges import BlockQueue

Take = Callable[[], tuple[int, int] | None]
"""The next block for a lane; None when it is not needed any more."""

FIRST: Final = 4
_MORE: Final = 2
_GROWTH: Final = 1.1
_GROW_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.02
"""Shorter than this says nothing about the use of the processor."""
_BUSY: Final = 0.8
"""Share of one processor from which this process counts as short of it."""
_SLOWER: Final = 0.8
"""A lane alone that brings less than this share of what all brought gets the others back."""


class Effort:
    """What this process spends and gets between two looks. Clocks in seconds; `count` in bytes."""

    def __init__(
        self,
        count: Callable[[], int],
        *,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self._count, self._clock, self._cpu = count, clock, cpu
        self._last = self._now()

    def _now(self) -> tuple[float, float, int]:
        return self._clock(), self._cpu(), self._count()

    def restart(self) -> None:
        """What was before does not count."""
        self._last = self._now()

    def look(self) -> tuple[float, float] | None:
        """Share of one processor and bytes per second since the last look that told something;
        None too soon after it."""
        now = self._now()
        seconds = now[0] - self._last[0]
        if seconds < _LOOK_SECONDS:
            return None
        used, came = now[1] - self._last[1], now[2] - self._last[2]
        self._last = now
        return used / seconds, came / seconds


class Lanes:
    """The connections of one file. `drain` fetches blocks as `Take` gives them until it gives
    none."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        queue: BlockQueue,
        drain: Callable[[Take], Awaitable[None]],
        meter: Meter,
        most: int,
        effort: Effort | None = None,
    ) -> None:
        self._group = group
        self._queue = queue
        self._drain = drain
        self._meter = meter
        self._most = most
        self._running = 0
        self._wanted = 0
        self._together = 0.0
        """Bytes per second that all lanes brought, once one is to try alone."""
        self._alone = False
        """The others have left, and it shows from now on what one does."""
        self._settled = False
        self._effort = effort or Effort(lambda: meter.wired)
        self._watcher: asyncio.Task[None] | None = None

    def start(self, count: int) -> None:
        """Open the first connections."""
        self._wanted = count
        self._add(count)
        if count < self._most:
            self._watcher = self._group.create_task(self._grow())

    def _add(self, count: int) -> None:
        for _ in range(count):
            self._running += 1
            self._group.create_task(self._lane())

    async def _lane(self) -> None:
        try:
            await self._drain(self._take)
        finally:
            self._running -= 1
            if self._running == 0 and self._watcher is not None:
                self._watcher.cancel()

    def _take(self) -> tuple[int, int] | None:
        self._weigh()
        if self._running > self._wanted:
            return None
        return self._queue.take(alone=self._wanted == 1)

    def _weigh(self) -> None:
        """Whether one lane does better alone, tried once."""
        if self._settled or self._running > self._wanted:
            return
        found = self._effort.look()
        if self._wanted == 1 and not self._alone:
            self._alone = True
            self._effort.restart()
            return
        if found is None:
            return
        share, rate = found
        if self._wanted > 1:
            if share >= _BUSY:
                self._together, self._wanted = rate, 1
            return
        self._settled = True
        if share < _BUSY and rate < self._together * _SLOWER:
            self._wanted = min(FIRST, self._most)
            self._add(self._wanted - 1)

    async def _grow(self) -> None:
        """Two more each second while the rate grows by a tenth; on a fast clean line more than
        that was measured to cost speed."""
        best = 0.0
        before = self._meter.wired
        while self._running < self._most:
            await asyncio.sleep(_GROW_SECONDS)
            now = self._meter.wired
            rate, before = float(now - before), now
            if rate < best * _GROWTH or self._queue.empty or self._wanted == 1:
                return
            best = rate
            more = min(_MORE, self._most - self._running)
            self._wanted = self._running + more
            self._add(more)
