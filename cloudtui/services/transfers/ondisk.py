"""Blocking calls of a `DiskWrite`, made on the disk threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from cloudtui.services.linux import sync_filesystem
from cloudtui.services.transfers.positioned import disk_error
from cloudtui.services.transfers.pump import Pump

T = TypeVar("T")

_MANY: Final = 4
"""So many files at once are worth waiting for what others write on the same file system."""
_SMALL: Final = 1024 * 1024
"""Bytes up to which a file is one of many. A larger one takes its time anyway."""


async def on_disk(pump: Pump, call: Callable[[], T], doing: str = "writing the file") -> T:
    """The result of `call`; what the system refuses becomes Full, Denied or Refused."""

    def work() -> T:
        try:
            return call()
        except OSError as exc:
            raise disk_error(exc, doing) from exc

    return await pump.disk.run(work)


def make_durable(paths: Sequence[str]) -> list[OSError | None]:
    """Wait until finished files and their names are safe from a loss of power; what went wrong with
    each. Blocks.

    Many small ones are cheaper by all their file system has to write than one by one (measured on
    ext4: 0.1 s for a thousand instead of a second and more).
    """
    failures: list[OSError | None] = [None] * len(paths)
    together: dict[int, list[int]] = {}
    alone = []
    for number, path in enumerate(paths):
        try:
            info = os.lstat(path)
        except OSError as exc:
            failures[number] = exc
            continue
        if info.st_size <= _SMALL:
            together.setdefault(info.st_dev, []).append(number)
        else:
            alone.append(number)
    for numbers in together.values():
        if len(numbers) < _MANY:
            alone += numbers
            continue
        try:
            if not _sync_around(paths[numbers[0]]):
                alone += numbers
        except OSError as exc:
            for number in numbers:
                failures[number] = exc
    for number in alone:
        failures[number] = _failure(paths[number])
    return failures


def _failure(path: str) -> OSError | None:
    try:
        _sync(path)
    except OSError as exc:
        return exc
    return None


def _sync_around(path: str) -> bool:
    """Sync all of the file system a file lies on. False where that cannot be done."""
    with _open_folder(path) as folder:
        return folder is not None and sync_filesystem(folder)


def _sync(path: str) -> None:
    """Sync a file and its folder."""
    try:
        fd = _open(path)
    except PermissionError:
        # neither to be read nor written by its owner, as its source was
        if not _sync_around(path):
            raise
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    with _open_folder(path) as folder:
        if folder is not None:
            os.fsync(folder)


def _open(path: str) -> int:
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(path, os.O_RDWR | flags)
    except PermissionError:  # Linux syncs what is open for reading as well
        return os.open(path, os.O_RDONLY | flags)


@contextlib.contextmanager
def _open_folder(path: str) -> Iterator[int | None]:
    """The folder of a file; None where folders cannot be opened, nor need to be."""
    if not hasattr(os, "O_DIRECTORY"):
        yield None
        return
    fd = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY | getattr(os, "O_CLOEXEC", 0))
    try:
        yield fd
    finally:
        os.close(fd)
