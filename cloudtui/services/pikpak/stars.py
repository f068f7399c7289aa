"""Stars: putting them on, taking them off, and the list of what carries one.

On PikPak a star is a tag; the field called `starred` stays false (measured by one client). Both
calls may be repeated: a star that is there already stays.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from msgspec.structs import replace

from cloudtui.services.errors import NotFound, UsageError
from cloudtui.services.models import Flag, Found, Location
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.client import FILES, Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.listing import (
    ANYWHERE,
    STAR,
    Filters,
    entry_of,
    is_shown,
    live_filters,
    local,
    pages,
)

_STARRED: Final[Filters] = {"system_tag": {"in": STAR}}


class Stars:
    """The stars of one account."""

    def __init__(self, api: Api, folders: Folders) -> None:
        self._api = api
        self._profile = api.profile
        self._folders = folders

    async def put(self, items: Sequence[Found], *, on: bool) -> None:
        """Put stars on entries, or take them off. Raises NotFound after the rest was done."""
        if any(not item.entry.id for item in items):
            raise UsageError("The top of the account carries no star; what is in it can.")
        gone: list[Found] = []
        for start in range(0, len(items), tasks.BATCH):
            some = items[start : start + tasks.BATCH]
            try:
                await self._call(some, on=on)
            except NotFound:
                # not known: whether one that is gone stops the others of its call
                gone += some if len(some) == 1 else await self._singly(some, on=on)
        self._folders.forget()
        if gone:
            names = ", ".join(display_name(item.entry.name) for item in gone[:3])
            more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
            rest = " The others were done." if len(gone) < len(items) else ""
            raise NotFound(
                f"No longer on PikPak: {names}{more}.{rest}", hint="Reload to see what is there."
            )

    async def _singly(self, items: Sequence[Found], *, on: bool) -> list[Found]:
        """One call for each; those that are gone."""
        gone = []
        for item in items:
            try:
                await self._call([item], on=on)
            except NotFound:
                gone.append(item)
        return gone

    async def _call(self, items: Sequence[Found], *, on: bool) -> None:
        await self._api.call(
            wire.Nothing,
            "POST",
            f"{FILES}:{'star' if on else 'unstar'}",
            body={"ids": [item.entry.id for item in items]},
            where=display_name(str(items[0].at)) if len(items) == 1 else "",
            safe=True,
        )

    async def scan(self) -> AsyncIterator[Sequence[Found]]:
        """Everything with a star, page by page. What lies in a folder in the trash, or outside of
        the folder that is shown as the top, is left out.

        The service ignores the page size here (measured by one client). A row that has tags and no
        star among them is not believed to carry one.
        """
        filters = live_filters(self._profile) | _STARRED
        async for rows in pages(self._api, ANYWHERE, filters):
            shown = [row for row in rows if _may_carry(row) and is_shown(self._profile, row)]
            paths = await self._folders.paths(row.parent_id for row in shown)
            within = {each for each in paths if await self._is_within(each)}
            yield [
                self._found(row, paths[row.parent_id]) for row in shown if row.parent_id in within
            ]

    async def _is_within(self, folder: str) -> bool:
        """Whether a folder whose path is known is the top, or lies below it."""
        seen: set[str] = set()
        while folder != self._folders.root:
            if not folder or folder in seen:
                return False
            seen.add(folder)
            folder = (await self._folders.look_up(folder)).parent_id
        return True

    def _found(self, row: wire.File, folder: tuple[str, ...]) -> Found:
        at = Location(self._profile.account, (*folder, local(self._profile, row)), row.id)
        entry = entry_of(self._profile, row)
        return Found(at, replace(entry, flags=entry.flags | Flag.STARRED))


def _may_carry(row: wire.File) -> bool:
    return row.tags is None or any(tag.name == STAR for tag in row.tags)
