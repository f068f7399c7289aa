"""Which unfinished uploads somebody is still working on.

A pending file of our own making in the way of another upload is what a dead program left, or what
a living one is filling at this moment. Both look the same at the service, so each upload is marked
on this machine by an OS lock that ends with its program. Removes nothing at the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import Final

from cloudtui.services.accounts import Keys
from cloudtui.services.locks import FileLock, is_locked

_POLL: Final = 0.2
"""Seconds between two looks whether another's upload is over."""


class _Mark:
    """One upload in the hands of a job."""

    def __init__(self, job: str, lock: FileLock) -> None:
        self.job = job
        self.lock = lock


class Living:
    """The uploads of one account that programs of this machine are filling."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._marks: dict[str, _Mark] = {}

    def begin(self, file_id: str, job: str, upload: object) -> None:
        """From now on, and as long as `upload` is there or until `end`, it is being filled."""
        self.end(file_id)
        mark = _Mark(job, self._keys.lock_of(f"upload {file_id}"))
        with contextlib.suppress(OSError):  # no right to write here: only this program knows
            mark.lock.try_acquire()
        self._marks[file_id] = mark
        weakref.finalize(upload, self._drop, file_id, mark)

    def end(self, file_id: str) -> None:
        """It is whole, or removed."""
        mark = self._marks.get(file_id)
        if mark is not None:
            self._drop(file_id, mark)

    def _drop(self, file_id: str, mark: _Mark) -> None:
        if self._marks.get(file_id) is mark:
            del self._marks[file_id]
        if mark.lock.held:
            # Ids never come back, so nobody will want this lock again: its file need not stay.
            with contextlib.suppress(OSError):
                mark.lock.path.unlink()
            mark.lock.release()

    def is_anothers(self, file_id: str, job: str) -> bool:
        """Whether another job than `job` is filling it, here or in another program."""
        mark = self._marks.get(file_id)
        if mark is not None:
            return mark.job != job
        with contextlib.suppress(OSError):
            return is_locked(self._keys.lock_of(f"upload {file_id}").path)
        return False

    async def over(self, file_id: str, job: str, seconds: float) -> bool:
        """Wait until nobody else fills it any more; False when that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.is_anothers(file_id, job):  # noqa: ASYNC110 - locks do not tell
                    await asyncio.sleep(_POLL)
                return True
        return False
