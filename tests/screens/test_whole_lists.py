"""Deleting all of a folder whose list is still coming."""

from __future__ import annotations

import asyncio

import pytest

from cloudtui.services.models import Location
from tests.screens.driving import opened, press, settle
from tests.screens.fake_runtime import FakeRuntime, file, sample_runtime
from tests.screens.test_queue import shown


def half_listed() -> tuple[FakeRuntime, asyncio.Event]:
    """A folder of four whose list stands after two, until the event is set."""
    runtime, rest = sample_runtime(), asyncio.Event()
    place = runtime.places["pikpak"]
    place.tree["Big",] = [file(f"{number}.bin") for number in range(4)]
    place.page = 2
    pages = place.scan

    async def halted(at):  # type: ignore[no-untyped-def]
        async for page in pages(at):
            yield page
            if at.parts == ("Big",):
                await rest.wait()

    place.scan = halted  # type: ignore[method-assign]
    return runtime, rest


@pytest.mark.parametrize(
    ("answer", "words", "gone"),
    [
        ("w", "Moved to trash: 4 items", 4),
        ("o", "Moved to trash: 2 items", 2),
        ("escape", "", 0),
    ],
)
async def test_all_means_all_when_somebody_waits(answer: str, words: str, gone: int) -> None:
    runtime, rest = half_listed()
    place = runtime.places["pikpak"]
    async with opened(runtime) as (app, pilot):
        pane = app.main.right
        await press(pilot, "tab", "g", "slash")
        await settle(pilot, lambda: pane.path == "/" and not pane.loading)
        app.main.right.open(Location("pikpak", ("Big",)))
        await settle(pilot, lambda: len(pane.view.order) == 2)
        await press(pilot, "ctrl+a", "f8")
        await settle(pilot, lambda: "2 items of PikPak /Big are listed so far." in shown(app))
        await press(pilot, answer)
        if answer == "w":
            await settle(pilot, lambda: "Waiting for the rest" in shown(app))
            rest.set()
        if answer != "escape":
            await settle(pilot, lambda: "Move to trash" in shown(app))
            await press(pilot, "t")
            await settle(pilot, lambda: words in shown(app))
        rest.set()
        assert len(place.trashed) == gone


async def test_a_list_that_breaks_deletes_nothing() -> None:
    runtime, _ = half_listed()
    place = runtime.places["pikpak"]
    async with opened(runtime) as (app, pilot):
        app.main.right.open(Location("pikpak", ("Big",)))
        await settle(pilot, lambda: len(app.main.right.view.order) == 2)
        await press(pilot, "tab", "ctrl+a", "f8")
        await settle(pilot, lambda: "are listed so far" in shown(app))
        await press(pilot, "w")
        await settle(pilot, lambda: "Waiting for the rest" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: "nothing was done" in " ".join(app.remembered()))
        assert not place.trashed


async def test_who_gives_up_waiting_neither_stops_the_list_nor_takes_it_for_whole() -> None:
    runtime, rest = half_listed()
    place = runtime.places["pikpak"]
    async with opened(runtime) as (app, pilot):
        pane = app.main.right
        pane.open(Location("pikpak", ("Big",)))
        await settle(pilot, lambda: len(pane.view.order) == 2)
        await press(pilot, "tab", "ctrl+a", "f8")
        await settle(pilot, lambda: "are listed so far" in shown(app))
        await press(pilot, "w")
        await settle(pilot, lambda: "Waiting for the rest" in shown(app))
        waiting = [one for one in app.workers if one.group == "files"]
        assert len(waiting) == 1
        waiting[0].cancel()  # as leaving the program does
        await settle(pilot, lambda: waiting[0].is_finished)
        assert app.screen is app.main
        rest.set()
        await settle(pilot, lambda: len(pane.view.order) == 4 and not pane.loading)
        assert pane.view.marked == 2
        assert not place.trashed
