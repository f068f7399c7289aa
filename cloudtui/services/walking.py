"""Everything below a folder, several folders at a time.

Where the service gives a whole tree in one answer that is asked for first; a tree that it refuses
(too deep, too large, the account's top) is taken apart. Knows the Storage protocol and no provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from cloudtui.services.errors import CloudError
from cloudtui.services.listing import order
from cloudtui.services.models import DISK, Entry, Found, Location
from cloudtui.services.storage import Storage

K = TypeVar("K")
R = TypeVar("R")

AT_ONCE: Final = 8
TREE_MOST: Final = 8_000
HELD_MOST: Final = 24_000
"""Entries of one tree, and of all that wait for their turn: some 350 bytes each."""
_PAGE: Final = 2000
Listed = tuple[Location, Sequence[Entry] | CloudError]
"""A folder, and what it holds or why that cannot be told."""


@runtime_checkable
class ListsTrees(Protocol):
    """Gives a folder with all below it in one answer."""

    async def list_tree(
        self, folder: Location, *, most: int | None = None
    ) -> Sequence[tuple[Location, Sequence[Entry]]] | None:
        """Every folder at or below `folder` with what it holds, each after the one it lies in;
        None where the service does not do that for this one, or where there are more entries than
        `most` (about that many are read then). Raises NotFound."""
        ...


async def spread(
    first: Iterable[K],
    work: Callable[[K], Awaitable[tuple[Sequence[R], Sequence[K]]]],
    *,
    at_once: int = AT_ONCE,
) -> AsyncIterator[R]:
    """The results of `work` for `first` and for all that it says is still to be done, as they
    come. The first failure ends it."""
    waiting = list(reversed([*first]))
    running: set[asyncio.Task[tuple[Sequence[R], Sequence[K]]]] = set()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.add(asyncio.ensure_future(work(waiting.pop())))
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                results, more = task.result()
                waiting.extend(reversed(more))
                for result in results:
                    yield result
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class Hope(Struct, frozen=True):
    """Whether a whole tree is asked for on the way down: one that was refused may fit in parts,
    but each refusal makes twice as many levels go by before the next try."""

    refused: int = 0
    levels: int = 0

    def below(self) -> Hope:
        """For the folders inside one that was refused or not asked for."""
        if self.levels:
            return Hope(self.refused, self.levels - 1)
        return Hope(self.refused + 1, (1 << self.refused) - 1)


class Ahead:
    """The folders of a job, each listed once and in any order, from whole trees where a place
    gives them. At most `hold` entries wait in memory for their folder's turn: while there is no
    room, and of a tree with more than `most` entries, folders are listed one by one."""

    def __init__(
        self,
        storages: Callable[[str], Awaitable[Storage]],
        *,
        most: int = TREE_MOST,
        hold: int = HELD_MOST,
    ) -> None:
        self._storages = storages
        self._most = most
        self._hold = hold
        self._held: dict[tuple[str, str], Sequence[Entry]] = {}
        self._count = 0
        self._coming = 0
        self._refused: set[tuple[str, tuple[str, ...]]] = set()

    async def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        """What a folder holds, page by page, as its storage's `scan`."""
        entries = self._take(folder)
        if entries is None:
            entries = await self._tree(folder)
        if entries is None:
            storage = await self._storages(folder.account)
            async for page in storage.scan(folder):
                yield page
            return
        for start in range(0, len(entries), _PAGE):
            yield entries[start : start + _PAGE]

    def forget(self, folder: Location) -> None:
        """Neither this folder nor what lies below it will be asked for."""
        pending = [folder.node]
        while pending:
            entries = self._take(Location(folder.account, (), pending.pop()))
            pending.extend(entry.id for entry in entries or () if entry.is_folder)

    def forget_all(self) -> None:
        """Nothing more will be asked for."""
        self._held.clear()
        self._refused.clear()
        self._count = 0

    def _take(self, folder: Location) -> Sequence[Entry] | None:
        entries = self._held.pop((folder.account, folder.node or ""), None)
        if entries is not None:
            self._count -= len(entries) + 1
        return entries

    async def _tree(self, folder: Location) -> Sequence[Entry] | None:
        """The folder's own entries out of its tree, the others put by; None: list it alone."""
        if folder.account == DISK or folder.node is None or not self._is_hopeful(folder):
            return None
        storage: object = await self._storages(folder.account)
        room = self._hold - self._count - self._coming
        if not isinstance(storage, ListsTrees) or room < self._most:
            return None
        self._coming += self._most
        try:
            tree = await storage.list_tree(folder, most=self._most)
        except CloudError:
            return None  # listed alone it has all the patience there is, or fails with the reason
        finally:
            self._coming -= self._most
        if tree is None:
            if len(self._refused) >= self._hold:
                self._refused.clear()
            self._refused.add((folder.account, folder.parts))
            return None
        (_, entries), *below = tree
        for at, inside in below:
            self._held[at.account, at.node or ""] = inside
            self._count += len(inside) + 1
        return entries

    def _is_hopeful(self, folder: Location) -> bool:
        """Whether its tree is asked for: see `Hope`, of which this is the sum over the folders
        above it."""
        depth = len(folder.parts)
        above = [
            level
            for level in range(depth)
            if (folder.account, folder.parts[:level]) in self._refused
        ]
        return not above or depth - above[-1] >= 1 << (len(above) - 1)


async def walk(storage: Storage, top: Location) -> AsyncIterator[Listed]:
    """Every folder at or below `top`, each after the one it lies in, in no other order. What
    cannot be listed is told and left out."""
    trees = storage if isinstance(storage, ListsTrees) else None

    async def one(key: tuple[Location, Hope]) -> tuple[list[Listed], list[tuple[Location, Hope]]]:
        at, hope = key
        try:
            tree = await trees.list_tree(at) if trees is not None and not hope.levels else None
            if tree is not None:
                return [*tree], []
            entries = [entry async for page in storage.scan(at) for entry in page]
        except CloudError as error:
            return [(at, error)], []
        below = [(Found.of(at, entry).at, hope.below()) for entry in entries if entry.is_folder]
        return [(at, entries)], below

    # a disk is not faster for being asked many things
    at_once = 1 if top.account == DISK else AT_ONCE
    async for listed in spread([(top, Hope())], one, at_once=at_once):
        yield listed


async def walk_in_order(
    storage: Storage, top: Location
) -> AsyncIterator[tuple[Location, list[Found] | CloudError]]:
    """The same with rows in display order, and each folder's own folders right after it."""
    known: dict[Location, Sequence[Entry] | CloudError] = {}
    source = walk(storage, top)
    pending = [top]
    while pending:
        folder = pending.pop()
        while folder not in known:
            at, listed = await anext(source)
            known[at] = listed
        found = known.pop(folder)
        if isinstance(found, CloudError):
            yield folder, found
            continue
        rows = [Found.of(folder, found[index]) for index in order(found)]
        yield folder, rows
        pending.extend(row.at for row in reversed(rows) if row.entry.is_folder)
