"""What stands unfinished in a folder of the disk has rows there, with keys of their own."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from textual.pilot import Pilot

from cloudtui.actions import Place, in_place
from cloudtui.app import CloudApp
from cloudtui.ports import Door
from cloudtui.services.runtime import Overrides, open_runtime
from cloudtui.services.secrets import MemoryStore
from cloudtui.services.transfers.orders import JobState, PartView
from tests.screens.driving import drag, opened, picture, press, rush, settle
from tests.screens.fake_runtime import FakeRuntime, file, job, sample_runtime
from tests.screens.test_queue import shown
from tests.transfers.byte_server import ByteServer
from tests.transfers.engine_rig import Rig, cloud, disk, order
from tests.transfers.test_engine_runners import stalled, stalling
from tests.transfers.test_parts import BIG, ENOUGH

GIB = 1 << 30
_WITHOUT_A_ROW = frozenset({"put", "put_options", "mkdir", "undo"})


def part(item: int, name: str, state: JobState = JobState.PAUSED, **of: object) -> PartView:
    """Of a job of the same name, unless told otherwise."""
    facts = {"job": name, "done": 19 * GIB // 10, "size": 42 * GIB // 10, **of}
    return PartView(item=item, name=name, state=state, **facts)  # type: ignore[arg-type]


def with_parts(*parts: PartView, **changes: object) -> FakeRuntime:
    """The parts lie in the left pane's folder; each has its job."""
    runtime = sample_runtime()
    runtime.unfinished["videos",] = list(parts)
    runtime.transfers.jobs = [job(each.job, each.state, **changes) for each in parts]
    return runtime


def line_with(app: CloudApp, text: str) -> str:
    return next(line for line in picture(app) if text in line)


async def seen(app: CloudApp, pilot: Pilot[int], text: str = "part 45 %") -> None:
    await settle(pilot, lambda: text in shown(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (50, 20)])
async def test_a_part_is_a_dim_row_above_the_files(size: tuple[int, int]) -> None:
    async with opened(with_parts(part(1, "film [/b]\x1b.mkv")), size=size) as (app, pilot):
        await seen(app, pilot)
        row = line_with(app, "part 45 %")
        assert "film [/b]<1B>.mkv  part 45 %" in row
        lines = picture(app)
        at = lines.index(row)
        assert "../" in lines[at - 1]
        assert "Subs/" in lines[at + 1]
        strip = app.main.left.pane.draw_row(1, 38, cursor=False)
        assert {segment.style for segment in strip} == {app.main.left.pane.look.dim}
        assert "1 unfinished" in shown(app)
        assert "9 items" in shown(app)
        assert not app.main.left.pane.notice
        assert not app.main.right.view.parts


async def test_a_small_screen_tells_the_keys_before_the_sizes() -> None:
    async with opened(with_parts(part(1, "film.mkv")), size=(44, 14)) as (app, pilot):
        await seen(app, pilot)
        await press(pilot, "home", "down")
        assert picture(app)[-2].split("   ") == [" film.mkv", "part 45 %", "r go on", "d drop"]


async def test_long_names_are_cut_and_their_part_is_not() -> None:
    name = "a-very-long-name-of-a-film-that-nobody-could-read-2024.mkv"
    async with opened(with_parts(part(1, name))) as (app, pilot):
        await seen(app, pilot)
        assert "-2024.mkv  part 45 %" in line_with(app, "part 45 %")


async def test_the_cursor_tells_how_far_it_is_and_what_keys_do() -> None:
    async with opened(with_parts(part(1, "film.mkv"))) as (app, pilot):
        await seen(app, pilot)
        await press(pilot, "home", "down")
        lines = picture(app)
        words = "film.mkv part 45 % 1.9G/4.2G paused r go on d drop"
        assert " ".join(lines[-2].split()) == words
        assert "r go on d drop" in lines[-1]
        await press(pilot, "down")
        assert "r go on" not in picture(app)[-1]


