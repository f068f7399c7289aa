"""A short list in a small file of the state folder, shared by all processes of a home.

What is in it outlives the program. Must not know what the rows mean.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Generic, TypeVar

from cloudtui.services.locks import FileLock
from cloudtui.services.paths import replacing

T = TypeVar("T")

_log = logging.getLogger(__name__)
_MOST: Final = 2000


class Book(Generic[T]):
    """The rows of `file`, oldest first. `read` makes a row of its columns, `write` columns of a
    row. Blocks; the file is small."""

    def __init__(
        self, file: Path, read: Callable[..., T], write: Callable[[T], Sequence[object]]
    ) -> None:
        self._file = file
        self._read = read
        self._write = write
        self._lock = file.with_suffix(".lock")

    def all(self) -> list[T]:
        """Oldest first. A file that cannot be read counts as none."""
        try:
            rows = json.loads(self._file.read_bytes())
            return [self._read(*row) for row in rows]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError):
            _log.warning("%s cannot be read", self._file.name)
            return []

    def change(self, work: Callable[[list[T]], Sequence[T]]) -> None:
        """Let `work` alone make the new rows of the old ones. Raises OSError."""
        with FileLock(self._lock):
            rows = work(self.all())
            with replacing(self._file) as file:
                # names of this disk that are no text have escapes in JSON, and only there
                file.write(json.dumps([self._write(each) for each in rows[-_MOST:]]).encode())
