"""Which files are known to stand in which folders: so that a folder is listed once, and not for
every large file that goes into it.

Only ever a hint: what is not known here may stand there all the same, and the commit of an upload
finds that out. Must do no I/O.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import Final

_MOST: Final = 50_000
"""Names kept of all folders together; the folders asked for least lately go first."""


class Standing:
    """Stored names of files by the folder's number."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._names: OrderedDict[int, set[str]] = OrderedDict()
        self._count = 0

    def learn(self, folderid: int, names: Collection[str]) -> None:
        """These stand in the folder, and no others."""
        self._drop(folderid)
        if len(names) >= self._most:
            return
        self._names[folderid] = set(names)
        self._count += len(names) + 1
        while self._count > self._most:
            self._drop(next(iter(self._names)))

    def names(self, folderid: int) -> Collection[str] | None:
        """What was learned of a folder, None for one that was not listed."""
        known = self._names.get(folderid)
        if known is not None:
            self._names.move_to_end(folderid)
        return known

    def add(self, folderid: int, name: str) -> None:
        """A file of that name is on its way."""
        known = self._names.get(folderid)
        if known is not None and name not in known:
            known.add(name)
            self._count += 1

    def _drop(self, folderid: int) -> None:
        known = self._names.pop(folderid, None)
        if known is not None:
            self._count -= len(known) + 1
