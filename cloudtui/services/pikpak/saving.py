"""One call that saves things of a share, seen through to its end.

The service does it as a task, and does it twice when asked twice. So each call is noted before; a
second try first looks for the task that the first one began, and where that one failed or is not
told, at what stands in the folder: then only what is missing is saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cloudtui.services.errors import CloudError, NotFound, PasswordNeeded, Refused
from cloudtui.services.failpoints import failpoint
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.arrived import newest, origin, origin_share, twin
from cloudtui.services.pikpak.begun import Begun, Left, mark_of
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.lately import until_listed
from cloudtui.services.pikpak.listing import detail, pages
from cloudtui.services.pikpak.opened import Opened
from cloudtui.services.pikpak.shares import SHARE
from cloudtui.services.shares import SharedItem, ShareLink

_PATIENCE: Final = 600.0
"""Seconds to wait for the end; a large folder takes some minutes and goes on by itself."""


class Call(Struct, frozen=True):
    """What one call saves: things of one shared folder, into one folder."""

    link: ShareLink
    items: tuple[SharedItem, ...]
    into: str

    @property
    def ids(self) -> tuple[str, ...]:
        """What is saved, by its ids in the share."""
        return tuple(item.entry.id for item in self.items)

    @property
    def above(self) -> tuple[str, ...]:
        """The shared folders above it, which the service wants named."""
        return self.items[0].above

    @property
    def mark(self) -> str:
        """The name under which the same call is known again."""
        return mark_of("save", self.link.share, self.into, *self.ids)


class Gap(Struct, frozen=True):
    """What of a call is still to be saved. `inside` fills folders that arrived in part, `unsure`
    are the names of folders that stand, but the share does not show what belongs in them; `there`
    counts what stands, `row` is the last of it at the top."""

    missing: tuple[SharedItem, ...] = ()
    inside: tuple[Call, ...] = ()
    unsure: tuple[str, ...] = ()
    there: int = 0
    row: wire.File | None = None


class Outcome(Struct, frozen=True):
    """How a call went: whether it has `ended`, the answer to it, the time than which nothing it
    saved is older, its tasks and marks, and what a second try found standing."""

    ended: bool
    saved: wire.Saved
    since_ns: int
    tasks: tuple[str, ...]
    marks: tuple[str, ...]
    there: int = 0
    unsure: tuple[str, ...] = ()
    row: wire.File | None = None


class _Told(Struct, frozen=True):
    """What the service's tasks say of a call: the one that did it, one that still runs and may be
    doing it, whether some failed or do not say whose they were, and whether tasks are not told."""

    done: str = ""
    running: str = ""
    doubt: bool = False
    silent: bool = False


class Saving:
    """Calls that save, of one account."""

    def __init__(self, api: Api, opened: Opened, begun: Begun) -> None:
        self._api = api
        self._opened = opened
        self._begun = begun

    async def run(self, call: Call, before: tuple[str, ...]) -> Outcome:
        """Save, or take up what a call like this began, and wait for the end; `before` are the
        tasks of other calls of the same wish. Raises Refused when the service stopped half way."""
        fresh = begun = Left(self._api.now(), before=before)
        gap: Gap | None = None
        again = goes_on = False
        told = _Told()

        async def look() -> wire.Saved | None:
            """What an earlier call began or brought, if that is all of it or may become so."""
            nonlocal gap, goes_on, told
            gap = None
            if not told.doubt:  # else all are over, and what they brought has yet to come up
                told = await self._told(call, begun)
            goes_on = bool(told.running) and told.doubt
            if told.running or (told.done and not told.doubt):
                return wire.Saved("OK", told.running or told.done)
            gap = await self.gap(call, begun.since_ns, old=again)
            lacking = bool(gap.missing or gap.inside)
            if told.silent and gap.there and lacking:
                goes_on = True  # or it ended half way: not to be known
            return None if lacking and not goes_on else wire.Saved("OK")

        async def second(left: Left) -> wire.Saved | None:
            nonlocal again, begun
            again, begun = True, Left(left.began, before=(*left.before, *before))
            return await found()

        async def found() -> wire.Saved | None:
            nonlocal told
            told = _Told()
            known = await until_listed(self._api, look)()
            whole = known is None and gap is not None and not gap.missing
            return wire.Saved("OK") if whole else known  # folders are filled by calls of their own

        async def ask(_: Left) -> wire.Saved:
            if again:
                await self._begun.write(call.mark, begun)  # what is looked for is as old as before

            async def send(token: str) -> wire.Saved:
                body: dict[str, object] = {
                    "share_id": call.link.share,
                    "file_ids": _ids(call, gap),
                    "parent_id": call.into,
                    "specify_parent_id": True,
                    **({"ancestor_ids": list(call.above)} if call.above else {}),
                    "pass_code_token": token,
                }

                async def lost() -> wire.Saved | None:
                    known = await found()
                    body["file_ids"] = _ids(call, gap)  # of the same call, made once more
                    return known

                return await self._api.call(
                    wire.Saved,
                    "POST",
                    f"{SHARE}/restore",
                    body=body,
                    where=display_name(call.link.shown),
                    reconcile=lost,
                )

            saved = await self._opened.answered(call.link, send)
            failpoint("pikpak.save.started")
            return saved

        try:
            saved = await self._begun.once(call.mark, fresh, second, ask)
        except CloudError:
            if gap is not None and gap.there:  # else a third try would not know of it
                await self._begun.write(call.mark, begun)
            raise
        started = (*before, saved.restore_task_id)
        await self._begun.write(call.mark, Left(begun.began, saved.restore_task_id, begun.before))
        ended = not goes_on and await self._ended(call, saved, begun.since_ns, gap)
        inner = list[Outcome]()
        for each in gap.inside if gap is not None and ended else ():
            inner.append(await self.run(each, started))
            started += inner[-1].tasks
            # a third try must not take them for its own
            await self._begun.write(call.mark, Left(begun.began, "", (*begun.before, *started)))
        return Outcome(
            ended=ended and all(each.ended for each in inner),
            saved=saved,
            since_ns=begun.since_ns,
            tasks=started[len(before) :],
            marks=(call.mark, *(mark for each in inner for mark in each.marks)),
            there=gap.there if gap is not None and again else 0,
            unsure=gap.unsure if gap is not None else (),
            row=gap.row if gap is not None else None,
        )

    async def _ended(self, call: Call, saved: wire.Saved, since_ns: int, gap: Gap | None) -> bool:
        """Wait for the end; a task that cannot be asked is told by what is there."""
        if not saved.restore_task_id and gap is not None and not gap.missing:
            return True  # all of it stood
        try:
            if await tasks.wait(self._api, saved.restore_task_id, patience=_PATIENCE):
                return True
        except Refused as error:
            raise Refused(
                "PikPak could not save all of it.",
                hint="What arrived stays; saved again, only what is missing comes.",
                detail=error.detail,
            ) from error
        left = await self.gap(call, since_ns, old=gap is not None)
        return not left.missing and not left.inside

    # --- what there is already ---------------------------------------------------------------

    async def _told(self, call: Call, left: Left) -> _Told:
        """What the tasks say that are not older than a call; those that run are waited for."""
        told = _Told()
        try:
            async for page in tasks.pages(self._api, "restore"):
                for each in page:
                    young = (wire.time_ns(each.created_time) or 0) >= left.since_ns
                    if young and each.id not in left.before:
                        told = await self._asked(call, each, told)
        except Refused:
            return _Told(silent=True)
        return told

    async def _asked(self, call: Call, young: wire.Task, told: _Told) -> _Told:
        """What is told, with what one more task says of itself."""
        over, failed = False, young.phase == wire.ERROR
        try:
            over = not failed and await tasks.wait(self._api, young.id, patience=_PATIENCE)
        except Refused:
            failed = True
        if failed:
            return replace(told, doubt=True)
        try:
            task = await self._api.call(wire.Task, "GET", f"{tasks.TASKS}/{young.id}")
            row = await detail(self._api, task.file_id) if task.file_id else wire.File()
        except (NotFound, Refused):
            return told
        of = origin_share(row)
        if not of:
            return replace(told, doubt=True) if over else replace(told, running=young.id)
        same = of == call.link.share and origin(row) in ("", *call.ids)
        if not same or row.parent_id not in ("", call.into):
            return told
        return replace(told, done=young.id) if over else replace(told, running=young.id)

    async def gap(self, call: Call, since_ns: int, *, old: bool) -> Gap:
        """What of a call is still to be saved. What was not saved since then counts only when it is
        `old`, the same file beyond doubt."""
        rows = {
            row.id: row
            async for page in pages(self._api, call.into, {"trashed": {"eq": False}})
            for row in page
        }
        missing, inside, unsure = list[SharedItem](), list[Call](), list[str]()
        there, last = 0, None
        for item in call.items:
            row = newest(self._api.profile, call.link, item, rows.values(), since_ns)
            if row is None and old:
                row = twin(self._api.profile, item, rows.values())
            if row is None:
                missing.append(item)
                continue
            last = rows.pop(row.id)
            if not item.entry.is_folder:
                there += 1
                continue
            within = await self._inside(call.link, item, row.id, since_ns, old=old)
            inside += within.inside
            unsure += within.unsure
            there += within.there
        return Gap(tuple(missing), tuple(inside), tuple(unsure), there, last)

    async def _inside(
        self, link: ShareLink, folder: SharedItem, row_id: str, since_ns: int, *, old: bool
    ) -> Gap:
        """What is missing in a folder that arrived, as calls of its own."""
        try:
            items = [item async for page in self._opened.scan(link, folder) for item in page]
        except PasswordNeeded:
            raise
        except (NotFound, Refused):
            return Gap(unsure=(folder.entry.name,), there=1)
        found = await self.gap(Call(link, tuple(items), row_id), since_ns, old=old)
        own = calls(link, found.missing, row_id)
        return Gap((), (*own, *found.inside), found.unsure, found.there + 1)


def _ids(call: Call, gap: Gap | None) -> list[str]:
    """What the call is made for."""
    return list(call.ids) if gap is None else [item.entry.id for item in gap.missing]


def calls(link: ShareLink, items: Sequence[SharedItem], into: str) -> Iterator[Call]:
    """The calls that save `items`: those of one folder together, as many as one takes."""
    by_folder: dict[tuple[str, ...], list[SharedItem]] = {}
    for item in items:
        by_folder.setdefault(item.above, []).append(item)
    for together in by_folder.values():
        for start in range(0, len(together), tasks.BATCH):
            yield Call(link, tuple(together[start : start + tasks.BATCH]), into)
