"""The transfers screen by keys: words, numbers, files of a job, how many run, questions."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from cloudtui.services.models import Entry
from cloudtui.services.transfers.orders import (
    Answer,
    Conflict,
    Direction,
    ItemView,
    JobState,
    Resolution,
    Verb,
)
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import FakeRuntime, FakeTransfers, file, job, sample_runtime
from tests.screens.test_queue import shown


def busy() -> FakeRuntime:
    runtime = sample_runtime()
    runtime.transfers.jobs = [
        job("film.mkv"),
        job(
            "photos",
            direction=Direction.UP,
            verb=Verb.MOVE,
            files_done=3,
            files_total=120,
            files_skipped=2,
            files_failed=1,
            current="IMG_0412 [/b].jpg",
            message="No permission for a\x1b[31m.txt.",
        ),
        job("stands.bin", JobState.PAUSED, speed=None, left=None),
        job("later.bin", JobState.WAITING, speed=None, left=None),
        job("over.bin", JobState.DONE, speed=None, left=None),
    ]
    return runtime


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_states_are_words_and_totals_are_sums(size: tuple[int, int]) -> None:
    async with opened(busy(), size=size) as (app, pilot):
        await press(pilot, "w")
        await settle(pilot, lambda: "-- finished" in shown(app))
        rows = picture(app)
        assert "2 running  1 waiting  1 paused  1 failed" in rows[0]
        for name, word in (
            ("film.mkv", " v down "),
            ("photos", " ! move "),
            ("stands.bin", " v paused "),
            ("later.bin", " v waiting "),
            ("over.bin", " + done "),
        ):
            (row,) = (row for row in rows if name in row and "->" not in row)
            assert word in row.replace(">", " "), row
        assert "Enter details" in shown(app)
        assert "  Esc " in shown(app)
        if size[0] >= 120:
            assert "16 MiB/s" in rows[0]
            assert "left" in rows[0]
            assert "3 of 123 files" in rows[0]
        await press(pilot, "down")
        await settle(pilot, lambda: "move pikpak:/photos -> /home/ana/Videos" in shown(app))
        if size[0] >= 120:
            assert "now IMG_0412 [/b].jpg" in shown(app)
            assert "2 skipped   1 failed" in shown(app)
        assert "\x1b" not in shown(app)


async def test_how_many_jobs_run_is_changed_by_plus_and_minus() -> None:
    runtime = busy()
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "w", "plus")
        await settle(pilot, lambda: "3 jobs at once" in shown(app))
        assert runtime.transfers.jobs_at_once == 3
        await press(pilot, "minus", "minus", "minus", "minus")
        await settle(pilot, lambda: "1 job at once" in shown(app))
        assert runtime.transfers.jobs_at_once == 1
        assert "+ - jobs (1)  b speed  / filter  Esc " in shown(app)


async def test_everything_known_of_a_job_is_told_by_one_key() -> None:
    async with opened(busy()) as (app, pilot):
        await press(pilot, "w", "down", "i")
        await settle(pilot, lambda: "Job photos" in shown(app))
        text = shown(app)
        for words in (
            "from    pikpak:/photos",
            "to      /home/ana/Videos",
            "files   3 of 120 done",
            "failed  a [/b].txt   no permission",
            "and 2 files more: Enter lists them",
        ):
            assert words in text
        await press(pilot, "escape")
        await settle(pilot, lambda: "Job photos" not in shown(app))


async def test_files_of_a_job_are_looked_up_as_far_as_somebody_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [ItemView(n, f"file-{n:05}", JobState.WAITING, 1000, 0) for n in range(2_000)]
    many[1999] = replace(many[1999], state=JobState.FAILED, message="refused [/b]")
    many[0] = replace(many[0], state=JobState.RUNNING, done=250)
    asked: list[int] = []

    def items(
        _self: FakeTransfers, _job: str, offset: int = 0, limit: int = 100, states: object = ()
    ) -> list[ItemView]:
        asked.append(limit)
        wanted = states if isinstance(states, tuple) and states else tuple(JobState)
        return [item for item in many if item.state in wanted][offset : offset + limit]

    monkeypatch.setattr(FakeTransfers, "items", items)
    runtime = busy()
    runtime.transfers.jobs[0] = job("film.mkv", files_total=2_000)
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "w", "enter")
        await settle(pilot, lambda: "501 files of 2,000 shown" in shown(app))
        rows = picture(app)
        first = next(number for number, row in enumerate(rows) if "file-01999" in row)
        assert "failed" in rows[first]
        assert "25%" in rows[first + 1]
        assert max(asked) == 500
        await press(pilot, "end")
        await settle(pilot, lambda: "1,001 files of 2,000 shown" in shown(app))
        await press(pilot, "home", "enter")
        await settle(pilot, lambda: "File of the job" in shown(app))
        assert "refused [/b]" in shown(app)
        assert "1,000 bytes" in shown(app)
        await press(pilot, "escape", "escape", "escape")
        await settle(pilot, lambda: app.screen is app.main)


def question(item: int, name: str = "report [/b].pdf") -> Conflict:
    mine: Entry = file(name, 656_384)
    there = file(name, 655_360, 1_740_000_000_000_000_000)
    return Conflict("report", item, mine, there, "pikpak:/Media", overwrite_is_final=item == 3)


def asking() -> FakeRuntime:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("report", JobState.ASKS, files_asking=3, files_skipped=8)]
    runtime.transfers.questions = [question(1), question(2, "b.txt"), question(3, "c.txt")]
    return runtime


async def test_a_question_shows_both_sides_and_is_answered_for_one_and_for_all() -> None:
    runtime = asking()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "w")
        await settle(pilot, lambda: "asks" in shown(app))
        await press(pilot, "enter")
        await settle(pilot, lambda: "Already there   1 of 3" in shown(app))
        text = shown(app)
        for words in (
            "Copy to pikpak:/Media",
            "name       report [/b].pdf            report [/b].pdf",
            "size       641 KiB                    640 KiB                   smaller",
            "older",
            "they differ",
            "8 files of this job skipped so far.",
            "Keep both as report [/b] (1).pdf",
            "[[ Skip ]]",
            "[ Decide later ]",
            "answer for all 3 of this job",
        ):
            assert words in text, text
        await press(pilot, "k")
        await settle(pilot, lambda: "b.txt" in shown(app))
        assert runtime.transfers.answers == [("report", 1, Resolution(Answer.KEEP_BOTH))]
        await press(pilot, "a", "n")
        await settle(pilot, lambda: len(runtime.transfers.answers) == 2)
        expected = ("report", 2, Resolution(Answer.NEWER, for_all=True))
        assert runtime.transfers.answers[1] == expected


async def test_a_question_can_be_parked_and_a_new_name_must_be_one() -> None:
    runtime = asking()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "w", "enter")
        await settle(pilot, lambda: "Already there" in shown(app))
        await press(pilot, "d")
        await settle(pilot, lambda: "3 questions wait; nothing is held up." in shown(app))
        runtime.transfers.questions = [question(3, "c.txt")]
        await press(pilot, "enter")
        await settle(pilot, lambda: "Overwrite for ever" in shown(app))
        await press(pilot, "t")
        field = app.screen.query_one("#text", Input)
        await settle(pilot, lambda: field.has_focus)
        await press(pilot, "enter")
        await settle(pilot, lambda: "That name is the one taken." in shown(app))
        field.value = "d.txt"
        await press(pilot, "enter")
        await settle(pilot, lambda: bool(runtime.transfers.answers))
        expected = ("report", 3, Resolution(Answer.RENAME, name="d.txt"))
        assert runtime.transfers.answers == [expected]


async def test_cancelling_asks_when_much_is_done_and_keeps_the_part_if_told_so() -> None:
    runtime = busy()
    runtime.transfers.jobs.insert(0, job("new.bin", bytes_done=10))
    async with opened(runtime) as (app, pilot):
        await press(pilot, "w", "x")
        await settle(pilot, lambda: runtime.transfers.asked == [("cancel", "new.bin")])
        await press(pilot, "down", "x")
        await settle(pilot, lambda: "Keep the part" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: "Keep the part" not in shown(app))
        await press(pilot, "x")
        await settle(pilot, lambda: "Keep the part" in shown(app))
        await press(pilot, "k")
        await settle(pilot, lambda: ("keep", "film.mkv") in runtime.transfers.asked)
        await press(pilot, "x")
        await settle(pilot, lambda: "Keep the part" in shown(app))
        await press(pilot, "r")
        await settle(pilot, lambda: ("cancel", "film.mkv") in runtime.transfers.asked)


async def test_pausing_and_trying_again_one_and_all() -> None:
    runtime = busy()
    asked = runtime.transfers.asked
    async with opened(runtime) as (app, pilot):
        await press(pilot, "w", "p")
        await settle(pilot, lambda: asked == [("pause", "film.mkv")])
        await press(pilot, "down", "down", "space")
        await settle(pilot, lambda: asked[1:] == [("resume", "stands.bin")])
        asked.clear()
        await press(pilot, "P")
        paused = [("pause", "film.mkv"), ("pause", "photos"), ("pause", "later.bin")]
        await settle(pilot, lambda: asked == paused)
        asked.clear()
        await press(pilot, "R")
        await settle(pilot, lambda: asked == [("retry", "photos")])
        await press(pilot, "up", "r", "c")
        await settle(pilot, lambda: asked[1:] == [("retry", "photos"), ("clear", "")])
        assert "Traceback" not in shown(app)
