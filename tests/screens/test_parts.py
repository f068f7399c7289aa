"""What stands unfinished in a folder of the disk is told there."""

from __future__ import annotations

from cloudtui.services.transfers.orders import JobState
from tests.screens.driving import opened, press, settle
from tests.screens.fake_runtime import job, sample_runtime
from tests.screens.test_queue import shown


async def test_parts_of_jobs_that_stand_are_told_below_the_rows() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [
        job("film [/b].mkv", JobState.PAUSED, target="/videos"),
        job("broken.mkv", JobState.FAILED, target="/videos", files_failed=1),
        job("moving.mkv", target="/videos"),
        job("elsewhere.mkv", JobState.PAUSED, target="/videos/Subs"),
        job("begun.mkv", JobState.PAUSED, target="/videos", bytes_done=0),
    ]
    async with opened(runtime, size=(160, 40)) as (app, pilot):
        await settle(pilot, lambda: "film [/b].mkv  part 46%: w, then p goes on" in shown(app))
        assert "broken.mkv  part 46%: w, then r goes on" in shown(app)
        told = app.main.left.pane.notice
        assert len(told) == 2
        assert not app.main.right.pane.notice
        await press(pilot, "down", "enter")
        await settle(pilot, lambda: "elsewhere.mkv  part 46%" in shown(app))
        assert "Empty folder." in shown(app)
        runtime.transfers.jobs = []
        app.bridge.wake()
        await settle(pilot, lambda: "part 46%" not in shown(app))
        assert "Empty folder." in shown(app)
