"""A process that moves bytes: a row in the journal and a lock that the kernel frees on any death.

Owns the lock files of runners and of slots. A job belongs to one runner and only that one changes
it; a job whose runner's lock is free belongs to nobody.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sqlite3
from functools import partial
from pathlib import Path

from cloudtui.services.locks import FileLock, is_locked
from cloudtui.services.transfers import ledger
from cloudtui.services.transfers.journal import Journal


class Runner:
    """This process as a runner. Nothing is written before `start`."""

    def __init__(self, journal: Journal, folder: Path) -> None:
        self.id = secrets.token_hex(8)
        self._journal = journal
        self._folder = folder
        self._lock = FileLock(self._path(self.id))

    def _path(self, runner: str) -> Path:
        return self._folder / f"{runner}.lock"

    @property
    def started(self) -> bool:
        """Whether the lock is held."""
        return self._lock.held

    async def start(self) -> None:
        """Take the lock, then note the row: a row without a lock is a dead runner. Safe to
        repeat."""
        if self._lock.held:
            return
        self._lock.try_acquire()
        id_, pid, host = self.id, os.getpid(), socket.gethostname()
        await self._journal.run(lambda db: ledger.add_runner(db, id_, pid, host))

    def lives(self, runner: str | None) -> bool:
        """Whether that runner is this process or another that still runs."""
        if runner is None:
            return False
        if runner == self.id:
            return self._lock.held
        return is_locked(self._path(runner))

    async def sweep(self) -> None:
        """Forget runners that died; their jobs belong to nobody from then on."""
        known = await self._journal.read(ledger.runners)
        for dead in [each for each in known if not self.lives(each)]:
            await self._journal.run(partial(_bury, dead))
            with contextlib.suppress(OSError):  # another process swept it at the same moment
                self._path(dead).unlink()

    async def close(self) -> None:
        """Give all jobs back and free the lock. Safe to repeat."""
        if not self._lock.held:
            return
        id_ = self.id
        await self._journal.run(lambda db: ledger.drop_runner(db, id_))
        self._lock.release()
        with contextlib.suppress(OSError):  # swept by another process already
            self._path(self.id).unlink()


def _bury(runner: str, db: sqlite3.Connection) -> None:
    ledger.bury_runner(db, runner)
