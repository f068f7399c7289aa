"""The rates of all accounts, one small file each that every process reads and writes.

A file holds the whole `Rate` as numbers. Who takes a turn locks it, for some microseconds; the
kernel frees the lock of whoever dies, and what is there is always whole, since it is written in one
call. So all processes together keep to one rate, and the next run knows what was learned: a limit
learned from enough calls is believed for a day, all else for a minute.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Final, TypeVar

from cloudtui.services.locks import FileLock
from cloudtui.services.pace import Cell, OwnCell, Pace
from cloudtui.services.pace_rate import SURE, Rate
from cloudtui.services.paths import PRIVATE_FILE

T = TypeVar("T")

BELIEVED: Final = 24 * 3600.0
"""Seconds a limit is believed."""
_QUIET: Final = 60.0
"""Seconds without a call after which only a well learned limit is still believed."""
_TRIES: Final = 10
_SLACK: Final = 5.0
"""Seconds by which another process may have looked at the clock later and written earlier."""
_PATIENCE: Final = 0.0002
"""Seconds between two tries at the lock: it is held for a tenth of that."""
_NAMES: Final = tuple(each.name for each in fields(Rate))
_FORM: Final = struct.Struct(f"<8sd{len(_NAMES)}d")
"""A mark, when it was written by the monotonic clock, and the rate."""
_MARK: Final = b"cloud p1"


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
    """A rate in a file. Whoever cannot have the file goes on with what it knew of it."""

    def __init__(self, path: Path, rate: float, ceiling: float) -> None:
        self._path = path
        self._lock = FileLock(path.with_suffix(".lock"))
        self._first = rate
        self._ceiling = ceiling
        self._known = Rate(rate)
        self._alone_until = 0.0

    def exchange(self, now: float, work: Callable[[Rate], T]) -> T:
        """Read, let `work` change, write. Never raises for the disk's sake."""
        if now < self._alone_until or not self._acquire():
            # a process that was stopped with the lock in its hands holds nobody up
            if now >= self._alone_until:
                self._alone_until = now + 1.0
            return work(self._known)
        try:
            return self._with_file(now, work)
        finally:
            self._lock.release()

    def _acquire(self) -> bool:
        try:
            for _ in range(_TRIES):
                if self._lock.try_acquire():
                    return True
                time.sleep(_PATIENCE)
        except OSError:
            pass  # no room or no right to write here: the pace is this process's own then
        return False

    def _with_file(self, now: float, work: Callable[[Rate], T]) -> T:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        except OSError:
            return work(self._known)
        try:
            self._known = self._current(os.read(descriptor, _FORM.size), now)
            before = _values(self._known)
            result = work(self._known)
            after = _values(self._known)
            if after != before:
                with contextlib.suppress(OSError):  # a full disk: the next call tries again
                    os.lseek(descriptor, 0, os.SEEK_SET)
                    os.write(descriptor, _FORM.pack(_MARK, now, *after))
        finally:
            os.close(descriptor)
        return result

    def _current(self, data: bytes, now: float) -> Rate:
        """What the file says, as far as it still holds."""
        if len(data) != _FORM.size:
            return Rate(self._first)
        mark, written, *values = _FORM.unpack(data)
        told = Rate(*values)
        if mark != _MARK or not told.rate > 0:
            return Rate(self._first)
        if -_SLACK <= now - written <= _QUIET:
            return told
        # The machine was started anew, or nobody called for a while.
        fresh = Rate(self._first)
        if (
            told.limit > 0
            and told.samples >= SURE
            and 0 <= time.time() - told.learned_at <= BELIEVED
        ):
            fresh.believe(min(self._ceiling, told.limit), told.samples, told.learned_at)
        return fresh


def _values(rate: Rate) -> tuple[float, ...]:
    return tuple(getattr(rate, name) for name in _NAMES)
