"""The one table of keys: complete, without clashes, and what is bound is what it says."""

from __future__ import annotations

import subprocess
import sys

import pytest
from textual.binding import Binding

from cloudtui.actions import ACTIONS, BY_ID, Place, key_name, key_table, sequences
from cloudtui.app import CloudApp
from cloudtui.keymap import bindings_of, textual_keymap
from cloudtui.own_keys import check_keymap
from cloudtui.screens.dialogs import Dialog
from cloudtui.screens.fields import Field
from cloudtui.screens.main import MainScreen
from cloudtui.screens.offline import OfflineScreen
from cloudtui.screens.transfers import TransfersScreen
from cloudtui.screens.trash import TrashScreen
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import sample_runtime

SCREENS = {
    Place.BROWSER: MainScreen,
    Place.TRANSFERS: TransfersScreen,
    Place.TRASH: TrashScreen,
    Place.OFFLINE: OfflineScreen,
    Place.APP: CloudApp,
    Place.DIALOG: Dialog,
    Place.FIELD: Field,
}


def bound(screen: type) -> dict[str, str]:
    """Key to action of a class's bindings."""
    made: dict[str, str] = {}
    for binding in screen.BINDINGS:  # type: ignore[attr-defined]
        assert isinstance(binding, Binding)
        for key in binding.key.split(","):
            made[key] = binding.action
    return made


@pytest.mark.parametrize("place", SCREENS)
def test_every_key_of_the_table_is_bound_and_its_method_exists(place: Place) -> None:
    screen = SCREENS[place]
    keys = bound(screen)
    two = sequences(place, {})
    for action in ACTIONS:
        if action.place is not place:
            continue
        assert hasattr(screen, f"action_{action.run.partition('(')[0]}"), action.id
        for key in action.keys:
            first, _, second = key.partition(" ")
            if second:
                assert two[first][second] == action
            else:
                assert keys[key] == action.run, action.id


@pytest.mark.parametrize("place", [Place.BROWSER, Place.TRANSFERS, Place.TRASH, Place.OFFLINE])
def test_no_key_means_two_things_in_one_place(place: Place) -> None:
    seen: dict[str, str] = {}
    for action in ACTIONS:
        if action.place in (place, Place.LIST, Place.APP):
            for key in action.keys:
                assert key not in seen, f"{key}: {seen[key]} and {action.id}"
                seen[key] = action.id
    firsts = {key.partition(" ")[0] for key in seen if " " in key}
    assert not firsts & set(seen)


def test_keys_that_are_other_keys_are_never_bound_and_ids_are_unique() -> None:
    assert len(BY_ID) == len(ACTIONS)
    for action in ACTIONS:
        assert not {"ctrl+h", "ctrl+i", "ctrl+m", "shift+f8"} & set(action.keys)
        assert all(key == key.lower() for key in action.keys if key.startswith("ctrl"))


def test_names_of_keys_read_as_on_a_keyboard() -> None:
    assert key_name("ctrl+pagedown") == "Ctrl+PgDn"
    assert key_name("shift+f6") == "Shift+F6"
    assert key_name("g space") == "g Space"
    assert key_name("comma n") == ", n"
    assert key_name("D") == "D"
    assert key_name("f10") == "F10"


def test_a_keymap_is_checked_line_by_line() -> None:
    good, complaints = check_keymap(
        {
            "browser.rename": "f12",
            "browser.renam": "x",
            "browser.mkdir": "f8",
            "browser.copy": "",
        }
    )
    assert good == {"browser.rename": ("f12",)}
    assert len(complaints) == 3
    assert "Did you mean browser.rename?" in complaints[0]
    assert textual_keymap(good) == {"browser.rename": "f12"}


def test_the_table_is_printed_without_the_screen_framework() -> None:
    code = (
        "import sys, cloudtui.actions as a; assert a.key_table();"
        "assert not any(m == 'textual' or m.startswith('textual.') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert ("browser", "files", "F5  Alt+5", "copy to the other pane") in key_table()


def test_bindings_carry_the_ids_of_the_table() -> None:
    ids = {binding.id for binding in bindings_of(Place.BROWSER) if isinstance(binding, Binding)}
    assert "browser.copy" in ids


async def test_a_sequence_shows_its_choices_and_waits() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "comma")
        text = "\n".join(picture(app))
        assert "sort by  n name" in text
        assert "s size" in text
        assert "r reverse the order" in text
        await press(pilot, "s")
        assert app.main.left.view.by.value == "size"
        await press(pilot, "comma", "x")
        assert app.main.left.view.by.value == "size"


async def test_help_narrows_by_word_and_runs_what_is_chosen() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "question_mark", *"half a page")
        lines = picture(app)
        assert sum("half a page" in line for line in lines) >= 2
        await press(pilot, "escape")
        await press(pilot, "colon", *"mark all visible", "enter")
        await settle(pilot, lambda: app.screen is app.main)
        await settle(pilot, lambda: app.main.left.view.marked == 9)


async def test_key_bar_shows_what_is_there_and_can_be_clicked() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        bar = picture(app)[-1]
        assert bar.startswith("1Help 2Menu 3View 4Edit 5Copy 6Move 7Folder 8Trash 9All 10Quit")
        await pilot.click("#keys", offset=(1, 0))
        await settle(pilot, lambda: app.screen is not app.main)


@pytest.mark.parametrize(
    ("key", "title"),
    [("w", "transfers"), ("t", "trash"), ("f3", "viewer"), ("D", "boxes"), ("f7", "boxes")],
)
async def test_help_begins_with_the_keys_of_the_place(key: str, title: str) -> None:
    async with opened(sample_runtime(), size=(120, 40)) as (app, pilot):
        await press(pilot, "end", key)
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, "f1")
        await settle(pilot, lambda: f"Help: {title}" in "\n".join(picture(app)))
        await press(pilot, "escape", "escape")
        await settle(pilot, lambda: app.screen is app.main)
