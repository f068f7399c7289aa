"""Trash folders of the freedesktop.org specification: home trash and one on every other disk.

Owns putting, listing, restoring and removing; nothing is ever replaced on either way. An
information file is written before its file is moved in and removed after it is moved out, so that
a kill leaves at most an information file without file, which counts as nothing.
"""

from __future__ import annotations

import errno
import os
import pwd
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from msgspec import Struct

from cloudtui.services.errors import Denied, Exists, NotFound, NotSupported, Refused
from cloudtui.services.failpoints import failpoint
from cloudtui.services.local.entries import entry_of
from cloudtui.services.local.errors import mapped, mapping, shown
from cloudtui.services.local.folder import Folder
from cloudtui.services.local.mounts import mount_point, mount_points
from cloudtui.services.local.names import location_of
from cloudtui.services.models import Location, TrashItem
from cloudtui.services.naming import cut_name, numbered
from cloudtui.services.storage import Restored

_INFO: Final = ".trashinfo"
_MOST_NUMBERS: Final = 10_000


class Bin(Struct, frozen=True):
    """One trash folder. `top` is what its relative paths are relative to; None: they are
    absolute (the home trash)."""

    path: str
    top: str | None

    @property
    def files(self) -> str:
        """Where the things lie."""
        return f"{self.path}/files"

    @property
    def info(self) -> str:
        """Where their information lies."""
        return f"{self.path}/info"


