"""Whether the machine slept.

`time.monotonic` stands still during a suspension on Linux and macOS, so it cannot tell; this clock
goes on. After a sleep connections are dead without having said so. Must not know what is done
about it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SLEPT: Final = 30.0
"""Seconds between two looks that count as a sleep: no loop is held up that long by its own work."""


def since_boot() -> float:
    """Seconds by a clock that goes on while the machine sleeps and that nobody sets."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


def _find() -> int | None:
    # Linux keeps one more clock for this; on macOS the POSIX clock counts sleep, unlike
    # `time.monotonic`; on Windows `time.monotonic` counts it.
    clock: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    if clock is None:
        return None
    try:
        time.clock_gettime(clock)
    except OSError:
        return None
    return clock


_CLOCK: Final = _find()


class Awake:
    """Looks at the clock now and then."""

    def __init__(self, clock: Callable[[], float] = since_boot) -> None:
        self._clock = clock
        self._looked = clock()

    def slept(self) -> bool:
        """Whether the machine slept since the last look."""
        before, self._looked = self._looked, self._clock()
        return self._looked - before > SLEPT
