"""Downloads that PikPak makes by itself: adding links, following, trying again, forgetting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit

from msgspec.structs import replace

from cloudtui.services.errors import NotFound, Refused, Retry, ServerTrouble, UsageError
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Location, OfflineTask, TaskPhase
from cloudtui.services.naming import Rule, decode_name, display_name
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.begun import Begun, Left, mark_of
from cloudtui.services.pikpak.client import FILES, Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.lately import until_listed
from cloudtui.services.pikpak.listing import pages
from cloudtui.services.pikpak.paging import paged
from cloudtui.services.pikpak.wire_links import FileStatus, Statuses
from cloudtui.services.previews import TaskFile

_KIND: Final = "offline"

_WORDS: Final = {
    "saving": "fetching",
    "saved": "done",
    "save failed, retry please": "PikPak could not fetch it",
    "file deleted": "the result was deleted",
    "storage space is not enough": "PikPak is full",
}
"""The service's few fixed messages in plain words; others pass as they are."""

_PHASES: Final = {
    wire.COMPLETE: TaskPhase.DONE,
    wire.ERROR: TaskPhase.FAILED,
    wire.RUNNING: TaskPhase.FETCHING,
    wire.PENDING: TaskPhase.WAITING,
}

_FILES_PAGE: Final = 100
"""Files of a task asked for at a time: what another client asks for."""


def checked_url(text: str) -> str:
    """A link the service may be given. Raises UsageError: http, https, magnet and ed2k only."""
    url = text.strip()
    parts = urlsplit(url)
    match parts.scheme.lower():
        case "http" | "https":
            good = bool(parts.hostname)
        case "magnet":
            good = "xt=urn:bt" in url.lower() and len(url) > len("magnet:?xt=urn:btih:") + 31
        case "ed2k":
            good = url.lower().startswith("ed2k://|file|")
        case _:
            good = False
    if not good or any(ord(char) < 33 for char in url):
        raise UsageError(
            f"{display_name(url[:80])} is no link PikPak could fetch.",
            hint="It takes http, https, magnet and ed2k links.",
        )
    return url


