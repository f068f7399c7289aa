"""What is taken over several folders, the folders of a run, and the side panel."""

from __future__ import annotations

from cloudtui.services.transfers.orders import Follow, OnConflict, ServerSide, Verb, Verify
from tests.screens.driving import opened, press, settle
from tests.screens.fake_runtime import sample_runtime
from tests.screens.test_queue import shown


async def test_things_of_several_folders_are_taken_and_put_at_once() -> None:
    runtime = sample_runtime()
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "tab", "down", "down", "down", "down", "Y")
        await settle(pilot, lambda: "taken 1" in shown(app))
        await press(pilot, "Y")
        assert "taken 1 " in shown(app)
        await press(pilot, "home", "down", "down", "enter")
        await settle(pilot, lambda: app.main.right.path == "/Media/Series")
        await settle(pilot, lambda: not app.main.right.loading)
        await press(pilot, "down", "space", "space", "Y")
        await settle(pilot, lambda: "Taken to copy: 3 items by now." in shown(app))
        assert "taken 3 from 2 folders" in shown(app)
        await press(pilot, "tab", "P")
        await settle(pilot, lambda: "Enter starts" in shown(app))
        await press(pilot, "enter")
        await settle(pilot, lambda: bool(runtime.transfers.orders))
        (order,) = runtime.transfers.orders
        assert order.verb is Verb.COPY
        assert {source.at.parent.path for source in order.sources} == {"/Media", "/Media/Series"}
        assert len(order.sources) == 3


async def test_taken_things_are_put_with_options() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "end", "y", "tab", "P")
        await settle(pilot, lambda: "F3  Names already there: ask" in shown(app))
        assert "F6  The service by itself: where it can" in shown(app)
        await press(pilot, "f4", "f4", "f6", "f7", "f3")
        text = shown(app)
        assert "Names already there: skip" in text
        assert "Checked afterwards: contents, part by part" in text
        assert "The service by itself: never, through this machine" in text
        assert "Links of this disk: followed to files" in text
        await press(pilot, "f2")
        await settle(pilot, lambda: bool(runtime.transfers.orders))
        (order,) = runtime.transfers.orders
        assert (order.verify, order.server_side) == (Verify.STRICT, ServerSide.NEVER)
        assert (order.follow, order.on_conflict) == (Follow.FILES, OnConflict.SKIP)
        assert order.paused


async def test_only_a_move_that_nothing_takes_back_is_asked_about() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "end", "x", "tab", "p")
        await settle(pilot, lambda: "Enter starts" in shown(app))
        assert "Each source is removed after its copy is checked." in shown(app)
        await press(pilot, "escape", "end", "x", "home", "down", "enter")
        await settle(pilot, lambda: app.main.right.path == "/Media/My Pack")
        await settle(pilot, lambda: not app.main.right.loading)
        assert not runtime.transfers.orders
        await press(pilot, "p")
        await settle(pilot, lambda: bool(runtime.transfers.orders))
        assert runtime.transfers.orders[0].verb is Verb.MOVE


async def test_folders_of_the_run_are_gone_back_to() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "z")
        await settle(pilot, lambda: "No other folder was shown in this run." in shown(app))
        await press(pilot, "z", "down", "enter")
        await settle(pilot, lambda: app.main.left.path == "/videos/Subs")
        await settle(pilot, lambda: not app.main.left.loading)
        await press(pilot, "tab", "backspace")
        await settle(pilot, lambda: app.main.right.path == "/" and not app.main.right.loading)
        await press(pilot, "z")
        await settle(pilot, lambda: "Recent folders" in shown(app))
        text = shown(app)
        assert text.index(" 1 pikpak:/Media/") < text.index(" 2 /videos/")
        await press(pilot, "x", "2")
        await settle(pilot, lambda: app.main.right.path == "/videos")


async def test_the_side_panel_goes_and_comes() -> None:
    async with opened(sample_runtime(), size=(200, 60)) as (app, pilot):
        assert "Properties" in shown(app)
        await press(pilot, "I")
        await settle(pilot, lambda: "Properties" not in shown(app))
        await press(pilot, "I")
        await settle(pilot, lambda: "Properties" in shown(app))
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "I")
        await settle(pilot, lambda: "The side panel needs 160 columns." in shown(app))
