"""What the failures of the journal's file mean.

Told by their codes: a message holds paths, and a folder may be called anything.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from pathlib import Path
from typing import Final

from cloudtui.services.errors import CloudError, Denied, Full, Refused
from cloudtui.services.paths import PRIVATE_FILE

_NO_ROOM: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_NO_RIGHT: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_PROBE: Final = 256 * 1024
"""Bytes; the file that processes share grows by 32 KiB, the log by less."""


def journal_error(exc: sqlite3.Error | OSError, path: Path) -> CloudError:
    """The error for a failure of the journal at `path`. Blocks: it may try whether there is room.

    SQLite's own word for a full disk is one of several: where the shared memory beside the journal
    cannot grow, a log cannot be made or a quota is used up it speaks of a failed input or output.
    """
    code = _code(exc)
    number = exc.errno if isinstance(exc, OSError) else None
    where = str(path)
    doubtful = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    if number in _NO_ROOM or code == sqlite3.SQLITE_FULL or (doubtful and not _room(path.parent)):
        return Full(
            "The disk that holds the journal of transfers is full.",
            hint="Free space there; jobs stand still until then, nothing is lost.",
            where=where,
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Refused(
            "Another cloudtui holds the journal of transfers.",
            hint="On a network disk only one may run; close the other one.",
            where=where,
        )
    refused = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
    if number in _NO_RIGHT or code in refused:
        return Denied(
            "The journal of transfers cannot be written.",
            hint="cloudtui paths shows where it is; it must be writable.",
            where=where,
        )
    words = exc.strerror if isinstance(exc, OSError) else str(exc)
    name = getattr(exc, "sqlite_errorname", type(exc).__name__)
    return Refused(
        f"The journal of transfers does not answer ({name}: {words}).",
        hint="cloudtui paths shows the file; moving it away starts a new one.",
        where=where,
    )


def _code(exc: Exception) -> int:
    """SQLite's primary result code, 0 for what does not come from it."""
    code: int = getattr(exc, "sqlite_errorcode", 0)
    return code & 0xFF


def _room(folder: Path) -> bool:
    """Whether a little more can be written beside the journal."""
    probe = folder / f".room-{os.getpid()}"
    try:
        fd = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    except OSError as error:
        return error.errno not in _NO_ROOM
    try:
        left = _PROBE
        while left > 0:
            left -= os.write(fd, bytes(left))
    except OSError as error:
        return error.errno not in _NO_ROOM
    finally:
        os.close(fd)
        with contextlib.suppress(OSError):  # an empty file of ours is all that would stay
            probe.unlink()
    return True
