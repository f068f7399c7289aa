"""Saving out of public links of other people, whole or in part.

PikPak would fetch the page at such a link, not the files; so a link that is one is taken apart
before. Saving is a task of the service, and asked for twice it saves twice: each call is noted
before, and forgotten only when all that were wanted together are through.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import Exists, NotFound, Refused
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Location, OfflineTask, TaskPhase
from cloudtui.services.naming import decode_name, display_name, numbered
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.arrived import newest, origin, origin_share
from cloudtui.services.pikpak.begun import Begun, Left, mark_of
from cloudtui.services.pikpak.changes import Changes
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.lately import until_listed
from cloudtui.services.pikpak.listing import detail, entry_of, pages
from cloudtui.services.pikpak.opened import Opened
from cloudtui.services.pikpak.shares import SHARE
from cloudtui.services.shares import SharedItem, ShareLink, outermost

_PATIENCE: Final = 600.0
"""Seconds to wait for the end; a large folder takes some minutes and goes on by itself."""
_NUMBERS: Final = 100


class _Call(Struct, frozen=True):
    """What one call saves: things of one shared folder, whose ancestors the service wants named."""

    link: ShareLink
    ids: tuple[str, ...]
    above: tuple[str, ...]
    into: str

    @property
    def mark(self) -> str:
        """The name under which the same call is known again."""
        return mark_of("save", self.link.share, self.into, *self.ids)


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
        saved, since_ns, ended, started = wire.Saved(), 0, True, tuple[str, ...]()
        for call in _calls(link, chosen, target.node or ""):
            marks.append(call.mark)
            saved, since_ns = await self._begin(call, started)
            ended &= await self._ended(call, saved, since_ns)
            started += (saved.restore_task_id,)
        self._folders.forget()
        result: Location | None = target
        if len(chosen) == 1:
            result = await self._result(link, saved, parent_id, chosen[0], since_ns, ended=ended)
        done = ended or (len(chosen) == 1 and result is not None)
        for mark in marks if done else ():  # else the same words again are to find what goes on
            await self._begun.over(mark)
        return OfflineTask(
            id="",
            name=name,
            url=link.shown,
            phase=TaskPhase.DONE if done else TaskPhase.FETCHING,
            percent=100 if done else 0,
            message="saved from a share" if done else "PikPak is still saving it",
            size=sum(item.entry.size or 0 for item in chosen) or None,
            target=result,
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

    # --- one call ----------------------------------------------------------------------------

    async def _begin(self, call: _Call, before: tuple[str, ...]) -> tuple[wire.Saved, int]:
        """Start a call, or take up what one like it started, and the time than which nothing that
        it saves is older; `before` are the tasks of other calls of the same wish."""
        begun = Left(self._api.now(), before=before)

        async def look(left: Left) -> wire.Saved | None:
            known = await self._look(call, left)
            if known is not None:
                nonlocal begun
                begun = left
            return known

        async def ask(left: Left) -> wire.Saved:
            body: dict[str, object] = {
                "share_id": call.link.share,
                "file_ids": list(call.ids),
                "parent_id": call.into,
                "specify_parent_id": True,
            }
            if call.above:
                body["ancestor_ids"] = list(call.above)

            async def send(token: str) -> wire.Saved:
                return await self._api.call(
                    wire.Saved,
                    "POST",
                    f"{SHARE}/restore",
                    body={**body, "pass_code_token": token},
                    where=display_name(call.link.shown),
                    reconcile=until_listed(self._api, partial(self._look, call, left)),
                )

            saved = await self._opened.answered(call.link, send)
            failpoint("pikpak.save.started")
            return saved

        saved = await self._begun.once(call.mark, begun, look, ask)
        await self._begun.write(call.mark, Left(begun.began, saved.restore_task_id, before))
        return saved, begun.since_ns

    async def _ended(self, call: _Call, saved: wire.Saved, since_ns: int) -> bool:
        """Wait for the end; a task that cannot be asked is told by what is there."""
        if await tasks.wait(self._api, saved.restore_task_id, patience=_PATIENCE):
            return True
        there = await self._copies(call.link, call.into, since_ns)
        return {origin(row) for row in there}.issuperset(call.ids)

    async def _look(self, call: _Call, left: Left) -> wire.Saved | None:
        """What a call whose answer was lost began: its task, or what it saved. Where tasks are
        told and none fits, a part of it is what a task that failed left behind."""
        told = True
        try:
            async for page in tasks.pages(self._api, "restore"):
                for task in page:
                    young = (wire.time_ns(task.created_time) or 0) >= left.since_ns
                    fits = young and task.phase != wire.ERROR and task.id not in left.before
                    if fits and await self._is_of(call, task.id):
                        return wire.Saved("OK", task.id)
        except Refused:
            told = False
        there = await self._copies(call.link, call.into, left.since_ns)
        mine = [row for row in there if origin(row) in ("", *call.ids)]
        whole = {origin(row) for row in mine}.issuperset(call.ids)
        if mine and (whole or not told or not origin(mine[0])):
            return wire.Saved("OK", "", mine[0].id)
        return None

    async def _is_of(self, call: _Call, task_id: str) -> bool:
        """Whether a young task may be that of a call: unless what it made is gone or comes from
        elsewhere. A task does not say what it saves, so one that runs is waited for."""
        try:
            await tasks.wait(self._api, task_id, patience=_PATIENCE)
            task = await self._api.call(wire.Task, "GET", f"{tasks.TASKS}/{task_id}")
            row = await detail(self._api, task.file_id) if task.file_id else wire.File()
        except (NotFound, Refused):
            return False
        of = origin_share(row)
        same = of == call.link.share and origin(row) in ("", *call.ids)
        return not of or (same and row.parent_id in ("", call.into))

    async def _copies(self, link: ShareLink, parent_id: str, since_ns: int) -> list[wire.File]:
        """What was saved from a share into a folder, as the entries there tell."""
        return [
            row
            async for rows in self._standing(parent_id)
            for row in rows
            if origin_share(row) == link.share and (wire.time_ns(row.created_time) or 0) >= since_ns
        ]

    def _standing(self, parent_id: str) -> AsyncIterator[list[wire.File]]:
        """All that is in a folder, page by page, whole or not."""
        return pages(self._api, parent_id, {"trashed": {"eq": False}})

    async def _result(
        self,
        link: ShareLink,
        saved: wire.Saved,
        parent_id: str,
        item: SharedItem,
        since_ns: int,
        *,
        ended: bool,
    ) -> Location | None:
        """Where a thing saved alone is now; what was saved of it before does not count. Where the
        service does not tell, the folder does, which may run behind what has `ended`."""

        async def look() -> wire.File | None:
            rows = [row async for page in self._standing(parent_id) for row in page]
            return newest(self._api.profile, link, item, rows, since_ns)

        row = await self._made(saved)
        if row is None:
            row = await (until_listed(self._api, look) if ended else look)()
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


def _calls(link: ShareLink, items: Sequence[SharedItem], into: str) -> Iterator[_Call]:
    """The calls that save `items`: those of one folder together, as many as one takes."""
    by_folder: dict[tuple[str, ...], list[str]] = {}
    for item in items:
        by_folder.setdefault(item.above, []).append(item.entry.id)
    for above, ids in by_folder.items():
        for start in range(0, len(ids), tasks.BATCH):
            yield _Call(link, tuple(ids[start : start + tasks.BATCH]), above, into)
