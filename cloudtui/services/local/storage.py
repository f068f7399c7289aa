"""This disk as a place.

Owns the disk's side of the Storage protocol: listing, names, folders, reading, writing, moving.
File bytes are moved by the engine. Every system call runs on four threads of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from msgspec.structs import replace

from cloudtui.services.errors import Denied, Refused, UsageError
from cloudtui.services.local.entries import entry_of, kind_of
from cloudtui.services.local.errors import mapped, mapping, shown
from cloudtui.services.local.folder import Folder
from cloudtui.services.local.names import check_name, is_part, location_of, path_of
from cloudtui.services.local.trash import Trash, open_trash
from cloudtui.services.local.write import LocalWrite
from cloudtui.services.models import (
    DISK,
    Capabilities,
    Entry,
    Flag,
    Found,
    HashType,
    Kind,
    Location,
    Quota,
    TrashItem,
    TrashKind,
)
from cloudtui.services.storage import (
    LocalFile,
    ReadSource,
    Restored,
    SourceFacts,
    WriteHandle,
)

PAGE: Final = 1000
"""Entries of a page: about 5 ms of `lstat`."""

THREADS: Final = 4

T = TypeVar("T")


class LocalStorage:
    """The disk. Locations hold raw names; undecodable bytes stand as surrogates."""

    account = DISK
    kind = "disk"
    title = "disk"

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """`environ` tells where the home trash is (HOME, XDG_DATA_HOME)."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="disk")
        self._trash: Trash = open_trash(os.environ if environ is None else environ)
        windows = sys.platform == "win32"
        self._caps = Capabilities(
            server_move=True,
            trash=TrashKind.SERVICE,
            resume_upload=True,
            case_sensitive=sys.platform not in ("win32", "darwin"),
            sets_mtime=True,
            forbidden='<>:"/\\|?*\0' if windows else "/\0",
        )

    @property
    def caps(self) -> Capabilities:
        """What the disk can do."""
        return self._caps

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    # --- looking -----------------------------------------------------------------------------

    async def stat(self, at: Location, *, want: Kind | None = None) -> Found:
        """What stands there. Links are shown as links, except with `want=FOLDER`: then a link to
        a folder gives that folder, at its real place. Raises NotFound, Denied."""
        path = path_of(at)

        def look() -> Found:
            with mapping(path):
                info = os.lstat(path)
                if want is Kind.FOLDER and stat.S_ISLNK(info.st_mode):
                    with suppress(FileNotFoundError):
                        target = os.stat(path)
                        if stat.S_ISDIR(target.st_mode):
                            real = location_of(os.path.realpath(path))
                            return Found(real, entry_of(real.name, target))
            return Found(Location(DISK, at.parts), entry_of(at.name, info))

        return await self._run(look)

    async def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        """The entries of a folder, page by page, unfinished files of ours left out."""
        path = path_of(folder)

        def start() -> Iterator[os.DirEntry[str]]:
            with mapping(path):
                return os.scandir(path)

        def page(rows: Iterator[os.DirEntry[str]]) -> list[Entry] | None:
            found: list[Entry] = []
            with mapping(path):
                for row in rows:
                    if is_part(row.name):
                        continue
                    with suppress(FileNotFoundError):  # removed while we read
                        found.append(entry_of(row.name, row.stat(follow_symlinks=False)))
                    if len(found) >= PAGE:
                        return found
            return found or None

        rows = await self._run(start)
        try:
            while entries := await self._run(lambda: page(rows)):
                yield entries
        finally:
            rows.close()  # type: ignore[attr-defined]  # scandir's iterator can be closed

    async def open_read(self, item: Found) -> ReadSource:
        """The file as it is now. A link is followed: it was named itself. Raises Refused for
        anything but regular files."""
        path = path_of(item.at)

        def look() -> LocalFile:
            linked = item.entry.kind is Kind.LINK or item.entry.flags & Flag.FOLLOWED
            real = os.path.realpath(path) if linked else path
            with mapping(path):
                info = os.lstat(real)
            if not stat.S_ISREG(info.st_mode):
                raise Refused(f"{shown(path)} is no regular file; it was left alone.")
            if not os.access(real, os.R_OK):
                raise Denied(f"You have no permission to read {shown(path)}.", where=shown(path))
            return LocalFile.of(os.fsencode(real), info)

        return await self._run(look)

    async def follow(self, link: Found, avoid: Sequence[Location]) -> Entry | None:
        """What a link leads to. Folders are known by device and number, so that no detour hides
        a loop."""
        path, above = path_of(link.at), [path_of(at) for at in avoid]

        def look() -> Entry | None:
            try:
                info = os.stat(path)
            except OSError:
                return None
            if stat.S_ISDIR(info.st_mode):
                for each in above:
                    with suppress(OSError):  # one that is not there cannot be entered again
                        if os.path.samestat(info, os.stat(each)):
                            return None
            entry = entry_of(link.entry.name, info)
            return replace(entry, flags=entry.flags | Flag.FOLLOWED)

        return await self._run(look)

    async def hashes(self, item: Found) -> Mapping[HashType, str]:
        """None: a disk keeps no digests."""
        return {}

    async def quota(self) -> Quota:
        """Bytes of the file system of the working folder."""

        def ask() -> Quota:
            with mapping("."):
                usage = shutil.disk_usage(".")
            return Quota(usage.total, usage.used, None, usage.free)

        return await self._run(ask)

    # --- changing ----------------------------------------------------------------------------

    async def mkdir(self, parent: Location, name: str) -> Entry:
        """Make one folder. Raises Exists for whatever stands there, a link too."""
        check_name(name)
        path = path_of(parent)

        def make() -> Entry:
            with mapping(path):
                folder = Folder(path)
            with folder, mapping(_join(path, name)):
                folder.mkdir(name)
                return entry_of(name, folder.lstat(name))

        return await self._run(make)

    async def rename(self, item: Found, name: str) -> Entry:
        """Give an entry another name in its folder. Never replaces: Exists."""
        return await self.move(item, item.at.parent, name)

    async def move(self, item: Found, parent: Location, name: str) -> Entry:
        """Move inside one file system. Never replaces: Exists. Raises NotSupported for another
        disk, UsageError for a folder into itself."""
        check_name(name)
        source, folder_path = path_of(item.at), path_of(parent)
        if not item.at.parts:
            raise UsageError("The top folder cannot be moved.")

        def move() -> Entry:
            with mapping(os.path.dirname(source)):
                origin = Folder(os.path.dirname(source))
            with origin, mapping(source):
                info = origin.lstat(item.at.name)
                if stat.S_ISDIR(info.st_mode) and _contains(source, folder_path):
                    raise UsageError(f"{shown(source)} cannot be moved into itself.")
                with mapping(folder_path):
                    target = Folder(folder_path)
                with target, mapping(_join(folder_path, name)):
                    if _only_case_changes(item.at, parent, name) and _same(target, name, info):
                        target.replace(item.at.name, name)
                    else:
                        origin.move(item.at.name, target, name)
                    return entry_of(name, target.lstat(name))

        return await self._run(move)

    async def remove(self, items: Sequence[Found]) -> None:
        """Delete for ever, folders with all they hold; links themselves, never what they name."""

        def remove(path: str) -> None:
            with mapping(path):
                if kind_of(os.lstat(path).st_mode) is Kind.FOLDER:
                    _remove_tree(path)
                else:
                    os.unlink(path)

        for item in items:
            if not item.at.parts:
                raise UsageError("The top folder cannot be deleted.")
            path = path_of(item.at)
            await self._run(lambda path=path: remove(path))  # type: ignore[misc]

    # --- writing -----------------------------------------------------------------------------

    async def open_write(
        self, parent: Location, name: str, facts: SourceFacts, *, replace: Found | None, job: str
    ) -> WriteHandle:
        """Begin a file under its part name, with its room reserved."""
        path = path_of(parent)
        return await self._run(
            lambda: LocalWrite.begin(
                path, name, facts, replace=replace, job=job, trash=self._trash.put
            )
        )

    async def reopen_write(self, state: bytes) -> WriteHandle:
        """Take up a part. Raises Gone when it is no longer there."""
        return await self._run(lambda: LocalWrite.take_up(state, self._trash.put))

    # --- trash -------------------------------------------------------------------------------

    async def trash(self, items: Sequence[Found]) -> list[TrashItem]:
        """Move entries to the desktop's trash. Raises NotSupported for a disk without one."""
        put: list[TrashItem] = []
        for item in items:
            if not item.at.parts:
                raise UsageError("The top folder cannot be deleted.")
            path = path_of(item.at)
            put.append(await self._run(lambda path=path: self._trash.put(path)))  # type: ignore[misc]
        return put

    async def scan_trash(self) -> AsyncIterator[Sequence[TrashItem]]:
        """All that lies in the trashes of all mounted disks, newest first."""
        items = await self._run(self._trash.items)
        for start in range(0, len(items), PAGE):
            yield items[start : start + PAGE]

    async def restore(
        self, items: Sequence[TrashItem], to: Location | None = None
    ) -> list[Restored]:
        """Put items back. A taken name is never replaced: the item comes back numbered."""
        folder = None if to is None else path_of(to)
        return [
            await self._run(lambda item=item: self._trash.restore(item, folder))  # type: ignore[misc]
            for item in items
        ]

    async def delete_forever(self, items: Sequence[TrashItem]) -> None:
        """Remove items from the trash for good."""
        for item in items:
            await self._run(lambda item=item: self._trash.delete(item.key))  # type: ignore[misc]

    async def empty_trash(self, on_progress: Callable[[int], None] | None = None) -> None:
        """Remove everything from the trash for good."""
        await self._run(self._trash.empty)
        if on_progress is not None:
            on_progress(100)


def _join(folder: str, name: str) -> str:
    return os.path.join(folder, name)


def _contains(folder: str, path: str) -> bool:
    real, inner = os.path.realpath(folder), os.path.realpath(path)
    return inner == real or inner.startswith(real + os.sep)


def _only_case_changes(at: Location, parent: Location, name: str) -> bool:
    return (
        at.parts[:-1] == parent.parts and at.name != name and at.name.casefold() == name.casefold()
    )


def _same(folder: Folder, name: str, info: os.stat_result) -> bool:
    """Whether the new spelling already leads to the entry: a disk that is blind to case."""
    try:
        there = folder.lstat(name)
    except FileNotFoundError:
        return False
    single = stat.S_ISDIR(info.st_mode) or info.st_nlink == 1
    return single and (there.st_dev, there.st_ino) == (info.st_dev, info.st_ino)


def _remove_tree(path: str) -> None:
    """Remove a folder without ever following a link (`rmtree` works on open folders)."""
    try:
        shutil.rmtree(path)
    except OSError as error:
        where = error.filename if isinstance(error.filename, str | bytes) else path
        raise mapped(error, where) from error
