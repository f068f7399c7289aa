"""Removing the sources of a move, after their copies were checked.

Owns the last step of moves: gathers sources into batches, since services take many ids in one
call; each is looked at once more and removed only if it is still what was copied. Emptied folders
follow at the end. A service's own trash takes them where there is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from cloudtui.services.errors import CloudError, NotFound, NotSupported
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import DISK, Found, Location, TrashKind
from cloudtui.services.storage import HasTrash, Storage
from cloudtui.services.transfers import intents, shelves
from cloudtui.services.transfers.carry import unchanged
from cloudtui.services.transfers.compare import standing
from cloudtui.services.transfers.desk import Desk, Errand
from cloudtui.services.transfers.ondisk import make_durable, on_disk
from cloudtui.services.transfers.positioned import disk_error
from cloudtui.services.transfers.rows import Action, FolderRow, FolderState

_log = logging.getLogger(__name__)

_GATHER: Final = 0.1
"""Seconds to wait for more sources to remove together."""
_MOST: Final = 256
"""Sources that are gathered on this disk, and that may wait behind those."""


class Removals:
    """The removals of one job. `settle` is told each errand with its error, None when removed."""

    def __init__(self, desk: Desk, settle: Callable[[Errand, CloudError | None], None]) -> None:
        self._desk = desk
        self._told = settle
        self._open: set[int] = set()
        """Items of the batch in hand that nobody was told of yet."""
        self._queue: asyncio.Queue[Errand | None] = asyncio.Queue(_MOST)
        self._task: asyncio.Task[None] | None = None

    async def add(self, errand: Errand) -> None:
        """Queue a removal; waits while very many are queued.

        That only the removal is left is noted at once where a cloud has the copy: it may show no
        digest that would prove later what was proved on the way.
        """
        if not _lies_here(errand):
            await self._note([errand])
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        await self._queue.put(errand)

    async def finish(self) -> None:
        """Remove all that was added. Safe to repeat."""
        if self._task is not None:
            await self._queue.put(None)
            task, self._task = self._task, None
            await task

    async def drop(self) -> None:
        """Stop here; what is left is in the journal."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait([task])

    async def _work(self) -> None:
        held: Errand | None = None
        while True:
            first = held or await self._queue.get()
            if first is None:
                return
            storage = await self._desk.storages(first.folder.source.account)
            batch, held, ended = await self._gather(first, storage)
            self._open = {errand.item.id for errand in batch}
            try:
                await self._remove(storage, await self._durable(batch))
            except CloudError as exc:
                self._settle_rest(batch, exc)
            except Exception as exc:  # boundary: nobody awaits this task while the job runs
                _log.exception("removing sources of a move failed unexpectedly")
                words = f"It could not be removed ({type(exc).__name__})."
                self._settle_rest(batch, CloudError(words))
            if ended:
                return

    def _settle(self, errand: Errand, error: CloudError | None) -> None:
        self._open.discard(errand.item.id)
        self._told(errand, error)

    def _settle_rest(self, batch: Sequence[Errand], error: CloudError) -> None:
        for errand in batch:
            if errand.item.id in self._open:
                self._settle(errand, error)

    async def _gather(
        self, first: Errand, storage: Storage
    ) -> tuple[list[Errand], Errand | None, bool]:
        """What may go in one call with `first`, what came behind it and may not, and whether that
        was all."""
        batch = [first]
        most = storage.caps.batch if storage.account != DISK else _MOST
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GATHER):
                while len(batch) < most:
                    errand = await self._queue.get()
                    if errand is None:
                        return batch, None, True
                    if errand.folder.source.account != storage.account:
                        return batch, errand, False
                    batch.append(errand)
        return batch, None, False

    async def _durable(self, errands: Sequence[Errand]) -> list[Errand]:
        """Make copies on this disk durable, since the source is the only other one, and note that
        only the removal is left of them; those whose sources may go."""
        fresh = [errand for errand in errands if _lies_here(errand)]
        if not fresh:
            return list(errands)
        paths = [errand.target.path for errand in fresh]
        failures = await on_disk(self._desk.pump, partial(make_durable, paths))
        failed = set()
        for errand, exc in zip(fresh, failures, strict=True):
            if exc is not None:
                failed.add(errand.item.id)
                self._settle(errand, disk_error(exc, "writing the file"))
        await self._note([errand for errand in fresh if errand.item.id not in failed])
        return [errand for errand in errands if errand.item.id not in failed]

    async def _note(self, errands: Sequence[Errand]) -> None:
        """Note durably that only the removal is left of these."""
        failpoint("engine.remove.durable")
        await self._desk.journal.run(partial(_note, [_intent(errand) for errand in errands]))
        failpoint("engine.remove.intent")

    async def _remove(self, storage: Storage, errands: Sequence[Errand]) -> None:
        if storage.account == DISK:
            for errand in errands:
                await self._remove_at_once(storage, [errand])
        elif errands:
            await self._remove_at_once(storage, errands)

    async def _remove_at_once(self, storage: Storage, errands: Sequence[Errand]) -> None:
        ready: list[tuple[Errand, Found]] = []
        for errand in errands:
            try:
                found = await unchanged(storage, errand)
            except CloudError as exc:
                self._settle(errand, exc)
                continue
            if found is None or await _is_its_copy(storage, errand):
                self._settle(errand, None)
            else:
                ready.append((errand, found))
        if not ready:
            return
        failure: CloudError | None = None
        try:
            await take_away(storage, [found for _, found in ready])
        except NotFound:
            pass  # gone meanwhile, which is what was wanted; the next run settles doubts
        except CloudError as exc:
            failure = exc
        failpoint("engine.remove.done")
        for errand, _ in ready:
            self._settle(errand, failure)


