"""What nobody foresaw inside the engine: whoever waits hears of it, and other jobs go on."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudtui.services.transfers.orders import JobState
from cloudtui.services.transfers.plan import Planner
from tests.transfers.engine_rig import Rig, disk, order, plant, tree


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
