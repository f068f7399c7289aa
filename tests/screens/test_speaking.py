"""The screen for people who listen: sentences for rows, bars and answers, nothing drawn around."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from textual.geometry import Offset

from cloudtui.app import CloudApp
from cloudtui.bridge import JobsSampled
from cloudtui.services.transfers.orders import JobState
from cloudtui.widgets.frame import Frames, frames, use_frames
from tests.screens.driving import opened, picture, press, quiet, settle
from tests.screens.fake_runtime import FakeRuntime, job, sample_runtime
from tests.screens.test_queue import shown

DRAWN = "║═╔╗╚╝│─┌┐└┘┃█#"


@pytest.fixture(autouse=True)
def lines_again() -> Iterator[None]:
    """Other tests see frames."""
    yield
    use_frames(Frames.LINES)


@pytest.fixture
def runtime() -> FakeRuntime:
    runtime = sample_runtime()
    runtime.settings.flags["accessible"] = True
    return runtime


def shows(app: CloudApp, words: str) -> bool:
    return words in shown(app)


def drawn(text: str) -> str:
    return "".join(sorted(set(text) & set(DRAWN)))


async def test_rows_are_said_and_the_cursor_of_the_terminal_stands_on_them(
    runtime: FakeRuntime,
) -> None:
    async with opened(runtime) as (app, pilot):
        assert drawn(shown(app)) == ""
        assert "disk /videos" in shown(app)
        assert "PikPak /Media" not in shown(app)
        await press(pilot, "end", "up", "space", "up")
        await settle(pilot, lambda: "notes.txt, file, 12 KiB, marked, 9 of 10" in shown(app))
        row = next(at for at, line in enumerate(picture(app)) if "notes.txt " in line)
        assert app.cursor_position == Offset(1, row)
        await press(pilot, "home")
        await settle(pilot, lambda: "parent folder, 1 of 10" in shown(app))
        await press(pilot, "tab")
        await settle(pilot, lambda: "PikPak /Media" in shown(app))
        await press(pilot, "down")
        await settle(pilot, lambda: "My Pack, folder, 2 of 8" in shown(app))


async def test_progress_is_told_by_quarters(runtime: FakeRuntime) -> None:
    async with opened(runtime) as (app, pilot):
        for done in (10, 24, 30, 49, 60, 99):
            app.post_message(JobsSampled([job("film.mkv", bytes_done=done, bytes_total=100)]))
            await quiet(pilot)
        told = [line[6:] for line in app.remembered() if "percent" in line]
        assert told == [f"film.mkv: {quarter} percent" for quarter in (25, 50, 75)]
        assert app.main.dock is None
        runtime.transfers.jobs = [job("film.mkv"), job("old.bin", JobState.DONE)]
        app.bridge.wake()
        await press(pilot, "w")
        await settle(pilot, lambda: "46 percent" in shown(app))
        assert drawn(shown(app)) == ""


async def test_answers_have_numbers(runtime: FakeRuntime) -> None:
    async with opened(runtime) as (app, pilot):
        await press(pilot, "ctrl+a", "f8")
        await settle(pilot, lambda: "Move to trash" in shown(app))
        assert "1 Trash" in shown(app)
        assert "[[ 2 Cancel ]]" in shown(app)
        assert drawn(shown(app)) == ""
        await press(pilot, "7", "2")
        await settle(pilot, lambda: app.screen is app.main)
        assert runtime.places[""].trashed == []
        await press(pilot, "f8")
        await settle(pilot, lambda: "Move to trash" in shown(app))
        await press(pilot, "1")
        await settle(pilot, lambda: len(runtime.places[""].trashed) == 9)


async def test_ascii_borders_are_those_of_every_list_and_box() -> None:
    runtime = sample_runtime()
    runtime.settings.words["borders"] = "ascii"
    runtime.transfers.jobs = [job("film.mkv")]
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        assert frames() is Frames.ASCII
        for key, words in (("w", "film.mkv"), ("question_mark", "type to filter")):
            await press(pilot, key)
            await settle(pilot, partial(shows, app, words))
            assert set(drawn(shown(app))) <= {"#"}
            await press(pilot, "escape")
            await settle(pilot, lambda: app.screen is app.main)
        await press(pilot, "f7")
        await settle(pilot, lambda: "New folder" in shown(app))
        assert set(drawn(shown(app))) <= {"#"}
