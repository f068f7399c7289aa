"""Archives on PikPak: looking inside and unpacking, without moving bytes through this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from cloudtui.services.errors import (
    CloudError,
    Full,
    NotFound,
    NotSupported,
    PasswordNeeded,
    Refused,
    ServerTrouble,
)
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import ArchiveEntry, Extracted, Found, Kind, Location, Secret
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.begun import Begun, Left, mark_of
from cloudtui.services.pikpak.changes import Changes
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.listing import detail

BASE: Final = "/decompress/v1"

_PATIENCE: Final = 6 * 3600.0
"""Seconds after which an extraction that still runs is left alone."""

_TARS: Final = (".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
"""Asked for one of these the service was seen to break down (HTTP 500)."""


class Archives:
    """Unpacking for one account."""

    def __init__(self, api: Api, folders: Folders, changes: Changes, begun: Begun) -> None:
        self._api = api
        self._folders = folders
        self._changes = changes
        self._begun = begun

    async def look(
        self, item: Found, password: Secret | None, inside: str
    ) -> Sequence[ArchiveEntry]:
        """One level of an archive: the top, or its folder `inside`. Raises PasswordNeeded,
        Refused."""
        where = display_name(str(item.at))
        row = await self._archive(item, where)
        path = inside.strip("/")
        reply = await self._api.call(
            wire.ArchiveReply,
            "POST",
            f"{BASE}/list",
            body={
                "gcid": row.hash,
                "path": f"{path}/" if path else "",
                "file_id": row.id,
                "password": password.reveal() if password else "",
            },
            where=where,
            safe=True,
        )
        _check(reply, where, had_password=bool(password))
        return [
            ArchiveEntry(
                (each.path or f"{path}/{each.filename}").strip("/"),
                Kind.FOLDER if each.kind == wire.FOLDER else Kind.FILE,
                None if each.kind == wire.FOLDER else each.filesize,
            )
            for each in reply.files or []
        ]

    async def begin(
        self,
        item: Found,
        into: Location | None,
        password: Secret | None,
        only: Sequence[ArchiveEntry] = (),
    ) -> str:
        """The task that unpacks one archive, or `only` some of it. Raises PasswordNeeded, Refused,
        Full."""
        where = display_name(str(item.at))
        row = await self._archive(item, where)
        body: dict[str, object] = {"gcid": row.hash, "file_id": row.id}
        if password:
            body["password"] = password.reveal()
        if into is None:
            body["default_parent"] = True
        else:
            body |= {"default_parent": False, "parent_id": await self._folders.folder_id(into)}
        paths = [_path(each) for each in only]
        if paths:
            body["files"] = [{"path": path} for path in paths]
        mark = mark_of("extract", row.id, str(body.get("parent_id", "beside it")), *sorted(paths))
        return await self._start(row, body, mark, where, had_password=bool(password))

    async def end(
        self,
        item: Found,
        task: str,
        *,
        delete_source: bool,
        on_progress: Callable[[int], None] | None,
    ) -> Extracted:
        """Wait for the end of a task. The archive goes only after that."""
        where, archive = display_name(str(item.at)), item.entry.id
        try:
            done = await self._follow(task, where, on_progress)
        except Refused:
            await self._begun.seen_through(task)
            raise
        await self._begun.seen_through(task)
        self._folders.forget()
        at = await self._result(done.file_id, archive)
        if not delete_source:
            return Extracted(1, 0, 0, (), at)
        try:
            if self._api.profile.use_trash:
                await self._changes.discard([archive], where=where)
            else:
                await self._changes.delete([archive], where=where)
        except NotFound:
            return Extracted(1, 1, 0, (), at)  # by somebody else, or by a process that died then
        except CloudError as error:
            return Extracted(1, 0, 1, (f"{where} is unpacked but stayed: {error.text}",), at)
        return Extracted(1, 1, 0, (), at)

    async def _start(
        self, row: wire.File, body: object, mark: str, where: str, *, had_password: bool
    ) -> str:
        """The task that unpacks: a new one, or the one that a lost answer or a dead process left
        running."""

        async def look(left: Left) -> wire.ArchiveReply | None:
            known = left.task or next(
                (
                    task.id
                    for task in await self._tasks(row)
                    if task.id not in left.before
                    and (wire.time_ns(task.created_time) or 0) >= left.since_ns
                ),
                "",
            )
            state = await self._state(known) if known else None
            if state is None or state.phase == wire.ERROR:
                return None
            return wire.ArchiveReply("OK", task_id=known)

        async def call(left: Left) -> wire.ArchiveReply:
            reply = await self._api.call(
                wire.ArchiveReply,
                "POST",
                f"{BASE}/decompress",
                body=body,
                where=where,
                reconcile=partial(look, left),
            )
            _check(reply, where, had_password=had_password)
            return reply

        before = tuple(task.id for task in await self._tasks(row))
        fresh = Left(self._api.now(), before=before)
        reply = await self._begun.once(mark, fresh, look, call)
        failpoint("pikpak.extract.started")
        await self._begun.write(mark, Left(fresh.began, reply.task_id))
        return reply.task_id

    async def _tasks(self, row: wire.File) -> list[wire.Task]:
        """The extractions of archives of this name that the service remembers, newest first."""
        try:
            found = [
                task
                async for page in tasks.pages(self._api, "decompress")
                for task in page
                if row.name in (task.name, task.file_name)
            ]
        except Refused:
            return []  # a service that does not list them
        return sorted(found, key=lambda task: wire.time_ns(task.created_time) or 0, reverse=True)

    async def _state(self, task_id: str) -> wire.Unpacking | None:
        """How far an extraction is; None when the service does not know it."""
        query = (("task_id", task_id),)
        try:
            return await self._api.call(wire.Unpacking, "GET", f"{BASE}/progress", query=query)
        except (NotFound, Refused):
            return None

    async def _archive(self, item: Found, where: str) -> wire.File:
        if item.entry.is_folder:
            raise Refused(f"{where} is a folder, not an archive.")
        if item.entry.name.lower().endswith(_TARS):
            raise NotSupported(
                "PikPak unpacks zip, 7z and rar, not tar.",
                where=where,
                hint="What PikPak packed itself `cloudtui unpack` or A makes a folder again.",
            )
        row = await detail(self._api, item.entry.id, where=where)
        if not row.is_complete:
            raise Refused(f"{where} is not whole on PikPak yet.", hint="Try again in a while.")
        return row

    async def _follow(
        self, task_id: str, where: str, on_progress: Callable[[int], None] | None
    ) -> wire.Unpacking:
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        pause = min(0.2, self._api.retries.first_wait)
        while True:
            state = await self._state(task_id)
            if state is None:
                raise Refused(
                    f"PikPak no longer tells how far the unpacking of {where} is.",
                    hint="Look at the folder before trying again.",
                )
            phase = tasks.phase_of(state.phase, state.progress)
            if on_progress is not None:
                on_progress(100 if phase == wire.COMPLETE else min(99, state.progress))
            if phase == wire.COMPLETE:
                return state
            if phase == wire.ERROR:
                raise Refused(
                    f"PikPak could not unpack {where}.",
                    hint="The archive was left as it is.",
                    detail=display_name(state.error_description),
                )
            if loop.time() >= until:
                raise ServerTrouble(
                    f"PikPak is still unpacking {where}.", hint="It goes on by itself."
                )
            await asyncio.sleep(pause)
            pause = min(2.0, pause * 2)

    async def _result(self, file_id: str, archive: str) -> Location | None:
        if not file_id or file_id == archive:
            return None
        try:
            row = await detail(self._api, file_id)
        except NotFound:
            return None
        parts = await self._folders.path_of(row)
        return Location(self._api.profile.account, parts, row.id)


def _path(entry: ArchiveEntry) -> str:
    """As the service writes it: a folder's path ends in a slash and stands for all in it."""
    return f"{entry.path}/" if entry.kind is Kind.FOLDER else entry.path


def _check(reply: wire.ArchiveReply, where: str, *, had_password: bool) -> None:
    """The service says what is wrong in `status`, under HTTP 200."""
    detail_text = display_name(f"{reply.status} {reply.status_text}".strip())
    match reply.status.upper():
        case "" | "OK":
            return
        case "PASS_WORD_EMPTY" | "PASS_WORD_ERROR":
            wrong = "Another password is" if had_password else "A password is"
            raise PasswordNeeded(f"{wrong} needed for {where}.", detail=detail_text)
        case "NEED_MORE_QUOTA":
            raise Full(
                f"There is not enough room on PikPak to unpack {where}.",
                hint="Make room, or take a bigger plan.",
                detail=detail_text,
            )
        case "INVALID_FILE_FORMAT" | "E_INVALID_FORMAT":
            raise Refused(
                f"PikPak cannot read {where} as an archive.",
                hint="Split volumes are not unpacked either.",
                detail=detail_text,
            )
        case _:
            raise Refused(f"PikPak did not unpack {where}.", detail=detail_text)
