"""Reading and writing at offsets of open files, and what the disk's refusals mean.

Blocking: for pump and disk threads only.
"""

from __future__ import annotations

import errno
import os
import threading

from cloudtui.services.errors import CloudError, Denied, Full, Refused

_lock = threading.Lock()


def disk_error(exc: OSError, doing: str) -> CloudError:
    """The error people see for a refusal of the local disk while `doing` ("writing the file")."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return Full(
            f"The disk is full: {doing} stopped; what has arrived is kept.",
            hint="Make room and resume the job.",
        )
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Denied(f"The disk does not allow {doing}.", hint="Check the permissions.")
    reason = os.strerror(exc.errno) if exc.errno else "unknown error"
    return Refused(f"The disk failed while {doing}: {reason}.", hint="Check the disk.")


def write_at(fd: int, view: memoryview, offset: int) -> None:
    """Write all of `view` at `offset`. Raises Full, Denied or Refused."""
    try:
        while view:
            count = _pwrite(fd, view, offset)
            view = view[count:]
            offset += count
    except OSError as exc:
        raise disk_error(exc, "writing the file") from exc


def read_at(fd: int, view: memoryview, offset: int) -> int:
    """Fill `view` from `offset`; less only at the end of the file. Raises Denied or Refused."""
    got = 0
    try:
        while got < len(view):
            count = _preadv(fd, view[got:], offset + got)
            if count == 0:
                break
            got += count
    except OSError as exc:
        raise disk_error(exc, "reading the file") from exc
    return got


if hasattr(os, "pwrite") and hasattr(os, "preadv"):

    def _pwrite(fd: int, view: memoryview, offset: int) -> int:
        return os.pwrite(fd, view, offset)

    def _preadv(fd: int, view: memoryview, offset: int) -> int:
        return os.preadv(fd, [view], offset)

else:  # Windows: one file pointer, so the pair of calls is guarded

    def _pwrite(fd: int, view: memoryview, offset: int) -> int:
        with _lock:
            os.lseek(fd, offset, os.SEEK_SET)
            return os.write(fd, view)

    def _preadv(fd: int, view: memoryview, offset: int) -> int:
        with _lock:
            os.lseek(fd, offset, os.SEEK_SET)
            data = os.read(fd, len(view))
        view[: len(data)] = data
        return len(data)
