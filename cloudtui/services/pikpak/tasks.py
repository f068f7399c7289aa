"""PikPak's tasks: most changes only start one, and are done when it is.

Owns waiting and the batch calls with their reconciliation. After a batch things are read by id,
never by list: lists run behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from cloudtui.services.errors import CloudError, NotFound, Refused, Retry, ServerTrouble
from cloudtui.services.failpoints import failpoint
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.client import FILES, Api
from cloudtui.services.pikpak.paging import paged
from cloudtui.services.retry import retrying

TASKS: Final = "/drive/v1/tasks"
BATCH: Final = 100
"""Ids in one call: 200 were seen to pass, 1,000 to be refused."""

PATIENCE: Final = 120.0
"""Seconds to wait for a batch; rclone gives up after 11."""

_PAGE: Final = 500
_PHASES: Final = ",".join((wire.PENDING, wire.RUNNING, wire.ERROR, wire.COMPLETE))

_KNOWN: Final = frozenset({wire.PENDING, wire.RUNNING, wire.ERROR, wire.COMPLETE})

IsDone = Callable[[str], Awaitable[bool]]


def phase_of(phase: str, progress: int) -> str:
    """One of the four phases, empty for anything else: a bare number, a new word, nothing.

    What is said to be at 100 per cent counts as complete then, for nothing better will come.
    """
    if phase in _KNOWN:
        return phase
    return wire.COMPLETE if progress >= 100 else ""


async def pages(api: Api, kind: str) -> AsyncIterator[list[wire.Task]]:
    """All tasks of a type (`offline`, `decompress`) that the service remembers, page by page."""

    async def page_at(token: str) -> wire.TaskList:
        return await api.call(
            wire.TaskList,
            "GET",
            TASKS,
            query=(
                ("type", kind),
                ("thumbnail_size", "SIZE_SMALL"),
                ("limit", str(_PAGE)),
                ("page_token", token),
                ("filters", f'{{"phase":{{"in":"{_PHASES}"}}}}'),
                ("with", "reference_resource"),
            ),
        )

    async for page in paged(page_at):
        if page.tasks:
            yield page.tasks


async def wait(
    api: Api,
    task_id: str,
    *,
    patience: float = PATIENCE,
    on_progress: Callable[[int], None] | None = None,
) -> bool:
    """Wait until a task has ended; False when the service does not know it, does not say how far it
    is, or it takes longer than `patience` seconds: then look at the things themselves.
    `on_progress` is told per cent.

    Raises Refused with the service's words when the task failed.
    """
    if not task_id:
        return False
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    pause = min(0.1, api.retries.first_wait)
    while True:
        try:
            task = await api.call(wire.TaskReply, "GET", f"{TASKS}/{task_id}")
        except NotFound:
            return False
        percent = task.task.progress if task.task is not None else task.progress
        phase = phase_of(task.task.phase if task.task is not None else task.phase, percent)
        message = task.task.message if task.task is not None else task.message
        if on_progress is not None:
            on_progress(100 if phase == wire.COMPLETE else max(0, min(99, percent)))
        if phase == wire.COMPLETE:
            return True
        if phase == wire.ERROR:
            raise Refused(
                "PikPak could not do it.",
                hint="Look at the folder before trying again: some of it may be done.",
                detail=display_name(message),
            )
        if not phase or loop.time() >= until:
            return False
        await asyncio.sleep(pause)
        pause = min(2.0, pause * 2)


async def batch(
    api: Api,
    verb: str,
    ids: Sequence[str],
    is_done: IsDone,
    *,
    parent: str | None = None,
    where: str = "",
) -> None:
    """Run `files:<verb>` over `ids`, at most `BATCH` in a call, and wait for it to be done.

    `is_done` tells for one id whether the change already holds; it decides after a lost answer, a
    task the service forgot, and for ids that went missing on the way. Raises NotFound when one is
    gone in another way, ServerTrouble when the service does not get it done.
    """
    for start in range(0, len(ids), BATCH):
        await _chunk(api, verb, list(ids[start : start + BATCH]), is_done, parent, where)


async def _chunk(
    api: Api, verb: str, ids: list[str], is_done: IsDone, parent: str | None, where: str
) -> None:
    todo = ids
    looked = False

    async def start() -> wire.Started:
        body: dict[str, object] = {"ids": todo}
        if parent is not None:
            body["to"] = {"parent_id": parent}
        try:
            return await api.attempt(wire.Started, "POST", f"{FILES}:{verb}", (), body, where)
        except NotFound:
            if await narrow():
                return wire.Started() if not todo else await start()
            raise

    async def narrow() -> bool:
        """Leave out what holds already; whether that made a difference."""
        nonlocal todo, looked
        if looked and len(todo) == len(ids):
            return False
        looked = True
        left = await _undone(todo, is_done)
        fewer = len(left) < len(todo)
        todo = left
        return fewer

    async def reconcile() -> wire.Started | None:
        await narrow()
        return None if todo else wire.Started()

    started = await retrying(
        start, retries=api.retries, reconcile=reconcile, on_wait=api.on_wait, safe=False
    )
    failpoint("pikpak.batch.started")
    if not todo or await wait(api, started.task_id):
        return
    await _until_done(api, todo, is_done)


async def _undone(ids: Sequence[str], is_done: IsDone) -> list[str]:
    held = await asyncio.gather(*(is_done(each) for each in ids))
    return [each for each, done in zip(ids, held, strict=True) if not done]


async def _until_done(api: Api, ids: list[str], is_done: IsDone) -> None:
    """The task is out of sight: look at the things themselves, a few times."""
    left = ids

    async def look() -> None:
        nonlocal left
        left = await _undone(left, is_done)
        if left:
            raise ServerTrouble(
                "PikPak has not finished yet.",
                hint="It goes on by itself; look again in a while.",
                retry=Retry.SOON,
            )

    await retrying(look, retries=api.retries)


async def forget(api: Api, task_ids: Sequence[str], *, files: bool) -> None:
    """Remove tasks from the service's list; with `files` their results go too."""
    for start in range(0, len(task_ids), BATCH):
        query = [("task_ids", each) for each in task_ids[start : start + BATCH]]
        await api.call(
            wire.Nothing,
            "DELETE",
            TASKS,
            query=(*query, ("delete_files", "true" if files else "false")),
        )


def is_gone(error: CloudError) -> bool:
    """Whether an error says that the thing is neither in a folder nor anywhere else."""
    return isinstance(error, NotFound) and "file_in_recycle_bin" not in error.detail
