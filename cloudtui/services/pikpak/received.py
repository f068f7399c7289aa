"""Public links of other people: what lies behind one is saved into the account.

PikPak would fetch the page at such a link, not the files; so a link that is one is taken apart
before. Saving is a task of the service, and asked for twice it saves twice: each is noted before.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import parse_qs, urlsplit

from cloudtui.services.errors import Exists, NotFound, PasswordNeeded, Refused
from cloudtui.services.models import Location, OfflineTask, Secret, TaskPhase
from cloudtui.services.naming import decode_name, display_name, numbered
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.begun import Begun, Left, mark_of
from cloudtui.services.pikpak.changes import Changes
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.listing import detail, pages
from cloudtui.services.pikpak.paging import paged
from cloudtui.services.pikpak.profile import ROOT_DOMAINS, Profile
from cloudtui.services.pikpak.shares import SHARE, STATES

log = logging.getLogger(__name__)

_PATH: Final = re.compile(r"/s/([A-Za-z0-9_-]+)")
_CODES: Final = ("pwd", "pass_code")
_PAGE: Final = 100
_PATIENCE: Final = 600.0
"""Seconds to wait for the end; a large folder takes some minutes and goes on by itself."""
_NUMBERS: Final = 100


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A link to a share page. `shown` is the link without its pass code."""

    share: str
    code: Secret | None
    shown: str


def share_link(text: str, profile: Profile) -> ShareLink | None:
    """What a link says when it leads to a share of PikPak, else None. The pass code may stand
    behind it as `?pwd=…`."""
    url = text.strip()
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    ours = any(host == root or host.endswith(f".{root}") for root in ROOT_DOMAINS)
    match = _PATH.match(parts.path)
    if match is None or not (ours or parts.netloc == urlsplit(profile.drive_url).netloc):
        return None
    given = parse_qs(parts.query)
    code = next((given[key][0] for key in _CODES if key in given), "")
    return ShareLink(match[1], Secret(code) if code else None, url.partition("?")[0])


