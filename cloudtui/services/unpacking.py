"""Unpacking by services: which files are archives, and extractions that outlive the program.

Owns a small file of the extractions whose archive is to go afterwards, for all processes of a home:
such a one goes on at its service when nobody waits for it, and whoever starts next waits for its
end and only then deletes the archive. Passwords are never kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cloudtui.services.book import Book
from cloudtui.services.errors import CloudError, ExitCode, NotFound, UsageError
from cloudtui.services.listing import order
from cloudtui.services.locks import FileLock, is_locked
from cloudtui.services.models import (
    ArchiveEntry,
    Entry,
    Extracted,
    Found,
    Kind,
    Location,
    Secret,
)
from cloudtui.services.naming import display_name
from cloudtui.services.paths import Paths
from cloudtui.services.storage import Storage
from cloudtui.services.unpackers import Archives, LastingArchives

ENDINGS: Final = (".zip", ".7z", ".rar")
Progress = Callable[[int], None]

_log = logging.getLogger(__name__)


def is_archive(entry: Entry) -> bool:
    """Whether the name of a file says that it is one."""
    return not entry.is_folder and entry.name.lower().endswith(ENDINGS)


async def archives_of(storage: Storage, found: Found) -> list[Found]:
    """The thing itself, or all archives right in it when it is a folder, in display order.

    Raises NotFound for a folder that holds none.
    """
    if not found.entry.is_folder:
        return [found]
    entries = [entry async for page in storage.scan(found.at) for entry in page]
    inside = [entries[at] for at in order(entries) if is_archive(entries[at])]
    if not inside:
        raise NotFound(f"{display_name(str(found.at))} holds no archive.")
    return [Found.of(found.at, entry) for entry in inside]


async def inside(
    place: Archives, archive: Found, password: Secret | None = None
) -> AsyncIterator[ArchiveEntry]:
    """All that an archive holds, each folder before what is in it, without unpacking it. Raises as
    `Archives.list_archive`."""
    waiting = [""]
    seen: set[str] = set()
    while waiting:
        folder = waiting.pop()
        rows = await place.list_archive(archive, password, inside=folder)
        deeper = []
        for row in rows:
            if row.path in seen:
                continue  # an archive may name a thing twice; asking again would go in circles
            seen.add(row.path)
            yield row
            if row.kind is Kind.FOLDER:
                deeper.append(row.path)
        waiting += reversed(deeper)


async def named_inside(
    place: Archives, archive: Found, paths: Sequence[str], password: Secret | None = None
) -> list[ArchiveEntry]:
    """The things in an archive at these paths; a slash at the end means a folder.

    Only the folders on the way are looked into, from the top: it is not known what a service says
    of one that is not there. Raises NotFound with all that are missing, UsageError for a path of
    nothing, and as `Archives.list_archive`.
    """
    levels: dict[str, Sequence[ArchiveEntry]] = {}

    async def at(path: str, kinds: Sequence[Kind]) -> ArchiveEntry | None:
        above = path.rpartition("/")[0]
        if above and await at(above, (Kind.FOLDER,)) is None:
            return None
        if above not in levels:
            levels[above] = await place.list_archive(archive, password, inside=above)
        same = [row for row in levels[above] if row.path == path and row.kind in kinds]
        return min(same, key=lambda row: kinds.index(row.kind), default=None)

    found: list[ArchiveEntry] = []
    missing: list[str] = []
    for text in paths:
        path = "/".join(part for part in text.split("/") if part not in ("", "."))
        if not path:
            raise UsageError(f"{display_name(text) or 'An empty path'} names nothing inside.")
        row = await at(path, (Kind.FOLDER,) if text.endswith("/") else (Kind.FILE, Kind.FOLDER))
        if row is None:
            missing.append(display_name(text))
        else:
            found.append(row)
    if missing:
        raise NotFound(
            f"{display_name(archive.entry.name)} does not hold {', '.join(missing[:5])}.",
            hint="Nothing was unpacked.",
        )
    return found


def outermost(entries: Sequence[ArchiveEntry]) -> list[ArchiveEntry]:
    """Each once, without what lies in a folder that is among them."""
    folders = {entry.path for entry in entries if entry.kind is Kind.FOLDER}
    kept: dict[tuple[str, Kind], ArchiveEntry] = {}
    for entry in entries:
        parts = entry.path.split("/")
        above = {"/".join(parts[:count]) for count in range(1, len(parts))}
        if not above & folders:
            kept[entry.path, entry.kind] = entry
    return list(kept.values())


# --- extractions that are to be seen through -------------------------------------------------


class Unpacking(Struct, frozen=True):
    """An archive that a service unpacks into `into` (None: beside it) and that is to be deleted
    afterwards. `task` is the service's name for it, empty before it is known; `owner` is the
    process that waits for its end."""

    archive: Location
    into: Location | None = None
    task: str = ""
    owner: str = ""

    @property
    def account(self) -> str:
        """Where it is."""
        return self.archive.account

    @property
    def name(self) -> str:
        """The archive's, safe to show."""
        return display_name(self.archive.name)

    @property
    def found(self) -> Found:
        """The archive, as far as it can be known without asking."""
        node = self.archive.node or ""
        return Found(self.archive, Entry(self.archive.name, node, Kind.FILE))


