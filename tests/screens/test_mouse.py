"""The mouse as a second way: each click does what a key does, about what was clicked."""

from __future__ import annotations

import pytest

from cloudtui.screens.transfers import TransfersScreen
from cloudtui.services.transfers.orders import JobState
from tests.screens.driving import opened, press, settle
from tests.screens.fake_runtime import job, sample_runtime
from tests.screens.test_queue import shown


async def test_the_other_button_opens_the_menu_of_the_row_that_was_clicked() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "space", "space")
        marked = app.main.left.view.marked
        await pilot.click("#right", offset=(6, 5), button=3)
        await settle(pilot, lambda: "Actions" in shown(app))
        assert app.main.active is app.main.right
        current = app.main.right.view.current
        assert current is not None
        assert current.name == "report.pdf"
        assert app.main.left.view.marked == marked
        await press(pilot, *"take to move", "enter")
        await settle(pilot, lambda: "Taken to move: 1 item" in shown(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_job_of_the_dock_opens_among_all_jobs(size: tuple[int, int]) -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("old.bin", JobState.PAUSED), job("film.mkv"), job("third")]
    async with opened(runtime, size=size) as (app, pilot):
        dock = app.main.dock
        assert dock is not None
        clicked = dock.jobs[1 if dock.framed else 0]
        await pilot.click("#dock", offset=(10, 2 if dock.framed else 0), times=2)
        await settle(pilot, lambda: isinstance(app.screen, TransfersScreen))
        screen = app.screen
        assert isinstance(screen, TransfersScreen)
        await settle(pilot, lambda: screen.jobs.current is not None)
        assert screen.jobs.current is not None
        assert screen.jobs.current.id == clicked.id
        # what was clicked beside the panes is nothing to enter
        assert app.main.left.place == "disk /videos"


async def test_a_double_click_is_enter_in_every_list() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("film.mkv")]
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "w")
        await settle(pilot, lambda: isinstance(app.screen, TransfersScreen))
        await pilot.click("#jobs", offset=(10, 1), times=2)
        await settle(pilot, lambda: "film.mkv to " in shown(app))
        await press(pilot, "escape", "escape", "B", "b")
        await settle(pilot, lambda: "Bookmarks" in shown(app))
        app.main.left.open(app.main.left.at.parent if app.main.left.at else None)  # type: ignore[arg-type]
        await pilot.click("#addresses", offset=(10, 1), times=2)
        await settle(pilot, lambda: app.screen is app.main)
        await settle(pilot, lambda: app.main.left.place == "disk /videos")
