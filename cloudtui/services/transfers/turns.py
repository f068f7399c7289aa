"""Whose turn it is: waiting jobs start in the order of their places in the queue.

Pure, but for one statement. A place is the time a job was made, until it changed places.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from cloudtui.services.transfers.rows import JobRow


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


def write(places: Mapping[str, int], db: sqlite3.Connection) -> None:
    """Keep them in the journal."""
    db.executemany(
        "UPDATE jobs SET created_ns = ? WHERE id = ?",
        [(place, job) for job, place in places.items()],
    )
