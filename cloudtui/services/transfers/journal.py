"""The journal's file: one writer thread with group commit, readers beside it.

Owns connections, threads and durability. What the rows mean is not its business (`ledger`). One
SQLite file serves many processes: write-ahead log and full synchronisation; on a network file
system, where shared memory between machines does not work, a rollback journal held by one process.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Final, TypeVar, cast

from cloudtui.services.errors import CloudError, Refused
from cloudtui.services.paths import PRIVATE_FILE, ensure
from cloudtui.services.transfers.journal_errors import journal_error
from cloudtui.services.transfers.schema import prepare

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

GROUP: Final = 0.1
"""Longest wait in seconds of a posted write for others to share its synchronisation."""

_BUSY: Final = 30.0
"""Seconds to wait for another process's commit; theirs take milliseconds."""

_AGAIN: Final = 0.02
"""Seconds between two tries where SQLite does not wait by itself."""

_NETWORK: Final = frozenset(
    (
        "nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre",
        "ncpfs", "davfs", "fuse.davfs2", "fuse.sshfs", "fuse.glusterfs", "fuse.rclone",
    )
)  # fmt: skip


class Journal:
    """The open journal of one process.

    `run` waits until the write is durable, `post` does not (it is within `GROUP` seconds). Writes
    of one process happen in the order given. Operations get a connection inside a transaction and
    must neither commit nor keep it.
    """

    def __init__(self, path: Path, *, shared: bool | None = None) -> None:
        """Open or create the file. `shared` False: only this process may use it (None: by file
        system). Raises Refused for a newer format or a file in use elsewhere, Denied, Full."""
        self.path = path
        self.shared = network_filesystem(path.parent) is None if shared is None else shared
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._closed = False
        self._failure: CloudError | None = None
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._work, args=(ready,), name="journal", daemon=True
        )
        self._thread.start()
        ready.result()

    # --- for callers -------------------------------------------------------------------------

    def post(self, operation: Operation[object]) -> None:
        """Write soon. A failure is raised by the next `run`."""
        self._queue.put(_Write(operation, None))

    def start(self, operation: Operation[T]) -> Future[T]:
        """Write now; the future resolves when it is durable."""
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise Refused("The journal of transfers is closed.")
        future: Future[T] = Future()
        self._queue.put(_Write(operation, cast("Future[object]", future)))
        return future

    async def run(self, operation: Operation[T]) -> T:
        """Write, and return its result once it is durable."""
        return await asyncio.wrap_future(self.start(operation))

    def run_blocking(self, operation: Operation[T]) -> T:
        """`run` for threads and for the moments before a loop exists."""
        return self.start(operation).result()

    def look(self, operation: Operation[T]) -> T:
        """Read in this thread; sees all that is durable. For small reads."""
        if not self.shared:
            return self.run_blocking(operation)
        try:
            return operation(self._reader())
        except sqlite3.Error as exc:
            raise journal_error(exc, self.path) from exc

    async def read(self, operation: Operation[T]) -> T:
        """Read after everything written before by this process, off the loop's thread."""
        return await self.run(operation)

    def close(self) -> None:
        """Write what is waiting and close. Safe to repeat."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
        self._queue.put(None)
        self._thread.join()
        for reader in self._readers:
            reader.close()

    # --- reading -----------------------------------------------------------------------------

    def _reader(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(
                self.path, timeout=_BUSY, isolation_level=None, check_same_thread=False
            )
            found.execute("PRAGMA query_only = ON")
            found.execute("PRAGMA temp_store = MEMORY")
            self._local.connection = found
            with self._guard:
                self._readers.append(found)
        return found

    # --- the writer thread -------------------------------------------------------------------

    def _work(self, ready: Future[None]) -> None:
        try:
            connection = self._open()
        except (sqlite3.Error, OSError) as exc:
            self._closed = True
            ready.set_exception(journal_error(exc, self.path))
            return
        except CloudError as exc:
            self._closed = True
            ready.set_exception(exc)
            return
        ready.set_result(None)
        going = True
        while going:
            batch, going = self._next_batch()
            if batch:
                self._commit(connection, batch)
        connection.close()

    def _open(self) -> sqlite3.Connection:
        ensure(self.path.parent)
        # SQLite would create the file with the mask's mode; names of files are private.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE))
        connection = sqlite3.connect(
            self.path, timeout=_BUSY if self.shared else 1.0, isolation_level=None
        )
        if self.shared:
            _write_ahead(connection)
        else:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        connection.execute("PRAGMA synchronous = FULL")
        # Savepoints and sorting would otherwise need room in the folder for temporary files, and
        # the lack of it there is reported as if the journal's own disk were full.
        connection.execute("PRAGMA temp_store = MEMORY")
        prepare(connection)
        return connection

    def _next_batch(self) -> tuple[list[_Write], bool]:
        """Everything there is to write; waits up to GROUP when nobody waits for it."""
        first = self._queue.get()
        if first is None:
            return [], False
        batch = [first]
        end = time.monotonic() + GROUP
        urgent = first.future is not None
        while len(batch) < 5_000:
            try:
                wait = 0.0 if urgent else max(0.0, end - time.monotonic())
                more = self._queue.get(timeout=wait) if wait else self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return batch, False
            batch.append(more)
            urgent = urgent or more.future is not None
        return batch, True

    def _commit(self, connection: sqlite3.Connection, batch: list[_Write]) -> None:
        settled: list[tuple[_Write, object]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for write in batch:
                connection.execute("SAVEPOINT one")
                try:
                    settled.append((write, write.operation(connection)))
                except Exception as exc:  # boundary: goes to whoever asked, others still commit
                    connection.execute("ROLLBACK TO one")
                    self._refuse(write, exc)
                connection.execute("RELEASE one")
            connection.execute("COMMIT")
        except sqlite3.Error as exc:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for write in batch:
                self._refuse(write, exc)
            return
        for write, result in settled:
            if write.future is not None and not write.future.done():
                write.future.set_result(result)

    def _refuse(self, write: _Write, exc: Exception) -> None:
        error = journal_error(exc, self.path) if isinstance(exc, sqlite3.Error | OSError) else exc
        if write.future is None:
            if isinstance(error, CloudError):
                self._failure = error
            else:
                self._failure = Refused(
                    f"The journal of transfers could not be written ({type(error).__name__}).",
                    hint="Jobs stand still; nothing that was copied is lost.",
                )
        elif not write.future.done():
            write.future.set_exception(error)


class _Write:
    __slots__ = ("future", "operation")

    def __init__(self, operation: Operation[object], future: Future[object] | None) -> None:
        self.operation = operation
        self.future = future


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Keep a write-ahead log from now on.

    Processes that make the file at the same moment would wait for one another there, so SQLite
    refuses all but one at once, whatever their time limit: they ask again.
    """
    end = time.monotonic() + _BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_AGAIN)
        else:
            return


def network_filesystem(folder: Path) -> str | None:
    """The type of the network file system that holds `folder`, None when it is a local one (or
    the platform does not tell)."""
    if not sys.platform.startswith("linux"):
        return None
    here = folder
    while (device := _device(here)) is None and here != here.parent:
        here = here.parent
    if device is None:
        return None
    try:
        table = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in table.splitlines():
        fields = line.split()
        if len(fields) > 6 and fields[2] == wanted and "-" in fields:
            kind = fields[fields.index("-") + 1]
            if kind in _NETWORK:
                return kind
    return None


def _device(path: Path) -> int | None:
    """Where it lies; None when it is not there, or not for us to see."""
    try:
        return path.stat().st_dev
    except OSError:
        return None
