"""One account's folders, files, trash and change feed.

Owns every change of a tree and the events it leaves. Callers hold the world's lock; bytes are
already on disk when a file is placed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.metadata import describe
from cloudtui.sandbox.pcloud.nodes import Content, File, Folder, Node, inside, is_live, size_of

# Ids pass 2^32, and a file and a folder may carry the same number: they are two number spaces.
FIRST_ID = 4_294_967_311
FIRST_DIFF = 8_800_000_001
FIRST_REVISION = 9_000_000_001
NAME_LIMIT = 1024
FULLWIDTH_BACKSLASH = "\uff3c"


class Clash(StrEnum):
    """What to do when a file of the name is already there."""

    OVERWRITE = "overwrite"
    RENAME = "rename"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the change feed; `metadata` has numeric times."""

    event: str
    time: int
    diffid: int
    metadata: dict[str, object]


def check_name(name: str) -> str:
    """Raises Refusal 2001 for NUL, slashes, empty, not UTF-8, or 1,024 bytes and more."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError as exc:
        raise Refusal(2001) from exc
    if not 0 < size < NAME_LIMIT or any(bad in name for bad in "\0/\\"):
        raise Refusal(2001)
    return name


def _require(folder: Folder, right: str) -> None:
    """Raises Refusal 2003 in a folder of somebody else who does not allow it."""
    if folder.rights is not None and right not in folder.rights:
        raise Refusal(2003)


def _require_move(source: Folder, target: Folder) -> None:
    """Raises Refusal 2003 when what lies in one folder may not go to the other; nothing moves
    between one's own folders and those of somebody else."""
    if source is target:
        _require(source, "modify")
        return
    if (source.rights is None) is not (target.rights is None):
        raise Refusal(2003)
    _require(source, "delete")
    _require(target, "create")


def numbered(name: str, taken: Callable[[str], bool]) -> str:
    """`name (2).ext`, or the first higher number that is free."""
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    number = 2
    while taken(f"{stem} ({number}){dot}{suffix}"):
        number += 1
    return f"{stem} ({number}){dot}{suffix}"