async def test_r_goes_on_and_a_failed_one_is_tried_again() -> None:
    runtime = with_parts(part(1, "film.mkv"), part(2, "lost.mkv", JobState.FAILED))
    async with opened(runtime) as (app, pilot):
        await seen(app, pilot, "lost.mkv  part 45 %  failed")
        await press(pilot, "home", "down", "r", "down", "r")
        await settle(pilot, lambda: len(runtime.transfers.asked) == 2)
        assert runtime.transfers.asked == [("resume", "film.mkv"), ("retry", "lost.mkv")]
        assert any("film.mkv: goes on." in text for text in app.remembered())
        assert any("lost.mkv: tried again." in text for text in app.remembered())


async def test_the_cursor_is_on_the_file_that_a_part_becomes() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    async with opened(runtime) as (app, pilot):
        await seen(app, pilot)
        await press(pilot, "home", "down", "r")
        await settle(pilot, lambda: any("goes on" in text for text in app.remembered()))
        runtime.transfers.jobs = []
        runtime.places[""].tree["videos",].append(file("film.mkv"))
        app.bridge.wake()
        view = app.main.left.view
        await settle(pilot, lambda: not view.parts)
        app.main.left.reload()
        await settle(pilot, lambda: app.main.left.view is not view and not app.main.left.loading)
        current = app.main.left.view.current
        assert current is not None
        assert current.name == "film.mkv"


async def test_a_file_of_a_whole_tree_goes_on_with_its_job_and_that_is_told() -> None:
    runtime = with_parts(part(1, "film.mkv", job="season 1"), files_total=24, files_done=3)
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await seen(app, pilot)
        await press(pilot, "home", "down", "r")
        await settle(pilot, lambda: "film.mkv: goes on, with all that its job" in shown(app))
        assert runtime.transfers.asked == [("resume", "season 1")]
        await press(pilot, "d")
        await settle(pilot, lambda: app.screen is not app.main)
        assert "3 of 24 files are there and stay" in " ".join(shown(app).split())
        await press(pilot, "escape")
        assert runtime.transfers.asked == [("resume", "season 1")]


async def test_d_asks_where_much_is_done_and_a_second_one_touches_no_file() -> None:
    runtime = with_parts(
        part(1, "film.mkv"), part(2, "small.bin", done=5_000, size=1_000_000), mine=False
    )
    async with opened(runtime) as (app, pilot):
        await seen(app, pilot, "small.bin  part 0 %")
        await press(pilot, "home", "down", "d")
        await settle(pilot, lambda: "Drop what is there" in shown(app))
        assert "film.mkv: 1.9 GiB is done." in shown(app)
        await press(pilot, "r")
        await settle(pilot, lambda: runtime.transfers.asked == [("cancel", "film.mkv")])
        runtime.transfers.jobs = runtime.transfers.jobs[1:]
        runtime.unfinished["videos",] = runtime.unfinished["videos",][1:]
        app.bridge.wake()
        await settle(pilot, lambda: "film.mkv  part" not in shown(app))
        found = app.main.left.view.part
        assert found is not None
        assert found.name == "small.bin"
        await press(pilot, "d")
        await settle(pilot, lambda: ("cancel", "small.bin") in runtime.transfers.asked)
        runtime.transfers.jobs = []
        app.bridge.wake()
        await settle(pilot, lambda: not app.main.left.view.parts)
        await press(pilot, "d", "d")
        assert app.main.left.view.on_parent()
        assert not runtime.places[""].trashed


async def test_a_part_can_be_kept() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    async with opened(runtime) as (app, pilot):
        await seen(app, pilot)
        await press(pilot, "home", "down", "delete")
        await settle(pilot, lambda: "Drop what is there" in shown(app))
        await press(pilot, "k")
        await settle(pilot, lambda: runtime.transfers.asked == [("keep", "film.mkv")])


async def test_enter_shows_the_job() -> None:
    async with opened(with_parts(part(1, "film.mkv"), part(2, "other.mkv"))) as (app, pilot):
        await seen(app, pilot, "other.mkv  part")
        await press(pilot, "home", "down", "down", "enter")
        await settle(pilot, lambda: ">v paused   other.mkv" in shown(app))


