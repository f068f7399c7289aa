"""PikPak's trash: what lies there, and putting things back where they were.

Sources disagree on whether the service returns things to their folder, so the parent is read after
every restore and the thing is moved when it landed elsewhere. Folders are meant by id: a folder
that was renamed or moved meanwhile is still the right one.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from cloudtui.services.accounts import Keys
from cloudtui.services.errors import Exists, NotFound, Refused, ServerTrouble
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Found, Location, Secret, TrashItem
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.changes import Changes
from cloudtui.services.pikpak.client import FILES, Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.homing import Home, Homing
from cloudtui.services.pikpak.listing import (
    ANYWHERE,
    Filters,
    detail,
    entry_of,
    local,
    pages,
    row_of,
)
from cloudtui.services.storage import Restored

EMPTYING: Final = 1800.0
"""Seconds to wait for a trash to be emptied."""

_EMPTIED: Final = "emptied"
_REMEMBERED: Final = 20_000
"""Ids of emptied things that are remembered; about half a megabyte."""

_DEEPEST: Final = 1000
"""Folders above one another that are believed."""

_TRASHED: Final[Filters] = {"trashed": {"eq": True}}


class Trash:
    """The trash of one account."""

    def __init__(self, api: Api, folders: Folders, changes: Changes, keys: Keys) -> None:
        self._api = api
        self._profile = api.profile
        self._keys = keys
        self._emptied: set[str] | None = None
        self._homing = Homing(keys, api.profile.origin)
        self._folders = folders
        self._changes = changes
        self._homes: dict[str, str] = {}
        """The folder each trashed thing was in, by id, as put there or listed last: outside the
        listing of the trash the service does not tell."""

    # --- in ------------------------------------------------------------------------------

    async def put(self, items: Sequence[Found]) -> list[TrashItem]:
        """Move entries to the trash; the answer says where each was. Raises Refused for what lies
        there already, which `trashed_only` shows."""
        if self._profile.trashed_only:
            await self._refuse_trashed(items)
        parents: dict[Location, str] = {}
        trashed: list[TrashItem] = []
        now = time.time_ns()
        for item in items:
            folder = item.at.parent
            if folder not in parents:
                parents[folder] = await self._parent_of(item, folder)
            self._homes[item.entry.id] = parents[folder]
            trashed.append(TrashItem(item.entry.id, item.entry, item.at, now))
        where = display_name(str(items[0].at)) if len(items) == 1 else ""
        await self._changes.discard([item.entry.id for item in items], where=where)
        self._folders.lately.trashed(
            row_of(self._profile, item.entry, parents[item.at.parent]) for item in items
        )
        failpoint("pikpak.trash.done")
        return trashed

    async def _refuse_trashed(self, items: Sequence[Found]) -> None:
        for item in items:
            folder = await self._folder_of(item.entry.id)
            if folder is None or await self._folders.is_buried(folder):
                raise Refused(
                    f"{display_name(str(item.at))} lies in the trash already; nothing was moved.",
                    hint="Delete it for ever, or restore it.",
                )

    async def _folder_of(self, file_id: str) -> str | None:
        """The folder of something; None when it lies in the trash itself."""
        try:
            row = await detail(self._api, file_id)
        except NotFound as error:
            if tasks.is_gone(error):
                raise
            return None
        return None if row.trashed else row.parent_id

    async def _parent_of(self, item: Found, folder: Location) -> str:
        if not folder.parts:
            return self._folders.root
        return (await detail(self._api, item.entry.id, where=display_name(str(item.at)))).parent_id

    # --- what is there -------------------------------------------------------------------

    async def scan(self) -> AsyncIterator[Sequence[TrashItem]]:
        """All that lies in the trash, wherever it was, page by page. What was emptied from it here
        is left out, though the service shows it for days (told by rclone's authors)."""
        emptied = await self._emptied_ids()
        folders: dict[str, wire.File] = {}
        orphans: list[wire.File] = []
        async for rows in self._rows():
            trashed = [row for row in rows if row.trashed and row.id not in emptied]
            folders.update((row.id, row) for row in trashed if row.is_folder)
            paths = await self._folders.paths(row.parent_id for row in trashed)
            orphans += [row for row in trashed if row.parent_id not in paths]
            yield [self._item(row, paths) for row in trashed if row.parent_id in paths]
        if orphans:
            above = dict.fromkeys(row.parent_id for row in orphans)
            found = {each: await self._buried(each, folders) for each in above}
            paths = {each: parts for each, parts in found.items() if parts is not None}
            yield [self._item(row, paths) for row in orphans]
        strays = await self._strays()
        if strays:
            yield strays

    def _rows(self) -> AsyncIterator[list[wire.File]]:
        """The raw rows of the whole trash, our own latest changes in them."""
        return self._folders.lately.in_trash(pages(self._api, ANYWHERE, _TRASHED))

    async def _buried(self, folder: str, binned: Mapping[str, wire.File]) -> tuple[str, ...] | None:
        """The path of a folder that lies in the trash, or in one of its folders `binned` by id:
        what was trashed first keeps its place when its folder follows."""
        names: list[str] = []
        while folder not in ("", self._folders.root):
            row = binned.get(folder)
            try:
                known = await self._folders.look_up(folder) if row is None else None
            except NotFound:
                return None
            if row is not None:
                names.append(local(self._profile, row))
                folder = row.parent_id
            elif known is not None:
                names.append(known.name)
                folder = known.parent_id
            if len(names) > _DEEPEST:
                return None  # folders that hold one another
        return tuple(reversed(names))

    async def _strays(self) -> list[TrashItem]:
        """What a restore that was cut off took out of the trash and did not bring home: to be
        restored like the rest."""
        found: list[TrashItem] = []
        over: set[str] = set()
        for id_, home in (await self._homing.all()).items():
            try:
                row = await detail(self._api, id_)
            except NotFound:
                over.add(id_)
                continue
            if row.trashed:
                continue  # the listing has it
            if row.parent_id == home.parent:
                over.add(id_)
                continue
            self._homes[id_] = home.parent
            origin = None
            if home.path is not None:
                origin = Location(self._profile.account, home.path, id_)
            found.append(TrashItem(id_, entry_of(self._profile, row), origin, None))
        if over:
            await self._homing.done(over)
        return found

    def _item(self, row: wire.File, paths: dict[str, tuple[str, ...]]) -> TrashItem:
        origin = None
        parts = paths.get(row.parent_id)
        if parts is not None:
            name = local(self._profile, row)
            origin = Location(self._profile.account, (*parts, name), row.id)
        self._homes[row.id] = row.parent_id
        when, ends = self._when(row)
        return TrashItem(row.id, entry_of(self._profile, row), origin, when, ends_ns=ends)

    def _when(self, row: wire.File) -> tuple[int | None, int | None]:
        """When it was trashed, and when it is purged. A time to come in `delete_time` is the
        second, 15 days after it was put there (measured by one client on a paying account)."""
        stamp = wire.time_ns(row.delete_time)
        if stamp is None or stamp <= self._api.now() * 1e9:
            return stamp, None
        return stamp - 15 * 86_400 * 1_000_000_000, stamp

    # --- out -----------------------------------------------------------------------------

    async def restore(
        self, items: Sequence[TrashItem], to: Location | None = None
    ) -> list[Restored]:
        """Put items back into the folder they came from (or `to`), made again when missing."""
        target = None if to is None else await self._folders.folder_id(to)
        ids = [item.key for item in items]
        if target is None:
            await self._learn_homes(ids)
        self._folders.forget()
        begun = await self._homing.all()
        if target is None:
            known = [item for item in items if item.key in self._homes]
            await self._homing.begin({item.key: self._written(item) for item in known})
        inside = [each for each in ids if each not in begun or not await self._is_out(each)]
        if inside:
            await tasks.batch(self._api, "batchUntrash", inside, self._is_out)
        self._folders.forget()
        failpoint("pikpak.restore.untrashed")
        restored: list[Restored] = []
        made: dict[str, tuple[str, str]] = {}
        # folders first, the highest before what lies in them: an item may belong into another
        order = sorted(items, key=lambda item: len(item.origin.parts) if item.origin else 0)
        for item in order:
            restored.append(await self._back(item, target, made))
        self._folders.forget()
        await self._homing.done(ids)
        return restored

    def _written(self, item: TrashItem) -> Home:
        path = None if item.origin is None else item.origin.parts
        return Home(self._homes[item.key], path, time.time())

    async def _learn_homes(self, ids: Sequence[str]) -> None:
        """Look for the old folders of things that another process put into the trash."""
        unknown = {each for each in ids if each not in self._homes}
        if not unknown:
            return
        async for rows in self._rows():
            for row in rows:
                self._homes[row.id] = row.parent_id
                unknown.discard(row.id)
            if not unknown:
                return

    async def _is_out(self, file_id: str) -> bool:
        try:
            return not (await detail(self._api, file_id)).trashed
        except NotFound as error:
            if tasks.is_gone(error):
                raise
            return False

    async def _back(
        self,
        item: TrashItem,
        target: str | None,
        made: dict[str, tuple[str, str]],
    ) -> Restored:
        """One item, out of the trash already, into its folder."""
        row = await self._out(item.key)
        note = ""
        if target is None:
            target, note = await self._home(item, row, made)
        if row.parent_id != target:
            await self._changes.put(row.id, target)
            failpoint("pikpak.restore.moved")
            row = await detail(self._api, row.id)
        name = item.entry.name
        if name and local(self._profile, row) != name:
            # the service numbers what finds its name taken; perhaps only where it first landed
            try:
                row = await self._changes.set_name(row, name)
            except Exists:
                shown = display_name(local(self._profile, row))
                taken = f"Its name is taken; it is called {shown} now."
                note = f"{note} {taken}".strip()
        self._folders.lately.put(row)
        parts = await self._folders.path_of(row)
        return Restored(item, Location(self._profile.account, parts, row.id), note)

    async def _out(self, file_id: str) -> wire.File:
        row = await detail(self._api, file_id)
        if row.trashed:
            raise ServerTrouble(
                f"PikPak has not taken {display_name(row.name)} out of its trash yet.",
                hint="It goes on by itself; look again in a while.",
            )
        return row

    async def _home(
        self, item: TrashItem, row: wire.File, made: dict[str, tuple[str, str]]
    ) -> tuple[str, str]:
        """The folder an item belongs into, and a sentence when that is not the old one.

        The old folder by its id, wherever it is now; else its path, made again by names.
        """
        parent = self._homes.get(item.key)
        if parent is None:
            # the trash no longer told: by path when one is known, else where it is
            if item.origin is None:
                return row.parent_id, ""
            return await self._path(item.origin.parts[:-1]), ""
        if parent in ("", self._folders.root) or parent in made:
            return made.get(parent, (parent, ""))
        try:
            folder = await detail(self._api, parent)
            gone = folder.trashed
            in_trash = gone
        except NotFound as error:
            gone, in_trash = True, not tasks.is_gone(error)
        if not gone:
            return parent, ""
        if item.origin is None:
            made[parent] = (
                self._folders.root,
                "Its old folder is gone and its path is not known; it lies at the top.",
            )
            return made[parent]
        path = item.origin.parts[:-1]
        where = display_name(str(Location(self._profile.account, path)))
        what = "lies in the trash itself" if in_trash else "is gone"
        made[parent] = (await self._path(path), f"Its old folder {what}; {where} was made again.")
        return made[parent]

    async def _path(self, parts: Sequence[str]) -> str:
        """The id of a folder by names, made level by level where missing."""
        at = Location(self._profile.account)
        folder_id = self._folders.root
        for part in parts:
            at = Location(at.account, at.parts, folder_id)
            known = await self._folder_in(folder_id, part)
            if known is None:
                try:
                    known = (await self._changes.mkdir(at, part)).id
                except Exists:  # made by another program at this moment
                    known = await self._folder_in(folder_id, part)
                    if known is None:
                        raise
            folder_id = known
            at = Location(at.account, (*at.parts, part), folder_id)
        return folder_id

    async def _folder_in(self, parent: str, name: str) -> str | None:
        rows = (await self._folders.names(parent)).get(name, [])
        return next((row.id for row in rows if row.is_folder), None)

    # --- for ever ------------------------------------------------------------------------

    async def delete_forever(self, items: Sequence[TrashItem]) -> None:
        """Remove items from the trash for good."""
        ids = [item.key for item in items]
        await self._changes.delete(ids)
        await self._remember_emptied(set(ids))

    async def empty(self, on_progress: Callable[[int], None] | None = None) -> None:
        """Remove everything from the trash for good; waits for the service to be done."""
        doomed = {row.id async for rows in self._rows() for row in rows}
        started = await self._api.call(wire.Started, "PATCH", f"{FILES}/trash:empty")
        failpoint("pikpak.trash.emptied")
        self._folders.forget()
        if await tasks.wait(self._api, started.task_id, patience=EMPTYING, on_progress=on_progress):
            await self._remember_emptied(doomed)

    # --- what the service goes on showing ------------------------------------------------

    async def _remember_emptied(self, ids: set[str]) -> None:
        """Note ids that are gone although the service may list them for days. An id never comes
        back, so a note can be wrong for nothing else."""
        emptied = await self._emptied_ids() | ids
        kept = sorted(emptied)[-_REMEMBERED:]
        self._emptied = set(kept)
        await self._keys.write_sealed(_EMPTIED, self._profile.origin, Secret(" ".join(kept)))

    async def _emptied_ids(self) -> set[str]:
        if self._emptied is None:
            sealed = await self._keys.read_sealed(_EMPTIED, self._profile.origin)
            self._emptied = set(sealed.reveal().split()) if sealed is not None else set()
        return self._emptied
