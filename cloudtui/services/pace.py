"""How fast an account is asked: slots and a rate that find the service's limits by themselves.

Two limits, both learned. Slots: as many calls under way as bring something, from eight upwards,
doubled while answers come as quickly as on a quiet line. Rate: doubled four times a second until
the first rejection; from then on it stands a little below the rate that was rejected and tries a
little more only after a few hundred calls, so that well under two in a hundred are refused. One
`Pace` per account and process; what it learned is kept by `PaceBook`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

FIRST_SLOTS: Final = 8
_STEP: Final = 0.25
"""Seconds between doublings before the first rejection, and the longest burst."""
_WINDOW: Final = 0.05
"""Shortest window over which latencies are compared, in seconds."""
_BASE_LIFE: Final = 30.0
"""Seconds a smallest latency counts as what the quiet line can do."""
_HOLD: Final = 10.0
"""Seconds without growth after more slots brought only longer waits."""
_HOLD_REFUSED: Final = 3.0
"""Seconds without more slots after a rejection."""
_LEAST: Final = 0.5
"""Calls a second that are always tried."""
_SETTLED: Final = 30
"""Calls accepted in a row after which a rejected rate tells the limit and not a spent burst."""
_RECOVER: Final = 0.02
"""Growth per accepted call below the rate that is known to go well: twice as fast in 35 calls."""
_CREEP: Final = 0.0002
"""Growth per accepted call above it: a rejection in some 250 calls. Doubled whenever as many
calls passed without one, in case the limit has gone."""
_CREEP_CALLS: Final = 250


class Pace:
    """Admits calls; told by its users when the service rejected one.

    `rate` is calls per second to begin with, `ceiling` the most ever, `concurrency` the most slots
    ever. `limit` is the rate known to be accepted (None: no rejection yet).
    """

    def __init__(
        self,
        *,
        rate: float,
        ceiling: float,
        concurrency: int,
        limit: float | None = None,
    ) -> None:
        self.rate = rate if limit is None else min(ceiling, limit)
        self.ceiling = ceiling
        self.concurrency = concurrency
        self.limit = limit
        self.slots = min(FIRST_SLOTS, concurrency)
        self.rejections = 0
        self._gate = asyncio.Lock()
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._latencies: list[float] = []
        self._crowded = False
        self._slow_windows = 0
        self._window_from = 0.0
        self._base = 0.0
        self._base_at = 0.0
        self._held_until = 0.0
        self._grown_at: float | None = None
        self._next = 0.0
        self._closed_until = 0.0
        self._recent: deque[float] = deque()
        self._accepted = 0
        """Calls since the last rejection."""
        self._above = 0
        """Calls since the rate reached `limit` again."""

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a turn and hold one of the concurrent places."""
        await self._enter()
        began = 0.0
        try:
            await self.turn()
            began = asyncio.get_running_loop().time()
            yield
        finally:
            self._leave(began)

    async def turn(self) -> None:
        """Wait for a turn alone: the request is made by somebody with places of his own."""
        loop = asyncio.get_running_loop()
        # One waits for the clock, the others for it, in order: a rejection meanwhile holds all.
        async with self._gate:
            while True:
                now = loop.time()
                self._grow(now)
                start = max(self._next, now - _STEP, self._closed_until)
                if start <= now:
                    break
                await asyncio.sleep(start - now)
            self._next = start + 1.0 / self.rate
        self._count(now)

    def rejected(self, after: float | None = None) -> None:
        """The service asked to slow down; `after` holds all calls back for that many seconds."""
        now = asyncio.get_running_loop().time()
        self.rejections += 1
        if now < self._closed_until:
            return  # one of those that were under way already
        while self._recent and self._recent[0] < now - 1.0:
            self._recent.popleft()
        # a few calls that were refused tell nothing about more calls than that a second
        span = now - self._recent[0] if self._recent else 1.0
        tried = min(self.rate, max(len(self._recent) / max(span, _WINDOW), FIRST_SLOTS))
        if self._accepted >= _SETTLED and self.limit is not None:
            # soon rejected again: still clearly above what is allowed
            keep = 0.95 if self._accepted >= _CREEP_CALLS // 2 else 0.85
            self.limit = max(_LEAST, tried * keep)
            self.rate = max(_LEAST, self.limit * 0.92)
        else:
            self.limit = tried
            self.rate = max(_LEAST, tried / 2)
        self.slots = max(2, self.slots // 2)
        self._held_until = now + _HOLD_REFUSED
        self._accepted = self._above = 0
        pause = after if after is not None else max(1.0 / self.rate, 2 * self._base)
        self._closed_until = now + pause
        self._next = self._closed_until

    # --- rate --------------------------------------------------------------------------------

    def _grow(self, now: float) -> None:
        """Before the first rejection: twice the rate each step that had calls."""
        if self.limit is not None:
            return
        if self._grown_at is None:
            self._grown_at = now
        elif now - self._grown_at >= _STEP:
            self._grown_at = now
            self.rate = min(self.ceiling, self.rate * 2)

    def _count(self, now: float) -> None:
        """A call goes out."""
        self._recent.append(now)
        if len(self._recent) > 4_000 or self._recent[0] < now - 2.0:
            self._recent.popleft()
        self._accepted += 1
        if self.limit is None:
            return
        if self.rate < self.limit:
            self.rate = min(self.limit, self.rate * (1 + _RECOVER))
        else:
            self._above += 1
            factor = 2 ** min(self._above // _CREEP_CALLS, 8)
            self.rate *= 1 + _CREEP * factor
        self.rate = min(self.rate, self.ceiling)

    # --- slots -------------------------------------------------------------------------------

    async def _enter(self) -> None:
        if self._busy < self.slots and not self._waiting:
            self._busy += 1
            return
        self._crowded = True
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._busy -= 1  # the place was given in the same moment
                self._admit()
            raise

    def _leave(self, began: float) -> None:
        self._busy -= 1
        if began:
            now = asyncio.get_running_loop().time()
            self._compare(now, now - began)
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._busy < self.slots:
            place = self._waiting.popleft()
            if not place.done():
                self._busy += 1
                place.set_result(None)

    def _compare(self, now: float, latency: float) -> None:
        """An answer came; at the end of a window see whether more slots pay."""
        if not self._base or latency < self._base or now - self._base_at > _BASE_LIFE:
            self._base, self._base_at = latency, now
        self._latencies.append(latency)
        if len(self._latencies) < 2 * self.slots or now - self._window_from < _WINDOW:
            return
        middle = sorted(self._latencies)[len(self._latencies) // 2]
        crowded, self._crowded = self._crowded or bool(self._waiting), False
        self._latencies = []
        self._window_from = now
        if middle > 2 * self._base:
            self._slow_windows += 1
            if self._slow_windows >= 2 and self.slots > FIRST_SLOTS:
                self.slots = max(FIRST_SLOTS, self.slots // 2)
                self._held_until = now + _HOLD
                self._slow_windows = 0
            return
        self._slow_windows = 0
        if crowded and now >= self._held_until and middle < 1.5 * self._base:
            self.slots = min(self.concurrency, self.slots * 2)
