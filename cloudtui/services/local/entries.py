"""Rows of a listing from what the disk says of a file. No I/O."""

from __future__ import annotations

import os
import stat

from cloudtui.services.models import NO_FLAGS, Entry, Flag, Kind
from cloudtui.services.times import noted_time


def kind_of(mode: int) -> Kind:
    """The kind for an `st_mode`."""
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    if stat.S_ISLNK(mode):
        return Kind.LINK
    return Kind.SPECIAL


def entry_of(name: str, info: os.stat_result, *, id: str | None = None) -> Entry:
    """The entry of `name`. Sizes are of files alone: a folder's own size means nothing here."""
    kind = kind_of(info.st_mode)
    flags = NO_FLAGS
    if kind is Kind.FILE:
        if info.st_mode & 0o111:
            flags |= Flag.EXECUTABLE
        if not info.st_mode & 0o222:
            flags |= Flag.READ_ONLY
    made = getattr(info, "st_birthtime", None)  # not told on Linux
    return Entry(
        name=name,
        id=name if id is None else id,
        kind=kind,
        size=info.st_size if kind is Kind.FILE else None,
        mtime_ns=noted_time(info.st_mtime_ns),
        flags=flags,
        created_ns=None if made is None else noted_time(int(made * 1_000_000_000)),
    )
