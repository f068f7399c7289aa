"""The index of known listings, for whoever must not wait for it.

Takes listings as they are shown and writes them on a thread, one at a time; answers searches the
same way. Trouble with the file is logged: without the index only searching is poorer.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from cloudtui.services.catalogue import Catalogue, Hit
from cloudtui.services.errors import Refused
from cloudtui.services.models import Entry, Location
from cloudtui.services.watching import Change

T = TypeVar("T")

_LARGE: Final = 2_000
_AGAIN: Final = 30.0
"""Seconds before a folder of more entries than that is written once more: while much is copied
into it, it is listed twice a second."""

_log = logging.getLogger(__name__)


class Known:
    """All listings of this cache folder. Opened by its first use."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._catalogue: Catalogue | None = None
        self._one_by_one = asyncio.Lock()
        self._waiting: dict[Location, Sequence[Entry]] = {}
        self._written: dict[Location, float] = {}
        self._changes: list[Change] = []
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def opened(self) -> bool:
        """Whether the file was needed so far."""
        return self._catalogue is not None

    def note(self, folder: Location, entries: Sequence[Entry]) -> None:
        """Remember a complete listing, soon. The newest one of a folder wins."""
        recent = time.monotonic() - self._written.get(folder, -_AGAIN) < _AGAIN
        if recent and len(entries) > _LARGE:
            return
        self._waiting[folder] = entries
        self._soon()

    def changed(self, changes: Iterable[Change]) -> None:
        """Know of changes of ours, soon: what is gone is not found, what was moved is found where
        it is. Costs nothing while nothing is known."""
        if self._waiting or self.opened or self._file.exists():
            self._changes += changes
            self._soon()

    def _soon(self) -> None:
        if not self._closed and (self._writer is None or self._writer.done()):
            self._writer = asyncio.create_task(self._write(), name="known listings")

    async def keep(self, folder: Location, entries: Sequence[Entry]) -> None:
        """Remember a complete listing now."""
        self._written[folder] = time.monotonic()
        try:
            await self._on_thread(lambda catalogue: catalogue.keep(folder, entries))
        except (sqlite3.Error, OSError):
            _log.warning("a listing was not put into the index", exc_info=True)

    async def search(
        self,
        words: Sequence[str],
        *,
        account: str | None = None,
        below: Location | None = None,
        most: int = 500,
    ) -> list[Hit]:
        """At most so many entries whose names hold every word. What was noted is in it.

        Raises Refused when the index cannot be read.
        """
        await self.settled()

        def look(catalogue: Catalogue) -> list[Hit]:
            hits = catalogue.search(words, account=account, below=below)
            return list(itertools.islice(hits, most))

        try:
            return await self._on_thread(look)
        except (sqlite3.Error, OSError) as error:
            raise Refused(
                "The index of known names cannot be read.",
                hint="Remove catalogue.sqlite from the cache folder; `cloudtui paths` names it.",
            ) from error

    async def settled(self) -> None:
        """Wait until all that was noted is written."""
        if self._writer is not None:
            await asyncio.shield(self._writer)

    async def close(self) -> None:
        """Write what waits, let go of the file. What comes later is not taken any more."""
        await self.settled()
        self._closed = True
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    async def _write(self) -> None:
        while self._waiting or self._changes:
            if self._waiting:
                folder = next(iter(self._waiting))
                await self.keep(folder, self._waiting.pop(folder))
                continue
            # after the listings, which may be of before them; told twice is told once
            changes, self._changes = self._changes, []
            try:
                await self._on_thread(partial(Catalogue.change, changes=changes))
            except (sqlite3.Error, OSError):
                _log.warning("changes were not put into the index", exc_info=True)

    async def _on_thread(self, work: Callable[[Catalogue], T]) -> T:
        def run() -> T:
            if self._catalogue is None:
                self._catalogue = Catalogue(self._file)
            return work(self._catalogue)

        async with self._one_by_one:
            return await asyncio.to_thread(run)
