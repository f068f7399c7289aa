"""An open folder, and the calls that give names in it without ever replacing anything.

Owns the use of folder descriptors: everything happens relative to the folder that was opened, so
that swapping a part of its path for a link redirects nothing. Where the system has no such calls
(Windows) full paths are used. Raises plain `OSError`; every call blocks.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import stat
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

_RELATIVE: Final = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)
_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)
_CANNOT: Final = frozenset(
    {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EMLINK, errno.EACCES}
)
"""Answers of `link` and `renameat2` that may mean "not on this file system"."""


class Folder:
    """A folder, open until `close`. The folder itself must be no link."""

    def __init__(self, path: str) -> None:
        """Open it. Raises OSError; ELOOP when it is a link."""
        self.path = path
        self._fd: int | None = None
        if _RELATIVE:
            flags = os.O_RDONLY | os.O_DIRECTORY | _NOFOLLOW | _CLOEXEC
            try:
                self._fd = os.open(path, flags)
            except NotADirectoryError:
                if stat.S_ISLNK(os.lstat(path).st_mode):
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path) from None
                raise
        elif not stat.S_ISDIR(os.lstat(path).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)

    def close(self) -> None:
        """Close it. Safe to repeat."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _at(self, name: str) -> str:
        return name if self._fd is not None else os.path.join(self.path, name)

    # --- single names ------------------------------------------------------------------------

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Open a file of the folder, never through a link."""
        flags |= _NOFOLLOW | _BINARY | _CLOEXEC
        return os.open(self._at(name), flags, mode, dir_fd=self._fd)

    def lstat(self, name: str) -> os.stat_result:
        """What stands under the name."""
        return os.stat(self._at(name), dir_fd=self._fd, follow_symlinks=False)

    def has(self, name: str) -> bool:
        """Whether anything stands under the name."""
        try:
            self.lstat(name)
        except FileNotFoundError:
            return False
        return True

    def mkdir(self, name: str) -> None:
        """Make a folder. Raises FileExistsError."""
        os.mkdir(self._at(name), dir_fd=self._fd)

    def unlink(self, name: str) -> None:
        """Remove a file or link."""
        os.unlink(self._at(name), dir_fd=self._fd)

    def sync(self) -> None:
        """Make names durable, where the system can."""
        if self._fd is not None:
            os.fsync(self._fd)

    # --- giving names ------------------------------------------------------------------------

    def replace(self, old: str, new: str) -> None:
        """Rename inside the folder over whatever is there."""
        os.replace(self._at(old), self._at(new), src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def move(self, old: str, target: Folder, new: str) -> None:
        """Rename to a name that must be free. Raises FileExistsError, OSError (EXDEV …).

        First by one call that refuses to replace; else by a second hard link; else over a
        placeholder that was made exclusively.
        """
        for way in (self._move_at_once, self._move_by_link, self._move_over_placeholder):
            if way(old, target, new):
                return

    def _move_at_once(self, old: str, target: Folder, new: str) -> bool:
        rename = _rename_noreplace()
        if rename is None or self._fd is None or target._fd is None:
            return False
        number = rename(self._fd, os.fsencode(old), target._fd, os.fsencode(new))
        if number in (errno.ENOSYS, errno.EINVAL) and not self._inside(old, target):
            return False
        if number:
            raise OSError(number, os.strerror(number), new)
        return True

    def _inside(self, old: str, target: Folder) -> bool:
        """Whether a folder would move into itself: the other meaning of EINVAL."""
        source = os.path.realpath(os.path.join(self.path, old))
        goal = os.path.realpath(target.path)
        return goal == source or goal.startswith(source + os.sep)

    def _move_by_link(self, old: str, target: Folder, new: str) -> bool:
        if self._fd is None or stat.S_ISDIR(self.lstat(old).st_mode):
            return False
        try:
            os.link(old, new, src_dir_fd=self._fd, dst_dir_fd=target._fd, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno in _CANNOT:
                return False
            raise
        self.unlink(old)
        return True

    def _move_over_placeholder(self, old: str, target: Folder, new: str) -> bool:
        source, goal = self._at(old), target._at(new)
        if sys.platform == "win32":
            os.rename(source, goal)  # refuses to replace by itself
            return True
        if stat.S_ISDIR(self.lstat(old).st_mode):
            target.mkdir(new)
            undo: Callable[..., None] = os.rmdir
        else:
            os.close(target.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            undo = os.unlink
        try:
            os.rename(source, goal, src_dir_fd=self._fd, dst_dir_fd=target._fd)
        except OSError:
            undo(goal, dir_fd=target._fd)
            raise
        return True


Rename = Callable[[int, bytes, int, bytes], int]


@functools.cache
def _rename_noreplace() -> Rename | None:
    """`renameat2` with RENAME_NOREPLACE (macOS: `renameatx_np` with RENAME_EXCL) as a function
    that returns an error number, 0 for success; None where there is none."""
    flag = {"linux": 1, "darwin": 4}.get(sys.platform)
    name = {"linux": "renameat2", "darwin": "renameatx_np"}.get(sys.platform)
    if flag is None or name is None:
        return None
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    call.restype = ctypes.c_int

    def rename(old_dir: int, old: bytes, new_dir: int, new: bytes) -> int:
        return ctypes.get_errno() if call(old_dir, old, new_dir, new, flag) else 0

    return rename