class Received:
    """Saving shares into one account."""

    def __init__(self, api: Api, folders: Folders, changes: Changes, begun: Begun) -> None:
        self._api = api
        self._folders = folders
        self._changes = changes
        self._begun = begun

    async def save(self, link: ShareLink, parent: Location) -> OfflineTask:
        """Save all of a share into `parent`; several things come into a folder of their own.

        Raises PasswordNeeded, NotFound, Refused; Full from the service.
        """
        where = display_name(link.shown)
        rows, reply = await self._open(link, where)
        if not rows:
            raise NotFound(f"Nothing is left behind {where}.")
        parent_id = await self._folders.folder_id(parent)
        name = decode_name(reply.title or rows[0].name, self._api.profile.rules)

        async def call(left: Left) -> wire.Saved:
            into = parent_id
            if len(rows) > 1:
                into = await self._folder(parent, name)
            started = wire.Saved()
            for start in range(0, len(rows), tasks.BATCH):
                if started.restore_task_id:
                    await tasks.wait(self._api, started.restore_task_id, patience=_PATIENCE)
                body = {
                    "share_id": link.share,
                    "pass_code_token": reply.pass_code_token,
                    "file_ids": [row.id for row in rows[start : start + tasks.BATCH]],
                    "parent_id": into,
                    "specify_parent_id": True,
                }
                started = await self._api.call(
                    wire.Saved,
                    "POST",
                    f"{SHARE}/restore",
                    body=body,
                    where=where,
                    reconcile=partial(self._look, link, into, left),
                )
                _check(started.share_status, "", where, had_code=link.code is not None)
            return started

        mark = mark_of("save", link.share, parent_id)
        fresh = Left(self._api.now())
        saved = await self._begun.once(mark, fresh, partial(self._look, link, parent_id), call)
        ended = await tasks.wait(self._api, saved.restore_task_id, patience=_PATIENCE)
        await self._begun.over(mark)
        self._folders.forget()
        target = await self._target(link, saved, parent_id, several=len(rows) > 1)
        done = ended or target is not None
        return OfflineTask(
            id="",
            name=name,
            url=link.shown,
            phase=TaskPhase.DONE if done else TaskPhase.FETCHING,
            percent=100 if done else 0,
            message="saved from a share" if done else "PikPak is still saving it",
            size=sum(row.size or 0 for row in rows) or None,
            target=target,
        )

    async def _open(self, link: ShareLink, where: str) -> tuple[list[wire.File], wire.OpenedShare]:
        """What lies at the top of a share, all pages, and its first answer."""

        async def page_at(token: str) -> wire.OpenedShare:
            return await self._api.call(
                wire.OpenedShare,
                "GET",
                SHARE,
                query=(
                    ("share_id", link.share),
                    ("pass_code", link.code.reveal() if link.code else ""),
                    ("limit", str(_PAGE)),
                    ("thumbnail_size", "SIZE_SMALL"),
                    ("order", "3"),
                    ("page_token", token),
                ),
                where=where,
            )

        rows: list[wire.File] = []
        first: wire.OpenedShare | None = None
        async for page in paged(page_at):
            _check(page.share_status, page.share_status_text, where, had_code=bool(link.code))
            first = first or page
            rows += page.files or []
        assert first is not None
        return rows, first

    async def _folder(self, parent: Location, name: str) -> str:
        """A new folder for things that come together."""
        for number in range(1, _NUMBERS):
            try:
                fresh = name if number == 1 else numbered(name, number)
                return (await self._changes.mkdir(parent, fresh)).id
            except Exists:
                continue
        raise Exists(f"{display_name(name)} is there already.", hint="Nothing was saved.")

    async def _look(self, link: ShareLink, parent_id: str, left: Left) -> wire.Saved | None:
        """What a call whose answer was lost began: its task, or what it saved already."""
        try:
            async for page in tasks.pages(self._api, "restore"):
                for task in page:
                    young = (wire.time_ns(task.created_time) or 0) >= left.since_ns
                    if young and task.phase != wire.ERROR:
                        return wire.Saved("OK", task.id, task.file_id)
        except Refused:
            log.debug("PikPak does not list what it saves")  # what is there tells
        saved = await self._saved(link, parent_id, left.since_ns)
        return wire.Saved("OK", "", saved.id) if saved is not None else None

    async def _saved(self, link: ShareLink, parent_id: str, since_ns: int) -> wire.File | None:
        async for rows in pages(self._api, parent_id, {"trashed": {"eq": False}}):
            for row in rows:
                of = row.params.original_share_id if row.params is not None else ""
                if of == link.share and (wire.time_ns(row.created_time) or 0) >= since_ns:
                    return row
        return None

    async def _target(
        self, link: ShareLink, saved: wire.Saved, parent_id: str, *, several: bool
    ) -> Location | None:
        """Where it is now: the thing itself, or the folder that several came into."""
        row = await self._row(saved)
        if row is None and not several:
            row = await self._saved(link, parent_id, 0)
        if row is not None and several:
            row = await detail(self._api, row.parent_id) if row.parent_id else None
        if row is None:
            return None
        parts = await self._folders.path_of(row)
        return Location(self._api.profile.account, parts, row.id)

    async def _row(self, saved: wire.Saved) -> wire.File | None:
        """What the task made, as far as it tells."""
        try:
            made = saved.file_id
            if not made and saved.restore_task_id:
                path = f"{tasks.TASKS}/{saved.restore_task_id}"
                made = (await self._api.call(wire.Task, "GET", path)).file_id
            return await detail(self._api, made) if made else None
        except NotFound:
            return None


def _check(status: str, text: str, where: str, *, had_code: bool) -> None:
    """The service says what is wrong in `share_status`, under HTTP 200."""
    match status.upper():
        case "" | "OK":
            return
        case "PASS_CODE_EMPTY" | "PASS_CODE_ERROR":
            wrong = "Another pass code is" if had_code else "A pass code is"
            raise PasswordNeeded(
                f"{wrong} needed for {where}.", hint="Write it behind the link: …?pwd=CODE"
            )
        case "NOT_FOUND" | "DELETED" | "EXPIRED" as gone:
            raise NotFound(f"{where} shows nothing any more. {STATES[gone]}")
        case other:
            said = STATES.get(other, display_name(text or other))
            raise Refused(f"Nothing can be saved from {where}. {said}")
