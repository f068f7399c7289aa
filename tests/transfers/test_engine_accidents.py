"""What nobody foresaw: mistakes inside the engine, times of other ages, others who are faster."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudtui.services.transfers.orders import JobState
from cloudtui.services.transfers.plan import Planner
from tests.transfers.byte_server import ByteServer
from tests.transfers.engine_rig import Rig, cloud, disk, order, plant, tree
from tests.transfers.memory_storage import CLOUD, MemoryStorage
from tests.transfers.test_engine_runners import stalled


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(tmp_path / "home") as rig:
        yield rig


async def test_a_mistake_in_the_planner_ends_the_job_and_not_the_waiting(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path / "from", {"a": b"1"})
    with monkeypatch.context() as patch:
        patch.setattr(Planner, "run", lambda *_args, **_named: 1 // 0)
        view = await rig.run(order(disk(tmp_path / "from"), disk(tmp_path / "to")))
    assert view.state is JobState.FAILED
    assert "unexpected" in view.message
    assert view.error_codes == ("error",)
    again = await rig.run(order(disk(tmp_path / "from"), disk(tmp_path / "other")))
    assert again.state is JobState.DONE
    assert tree(tmp_path / "other") == {"from": None, "from/a": b"1"}


@pytest.mark.parametrize("seconds", [-(10**10), 10**12], ids=["long ago", "far ahead"])
async def test_times_that_no_database_takes_are_copied(
    rig: Rig, tmp_path: Path, seconds: int
) -> None:
    plant(tmp_path / "from", {"a": b"1"})
    os.utime(tmp_path / "from/a", (seconds, seconds))
    for there_before in (0, 1):
        view = await rig.run(order(disk(tmp_path / "from"), disk(tmp_path / "to")))
        assert view.state is JobState.DONE, view.message
        assert view.files_skipped == there_before
    assert tree(tmp_path / "to") == {"from": None, "from/a": b"1"}


async def test_a_part_goes_when_somebody_else_was_faster(tmp_path: Path) -> None:
    with ByteServer(tls=False) as web:
        async with Rig(tmp_path / "home", web) as rig:
            rig.alpha.put("a", b"1" * 5_000)
            with stalled(web) as fault:
                job = await rig.engine.submit(order(cloud("a"), disk(tmp_path / "to")))
                await rig.until(fault.reached.is_set)
                (tmp_path / "to/a").write_bytes(b"1" * 5_000)
            view = await rig.wait(job)
    assert (view.state, view.files_skipped) == (JobState.DONE, 1)
    assert tree(tmp_path / "to") == {"a": b"1" * 5_000}


async def test_an_upload_goes_when_somebody_else_was_faster(tmp_path: Path) -> None:
    content = b"1" * 5_000
    plant(tmp_path / "from", {"a": content})
    with ByteServer(tls=False) as web:
        clouds = {"alpha": MemoryStorage("alpha", web, CLOUD, part_size=1_000)}
        async with Rig(tmp_path / "home", web, clouds=clouds) as rig:
            with stalled(web, after=0, method="PUT") as fault:
                job = await rig.engine.submit(order(disk(tmp_path / "from/a"), cloud("to")))
                await rig.until(fault.reached.is_set)
                rig.alpha.put("to/a", content)
                assert rig.alpha.uploads
            view = await rig.wait(job)
            assert (view.state, view.files_skipped) == (JobState.DONE, 1), view
            assert rig.alpha.uploads == {}
            assert rig.alpha.tree("to") == {"a": content}


async def test_an_upload_goes_when_its_job_is_taken_up_too_late(tmp_path: Path) -> None:
    content = b"1" * 5_000
    plant(tmp_path / "from", {"a": content})
    with ByteServer(tls=False) as web:
        clouds = {"alpha": MemoryStorage("alpha", web, CLOUD, part_size=1_000)}
        async with Rig(tmp_path / "home", web, clouds=clouds) as rig:
            with stalled(web, after=0, method="PUT") as fault:
                job = await rig.engine.submit(order(disk(tmp_path / "from/a"), cloud("to")))
                await rig.until(fault.reached.is_set)
                await rig.engine.pause(job)
            assert rig.alpha.uploads
            rig.alpha.put("to/a", content)
            await rig.engine.resume(job)
            assert (await rig.wait(job)).state is JobState.DONE
            assert rig.alpha.uploads == {}
            assert rig.alpha.tree("to") == {"a": content}
