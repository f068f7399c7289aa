"""Copies that PikPak makes by itself.

The service copies under the old name only, numbers it when that is taken, never into the same
folder, and does not tell the new id. So a copy that is to have another name, or to stay in its
folder, is made in a hidden folder of ours, renamed there and moved out: killed at any point, the
next try finds the hidden folder and goes on, and nobody ever sees a half-named copy.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cloudtui.services.errors import CloudError, Exists, ServerTrouble
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Entry, Found, Location
from cloudtui.services.naming import display_name, encode_name
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.changes import Changes, is_numbered, taken
from cloudtui.services.pikpak.client import FILES, Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.lately import until_listed
from cloudtui.services.pikpak.listing import detail, entry_of, live_filters, pages, part_name
from cloudtui.services.retry import retrying

_STALE_NS: Final = 3600 * 1_000_000_000
"""An empty hidden folder older than this belongs to nobody any more."""


class Copies:
    """Server-side copies for one account."""

    def __init__(self, api: Api, folders: Folders, changes: Changes) -> None:
        self._api = api
        self._folders = folders
        self._changes = changes

    async def copy(self, item: Found, parent: Location, name: str) -> Entry:
        """Copy a file or folder to `parent` as `name`. Raises Exists, Refused for a folder into
        itself."""
        where = display_name(str(item.at))
        target = await self._folders.folder_id(parent)
        row = await detail(self._api, item.entry.id, where=where)
        if (await self._folders.names(target)).get(name):
            raise taken(display_name(str(parent.child(name))))
        await self._sweep(target)
        if row.parent_id != target and row.name == encode_name(name, self._api.profile.rules):
            made = await self._plain(row, target, where)
            if made.name != row.name:
                await self._changes.delete([made.id], where=where)
                raise taken(display_name(str(parent.child(name))))
        else:
            made = await self._in_hiding(row, target, name, where)
        self._folders.forget()
        self._folders.lately.put(made)
        failpoint("pikpak.copy.done")
        return entry_of(self._api.profile, made)

    # --- the service's own copy ----------------------------------------------------------

    async def _plain(self, row: wire.File, target: str, where: str) -> wire.File:
        """Copy into another folder under the old name or a number of it."""
        before = {each.id for each in await self._rows(target)}

        async def copied() -> wire.File | None:
            """The newcomer in the target that is a copy of `row`."""
            fitting = [
                each
                for each in await self._rows(target)
                if each.id not in before
                and is_numbered(each.name, row.name)
                and _same_content(each, row)
            ]
            return fitting[0] if len(fitting) == 1 else None

        made_late = until_listed(self._api, copied)

        async def reconcile() -> wire.Started | None:
            made = await made_late()
            return wire.Started() if made is not None else None

        started = await self._api.call(
            wire.Started,
            "POST",
            f"{FILES}:batchCopy",
            body={"ids": [row.id], "to": {"parent_id": target}},
            where=where,
            reconcile=reconcile,
        )
        failpoint("pikpak.copy.started")
        await tasks.wait(self._api, started.task_id)

        async def look() -> wire.File:
            made = await copied()
            if made is None:
                raise ServerTrouble(
                    f"PikPak has not shown the copy of {where} yet.",
                    hint="It goes on by itself; reload in a while.",
                )
            return made

        return await retrying(look, retries=self._api.retries)

    async def _rows(self, folder: str) -> list[wire.File]:
        filters = live_filters(self._api.profile)
        return [row async for rows in pages(self._api, folder, filters) for row in rows]

    # --- under another name --------------------------------------------------------------

    async def _in_hiding(self, row: wire.File, target: str, name: str, where: str) -> wire.File:
        """Copy into a hidden folder, rename there, move out."""
        mark = hashlib.sha1(f"{row.id}/{target}/{name}".encode(errors="surrogateescape"))
        hidden = part_name(name, mark.hexdigest())
        known = [each for each in await self._folders.holders(target, hidden) if each.is_folder]
        folder = known[0] if known else await self._changes.make_folder(target, hidden, where)
        failpoint("pikpak.copy.hidden")
        try:
            made = next(iter(await self._rows(folder.id)), None)
            if made is None:
                made = await self._plain(row, folder.id, where)
            if made.name != encode_name(name, self._api.profile.rules):
                made = await self._changes.set_name(made, name, where=where)
            failpoint("pikpak.copy.named")
            await self._changes.put(made.id, target, where=where)
            failpoint("pikpak.copy.placed")
            now = await self._changes.settled(made.id, target, where)
            if now.name != made.name:
                await self._changes.delete([now.id], where=where)
                raise taken(where)
        except CloudError as error:
            if isinstance(error, Exists) or error.exit_code not in (4, 6):
                # refused for good: leave nothing behind; else the next try goes on from here
                await self._changes.delete([folder.id])
            raise
        await self._changes.delete([folder.id])
        return now

    async def _sweep(self, target: str) -> None:
        """Remove hidden folders that a killed process left empty."""
        now = int(self._api.now() * 1e9)
        stale = [
            each.id
            for each in await self._folders.parts_of_ours(target)
            if each.is_folder and now - (wire.time_ns(each.modified_time) or now) > _STALE_NS
        ]
        empty = [each for each in stale if not await self._rows(each)]
        if empty:
            await self._changes.delete(empty)


def _same_content(one: wire.File, other: wire.File) -> bool:
    """Whether one may be a copy of the other. What a listing leaves out decides nothing, and what
    is told of a folder's size differs from place to place."""
    if one.is_folder or other.is_folder:
        return one.is_folder and other.is_folder
    sizes = {each.size for each in (one, other) if each.size is not None}
    hashes = {each.hash.upper() for each in (one, other) if each.hash}
    return len(sizes) <= 1 and len(hashes) <= 1
