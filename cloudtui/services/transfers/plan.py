"""The walk: from sources to items, page by page, while earlier items are already being copied.

Owns the frontier, which lies in the journal: memory holds one page, the names of the folders being
planned, and a bounded part of the trees that came in one answer. A plan cut short is taken up again
without planning anything twice. It makes target folders and nothing else.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cloudtui.services.errors import CloudError, Full, Interrupted, LoginNeeded, Offline
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Capabilities, Entry, Found, Kind, Location
from cloudtui.services.storage import ServerCopy, ServerMove, Storage
from cloudtui.services.transfers import ledger, shelves
from cloudtui.services.transfers.arrange import Arrangement, Part, Rules, arrange
from cloudtui.services.transfers.checks import resolve, standing_names
from cloudtui.services.transfers.claims import Claims
from cloudtui.services.transfers.filters import Filters
from cloudtui.services.transfers.folders import Folders, Storages
from cloudtui.services.transfers.journal import Journal
from cloudtui.services.transfers.linked import Linked
from cloudtui.services.transfers.orders import JobState, OnConflict, Order, ServerSide, Source, Verb
from cloudtui.services.transfers.rows import Action, FolderRow, FolderState, Totals
from cloudtui.services.transfers.shelves import NewFolder, NewItem
from cloudtui.services.transfers.stop import interrupted
from cloudtui.services.walking import Ahead

_SINGLE: Final = -1
"""The root number of folder pairs that only hold sources named one by one."""

_AT_ONCE: Final = 4
"""Folders planned at the same time: hides the round trips of making and listing them."""


class Hooks(Struct, frozen=True):
    """What the planner tells the job it plans for."""

    added: Callable[[Totals], None]
    changed: Callable[[Location], None]
    policy: Callable[[], OnConflict]
    stopped: Callable[[], bool]


class Planner:
    """The plan of one job."""

    def __init__(
        self, journal: Journal, storages: Storages, job: str, order: Order, hooks: Hooks
    ) -> None:
        self._journal = journal
        self._storages = storages
        self._job = job
        self._order = order
        self._hooks = hooks
        self._filters = Filters(order.include, order.exclude)
        self._folders = Folders(journal, storages, job, hooks.changed)
        self._linked = Linked(order)
        self._ahead = Ahead(storages)
        self._nodes: dict[Location, str | None] = {}

    async def run(self, *, rooted: bool, found: Sequence[Found] | None = None) -> None:
        """Plan everything that is not planned yet. `found` saves looking the sources up again.

        Raises what pauses a job (LoginNeeded, Full, Offline) and what makes it impossible.
        """
        if not rooted:
            await self._root(found or await resolve(self._order.sources, self._storages))
        job = self._job
        busy: dict[int, asyncio.Task[None]] = {}
        try:
            while not self._hooks.stopped():
                limit = _AT_ONCE + len(busy)
                rows = await self._journal.read(partial(_open_folders, job, limit))
                for row in rows:
                    if row.id not in busy and len(busy) < _AT_ONCE:
                        busy[row.id] = asyncio.create_task(self._plan_folder(row))
                if not busy:
                    await self._journal.run(lambda db: ledger.set_counted(db, job))
                    failpoint("plan.counted")
                    return
                await asyncio.wait(busy.values(), return_when=asyncio.FIRST_COMPLETED)
                for id_ in [id_ for id_, task in busy.items() if task.done()]:
                    busy.pop(id_).result()
        finally:
            for task in busy.values():
                task.cancel()
            await asyncio.gather(*busy.values(), return_exceptions=True)
            self._ahead.forget_all()

    # --- the sources themselves ----------------------------------------------------------------

    async def _root(self, found: Sequence[Found]) -> None:
        job, order = self._job, self._order
        target, fresh = await self._folders.ensure(order.target)
        storage = await self._storages(target.account)
        claims = Claims(target.account, storage.caps)
        found = [await self._followed(here, target) for here in found]
        pairs = list(enumerate(zip(order.sources, found, strict=True)))
        named = [pair for pair in pairs if not pair[1][0].contents]
        if named and not fresh:
            names = {_arrival(source, here) for _, (source, here) in named}
            whole = self._hooks.policy() is OnConflict.KEEP_BOTH
            claims.stand(await standing_names(storage, target, names, whole=whole))
        for root, (source, here) in pairs:
            if source.contents:
                new = NewFolder(
                    root, walk=True, made=True, fresh=fresh, keep=True,
                    source=here.at, target=target, inner=(),
                )  # fmt: skip
                await self._journal.run(partial(_add, job, new))
        parents: dict[Location, list[tuple[int, Source, Found]]] = {}
        for root, (source, here) in named:
            parents.setdefault(here.at.parent, []).append((root, source, here))
        for parent, group in parents.items():
            await self._root_group(parent, target, claims, group)
        await self._journal.run(lambda db: ledger.set_rooted(db, job))
        failpoint("plan.rooted")

    async def _followed(self, here: Found, target: Location) -> Found:
        return await self._linked.one(await self._storages(here.at.account), here, target)

    async def _root_group(
        self,
        parent: Location,
        target: Location,
        claims: Claims,
        group: Sequence[tuple[int, Source, Found]],
    ) -> None:
        """Plan the named sources of one folder."""
        job = self._job
        single = NewFolder(
            _SINGLE, walk=False, made=True, fresh=False, keep=True,
            source=parent, target=target, inner=(),
        )  # fmt: skip
        row_id = await self._journal.run(lambda db: shelves.add_folder(db, job, single))
        row = await self._journal.read(lambda db: shelves.folder(db, row_id))
        known = await self._known(row)
        for name in known.names:
            claims.claim_known(name)
        roots = await self._journal.read(lambda db: shelves.roots(db, job))
        here = (parent.account, parent.parts) == (target.account, target.parts)
        rules = await self._rules(parent.account, target.account)
        rules = replace(rules, same_folder=here)
        wanted = [
            _Planned(here.entry, arrange(here.entry, rules, claims, source.name), root, here.at)
            for root, source, here in group
            if root not in roots and _mark(here.entry, parent.account) not in known.marks
        ]
        await self._store(row, wanted)

    # --- folders -------------------------------------------------------------------------------

    async def _plan_folder(self, row: FolderRow) -> None:
        try:
            await self._walk(await self._made(row))
        except (LoginNeeded, Full, Offline, Interrupted):
            raise
        except CloudError as exc:
            await self._give_up(row, exc)
        await self._journal.run(lambda db: shelves.set_folder_state(db, row.id, FolderState.LISTED))
        failpoint("plan.folder")

    async def _made(self, row: FolderRow) -> FolderRow:
        """The pair with its target folder in place."""
        if row.made:
            return row
        parent = row.target.parent
        parent = Location(parent.account, parent.parts, self._nodes.get(parent))

        def note(node: str | None, new: bool) -> None:
            fresh = row.fresh and new
            self._journal.post(lambda db: shelves.set_made(db, row.id, node, fresh=fresh))

        await self._folders.make(parent, row.target.name, note)
        return await self._journal.read(lambda db: shelves.folder(db, row.id))

    async def _walk(self, row: FolderRow) -> None:
        source = await self._storages(row.source.account)
        target = await self._storages(row.target.account)
        self._remember(row.target)
        rules = await self._rules(row.source.account, row.target.account)
        claims = Claims(row.target.account, target.caps)
        known = await self._known(row)
        if not row.fresh or known.marks or known.folders:
            async for page in self._ahead.scan(row.target):
                claims.stand(page)
        for name in known.names:
            claims.claim_known(name)
        async for page in self._ahead.scan(row.source):
            if self._hooks.stopped():
                raise interrupted()
            wanted: list[_Planned] = []
            for entry in await self._linked.page(source, row.source, row.target, page):
                mark = _mark(entry, row.source.account)
                if mark in known.marks or mark in known.folders:
                    continue
                node = entry.id if row.source.account else None
                at = row.source.child(entry.name, node)
                if self._filters.takes((*row.inner, entry.name), folder=entry.is_folder):
                    plan = arrange(entry, rules, claims)
                    wanted.append(_Planned(entry, plan, row.root, at))
                    if plan.part is Part.WALK:
                        continue
                if entry.is_folder:
                    self._ahead.forget(at)
            await self._store(row, wanted)

    async def _known(self, row: FolderRow) -> _Known:
        items = await self._journal.read(lambda db: shelves.claimed(db, row))
        below = await self._journal.read(lambda db: shelves.folders_below(db, row))
        return _Known(
            marks={(name, node) for name, node, _ in items},
            folders={(each.source.name, each.source.node or "") for each in below},
            names=[*(target for _, _, target in items), *(each.target.name for each in below)],
        )

    async def _store(self, row: FolderRow, wanted: Sequence[_Planned]) -> None:
        """Write a page of the plan down in one step."""
        items: list[NewItem] = []
        folders: list[NewFolder] = []
        for each in wanted:
            plan = each.plan
            if plan.part is Part.WALK:
                folders.append(below(row, each.root, each.at, plan))
            else:
                items.append(new_item(row, each.entry, plan))

        def write(db: sqlite3.Connection) -> Totals:
            for folder in folders:
                shelves.add_folder(db, row.job, folder)
            return shelves.add_items(db, items)

        self._hooks.added(await self._journal.run(write))
        failpoint("plan.page")

    async def _give_up(self, row: FolderRow, exc: CloudError) -> None:
        """A folder that cannot be read or made: told once, the others go on."""
        entry = Entry("", row.source.node or "", Kind.FOLDER)
        item = NewItem(
            row,
            tree=True,
            state=JobState.FAILED,
            entry=entry,
            target_name=row.target.name,
            existing=None,
            action=Action.NEW,
            message=str(exc),
            code=exc.code,
        )
        added = await self._journal.run(lambda db: shelves.add_items(db, [item]))
        self._hooks.added(added)

    def _remember(self, at: Location) -> None:
        if len(self._nodes) > 10_000:  # a lookup by path replaces what was dropped
            self._nodes.clear()
        self._nodes[Location(at.account, at.parts)] = at.node

    async def _rules(self, source: str, target: str) -> Rules:
        here, there = await self._storages(source), await self._storages(target)
        return Rules(
            verb=self._order.verb,
            policy=self._hooks.policy(),
            source_caps=here.caps,
            target_caps=there.caps,
            target_title=there.title,
            trees=not self._filters.any and takes_trees(self._order, source, target, there),
        )


class _Known(Struct, frozen=True):
    """What an earlier run of the plan wrote down for one folder."""

    marks: set[tuple[str, str]]
    folders: set[tuple[str, str]]
    names: list[str]


class _Planned(Struct, frozen=True):
    """An entry, what becomes of it, the source of the order it belongs to, and its place."""

    entry: Entry
    plan: Arrangement
    root: int
    at: Location


def below(row: FolderRow, root: int, source: Location, plan: Arrangement) -> NewFolder:
    """The folder pair for an entry of `row` that is to be walked."""
    merged = plan.existing
    node = merged.id if merged is not None and row.target.account else None
    return NewFolder(
        root,
        walk=True,
        made=merged is not None,
        fresh=merged is None,
        keep=False,
        source=source,
        target=row.target.child(plan.target_name, node),
        inner=(*row.inner, source.name) if row.walk else (),
    )


def new_item(row: FolderRow, entry: Entry, plan: Arrangement) -> NewItem:
    """The item for an entry of `row` that is not walked."""
    return NewItem(
        row,
        tree=plan.part is Part.TREE,
        state=plan.state,
        entry=entry,
        target_name=plan.target_name,
        existing=plan.existing,
        action=plan.action,
        message=plan.message,
        code=plan.code,
    )


def _open_folders(job: str, limit: int, db: sqlite3.Connection) -> list[FolderRow]:
    return shelves.folders(db, job, FolderState.OPEN, limit)


def _add(job: str, new: NewFolder, db: sqlite3.Connection) -> int:
    return shelves.add_folder(db, job, new)


def _arrival(source: Source, here: Found) -> str:
    return source.name if source.name is not None else here.entry.name


def _mark(entry: Entry, account: str) -> tuple[str, str]:
    return entry.name, entry.id if account else ""


def takes_trees(order: Order, source: str, target: str, storage: Storage) -> bool:
    """Whether whole folders may be left to the service."""
    if source != target or order.server_side is ServerSide.NEVER:
        return False
    return serves(order.verb, storage)


def serves(verb: Verb, storage: Storage) -> bool:
    """Whether a place copies or moves by itself, as far as known."""
    caps: Capabilities = storage.caps
    if verb is Verb.MOVE:
        return caps.allows("server_move") and isinstance(storage, ServerMove)
    return caps.allows("server_copy") and isinstance(storage, ServerCopy)
