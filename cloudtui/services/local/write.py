"""A file being written on this disk: a hidden part first, its real name last.

Owns the part from its creation to its commit, and what of it survives the process. Never replaces
anything that was not moved to the trash before. All methods block and are called from worker
threads.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import Exists, Gone, Mismatch, NotFound, NotSupported
from cloudtui.services.failpoints import failpoint
from cloudtui.services.local.entries import entry_of
from cloudtui.services.local.errors import mapped, shown
from cloudtui.services.local.folder import Folder
from cloudtui.services.local.names import check_name, part_name
from cloudtui.services.local.room import reserve
from cloudtui.services.models import Entry, Found
from cloudtui.services.naming import numbered
from cloudtui.services.storage import SourceFacts

_RESERVED: Final = 64 * 1024
"""Smaller files get no room set aside: on ext4 it costs them more than their bytes do."""

PutInTrash = Callable[[str], object]
"""Moves a path to the trash. Raises NotSupported where the disk has none."""


class Old(Struct, frozen=True):
    """The file to be replaced, as it was when the user was asked."""

    size: int | None
    mtime_ns: int | None


class LocalWrite:
    """One part and its target. Made by `begin` or `take_up`."""

    def __init__(
        self,
        folder: Folder,
        name: str,
        part: str,
        size: int,
        old: Old | None,
        trash: PutInTrash,
        fd: int | None,
        identity: tuple[int, int],
    ) -> None:
        self._folder = folder
        self._name = name
        self._part = part
        self._size = size
        self._old = old
        self._trash = trash
        self._fd = fd
        self._identity = identity
        self.part_name = os.fsencode(part)

    @classmethod
    def begin(
        cls,
        parent: str,
        name: str,
        facts: SourceFacts,
        *,
        replace: Found | None,
        job: str,
        trash: PutInTrash,
    ) -> LocalWrite:
        """Create the part, with room reserved where all of it will be written. A stale one of the
        same job is thrown away.

        Raises Exists when the name is taken (without `replace`), NotFound, Denied, Full, BadName.
        """
        check_name(name)
        target = os.path.join(parent, name)
        part = part_name(name, job)
        old = None
        if replace is not None:
            if replace.entry.is_folder:
                raise Exists(f"A folder stands where {shown(target)} should be.")
            old = Old(replace.entry.size, replace.entry.mtime_ns)
        folder = _open_folder(parent)
        fd: int | None = None
        try:
            if old is None and folder.has(name):
                raise Exists(f"{shown(target)} is already there.", where=shown(target))
            fd = _create(folder, part)
            failpoint("disk.part_created")
            if facts.sparse:
                os.truncate(fd, facts.size)  # what is a hole there needs no room here
            elif facts.size >= _RESERVED:
                reserve(fd, facts.size)
            info = os.fstat(fd)
        except BaseException as error:
            if fd is not None:
                os.close(fd)
                folder.unlink(part)
            folder.close()
            if isinstance(error, OSError):
                raise mapped(error, target) from error
            raise
        identity = (info.st_dev, info.st_ino)
        return cls(folder, name, part, facts.size, old, trash, fd, identity)

    @classmethod
    def take_up(cls, state: bytes, trash: PutInTrash) -> LocalWrite:
        """Go on with what `state` tells of. Raises Gone when the part is no longer there."""
        try:
            row = json.loads(state)
            parent, name, part = (_text(row[key]) for key in ("parent", "name", "part"))
            size, identity = int(row["size"]), (int(row["device"]), int(row["inode"]))
            old = Old(*row["old"]) if row["old"] is not None else None
        except (ValueError, KeyError, TypeError) as error:
            raise Gone("What was noted of an unfinished file cannot be read.") from error
        try:
            folder = _open_folder(parent)
        except (NotFound, Exists) as error:
            raise Gone(f"The folder {shown(parent)} is gone.") from error
        write = cls(folder, name, part, size, old, trash, None, identity)
        try:
            if not write._is_ours(name):
                write._reopen()
        except BaseException:
            folder.close()
            raise
        return write

    # --- for the engine ----------------------------------------------------------------------

    def state(self) -> bytes:
        """All that `take_up` needs. Holds no secret."""
        row = {
            "parent": _plain(self._folder.path),
            "name": _plain(self._name),
            "part": _plain(self._part),
            "size": self._size,
            "device": self._identity[0],
            "inode": self._identity[1],
            "old": None if self._old is None else [self._old.size, self._old.mtime_ns],
        }
        return json.dumps(row).encode()

    def fd(self) -> int:
        """An open descriptor of the part. Raises Gone when the part was taken away."""
        if self._fd is None:
            self._reopen()
        assert self._fd is not None
        return self._fd

    def sync(self) -> None:
        """Make what was written so far durable."""
        try:
            _sync_data(self.fd())
        except OSError as error:
            raise mapped(error, self._target) from error

    def finish(self, facts: SourceFacts) -> Entry:
        """Set its time, give it its real name; made durable first where it takes another's place.

        A new file is not: waiting for the disk would cost more than fetching it, twice for each
        small file, and its source is still there. Whoever removes the source makes sure before.
        Safe to call again after a kill: a file that has its name already is only looked at.
        Raises Exists when the name is taken or the old file changed since the question, Mismatch
        when the length is wrong; the part is kept then. Gone when somebody took the part away.
        """
        try:
            if not self._is_ours(self._name):
                self._settle(facts)
                failpoint("disk.before_commit")
                try:
                    self._commit()
                except FileNotFoundError as error:
                    raise self._gone() from error
                failpoint("disk.after_commit")
            elif self._is_ours(self._part):
                self._folder.unlink(self._part)  # killed between a second link and this
            if self._old is not None:
                self._folder.sync()
            info = self._folder.lstat(self._name)
        except OSError as error:
            raise mapped(error, self._target) from error
        self.close()
        return entry_of(self._name, info)

    def keep_bad(self) -> str:
        """Rename the part to `name.bad` (first free number) and return that name."""
        bad = f"{self._name}.bad"
        number = 0
        while True:
            candidate = numbered(bad, number) if number else bad
            try:
                self._folder.move(self._part, self._folder, candidate)
            except FileExistsError:
                number += 1
                continue
            except OSError as error:
                raise mapped(error, self._target) from error
            self.close()
            return candidate

    def abort(self) -> None:
        """Remove the part. Safe to repeat."""
        try:
            folder = _open_folder(self._folder.path)
        except (NotFound, Exists):
            self.close()
            return
        with folder:
            try:
                info = folder.lstat(self._part)
                if (info.st_dev, info.st_ino) == self._identity:
                    folder.unlink(self._part)
            except FileNotFoundError:
                pass  # committed, or removed before
            except OSError as error:
                raise mapped(error, self._target) from error
        self.close()

    def close(self) -> None:
        """Close the descriptor, keep the part."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        self._folder.close()

    # --- inside ------------------------------------------------------------------------------

    @property
    def _target(self) -> str:
        return os.path.join(self._folder.path, self._name)

    def _settle(self, facts: SourceFacts) -> None:
        fd = self.fd()
        length = os.fstat(fd).st_size
        if length != facts.size:
            raise Mismatch(
                f"{shown(self._target)} has {length} bytes instead of {facts.size}; it was kept"
                " under its unfinished name."
            )
        if facts.mtime_ns is not None:
            os.utime(
                fd if os.utime in os.supports_fd else self._part_path, ns=(facts.mtime_ns,) * 2
            )
        if self._old is not None:
            _sync_data(fd)
        if sys.platform == "win32":
            os.close(fd)  # an open file cannot be renamed there
            self._fd = None

    def _commit(self) -> None:
        if self._old is not None and self._folder.has(self._name):
            self._check_old(self._old)
            try:
                self._trash(self._target)
            except NotSupported:
                # asked for, and this disk keeps no trash: in one step, the new one is whole
                self._folder.replace(self._part, self._name)
                return
            failpoint("disk.replace_trashed")
        try:
            self._folder.move(self._part, self._folder, self._name)
        except FileExistsError as error:
            raise Exists(
                f"{shown(self._target)} was made meanwhile; what arrived was kept beside it.",
                where=shown(self._target),
            ) from error

    def _gone(self) -> Gone:
        return Gone(f"The unfinished file of {shown(self._target)} is gone.")

    def _check_old(self, old: Old) -> None:
        now = entry_of(self._name, self._folder.lstat(self._name))
        if now.is_folder or (now.size, now.mtime_ns) != (old.size, old.mtime_ns):
            raise Exists(
                f"{shown(self._target)} changed since the question; nothing was replaced.",
                hint="Decide again with what is there now.",
                where=shown(self._target),
            )

    def _is_ours(self, name: str) -> bool:
        try:
            info = self._folder.lstat(name)
        except FileNotFoundError:
            return False
        return (info.st_dev, info.st_ino) == self._identity

    @property
    def _part_path(self) -> str:
        return os.path.join(self._folder.path, self._part)

    def _reopen(self) -> None:
        try:
            fd = self._folder.open(self._part, os.O_RDWR)
        except FileNotFoundError as error:
            raise self._gone() from error
        except OSError as error:
            raise mapped(error, self._target) from error
        info = os.fstat(fd)
        if (info.st_dev, info.st_ino) != self._identity:
            os.close(fd)
            raise self._gone()
        self._fd = fd


def _open_folder(path: str) -> Folder:
    try:
        return Folder(path)
    except OSError as error:
        raise mapped(error, path) from error


def _create(folder: Folder, part: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    try:
        return folder.open(part, flags)
    except FileExistsError:
        # the same file of the same job, whose state was never noted: nothing of it can be trusted
        folder.unlink(part)
        return folder.open(part, flags)


def _sync_data(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


def _plain(text: str) -> str:
    return base64.b64encode(os.fsencode(text)).decode()


def _text(plain: str) -> str:
    return os.fsdecode(base64.b64decode(plain))
