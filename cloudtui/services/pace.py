"""How fast an account is asked: slots and a rate that find the service's limits by themselves.

Two limits, both learned. Slots: as many calls under way as bring something, from eight upwards,
doubled while answers come as quickly as on a quiet line. Rate: as `pace_rate` says, one for all
processes that use the account. One `Pace` per account and process; what the processes share is
kept by `PaceBook`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Final, Protocol, TypeVar

from cloudtui.services.pace_rate import SURE, Rate

T = TypeVar("T")

FIRST_SLOTS: Final = 8
_WINDOW: Final = 0.05
"""Shortest window over which latencies are compared, in seconds."""
_BASE_LIFE: Final = 30.0
"""Seconds a smallest latency counts as what the quiet line can do."""
_HOLD: Final = 10.0
"""Seconds without growth after more slots brought only longer waits."""
_HOLD_REFUSED: Final = 3.0
"""Seconds without more slots after a rejection."""
_asked: ContextVar[float] = ContextVar("asked", default=float("inf"))
"""When the last call of this context got its turn."""


class Cell(Protocol):
    """Where an account's rate is kept."""

    def exchange(self, now: float, work: Callable[[Rate], T]) -> T:
        """Let `work` read and change the rate, alone; `now` by the loop's clock."""
        ...


class OwnCell:
    """A rate that nobody shares."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate

    def exchange(self, now: float, work: Callable[[Rate], T]) -> T:
        """Nothing to wait for."""
        return work(self._rate)


class Pace:
    """Admits calls; told by its users when the service rejected one.

    `rate` is calls per second to begin with, `ceiling` the most ever, `concurrency` the most slots
    ever. `limit` is what is known to be accepted; with `cell` both stand there.
    """

    def __init__(
        self,
        *,
        rate: float,
        ceiling: float,
        concurrency: int,
        limit: float | None = None,
        cell: Cell | None = None,
    ) -> None:
        if cell is None:
            start = Rate(rate)
            if limit is not None:
                start.believe(min(ceiling, limit), SURE, 0.0)
            cell = OwnCell(start)
        self._cell = cell
        self.ceiling = ceiling
        self.concurrency = concurrency
        self.slots = min(FIRST_SLOTS, concurrency)
        self.rejections = 0
        """Times this process was told to slow down."""
        self._gate = asyncio.Lock()
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._latencies: list[float] = []
        self._latency = 0.0
        self._crowded = False
        self._slow_windows = 0
        self._window_from = 0.0
        self._base = 0.0
        self._base_at = 0.0
        self._held_until = 0.0

    @property
    def rate(self) -> float:
        """Calls per second now."""
        return self._cell.exchange(_now(), lambda shared: shared.rate)

    @rate.setter
    def rate(self, rate: float) -> None:
        def change(shared: Rate) -> None:
            shared.rate = rate

        self._cell.exchange(_now(), change)

    @property
    def limit(self) -> float | None:
        """Calls per second known to be accepted; None while no limit is known."""
        return self._cell.exchange(_now(), lambda shared: shared.limit) or None

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
            now = loop.time()
            turn = self._cell.exchange(now, partial(Rate.turn, now=now, ceiling=self.ceiling))
            while turn > now:
                await asyncio.sleep(turn - now)
                now = max(turn, loop.time())
                again = partial(Rate.again, turn=turn, now=now, ceiling=self.ceiling)
                turn = self._cell.exchange(now, again)
        _asked.set(now)

    def rejected(self, after: float | None = None) -> None:
        """The service asked to slow down; `after` holds all calls back for that many seconds.

        To be called where the refused call was made: those that were under way when another one
        was refused count once with it.
        """
        now = asyncio.get_running_loop().time()
        self.rejections += 1
        asked, latency = _asked.get(), max(self._latency, self._base)
        fresh = self._cell.exchange(
            now,
            lambda shared: shared.refuse(
                now, time.time(), after=after, asked=asked, latency=latency
            ),
        )
        if fresh:
            self.slots = max(2, self.slots // 2)
            self._held_until = now + _HOLD_REFUSED

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
        self._latency = latency
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


def _now() -> float:
    # the loop's clock where there is a loop: tests let it jump
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()
