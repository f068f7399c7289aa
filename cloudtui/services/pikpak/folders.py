"""From paths to ids and back.

PikPak knows ids only, and names may repeat: a path is resolved level by level through listings,
and a path that fits several entries is refused with their ids. What was seen stays for seconds
only, and nothing of it after a change of ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import Ambiguous, NotFound
from cloudtui.services.models import Entry, Found, Kind, Location
from cloudtui.services.naming import display_name, encode_name
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.lately import Lately
from cloudtui.services.pikpak.listing import (
    ANYWHERE,
    Filters,
    detail,
    entry_of,
    is_shown,
    live_filters,
    local,
    pages,
)
from cloudtui.services.pikpak.tasks import is_gone

_LIFE: Final = 10.0
"""Seconds for which a listing answers questions about names."""

_FEW: Final = 16
"""Up to so many unknown folders are asked for one by one; more by one listing of all folders."""


class _Listing(Struct):
    until: float
    by_name: dict[str, list[wire.File]]
    ours: dict[str, list[wire.File]]
    """Rows that listings leave out: parts of ours, not trashed."""


class Known(Struct, frozen=True):
    """A folder's stored name and parent."""

    until: float
    name: str
    parent_id: str


class Folders:
    """The tree of one account as far as it was walked."""

    def __init__(self, api: Api, lately: Lately) -> None:
        self._api = api
        self._profile = api.profile
        self.lately = lately
        self._listings: dict[str, _Listing] = {}
        self._known: dict[str, Known] = {}

    @property
    def root(self) -> str:
        """The id of what is shown as the top; empty for the account's own root."""
        return self._profile.root_id

    # --- down: path to id ----------------------------------------------------------------

    async def folder_id(self, at: Location) -> str:
        """The id of a folder. Raises NotFound, Ambiguous."""
        if not at.parts:
            return self.root
        if at.node:
            return at.node
        return (await self.find(at, Kind.FOLDER)).id

    async def find(self, at: Location, want: Kind | None) -> wire.File:
        """The row at a path that has parts and no id. Raises NotFound, Ambiguous."""
        parent = self.root
        for depth, part in enumerate(at.parts[:-1]):
            here = Location(at.account, at.parts[: depth + 1])
            parent = (await self._one(parent, part, Kind.FOLDER, here)).id
        return await self._one(parent, at.parts[-1], want, at)

    async def _one(self, parent: str, name: str, want: Kind | None, at: Location) -> wire.File:
        fitting = await self._fitting(parent, name, want, fresh=False)
        if not fitting and self._is_old(parent):
            fitting = await self._fitting(parent, name, want, fresh=True)
        shown = display_name(str(at))
        if not fitting:
            what = "folder" if want is Kind.FOLDER else "file" if want is Kind.FILE else "entry"
            raise NotFound(f"There is no {what} {shown} on PikPak.")
        if len(fitting) > 1:
            ids = tuple(row.id for row in fitting)
            raise Ambiguous(
                f"{shown} fits {len(ids)} entries on PikPak.",
                ids=ids,
                hint=f"Name one by its id: {', '.join(f'{at.account}:#{each}' for each in ids)}.",
            )
        return fitting[0]

    async def _fitting(
        self, parent: str, name: str, want: Kind | None, *, fresh: bool
    ) -> list[wire.File]:
        rows = (await self.names(parent, fresh=fresh)).get(name, [])
        return [row for row in rows if want is None or row.is_folder is (want is Kind.FOLDER)]

    def _is_old(self, parent: str) -> bool:
        """Whether the absence of a name is worth another look: once a second at most."""
        listing = self._listings.get(parent)
        return listing is None or listing.until - time.monotonic() < _LIFE - 1.0

    async def names(self, parent: str, *, fresh: bool = False) -> dict[str, list[wire.File]]:
        """The rows of a folder by local name, seen at most seconds ago (`fresh`: now)."""
        listing = self._listings.get(parent)
        if listing is None or fresh or time.monotonic() >= listing.until:
            listing = _Listing(time.monotonic() + _LIFE, {}, {})
            buried = self._profile.trashed_only and await self.is_buried(parent)
            async for rows in self.rows(parent):
                for row in rows:
                    if is_shown(self._profile, row, buried=buried):
                        listing.by_name.setdefault(local(self._profile, row), []).append(row)
                    elif row.is_complete and not row.trashed:
                        listing.ours.setdefault(local(self._profile, row), []).append(row)
            if len(self._listings) > 200:
                self._listings.clear()
            self._listings[parent] = listing
        return listing.by_name

    def rows(self, folder: str) -> AsyncIterator[list[wire.File]]:
        """The raw rows of a folder as they are now: the listing, and our own latest changes."""
        return self.lately.in_folder(folder, pages(self._api, folder, live_filters(self._profile)))

    async def holders(self, parent: str, name: str, *, fresh: bool = False) -> list[wire.File]:
        """Everything of a name in a folder, what listings leave out included."""
        shown = (await self.names(parent, fresh=fresh)).get(name, [])
        return [*shown, *self._listings[parent].ours.get(name, [])]

    async def is_taken(self, parent: str, name: str) -> bool:
        """Whether something shown in a folder has that name. A listing seen before is good enough
        where none of our programs, in this process or another, put that name there since."""
        if (await self.names(parent)).get(name):
            return True
        if not self.lately.is_noted(parent, encode_name(name, self._profile.rules)):
            return False
        return bool((await self.names(parent, fresh=True)).get(name))

    async def parts_of_ours(self, parent: str) -> list[wire.File]:
        """The rows of a folder that listings leave out."""
        await self.names(parent)
        return [row for rows in self._listings[parent].ours.values() for row in rows]

    async def is_buried(self, folder: str) -> bool:
        """Whether a folder lies in the trash, by itself or with one above it. What lies in it need
        not say so (it is not known whether the service marks it)."""
        seen: set[str] = set()
        while folder and folder not in seen:
            seen.add(folder)
            try:
                row = await detail(self._api, folder)
            except NotFound as error:
                return not is_gone(error)
            if row.trashed:
                return True
            folder = row.parent_id
        return False

    # --- what changed --------------------------------------------------------------------

    def added(self, parent: str, row: wire.File) -> None:
        """A change of ours put `row` into a folder."""
        self.lately.put(row)
        listing = self._listings.get(parent)
        if listing is not None:
            rows = listing.by_name.setdefault(local(self._profile, row), [])
            rows[:] = [each for each in rows if each.id != row.id] + [row]

    def forget(self) -> None:
        """A change of ours renamed, moved or removed something: nothing seen still counts."""
        self._listings.clear()
        self._known.clear()

    # --- up: id to path ------------------------------------------------------------------

    async def path_of(self, row: wire.File) -> tuple[str, ...]:
        """The local path of a row below the root; names above a root that does not contain it."""
        return (*await self._parts(row.parent_id), local(self._profile, row))

    async def _parts(self, folder: str) -> tuple[str, ...]:
        names: list[str] = []
        seen: set[str] = set()
        while folder and folder != self.root and folder not in seen:
            seen.add(folder)
            known = await self.look_up(folder)
            names.append(known.name)
            folder = known.parent_id
        return tuple(reversed(names))

    async def look_up(self, folder: str) -> Known:
        """Name and parent of a folder by id. Raises NotFound, also for one in the trash."""
        known = self._known.get(folder)
        if known is None or time.monotonic() >= known.until:
            row = await detail(self._api, folder)
            known = self._note(row)
        return known

    def _note(self, row: wire.File) -> Known:
        known = Known(time.monotonic() + 60.0, local(self._profile, row), row.parent_id)
        self._known[row.id] = known
        return known

    async def paths(self, folders: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The paths of many folders by id; those that are gone or in the trash are left out.

        A few are looked up one by one; for more, one listing of all folders answers.
        """
        now = time.monotonic()
        wanted = {each for each in folders if each and each != self.root}
        unknown = [each for each in wanted if each not in self._known]
        unknown += [
            each for each in wanted if each in self._known and now > self._known[each].until
        ]
        if len(unknown) > _FEW:
            filters = live_filters(self._profile, wire.FOLDER)
            async for rows in pages(self._api, ANYWHERE, filters):
                for row in rows:
                    self._note(row)
        found: dict[str, tuple[str, ...]] = {"": (), self.root: ()}
        ids = sorted(wanted)
        for start in range(0, len(ids), _FEW):
            some = ids[start : start + _FEW]
            answers = await asyncio.gather(*(self._path_or_none(each) for each in some))
            found.update(
                {
                    each: parts
                    for each, parts in zip(some, answers, strict=True)
                    if parts is not None
                }
            )
        return found

    async def _path_or_none(self, folder: str) -> tuple[str, ...] | None:
        try:
            return await self._parts(folder)
        except NotFound:
            return None

    # --- both together -------------------------------------------------------------------

    async def stat(self, at: Location, want: Kind | None) -> Found:
        """The entry at a path or id. Raises NotFound, Ambiguous."""
        if not at.parts:
            root = Entry("", self.root, Kind.FOLDER)
            return Found(Location(at.account, (), self.root), root)
        shown = display_name(str(at))
        if not at.node:
            row = await self.find(at, want)
            return Found(Location(at.account, at.parts, row.id), entry_of(self._profile, row))
        try:
            row = await detail(self._api, at.node, where=shown)
        except NotFound as error:
            if not self._profile.trashed_only or is_gone(error):
                raise
            return await self._stat_trashed(at, want, error)
        if row.trashed and not self._profile.trashed_only:
            raise NotFound(f"{shown} lies in PikPak's trash.", hint="Restore it first.")
        if want is not None and row.is_folder is not (want is Kind.FOLDER):
            raise NotFound(f"{shown} is a {'folder' if row.is_folder else 'file'} on PikPak.")
        row.name = row.name or encode_name(at.name, self._profile.rules)
        entry = entry_of(self._profile, row)
        parts = at.parts if at.name == entry.name else await self.path_of(row)
        return Found(Location(at.account, parts, row.id), entry)

    async def _stat_trashed(self, at: Location, want: Kind | None, error: NotFound) -> Found:
        """An entry whose details the service closes because it lies in the trash. Only its
        listings show it."""
        rows = await self.holders(await self._above(at), at.name)
        row = next((row for row in rows if row.id == at.node), None)
        parts = at.parts
        if row is None:
            # named by its id alone, and the way up to its folder may be closed, too
            trashed: Filters = {"trashed": {"eq": True}}
            async for page in pages(self._api, ANYWHERE, trashed):
                row = next((each for each in page if each.id == at.node), row)
            parts = (local(self._profile, row),) if row is not None else ()
        if row is None or (want is not None and row.is_folder is not (want is Kind.FOLDER)):
            raise error
        return Found(Location(at.account, parts, row.id), entry_of(self._profile, row))

    async def _above(self, at: Location) -> str:
        """The id of the folder a path is in."""
        return await self.folder_id(Location(at.account, at.parts[:-1]))
