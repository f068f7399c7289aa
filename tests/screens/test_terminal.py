"""What the terminal around the screen is told: its title, and the bell when that is wanted."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cloudtui import bridge
from cloudtui.bridge import JobEnded
from cloudtui.services.transfers.orders import JobState, JobView
from cloudtui.terminal_title import TerminalTitle, title_words
from cloudtui.widgets.frame import Frames, frames
from tests.screens.driving import opened, settle
from tests.screens.fake_runtime import job, sample_runtime


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ([], "cloudtui"),
        ([job("a", bytes_done=45, bytes_total=100)], "45% cloudtui"),
        ([job("a", bytes_done=45, bytes_total=100), job("b", JobState.DONE)], "45% cloudtui"),
        ([job("a", JobState.PAUSED)], "cloudtui"),
    ],
)
def test_the_title_says_how_far_the_jobs_are(jobs: list[JobView], words: str) -> None:
    assert title_words(jobs) == words


def test_the_title_is_written_when_it_changes() -> None:
    written: list[str] = []
    title = TerminalTitle(written.append)
    for done in (10, 10, 20):
        title.show([job("a\x1b]2;evil", bytes_done=done, bytes_total=100)])
    assert written == ["\x1b]2;10% cloudtui\x07", "\x1b]2;20% cloudtui\x07"]


@pytest.mark.parametrize(("wanted", "rung"), [(True, 1), (False, 0)])
async def test_the_bell_rings_for_long_jobs_when_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, *, wanted: bool, rung: int
) -> None:
    runtime = sample_runtime()
    runtime.settings.flags["bell"] = wanted
    async with opened(runtime) as (app, pilot):
        rings: list[None] = []
        monkeypatch.setattr(app, "bell", lambda: rings.append(None))
        for seconds, took in ((9.0, "GiB."), (861.0, "GiB in 14m21s.")):
            app.post_message(JobEnded(job("film", JobState.DONE, files_done=1), seconds))
            said = f"Copied film: 1 file, 4.1 {took}"
            await settle(pilot, lambda said=said: any(said in one for one in app.remembered()))  # type: ignore[misc]
        assert len(rings) == rung


async def test_the_time_of_a_job_is_that_since_it_was_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = sample_runtime()
    now = [1000.0]
    async with opened(runtime) as (app, pilot):
        monkeypatch.setattr(bridge, "time", SimpleNamespace(monotonic=lambda: now[0]))
        for at, state in (
            (1000.0, JobState.WAITING),
            (2000.0, JobState.RUNNING),
            (2030.0, JobState.PAUSED),
            (2060.0, JobState.DONE),
        ):
            now[0] = at
            runtime.transfers.jobs = [job("film", state, files_done=1)]
            app.bridge.wake()
        await settle(pilot, lambda: any("GiB in 1m00s." in one for one in app.remembered()))


async def test_frames_are_of_one_cell_where_their_signs_take_two() -> None:
    runtime = sample_runtime()
    runtime.settings.words["ambiguous"] = "wide"
    async with opened(runtime):
        assert frames() is Frames.ASCII
