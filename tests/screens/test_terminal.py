"""What the terminal around the screen is told: its title, and the bell when that is wanted."""

from __future__ import annotations

import pytest

from cloudtui import bridge
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
        for name, long in (("short", False), ("long", True)):
            monkeypatch.setattr(bridge, "_LONG", 0.0 if long else 3600.0)
            runtime.transfers.jobs = [job(name)]
            app.bridge.wake()
            runtime.transfers.jobs = [job(name, JobState.DONE, files_done=1)]
            app.bridge.wake()
            said = f"Copied {name}: 1 file"
            await settle(pilot, lambda said=said: any(said in one for one in app.remembered()))  # type: ignore[misc]
        assert len(rings) == rung


async def test_frames_are_of_one_cell_where_their_signs_take_two() -> None:
    runtime = sample_runtime()
    runtime.settings.words["ambiguous"] = "wide"
    async with opened(runtime):
        assert frames() is Frames.ASCII
