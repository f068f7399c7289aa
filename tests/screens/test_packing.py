"""Packing a folder into one file on its service, and back, by keys and by menu."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec.structs import replace
from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.services.errors import Refused
from cloudtui.services.models import Entry, Found, Kind
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import FakePlace, sample_runtime


class Packer(FakePlace):
    """A place that packs: a folder becomes NAME.tar under its id."""

    def _becomes(self, item: Found, entry: Entry) -> Entry:
        rows = self.tree[item.at.parts[:-1]]
        rows[[row.id for row in rows].index(item.entry.id)] = entry
        return entry

    async def pack_folder(
        self, item: Found, on_progress: Callable[[int], None] | None = None
    ) -> Entry:
        if self.fail is not None:
            raise self.fail
        assert on_progress is not None
        on_progress(40)
        name = f"{item.entry.name}.tar"
        return self._becomes(item, replace(item.entry, name=name, kind=Kind.FILE, size=10))

    async def unpack_folder(self, item: Found) -> Entry:
        if not item.entry.name.endswith(".tar"):
            raise Refused("That is not a folder that PikPak packed.")
        name = item.entry.name.removesuffix(".tar")
        return self._becomes(item, replace(item.entry, name=name, kind=Kind.FOLDER, size=None))


@asynccontextmanager
async def packing() -> AsyncIterator[tuple[CloudApp, Pilot[int], Packer]]:
    runtime = sample_runtime()
    old = runtime.places["pikpak"]
    place = Packer("pikpak", "pikpak", "PikPak", old.tree)
    place._caps = replace(place.caps, packs=True)
    runtime.places["pikpak"] = place
    async with opened(runtime, size=(100, 60)) as (app, pilot):  # the whole menu is to be seen
        await press(pilot, "tab")
        yield app, pilot, place


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


def on_row(app: CloudApp, name: str) -> None:
    view = app.main.active.view
    entries = [view.entry_at(row) for row in range(len(view.order) + 1)]
    row = next(at for at, entry in enumerate(entries) if entry is not None and entry.name == name)
    app.main.active.pane.go_to(row)


def names(place: Packer) -> list[str]:
    return [row.name for row in place.tree["Media",]]


async def test_a_folder_is_packed_after_a_question_and_comes_back() -> None:
    async with packing() as (app, pilot, place):
        on_row(app, "My Pack")
        await press(pilot, "A")
        await settle(pilot, lambda: "Pack on the service" in shown(app))
        assert "PikPak makes one tar file of the folder" in shown(app)
        assert "A on the file makes it a folder again." in shown(app)
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        assert "My Pack" in names(place)
        await press(pilot, "A")
        await settle(pilot, lambda: "Pack on the service" in shown(app))
        await press(pilot, "p")
        await settle(pilot, lambda: "My Pack/ is My Pack.tar now." in shown(app))
        await settle(pilot, lambda: not app.main.active.loading)
        on_row(app, "My Pack.tar")
        await press(pilot, "A")
        await settle(pilot, lambda: "Unpack what the service packed" in shown(app))
        await press(pilot, "u")
        await settle(pilot, lambda: "My Pack.tar is My Pack/ now.    u undo" in shown(app))
        assert "My Pack" in names(place)
        await press(pilot, "u")
        await settle(pilot, lambda: "My Pack/ is My Pack.tar again." in shown(app))
        await press(pilot, "u")
        await settle(pilot, lambda: "My Pack.tar is My Pack/ again." in shown(app))
        await press(pilot, "u")
        await settle(pilot, lambda: "Nothing to undo." in shown(app))


async def test_the_palette_leads_there_too() -> None:
    async with packing() as (app, pilot, _):
        on_row(app, "My Pack")
        await press(pilot, "colon", *"pack a folder", "enter")
        await settle(pilot, lambda: "Pack on the service" in shown(app))
        await press(pilot, "escape", "f2")
        await settle(pilot, lambda: "pack a folder into one tar" in shown(app))


async def test_what_fails_is_told_and_the_rest_is_done() -> None:
    async with packing() as (app, pilot, place):
        place.fail = Refused("PikPak does not pack an empty folder.")
        on_row(app, "My Pack")
        await press(pilot, "A")
        await settle(pilot, lambda: "Pack on the service" in shown(app))
        await press(pilot, "p")
        await settle(pilot, lambda: "does not pack an empty folder" in shown(app))
        place.fail = None
        place.tree["Media",] += [
            Entry("one.tar", "t1", Kind.FILE, 1), Entry("two.zip", "t2", Kind.FILE, 1),
        ]  # fmt: skip
        await press(pilot, "ctrl+r")
        await settle(pilot, lambda: "two.zip" in shown(app) and not app.main.active.loading)
        on_row(app, "one.tar")
        await press(pilot, "space")
        on_row(app, "two.zip")
        await press(pilot, "space", "A")
        await settle(pilot, lambda: "each folder again" in shown(app))
        await press(pilot, "u")
        await settle(pilot, lambda: "Not done" in shown(app) and "PikPak packed" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: "one.tar is one/ now.   1 failed." in shown(app))


async def test_both_at_once_and_places_that_pack_nothing_say_so() -> None:
    async with packing() as (app, pilot, _):
        await press(pilot, "ctrl+a", "A")
        await settle(pilot, lambda: "not both at once" in shown(app))
        await press(pilot, "tab", "end", "A")
        await settle(pilot, lambda: "disk does not pack folders by itself." in shown(app))