async def test_no_key_about_files_takes_it() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await seen(app, pilot)
        await press(pilot, "home", "down")
        about_files = [
            action
            for action in in_place(Place.BROWSER)
            if action.group == "files" and action.id.partition(".")[2] not in _WITHOUT_A_ROW
        ]
        assert len(about_files) > 15
        for action in about_files:
            app.main.say("")
            await app.main.run_action(action.run)
            await press(pilot, "escape")
            assert "film.mkv is not whole yet." in app.main.message.plain, action.id
            assert "r goes on, d drops it" in app.main.message.plain
        for key in ("f5", "f8", "c", "l"):
            await press(pilot, key)
        assert app.screen is app.main
        assert app.main.left.view.part is not None
        assert not runtime.transfers.orders
        assert not runtime.places[""].trashed


async def test_marks_pass_it_by_and_files_that_are_marked_are_meant() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await seen(app, pilot)
        view = app.main.left.view
        await press(pilot, "home", "down", "space")
        assert (view.marked, view.cursor) == (0, 2)
        await press(pilot, "home", "v", "down", "down", "v")
        assert view.marked == 1
        await press(pilot, "ctrl+a")
        assert view.marked == len(view.entries)
        assert all(found.entry.name != "film.mkv" for found in app.main.left.taken())
        await press(pilot, "asterisk", "home", "down", "down", "space", "home", "down", "f5")
        await settle(pilot, lambda: app.screen is not app.main)
        assert "1 item from disk /videos" in shown(app)


async def test_filter_jump_and_order() -> None:
    runtime = with_parts(part(1, "film.mkv"), part(2, "second.mkv"))
    async with opened(runtime) as (app, pilot):
        await seen(app, pilot)
        view = app.main.left.view
        await press(pilot, "slash", *"film")
        assert [each.name for each in view.parts] == ["film.mkv"]
        assert not view.order
        assert "Nothing matches" not in shown(app)
        # letters are text while something is typed, on that row, too
        await press(pilot, "home", "down", *"rd")
        assert not runtime.transfers.asked
        assert app.main.left.pane.notice[0].startswith('Nothing matches "filmrd" among 9 loaded.')
        await press(pilot, "escape")
        assert len(view.parts) == 2
        await press(pilot, "ctrl+s", *"sec")
        assert view.part is not None
        await press(pilot, "enter")
        for keys in (("comma", "s"), ("comma", "r"), ("full_stop",), ("ctrl+r",)):
            await press(pilot, *keys)
            await settle(pilot, lambda: not app.main.left.loading)
            found = app.main.left.view.part
            assert found is not None
            assert found.name == "second.mkv"


async def test_the_cursor_stays_on_its_file_when_rows_come_above() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    runtime.transfers.jobs = [job("film.mkv")]  # it moves: no row, the dock shows it
    async with opened(runtime) as (app, pilot):
        assert not runtime.parts_asked
        await press(pilot, "end")
        before = app.main.left.view.current
        assert before is not None
        runtime.transfers.jobs = [job("film.mkv", JobState.PAUSED)]
        app.bridge.wake()
        await seen(app, pilot)
        assert app.main.left.view.current is before


async def test_only_what_changed_is_asked_about() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    async with opened(runtime) as (app, pilot):
        await seen(app, pilot)
        asked = len(runtime.parts_asked)
        runtime.transfers.jobs = [*runtime.transfers.jobs, job("moving")]
        app.bridge.wake()
        await settle(pilot, lambda: len(app.bridge.views) == 2)
        await press(pilot, "down", "up", "end", "tab", "tab")
        assert len(runtime.parts_asked) == asked
        await press(pilot, "home", "down", "down", "enter")
        await settle(pilot, lambda: app.main.left.place.endswith("Subs"))
        await settle(pilot, lambda: not app.main.left.view.parts)
        assert "Empty folder." in shown(app)
        await press(pilot, "backspace")
        await seen(app, pilot)
        assert {at.account for at in runtime.parts_asked} == {""}


