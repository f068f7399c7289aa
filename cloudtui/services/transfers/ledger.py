"""What the journal says about jobs: SQL over `jobs`, `sources`, `runners`, `requests`.

Functions over a connection inside a transaction of `Journal`; none commits. Items and folders are
in `shelves`.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct

from cloudtui.services.models import Location
from cloudtui.services.transfers.orders import (
    Answer,
    Direction,
    JobState,
    Resolution,
    Source,
)
from cloudtui.services.transfers.rows import (
    Hold,
    JobRow,
    Totals,
    pack_name,
    pack_options,
    pack_parts,
    unpack_name,
    unpack_order,
    unpack_parts,
)

_JOB = (
    "id, created_ns, finished_ns, runner, state, hold, verb, direction, title, fingerprint, "
    "options, target_account, target_path, target_node, rooted, counted, files_total, files_done, "
    "files_failed, files_skipped, files_asking, bytes_total, bytes_done, speed, time_left, "
    "current, message, codes, answer, volatile"
)
_AT_ONCE = 500
"""Values in one statement; older libraries take 999."""

_Raw = tuple[Any, ...]


def add_job(db: sqlite3.Connection, job: JobRow) -> None:
    """Write a new job with its sources."""
    order, target = job.order, job.order.target
    db.execute(
        "INSERT INTO jobs (id, created_ns, runner, state, hold, verb, direction, title, "
        "fingerprint, options, target_account, target_path, target_node) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            job.id,
            job.created_ns,
            job.runner,
            job.state,
            job.hold,
            order.verb,
            job.direction,
            job.title,
            job.fingerprint,
            pack_options(order),
            target.account,
            pack_parts(target.account, target.parts),
            target.node,
        ),
    )
    db.executemany(
        "INSERT INTO sources (job, position, account, path, node, contents, name) "
        "VALUES (?,?,?,?,?,?,?)",
        [
            (
                job.id,
                position,
                source.at.account,
                pack_parts(source.at.account, source.at.parts),
                source.at.node,
                source.contents,
                None if source.name is None else pack_name(target.account, source.name),
            )
            for position, source in enumerate(order.sources)
        ],
    )


def jobs(
    db: sqlite3.Connection, only: str | None = None, marks: Collection[str] | None = None
) -> list[JobRow]:
    """All jobs, oldest first; with `only` the one called so, with `marks` those of these
    fingerprints."""
    where, values = "", list[str]()
    if only is not None:
        where, values = "WHERE id = ?", [only]
    elif marks is not None:
        where, values = f"WHERE fingerprint IN ({','.join('?' * len(marks))})", list(marks)
    rows = db.execute(
        f"SELECT {_JOB} FROM jobs {where} ORDER BY created_ns, id",  # noqa: S608  # own constants
        values,
    ).fetchall()
    return _decoded(db, rows, where, values) if rows else []


class Jobs:
    """All jobs for somebody who looks again and again: only those that changed are decoded anew.
    Call it with the database; oldest first."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[_Raw, JobRow]] = {}

    def __call__(self, db: sqlite3.Connection) -> list[JobRow]:
        """As `jobs` without conditions."""
        rows: list[_Raw] = db.execute(
            f"SELECT {_JOB} FROM jobs ORDER BY created_ns, id"  # noqa: S608  # own constants
        ).fetchall()
        known = self._known
        changed = [row for row in rows if row[0] not in known or known[row[0]][0] != row]
        fresh: dict[str, JobRow] = {}
        for start in range(0, len(changed), _AT_ONCE):
            some = changed[start : start + _AT_ONCE]
            where = f"WHERE id IN ({','.join('?' * len(some))})"
            found = _decoded(db, some, where, [row[0] for row in some])
            fresh |= {job.id: job for job in found}
        self._known = {
            row[0]: (row, fresh[row[0]]) if row[0] in fresh else known[row[0]] for row in rows
        }
        return [job for _, job in self._known.values()]


