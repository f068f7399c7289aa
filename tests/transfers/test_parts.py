"""Unfinished files by the folder in which they lie: whose job stands, and nothing else."""

from __future__ import annotations

import sqlite3
from collections import deque
from functools import partial
from pathlib import Path

import pytest

from cloudtui.services.errors import Refused
from cloudtui.services.models import Location
from cloudtui.services.transfers import parts
from cloudtui.services.transfers.journal import Journal
from cloudtui.services.transfers.orders import JobState, PartView
from cloudtui.services.transfers.parts import parts_in
from tests.transfers.byte_server import ByteServer
from tests.transfers.engine_rig import Rig, cloud, disk, order, random_bytes, tree
from tests.transfers.test_engine_runners import stalled, stalling

BIG = random_bytes(9_000_000)
ENOUGH = 4_000_000


async def unfinished(rig: Rig, folder: Path) -> list[PartView]:
    return await parts_in(rig.engine, rig.disk, disk(folder))


async def halfway(rig: Rig, web: ByteServer, target: Path) -> str:
    """A job of a tree that is paused in the middle of a file below it."""
    rig.alpha.put("/from/deep [b]/film.bin", BIG)
    with stalled(web) as fault:
        job = await stalling(rig, fault, order(cloud("/from"), disk(target)))
        await rig.until(lambda: rig.engine.view(job).bytes_done > ENOUGH)
        assert await unfinished(rig, target / "from" / "deep [b]") == []
        await rig.engine.pause(job)
    return job


async def test_a_paused_part_lies_in_its_own_folder_until_it_is_whole(
    rig: Rig, web: ByteServer, tmp_path: Path
) -> None:
    job = await halfway(rig, web, tmp_path / "dst")
    (path,) = (tmp_path / "dst").rglob("*.cloudtui-part")
    (part,) = await unfinished(rig, path.parent)
    assert (part.job, part.name, part.state) == (job, "film.bin", JobState.PAUSED)
    assert part.size == len(BIG)
    assert ENOUGH < part.done < len(BIG)
    assert part.percent == part.done * 100 // len(BIG)
    for elsewhere in (tmp_path / "dst", tmp_path / "dst" / "from", tmp_path):
        assert await unfinished(rig, elsewhere) == []
    assert await parts_in(rig.engine, rig.disk, Location("alpha", disk(path.parent).parts)) == []
    await rig.engine.resume(job)
    assert (await rig.wait(job)).state is JobState.DONE
    assert await unfinished(rig, path.parent) == []


async def test_a_part_that_somebody_removed_is_none(
    rig: Rig, web: ByteServer, tmp_path: Path
) -> None:
    await halfway(rig, web, tmp_path / "dst")
    (path,) = (tmp_path / "dst").rglob("*.cloudtui-part")
    path.unlink()
    assert await unfinished(rig, path.parent) == []


async def test_failed_and_cancelled_jobs_show_what_they_kept(
    rig: Rig, web: ByteServer, tmp_path: Path
) -> None:
    job = await halfway(rig, web, tmp_path / "dst")
    (path,) = (tmp_path / "dst").rglob("*.cloudtui-part")
    rig.alpha.fail["open_read"] = deque([Refused("Not now.")])
    await rig.engine.resume(job)
    assert (await rig.wait(job)).state is JobState.FAILED
    (part,) = await unfinished(rig, path.parent)
    assert (part.job, part.state) == (job, JobState.FAILED)
    await rig.engine.cancel(job, keep_parts=True)
    (part,) = await unfinished(rig, path.parent)
    assert part.state is JobState.CANCELLED
    await rig.engine.cancel(job)
    assert await unfinished(rig, path.parent) == []
    assert not any(name.endswith("part") for name in tree(tmp_path / "dst"))


async def test_what_a_killed_program_left_is_there_and_goes_on(
    tmp_path: Path, web: ByteServer
) -> None:
    async with Rig(tmp_path / "home", web) as rig:
        job = await halfway(rig, web, tmp_path / "dst")
        clouds = rig.clouds
        (path,) = (tmp_path / "dst").rglob("*.cloudtui-part")
    # as a program leaves it that is killed at work: its runner's lock is held by nobody
    db = sqlite3.connect(tmp_path / "home" / "state" / "journal.sqlite")
    db.execute("INSERT INTO runners VALUES ('dead', 1, 'here', 1)")
    db.execute("UPDATE jobs SET state = 'running', hold = '', runner = 'dead'")
    db.commit()
    db.close()
    async with Rig(tmp_path / "home", clouds=clouds) as rig:
        (part,) = await unfinished(rig, path.parent)
        assert (part.job, part.state) == (job, JobState.PAUSED)
        await rig.engine.resume(job)
        assert (await rig.wait(job)).state is JobState.DONE
        assert await unfinished(rig, path.parent) == []


async def test_the_journal_is_not_asked_where_nothing_stands(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.alpha.put("/from/film.bin", b"1")
    await rig.run(order(cloud("/from"), disk(tmp_path / "dst"), contents=True))
    asked: list[str] = []
    real = Journal.read

    async def counting(journal: Journal, operation: object) -> object:
        asked.append("journal")
        return await real(journal, operation)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "read", counting)
    assert await unfinished(rig, tmp_path / "dst") == []
    assert asked == []


def test_a_long_journal_is_not_gone_through(tmp_path: Path) -> None:
    """Counted in steps of the database, of which each row that is looked at takes several."""
    journal = Journal(tmp_path / "journal.sqlite")
    journal.run_blocking(_fill)
    steps = journal.run_blocking(partial(_steps, disk("/t/1")))
    journal.close()
    assert steps < 1_000


_MANY = 20_000


def _fill(db: sqlite3.Connection) -> None:
    db.execute(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
        "INSERT INTO frontier (job, root, walk, state, made, fresh, keep, source_account, "
        "source_path, target_account, target_path, inner) SELECT 'j', 0, 1, 'listed', 1, 1, 0, "
        "'pk', CAST('s' || char(0) || i AS BLOB), '', CAST('t' || char(0) || i AS BLOB), '' FROM n"
    )
    db.execute(
        f"WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {_MANY}) "  # noqa: S608
        "INSERT INTO items (job, folder, tree, state, name, node, hash, flags, target_name, "
        "action) SELECT 'j', 2, 0, 'waiting', CAST(i AS BLOB), '', '', 0, CAST(i AS BLOB), 'new' "
        "FROM n"
    )
    db.execute("UPDATE items SET handle = 'o{}', size = 100 WHERE id IN (7, 19000)")
    db.executemany("INSERT INTO receipts VALUES (?, ?, 0, 10, '')", [(7, 0), (7, 1), (19_000, 0)])


def _steps(folder: Location, db: sqlite3.Connection) -> int:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    db.set_progress_handler(step, 1)
    found = parts._begun(folder, {"j": None}, db)  # type: ignore[dict-item]
    db.set_progress_handler(None, 1)
    assert [(row[0], row[5]) for row in found] == [(7, 20), (19_000, 10)]
    return count