async def test_menu_and_help_are_about_the_row() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    async with opened(runtime) as (app, pilot):
        await seen(app, pilot)
        await press(pilot, "home", "down", "f2")
        await settle(pilot, lambda: "go on with the download" in shown(app))
        assert "rename here" not in shown(app)
        await press(pilot, "escape", "f1")
        await settle(pilot, lambda: "Help: unfinished" in shown(app))
        await press(pilot, *"go on with", "enter")
        await settle(pilot, lambda: runtime.transfers.asked == [("resume", "film.mkv")])
        await press(pilot, "down", "f2")
        await settle(pilot, lambda: "rename here" in shown(app))


async def test_screen_readers_hear_it() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    runtime.settings.flags["accessible"] = True
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: bool(app.main.left.view.parts))
        await press(pilot, "home", "down")
        words = "film.mkv, unfinished file, 45 percent of 4.2 GiB, paused, 2 of 11"
        assert picture(app)[-2].strip() == words
        assert "r go on d drop" in picture(app)[-1]


async def test_its_keys_can_be_others() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    runtime.settings.keymap = {"part.go_on": "ctrl+y"}
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await seen(app, pilot)
        await press(pilot, "home", "down")
        assert "Ctrl+Y go on" in shown(app)
        await press(pilot, "ctrl+y")
        await settle(pilot, lambda: runtime.transfers.asked == [("resume", "film.mkv")])


async def test_keys_typed_faster_than_answered_mean_the_row_they_were_typed_on() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    async with opened(runtime) as (app, pilot):
        await seen(app, pilot)
        await rush(pilot, "home", "down", "r")
        await settle(pilot, lambda: runtime.transfers.asked == [("resume", "film.mkv")])


async def test_a_click_means_it_and_a_menu_is_about_it() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    async with opened(runtime) as (app, pilot):
        await seen(app, pilot)
        row = app.main.left.pane.body_top + 1
        await pilot.click(app.main.left.pane, offset=(4, row), button=3)
        await settle(pilot, lambda: "go on with the download" in shown(app))
        await press(pilot, "escape")
        await drag(pilot, (4, row + 1), (60, 6), (61, 7))
        assert not runtime.transfers.orders
        await pilot.click(app.main.left.pane, offset=(4, row), control=True)
        assert not app.main.left.view.marked
        await pilot.click(app.main.left.pane, offset=(4, row), times=2)
        await settle(pilot, lambda: ">v paused   film.mkv" in shown(app))


async def test_what_a_program_before_left_is_dropped_from_the_disk(
    tmp_path: Path, here: Path
) -> None:
    home = tmp_path / "home"
    with ByteServer(tls=False) as web:
        async with Rig(home, web) as rig:
            rig.alpha.put("/from/deep/film.bin", BIG)
            with stalled(web) as fault:
                job_id = await stalling(rig, fault, order(cloud("/from"), disk(here)))
                await rig.until(lambda: rig.engine.view(job_id).bytes_done > ENOUGH)
                await rig.engine.pause(job_id)
    deep = here / "from" / "deep"
    environ = {**os.environ, "CLOUDTUI_HOME": str(home)}
    door = Door(lambda: open_runtime(Overrides(environ=environ, secret_store=MemoryStore())))
    app = CloudApp(door, str(deep))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot, lambda: "film.bin  part " in shown(app))
        assert "Empty folder" not in shown(app)
        assert len([*deep.iterdir()]) == 1
        await press(pilot, "home", "down", "d")
        await settle(pilot, lambda: "Drop what is there" in shown(app))
        await press(pilot, "r")
        await settle(pilot, lambda: "Empty folder" in shown(app))
        assert not app.main.left.view.parts
        assert [*deep.iterdir()] == []
        app.bridge.detach()
    await door.close()


async def test_an_answer_that_comes_too_late_is_for_nobody() -> None:
    runtime = with_parts(part(1, "film.mkv"))
    gate = asyncio.Event()
    real = runtime.parts

    async def held(folder: object) -> list[PartView]:
        found = await real(folder)  # type: ignore[arg-type]
        await gate.wait()
        return found

    runtime.parts = held  # type: ignore[method-assign]
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: bool(runtime.parts_asked))
        runtime.transfers.jobs = []
        app.bridge.wake()
        dock = app.main.dock
        await settle(pilot, lambda: dock is not None and not dock.jobs)
        gate.set()
        await press(pilot, "down")
        assert not app.main.left.view.parts