def _decoded(
    db: sqlite3.Connection, rows: Sequence[_Raw], where: str, values: Sequence[str]
) -> list[JobRow]:
    """Rows of jobs, which are those that fit `where`, with their sources."""
    sources: dict[str, list[Source]] = {}
    part = f"WHERE job IN (SELECT id FROM jobs {where})" if where else ""  # noqa: S608
    target_of = {row[0]: row[11] for row in rows}
    query = f"SELECT job, account, path, node, contents, name FROM sources {part} "  # noqa: S608
    found = db.execute(f"{query} ORDER BY job, position", values)
    for job, account, path, node, contents, name in found:
        if job in target_of:
            at = Location(account, unpack_parts(account, path), node)
            wanted = None if name is None else unpack_name(target_of[job], name)
            sources.setdefault(job, []).append(Source(at, bool(contents), wanted))
    return [_job(row, sources.get(row[0], [])) for row in rows]


def job_ids(db: sqlite3.Connection) -> set[str]:
    """What all jobs are called."""
    return {str(id_) for (id_,) in db.execute("SELECT id FROM jobs")}


def _job(row: Sequence[object], sources: list[Source]) -> JobRow:
    (id_, created, finished, runner, state, hold, verb, direction, title, mark, options) = row[:11]
    (account, path, node, rooted, counted, files, done, failed, skipped, asking) = row[11:21]
    (size, moved, speed, left, current, message, codes, answer, volatile) = row[21:]
    account = str(account)
    assert isinstance(options, bytes)
    assert isinstance(path, bytes)
    target = Location(account, unpack_parts(account, path), node if isinstance(node, str) else None)
    return JobRow(
        id=str(id_),
        order=unpack_order(str(verb), sources, target, options),
        runner=runner if isinstance(runner, str) else None,
        state=JobState(str(state)),
        hold=Hold(str(hold)),
        direction=Direction(str(direction)),
        title=str(title),
        fingerprint=str(mark),
        created_ns=_whole(created),
        finished_ns=finished if isinstance(finished, int) else None,
        rooted=bool(rooted),
        counted=bool(counted),
        totals=Totals(*map(_whole, (files, done, failed, skipped, asking, size, moved))),
        speed=speed if isinstance(speed, float) else None,
        time_left=left if isinstance(left, float) else None,
        current=str(current),
        message=str(message),
        codes=tuple(str(codes).split(",")) if codes else (),
        answer=unpack_resolution(answer) if isinstance(answer, bytes) else None,
        volatile=bool(volatile),
    )


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value


def set_rooted(db: sqlite3.Connection, job: str) -> None:
    """Every source of the job stands in the frontier."""
    db.execute("UPDATE jobs SET rooted = 1 WHERE id = ?", (job,))


def set_counted(db: sqlite3.Connection, job: str) -> None:
    """The frontier is empty: totals are final."""
    db.execute("UPDATE jobs SET counted = 1 WHERE id = ?", (job,))


def set_counting(db: sqlite3.Connection, job: str) -> None:
    """The frontier is not empty any more."""
    db.execute("UPDATE jobs SET counted = 0 WHERE id = ?", (job,))


def set_state(db: sqlite3.Connection, job: str, state: JobState, hold: Hold, message: str) -> None:
    """Change how a job stands."""
    finished = time.time_ns() if state.is_final else None
    db.execute(
        "UPDATE jobs SET state = ?, hold = ?, message = ?, finished_ns = ?, speed = NULL, "
        "time_left = NULL, current = '' WHERE id = ?",
        (state, hold, message, finished, job),
    )


class Picture(Struct, frozen=True):
    """What an owner tells the other processes about its running job."""

    state: JobState
    totals: Totals
    speed: float | None
    time_left: float | None
    current: str
    message: str
    codes: tuple[str, ...]


def set_picture(db: sqlite3.Connection, job: str, picture: Picture) -> None:
    """Note how far a running job is."""
    totals = picture.totals
    db.execute(
        "UPDATE jobs SET state = ?, files_total = ?, files_done = ?, files_failed = ?, "
        "files_skipped = ?, files_asking = ?, bytes_total = ?, bytes_done = ?, speed = ?, "
        "time_left = ?, current = ?, message = ?, codes = ? WHERE id = ?",
        (
            picture.state,
            totals.files,
            totals.done,
            totals.failed,
            totals.skipped,
            totals.asking,
            totals.bytes_total,
            totals.bytes_done,
            picture.speed,
            picture.time_left,
            picture.current,
            picture.message,
            ",".join(picture.codes),
            job,
        ),
    )


