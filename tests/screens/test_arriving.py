"""Lists that arrive late, in pages, or not at all."""

from __future__ import annotations

import asyncio

import pytest

from cloudtui.app import CloudApp
from cloudtui.services.errors import LoginNeeded, Offline
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import FakePlace, FakeRuntime, file, folder, sample_runtime


def loading(app: CloudApp) -> bool:
    return app.main.left.loading


def wide(count: int) -> FakeRuntime:
    tree = {(): [folder("big")], ("big",): [file(f"f{number:06}") for number in range(count)]}
    return FakeRuntime(FakePlace("", "disk", "disk", tree))


async def test_the_first_page_shows_before_the_list_is_complete() -> None:
    runtime = wide(3000)
    place = runtime.places[""]
    async with opened(runtime, left="/", right="") as (app, pilot):
        place.gate = asyncio.Event()
        await press(pilot, "down", "enter")
        assert any("disk /big" in line for line in picture(app))
        place.gate.set()
        place.gate = asyncio.Event()
        await settle(pilot, lambda: len(app.main.left.view.order) == 1000)
        assert loading(app)
        assert any("1,000+ items" in line for line in picture(app))
        await press(pilot, "escape")
        assert not loading(app)
        assert any("stopped" in line for line in picture(app))
        place.gate = None
        await press(pilot, "ctrl+r")
        await settle(pilot, lambda: not app.main.left.loading)
        assert len(app.main.left.view.order) == 3000


async def test_late_pages_leave_cursor_marks_and_top_row_alone() -> None:
    runtime = wide(0)
    place = runtime.places[""]
    place.tree["big",] = [file(f"m{number:04}") for number in range(1000)] + [
        file(f"a{number:04}") for number in range(1000)
    ]
    async with opened(runtime, left="/", right="") as (app, pilot):
        left = app.main.left
        first, rest = asyncio.Event(), asyncio.Event()
        place.gate = first
        await press(pilot, "down", "enter")
        place.gate = rest
        first.set()
        await settle(pilot, lambda: len(left.view.order) == 1000)
        await press(pilot, "pagedown", "pagedown", "space")
        entry, top = left.view.current, left.view.entry_at(left.view.top)
        assert entry is not None
        assert top is not None
        rest.set()
        await settle(pilot, lambda: not left.loading)
        assert len(left.view.order) == 2000
        assert left.view.current == entry
        assert left.view.entry_at(left.view.top) == top
        assert left.view.marked == 1


async def test_a_failed_list_is_a_sentence_in_the_pane_and_can_be_tried_again() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    place.fail = Offline("No connection to PikPak.", hint="Jobs wait.")
    async with opened(runtime) as (app, pilot):
        text = "\n".join(picture(app))
        assert "No connection to PikPak." in text
        assert "Ctrl+R tries again." in text
        place.fail = None
        await press(pilot, "tab", "ctrl+r")
        await settle(pilot, lambda: len(app.main.right.view.order) == 7)
        assert "No connection" not in "\n".join(picture(app))


async def test_a_failed_reload_keeps_the_rows() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        runtime.places["pikpak"].fail = Offline("No connection to PikPak.")
        await press(pilot, "tab", "ctrl+r")
        await settle(pilot, lambda: not app.main.right.loading)
        assert len(app.main.right.view.order) == 7
        assert any("not reloaded" in line for line in picture(app))


async def test_a_bug_below_is_a_sentence_too() -> None:
    runtime = sample_runtime()
    runtime.places["pikpak"].fail = ZeroDivisionError("secret")  # type: ignore[assignment]
    async with opened(runtime) as (app, _pilot):
        text = "\n".join(picture(app))
        assert "unexpected" in text
        assert "secret" not in text
        assert app.is_running


async def test_changes_that_come_faster_than_lists_do_not_starve_them() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    async with opened(runtime) as (app, pilot):
        right = app.main.right
        assert right.at is not None
        place.gate = asyncio.Event()
        before = place.scans
        for number in range(5):
            place.tree["Media",].append(file(f"new{number}"))
            app.main.folder_changed(right.at)
            await pilot.pause(0)
        assert place.scans <= before + 1
        place.gate.set()
        await settle(pilot, lambda: not right.loading and len(right.view.order) == 12)
        assert place.scans == before + 2


async def test_a_missing_sign_in_names_the_key() -> None:
    runtime = sample_runtime()
    runtime.places["pikpak"].fail = LoginNeeded("PikPak needs a sign-in.")
    async with opened(runtime) as (app, _pilot):
        assert any("@ signs in." in line for line in picture(app))


async def test_a_folder_seen_before_shows_at_once_and_is_listed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cloudtui.screens.browser._FRESH", -1.0)  # as if it were minutes ago
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    async with opened(runtime) as (app, pilot):
        right = app.main.right
        await press(pilot, "tab", "down", "down", "enter")
        await settle(pilot, lambda: not right.loading)
        place.gate = asyncio.Event()
        place.tree["Media",].append(file("new.txt"))
        await press(pilot, "backspace")
        assert right.loading
        assert right.pane.stale
        assert len(right.view.order) == 7
        place.gate.set()
        await settle(pilot, lambda: not right.loading)
        assert len(right.view.order) == 8
        assert not right.pane.stale


async def test_cost_of_a_move_does_not_grow_with_the_rows() -> None:
    drawn: dict[int, int] = {}
    for count in (500, 100_000):
        runtime = wide(count)
        runtime.places[""].page = 10_000
        async with opened(runtime, left="/", right="") as (app, pilot):
            await press(pilot, "down", "enter")
            await settle(pilot, lambda app=app: not app.main.left.loading, limit=30)  # type: ignore[misc]
            pane = app.main.left.pane
            calls = [0]
            real = pane.draw_row

            def counting(
                row: int,
                width: int,
                *,
                cursor: bool,
                real: object = real,
                calls: list[int] = calls,
            ) -> object:
                calls[0] += 1
                return real(row, width, cursor=cursor)  # type: ignore[operator]

            pane.draw_row = counting  # type: ignore[method-assign, assignment]
            await press(pilot, "down", "down", "pagedown", "end", "home")
            drawn[count] = calls[0]
            assert len(app.main.left.view.order) == count
    assert drawn[100_000] <= drawn[500] + 5
    assert drawn[500] < 24 * 8


async def test_esc_after_a_change_of_ours_does_not_keep_the_old_picture() -> None:
    runtime = wide(5)
    place = runtime.places[""]
    async with opened(runtime, left="/big", right="") as (app, pilot):
        left = app.main.left
        await press(pilot, "end", "space")
        gate = place.gate = asyncio.Event()
        await press(pilot, "d")
        await settle(pilot, lambda: bool(place.trashed) and left.loading)
        await press(pilot, "escape", "escape")
        assert not left.stopped
        gate.set()
        await settle(pilot, lambda: len(left.view.order) == 4)
        # what was asked for is stopped as ever
        place.gate = asyncio.Event()
        await press(pilot, "ctrl+r")
        await settle(pilot, lambda: left.loading)
        await press(pilot, "escape")
        assert left.stopped
