"""Browsing by keys: moving, entering, marks, filter, order, the other pane."""

from __future__ import annotations

from msgspec.structs import replace

from cloudtui.app import CloudApp
from cloudtui.screens.browser import Browser
from cloudtui.services.listing import SortBy
from tests.screens.driving import opened, picture, press, rush, settle
from tests.screens.fake_runtime import file, sample_runtime


def names(browser: Browser) -> list[str]:
    """Visible names in order."""
    return [browser.view.entries[index].name for index in browser.view.order]


def marked(browser: Browser) -> set[str]:
    view = browser.view
    return {entry.name for index, entry in enumerate(view.entries) if view.is_marked(index)}


def under_cursor(app: CloudApp) -> str:
    entry = app.main.active.view.current
    return entry.name if entry is not None else "../"


async def test_both_panes_list_their_folders() -> None:
    async with opened(sample_runtime()) as (app, _pilot):
        lines = picture(app)
        assert "disk /videos" in lines[1]
        assert "PikPak /Media" in lines[1]
        assert names(app.main.left)[0] == "Subs"
        assert any("holiday-2024.mkv" in line for line in lines)
        assert any("9 items" in line for line in lines)


async def test_moving_keys_move_the_cursor() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        assert under_cursor(app) == "../"
        await press(pilot, "down", "j")
        assert under_cursor(app) == names(app.main.left)[1]
        await press(pilot, "end")
        assert under_cursor(app) == names(app.main.left)[-1]
        await press(pilot, "g", "g")
        assert under_cursor(app) == "../"
        await press(pilot, "G", "k", "up")
        assert under_cursor(app) == names(app.main.left)[-3]


async def test_enter_and_backspace_leave_the_cursor_on_the_folder_just_left() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "tab", "down", "down")
        assert under_cursor(app) == "Series"
        await press(pilot, "enter")
        await settle(pilot, lambda: not app.main.right.loading)
        assert app.main.right.path == "/Media/Series"
        assert len(names(app.main.right)) == 24
        await press(pilot, "backspace")
        await settle(pilot, lambda: not app.main.right.loading)
        assert under_cursor(app) == "Series"
        await press(pilot, "H")
        await settle(pilot, lambda: not app.main.right.loading)
        assert app.main.right.path == "/Media/Series"
        await press(pilot, "L")
        await settle(pilot, lambda: not app.main.right.loading)
        assert app.main.right.path == "/Media"


async def test_marks_stay_on_their_items_through_sorting_filter_and_reload() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        left = app.main.left
        await press(pilot, "down", "down", "space", "insert")
        chosen = marked(left)
        assert len(chosen) == 2
        await press(pilot, "comma", "s")
        assert marked(left) == chosen
        await press(pilot, "slash", *"holiday", "enter")
        assert names(left) == ["holiday-2025.mkv", "holiday-2024.mkv"]
        assert marked(left) == chosen
        assert any("(2 hidden)" in line for line in picture(app))
        assert left.taken() == []
        await press(pilot, "escape", "ctrl+r")
        await settle(pilot, lambda: not left.loading)
        assert marked(left) == chosen
        await press(pilot, "escape")
        assert marked(left) == set()


async def test_range_pattern_invert_and_all() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        left = app.main.left
        await press(pilot, "ctrl+a")
        assert marked(left) == set(names(left))
        await press(pilot, "asterisk")
        assert marked(left) == set()
        await press(pilot, "down", "v", "down", "down", "v")
        assert marked(left) == set(names(left)[:3])
        await press(pilot, "escape")
        await press(pilot, "plus")
        await press(pilot, "ctrl+u", *"*.mkv", "enter")
        await settle(pilot, lambda: app.screen is app.main)
        assert {name.rpartition(".")[2] for name in marked(left)} == {"mkv"}
        await press(pilot, "J")
        assert under_cursor(app) in names(left)


async def test_a_filter_says_what_it_hides_and_escape_takes_it_back() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "slash", *"zzz")
        assert names(app.main.left) == []
        assert any('Nothing matches "zzz"' in line for line in picture(app))
        await press(pilot, "escape")
        assert len(names(app.main.left)) == 9


async def test_letters_typed_into_a_filter_do_nothing_else() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "down", "down", "slash", *"dDqxu", "escape")
        assert runtime.places[""].trashed == []
        assert app.screen is app.main


async def test_keys_that_come_in_one_burst_keep_their_meaning() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await rush(pilot, "slash", *"reDx", "enter", "ctrl+a")
        await settle(pilot, lambda: app.main.left.view.pattern == "reDx")
        assert runtime.places[""].trashed == []
        assert app.screen is app.main
        assert marked(app.main.left) == set()


async def test_jump_goes_to_the_name_typed() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "ctrl+s", *"not", "enter")
        assert under_cursor(app) == "notes.txt"


async def test_natural_order_and_reverse() -> None:
    runtime = sample_runtime()
    runtime.places[""].tree["videos",] = [file("a10"), file("a2"), file("a1")]
    async with opened(runtime) as (app, pilot):
        assert names(app.main.left) == ["a1", "a2", "a10"]
        await press(pilot, "comma", "r")
        assert names(app.main.left) == ["a10", "a2", "a1"]