def set_answer(db: sqlite3.Connection, job: str, answer: Resolution) -> None:
    """Remember an answer that is meant for every conflict of the job."""
    db.execute("UPDATE jobs SET answer = ? WHERE id = ?", (pack_resolution(answer), job))


def set_volatile(db: sqlite3.Connection, job: str) -> None:
    """Note that upload secrets of the job are kept nowhere but in memory."""
    db.execute("UPDATE jobs SET volatile = 1 WHERE id = ?", (job,))


def delete_job(db: sqlite3.Connection, job: str) -> None:
    """Forget a job with all that belongs to it."""
    db.execute("DELETE FROM receipts WHERE item IN (SELECT id FROM items WHERE job = ?)", (job,))
    for table in ("items", "frontier", "sources", "intents", "requests"):
        db.execute(f"DELETE FROM {table} WHERE job = ?", (job,))  # noqa: S608  # own constants
    db.execute("DELETE FROM jobs WHERE id = ?", (job,))


# --- runners ---------------------------------------------------------------------------------


def add_runner(db: sqlite3.Connection, runner: str, pid: int, host: str) -> None:
    """A process says that it moves bytes."""
    db.execute("INSERT INTO runners VALUES (?,?,?,?)", (runner, pid, host, time.time_ns()))


def runners(db: sqlite3.Connection) -> list[str]:
    """Ids of all runners ever noted and not yet swept."""
    return [row[0] for row in db.execute("SELECT id FROM runners")]


def drop_runner(db: sqlite3.Connection, runner: str) -> None:
    """Forget a runner; its unfinished jobs belong to nobody."""
    db.execute("UPDATE jobs SET runner = NULL WHERE runner = ?", (runner,))
    db.execute("DELETE FROM runners WHERE id = ?", (runner,))


def bury_runner(db: sqlite3.Connection, runner: str) -> None:
    """Forget a runner that was killed. What it had finished stays marked as its own: nobody was
    told."""
    final = [state for state in JobState if state.is_final]
    marks = ",".join("?" * len(final))
    db.execute(
        f"UPDATE jobs SET runner = NULL WHERE runner = ? AND state NOT IN ({marks})",  # noqa: S608
        (runner, *final),
    )
    db.execute("DELETE FROM runners WHERE id = ?", (runner,))


def take_job(db: sqlite3.Connection, job: str, old: str | None, new: str) -> bool:
    """Give a job to `new` if it still belongs to `old`; whether that worked."""
    changed = db.execute("UPDATE jobs SET runner = ? WHERE id = ? AND runner IS ?", (new, job, old))
    return changed.rowcount == 1


# --- requests --------------------------------------------------------------------------------


def add_request(db: sqlite3.Connection, job: str, action: str, detail: bytes) -> None:
    """Ask the owner of a job for something."""
    db.execute(
        "INSERT INTO requests (job, action, detail, created_ns) VALUES (?,?,?,?)",
        (job, action, detail, time.time_ns()),
    )


def requests_for(db: sqlite3.Connection, runner: str) -> list[tuple[int, str, str, bytes]]:
    """Id, job, action and detail of what the jobs of `runner` are asked for, oldest first."""
    return db.execute(
        "SELECT r.id, r.job, r.action, r.detail FROM requests r JOIN jobs j ON j.id = r.job "
        "WHERE j.runner = ? ORDER BY r.id",
        (runner,),
    ).fetchall()


def drop_requests(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Forget requests that were carried out."""
    db.executemany("DELETE FROM requests WHERE id = ?", [(each,) for each in ids])


def pack_resolution(answer: Resolution) -> bytes:
    """An answer as JSON."""
    return json.dumps([answer.answer, answer.for_all, answer.name]).encode("ascii")


def unpack_resolution(data: bytes) -> Resolution:
    """The answer again."""
    answer, for_all, name = json.loads(data)
    return Resolution(Answer(answer), bool(for_all), str(name))
