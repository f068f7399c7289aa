"""Folders of PikPak made into one tar file where they lie, and back: the id stays.

The service packs in a task and unpacks at once. What a thing is tells whether that was done, so
this is looked at after a lost answer: nothing is packed twice, and nothing unpacked that somebody
packed since.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from cloudtui.services.errors import Refused, ServerTrouble
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Entry, Found
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.client import FILES, Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.lately import until_listed
from cloudtui.services.pikpak.listing import detail, entry_of
from cloudtui.services.retry import retrying

_TASKS: Final = "pack_files"
"""The service's word for tasks that pack."""

_PATIENCE: Final = 6 * 3600.0
"""Seconds after which a task that still packs is left alone."""


class Packing:
    """Packing for one account."""

    def __init__(self, api: Api, folders: Folders) -> None:
        self._api = api
        self._folders = folders

    async def pack(self, item: Found, on_progress: Callable[[int], None] | None) -> Entry:
        """The file that a folder became. One that is being packed already is only waited for.
        Raises Refused."""
        where = display_name(str(item.at))
        if not item.entry.id:
            raise Refused("The top of the account cannot be packed.")
        row = await detail(self._api, item.entry.id, where=where)
        if not row.is_folder:
            if not item.entry.is_folder:
                raise Refused(f"{where} is a file: only folders are packed.")
            return self._seen(row)  # somebody was faster
        try:
            task = await self._running(row) or await self._start(row, where)
            failpoint("pikpak.pack.started")
            await tasks.wait(self._api, task, patience=_PATIENCE, on_progress=on_progress)
        except Refused:
            # a second task ends so when the first one made the file
            if (await detail(self._api, row.id, where=where)).is_folder:
                raise
        return await self._settled(row.id, where, folder=False)

    async def unpack(self, item: Found) -> Entry:
        """The folder that a packed file became again. Raises Refused."""
        where = display_name(str(item.at))
        row = await detail(self._api, item.entry.id, where=where)
        if row.is_folder:
            if item.entry.is_folder:
                raise Refused(f"{where} is a folder: nothing is to be unpacked.")
            return self._seen(row)  # somebody was faster

        async def is_done() -> wire.Started | None:
            now = await detail(self._api, row.id, where=where)
            return wire.Started() if now.is_folder else None

        try:
            started = await self._call("unpack", row, where, is_done)
        except Refused as error:
            if "invalid_argument" not in error.detail:
                raise
            if await is_done() is None:
                raise Refused(
                    f"{where} is not a folder that PikPak packed.",
                    hint="It was left as it is.",
                    detail=error.detail,
                ) from error
            started = wire.Started()
        failpoint("pikpak.unpack.done")
        await tasks.wait(self._api, started.task_id)  # none was ever seen to be told
        return await self._settled(row.id, where, folder=True)

    async def _start(self, row: wire.File, where: str) -> str:
        """The task that packs."""

        async def look() -> wire.Started | None:
            now = await detail(self._api, row.id, where=where)
            known = await self._running(row) if now.is_folder else ""
            return wire.Started(known) if known or not now.is_folder else None

        # a long look: the task may come up only after the folder was read
        started = await self._call("pack", row, where, until_listed(self._api, look))
        return started.task_id

    async def _call(
        self,
        verb: str,
        row: wire.File,
        where: str,
        look: Callable[[], Awaitable[wire.Started | None]],
    ) -> wire.Started:
        return await self._api.call(
            wire.Started,
            "POST",
            f"{FILES}/{verb}",
            body={"folderId": row.id},
            where=where,
            reconcile=look,
        )

    async def _running(self, row: wire.File) -> str:
        """The task that packs this folder now; empty when there is none."""
        try:
            async for page in tasks.pages(self._api, _TASKS):
                for task in page:
                    same = task.file_id == row.id or (not task.file_id and task.name == row.name)
                    if same and task.phase in (wire.PENDING, wire.RUNNING):
                        return task.id
        except Refused:
            return ""  # a service that does not list them
        return ""

    async def _settled(self, file_id: str, where: str, *, folder: bool) -> Entry:
        """What it is now: the task may end a moment earlier."""

        async def look() -> wire.File:
            now = await detail(self._api, file_id, where=where)
            if now.is_folder is not folder:
                raise ServerTrouble(
                    f"PikPak has not finished with {where} yet.",
                    hint="It goes on by itself; look again in a while.",
                )
            return now

        return self._seen(await retrying(look, retries=self._api.retries))

    def _seen(self, now: wire.File) -> Entry:
        self._folders.forget()
        self._folders.lately.put(now)
        return entry_of(self._api.profile, now)
