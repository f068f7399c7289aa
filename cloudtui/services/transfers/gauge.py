"""Speed and time left, from samples of a byte counter.

Pure but for the clock given to it. Speed is the average over the last 5 s, told after 2 s; time
left comes from a 30 s average and is told after 5 s: shorter ones jump about.
"""

from __future__ import annotations

from collections import deque
from typing import Final

_SPEED_OVER: Final = 5.0
_SPEED_AFTER: Final = 2.0
_LEFT_OVER: Final = 30.0
_LEFT_AFTER: Final = 5.0
_STALLED_AFTER: Final = 10.0


class Gauge:
    """Samples of one job."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()
        self.moved_at: float | None = None
        """When the last new byte was seen."""

    def sample(self, now: float, done: int) -> None:
        """`done` bytes at monotonic second `now`."""
        if not self._samples or done > self._samples[-1][1]:
            self.moved_at = now
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[1][0] >= _LEFT_OVER:
            self._samples.popleft()

    def reset(self) -> None:
        """Forget all: the job stood still."""
        self._samples.clear()
        self.moved_at = None

    def speed(self) -> float | None:
        """Bytes per second, None while not known."""
        return self._average(_SPEED_OVER, _SPEED_AFTER)

    def stalled(self) -> int:
        """Whole seconds since the last new byte; 0 for less than ten: everything pauses a bit."""
        if self.moved_at is None or not self._samples:
            return 0
        idle = self._samples[-1][0] - self.moved_at
        return int(idle) if idle >= _STALLED_AFTER else 0

    def left(self, total: int) -> float | None:
        """Seconds until `total`, None while not known or when nothing moves."""
        speed = self._average(_LEFT_OVER, _LEFT_AFTER)
        if not speed:
            return None
        return max(0, total - self._samples[-1][1]) / speed

    def _average(self, over: float, after: float) -> float | None:
        if not self._samples:
            return None
        now, done = self._samples[-1]
        if now - self._samples[0][0] < after:
            return None
        first = next(each for each in self._samples if now - each[0] <= over or each[0] == now)
        if first[0] == now:
            first = self._samples[-2]
        return max(0.0, (done - first[1]) / (now - first[0]))
