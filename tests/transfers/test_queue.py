"""The queue as people arrange it: order of waiting jobs, and how fast all of them may go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from cloudtui.services.errors import NotFound
from cloudtui.services.local.storage import LocalStorage
from cloudtui.services.models import Entry, Location
from cloudtui.services.transfers import ledger
from cloudtui.services.transfers.engine import Limits
from cloudtui.services.transfers.orders import JobState, Order, Source, Verb
from cloudtui.services.transfers.rows import JobRow
from tests.transfers.engine_rig import Rig, disk


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(tmp_path / "home", limits=Limits(jobs=1)) as rig:
        yield rig


async def paused(rig: Rig, tmp_path: Path, *names: str) -> list[str]:
    """Jobs that wait to be let go, in this order."""
    jobs = []
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
        source = (Source(disk(tmp_path / name)),)
        jobs.append(
            await rig.engine.submit(Order(Verb.COPY, source, disk(tmp_path / "to"), paused=True))
        )
    return jobs


def order_of(rig: Rig) -> list[str]:
    return [view.title for view in rig.engine.views()]


async def test_a_job_changes_places_with_its_neighbours(rig: Rig, tmp_path: Path) -> None:
    one, two, three = await paused(rig, tmp_path, "one", "two", "three")
    assert await rig.engine.reorder(three, -1)
    assert order_of(rig) == ["one", "three", "two"]
    assert await rig.engine.reorder(three, -1)
    assert order_of(rig) == ["three", "one", "two"]
    assert not await rig.engine.reorder(three, -1)
    assert not await rig.engine.reorder(two, 1)
    assert await rig.engine.reorder(one, 1)
    assert order_of(rig) == ["three", "two", "one"]
    with pytest.raises(NotFound):
        await rig.engine.reorder("nobody", 1)


async def test_a_job_of_ours_is_not_looked_up_among_all_that_ever_ran(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal of hundreds of ended jobs made every copy take a fifth longer."""
    first, second = await paused(rig, tmp_path, "one", "two")
    await rig.engine.cancel(first)
    read: list[str | None] = []
    decode = ledger._job

    def counting(row: Sequence[object], sources: list[Source]) -> JobRow:
        read.append(str(row[0]))
        return decode(row, sources)

    monkeypatch.setattr(ledger, "_job", counting)
    assert rig.engine.view(second).title == "two"
    assert read == []
    (tmp_path / "three").write_bytes(b"three")
    third = Order(Verb.COPY, (Source(disk(tmp_path / "three")),), disk(tmp_path / "to"))
    await rig.wait(await rig.engine.submit(third))
    assert read == []


async def test_the_order_is_that_of_the_next_process_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with Rig(home) as rig:
        await paused(rig, tmp_path, "one", "two")
    async with Rig(home) as rig:
        first = rig.engine.views()[0].id
        assert await rig.engine.reorder(first, 1)
        assert order_of(rig) == ["two", "one"]
    async with Rig(home) as rig:
        assert order_of(rig) == ["two", "one"]


async def test_waiting_jobs_start_in_the_order_given(rig: Rig, tmp_path: Path) -> None:
    one, two = await paused(rig, tmp_path, "one", "two")
    await rig.engine.reorder(two, -1)
    begun: list[str] = []
    rig.engine.subscribe(lambda event: begun.append(getattr(event, "id", "")))
    await rig.engine.resume(two)
    await rig.engine.resume(one)
    await rig.engine.wait(one)
    await rig.engine.wait(two)
    assert (tmp_path / "to" / "one").read_bytes() == b"one"
    assert (tmp_path / "to" / "two").read_bytes() == b"two"
    ended = [view.title for view in rig.engine.views()]
    assert ended == ["two", "one"]
    assert begun


async def test_the_speed_limit_holds_from_now_on(tmp_path: Path) -> None:
    async with Rig(tmp_path / "home", limits=Limits(bandwidth=5_000)) as rig:
        assert rig.engine.speed_limit == 5_000
        (job,) = await paused(rig, tmp_path, "one")
        rig.engine.limit_speed(0)
        assert rig.engine.speed_limit == 0
        await rig.engine.resume(job)
        await rig.engine.wait(job)
        rig.engine.limit_speed(7_000)
        assert rig.engine._desk.pump.bandwidth.rate == 7_000
        rig.engine.limit_speed(0)
        assert rig.engine._desk.pump.bandwidth.rate is None


class HeldDisk(LocalStorage):
    """A disk that lists nothing before `gate` is set."""

    gate: asyncio.Event

    async def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        await self.gate.wait()
        async for page in super().scan(folder):
            yield page


async def until_at_work(rig: Rig, *names: str) -> None:
    """Wait until these jobs and no others are at work."""
    rests = (JobState.WAITING, JobState.DONE)
    while names != tuple(view.title for view in rig.engine.views() if view.state not in rests):  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(0)


async def test_how_many_run_and_which_are_first_takes_hold_at_once(
    rig: Rig, tmp_path: Path
) -> None:
    rig.disk = HeldDisk({"HOME": str(tmp_path)})
    rig.disk.gate = asyncio.Event()
    jobs = []
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(name.encode())
        source = (Source(disk(tmp_path / name)),)
        jobs.append(await rig.engine.submit(Order(Verb.COPY, source, disk(tmp_path / "to"))))
    async with asyncio.timeout(60):
        await until_at_work(rig, "one")
        assert rig.engine.jobs_at_once == 1
        await rig.engine.run_at_once(2)
        await until_at_work(rig, "one", "two")
        await rig.engine.run_at_once(1)
        await until_at_work(rig, "one")
        await rig.engine.reorder(jobs[2], -1)
        await until_at_work(rig, "one")
        await rig.engine.reorder(jobs[2], -1)
        await until_at_work(rig, "three")
        await rig.engine.run_at_once(0)
        assert rig.engine.jobs_at_once == 1
        rig.disk.gate.set()
        for job in jobs:
            await rig.engine.wait(job)
    for name in ("one", "two", "three"):
        assert (tmp_path / "to" / name / "file").read_bytes() == name.encode()
