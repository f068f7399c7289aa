"""Which uploads somebody is working on at this moment.

What is unfinished at a service, or about to get a name there, may be a dead program's or a living
one's. Both look the same, so each upload is marked on this machine by an OS lock that ends with its
program. Marks have names: an upload's id, or the place that it is to take. Removes nothing at the
service.
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

    def begin(self, name: str, job: str, upload: object) -> bool:
        """From now on, and as long as `upload` is there or until `end`, it is being filled. False
        when other programs do not see that: one of them was quicker."""
        self.end(name)
        mark = _Mark(job, self._keys.lock_of(f"upload {name}"))
        seen = True
        with contextlib.suppress(OSError):  # no right to write here: only this program knows
            seen = mark.lock.try_acquire()
        self._marks[name] = mark
        weakref.finalize(upload, self._drop, name, mark)
        return seen

    def end(self, name: str, job: str | None = None) -> None:
        """It is whole, or removed; with `job` only if that one marked it."""
        mark = self._marks.get(name)
        if mark is not None and job in (None, mark.job):
            self._drop(name, mark)

    def _drop(self, name: str, mark: _Mark) -> None:
        if self._marks.get(name) is mark:
            del self._marks[name]
        if mark.lock.held:
            # Ids never come back, places seldom: the lock's file need not stay. Who opened it
            # just before holds a lock that a third one does not see.
            with contextlib.suppress(OSError):
                mark.lock.path.unlink()
            mark.lock.release()

    def is_anothers(self, name: str, job: str) -> bool:
        """Whether another job than `job` is filling it, here or in another program."""
        mark = self._marks.get(name)
        if mark is not None:
            return mark.job != job
        with contextlib.suppress(OSError):
            return is_locked(self._keys.lock_of(f"upload {name}").path)
        return False

    async def over(self, name: str, job: str, seconds: float) -> bool:
        """Wait until nobody else fills it any more; False when that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.is_anothers(name, job):  # noqa: ASYNC110 - locks do not tell
                    await asyncio.sleep(_POLL)
                return True
        return False
