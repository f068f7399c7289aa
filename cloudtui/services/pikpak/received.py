"""Saving out of public links of other people, whole or in part.

PikPak would fetch the page at such a link, not the files; so a link that is one is taken apart
before. What is begun is noted, and forgotten only when all that was wanted together is through.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from cloudtui.services.errors import Exists, NotFound, Refused
from cloudtui.services.models import Location, OfflineTask, TaskPhase
from cloudtui.services.naming import decode_name, display_name, numbered
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.arrived import newest
from cloudtui.services.pikpak.begun import Begun, Left, mark_of
from cloudtui.services.pikpak.changes import Changes
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.lately import until_listed
from cloudtui.services.pikpak.listing import detail, entry_of, pages
from cloudtui.services.pikpak.opened import Opened
from cloudtui.services.pikpak.saving import Outcome, Saving, calls
from cloudtui.services.shares import SharedItem, ShareLink, outermost

_NUMBERS: Final = 100


class Received:
    """Saving shares into one account."""

    def __init__(
        self, api: Api, folders: Folders, changes: Changes, opened: Opened, begun: Begun
    ) -> None:
        self._api = api
        self._folders = folders
        self._changes = changes
        self._opened = opened
        self._begun = begun
        self._saving = Saving(api, opened, begun)

    async def save(
        self, link: ShareLink, parent: Location, items: Sequence[SharedItem] | None = None
    ) -> OfflineTask:
        """See `OpensShares.save_share`. Raises Full from the service, too."""
        name = ""
        chosen = items
        if chosen is None:
            chosen, name = await self._all(link)
        chosen = outermost(chosen)
        if not chosen:
            raise NotFound(f"Nothing is left behind {display_name(link.shown)}.")
        name = name or chosen[0].entry.name
        parent_id = await self._folders.folder_id(parent)
        target = Location(parent.account, parent.parts, parent_id or None)
        ids = [item.entry.id for item in chosen]
        marks = [mark_of("save into", link.share, parent_id, *ids)]
        if items is None and len(chosen) > 1:
            target = await self._folder(marks[0], parent, name)
        elif len(chosen) > 1:
            name = f"{name} and {len(chosen) - 1} more"
        outcomes = list[Outcome]()
        for call in calls(link, chosen, target.node or ""):
            started = tuple(task for each in outcomes for task in each.tasks)
            outcomes.append(await self._saving.run(call, started))
            marks += outcomes[-1].marks
        self._folders.forget()
        ended, there = all(each.ended for each in outcomes), sum(each.there for each in outcomes)
        if ended:
            _check_sure(outcomes, target)
        result: Location | None = target
        if len(chosen) == 1:
            result = await self._result(link, parent_id, chosen[0], outcomes[0])
        seen = len(chosen) == 1 and not chosen[0].entry.is_folder and result is not None
        done = ended or seen
        for mark in marks if done else ():  # else the same words again are to find what goes on
            await self._begun.over(mark)
        message = "saved from a share" if done else "PikPak is still saving it"
        return OfflineTask(
            id="",
            name=name,
            url=link.shown,
            phase=TaskPhase.DONE if done else TaskPhase.FETCHING,
            percent=100 if done else 0,
            message=f"{message}; already there: {there}" if there else message,
            size=sum(item.entry.size or 0 for item in chosen) or None,
            target=result,
            there=there,
        )

    async def _all(self, link: ShareLink) -> tuple[list[SharedItem], str]:
        """All that a link leads to, and the name of the share."""
        inner = await self._opened.led_to(link)
        if inner is not None:
            return [inner], ""
        items: list[SharedItem] = []
        title = ""
        async for page in self._opened.tops(link):
            title = title or decode_name(page.title, self._api.profile.rules)
            rows = (row for row in page.files or [] if row.id)
            items += [SharedItem(entry_of(self._api.profile, row)) for row in rows]
        return items, title

    async def _folder(self, mark: str, parent: Location, name: str) -> Location:
        """A new folder for things that come together, or the one that an earlier try made."""

        async def look(left: Left) -> Location | None:
            try:
                row = await detail(self._api, left.into) if left.into else None
            except NotFound:
                return None
            if row is None or row.trashed:
                return None
            parts = await self._folders.path_of(row)
            return Location(parent.account, parts, row.id)

        async def call(left: Left) -> Location:
            for number in range(1, _NUMBERS):
                fresh = name if number == 1 else numbered(name, number)
                try:
                    made = await self._changes.mkdir(parent, fresh)
                except Exists:
                    continue
                await self._begun.write(mark, Left(left.began, into=made.id))
                return parent.child(fresh, made.id)
            raise Exists(f"{display_name(name)} is there already.", hint="Nothing was saved.")

        return await self._begun.once(mark, Left(self._api.now()), look, call)

    # --- where it is now --------------------------------------------------------------------

    def _standing(self, parent_id: str) -> AsyncIterator[list[wire.File]]:
        """All that is in a folder, page by page, whole or not."""
        return pages(self._api, parent_id, {"trashed": {"eq": False}})

    async def _result(
        self, link: ShareLink, parent_id: str, item: SharedItem, outcome: Outcome
    ) -> Location | None:
        """Where a thing saved alone is now; what was saved of it before does not count. Where the
        service does not tell, the folder does, which may run behind what has ended."""

        async def look() -> wire.File | None:
            rows = [row async for page in self._standing(parent_id) for row in page]
            return newest(self._api.profile, link, item, rows, outcome.since_ns)

        row = outcome.row or await self._made(outcome.saved)
        if row is None:
            row = await (until_listed(self._api, look) if outcome.ended else look)()
        if row is None:
            return None
        parts = await self._folders.path_of(row)
        return Location(self._api.profile.account, parts, row.id)

    async def _made(self, saved: wire.Saved) -> wire.File | None:
        """What a task made, as far as it tells."""
        try:
            made = saved.file_id
            if not made and saved.restore_task_id:
                path = f"{tasks.TASKS}/{saved.restore_task_id}"
                made = (await self._api.call(wire.Task, "GET", path)).file_id
            return await detail(self._api, made) if made else None
        except NotFound:
            return None


def _check_sure(outcomes: Sequence[Outcome], target: Location) -> None:
    """Raises Refused when nobody can tell whether folders of an earlier try are whole."""
    names = [display_name(name) for each in outcomes for name in each.unsure]
    if names:
        shown = f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
        raise Refused(
            f"{shown} came to {display_name(str(target))} before, perhaps not whole, and PikPak"
            " does not show what belongs there. That was left as it is; all else is saved.",
            hint="Move it away and save again to have it whole.",
        )
