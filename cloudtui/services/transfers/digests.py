"""Digests of whole files, computed once and remembered.

Owns the hashing threads and the cache rows (device, inode, size, time of change → digest). Bytes
are read on these threads, never on the event loop. Digests of services' files are remembered when
all of their bytes came by here anyway.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import CloudError, Denied, Interrupted, NotFound, SourceChanged
from cloudtui.services.hashes import hash_file
from cloudtui.services.models import HashType
from cloudtui.services.naming import display_name
from cloudtui.services.storage import LocalFile
from cloudtui.services.transfers.journal import Journal

KEEP: Final = 200_000
"""Rows of the cache; about 30 MB."""


class Digests:
    """The digests of local files, for one process."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "digest")

    async def of(
        self,
        file: LocalFile,
        kinds: Collection[HashType],
        *,
        stop: Callable[[], bool],
        progress: Callable[[int], None] | None = None,
    ) -> dict[HashType, str]:
        """The wanted digests of a file as it was opened.

        Raises SourceChanged when it is no longer that file, Interrupted when `stop` became true.
        """
        known = await self._journal.read(lambda db: _known(db, file))
        missing = [kind for kind in kinds if kind not in known]
        if missing:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._pool, _read, file, missing, stop, progress)
            known |= found
            self._journal.post(lambda db: _remember(db, file, found))
        return {kind: known[kind] for kind in kinds}

    async def learn(
        self, account: str, node: str, size: int, version: str, found: Mapping[HashType, str]
    ) -> None:
        """Remember durably digests of a service's file that were computed here from all of its
        bytes: the service itself may never tell them."""
        row = _remote(account, node, size, version)
        kept = dict(found)
        await self._journal.run(lambda db: _remember(db, row, kept))

    async def learned(
        self, account: str, node: str, size: int, version: Callable[[], Awaitable[str]]
    ) -> dict[HashType, str]:
        """What was learned of a file that is still of that version; `version` is asked for only
        where something was."""
        named = _remote(account, node, size, "")
        if not await self._journal.read(lambda db: _any(db, named)):
            return {}
        row = _remote(account, node, size, await version())
        return await self._journal.read(lambda db: _known(db, row))

    def close(self) -> None:
        """End the threads; running passes must have been stopped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _read(
    file: LocalFile,
    kinds: Collection[HashType],
    stop: Callable[[], bool],
    progress: Callable[[int], None] | None,
) -> dict[HashType, str]:
    name = display_name(os.fsdecode(os.path.basename(file.path)))  # noqa: PTH119  # bytes
    try:
        fd = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as exc:
        raise _mapped(exc, name) from exc
    try:
        _check(fd, file, name)
        found = hash_file(fd, file.size, kinds, stop=stop, progress=progress)
        if not found and stop():
            raise Interrupted("Stopped while reading.", hint="Nothing was changed.")
        _check(fd, file, name)
        if not found:
            raise _changed(name)
    except OSError as exc:
        raise _mapped(exc, name) from exc
    finally:
        os.close(fd)
    return found


def _check(fd: int, file: LocalFile, name: str) -> None:
    if LocalFile.of(file.path, os.fstat(fd)).version != file.version:
        raise _changed(name)


def _changed(name: str) -> SourceChanged:
    return SourceChanged(
        f"{name} changed while it was read. It was left alone.", hint="Copy it again when it rests."
    )


def _mapped(exc: OSError, name: str) -> CloudError:
    if isinstance(exc, FileNotFoundError):
        return NotFound(f"{name} is no longer there.", hint="Nothing was copied.")
    return Denied(f"{name} cannot be read ({exc.strerror}).", hint="It was left alone.")


class _Remote(Struct, frozen=True):
    """A file of a service, in the columns of one on this disk: the account for the device, the id
    for the inode, the version for the time."""

    device: str
    inode: str
    size: int
    mtime_ns: int


def _remote(account: str, node: str, size: int, version: str) -> _Remote:
    mark = hashlib.sha256(version.encode("utf-8", "surrogateescape")).digest()
    return _Remote(f"account {account}", node, size, int.from_bytes(mark[:7]))


def _any(db: sqlite3.Connection, file: _Remote) -> bool:
    """Whether anything was learned of any version of that size."""
    query = "SELECT 1 FROM digests WHERE device = ? AND inode = ? AND size = ? LIMIT 1"
    return db.execute(query, (file.device, file.inode, file.size)).fetchone() is not None


def _known(db: sqlite3.Connection, file: LocalFile | _Remote) -> dict[HashType, str]:
    """Digests computed before for exactly this content."""
    rows = db.execute(
        "SELECT kind, value FROM digests WHERE device = ? AND inode = ? AND size = ? "
        "AND mtime_ns = ?",
        (str(file.device), str(file.inode), file.size, file.mtime_ns),
    )
    return {HashType(kind): value for kind, value in rows}


def _remember(
    db: sqlite3.Connection, file: LocalFile | _Remote, found: dict[HashType, str]
) -> None:
    """Remember digests of a file; only the `keep` newest rows stay."""
    now = time.time_ns()
    db.executemany(
        "INSERT OR REPLACE INTO digests VALUES (?,?,?,?,?,?,?)",
        [
            (str(file.device), str(file.inode), file.size, file.mtime_ns, kind, value, now)
            for kind, value in found.items()
        ],
    )
    if now % 64 == 0:  # sweeping now and then is enough
        db.execute(
            "DELETE FROM digests WHERE used_ns < (SELECT used_ns FROM digests "
            "ORDER BY used_ns DESC LIMIT 1 OFFSET ?)",
            (KEEP,),
        )
