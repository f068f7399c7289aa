"""The rates of all accounts, one small file each that every process reads and writes.

A file holds when it was written, by the monotonic clock, and the whole `Rate`. So all processes
together keep to one rate, and the next run knows what was learned: a limit learned from enough
calls is believed for a day, all else for a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from cloudtui.services.pace import Cell, OwnCell, Pace
from cloudtui.services.pace_rate import SURE, Rate
from cloudtui.services.shared_numbers import Numbers, SharedNumbers

T = TypeVar("T")

BELIEVED: Final = 24 * 3600.0
"""Seconds a limit is believed."""
_QUIET: Final = 60.0
"""Seconds without a call after which only a well learned limit is still believed."""
_SLACK: Final = 5.0
"""Seconds by which another process may have looked at the clock later and written earlier."""
_NAMES: Final = Rate.__struct_fields__


class PaceBook:
    """The paces of this process, by account. `folder` None shares and keeps nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._paces: dict[str, Pace] = {}

    def of(self, account: str, *, rate: float, ceiling: float, concurrency: int) -> Pace:
        """The account's pace, at the rate the other processes keep or learned."""
        if account not in self._paces:
            cell: Cell = OwnCell(Rate(rate))
            if self._folder is not None:
                cell = SharedCell(self._folder / f"{account}.rate", rate, ceiling)
            self._paces[account] = Pace(
                rate=rate, ceiling=ceiling, concurrency=concurrency, cell=cell
            )
        return self._paces[account]


class SharedCell:
    """A rate in a file."""

    def __init__(self, path: Path, rate: float, ceiling: float) -> None:
        self._file = SharedNumbers(path, b"cloud p1", 1 + len(_NAMES))
        self._first = rate
        self._ceiling = ceiling

    def exchange(self, now: float, work: Callable[[Rate], T]) -> T:
        """Read, let `work` change, write. Never raises for the disk's sake."""

        def change(numbers: Numbers | None) -> tuple[Numbers, T]:
            rate = self._current(numbers, now)
            result = work(rate)
            changed = tuple(getattr(rate, name) for name in _NAMES)
            if numbers is not None and changed == numbers[1:]:
                return numbers, result
            return (now, *changed), result

        return self._file.exchange(change)

    def _current(self, numbers: Numbers | None, now: float) -> Rate:
        """What the file says, as far as it still holds."""
        if numbers is None:
            return Rate(self._first)
        written, *values = numbers
        told = Rate(*values)
        if not told.rate > 0:
            return Rate(self._first)
        if -_SLACK <= now - written <= _QUIET:
            return told
        # The machine was started anew, or nobody called for a while.
        fresh = Rate(self._first)
        age = time.time() - told.learned_at
        if told.limit > 0 and told.samples >= SURE and 0 <= age <= BELIEVED:
            fresh.believe(min(self._ceiling, told.limit), told.samples, told.learned_at)
        return fresh
