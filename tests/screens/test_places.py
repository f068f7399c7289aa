"""The screens beside the panes: transfers, questions, trash, offline downloads, sources."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from cloudtui.app import CloudApp
from cloudtui.screens.main import MainScreen
from cloudtui.services.errors import LoginNeeded, Refused
from cloudtui.services.models import Location, OfflineTask, TaskPhase
from cloudtui.services.transfers.orders import Answer, Conflict, JobState, Resolution
from cloudtui.widgets.header import header_pieces
from cloudtui.widgets.line import Piece
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import FakePlace, FakeRuntime, file, job, sample_runtime


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


def with_jobs() -> FakeRuntime:
    runtime = sample_runtime()
    runtime.transfers.jobs = [
        job("first.bin"),
        job("second.bin", JobState.PAUSED),
        job("old.bin", JobState.DONE),
    ]
    return runtime


async def test_the_dock_shows_jobs_and_the_header_their_speed() -> None:
    async with opened(with_jobs()) as (app, pilot):
        await settle(pilot, lambda: "first.bin" in shown(app))
        text = shown(app)
        assert "46%" in text
        assert "1 job" in text
        assert "8.0M/s" in text
        await press(pilot, "F")
        assert "first.bin" not in shown(app)


async def test_transfers_screen_pauses_goes_on_retries_and_cancels() -> None:
    runtime = with_jobs()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "w")
        await settle(pilot, lambda: "-- finished" in shown(app))
        await press(pilot, "p", "down", "p", "r")
        await settle(pilot, lambda: len(runtime.transfers.asked) == 3)
        assert runtime.transfers.asked == [
            ("pause", "first.bin"),
            ("resume", "second.bin"),
            ("retry", "second.bin"),
        ]
        await press(pilot, "home", "x")
        await settle(pilot, lambda: "Keep the part" in shown(app))
        await press(pilot, "k")
        await settle(pilot, lambda: ("keep", "first.bin") in runtime.transfers.asked)
        await press(pilot, "enter")
        assert "no permission" in shown(app)
        assert "a [/b].txt" in shown(app)
        await press(pilot, "escape", "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_a_question_is_shown_with_both_sides_and_answered() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [replace(job("report.pdf"), state=JobState.ASKS, files_asking=2)]
    newer = file("report.pdf", 656_384, 1_746_306_840_000_000_000)
    runtime.transfers.questions = [
        Conflict(
            "report.pdf", n, newer, file("report.pdf", 655_360), "/Media", overwrite_is_final=False
        )
        for n in (1, 2)
    ]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "w", "enter")
        await settle(pilot, lambda: "Already there" in shown(app))
        text = shown(app)
        assert "641 KiB" in text
        assert "smaller" in text
        assert "older" in text
        assert "report (1).pdf" in text
        await press(pilot, "a", "k")
        await settle(pilot, lambda: bool(runtime.transfers.answers))
        assert runtime.transfers.answers == [
            ("report.pdf", 1, Resolution(Answer.KEEP_BOTH, for_all=True))
        ]


async def test_a_question_can_be_answered_with_another_name_or_left() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [replace(job("a.txt"), state=JobState.ASKS, files_asking=1)]
    runtime.transfers.questions = [
        Conflict("a.txt", 7, file("a.txt"), file("a.txt"), "/x", overwrite_is_final=True)
    ]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "w", "enter")
        await settle(pilot, lambda: "Overwrite for ever" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: "1 question wait" in shown(app))
        await press(pilot, "enter")
        await settle(pilot, lambda: "Overwrite for ever" in shown(app))
        await press(pilot, "t", "end", *"2", "enter")
        await settle(pilot, lambda: bool(runtime.transfers.answers))
        assert runtime.transfers.answers[0][2] == Resolution(Answer.RENAME, name="a.txt2")


async def test_trash_lists_restores_deletes_and_empties() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "end", "f8")
        await settle(pilot, lambda: len(place.trashed) == 1)
        await press(pilot, "end", "f8")
        await settle(pilot, lambda: len(place.trashed) == 2)
        await settle(pilot, lambda: not app.main.right.loading)
        await press(pilot, "t")
        await settle(pilot, lambda: "映画 予告編.mp4" in shown(app))
        assert "/Media" in shown(app)
        await press(pilot, "r")
        await settle(pilot, lambda: len(place.trashed) == 1)
        assert "Restored" in shown(app)
        await press(pilot, "E")
        await settle(pilot, lambda: "empty 1" in shown(app))
        await press(pilot, *"empty 1", "enter")
        await settle(pilot, lambda: place.trashed == [])
        await settle(pilot, lambda: "Trash is empty." in shown(app))
        await press(pilot, "t")
        await settle(pilot, lambda: app.screen is app.main)
        assert len(app.main.right.view.order) == 6


async def test_links_are_pasted_one_per_line_and_each_gets_an_answer() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "m")
        await settle(pilot, lambda: "Save to: /Media" in shown(app))
        await press(pilot, *"http://x/a", "enter", *"http://x/a", "enter", *"http://x/b", "f5")
        await settle(pilot, lambda: app.screen is app.main)
        assert [task.url for task in place.tasks] == ["http://x/b", "http://x/a"]
        await press(pilot, "O")
        await settle(pilot, lambda: "2 fetching" in shown(app))


async def test_a_refused_link_stays_in_the_box_with_the_reason() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]

    async def refuse(url: str, parent: object) -> OfflineTask:
        raise Refused("PikPak does not fetch from there.")

    place.add_offline = refuse  # type: ignore[method-assign]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "m")
        await settle(pilot, lambda: "Save to: /Media" in shown(app))
        await press(pilot, *"http://x/[/b]", "f5")
        await settle(pilot, lambda: "does not fetch from there" in shown(app))
        assert "http://x/[/b]" in shown(app)
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_tasks_show_retry_and_go() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    place.tasks = [
        OfflineTask("1", "a [/b]", "http://x/a", TaskPhase.FAILED, 0, "cannot be reached"),
        OfflineTask("2", "b", "http://x/b", TaskPhase.DONE, 100),
    ]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "cannot be reached" in shown(app))
        await press(pilot, "r")
        await settle(pilot, lambda: place.tasks[0].phase is TaskPhase.FETCHING)
        await press(pilot, "down", "x")
        await settle(pilot, lambda: [task.id for task in place.tasks] == ["1"])
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_sources_show_room_and_state_and_go_there() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "at")
        await settle(pilot, lambda: "3.0T of 10T" in shown(app) and "signed in" in shown(app))
        assert "Add a pCloud account" in shown(app)
        await press(pilot, "2")
        await settle(pilot, lambda: app.screen is app.main and not app.main.left.loading)
        assert str(app.main.left.at) == "pikpak:/"


async def test_an_account_without_sign_in_opens_its_box_with_the_name_kept() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]

    async def refused() -> object:
        raise LoginNeeded("PikPak needs a sign-in.")

    place.quota = refused  # type: ignore[method-assign, assignment]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "at")
        await settle(pilot, lambda: "not signed in" in shown(app))
        await press(pilot, "2")
        await settle(pilot, lambda: "Sign in: PikPak" in shown(app))
        assert "ana@example.com" in shown(app)
        await press(pilot, *"hunter2")
        assert "hunter2" not in shown(app)
        await press(pilot, "escape", "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_messages_of_the_run_are_kept() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        app.notify("a [/b] \x1b[31m")
        await press(pilot, "g", "l")
        await settle(pilot, lambda: "Messages of this run" in shown(app))
        assert "a [/b] <1B>[31m" in shown(app)


async def test_no_jobs_are_told_in_a_sentence() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "w")
        await settle(pilot, lambda: "No jobs. F5 copies to the other pane." in shown(app))


async def test_the_header_names_accounts_not_seen_yet_where_there_is_room() -> None:
    runtime = sample_runtime()
    runtime.places["pc"] = FakePlace("pc", "pcloud", "pCloud", {(): []})
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await settle(pilot, lambda: "pc: press @ to open" in picture(app)[0])


async def test_an_account_that_is_being_opened_is_not_told_to_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    real_start = MainScreen.start

    def noting(**words: Any) -> tuple[list[Piece], list[Piece]]:
        told.extend(words["accounts"])
        return header_pieces(**words)

    def start(self: MainScreen, *first: Any) -> None:
        self.show_header()  # the clock's turn may come before the panes'
        real_start(self, *first)
        self.show_header()

    monkeypatch.setattr("cloudtui.screens.main.header_pieces", noting)
    monkeypatch.setattr(MainScreen, "start", start)
    runtime = sample_runtime()
    runtime.places["pc"] = FakePlace("pc", "pcloud", "pCloud", {(): []})
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await settle(pilot, lambda: "pc: press @ to open" in picture(app)[0])
        assert "pikpak: press @ to open" not in told
        # from here on it is opened by hand, and its answer does not come
        gate = runtime.places["pc"].gate = asyncio.Event()
        app.main.right.open(Location("pc"))
        app.main.show_header()
        await settle(pilot, lambda: "press @" not in picture(app)[0])
        assert app.main.right.loading
        gate.set()
        await settle(pilot, lambda: "pCloud" in picture(app)[0])


async def test_an_account_that_did_not_open_is_told_by_its_pane_while_that_shows_it() -> None:
    runtime = sample_runtime()
    runtime.places["pc"] = FakePlace("pc", "pcloud", "pCloud", {(): []})
    runtime.places["pc"].fail = Refused("pCloud says no.")
    async with opened(runtime, size=(120, 40), right="pc:") as (app, pilot):
        assert "pCloud says no." in shown(app)
        await settle(pilot, lambda: "pikpak: press @ to open" in picture(app)[0])
        assert "pc: press" not in picture(app)[0]
        app.main.right.open(Location("pikpak"))
        await settle(pilot, lambda: "pc: press @ to open" in picture(app)[0])


async def test_a_state_is_said_once_in_the_row_of_a_task() -> None:
    runtime = sample_runtime()
    runtime.places["pikpak"].tasks = [
        OfflineTask("1", "a", "http://x/a", TaskPhase.FETCHING, 10, "Fetching")
    ]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "10%" in shown(app))
        (row,) = [line for line in picture(app) if "10%" in line]
        assert row.lower().count("fetching") == 1


async def test_the_link_that_a_file_was_fetched_from_is_copied() -> None:
    runtime = sample_runtime()
    target = Location("pikpak", ("Media", "report.pdf"), node="report-2")
    runtime.places["pikpak"].tasks = [
        OfflineTask("t1", "other", "https://example.com/other", TaskPhase.DONE, 100),
        OfflineTask(
            "t2", "report.pdf", "https://example.com/a%20b", TaskPhase.DONE, 100, target=target
        ),
    ]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", *["down"] * 3, "c", "u")
        await settle(pilot, lambda: app.clipboard == "https://example.com/a%20b")
        assert "https://example.com/a%20b" in "\n".join(picture(app))
        await press(pilot, "down", "c", "u")
        await settle(pilot, lambda: "says where report.pdf came from" in "\n".join(picture(app)))
        await press(pilot, "tab", "end", "c", "u")
        await settle(pilot, lambda: "disk fetches nothing by itself" in "\n".join(picture(app)))
