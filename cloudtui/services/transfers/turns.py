"""Whose turn it is: waiting jobs start in the order of their places in the queue.

A place is the time a job was made, until it changed places.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from cloudtui.services.transfers import ledger
from cloudtui.services.transfers.rows import JobRow

if TYPE_CHECKING:
    from cloudtui.services.transfers.job import RunningJob
    from cloudtui.services.transfers.journal import Journal


def exchanged(rows: Iterable[JobRow], job: str, step: int) -> dict[str, int]:
    """New places by job id when a job changes with the unfinished one before (-1) or after it (1);
    empty where there is none."""
    queue = sorted(
        (row for row in rows if not row.state.is_final), key=lambda row: (row.created_ns, row.id)
    )
    at = next((number for number, row in enumerate(queue) if row.id == job), -1)
    if at < 0 or not 0 <= at + step < len(queue):
        return {}
    one, other = queue[at], queue[at + step]
    return {one.id: other.created_ns, other.id: one.created_ns}


async def exchange(
    journal: Journal,
    mine: Mapping[str, RunningJob],
    lives: Callable[[str | None], bool],
    job: str,
    step: int,
) -> bool:
    """Let a job change places, in the journal and among the jobs of this process. Jobs that other
    living runners work on keep theirs. Tells whether there was one to change with."""
    rows = [
        mine[row.id].row if row.id in mine else row
        for row in await journal.read(ledger.jobs)
        if row.id in mine or not lives(row.runner)
    ]
    places = exchanged(rows, job, step)
    await journal.run(partial(write, places))
    for id_ in places.keys() & mine.keys():
        mine[id_].row = replace(mine[id_].row, created_ns=places[id_])
    return bool(places)


def write(places: Mapping[str, int], db: sqlite3.Connection) -> None:
    """Keep them in the journal."""
    db.executemany(
        "UPDATE jobs SET created_ns = ? WHERE id = ?",
        [(place, job) for job, place in places.items()],
    )
