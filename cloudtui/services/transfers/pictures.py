"""Pictures of jobs and items for people: from the journal, and fresher from running jobs.

Pure but for reading what it is given. All names pass the display function here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from cloudtui.services.models import Capabilities, Location, TrashKind
from cloudtui.services.naming import display_name
from cloudtui.services.transfers import shelves
from cloudtui.services.transfers.job import RunningJob
from cloudtui.services.transfers.orders import (
    Conflict,
    ItemView,
    JobState,
    JobView,
    Order,
)
from cloudtui.services.transfers.rows import FolderRow, Hold, ItemRow, JobRow


def title_of(order: Order) -> str:
    """What a job is called: its first source, and how many more there are."""
    first = order.sources[0]
    name = first.name or first.at.name or str(first.at)
    if first.contents:
        name = f"{first.at.name}/" if first.at.name else str(first.at)
    more = len(order.sources) - 1
    return display_name(name) + (f" and {more:,} more" if more else "")


def place(at: Location) -> str:
    """A location, safe to show."""
    return display_name(str(at))


def stored(row: JobRow, *, alive: bool) -> JobView:
    """A job as the journal knows it. `alive`: another process works on it."""
    state = row.state
    if not alive and not state.is_final and state is not JobState.ASKS:
        state = JobState.PAUSED
    totals = row.totals
    # what was said while it ran was said by somebody who is gone
    stands = row.state.is_final or row.state in (JobState.PAUSED, JobState.ASKS)
    told = row.message if alive or stands else ""
    moving = alive and not state.is_final
    return JobView(
        id=row.id,
        verb=row.order.verb,
        direction=row.direction,
        title=row.title,
        sources=tuple(place(source.at) for source in row.order.sources),
        target=place(row.order.target),
        state=state,
        files_done=totals.done,
        files_total=totals.files,
        files_failed=totals.failed,
        files_skipped=totals.skipped,
        files_asking=totals.asking,
        bytes_done=totals.bytes_done,
        bytes_total=totals.bytes_total,
        counted=row.counted,
        current=row.current if moving else "",
        speed=row.speed if moving else None,
        left=row.time_left if moving else None,
        message=told or _volatile(row),
        error_codes=row.codes,
        orphan=not alive and not row.state.is_final,
        mine=False,
    )


def running(job: RunningJob, *, volatile: bool) -> JobView:
    """A job of this process, as it is right now."""
    row = job.row
    picture = job.picture()
    totals = picture.totals
    state, message = state_of(job)
    if not message and volatile and not state.is_final:
        message = _VOLATILE
    return JobView(
        id=row.id,
        verb=row.order.verb,
        direction=row.direction,
        title=row.title,
        sources=tuple(place(source.at) for source in row.order.sources),
        target=place(row.order.target),
        state=state,
        files_done=totals.done,
        files_total=totals.files,
        files_failed=totals.failed,
        files_skipped=totals.skipped,
        files_asking=totals.asking,
        bytes_done=totals.bytes_done,
        bytes_total=totals.bytes_total,
        counted=not job.counting,
        current=picture.current,
        speed=picture.speed,
        left=picture.time_left,
        stalled=job.gauge.stalled() if state is JobState.RUNNING else 0,
        message=message,
        error_codes=row.codes,
        orphan=False,
        mine=True,
    )


def state_of(job: RunningJob) -> tuple[JobState, str]:
    """The word for a job of this process, and the sentence beside it."""
    row = job.row
    if not job.active or row.state is not JobState.RUNNING:
        return row.state, row.message  # how it ended is on its way to the journal already
    if job.finishing:
        return JobState.CHECKING, "Removing emptied folders."
    flying = list(job.flying.values())
    waiting = [each for each in (errand.waiting for errand in flying) if each.seconds]
    if job.waiting.seconds and not flying:
        waiting.append(job.waiting)
    # a service that sets the pace slows all of it down; other trouble only what met it
    slowed = [each for each in waiting if each.slowed]
    if slowed or (waiting and len(waiting) >= len(flying)):
        soonest = min(slowed or waiting, key=lambda each: each.until)
        return soonest.state, soonest.words
    if flying and all(errand.state is JobState.CHECKING for errand in flying):
        return JobState.CHECKING, flying[0].says
    if job.counting and not flying:
        return JobState.COUNTING, ""
    return JobState.RUNNING, flying[0].says if len(flying) == 1 else ""


_VOLATILE = "Cannot be continued after a restart: there is no place for its keys."


def _volatile(row: JobRow) -> str:
    return _VOLATILE if row.volatile and not row.state.is_final else ""


def held(row: JobRow) -> bool:
    """Whether a job stands because something must change first, not because it was told to."""
    return row.state is JobState.PAUSED and row.hold not in (Hold.NONE, Hold.USER)


def items(pairs: Iterable[tuple[ItemRow, FolderRow]], job: RunningJob | None) -> list[ItemView]:
    """Items with what running ones say of themselves."""
    views: list[ItemView] = []
    for item, folder in pairs:
        state, message, done = item.state, item.message, item.done
        errand = None if job is None or state is not JobState.WAITING else job.flying.get(item.id)
        if errand is not None:
            state, message, done = errand.state, errand.says, errand.done
            if errand.waiting.seconds:
                state, message = errand.waiting.state, errand.waiting.words
        inner = "/".join((*folder.inner, item.entry.name)) or folder.source.name
        views.append(ItemView(item.id, display_name(inner), state, item.entry.size, done, message))
    return views


def conflict(item: ItemRow, folder: FolderRow, caps: Capabilities | None) -> Conflict | None:
    """The question of an item, None when it has none."""
    if item.existing is None:
        return None
    final = caps is None or (caps.trash is TrashKind.NONE and not caps.revisions)
    return Conflict(
        job=item.job,
        item=item.id,
        source=item.entry,
        target=item.existing,
        where=place(folder.target),
        overwrite_is_final=final,
    )


def conflicts(
    jobs: Iterable[str], limit: int, caps: Mapping[str, Capabilities], db: sqlite3.Connection
) -> list[Conflict]:
    """The questions of some jobs, in their order."""
    found: list[Conflict] = []
    for job in jobs:
        for item, folder in shelves.items(db, job, 0, limit - len(found), (JobState.ASKS,)):
            one = conflict(item, folder, caps.get(folder.target.account))
            if one is not None:
                found.append(one)
    return found
