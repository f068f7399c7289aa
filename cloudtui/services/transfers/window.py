"""The items of a job that wait for a worker: a small window in memory over the journal.

Owns which items are out with workers and when the others come. However many items a job has, at
most `SIZE` of them are here.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import sqlite3
import time
from collections import deque
from functools import partial
from typing import Final

from cloudtui.services.transfers import shelves
from cloudtui.services.transfers.journal import Journal
from cloudtui.services.transfers.rows import ItemRow

SIZE: Final = 2_000


class Window:
    """Hands items to workers, each to one."""

    def __init__(self, journal: Journal, job: str) -> None:
        self._journal = journal
        self._job = job
        self._ready: deque[ItemRow] = deque()
        self._later: list[tuple[float, int]] = []
        self._out: set[int] = set()
        self._known: set[int] = set()
        self._ended: set[int] = set()
        self._rewound = False
        self._after = 0
        self._filling = asyncio.Lock()
        self._bell = asyncio.Event()
        self._rings = 0
        self._dry = -1
        """The ring after which the journal had nothing more: no use in asking again before the
        next one, however many workers wait."""
        self._closed = False
        self.more = True
        """Whether the plan may still add items."""

    @property
    def closed(self) -> bool:
        """Whether nothing more is handed out."""
        return self._closed

    def __len__(self) -> int:
        return len(self._known)

    @property
    def resting(self) -> int:
        """How many items wait for their next try."""
        return len(self._later)

    async def next(self) -> ItemRow | None:
        """The next item; waits for one while there may be any. None: no more, or closed."""
        while not self._closed:
            heard = self._rings
            item = await self._due() or (self._ready.popleft() if self._ready else None)
            if item is not None:
                self._out.add(item.id)
                return item
            if await self._fill():
                continue
            if not self.more and not self._out and not self._later:
                break
            await self._rest(heard)
        self.close()
        return None

    def back(self, item: int) -> None:
        """A worker is through with an item, however it ended."""
        self._out.discard(item)
        self._known.discard(item)
        self._ended.add(item)
        self._ring()

    def again(self, item: int, seconds: float) -> None:
        """A worker gives an item back; it comes again after `seconds`."""
        self._out.discard(item)
        heapq.heappush(self._later, (time.monotonic() + seconds, item))
        self._ring()

    def look(self) -> None:
        """There may be new items."""
        self._ring()

    def rewind(self) -> None:
        """Items that were passed may wait again."""
        self._after = 0
        self._rewound = True
        self._ring()

    def close(self) -> None:
        """No more items are handed out."""
        self._closed = True
        self._ring()

    async def _due(self) -> ItemRow | None:
        while self._later and self._later[0][0] <= time.monotonic():
            _, id_ = heapq.heappop(self._later)
            self._out.add(id_)  # out while it is read, so that nobody thinks all is done
            item = await self._journal.read(partial(_read, id_))
            if item is not None:
                return item
            self.back(id_)
        return None

    async def _fill(self) -> bool:
        async with self._filling:
            if self._ready:
                return True
            heard = self._rings
            if self._dry == heard:
                return False
            self._rewound = False
            self._ended.clear()
            after = self._after
            page = await self._journal.read(lambda db: shelves.waiting(db, self._job, after, SIZE))
            if not self._rewound and page:
                self._after = page[-1].id
            # what came back while the journal was read may stand in the page as it was before
            taken = self._known | self._ended
            fresh = [item for item in page if item.id not in taken]
            self._known.update(item.id for item in fresh)
            self._ready.extend(fresh)
            if fresh:
                self._ring()
            if not page and not self._rewound:
                self._dry = heard
            return bool(page) or self._rewound

    def _ring(self) -> None:
        self._rings += 1
        self._bell.set()
        self._bell = asyncio.Event()

    async def _rest(self, heard: int) -> None:
        """Sleep until something changes after ring number `heard`, or an item is due."""
        if heard != self._rings:
            return
        bell = self._bell
        seconds = max(0.0, self._later[0][0] - time.monotonic()) if self._later else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await bell.wait()


def _read(id_: int, db: sqlite3.Connection) -> ItemRow | None:
    return shelves.item(db, id_)