class Offline:
    """The download tasks of one account."""

    def __init__(self, api: Api, folders: Folders, begun: Begun) -> None:
        self._api = api
        self._folders = folders
        self._begun = begun

    async def add(self, url: str, parent: Location) -> OfflineTask:
        """Hand over one link, to land in `parent`; in `My Pack` when that folder is gone."""
        url = checked_url(url)
        parent_id = await self._folders.folder_id(parent)
        body: dict[str, object] = {
            "kind": wire.FILE,
            "upload_type": "UPLOAD_TYPE_URL",
            "url": {"url": url},
            "parent_id": parent_id,
            "folder_type": "",
        }
        try:
            return await self._post(url, body)
        except NotFound as error:
            if "space_folder_not_exist" not in error.detail:
                raise
        # the service's own folder for downloads always exists
        task = await self._post(url, {**body, "parent_id": "", "folder_type": "DOWNLOAD"})
        return replace(task, message="the folder is gone, so it goes to My Pack")

    async def _post(self, url: str, body: dict[str, object]) -> OfflineTask:
        async def look(left: Left) -> wire.Created | None:
            """The task for this link that began since, or the file where it was there at once."""

            def fits(row: wire.Task | wire.File) -> bool:
                told = row.params.url if row.params is not None else ""
                return told == url and (wire.time_ns(row.created_time) or 0) >= left.since_ns

            async for page in tasks.pages(self._api, _KIND):
                for task in filter(fits, page):
                    return wire.Created(task=task)
            if body["folder_type"]:
                return None  # the id of that folder is the service's secret
            async for rows in pages(self._api, str(body["parent_id"]), {"trashed": {"eq": False}}):
                for row in filter(fits, rows):
                    return wire.Created(file=row)
            return None

        async def call(left: Left) -> wire.Created:
            created = await self._api.call(
                wire.Created,
                "POST",
                FILES,
                body=body,
                where=display_name(url),
                reconcile=until_listed(self._api, partial(look, left)),
            )
            failpoint("pikpak.offline.added")
            if created.task is None and (created.file is None or not created.file.id):
                # it took the link without a word about the task
                created = await until_listed(self._api, partial(look, left))() or created
            return created

        mark = mark_of("offline", url, str(body["parent_id"]), str(body["folder_type"]))
        created = await self._begun.once(mark, Left(self._api.now()), look, call)
        await self._begun.over(mark)
        task = created.task
        if task is None and created.file is not None and created.file.id:
            # known content can be there at once, without any task
            task = wire.Task(
                file_id=created.file.id,
                file_name=created.file.name,
                phase=wire.COMPLETE,
                progress=100,
                reference_resource=created.file,
            )
        if task is None:
            raise ServerTrouble(
                "PikPak took the link and did not say what became of it.",
                hint="Look at the list of downloads.",
                retry=Retry.NEVER,
            )
        return (await self._tasks([task], url))[0]

    async def scan(self) -> AsyncIterator[Sequence[OfflineTask]]:
        """All tasks the service remembers, page by page, newest first within a page."""
        async for page in tasks.pages(self._api, _KIND):
            page.sort(key=lambda task: wire.time_ns(task.created_time) or 0, reverse=True)
            yield await self._tasks(page)

    async def retry(self, task_id: str) -> OfflineTask:
        """Try a failed task again. Raises NotFound for one the service does not know."""

        async def reconcile() -> wire.Created | None:
            """After a lost answer: a task that runs again was started by us."""
            task = await self._api.call(wire.Task, "GET", f"{tasks.TASKS}/{task_id}")
            return wire.Created(task=task) if task.id and task.phase != wire.ERROR else None

        created = await self._api.call(
            wire.Created,
            "POST",
            "/drive/v1/task",
            body={"type": _KIND, "create_type": "RETRY", "id": task_id},
            where=display_name(task_id),
            reconcile=reconcile,
        )
        task = created.task or wire.Task(id=task_id, phase=wire.PENDING)
        return (await self._tasks([task]))[0]

    async def remove(self, task_ids: Sequence[str], *, files: bool) -> None:
        """Forget tasks; with `files` their results go too."""
        await tasks.forget(self._api, task_ids, files=files)
        if files:
            self._folders.forget()

    async def files(self, task_id: str) -> list[TaskFile] | None:
        """How far each file of a task is; empty for a task of one file or one that is not resolved
        yet, None when the service does not tell. No task is missed by that: whether there is one
        is told by `scan`."""

        async def page_at(token: str) -> Statuses:
            return await self._api.call(
                Statuses,
                "GET",
                f"/drive/v1/task/{quote(task_id, safe='')}/statuses",
                query=(("limit", str(_FILES_PAGE)), ("page_token", token)),
                where=display_name(task_id),
            )

        found: list[TaskFile] = []
        try:
            async for page in paged(page_at):
                found += [_file_of(row, self._api.profile.rules) for row in page.statuses or ()]
        except (NotFound, Refused, UsageError):
            return None  # one other client was seen to ask this: it may not be for everybody
        return found

    # --- words ---------------------------------------------------------------------------

    async def _tasks(self, rows: Sequence[wire.Task], url: str = "") -> list[OfflineTask]:
        parents = [row.reference_resource.parent_id for row in rows if row.reference_resource]
        paths = await self._folders.paths(parents)
        return [self._task(row, url, paths) for row in rows]

    def _task(self, row: wire.Task, url: str, paths: dict[str, tuple[str, ...]]) -> OfflineTask:
        rules = self._api.profile.rules
        target = None
        result = row.reference_resource
        if result is not None and result.id and not result.trashed:
            parts = paths.get(result.parent_id)
            if parts is not None:
                name = decode_name(result.name, rules)
                target = Location(self._api.profile.account, (*parts, name), result.id)
        phase = _phase(row)
        source = (row.params.url if row.params is not None else "") or url
        return OfflineTask(
            id=row.id,
            name=decode_name(row.file_name or row.name, rules) or source,
            url=source,
            phase=phase,
            percent=100 if phase is TaskPhase.DONE else max(0, min(100, row.progress)),
            message=_WORDS.get(row.message.lower(), row.message),
            size=row.file_size or None,
            target=target,
        )


def _phase(row: wire.Task) -> TaskPhase:
    """Of a task whose phase is no known word, what else it tells: how far it is, or a result."""
    phase = _PHASES.get(tasks.phase_of(row.phase, row.progress))
    if phase is not None:
        return phase
    result = row.reference_resource
    if result is not None and result.id and result.phase == wire.COMPLETE:
        return TaskPhase.DONE
    return TaskPhase.FETCHING if row.progress > 0 else TaskPhase.WAITING


def _file_of(row: FileStatus, rules: frozenset[Rule]) -> TaskFile:
    percent = row.progress
    told = tasks.phase_of(row.phase, percent or 0)
    phase = _PHASES.get(told, TaskPhase.FETCHING if percent else TaskPhase.WAITING)
    return TaskFile(
        decode_name(row.file_name or row.name, rules),
        phase,
        row.file_size,
        100 if phase is TaskPhase.DONE else None if percent is None else max(0, min(100, percent)),
        _WORDS.get(row.message.lower(), row.message),
    )
