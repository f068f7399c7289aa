"""The screen for people who listen: sentences for rows, bars and answers, nothing drawn around."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from textual.geometry import Offset

from cloudtui.app import CloudApp
from cloudtui.bridge import JobsSampled
from cloudtui.services.models import Location, TrashItem
from cloudtui.services.transfers.orders import JobState
from cloudtui.widgets.frame import Frames, frames, use_frames
from tests.screens.driving import opened, picture, press, quiet, settle
from tests.screens.fake_runtime import FakeRuntime, file, job, sample_runtime
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
        await press(pilot, "g", "w")
        await settle(pilot, lambda: "w lists the jobs." in shown(app))
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


def stands_on(app: CloudApp, words: str) -> bool:
    """Whether the terminal's cursor is on a line with these words."""
    lines = picture(app)
    y = app.cursor_position.y
    return y < len(lines) and words in lines[y]


async def test_every_list_tells_its_row_and_the_cursor_of_the_terminal_is_on_it(
    runtime: FakeRuntime,
) -> None:
    runtime.transfers.jobs = [job("film.mkv"), job("old.bin", JobState.DONE)]
    place = runtime.places[""]
    media = Location("", ("videos",))
    place.trashed = [
        TrashItem(name, file(name, 3_277), media.child(name), 1) for name in ("a [/b]", "b.txt")
    ]
    place.tasks = []
    async with opened(runtime) as (app, pilot):
        await press(pilot, "t")
        await settle(pilot, partial(shows, app, "a [/b], 3.2K"))
        await settle(pilot, partial(stands_on, app, "a [/b]"))
        await press(pilot, "space")
        await settle(pilot, partial(shows, app, "b.txt, 3.2K"))
        await settle(pilot, partial(stands_on, app, "b.txt"))
        await press(pilot, "up")
        await settle(pilot, partial(shows, app, "marked, 1 of 2"))
        await press(pilot, "escape", "escape", "w")
        await settle(pilot, partial(shows, app, "1 of 3"))
        await settle(pilot, partial(stands_on, app, "film.mkv"))
        await press(pilot, "end")
        await settle(pilot, partial(shows, app, "3 of 3"))
        await settle(pilot, partial(stands_on, app, "old.bin"))
        await press(pilot, "escape", "at")
        await settle(pilot, partial(shows, app, "Choose a source"))
        await press(pilot, "down")
        await settle(pilot, lambda: ", 2 of " in shown(app) and stands_on(app, "2 PikPak"))
        await press(pilot, "escape", "question_mark", *"half a page", "down")
        await settle(pilot, partial(shows, app, "half a page down"))
        await settle(pilot, lambda: ", 2 of 2" in shown(app))
        assert drawn(shown(app)) == ""


async def test_boxes_tell_what_has_the_focus(runtime: FakeRuntime) -> None:
    async with opened(runtime) as (app, pilot):
        await press(pilot, "ctrl+a", "f8")
        await settle(pilot, partial(shows, app, "2 Cancel, answer 2 of 2"))
        await settle(pilot, lambda: stands_on(app, "[[ 2 Cancel"))
        await press(pilot, "left")
        await settle(pilot, partial(shows, app, "1 Trash, answer 1 of 2"))
        await press(pilot, "escape", "f7")
        await settle(pilot, partial(shows, app, "/videos: text field"))
        await press(pilot, "tab")
        await settle(pilot, partial(shows, app, "answer 1 of 2"))
        await press(pilot, "escape", "m")
        await settle(pilot, partial(shows, app, "Offline download"))
        await press(pilot, "tab")
        await settle(pilot, partial(shows, app, "1 Add, answer 1 of 2"))


async def test_lines_of_a_file_are_gone_over_and_told(runtime: FakeRuntime) -> None:
    runtime.content["README.md"] = b"first line\n\nthird  [/b] \x1b[31m\n" + b"more\n" * 40
    async with opened(runtime) as (app, pilot):
        await press(pilot, "end", "f3")
        await settle(pilot, partial(shows, app, "first line, line 1 of 43"))
        await settle(pilot, partial(stands_on, app, " first line"))
        await press(pilot, "down")
        await settle(pilot, partial(shows, app, "empty line, line 2 of 43"))
        await press(pilot, "j")
        await settle(pilot, partial(shows, app, "third  [/b] <1B>[31m, line 3 of 43"))
        await settle(pilot, partial(stands_on, app, " third  [/b]"))
        await press(pilot, "end")
        await settle(pilot, partial(shows, app, "more, line 43 of 43"))
        assert drawn(shown(app)) == ""


async def test_others_are_not_told_what_they_see() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "ctrl+a", "f8")
        await settle(pilot, partial(shows, app, "Move to trash"))
        assert "answer 2 of 2" not in shown(app)
        await press(pilot, "escape", "t")
        await settle(pilot, partial(shows, app, "Trash is empty."))
        assert "no items" not in shown(app)
