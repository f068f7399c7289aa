"""Arranging transfers, fetching what a service downloaded, and folders to come back to."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from cloudtui.app import CloudApp
from cloudtui.screens.job_keys import size_of
from cloudtui.services.models import Location, OfflineTask, TaskPhase
from cloudtui.services.transfers.orders import JobState
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import FakeRuntime, job, sample_runtime


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


def with_jobs() -> FakeRuntime:
    runtime = sample_runtime()
    runtime.transfers.jobs = [
        job("first [/b].bin"),
        job("second.bin", JobState.PAUSED),
        job("old.bin", JobState.DONE),
    ]
    return runtime


async def test_jobs_are_filtered_by_words_of_their_row() -> None:
    async with opened(with_jobs()) as (app, pilot):
        await press(pilot, "w")
        await settle(pilot, lambda: "-- finished" in shown(app))
        await press(pilot, "slash", *"second")
        text = shown(app)
        assert "second.bin" in text
        assert "old.bin" not in text
        assert "filter: second_  1 of 3" in text
        await press(pilot, "enter", "p")
        await settle(pilot, lambda: "filter: second  1 of 3" in shown(app))
        await press(pilot, "slash", *"xyz[/")
        assert 'Nothing matches "secondxyz[/" among 3.' in shown(app)
        await press(pilot, "escape")
        assert "first [/b].bin" in shown(app)
        assert "old.bin" in shown(app)
        await press(pilot, "slash", *"paused", "enter", "escape", "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_jobs_change_places_by_key() -> None:
    runtime = with_jobs()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "w", "down", "K", "alt+down", "end", "K")
        await settle(pilot, lambda: len(runtime.transfers.asked) == 2)
        assert runtime.transfers.asked == [("earlier", "second.bin"), ("later", "second.bin")]
        assert app.screen is not app.main


async def test_the_speed_limit_is_typed_and_taken_off_by_one_key() -> None:
    runtime = with_jobs()
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "w", "b")
        await settle(pilot, lambda: "Bytes in a second" in shown(app))
        app.screen.query_one("#text", Input).value = "fast"
        await press(pilot, "enter")
        assert "That is no speed" in shown(app)
        app.screen.query_one("#text", Input).value = "500K"
        await press(pilot, "enter")
        await settle(pilot, lambda: "at most 500 KiB/s" in shown(app))
        assert runtime.transfers.speed_limit == 512_000
        await press(pilot, "b")
        assert runtime.transfers.speed_limit == 0
        await press(pilot, "b")
        await settle(pilot, lambda: "Bytes in a second" in shown(app))
        assert app.screen.query_one("#text", Input).value == "500K"


@pytest.mark.parametrize(
    ("text", "size"), [("500K", 512_000), ("2M", 2 << 20), ("0", 0), ("x", 0), ("", 0)]
)
def test_sizes_as_typed(text: str, size: int) -> None:
    assert size_of(text) == size


async def test_what_a_service_fetched_comes_to_the_disk_when_it_was_wished_for() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    place.tasks = [
        OfflineTask("1", "film [/b]", "http://x/a", TaskPhase.FETCHING, 40),
        OfflineTask("2", "other", "http://x/b", TaskPhase.FETCHING, 40),
    ]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "film [/b]" in shown(app))
        await press(pilot, "f")
        await settle(pilot, lambda: "then to disk" in shown(app))
        await press(pilot, "down", "f", "f")
        await settle(pilot, lambda: "other stays where it is" in shown(app))
        assert shown(app).count("then to disk") == 1
        result = Location("pikpak", ("Media", "film [/b]"), "id1")
        place.tasks = [
            replace(task, phase=TaskPhase.DONE, percent=100, target=result) for task in place.tasks
        ]
        await press(pilot, "ctrl+r")
        await settle(pilot, lambda: bool(runtime.transfers.orders))
        (order,) = runtime.transfers.orders
        assert [source.at for source in order.sources] == [result]
        assert order.target == Location("", ("videos",))
        await settle(pilot, lambda: "then to disk" not in shown(app))


async def test_a_download_that_failed_is_told_and_brings_nothing() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    place.tasks = [OfflineTask("1", "film", "http://x/a", TaskPhase.FETCHING, 40)]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "film" in shown(app))
        await press(pilot, "f")
        await settle(pilot, lambda: "then to disk" in shown(app))
        place.tasks = [replace(place.tasks[0], phase=TaskPhase.FAILED)]
        await press(pilot, "ctrl+r")
        await settle(pilot, lambda: any("was not fetched" in line for line in app.remembered()))
        assert runtime.transfers.orders == []


async def test_bookmarks_are_kept_gone_to_and_forgotten() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "b")
        await settle(pilot, lambda: "No bookmarks." in shown(app))
        await press(pilot, "escape", "B", "tab", "B")
        await settle(pilot, lambda: runtime.bookmarks.known == ["/videos/", "pikpak:/Media/"])
        await press(pilot, "B")
        await settle(pilot, lambda: "Already a bookmark" in shown(app))
        await press(pilot, "b")
        await settle(pilot, lambda: " 1 /videos/" in shown(app))
        await press(pilot, "1")
        await settle(pilot, lambda: app.screen is app.main and not app.main.right.loading)
        assert str(app.main.right.at) == "/videos"
        await press(pilot, "b")
        await settle(pilot, lambda: "pikpak:/Media/" in shown(app))
        await press(pilot, "down", "x", "escape")
        await settle(pilot, lambda: app.screen is app.main)
        assert runtime.bookmarks.known == ["/videos/"]