async def test_twins_carry_numbers_and_unknown_sizes_a_question_mark() -> None:
    async with opened(sample_runtime()) as (app, _pilot):
        lines = picture(app)
        assert any("report.pdf  =2" in line for line in lines)
        assert any("untitled" in line and " ? " in line for line in lines)


async def test_hidden_files_come_and_go() -> None:
    runtime = sample_runtime()
    runtime.settings.flags["hidden"] = False
    runtime.places[""].tree["videos",].append(file(".secret"))
    async with opened(runtime) as (app, pilot):
        assert ".secret" not in names(app.main.left)
        assert any("1 hidden" in line for line in picture(app))
        await press(pilot, "full_stop")
        assert ".secret" in names(app.main.left)


async def test_hostile_names_are_harmless() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        for _ in range(9):
            await press(pilot, "down")
        text = "\n".join(picture(app))
        assert "\x1b" not in text
        assert "bad<1B>[31mname.txt" in text
        assert "a [/b]" in text
        await press(pilot, "home", "down", "down", "i")
        await settle(pilot, lambda: app.screen is not app.main)
        assert any("a [/b]" in line for line in picture(app))


async def test_swap_same_folder_and_one_pane_alone() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        main = app.main
        await press(pilot, "W")
        await settle(pilot, lambda: not main.left.loading and not main.right.loading)
        assert (main.left.path, main.right.path) == ("/Media", "/videos")
        assert main.active is main.right
        await press(pilot, "equals_sign")
        await settle(pilot, lambda: not main.left.loading)
        assert main.left.path == "/videos"
        await press(pilot, "Z")
        assert main.right.pane.size.width == 80
        assert not main.left.pane.display or main.left.pane.size.width == 0
        await press(pilot, "Z")
        assert main.right.pane.size.width == 40


async def test_under_sixty_columns_one_pane_shows_and_tab_flips() -> None:
    async with opened(sample_runtime(), size=(50, 16)) as (app, pilot):
        assert any("[1/2]" in line for line in picture(app))
        await press(pilot, "tab")
        lines = picture(app)
        assert any("[2/2]" in line for line in lines)
        assert any("PikPak /Media" in line for line in lines)


async def test_without_account_the_right_pane_says_what_to_do() -> None:
    runtime = sample_runtime()
    del runtime.places["pikpak"]
    async with opened(runtime, right="") as (app, _pilot):
        assert any("No account yet." in line for line in picture(app))


async def test_mouse_moves_the_cursor_enters_marks_sorts_and_scrolls() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        left = app.main.left
        await pilot.click("#left", offset=(5, 5))
        assert left.view.cursor == 3
        await pilot.click("#left", offset=(5, 6), control=True)
        assert marked(left) == {names(left)[3]}
        await pilot.click("#left", offset=(28, 1))
        assert left.view.by.value == "size"
        await pilot.click("#right", offset=(5, 4), times=2)
        await settle(pilot, lambda: app.main.right.path == "/Media/Series")
        await settle(pilot, lambda: not app.main.right.loading)
        assert app.main.active is app.main.right
        pane = app.main.right.pane
        pane._wheel(3)
        assert pane.top == 3
        assert pane.cursor == 0


async def test_compare_marks_what_is_missing_or_newer() -> None:
    runtime = sample_runtime()
    disk, cloud = runtime.places[""].tree, runtime.places["pikpak"].tree
    disk["videos",] = [file("same"), file("other", 7), file("newer", 5, 10**19), file("only")]
    cloud["Media",] = [file("same"), file("other", 8), file("newer", 5)]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "C")
        assert marked(app.main.left) == {"other", "newer", "only"}


async def test_a_screen_too_small_says_so_and_comes_back() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await pilot.resize_terminal(38, 10)
        await settle(pilot, lambda: "Too small: 40x12 needed" in picture(app)[0])
        await pilot.resize_terminal(80, 24)
        await settle(pilot, lambda: any("9 items" in line for line in picture(app)))


async def test_rows_are_sorted_by_the_time_they_were_made_where_that_is_known() -> None:
    runtime = sample_runtime()
    rows = runtime.places["pikpak"].tree[("Media", "Series")]
    rows[:] = [replace(row, created_ns=(10 - at) * 10**18) for at, row in enumerate(rows[:3])]
    async with opened(runtime, right="pikpak:/Media/Series", size=(120, 40)) as (app, pilot):
        await press(pilot, "comma", "c")
        await settle(
            pilot, lambda: "does not tell when things were made" in "\n".join(picture(app))
        )
        assert app.main.left.view.by is SortBy.NAME
        await press(pilot, "tab", "comma", "c")
        assert names(app.main.right) == ["S01E03.mkv", "S01E02.mkv", "S01E01.mkv"]
        text = "\n".join(picture(app))
        assert "Created^" in text
        assert "2223-" in text
        await press(pilot, "comma", "m")
        assert "Changed^" in "\n".join(picture(app))
        assert "2223-" not in "\n".join(picture(app))
