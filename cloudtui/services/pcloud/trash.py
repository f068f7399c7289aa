"""Deletes that can be taken back.

pCloud's own trash is used where it answers. To OAuth tokens it does not (measured on the real
service: "log in required" for every one of its methods), so a delete moves into a folder of ours.
Nothing is ever deleted in place of a refused move.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence

from cloudtui.services.accounts import Account
from cloudtui.services.errors import Denied, NotFound, NotSupported, Refused, UsageError
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Found, Kind, Location, TrashItem, TrashKind
from cloudtui.services.naming import display_name, numbered
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.batches import Batch, Batches, Record
from cloudtui.services.pcloud.changes import Changes
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import FOLDER_NAME, Names, folded, kind_of, number
from cloudtui.services.pcloud.links import Links
from cloudtui.services.pcloud.parallel import each
from cloudtui.services.pcloud.service_trash import ServiceTrash
from cloudtui.services.pcloud.tree import Tree, shown
from cloudtui.services.storage import Restored

_BILLION = 1_000_000_000
_LINKED = "Its public links were taken back when it was deleted; new ones can be made."


class Trash:
    """The trash of one account. `kind` is what deletes do, as far as it is known."""

    def __init__(
        self,
        account: Account,
        client: Client,
        names: Names,
        tree: Tree,
        changes: Changes,
        links: Links,
    ) -> None:
        self._account = account.name
        self._mode = account.text("trash")
        self._keep_days = account.whole("trash_keep_days")
        self._most = account.whole("trash_max")
        self._names = names
        self._tree = tree
        self._changes = changes
        self._links = links
        self._batches = Batches(client, tree, changes, links)
        self._service = ServiceTrash(self._account, client, names, tree)
        self.kind = TrashKind.SERVICE if self._mode == "service" else TrashKind.FOLDER

    async def _by_service(self) -> bool:
        if self._mode == "auto" and await self._service.answers():
            self.kind = TrashKind.SERVICE
        return self.kind is TrashKind.SERVICE

    # --- in -------------------------------------------------------------------------------

    async def put(self, items: Sequence[Found]) -> list[TrashItem]:
        """Move entries to the trash. Public links on them are revoked first: what was deleted
        must not stay public.

        Raises Denied or NotSupported when a move is refused; what could be moved was.
        """
        if not items:
            return []
        nodes = [await self._changes.node_of(item) for item in items]
        for item in items:
            if item.at.parts[:1] == (FOLDER_NAME,):
                raise UsageError(
                    f"{shown(item.at)} lies in the trash already.", hint="Delete it for ever."
                )
        if await self._by_service():
            return await self._delete(items, nodes)
        records = [
            Record(
                id=node,
                name=self._names.stored(item.entry.name),
                put_as="",
                parent=await self._tree.folder_id(item.at.parent),
                path=[self._names.stored(part) for part in item.at.parts[:-1]],
            )
            for node, item in zip(nodes, items, strict=True)
        ]
        links = await self._links.links_on(nodes) or {}
        for record in records:
            record.linked = record.id in links
        folder, manifest = await self._batches.begin(records)
        for link in (link for on in links.values() for link in on):
            if link.linkid is not None:
                await self._links.revoke(link.linkid)
                failpoint("pcloud.trash.unlinked")

        async def one(record: Record) -> None:
            try:
                await self._changes.relocate(record.id, folder, record.put_as)
            except (Denied, NotSupported) as error:
                raise type(error)(
                    f"{display_name(self._names.local(record.name))} cannot be moved to the "
                    f"trash: {error.text}",
                    hint="It was left where it is; it can be deleted for ever.",
                    detail=error.detail,
                ) from error
            failpoint("pcloud.trash.moved")

        await each(records, one)
        return [
            TrashItem(
                node, item.entry, item.at, manifest.time * _BILLION, _revoked(links.get(node, ()))
            )
            for node, item in zip(nodes, items, strict=True)
        ]

    async def _delete(self, items: Sequence[Found], nodes: Sequence[str]) -> list[TrashItem]:
        await each(nodes, self._changes.delete)
        return [
            TrashItem(node, item.entry, item.at) for node, item in zip(nodes, items, strict=True)
        ]

    # --- look -----------------------------------------------------------------------------

    async def scan(self) -> AsyncIterator[Sequence[TrashItem]]:
        """Everything that can be taken back, newest batch first; what is over is removed."""
        if await self._by_service():
            async for page in self._service.scan():
                yield page
            return
        batches = await each(await self._batches.folders(), self._batches.open)
        for batch in await self._batches.sweep(batches, self._keep_days, self._most):
            if batch.items:
                yield [self._shown(batch, item) for item in batch.items]

    def _shown(self, batch: Batch, item: wire.Item) -> TrashItem:
        entry = self._names.entry(item)
        record = batch.records.get(item.node)
        when = None if batch.time is None else batch.time * _BILLION
        if record is None:
            return TrashItem(item.node, entry, None, when)
        parts = tuple(self._names.local(part) for part in (*record.path, record.name))
        named = self._names.entry(_called(item, record.name))
        return TrashItem(item.node, named, Location(self._account, parts, item.node), when)

    # --- out ------------------------------------------------------------------------------

    async def restore(self, items: Sequence[TrashItem], to: Location | None) -> list[Restored]:
        """Put things back into the folder they came from, found by its id wherever it is now. A
        folder that is gone (or lies in the trash itself) is made again under its old path; a name
        that is taken meanwhile gets a number."""
        if await self._by_service():
            return await each(items, lambda item: self._service.restore(item, to))
        batches = await self._batches.holding(frozenset(item.key for item in items))
        for item in items:
            if item.key not in batches:
                raise NotFound(f"{display_name(item.entry.name)} is no longer in the trash.")
        rows = [_Row(item, batches[item.key].records.get(item.key)) for item in items]
        if to is None and any(row.record is None for row in rows):
            raise Refused(
                "Where it came from is not known; nothing was restored.",
                hint="Say where it shall go.",
            )
        work = _Restoring(self._account, self._names, self._tree, self._changes, self._batches)
        done: dict[str, Restored] = {}
        by_depth: defaultdict[int, list[_Row]] = defaultdict(list)
        for row in rows:
            by_depth[len(row.record.path) if row.record is not None else 0].append(row)
        for depth in sorted(by_depth):
            # folders come back before what lay in them
            there = await each(by_depth[depth], lambda row: work.one(row, to))
            done.update((restored.item.key, restored) for restored in there)
        taken = frozenset(done)
        for batch in {batch.folder.node: batch for batch in batches.values()}.values():
            await self._batches.tidy(batch, taken)
        return [done[item.key] for item in items]

    # --- away -----------------------------------------------------------------------------

    async def delete(self, items: Sequence[TrashItem]) -> None:
        """Delete things that lie in the trash; others are left alone, whatever their ids say."""
        if await self._by_service():
            await each(items, lambda item: self._service.clear(item.key))
            return
        batches = await self._batches.holding(frozenset(item.key for item in items))

        async def one(key: str) -> None:
            await self._changes.delete(key)
            failpoint("pcloud.trash.deleted")

        await each(list(batches), one)
        for batch in {batch.folder.node: batch for batch in batches.values()}.values():
            await self._batches.tidy(batch, frozenset(batches))

    async def empty(self, on_progress: Callable[[int, int], None]) -> None:
        """Delete everything in the trash. Told how many of how many are gone: things, where it is
        known how many a batch holds, else batches, since looking would cost a call for each."""
        if await self._by_service():
            await self._service.clear("d0")
            return
        folders = await self._batches.folders()
        total = sum(map(self._batches.count, folders))
        done = 0

        async def one(folder: wire.Item) -> None:
            nonlocal done
            count = self._batches.count(folder)
            await self._batches.drop(Batch(folder))
            done += count
            on_progress(done, total)
            failpoint("pcloud.trash.emptied")

        await each(folders, one)


def _revoked(links: Sequence[wire.PublicLink]) -> str:
    if not links:
        return ""
    if len(links) == 1:
        return "A public link to it was taken back."
    return f"{len(links)} public links to it or into it were taken back."


class _Row:
    """A thing to be restored and what is known of its past."""

    __slots__ = ("item", "record")

    def __init__(self, item: TrashItem, record: Record | None) -> None:
        self.item = item
        self.record = record


class _Restoring:
    """One restore: remembers which folders are alive, their paths, and the names in them."""

    def __init__(
        self, account: str, names: Names, tree: Tree, changes: Changes, batches: Batches
    ) -> None:
        self._account = account
        self._names = names
        self._tree = tree
        self._changes = changes
        self._batches = batches
        self._alive: dict[int, tuple[str, ...]] = {}
        self._remade: dict[int, int] = {}
        self._taken: dict[int, set[tuple[Kind, str]]] = {}
        self._choosing = asyncio.Lock()

    async def one(self, row: _Row, to: Location | None) -> Restored:
        """Put one thing back."""
        node = row.item.key
        async with self._choosing:
            folder, path, free, note = await self._goal(row, to)
        moved = await self._changes.relocate(node, folder, free)
        failpoint("pcloud.restore.moved")
        if row.record is not None and row.record.linked:
            note = f"{note} {_LINKED}".strip()
        name = self._names.local(moved.name)
        return Restored(row.item, Location(self._account, (*path, name), node), note)

    async def _goal(self, row: _Row, to: Location | None) -> tuple[int, tuple[str, ...], str, str]:
        """Where one thing goes: folder, its path, the stored name, which is taken from now on,
        and what there is to say of it."""
        note = ""
        if to is not None:
            folder = await self._tree.folder_id(to)
            path = to.parts
            stored = row.record.name if row.record else self._names.stored(row.item.entry.name)
        else:
            assert row.record is not None
            old = tuple(self._names.local(part) for part in row.record.path)
            folder, stored = row.record.parent, row.record.name
            now = await self._path(folder)
            if now is None:
                if folder not in self._remade:
                    self._remade[folder] = await self._remake(old)
                folder = self._remade[folder]
                note = "Its folder was gone and has been made again."
            elif now != old:
                note = "Its folder has another place now."
            path = old if now is None else now
        kind = kind_of(row.item.key)
        free = await self._free(folder, stored, kind)
        if free != stored:
            note = f"{display_name(self._names.local(stored))} is taken; it has a number now."
        self._taken[folder].add((kind, folded(free)))
        return folder, path, free, note

    async def _path(self, folder: int) -> tuple[str, ...] | None:
        """Where a folder is now, None when it is gone or lies in our trash."""
        if folder in self._remade:
            return None
        known = self._alive.get(folder)
        if known is not None:
            return known
        try:
            if folder != number(self._tree.root):
                await self._tree.item(f"d{folder}")
            path = await self._tree.path_of(folder)
        except NotFound:
            return None
        if path[:1] == (FOLDER_NAME,):
            return None
        self._alive[folder] = path
        return path

    async def _remake(self, parts: tuple[str, ...]) -> int:
        at = Location(self._account)
        for name in parts:
            try:
                await self._tree.folder_id(at.child(name))
            except NotFound:
                await self._changes.mkdir(at, name)
            at = at.child(name)
        return await self._tree.folder_id(at)

    async def _free(self, folder: int, stored: str, kind: Kind) -> str:
        if folder not in self._taken:
            self._taken[folder] = await self._tree.names_in(folder)
        name, n = stored, 1
        while (kind, folded(name)) in self._taken[folder]:
            n += 1
            name = numbered(stored, n)
        return name


def _called(item: wire.Item, name: str) -> wire.Item:
    import msgspec

    return msgspec.structs.replace(item, name=name)