class FreedesktopTrash:
    """The home trash and the trashes of all mounted disks."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        home = environ.get("HOME") or os.path.expanduser("~")
        data = environ.get("XDG_DATA_HOME", "")
        if not os.path.isabs(data):
            data = f"{home}/.local/share"
        self._home = Bin(f"{data}/Trash", None)
        self._own_home = _is_own_home(home)

    # --- putting -----------------------------------------------------------------------------

    def put(self, path: str) -> TrashItem:
        """Move something to the trash of its disk, under the first free name."""
        with mapping(path):
            info = os.lstat(path)
            bin_ = self._bin_for(path, info)
            real = _real_place(path)
            if real == bin_.path or real.startswith(bin_.path + "/"):
                raise Refused(f"{shown(path)} lies in the trash already.")
            try:
                with Folder(os.path.dirname(real)) as origin, Folder(bin_.files) as files:
                    name, when = self._admit(bin_, real, origin, files)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    raise NotSupported("This disk has no trash.") from error
                raise
        key = f"{bin_.files}/{name}"
        at = location_of(path)
        return TrashItem(key, entry_of(at.name, info, id=key), at, when)

    def _admit(self, bin_: Bin, real: str, origin: Folder, files: Folder) -> tuple[str, int]:
        base = os.path.basename(real)
        when = int(time.time())
        lines = _information(bin_, real, when)
        with Folder(bin_.info) as infos:
            for number in range(_MOST_NUMBERS):
                name = cut_name(base, 255 - len(_INFO) - 8)
                name = numbered(name, number) if number else name
                if files.has(name):
                    continue
                try:
                    fd = infos.open(name + _INFO, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                except FileExistsError:
                    continue
                with os.fdopen(fd, "wb") as file:
                    file.write(lines)
                failpoint("disk.trash.noted")
                try:
                    origin.move(base, files, name)
                except OSError as error:
                    infos.unlink(name + _INFO)
                    if error.errno == errno.EEXIST:
                        continue
                    raise
                failpoint("disk.trash.moved")
                return name, when * 1_000_000_000
        raise Exists(f"The trash holds too many things called {shown(base)}.")

    def _bin_for(self, path: str, info: os.stat_result) -> Bin:
        if os.path.ismount(path):
            raise Denied(f"{shown(path)} is the top of a disk; it was left alone.")
        with suppress(OSError):
            if _device_of_nearest(self._home.path) == info.st_dev:
                _make_bin(self._home)
                return self._home
        top = mount_point(os.path.dirname(_real_place(path)))
        for bin_ in _bins_at(top):
            try:
                # a bind mount has the device number of its origin, yet nothing moves across
                if os.lstat(top).st_dev == info.st_dev:
                    _make_bin(bin_)
                    return bin_
            except OSError:
                continue
        raise NotSupported(
            "This disk has no trash.", hint="Deleting for ever is the only way here."
        )

    # --- looking -----------------------------------------------------------------------------

    def items(self) -> list[TrashItem]:
        """All that lies in any trash of ours, newest first; files without information last."""
        found = [item for bin_ in self._bins() for item in _listed(bin_)]
        found.sort(key=lambda item: (-(item.trashed_ns or 0), item.entry.name))
        return found

    def _bins(self) -> Iterator[Bin]:
        yield self._home
        for top in mount_points():
            for bin_ in _bins_at(top):
                if bin_.path != self._home.path and _is_ours(bin_.path):
                    yield bin_

    def _located(self, key: str) -> tuple[Bin, str]:
        """The trash and name a key stands for. Raises NotFound for anything outside of ours."""
        folder, _, name = key.rpartition("/")
        if name not in ("", ".", ".."):
            for bin_ in self._bins():
                if folder == bin_.files and os.path.lexists(key):
                    return bin_, name
        raise NotFound(f"{shown(name or key)} is not in the trash.")

    # --- taking out --------------------------------------------------------------------------

    def restore(self, item: TrashItem, to: str | None) -> Restored:
        """Put an item back under its old name, or a numbered one when that is taken."""
        bin_, name = self._located(item.key)
        at = _origin(bin_, name)
        if to is None and at is None:
            raise NotSupported(
                f"It is not known where {shown(name)} came from.", hint="Name a folder for it."
            )
        wanted = at.name if at is not None else name
        goal = to if to is not None else os.path.dirname(at.path if at is not None else "/")
        made_again = not os.path.lexists(goal)
        with mapping(goal):
            os.makedirs(goal, exist_ok=True)
            goal = os.path.realpath(goal)
            with Folder(bin_.files) as files, Folder(goal) as target:
                final = _release(files, name, target, wanted)
        failpoint("disk.restore.moved")
        _forget(bin_, name)
        note = ""
        if final != wanted:
            note = f"The name {shown(wanted)} was taken; it is {shown(final)} now."
        elif made_again:
            note = "Its folder was gone and was made again."
        return Restored(item, location_of(goal).child(final), note)

    def delete(self, key: str) -> None:
        """Remove one item for good."""
        bin_, name = self._located(key)
        _destroy(bin_, name)

    def empty(self) -> None:
        """Remove everything for good, information without file too.

        Under a HOME that is not this user's own (a trial, a test) the home trash alone: what lies
        on other disks belongs to the real one.
        """
        for bin_ in list(self._bins()) if self._own_home else [self._home]:
            for name in _names(bin_.files):
                _destroy(bin_, name)
            for name in _names(bin_.info):
                with mapping(f"{bin_.info}/{name}"), suppress(FileNotFoundError):
                    os.unlink(f"{bin_.info}/{name}")


# --- folders ---------------------------------------------------------------------------------


def _bins_at(top: str) -> list[Bin]:
    """The trashes a disk may have, in the order of the specification: the shared folder of an
    administrator (a real folder with the sticky bit), then our own."""
    uid = os.getuid()
    base = top.rstrip("/")
    bins = [Bin(f"{base}/.Trash-{uid}", top)]
    with suppress(OSError):
        shared = os.lstat(f"{base}/.Trash")
        if stat.S_ISDIR(shared.st_mode) and shared.st_mode & stat.S_ISVTX:
            bins.insert(0, Bin(f"{base}/.Trash/{uid}", top))
    return bins


def _make_bin(bin_: Bin) -> None:
    """Make a trash where it is missing. Raises OSError, also for one that is not ours."""
    os.makedirs(os.path.dirname(bin_.path), mode=0o700, exist_ok=True)
    for folder in (bin_.path, bin_.files, bin_.info):
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        if not _is_ours(folder, linked=bin_.top is None):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)


def _is_ours(folder: str, *, linked: bool = False) -> bool:
    """Whether it is a folder of this user; only inside the own home a link may lead to it."""
    try:
        info = os.stat(folder) if linked else os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid()


def _is_own_home(home: str) -> bool:
    try:
        return os.path.realpath(home) == os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return True  # a user without an entry has no other home


def _device_of_nearest(path: str) -> int:
    """The device of a path that may not exist yet."""
    while True:
        try:
            return os.stat(path).st_dev
        except FileNotFoundError:
            path = os.path.dirname(path)


def _real_place(path: str) -> str:
    """The path with links followed in its folder, but not at its end."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