class Tree:
    """All nodes of one account, live and deleted."""

    def __init__(
        self,
        salt: str,
        clock: Callable[[], float],
        changed: Callable[[], None],
        folds: Callable[[], bool] = lambda: False,
    ) -> None:
        """`folds`: whether fullwidth backslashes in names become plain ones."""
        self._salt = salt
        self._folds = folds
        self._clock = clock
        self._changed = changed
        now = self.now()
        self.root = Folder(0, "/", None, now, now)
        self.folders: dict[int, Folder] = {0: self.root}
        self.files: dict[int, File] = {}
        self.trash: dict[Node, int] = {}  # node -> time of deletion
        self.events: list[Event] = []
        self.used = 0
        self.diffid = FIRST_DIFF
        self.oldest_diffid = FIRST_DIFF
        self._next_folder = FIRST_ID
        self._next_file = FIRST_ID
        self._next_revision = FIRST_REVISION
        self.quiet = False

    def now(self) -> int:
        return int(self._clock())

    # lookups

    def folder(self, number: int) -> Folder:
        """A live folder; Refusal 2005."""
        folder = self.folders.get(number)
        if folder is None or not is_live(folder):
            raise Refusal(2005)
        return folder

    def file(self, number: int) -> File:
        """A live file; Refusal 2009."""
        file = self.files.get(number)
        if file is None or not is_live(file):
            raise Refusal(2009)
        return file

    def walk(self, parts: list[str], missing: int) -> Folder:
        """The folder at a path given in parts; Refusal `missing`."""
        folder = self.root
        for part in parts:
            below = folder.folders.get(part)
            if below is None:
                raise Refusal(missing)
            folder = below
        return folder

    # changes

    def event(self, name: str, node: Node, **extra: object) -> None:
        """Append to the change feed and wake whoever waits for it."""
        if self.quiet:
            return
        self.diffid += 2
        found = {**describe(node), **extra}
        self.events.append(Event(name, self.now(), self.diffid, found))
        self._changed()

    def touch(self, folder: Folder) -> None:
        folder.modified = self.now()

    def content(self, blob: Blob, created: int | None = None) -> Content:
        """A new version around a blob, with a change mark that is above 2^63 every other time."""
        self._next_revision += 1
        mark = f"{self._salt}/{self._next_revision}".encode()
        number = int.from_bytes(hashlib.blake2b(mark, digest_size=8).digest(), "big") | 1
        return Content(
            blob, number, self.now() if created is None else created, self._next_revision
        )

    def copied(self, content: Content) -> Content:
        """The same bytes and change mark for another file."""
        fresh = self.content(content.blob)
        fresh.hash = content.hash
        return fresh

    def called(self, name: str) -> str:
        """The name as it is kept, which is the sent one unless fullwidth backslashes are folded.
        Refusal 2001."""
        if not self._folds():
            return check_name(name)
        check_name(name.replace("\\", FULLWIDTH_BACKSLASH))
        return name.replace(FULLWIDTH_BACKSLASH, "\\")

    def add_folder(self, parent: Folder, name: str, created: int | None = None) -> Folder:
        """Refusals: 2001 bad name, 2004 a folder of the name is there."""
        name = self.called(name)
        if name in parent.folders:
            raise Refusal(2004)
        _require(parent, "create")
        self._next_folder += 1
        moment = self.now() if created is None else created
        folder = Folder(self._next_folder, name, parent, moment, moment)
        folder.rights = parent.rights
        self.folders[folder.id] = folder
        parent.folders[name] = folder
        if not self.quiet:
            self.touch(parent)
            self.event("createfolder", folder)
        return folder

    def add_file(
        self, parent: Folder, name: str, content: Content, created: int, modified: int
    ) -> File:
        """A file under a name that is free."""
        name = self.called(name)
        _require(parent, "create")
        self._next_file += 1
        file = File(self._next_file, name, parent, created, modified, content)
        self.files[file.id] = file
        parent.files[name] = file
        self.used += content.blob.size
        if not self.quiet:
            self.touch(parent)
            self.event("createfile", file)
        return file

    def place(
        self,
        parent: Folder,
        name: str,
        blob: Blob,
        *,
        clash: Clash = Clash.OVERWRITE,
        modified: int | None = None,
        created: int | None = None,
        content: Content | None = None,
    ) -> File:
        """Put bytes under a name. Overwriting keeps the file's id and makes the old bytes a
        revision; equal bytes only change the time. `content` keeps an existing change mark (server-
        side copies).

        Refusals: 2001 bad name, 2004 when `clash` is REFUSE.
        """
        name = self.called(name)
        now = self.now()
        existing = parent.files.get(name)
        if existing is not None and clash is Clash.REFUSE:
            raise Refusal(2004)
        if existing is not None and clash is Clash.RENAME:
            name = numbered(name, parent.files.__contains__)
            existing = None
        mtime = now if modified is None else modified
        if existing is None:
            ctime = now if created is None else created
            return self.add_file(parent, name, content or self.content(blob), ctime, mtime)
        _require(parent, "modify")
        same = existing.content.blob.same_as(blob)
        if not same:
            existing.old.append(existing.content)
            self.used += blob.size - existing.content.blob.size
            existing.content = content or self.content(blob)
        existing.modified = mtime
        if created is not None:
            existing.created = created
        self.touch(parent)
        self.event("modifyfile", existing)
        return existing

    def move_folder(self, folder: Folder, parent: Folder, name: str) -> None:
        """Refusals: 2042 root, 2043 into itself, 2004 taken, 2001 bad name."""
        if folder.parent is None:
            raise Refusal(2042)
        if inside(parent, folder):
            raise Refusal(2043)
        name = self.called(name)
        there = parent.folders.get(name)
        if there is folder:
            return
        if there is not None:
            raise Refusal(2004)
        _require_move(folder.parent, parent)
        del folder.parent.folders[folder.name]
        self.touch(folder.parent)
        folder.parent, folder.name = parent, name
        parent.folders[name] = folder
        self.touch(parent)
        self.event("modifyfolder", folder)

    def move_file(self, file: File, parent: Folder, name: str) -> int | None:
        """Rename or move; a file of that name is replaced and its id returned, its bytes become
        revisions.
        """
        name = self.called(name)
        there = parent.files.get(name)
        if there is file:
            return None
        _require_move(file.parent, parent)
        extra: dict[str, object] = {}
        if there is not None:
            file.old = [*there.old, there.content, *file.old]
            self.used -= there.content.blob.size
            del parent.files[name]
            del self.files[there.id]
            extra["deletedfileid"] = there.id
        del file.parent.files[file.name]
        self.touch(file.parent)
        file.parent, file.name = parent, name
        parent.files[name] = file
        self.touch(parent)
        self.event("modifyfile", file, **extra)
        return None if there is None else there.id

    def remove(self, node: Node) -> tuple[int, int]:
        """Into the trash, with everything below; returns how many files and folders went. 2007
        root.
        """
        parent = node.parent
        if parent is None:
            raise Refusal(2007)
        _require(parent, "delete")
        self.used -= size_of(node)
        if isinstance(node, File):
            del parent.files[node.name]
        else:
            del parent.folders[node.name]
        files, folders = self._announce_removal(node)
        node.deleted = True
        self.trash[node] = self.now()
        self.touch(parent)
        return files, folders

    def _announce_removal(self, node: Node) -> tuple[int, int]:
        if isinstance(node, File):
            self.event("deletefile", node, isdeleted=True)
            return 1, 0
        files = folders = 0
        children: list[Node] = [*node.files.values(), *node.folders.values()]
        for child in children:
            below = self._announce_removal(child)
            files += below[0]
            folders += below[1]
        self.event("deletefolder", node, isdeleted=True)
        return files, folders + 1

    def restore(self, node: Node, parent: Folder) -> None:
        """Out of the trash into a live folder, under its name or the next free one."""
        del self.trash[node]
        node.deleted = False
        node.parent = parent
        if isinstance(node, File):
            if node.name in parent.files:
                node.name = numbered(node.name, parent.files.__contains__)
            parent.files[node.name] = node
        else:
            if node.name in parent.folders:
                node.name = numbered(node.name, parent.folders.__contains__)
            parent.folders[node.name] = node
        self.used += size_of(node)
        self.touch(parent)
        self._announce_return(node)

    def _announce_return(self, node: Node) -> None:
        if isinstance(node, File):
            self.event("createfile", node)
            return
        self.event("createfolder", node)
        children: list[Node] = [*node.folders.values(), *node.files.values()]
        for child in children:
            self._announce_return(child)

    def purge(self, node: Node) -> None:
        """Out of the trash for ever."""
        self.trash.pop(node, None)
        stack: list[Node] = [node]
        while stack:
            current = stack.pop()
            if isinstance(current, File):
                self.files.pop(current.id, None)
                continue
            self.folders.pop(current.id, None)
            stack.extend(current.folders.values())
            stack.extend(current.files.values())

    def copy_folder(self, source: Folder, target: Folder, clash: Clash, *, skip: bool) -> None:
        """Copy the contents of one folder into another; `skip` leaves existing files alone."""
        for file in list(source.files.values()):
            if skip and file.name in target.files:
                continue
            self.place(
                target, file.name, file.content.blob, clash=clash, content=self.copied(file.content)
            )
        for folder in list(source.folders.values()):
            below = target.folders.get(folder.name)
            if below is None:
                below = self.add_folder(target, folder.name)
            self.copy_folder(folder, below, clash, skip=skip)
