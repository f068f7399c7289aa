"""A bandwidth limit that many threads share, and many processes where it is the user's.

Keeps one number: when the line will be free again. Who takes bytes moves it on and is told how
long to wait; it never waits itself, so that a wait can be cut short by whoever owns the work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cloudtui.services.shared_numbers import Numbers, SharedNumbers

_BURST_SECONDS: Final = 0.25
_SLACK: Final = 1.0
"""Seconds by which another process may have looked at the clock later and written earlier."""


class Bandwidth:
    """Bytes per second for everybody who takes from it; None is no limit."""

    def __init__(
        self, rate: int | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._rate = rate
        self._free_at = clock()
        self._file: SharedNumbers | None = None

    def share(self, path: Path) -> None:
        """From now on one limit with all processes that name this file. Each keeps to its own
        rate, and to what the others leave of it."""
        self._file = SharedNumbers(path, b"cloud b1", 2)

    @property
    def rate(self) -> int | None:
        """Bytes per second, None for no limit."""
        return self._rate

    def set_rate(self, rate: int | None) -> None:
        """Change the limit for all that is running."""
        with self._lock:
            self._rate = rate if rate is None else max(1, rate)
            self._free_at = self._clock()

    def take(self, count: int) -> float:
        """Take `count` bytes now and learn how many seconds to wait before the next ones.

        It may go into debt: a piece is never split here, later takers wait longer.
        """
        if self._rate is None:
            return 0.0
        with self._lock:
            now, seconds = self._clock(), count / (self._rate or 1)
            if self._file is not None:
                self._free_at = self._file.exchange(lambda told: _moved_on(told, now, seconds))
            else:
                _, self._free_at = _moved_on((self._free_at, now), now, seconds)
            return max(0.0, self._free_at - now)

    def piece(self, largest: int) -> int:
        """How many bytes to move between two takes so that the flow stays even: a tenth of a
        second's worth, at least 4 KiB, at most `largest`."""
        rate = self._rate
        return largest if rate is None else max(4096, min(largest, rate // 10))


def _moved_on(told: Numbers | None, now: float, seconds: float) -> tuple[Numbers, float]:
    """The line is used for so many seconds more."""
    free_at, written = (now, now) if told is None else told
    if written > now + _SLACK:
        free_at = now  # the machine was started anew: its clock, too
    after = max(free_at, now - _BURST_SECONDS) + seconds
    return (after, now), after
