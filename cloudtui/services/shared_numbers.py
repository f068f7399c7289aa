"""A few numbers that all processes of a user read and change, in a small file under a lock.

A change takes some microseconds. The kernel frees the lock of whoever dies, and what is there is
always whole, since it is written in one call. Whoever cannot have the file goes on with what it
knew of it. Must not know what the numbers mean.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from cloudtui.services.locks import FileLock
from cloudtui.services.paths import PRIVATE_FILE

T = TypeVar("T")
Numbers = tuple[float, ...]

_TRIES: Final = 10
_PATIENCE: Final = 0.0002
"""Seconds between two tries at the lock: it is held for a tenth of that."""
_ALONE: Final = 1.0
"""Seconds without the file after the lock was not to be had: a process that was stopped with the
lock in its hands holds nobody up."""


class SharedNumbers:
    """`count` numbers in the file at `path`; `mark` (8 bytes) says what they are. Not for sharing
    between threads."""

    def __init__(self, path: Path, mark: bytes, count: int) -> None:
        self._path = path
        self._mark = mark
        self._form = struct.Struct(f"<8s{count}d")
        self._lock = FileLock(path.with_suffix(".lock"))
        self._known: Numbers | None = None
        self._alone_until = 0.0

    def exchange(self, work: Callable[[Numbers | None], tuple[Numbers, T]]) -> T:
        """Let `work` alone make new numbers and a result of the old ones (None: there are none).

        Never raises for the disk's sake.
        """
        now = time.monotonic()
        if now < self._alone_until:
            return self._here(work)
        if not self._acquire():
            self._alone_until = now + _ALONE
            return self._here(work)
        try:
            return self._with_file(work)
        finally:
            self._lock.release()

    def _here(self, work: Callable[[Numbers | None], tuple[Numbers, T]]) -> T:
        self._known, result = work(self._known)
        return result

    def _acquire(self) -> bool:
        # no room or no right to write here: the numbers are this process's own then
        with contextlib.suppress(OSError):
            for _ in range(_TRIES):
                if self._lock.try_acquire():
                    return True
                time.sleep(_PATIENCE)
        return False

    def _with_file(self, work: Callable[[Numbers | None], tuple[Numbers, T]]) -> T:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        except OSError:
            return self._here(work)
        try:
            before = self._read(os.read(descriptor, self._form.size))
            self._known, result = work(before)
            if self._known != before:
                with contextlib.suppress(OSError):  # a full disk: the next change tries again
                    os.lseek(descriptor, 0, os.SEEK_SET)
                    os.write(descriptor, self._form.pack(self._mark, *self._known))
        finally:
            os.close(descriptor)
        return result

    def _read(self, data: bytes) -> Numbers | None:
        if len(data) != self._form.size:
            return None
        mark, *values = self._form.unpack(data)
        return tuple(values) if mark == self._mark else None
