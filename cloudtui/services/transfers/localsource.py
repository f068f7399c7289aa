"""A local file as a source: opened as what it was planned to be, and watched while it is read.

Blocking: for worker threads.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

from msgspec import Struct

from cloudtui.services.errors import NotFound, SourceChanged
from cloudtui.services.storage import LocalFile
from cloudtui.services.transfers.positioned import disk_error

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO that took the file's place must not block us
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


class OpenSource(Struct, frozen=True):
    """An open source and what it has to stay."""

    fd: int
    planned: LocalFile

    def check(self) -> None:
        """Raise SourceChanged unless the open file is still exactly what was planned."""
        now = LocalFile.of(self.planned.path, os.fstat(self.fd))
        if now.version != self.planned.version:
            raise SourceChanged(
                "The file was changed while it was being copied; the copy was not finished.",
                hint="Start again when nobody writes to it.",
            )

    def close(self) -> None:
        """Close the descriptor."""
        with contextlib.suppress(OSError):  # nothing was written through it
            os.close(self.fd)


def open_local(source: LocalFile) -> OpenSource:
    """Open a planned source. Raises NotFound, Denied, SourceChanged."""
    try:
        fd = os.open(source.path, _FLAGS)
    except FileNotFoundError as exc:
        raise NotFound("The file is no longer there; nothing was copied.") from exc
    except OSError as exc:
        raise disk_error(exc, "reading the file") from exc
    file = OpenSource(fd, source)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise SourceChanged("In the file's place is something that cannot be copied now.")
        file.check()
    except BaseException:
        file.close()
        raise
    return file


@contextlib.contextmanager
def opened(source: LocalFile) -> Iterator[OpenSource]:
    """The same, closed at the end of the block."""
    file = open_local(source)
    try:
        yield file
    finally:
        file.close()
