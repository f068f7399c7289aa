"""How many files may move at once to or from an account, over all processes.

A slot is an OS lock on a file beside the journal: whoever dies frees it. Must not know jobs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cloudtui.services.locks import FileLock
from cloudtui.services.models import DISK

POLL = 0.05
"""Seconds between two looks while other processes hold every slot."""


class Slots:
    """The slots of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._here: dict[str, asyncio.Semaphore] = {}
        self._held: dict[str, set[int]] = {}

    @asynccontextmanager
    async def take(self, account: str, way: str, count: int) -> AsyncIterator[None]:
        """Hold one of `count` slots of `account` for `way` ("up" or "down"); waits for it. The
        disk has none."""
        if account == DISK:
            yield
            return
        name = f"{account}.{way}"
        # The semaphore queues our own files in order; the lock only meets other processes.
        async with self._here.setdefault(name, asyncio.Semaphore(count)):
            held = self._held.setdefault(name, set())
            number, lock = await self._lock(name, count, held)
            held.add(number)
            try:
                yield
            finally:
                held.discard(number)
                lock.release()

    async def _lock(self, name: str, count: int, held: set[int]) -> tuple[int, FileLock]:
        while True:
            for number in range(count):
                if number in held:
                    continue  # ours: a try would cost two system calls
                lock = FileLock(self._folder / f"{name}.{number}.slot")
                if lock.try_acquire():
                    return number, lock
            await asyncio.sleep(POLL)
