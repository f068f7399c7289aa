"""Room on the disk for a file that is about to be written. Every call blocks."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from typing import Final

from cloudtui.services import linux

_SLOW_TO_CLEAR: Final = 8 * 1024 * 1024
_TRIES: Final = 3


def reserve(fd: int, size: int) -> None:
    """Set aside `size` bytes for an open file, which then has that length.

    Not `posix_fallocate`: where a file system cannot reserve, the C library would write every
    block instead. There the length is only set. So it is for large files on a disk in memory, which
    would clear every page first (0.23 s per GiB before the first byte). What there is no room for
    is not even tried: ext4 would take all that is free before it says so, and every other program
    would meet a full disk meanwhile. Raises OSError (ENOSPC, EFBIG …).
    """
    if size <= 0:
        return
    if not _has_room(fd, size):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if size >= _SLOW_TO_CLEAR and in_memory(fd):
        os.truncate(fd, size)
        return
    allocate = _fallocate()
    number = allocate(fd, size) if allocate is not None else errno.ENOSYS
    for _ in range(_TRIES):
        # ext4 says so now and then where a third of the disk is free, when others write as well
        if allocate is None or number != errno.ENOSPC or not _has_room(fd, size):
            break
        number = allocate(fd, size)
    else:
        number = errno.ENOSYS
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        raise OSError(number, os.strerror(number))
    if number:
        os.truncate(fd, size)


def _has_room(fd: int, size: int) -> bool:
    """Whether the disk says that so many bytes are free; it may say nothing."""
    facts = os.fstatvfs(fd)
    return not facts.f_blocks or facts.f_bavail * facts.f_frsize >= size


def in_memory(fd: int) -> bool:
    """Whether an open file lies on a disk in memory (Linux's tmpfs)."""
    return linux.filesystem(fd) == linux.TMPFS


def _fallocate() -> Callable[[int, int], int] | None:
    call = linux.call("fallocate", ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if call is None:
        return None
    return lambda fd, size: ctypes.get_errno() if call(fd, 0, 0, size) else 0
