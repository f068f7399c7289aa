"""Calls of Linux's C library that Python has no name for. None of them elsewhere.

Blocking; raises OSError as the calls of `os` do. Decides nothing.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable
from typing import Any, Final

TMPFS: Final = 0x01021994
_STATFS: Final = 256
"""Bytes no system's `struct statfs` needs more than."""
_OWN_DISKS: Final = frozenset(
    {
        0xEF53,  # ext2, ext3, ext4
        0x58465342,  # xfs
        0x9123683E,  # btrfs
        0xF2F52010,  # f2fs
        0xCA451A4E,  # bcachefs
        TMPFS,
    }
)
"""File systems whose `syncfs` ends when all is on the disk; those of networks and of programs end
theirs when they have passed it on."""
_TELLS: Final = (5, 8)
"""The first version of Linux whose `syncfs` tells that writing failed."""


@functools.cache
def call(name: str, *takes: type[Any]) -> Callable[..., int] | None:
    """A call that answers 0 for success and sets errno else; None where there is none."""
    if sys.platform != "linux":
        return None
    try:
        found: Any = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):
        return None
    found.argtypes = takes
    found.restype = ctypes.c_int
    answering: Callable[..., int] = found
    return answering


def filesystem(fd: int) -> int | None:
    """The number Linux gives to the kind of file system an open file lies on."""
    ask = call("fstatfs", ctypes.c_int, ctypes.c_char_p)
    facts = ctypes.create_string_buffer(_STATFS)
    if ask is None or ask(fd, facts):
        return None
    kind = facts.raw[: ctypes.sizeof(ctypes.c_long)]
    return int.from_bytes(kind, sys.byteorder)


def sync_filesystem(fd: int) -> bool:
    """Wait until all of the file system of an open file is on the disk. False where that is not
    known to be what the call does; nothing was done then."""
    sync = call("syncfs", ctypes.c_int)
    if sync is None or not tells_failures() or filesystem(fd) not in _OWN_DISKS:
        return False
    if sync(fd):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return True


@functools.cache
def tells_failures() -> bool:
    """Whether this system's `syncfs` tells that writing failed."""
    version = os.uname().release.split(".")
    numbers = tuple(int(each) for each in version[:2] if each.isdecimal())
    return len(numbers) == 2 and numbers >= _TELLS