# --- information files -----------------------------------------------------------------------


def _information(bin_: Bin, real: str, when: int) -> bytes:
    path = real
    if bin_.top is not None:
        path = os.path.relpath(real, bin_.top)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(when))
    quoted = quote_from_bytes(os.fsencode(path), safe="/")
    return f"[Trash Info]\nPath={quoted}\nDeletionDate={stamp}\n".encode()


def _read(bin_: Bin, name: str) -> tuple[Location | None, int | None]:
    """Where a thing was and when it came (ns); None for what is not told."""
    try:
        with open(f"{bin_.info}/{name}{_INFO}", "rb") as file:
            lines = file.read(1 << 16).split(b"\n")
    except OSError:
        return None, None
    fields = dict(line.partition(b"=")[::2] for line in lines if b"=" in line)
    at = None
    path = os.fsdecode(unquote_to_bytes(fields.get(b"Path", b"").strip()))
    if path and "\0" not in path:
        # a hostile disk may name any path: only what is below its own top is believed
        base = bin_.top if bin_.top is not None else "/"
        full = os.path.normpath(os.path.join(base, path))
        if bin_.top is None or full.startswith(bin_.top.rstrip("/") + "/"):
            at = location_of(full)
    when = None
    with suppress(ValueError, OverflowError):
        parsed = time.strptime(
            fields.get(b"DeletionDate", b"").decode("ascii", "replace")[:19], "%Y-%m-%dT%H:%M:%S"
        )
        when = int(time.mktime(parsed)) * 1_000_000_000
    return at if at is not None and at.parts else None, when


def _origin(bin_: Bin, name: str) -> Location | None:
    return _read(bin_, name)[0]


def _listed(bin_: Bin) -> Iterator[TrashItem]:
    for name in _names(bin_.files):
        key = f"{bin_.files}/{name}"
        try:
            info = os.lstat(key)
        except OSError:
            continue  # taken out while we read
        at, when = _read(bin_, name)
        shown_name = at.name if at is not None else name
        yield TrashItem(key, entry_of(shown_name, info, id=key), at, when)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


# --- moving out ------------------------------------------------------------------------------


def _release(files: Folder, name: str, target: Folder, wanted: str) -> str:
    """Move a thing out under the first free name and return that."""
    for number in range(_MOST_NUMBERS):
        candidate = numbered(wanted, number) if number else wanted
        try:
            files.move(name, target, candidate)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            if target.has(candidate):
                continue
            _carry(files, name, target, candidate)
        return candidate
    raise Exists(f"{shown(target.path)} holds too many things called {shown(wanted)}.")


def _carry(files: Folder, name: str, target: Folder, candidate: str) -> None:
    """Restore to another disk: a whole copy first, its name next, the original last."""
    source = f"{files.path}/{name}"
    draft = f".{os.urandom(4).hex()}.cloudtui-restore"
    copy = f"{target.path}/{draft}"
    try:
        if stat.S_ISDIR(files.lstat(name).st_mode):
            shutil.copytree(source, copy, symlinks=True)
        else:
            shutil.copy2(source, copy, follow_symlinks=False)
        target.move(draft, target, candidate)
    except BaseException:
        _erase(copy)
        raise
    _erase(source)


def _erase(path: str) -> None:
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        return


def _destroy(bin_: Bin, name: str) -> None:
    path = f"{bin_.files}/{name}"
    try:
        _erase(path)
    except OSError as error:
        raise mapped(error, path) from error
    _forget(bin_, name)


def _forget(bin_: Bin, name: str) -> None:
    with mapping(f"{bin_.info}/{name}"), suppress(FileNotFoundError):
        os.unlink(f"{bin_.info}/{name}{_INFO}")
