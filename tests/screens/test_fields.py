"""Fields of boxes: words, what was typed before, and addresses that complete."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual.widgets import Input

from cloudtui.app import CloudApp
from cloudtui.screens import fields
from cloudtui.services.models import Location
from tests.screens.driving import opened, press, settle
from tests.screens.fake_runtime import FakeRuntime, folder, job, sample_runtime
from tests.screens.test_queue import shown


@pytest.fixture(autouse=True)
def nothing_typed() -> Iterator[None]:
    fields._typed.clear()
    yield
    fields._typed.clear()


@pytest.fixture
def runtime() -> FakeRuntime:
    runtime = sample_runtime()
    tree = runtime.places["pikpak"].tree
    tree["Media",] += [folder("Season 1"), folder("Season 2"), folder(".hidden")]
    tree["Media", "Season 1"] = [folder("only one"), folder("only\x1b[31m")]
    return runtime


def text(app: CloudApp) -> str:
    return app.screen.query_one("#text", Input).value


async def test_tab_completes_folders_of_any_place_and_then_goes_on(runtime: FakeRuntime) -> None:
    async with opened(runtime) as (app, pilot):
        await press(pilot, "g", "space")
        await settle(pilot, lambda: "Go to" in shown(app))
        await press(pilot, *"pikpak:/Me", "tab")
        await settle(pilot, lambda: text(app) == "pikpak:/Media/")
        await press(pilot, *"Se", "tab")
        await settle(pilot, lambda: text(app) == "pikpak:/Media/Se")  # Season and Series
        await settle(pilot, lambda: app.focused is not app.screen.query_one("#text"))
        await press(pilot, "shift+tab", "end", *"a", "tab")
        await settle(pilot, lambda: text(app) == "pikpak:/Media/Season ")
        await press(pilot, *"1/", "tab")
        await settle(pilot, lambda: app.focused is not app.screen.query_one("#text"))
        assert text(app) == "pikpak:/Media/Season 1/"
        await press(pilot, "shift+tab", "end", *"o", "tab")
        # a name that a terminal would not survive is not put into a field
        await settle(pilot, lambda: text(app) == "pikpak:/Media/Season 1/only one/")
        await press(pilot, *["alt+b"] * 2, *"x", "tab")  # in the middle: nothing to complete
        await settle(pilot, lambda: text(app) == "pikpak:/Media/Season 1/xonly one/")
        await settle(pilot, lambda: app.focused is not app.screen.query_one("#text"))


async def test_what_is_not_there_completes_to_nothing(runtime: FakeRuntime) -> None:
    async with opened(runtime) as (app, pilot):
        for typed in ("nobody:/x", "/nowhere/x", "pikpak:/Media/zz"):
            await press(pilot, "g", "space")
            await settle(pilot, lambda: "Go to" in shown(app))
            await press(pilot, *typed, "tab")
            await settle(pilot, lambda: app.focused is not app.screen.query_one("#text"))
            assert text(app) == typed
            await press(pilot, "escape")
            await settle(pilot, lambda: app.screen is app.main)


async def test_up_brings_back_what_was_typed_before(runtime: FakeRuntime) -> None:
    async with opened(runtime) as (app, pilot):
        for path in ("/videos/Subs", "pikpak:/Media"):
            await press(pilot, "g", "space")
            await settle(pilot, lambda: "Go to" in shown(app))
            await press(pilot, *path, "enter")
            await settle(pilot, lambda: app.screen is app.main)
        await settle(pilot, lambda: app.main.left.at == Location("pikpak", ("Media",)))
        await press(pilot, "g", "space", *"new", "up")
        await settle(pilot, lambda: text(app) == "pikpak:/Media")
        await press(pilot, "up", "up")
        assert text(app) == "/videos/Subs"
        await press(pilot, "down", "down")
        assert text(app) == "new"
        await press(pilot, "escape", "plus", "up")
        await settle(pilot, lambda: "Mark by pattern" in shown(app))
        assert text(app) == "*"


async def test_a_pasted_address_is_one_line_of_text(runtime: FakeRuntime) -> None:
    from textual.events import Paste

    async with opened(runtime) as (app, pilot):
        await press(pilot, "g", "space")
        await settle(pilot, lambda: "Go to" in shown(app))
        app.post_message(Paste("/videos/Subs\n/etc\n"))
        await settle(pilot, lambda: text(app) == "/videos/Subs")
        await press(pilot, "enter")
        await settle(pilot, lambda: app.main.left.at == Location("", ("videos", "Subs")))


async def test_text_over_a_list_has_the_keys_of_a_field_and_takes_what_is_pasted(
    runtime: FakeRuntime,
) -> None:
    from textual.events import Paste

    runtime.transfers.jobs = [job("film.mkv"), job("other.bin")]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "slash", *"two words", "ctrl+w")
        assert app.main.left.pane.typed == "two"
        await press(pilot, "ctrl+u")
        app.post_message(Paste("holi\nday"))
        await settle(pilot, lambda: app.main.left.pane.typed == "holi day")
        await press(pilot, "escape", "w")
        await settle(pilot, lambda: "other.bin" in shown(app))
        await press(pilot, "slash")
        app.post_message(Paste("film.mkv or"))
        await settle(pilot, lambda: "filter: film.mkv or_  0 of 2" in shown(app))
        await press(pilot, "ctrl+w")
        await settle(pilot, lambda: "filter: film.mkv_  1 of 2" in shown(app))
        await press(pilot, "escape", "escape", "question_mark", *"half a", "ctrl+w")
        await settle(pilot, lambda: "type to filter: half_" in shown(app))
        await press(pilot, "ctrl+u")
        await settle(pilot, lambda: "type to filter: _" in shown(app))


async def test_names_that_were_typed_come_back(runtime: FakeRuntime) -> None:
    async with opened(runtime) as (app, pilot):
        await press(pilot, "f7", *"first one", "enter")
        await settle(pilot, lambda: "Made first one" in shown(app))
        await press(pilot, "f7", "up")
        await settle(pilot, lambda: text(app) == "first one")
        await press(pilot, "alt+b", "ctrl+k", *"two")
        assert text(app) == "first two"