async def _is_its_copy(storage: Storage, errand: Errand) -> bool:
    """Whether the source is what stands at the target: moved there, not copied."""
    if storage.account == DISK or storage.account != errand.folder.target.account:
        return False
    there = await standing(storage, errand.folder.target, errand.item.target_name)
    return there is not None and errand.is_source(there.entry)


def _lies_here(errand: Errand) -> bool:
    """Whether a copy was just made on this disk, which may not have it yet."""
    return errand.folder.target.account == DISK and errand.item.action is not Action.REMOVE


def _intent(errand: Errand) -> intents.Intent:
    entry = errand.source.entry
    return intents.Intent(
        errand.job, errand.item.id, "remove", errand.folder.source, entry.name, entry.size
    )


def _note(noted: Sequence[intents.Intent], db: sqlite3.Connection) -> None:
    for intent in noted:
        assert intent.item is not None
        shelves.set_action(db, intent.item, Action.REMOVE)
        shelves.forget_write(db, intent.item)
        intents.add(db, intent)


async def take_away(storage: Storage, items: Sequence[Found]) -> None:
    """Remove sources: into the service's own trash where there is one, else for ever."""
    own = storage.caps.trash is TrashKind.SERVICE and storage.account != DISK
    if own and isinstance(storage, HasTrash):
        with contextlib.suppress(NotSupported):  # the trash is closed to programs: delete
            await storage.trash(items)
            return
    await storage.remove(items)


async def remove_emptied(desk: Desk, job: str, told: Callable[[Location], None]) -> None:
    """Remove the source folders that a finished move has emptied, deepest first; a service takes
    those of one depth in one call. Folders that still hold something stay."""
    while True:
        rows = await desk.journal.read(
            lambda db: shelves.folders(db, job, FolderState.LISTED, 200, last_first=True)
        )
        if not rows:
            return
        emptied = sorted((row for row in rows if row.walk and not row.keep), key=_depth)
        for _, level in itertools.groupby(emptied, _depth):
            for row in await _removed(desk, list(level)):
                told(row.source.parent)
                failpoint("engine.folder.removed")
        await desk.journal.run(partial(_passed, [row.id for row in rows]))


def _depth(row: FolderRow) -> tuple[int, str]:
    """Deepest first, the folders of one account together."""
    return -len(row.source.parts), row.source.account


def _passed(ids: Sequence[int], db: sqlite3.Connection) -> None:
    for id_ in ids:
        shelves.set_folder_state(db, id_, FolderState.REMOVED)


async def _removed(desk: Desk, rows: Sequence[FolderRow]) -> list[FolderRow]:
    """Remove those of these folders, of one depth and account, that are empty; which they were."""
    account = rows[0].source.account
    if account == DISK:
        return [row for row in rows if await asyncio.to_thread(_rmdir, row.source.path)]
    storage = await desk.storages(account)
    gone = []
    for start in range(0, len(rows), storage.caps.batch):
        some = rows[start : start + storage.caps.batch]
        found = await asyncio.gather(*(_empty(storage, row.source) for row in some))
        empty = [(row, each) for row, each in zip(some, found, strict=True) if each is not None]
        gone += await _taken_away(storage, empty)
    return gone


async def _empty(storage: Storage, at: Location) -> Found | None:
    """A folder that is there and holds nothing."""
    try:
        async for page in storage.scan(at):
            if page:
                return None
        return await storage.stat(at)
    except NotFound:
        return None


async def _taken_away(
    storage: Storage, emptied: Sequence[tuple[FolderRow, Found]]
) -> list[FolderRow]:
    if not emptied:
        return []
    try:
        await take_away(storage, [found for _, found in emptied])
    except NotFound:  # somebody else was quicker with one of them
        if len(emptied) == 1:
            return []
        return [row for each in emptied for row in await _taken_away(storage, [each])]
    return [row for row, _ in emptied]


def _rmdir(path: str) -> bool:
    try:
        os.rmdir(path)  # noqa: PTH106  # refuses a folder that is not empty, in one step
    except OSError:
        return False
    return True
