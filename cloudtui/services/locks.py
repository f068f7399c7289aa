"""Locks between processes that the kernel frees on any death.

Owns nothing but the lock: the file stays behind empty, because removing it would let two processes
hold locks on two files of one name.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from cloudtui.services.paths import PRIVATE_FILE, ensure

POLL = 0.05
"""Seconds between two tries while another process holds the lock."""


class FileLock:
    """An exclusive lock on a file. Not for sharing between threads: one object, one holder.

    Two objects exclude each other even inside one process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def try_acquire(self) -> bool:
        """Take the lock if it is free; True when held afterwards. Never waits."""
        if self._descriptor is not None:
            return True
        try:
            descriptor = self._open()
        except FileNotFoundError:  # asked for last: making a folder that is there takes longer
            ensure(self.path.parent)
            descriptor = self._open()
        if not _lock(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def _open(self) -> int:
        return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)

    def acquire(self, timeout: float | None = None) -> bool:
        """Wait in this thread up to `timeout` seconds (None: as long as it takes)."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.try_acquire():
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(POLL)
        return True

    async def acquire_async(self, timeout: float | None = None) -> bool:
        """Wait without blocking the loop."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.try_acquire():
            if end is not None and time.monotonic() >= end:
                return False
            await asyncio.sleep(POLL)
        return True

    def release(self) -> None:
        """Give the lock back. Safe to repeat."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    async def __aenter__(self) -> Self:
        await self.acquire_async()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock on `path`; a missing file is not locked."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # shared, so that two who look at the same moment do not take each other for the holder
        return not _lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, shared: bool = False) -> bool:  # noqa: ARG001 - no shared ones
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool = False) -> bool:
        # flock belongs to the open file, not to the process: two objects in one process exclude
        # each other, and closing some other descriptor of the file frees nothing.
        try:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
