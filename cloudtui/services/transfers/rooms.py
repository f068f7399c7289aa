"""How many connections read from one account at once, over all its files and all processes.

Links have limits of their own; some services also count what an account has open, and refuse more.
A place is an OS lock on a file beside the journal, so whoever dies frees it. So that nobody waits
until the others have no more to read, each process keeps to its share: the places by the processes
that read, which are counted by locks as well. Must not open connections itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from cloudtui.services.locks import FileLock, is_locked
from cloudtui.services.storage import ReadTicket
from cloudtui.services.transfers.stop import Stop, interrupted

POLL: Final = 0.05
"""Seconds between two looks while other processes hold the places."""
_COUNTED: Final = 0.2
"""Seconds for which the number of processes that read is taken to stay what it was."""
_MOST_READERS: Final = 16
"""Processes that are counted; more share as if they were so many."""


class Place:
    """One connection's place. Given back once."""

    def __init__(self, room: _Room | None = None, number: int = 0) -> None:
        self._room = room
        self._number = number

    def give_back(self) -> None:
        """The connection is idle or closed. Safe to repeat."""
        room, self._room = self._room, None
        if room is not None:
            room.leave(self._number)


class Rooms:
    """One room per account that has a limit."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self._folder: Path | None = None

    def share(self, folder: Path) -> None:
        """From now on the places are one number with all processes that name this folder."""
        self._folder = folder

    @asynccontextmanager
    async def enter(self, ticket: ReadTicket, stop: Stop) -> AsyncIterator[None]:
        """Hold a place inside the block. Raises Interrupted when stopped while waiting."""
        place = await self.take(ticket, stop)
        try:
            yield
        finally:
            place.give_back()

    async def take(self, ticket: ReadTicket, stop: Stop) -> Place:
        """Wait for a place among the account's connections. Raises Interrupted when stopped
        meanwhile."""
        if ticket.account_connections is None:
            return Place()
        room = self._rooms.get(ticket.account)
        if room is None:
            room = _Room(ticket.account, ticket.account_connections, self._folder)
            self._rooms[ticket.account] = room
        if (place := room.at_once()) is not None:  # a free place is the rule
            return place
        entering = asyncio.ensure_future(room.wait())
        try:
            if await stop.unless(entering):
                return entering.result()
        except BaseException:
            _take_back(entering)
            raise
        _take_back(entering)
        raise interrupted()


def _take_back(entering: asyncio.Future[Place]) -> None:
    """Nobody wants that place any more."""
    if not entering.cancel() and not entering.cancelled() and entering.exception() is None:
        entering.result().give_back()


class _Room:
    """The places of one account, as one process sees them."""

    def __init__(self, account: str, count: int, folder: Path | None) -> None:
        self._account = account
        self._count = count
        self._folder = folder
        self._held: dict[int, FileLock | None] = {}
        self._queue = asyncio.Lock()
        self._waiting = 0
        self._left = asyncio.Event()
        self._reader: FileLock | None = None
        self._share = count
        self._counted_at = -_COUNTED

    def at_once(self) -> Place | None:
        """A place, where one is free and nobody waits."""
        return None if self._waiting else self._try()

    async def wait(self) -> Place:
        """A place, in the order they are asked for."""
        self._waiting += 1
        try:
            async with self._queue:
                while (place := self._try()) is None:
                    self._left.clear()
                    with contextlib.suppress(TimeoutError):  # others do not tell when they leave
                        async with asyncio.timeout(POLL if self._folder else None):
                            await self._left.wait()
                return place
        finally:
            self._waiting -= 1
            self._rest()

    def leave(self, number: int) -> None:
        """A place is free again."""
        lock = self._held.pop(number)
        if lock is not None:
            lock.release()
        self._left.set()
        self._rest()

    def _rest(self) -> None:
        """Who reads nothing takes no share."""
        if self._reader is not None and not self._held and not self._waiting:
            self._reader.release()
            self._reader = None

    def _try(self) -> Place | None:
        if len(self._held) >= self._mine():
            return None
        for number in range(self._count):
            if number in self._held:
                continue  # ours: a try would cost two system calls
            lock = self._file(f"{number}.place")
            with contextlib.suppress(OSError):  # no right to write here: the limit is ours alone
                if lock is not None and not lock.try_acquire():
                    continue
            self._held[number] = lock
            return Place(self, number)
        return None

    def _mine(self) -> int:
        """How many of the places this process may hold now."""
        now = time.monotonic()
        if self._folder is None or (now - self._counted_at < _COUNTED and self._reader is not None):
            return self._share
        self._counted_at = now
        readers = 1
        with contextlib.suppress(OSError):
            readers = max(1, sum(map(self._reads, range(_MOST_READERS))))
        self._share = max(1, self._count // readers)
        return self._share

    def _reads(self, number: int) -> bool:
        """Whether a process holds this mark of a reader; a free one is taken where we have none."""
        lock = self._file(f"{number}.reader")
        assert lock is not None
        if self._reader is not None:
            return is_locked(lock.path)
        if lock.try_acquire():
            self._reader = lock
        return True

    def _file(self, name: str) -> FileLock | None:
        return None if self._folder is None else FileLock(self._folder / f"{self._account}.{name}")
