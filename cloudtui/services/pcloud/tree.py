"""Paths to ids: level by level, through listings.

pCloud's own `path` lookups are not used: a file and a folder of one name may lie side by side, and
which of them a path means is not documented. Folder ids are remembered for half a minute. Must not
change anything on the service.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from cloudtui.services.errors import Ambiguous, NotFound, UsageError
from cloudtui.services.models import Found, Kind, Location
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import (
    ROOT,
    Names,
    folded,
    id_param,
    kind_of,
    number,
    split_version,
    whole,
)
from cloudtui.services.pcloud.listing import children, folder_alone

REMEMBERED: Final = 30.0
"""Seconds a folder id is believed. A wrong one costs one more try: see `Tree.with_folder`."""
_MOST: Final = 2000

T = TypeVar("T")


class Tree:
    """The folders of one account, `root` being the id of its top."""

    def __init__(self, account: str, client: Client, names: Names, root: str = ROOT) -> None:
        self.root = root
        self._account = account
        self._client = client
        self._names = names
        self._known: dict[tuple[str, ...], tuple[int, float]] = {}

    # --- folders --------------------------------------------------------------------------

    async def folder_id(self, at: Location) -> int:
        """The number of the folder at `at`. Raises NotFound, also when a file is there."""
        if at.node is not None:
            if kind_of(at.node) is not Kind.FOLDER:
                raise UsageError(f"{shown(at)} is a file, not a folder.")
            return number(at.node, Kind.FOLDER)
        if not at.parts:
            return number(self.root, Kind.FOLDER)
        return await self._walk(at.parts)

    async def _walk(self, parts: tuple[str, ...]) -> int:
        now = time.monotonic()
        depth = len(parts)
        here = number(self.root, Kind.FOLDER)
        while depth:
            known = self._known.get(parts[:depth])
            if known is not None and known[1] > now:
                here = known[0]
                break
            depth -= 1
        for level in range(depth, len(parts)):
            at = Location(self._account, parts[: level + 1])
            item = await self._pick(here, at, Kind.FOLDER)
            here = number(item.node, Kind.FOLDER)
            self.learn(at.parts, here)
        return here

    def learn(self, parts: tuple[str, ...], folderid: int) -> None:
        """Remember a folder's id for a while."""
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[parts] = (folderid, time.monotonic() + REMEMBERED)

    def forget(self) -> None:
        """Believe nothing remembered any more: folders moved, were renamed or deleted."""
        self._known.clear()

    async def with_folder(self, at: Location, work: Callable[[int], Awaitable[T]]) -> T:
        """What `work` makes of the folder's number. When the folder is gone and its id was only
        remembered, the path is walked afresh once."""
        remembered = at.node is None and bool(self._known)
        try:
            return await work(await self.folder_id(at))
        except NotFound:
            if not remembered:
                raise
        self.forget()
        return await work(await self.folder_id(at))

    # --- entries --------------------------------------------------------------------------

    async def find(self, at: Location, want: Kind | None = None) -> Found:
        """The entry at a path or id. Raises NotFound, Ambiguous."""
        if at.node is not None:
            return await self._by_id(at, at.node)
        if not at.parts:
            return await self._by_id(at, self.root)

        async def pick(folderid: int) -> wire.Item:
            return await self._pick(folderid, at, want)

        item = await self.with_folder(at.parent, pick)
        entry = self._names.entry(item)
        return Found(Location(self._account, at.parts, entry.id), entry)

    async def item(self, node: str) -> wire.Item:
        """Metadata by id; of a version that of its file with its own size, mark and time. Raises
        NotFound."""
        if kind_of(node) is Kind.FOLDER:
            return await folder_alone(self._client, number(node))
        file, revision = split_version(node)
        if revision:
            now, row = await self.version(file, revision)
            return msgspec.structs.replace(now, size=row.size, hash=row.hash, modified=row.created)
        answer = await self._client.call("stat", id_param(node), wire.One)
        return whole(answer.metadata, "stat")

    async def version(self, node: str, revision: str) -> tuple[wire.Item, wire.Version]:
        """A file as it is now, and one version of it. Raises NotFound."""
        listed = await self._client.call("listrevisions", id_param(node), wire.Versions)
        for row in listed.revisions:
            if str(row.revisionid) == revision:
                return whole(listed.metadata, "listrevisions"), row
        raise NotFound(
            f"pCloud has no version {display_name(revision)} of it.",
            hint="It keeps versions for a while only; `revisions` lists them.",
        )

    async def _by_id(self, at: Location, node: str) -> Found:
        item = await self.item(node)
        entry = self._names.entry(item)
        if split_version(node)[1]:
            entry = replace(entry, id=node)
        if node == self.root:
            parts: tuple[str, ...] = ()
        elif at.parts:
            parts = (*at.parts[:-1], entry.name)
        else:
            parts = (*await self.path_of(item.parentfolderid), entry.name)
        return Found(Location(self._account, parts, entry.id), entry)

    async def path_of(self, folderid: int | None) -> tuple[str, ...]:
        """The path of a folder, by walking up: one call a level. Raises NotFound for one that does
        not lie below the top."""
        parts: list[str] = []
        top = number(self.root)
        while folderid and folderid != top:
            item = await folder_alone(self._client, folderid)
            parts.append(self._names.local(item.name))
            folderid = item.parentfolderid
        if (folderid or 0) != top:
            raise NotFound("It does not lie in the folder that is the top of this account.")
        return tuple(reversed(parts))

    async def _pick(self, folderid: int, at: Location, want: Kind | None) -> wire.Item:
        only_folders = want is Kind.FOLDER
        fits = [
            item
            for item in await children(self._client, folderid, no_files=only_folders)
            if self._names.local(item.name) == at.name
            and (want is None or item.isfolder is only_folders)
        ]
        if not fits:
            raise NotFound(f"There is no {shown(at)}.", where=shown(at))
        if len(fits) > 1:
            ids = tuple(item.node for item in fits)
            raise Ambiguous(
                f"Several entries are called {shown(at)}: {', '.join(ids)}.",
                ids=ids,
                hint=f"Name one by its id, as in {self._account}:#{ids[0]}; a slash at the end "
                "means the folder.",
            )
        return fits[0]

    async def named(self, folderid: int, name: str, kind: Kind) -> wire.Item | None:
        """The entry of a kind whose stored name in the folder is `name`."""
        wanted = kind is Kind.FOLDER
        for item in await children(self._client, folderid, no_files=wanted):
            if folded(item.name) == folded(name) and item.isfolder is wanted:
                return item
        return None

    async def names_in(self, folderid: int) -> set[tuple[Kind, str]]:
        """Kinds and stored names, folded, of everything in a folder."""
        return {
            (Kind.FOLDER if item.isfolder else Kind.FILE, folded(item.name))
            for item in await children(self._client, folderid)
        }


def shown(at: Location) -> str:
    """A location in a sentence."""
    return display_name(str(at) if at.parts or at.node is None else f"{at.account}:#{at.node}")
