"""What is dragged on the main screen: rows to the other pane, borders to another place."""

from __future__ import annotations

from typing import cast

import pytest

from cloudtui.app import CloudApp
from cloudtui.ports import Door, RuntimeFactory
from cloudtui.screens.transfers import TransfersScreen
from cloudtui.services.transfers.orders import Verb
from tests.screens.driving import drag, opened, panes_ready, picture, press, settle
from tests.screens.fake_runtime import job, sample_runtime
from tests.screens.test_queue import shown

SUBS, NOTES = (5, 4), (5, 8)
"""Cells of rows of the left pane: a folder, and a file further down."""
RIGHT = (60, 10)


@pytest.mark.parametrize(("shift", "verb"), [(False, Verb.COPY), (True, Verb.MOVE)])
async def test_a_row_dropped_on_the_other_pane_opens_the_box(*, shift: bool, verb: Verb) -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await drag(pilot, SUBS, (39, 5), RIGHT, shift=shift)
        await settle(pilot, lambda: "Enter starts" in shown(app))
        await press(pilot, "enter")
        await settle(pilot, lambda: bool(runtime.transfers.orders))
        (order,) = runtime.transfers.orders
        assert order.verb is verb
        assert [source.at.name for source in order.sources] == ["Subs"]
        assert str(order.target) == "pikpak:/Media"


async def test_marked_rows_go_along_and_unmarked_ones_go_alone() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "down", "space", "space")
        await drag(pilot, NOTES, RIGHT)
        await settle(pilot, lambda: "1 item" in shown(app) and "Enter starts" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        await drag(pilot, SUBS, RIGHT)
        await settle(pilot, lambda: "2 items" in shown(app) and "Enter starts" in shown(app))


async def test_rows_dropped_where_they_came_from_are_clicked_only() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await drag(pilot, SUBS, RIGHT, (5, 7))
        assert app.screen is app.main
        assert "Drop copies" not in shown(app)
        await drag(pilot, RIGHT, RIGHT)
        await settle(pilot, lambda: app.main.active is app.main.right)


@pytest.mark.parametrize("start", [39, 40])
async def test_the_border_between_the_panes_is_dragged(start: int) -> None:
    async with opened(sample_runtime()) as (app, pilot):
        left, right = app.main.left.pane, app.main.right.pane
        assert (left.size.width, right.size.width) == (40, 40)
        await drag(pilot, (start, 12), (50, 12), (55, 12))
        await settle(pilot, lambda: left.size.width == 56)
        assert right.size.width == 24
        await drag(pilot, (56, 12), (3, 12))
        await settle(pilot, lambda: left.size.width == 16)  # no pane goes away


async def test_the_border_moves_by_key_too() -> None:
    async with opened(sample_runtime(), size=(100, 30)) as (app, pilot):
        left = app.main.left.pane
        await press(pilot, "greater_than_sign", "greater_than_sign")
        await settle(pilot, lambda: left.size.width == 60)
        await press(pilot, "less_than_sign")
        await settle(pilot, lambda: left.size.width == 55)
        await press(pilot, "Z", "less_than_sign")
        await settle(pilot, lambda: "One pane has all the room now." in shown(app))


async def test_the_next_run_divides_the_room_alike() -> None:
    runtime = sample_runtime()
    async with opened(runtime, size=(100, 30)) as (app, pilot):
        assert app.main.left.pane.size.width == 50
        await press(pilot, "greater_than_sign", "greater_than_sign", "greater_than_sign")
        await settle(pilot, lambda: runtime.division.left == 65)
    runtime.division.writes = 0
    async with opened(runtime, size=(100, 30)) as (app, pilot):
        left = app.main.left.pane
        await settle(pilot, lambda: left.size.width == 65)
        assert runtime.division.writes == 0
        await drag(pilot, (65, 12), (39, 12))
        await settle(pilot, lambda: left.size.width == 40)
        assert runtime.division.left == 40
    runtime.division.left = 99
    async with opened(runtime, size=(100, 30)) as (app, pilot):
        left = app.main.left.pane
        await settle(pilot, lambda: left.size.width == 80)  # no pane goes away


async def test_a_border_moved_before_the_last_run_is_known_stays() -> None:
    runtime = sample_runtime()
    runtime.division.left = 30
    door = Door(cast("RuntimeFactory", runtime.opened))
    app = CloudApp(door, "/videos", "pikpak:/Media")
    app.main.left_share = 55
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot, lambda: panes_ready(app))
        assert app.main.left_share == 55
        assert runtime.division.left == 55
    await door.close()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_edge_above_the_dock_is_dragged(size: tuple[int, int]) -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job(f"film-{number}.mkv") for number in range(9)]
    async with opened(runtime, size=size) as (app, pilot):
        dock = app.main.dock
        assert dock is not None
        await settle(pilot, lambda: bool(dock.region))
        lines, top = dock.size.height, dock.region.y
        await drag(pilot, (10, top - 1), (10, top - 2), (10, top - 3))
        await settle(pilot, lambda: dock.size.height == lines + 3)
        assert app.screen is app.main
        await press(pilot, "left_square_bracket", "left_square_bracket")
        await settle(pilot, lambda: dock.size.height == lines + 1)
        await press(pilot, "right_square_bracket")
        await settle(pilot, lambda: dock.size.height == lines + 2)