class Unpackings:
    """The extractions of one home that are to be seen through, as one process sees them. Blocks;
    the file is small."""

    def __init__(self, paths: Paths) -> None:
        self._book = Book(paths.state_dir / "unpackings.json", _unpacking, _columns)
        self._folder = paths.state_dir / "unpackings"
        self._id = secrets.token_hex(8)
        self._living = self._lock_of(self._id)

    def _lock_of(self, owner: str) -> FileLock:
        return FileLock(self._folder / f"{owner}.lock")

    def all(self) -> list[Unpacking]:
        """Oldest first."""
        return self._book.all()

    def left(self) -> list[Unpacking]:
        """Those that nobody waits for: their process is gone."""
        return [each for each in self.all() if not self._lives(each.owner)]

    def own(self, wanted: Unpacking) -> None:
        """Note that this process waits for it; what was noted of the same archive gives way.
        Raises OSError."""
        self._living.try_acquire()
        mine = replace(wanted, owner=self._id)
        self._book.change(lambda rows: [*(r for r in rows if not _same(r, wanted)), mine])

    def take(self, wanted: Unpacking) -> Unpacking | None:
        """Become the process that waits for one that is `left`; None when another was faster.
        Raises OSError."""
        self._living.try_acquire()
        mine = replace(wanted, owner=self._id)
        taken = False

        def change(rows: list[Unpacking]) -> list[Unpacking]:
            nonlocal taken
            taken = wanted in rows and not self._lives(wanted.owner)
            return [mine if taken and row == wanted else row for row in rows]

        self._book.change(change)
        if not taken:
            return None
        with contextlib.suppress(OSError):  # the lock of a process that is gone
            self._lock_of(wanted.owner).path.unlink()
        return mine

    def give_back(self, mine: Unpacking) -> None:
        """Nobody waits for it any more. Raises OSError."""
        back = replace(mine, owner="")
        self._book.change(lambda rows: [back if row == mine else row for row in rows])

    def remove(self, over: Unpacking) -> None:
        """It was seen through, or given up. Raises OSError."""
        self._book.change(lambda rows: [row for row in rows if not _same(row, over)])

    def close(self) -> None:
        """Let others wait for what is not over. Safe to repeat."""
        if self._living.held:
            self._living.release()
            with contextlib.suppress(OSError):  # no other process makes a lock of this name
                self._living.path.unlink()

    def _lives(self, owner: str) -> bool:
        if owner == self._id:
            return self._living.held
        return bool(owner) and is_locked(self._lock_of(owner).path)


async def unpack(
    book: Unpackings,
    place: Archives,
    archive: Found,
    into: Location | None,
    password: Secret | None,
    *,
    only: Sequence[ArchiveEntry] = (),
    delete_source: bool,
    on_progress: Progress | None = None,
) -> Extracted:
    """Unpack one archive, or `only` some of it, and wait for the end; with `delete_source` that is
    noted for another process to wait for, should this one not get there. Raises as
    `Archives.extract`."""
    if only or not delete_source or not isinstance(place, LastingArchives):
        return await place.extract(
            archive,
            into,
            password,
            only=outermost(only),
            delete_source=delete_source,
            on_progress=on_progress,
        )
    note = Unpacking(replace(archive.at, node=archive.at.node or archive.entry.id), into)
    await _noted(book.own, note)
    try:
        task = await place.begin_extract(archive, into, password)
        await _noted(book.own, replace(note, task=task))
        done = await place.end_extract(archive, task, delete_source=True, on_progress=on_progress)
    except CloudError as error:
        if not may_pass(error):
            await _noted(book.remove, note)
        raise
    if not done.errors:  # an archive that could not be deleted is tried once more by the next start
        await _noted(book.remove, note)
    return done


async def see_through(
    book: Unpackings, place: object, note: Unpacking, on_progress: Progress | None = None
) -> Extracted:
    """Wait for the end of what another process began (`Unpackings.take`), delete the archive and
    forget it. Raises as `Archives.extract`; after an error that `may_pass` it is given back."""
    try:
        if not isinstance(place, LastingArchives):
            raise NotFound(f"Nothing more can be learned of the unpacking of {note.name}.")
        task = note.task or await place.begin_extract(note.found, note.into, None)
        done = await place.end_extract(
            note.found, task, delete_source=True, on_progress=on_progress
        )
    except CloudError as error:
        await _noted(book.give_back if may_pass(error) else book.remove, note)
        raise
    await _noted(book.remove, note)
    return done


async def _noted(change: Callable[[Unpacking], object], note: Unpacking) -> None:
    """A full disk is no reason not to unpack: then nobody goes on after this process."""
    try:
        await asyncio.to_thread(change, note)
    except OSError:
        _log.warning("an extraction cannot be noted", exc_info=True)


def may_pass(error: CloudError) -> bool:
    """Whether an extraction may have gone on although this happened."""
    return error.exit_code in (ExitCode.NETWORK, ExitCode.LOGIN)


def _same(one: Unpacking, other: Unpacking) -> bool:
    return (one.account, one.archive.node) == (other.account, other.archive.node)


Columns = list[str | list[str] | None]


def _columns(row: Unpacking) -> Columns:
    into = row.into
    where: Columns = [None, None] if into is None else [list(into.parts), into.node]
    return [row.account, row.archive.node, list(row.archive.parts), *where, row.task, row.owner]


def _unpacking(
    account: str,
    node: str,
    parts: list[str],
    into: list[str] | None,
    into_node: str | None,
    task: str,
    owner: str,
) -> Unpacking:
    where = None if into is None else Location(str(account), tuple(map(str, into)), into_node)
    archive = Location(str(account), tuple(map(str, parts)), str(node))
    return Unpacking(archive, where, str(task), str(owner))
