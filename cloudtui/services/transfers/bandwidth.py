"""A bandwidth limit that many threads share.

A token bucket: who takes more than is there is told how long to wait. It never waits itself, so
that a wait can be cut short by whoever owns the work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_BURST_SECONDS = 0.25


class Bandwidth:
    """Bytes per second for everybody who takes from this bucket; None is no limit."""

    def __init__(
        self, rate: int | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._rate = rate
        self._room = 0.0
        self._at = clock()

    @property
    def rate(self) -> int | None:
        """Bytes per second, None for no limit."""
        return self._rate

    def set_rate(self, rate: int | None) -> None:
        """Change the limit for all that is running."""
        with self._lock:
            self._rate = rate if rate is None else max(1, rate)
            self._room = 0.0
            self._at = self._clock()

    def take(self, count: int) -> float:
        """Take `count` bytes now and learn how many seconds to wait before the next ones.

        The bucket may go into debt: a piece is never split here, later takers wait longer.
        """
        if self._rate is None:
            return 0.0
        with self._lock:
            rate = self._rate or 1
            now = self._clock()
            room = self._room + (now - self._at) * rate
            self._room = min(room, rate * _BURST_SECONDS) - count
            self._at = now
            return max(0.0, -self._room / rate)

    def piece(self, largest: int) -> int:
        """How many bytes to move between two takes so that the flow stays even: a tenth of a
        second's worth, at least 4 KiB, at most `largest`."""
        rate = self._rate
        return largest if rate is None else max(4096, min(largest, rate // 10))
