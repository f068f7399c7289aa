"""Sets of keys: complete and without clashes, chosen by setting or on the screen, shown as used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloudtui.actions import ACTIONS, BY_ID, Place, key_hint, keys_of, use_keys
from cloudtui.app import CloudApp
from cloudtui.bar_labels import bar_functions
from cloudtui.cli import cloudtui
from cloudtui.key_presets import PRESETS, TITLES
from cloudtui.keymap import key_of, read_keymap
from cloudtui.screens.help import ActionList
from tests.screens.driving import opened, press, settle
from tests.screens.fake_runtime import FakeRuntime, sample_runtime
from tests.screens.test_queue import shown

CONTEXTS = [place for place in Place if place not in (Place.APP, Place.LIST)]


@pytest.fixture(autouse=True)
def table_again() -> Iterator[None]:
    yield
    use_keys({})


def with_preset(name: str) -> FakeRuntime:
    runtime = sample_runtime()
    runtime.settings.words["keys"] = name
    return runtime


def at(app: CloudApp) -> tuple[str, str]:
    return app.main.left.place, app.main.right.place


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("place", CONTEXTS)
def test_no_two_actions_share_a_key_in_one_context(preset: str, place: Place) -> None:
    use_keys(PRESETS[preset])
    alone = place in (Place.SIGN_IN, Place.DIALOG, Place.FIELD)
    around = () if alone else (Place.APP, Place.LIST)
    owners: dict[str, str] = {}
    for action in ACTIONS:
        if action.place is not place and action.place not in around:
            continue
        if place is Place.VIEWER and action.place is not place:
            continue  # it closes by the key that quits elsewhere
        for key in keys_of(action):
            assert key not in owners, f"{key}: {owners[key]} and {action.id}"
            owners[key] = action.id
    firsts = {key.partition(" ")[0] for key in owners if " " in key}
    assert not firsts & set(owners)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_action_stays_within_reach_by_keys_that_terminals_send(preset: str) -> None:
    assert set(PRESETS[preset]) <= set(BY_ID)
    assert preset in TITLES
    use_keys(PRESETS[preset])
    for action in ACTIONS:
        assert keys_of(action), action.id
        assert all(key_of(key) == key for key in keys_of(action)), action.id
        lost = set(action.keys) - set(keys_of(action))
        owners = {key for other in ACTIONS for key in keys_of(other)}
        assert lost <= owners, f"{action.id} gave up {lost - owners} for nothing"


@pytest.mark.parametrize("preset", PRESETS)
async def test_what_the_table_says_is_what_the_screen_does(preset: str) -> None:
    async with opened(with_preset(preset)) as (app, _pilot):
        active = {key: found.binding.action for key, found in app.screen.active_bindings.items()}
        for action in ACTIONS:
            if action.place in (Place.BROWSER, Place.APP, Place.LIST):
                for key in keys_of(action):
                    first = key.partition(" ")[0]
                    wanted = action.run if first == key else f"prefix('{first}')"
                    # the framework copies marked text where there is any, and goes on where not
                    assert active[first] in (wanted, "screen.copy_text"), f"{key} of {action.id}"


async def test_keys_of_midnight_commander() -> None:
    async with opened(with_preset("mc")) as (app, pilot):
        left, right = at(app)
        await press(pilot, "ctrl+t", "ctrl+t")
        assert app.main.left.view.marked == 1
        await press(pilot, "ctrl+u")
        await settle(pilot, lambda: at(app) == (right, left))


async def test_keys_of_a_desktop_and_the_words_that_name_them() -> None:
    async with opened(with_preset("desktop")) as (app, pilot):
        assert shown(app).splitlines()[-1].startswith("1Help 2Rename 3View 4Edit 5Reload 6Move")
        await press(pilot, "end", "ctrl+c")
        assert "Ctrl+V puts them" in shown(app)
        assert "taken 1" in shown(app)
        assert "T copy" in shown(app)
        await press(pilot, "f2")
        await settle(pilot, lambda: "Rename" in shown(app) and app.screen is not app.main)
        await press(pilot, "escape", "ctrl+x", "tab", "ctrl+v")
        await settle(pilot, lambda: "Move to PikPak /Media" in shown(app))
        # where nothing is to be taken, Ctrl+C means what it means everywhere
        await press(pilot, "escape", "w")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, "ctrl+c", "question_mark", *"put here")
        await settle(pilot, lambda: "Help: transfers" in shown(app))
        await press(pilot, *["backspace"] * 8, *["shift+tab"], *"reload")
        assert "to quit" not in "".join(app.remembered())


async def test_another_set_is_chosen_on_the_screen_and_kept() -> None:
    runtime = sample_runtime()
    runtime.settings.keymap = {"browser.undo": "ctrl+t"}
    async with opened(runtime) as (app, pilot):
        await press(pilot, "g", "k")
        await settle(pilot, lambda: "In use: cloudtui's own" in shown(app))
        await press(pilot, "d")
        await settle(pilot, lambda: "Keys in use from now on: desktop." in shown(app))
        assert runtime.settings.words["keys"] == "desktop"
        assert key_hint("browser.copy") == "T"
        assert ("f5", "Reload") in bar_functions()
        await press(pilot, "g", "k")
        await settle(pilot, lambda: "In use: desktop" in shown(app))
        await settle(pilot, lambda: "[[ Desktop ]]" in shown(app))  # Enter changes nothing
        await press(pilot, "m")
        # a key of the user's that the set needs is told, and the others go back to their places
        refused = 'keymap: Ctrl+T of "browser.undo" belongs to "browser.mark".'
        await settle(pilot, lambda: refused in shown(app))
        assert key_hint("browser.copy") == "F5"
        await press(pilot, "end", "f5")
        await settle(pilot, lambda: "Copy to PikPak /Media" in shown(app))
        await press(pilot, "escape", "g", "k")
        await settle(pilot, lambda: "In use: Midnight Commander" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        assert runtime.settings.words["keys"] == "mc"


def test_own_keys_stand_on_top_of_a_set() -> None:
    keys, complaints = read_keymap({"browser.copy": "f5", "browser.reload": "ctrl+r"}, "desktop")
    assert complaints == []
    assert keys["browser.copy"] == ("f5",)
    assert keys["browser.rename"][0] == "f2"
    keys, complaints = read_keymap({"browser.undo": "ctrl+v"}, "desktop")
    assert "browser.undo" not in keys
    assert complaints == ['keymap: Ctrl+V of "browser.undo" belongs to "browser.put".']


def test_the_printed_table_is_that_of_the_set_in_use(tmp_path: Path) -> None:
    def printed(*options: str) -> str:
        home = {"CLOUDTUI_HOME": str(tmp_path)}
        return CliRunner().invoke(cloudtui, [*options, "keys"], env=home).output

    assert "  F5  Alt+5                         copy to the other pane" in printed()
    assert "  T  Shift+F5                       copy to the other pane" in printed(
        "--set", "keys=desktop"
    )
    (tmp_path / "settings.toml").write_text('format = 1\nkeys = "mc"\n')
    assert "  W  Ctrl+U                         swap the panes" in printed()


@pytest.mark.parametrize("text", ["/videos/Subs", "pikpak:/Media/Series", "pikpak:/it's (here)"])
async def test_a_path_typed_among_the_actions_is_gone_to(text: str) -> None:
    runtime = sample_runtime()
    runtime.places["pikpak"].tree["it's (here)",] = []
    async with opened(runtime) as (app, pilot):
        await press(pilot, "colon", *text)
        await settle(pilot, lambda: f"Enter goes to {text}" in shown(app))
        await press(pilot, "enter")
        await settle(pilot, lambda: app.main.left.place.endswith(text.partition(":")[2] or text))


async def test_a_path_that_means_nothing_is_told_and_help_takes_none() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "colon", *"nobody:/x", "enter")
        await settle(pilot, lambda: app.screen is app.main and "nobody" in shown(app))
        assert app.main.left.place == "disk /videos"
        await press(pilot, "question_mark", "/")
        await settle(pilot, lambda: "type to filter: /_" in shown(app))
        assert "Enter goes to" not in shown(app)


@pytest.mark.parametrize(("width", "columns"), [(80, 1), (120, 2), (200, 3)])
async def test_help_uses_the_width_of_the_screen(width: int, columns: int) -> None:
    async with opened(sample_runtime(), size=(width, 60)) as (app, pilot):
        await press(pilot, "question_mark")
        await settle(pilot, lambda: isinstance(app.focused, ActionList))
        rows = app.focused
        assert isinstance(rows, ActionList)
        lines = rows.row_count()
        assert lines == -(-len(rows.actions) // columns)
        first = next(line for line in shown(app).splitlines() if rows.actions[0].words in line)
        for column in range(columns):
            assert rows.actions[column * lines].words[:16] in first
        await press(pilot, "down")
        assert rows.index == 1
        await press(pilot, "right")
        assert rows.index == 1 + lines * (columns > 1) or columns == 1
        await press(pilot, "end")
        assert rows.chosen is rows.actions[-1]
        await press(pilot, "home")
        await pilot.click("#actions", offset=(rows.size.width - 6, 2))
        assert rows.index == lines * (columns - 1) + 1
