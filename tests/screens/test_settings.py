"""What is configured reaches the screen; what cannot be used is told and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual import events
from textual.binding import Binding
from textual.widgets import Input

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.app import CloudApp
from cloudtui.keymap import bindings_of, key_of, read_keymap
from cloudtui.layouts import letters_of
from tests.screens.driving import opened, picture, press, quiet, settle
from tests.screens.fake_runtime import FakeRuntime, job, sample_runtime


@pytest.fixture(autouse=True)
def numbers_as_before() -> Iterator[None]:
    yield
    present.write_numbers(present.Numbers())


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


async def test_units_and_marks_are_those_of_the_settings() -> None:
    runtime = sample_runtime()
    runtime.settings.words |= {"units": "si", "thousands": ".", "decimal": ","}
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await settle(pilot, lambda: "3,3 of 11 TB used" in shown(app))
        assert "4,4G" in shown(app)
        await press(pilot, "end", "i")
        await settle(pilot, lambda: "Properties" in shown(app))
        assert "3.277 bytes" in shown(app)


async def test_wrong_settings_are_told_once_and_the_rest_holds() -> None:
    runtime = sample_runtime()
    runtime.problems = ["settings.toml: [/b] theme must be one of default, light"]
    runtime.settings.words |= {"thousands": "abc"}
    runtime.settings.keymap = {"browser.rename": "f2x"}
    async with opened(runtime) as (app, pilot):
        assert "3 settings cannot be used (g l lists them): settings.toml: [/b]" in shown(app)
        await press(pilot, "g", "l")
        await settle(pilot, lambda: "thousands must be one mark" in shown(app))
        assert "[/b] theme must be one of default, light" in " ".join(app.remembered())
        assert 'no terminal sends "f2x"' in shown(app)


async def test_letters_of_another_keyboard_are_keys_until_text_is_typed() -> None:
    runtime = sample_runtime()
    runtime.settings.words["layout"] = "ru"
    async with opened(runtime) as (app, pilot):
        await press(pilot, "о", "о")
        current = app.main.left.view.current
        assert current is not None
        assert app.main.left.view.cursor == 2
        await press(pilot, "П")
        assert app.main.left.view.cursor == app.main.left.view.rows - 1
        await press(pilot, "г", "п", "п")
        assert "Nothing to undo." in "".join(app.remembered())
        assert app.main.left.view.cursor == 0
        await press(pilot, "а", *"оо")
        assert app.main.left.view.pattern == "оо"
        await press(pilot, "escape", "ф")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, *"йц")
        assert app.screen.query_one("#text", Input).value == "йц"


@pytest.mark.parametrize("layout", ["ru", "uk", "bg", "el", "he", "ar"])
def test_layouts_map_letters_to_distinct_keys(layout: str) -> None:
    letters = letters_of(layout)
    assert len(letters) >= 20
    assert not any(letter.isascii() for letter in letters)
    assert len(set(letters.values())) == len(letters)
    assert all(key_of(latin) for latin in letters.values())
    assert {"j", "k", "h", "y", "p", "d"} <= set(letters.values())


def test_latin_layouts_map_nothing() -> None:
    assert letters_of("latin") == {}


async def test_own_keys_take_the_place_of_the_old_ones_everywhere() -> None:
    runtime = sample_runtime()
    runtime.settings.keymap = {
        "browser.properties": "f12",
        "browser.copy_name": "N",
        "browser.go": "ctrl+g",
        "browser.log": "n l",
    }
    async with opened(runtime) as (app, pilot):
        await press(pilot, "end", "i")
        assert app.screen is app.main
        await press(pilot, "f12")
        await settle(pilot, lambda: "Properties" in shown(app))
        await press(pilot, "escape", "N")
        assert "clipboard: README.md" in shown(app)
        await press(pilot, "n")
        assert "n then" in shown(app)
        await press(pilot, "l")
        await settle(pilot, lambda: "Messages of this run" in shown(app))
        await press(pilot, "escape", "question_mark", *"properties")
        await settle(pilot, lambda: "F12" in shown(app))


async def test_own_keys_of_one_run_do_not_reach_the_next() -> None:
    runtime = sample_runtime()
    runtime.settings.keymap = {"browser.properties": "f12"}
    async with opened(runtime):
        pass
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "question_mark", *"properties")
        await settle(pilot, lambda: "Alt+ENTER" in shown(app) or "Alt+Enter" in shown(app))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("F5", "f5"), ("ctrl+A", "ctrl+a"), ("/", "slash"), ("g h", "g h"), ("G", "G"),
        ("shift+g", "G"), ("Ctrl+PageUp", "ctrl+pageup"), ("alt+ctrl+x", "ctrl+alt+x"),
        ("slash", "slash"), ("f99", ""), ("strg+a", ""), ("a b c", ""), ("ctrl+m", ""), ("", ""),
    ],
)  # fmt: skip
def test_keys_as_people_write_them(text: str, key: str) -> None:
    assert key_of(text) == key


def test_a_key_that_is_taken_elsewhere_is_refused_with_its_owner() -> None:
    good, complaints = read_keymap(
        {
            "browser.rename": "q",
            "browser.undo": "g",
            "browser.swap": "pageup",
            "transfers.close": "f12",
            "trash.close": "f12",
        }
    )
    assert set(good) == {"transfers.close", "trash.close"}
    assert [sentence.rpartition("belongs to ")[2] for sentence in complaints] == [
        '"app.quit".',
        '"list.first".',
        '"list.page_up".',
    ]


def test_two_actions_can_swap_keys() -> None:
    good, complaints = read_keymap({"browser.undo": "U", "browser.put": "u"})
    assert complaints == []
    assert good == {"browser.undo": ("U",), "browser.put": ("u",)}


def test_every_action_can_be_given_a_key() -> None:
    ids = {one.id for place in Place for one in bindings_of(place) if isinstance(one, Binding)}
    assert {"browser.copy_path", "browser.log"} <= ids


async def test_folders_among_files_when_the_settings_say_so() -> None:
    runtime = sample_runtime()
    runtime.settings.flags["folders_first"] = False
    async with opened(runtime) as (app, pilot):
        names = [app.main.left.view.entries[at].name for at in app.main.left.view.order]
        assert names[-1] == "Subs"
        await press(pilot, "comma", "s")
        assert len(names) == len(app.main.left.view.order)


async def test_the_copy_box_starts_from_the_configured_answer() -> None:
    runtime = sample_runtime()
    runtime.settings.words["on_conflict"] = "keep-both"
    async with opened(runtime) as (app, pilot):
        await press(pilot, "end", "f5")
        await settle(pilot, lambda: "Names already there: keep both" in shown(app))
        await press(pilot, "enter")
        await settle(pilot, lambda: bool(runtime.transfers.orders))
        assert runtime.transfers.orders[0].on_conflict == "keep-both"


async def test_without_the_mouse_clicks_do_nothing() -> None:
    async def clicked(runtime: FakeRuntime) -> int:
        async with opened(runtime) as (app, pilot):
            driver = app._driver
            assert driver is not None
            for kind in (events.MouseDown, events.MouseUp):
                driver.process_message(
                    kind(None, 5, 6, 0, 0, 1, shift=False, meta=False, ctrl=False)
                )
                await quiet(pilot)
            return app.main.left.view.cursor

    assert await clicked(sample_runtime()) == 3
    runtime = sample_runtime()
    runtime.settings.flags["mouse"] = False
    assert await clicked(runtime) == 0


async def test_progress_is_drawn_as_often_as_asked() -> None:
    runtime = sample_runtime()
    runtime.settings.numbers["redraw"] = 0.5
    runtime.transfers.jobs = [job("a")]
    async with opened(runtime) as (app, _pilot):
        assert app.bridge.paint_every == 2.0
