"""Blocking calls of a `DiskWrite`, made on the disk threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cloudtui.services.transfers.positioned import disk_error
from cloudtui.services.transfers.pump import Pump

T = TypeVar("T")


async def on_disk(pump: Pump, call: Callable[[], T], doing: str = "writing the file") -> T:
    """The result of `call`; what the system refuses becomes Full, Denied or Refused."""

    def work() -> T:
        try:
            return call()
        except OSError as exc:
            raise disk_error(exc, doing) from exc

    return await pump.disk.run(work)


def make_durable(path: str) -> None:
    """Wait until a finished file and its name are safe from a loss of power; blocks."""
    _sync(path, os.O_RDWR)
    if hasattr(os, "O_DIRECTORY"):  # elsewhere folders cannot be opened, nor need they be
        _sync(str(Path(path).parent), os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: str, flags: int) -> None:
    fd = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
