"""Search by keys over the index of known listings: what panes showed, and what is listed on
request."""

from __future__ import annotations

import asyncio

from textual import events

from cloudtui.services.errors import Refused
from cloudtui.services.models import Location
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import file, folder, sample_runtime
from tests.screens.test_queue import shown


async def test_every_listing_that_was_shown_is_known() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "down", "down", "enter")
        await settle(pilot, lambda: app.main.right.path == "/Media/Series")
        await settle(pilot, lambda: not app.main.right.loading)
        sizes = {at.path: len(entries) for at, entries in runtime.known.folders.items()}
        assert sizes == {"/videos": 9, "/Media": 7, "/Media/Series": 24}


async def test_a_name_is_found_while_typing_and_gone_to() -> None:
    runtime = sample_runtime()
    runtime.known.note(Location("pikpak", ("Other",)), [file("S01E99 [/b]\x1b[31m.mkv")])
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "tab", "s")
        await settle(pilot, lambda: "Type parts of a name" in shown(app))
        await press(pilot, *"S01Ex", "backspace", "space", *"mkv")
        await settle(pilot, lambda: "very-long-name-of-a-series" in shown(app))
        assert "E99" not in shown(app)
        await press(pilot, "tab")
        await settle(pilot, lambda: "in all of PikPak" in shown(app))
        await settle(pilot, lambda: "S01E99 [/b]<1B>[31m.mkv" in shown(app))
        await press(pilot, "tab")
        await settle(pilot, lambda: "Search everywhere" in shown(app))
        await press(pilot, "end")
        await settle(pilot, lambda: "pikpak:/Media   seen 2025-05" in shown(app))
        await press(pilot, "enter")
        await settle(pilot, lambda: app.screen is app.main and not app.main.right.loading)
        current = app.main.right.view.current
        assert current is not None
        assert current.name == "very-long-name-of-a-series-with-S01E02.mkv"
        assert app.main.right.path == "/Media"


async def test_what_was_never_listed_is_listed_on_request() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "s", *"E17")
        await settle(pilot, lambda: 'Nothing known holds "E17".' in shown(app))
        await press(pilot, "enter", "ctrl+r")
        await settle(pilot, lambda: "31 names below PikPak /Media are known now." in shown(app))
        await settle(pilot, lambda: "S01E17.mkv" in shown(app))
        await press(pilot, "enter")
        await settle(pilot, lambda: app.screen is app.main and not app.main.right.loading)
        assert app.main.right.path == "/Media/Series"
        current = app.main.right.view.current
        assert current is not None
        assert current.name == "S01E17.mkv"


async def test_listing_everything_can_be_stopped_and_tells_what_it_could_not_list() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    place.tree["Media",].append(folder("Locked"))
    async with opened(runtime) as (app, pilot):
        place.gate = asyncio.Event()
        await press(pilot, "tab", "s", "ctrl+r")
        await settle(pilot, lambda: "Esc stops" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: "Stopped. What was listed is known." in shown(app))
        place.gate.set()
        await press(pilot, "ctrl+r")
        await settle(pilot, lambda: "are known now. 1 folder could not be." in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_pasted_words_are_one_line_and_trouble_is_a_sentence() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "s")
        await settle(pilot, lambda: "Type parts of a name" in shown(app))
        app.screen.post_message(events.Paste("holi\nday"))
        await settle(pilot, lambda: "holi day_" in picture(app)[0])
        runtime.known.fail = Refused("The index of known names cannot be read.")
        await press(pilot, "ctrl+w", "ctrl+u", *"holiday")
        await settle(pilot, lambda: "The index of known names cannot be read." in shown(app))
        runtime.known.fail = None
        await press(pilot, "backspace")
        await settle(pilot, lambda: "holiday-2024.mkv" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