async def test_a_click_on_a_part_of_the_path_goes_there() -> None:
    runtime = sample_runtime()
    async with opened(runtime, right="pikpak:/Media/Series") as (app, pilot):
        right = app.main.right
        start = 3 + len("PikPak ")  # the words of the edge begin behind three cells
        await pilot.click("#right", offset=(start + len("/Media/Se"), 0))
        await settle(pilot, lambda: right.path == "/Media/Series")
        await pilot.click("#right", offset=(start + 2, 0))
        await settle(pilot, lambda: right.path == "/Media" and not right.loading)
        assert right.view.current is not None
        assert right.view.current.name == "Series"
        await pilot.click("#right", offset=(5, 0))
        await settle(pilot, lambda: right.path == "/" and not right.loading)


async def test_keys_are_about_the_jobs_of_the_dock_until_it_is_left() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("film.mkv"), job("second.mkv"), job("third.mkv")]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "down", "down", "g", "w", "down")
        await settle(pilot, lambda: "copy pikpak:/second.mkv -> " in shown(app))
        assert any(line.startswith(">") and "second.mkv" in line for line in picture(app))
        await press(pilot, "p", "d", "f8", "D", "f7", "delete", "J")
        asked = runtime.transfers.asked
        await settle(pilot, lambda: asked[-1:] == [("later", "second.mkv")])
        assert asked[0] == ("pause", "second.mkv")
        assert not runtime.places[""].trashed
        assert app.screen is app.main
        await press(pilot, "question_mark")
        await settle(pilot, lambda: "Help: transfers" in shown(app))
        await press(pilot, "escape", "escape")
        await settle(pilot, lambda: app.main.left.pane.has_focus)
        assert "/videos" in shown(app)
        await press(pilot, "g", "w", "colon", *"mark all visible", "enter")
        await settle(pilot, lambda: app.main.left.view.marked == 9)
        await press(pilot, "g", "w", "tab")
        await settle(pilot, lambda: app.main.left.pane.has_focus)
        await press(pilot, "g", "w", "enter")
        await settle(pilot, lambda: isinstance(app.screen, TransfersScreen))


async def test_a_dock_that_goes_gives_the_keys_back() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("film.mkv")]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "g", "w")
        assert app.main.dock_has_keys
        runtime.transfers.jobs = []
        app.bridge.wake()
        await settle(pilot, lambda: app.main.right.pane.has_focus)
        await press(pilot, "g", "w")
        await settle(pilot, lambda: "No jobs." in shown(app))
