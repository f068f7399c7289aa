"""How fast an account is asked: a rate that finds the service's limit by itself.

Starts at the documented rate, doubles each second until the first rejection, then halves and
grows by one call per second each second. One `Pace` per account and process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Pace:
    """Admits calls; told by its users when the service rejected one.

    `rate` is calls per second to begin with, `ceiling` the most ever, `concurrency` how many may
    be under way at once. Up to a second's worth of calls may go in one burst.
    """

    def __init__(self, *, rate: float, ceiling: float, concurrency: int) -> None:
        self.rate = rate
        self.ceiling = ceiling
        self._slots = asyncio.Semaphore(concurrency)
        self._doubling = True
        self._grown_at: float | None = None
        self._next = 0.0
        self._closed_until = 0.0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a turn and hold one of the concurrent places."""
        async with self._slots:
            await self._turn()
            yield

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._grow(now)
        start = max(self._next, now - 1.0, self._closed_until)
        self._next = start + 1.0 / self.rate
        while start > now:
            await asyncio.sleep(start - now)
            now = loop.time()
            start = max(start, self._closed_until)

    def _grow(self, now: float) -> None:
        if self._grown_at is None:
            self._grown_at = now
            return
        passed = now - self._grown_at
        if passed < 1.0:
            return
        steps = int(passed)
        self._grown_at += steps
        grown = self.rate * 2.0 ** min(steps, 10) if self._doubling else self.rate + steps
        self.rate = min(self.ceiling, grown)

    def rejected(self, after: float | None = None) -> None:
        """The service asked to slow down; `after` holds all calls back for that many seconds."""
        now = asyncio.get_running_loop().time()
        if now < self._closed_until:
            return
        self._doubling = False
        self.rate = max(0.5, self.rate / 2)
        self._grown_at = now
        self._closed_until = now + (after if after is not None else 1.0 / self.rate)
