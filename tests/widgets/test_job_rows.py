"""Jobs as text: bars that never lie, words for every state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from cloudtui.services.transfers.orders import Direction, JobState, JobView, Verb
from cloudtui.widgets import job_rows

BASE = JobView(
    id="1",
    verb=Verb.COPY,
    direction=Direction.DOWN,
    title="S01E01.mkv",
    sources=("pikpak:/a",),
    target="/tmp",
    state=JobState.RUNNING,
    files_total=1,
    bytes_done=2_040_109_465,
    bytes_total=4_402_341_478,
    counted=True,
    speed=8_388_608.0,
    left=281.0,
    mine=True,
)


@given(
    st.sampled_from(JobState),
    st.integers(60, 200),
    st.text(max_size=60),
    st.text(max_size=60),
    st.booleans(),
)
def test_every_line_is_exactly_as_wide_as_asked(
    state: JobState,
    width: int,
    title: str,
    message: str,
    counted: bool,
) -> None:
    view = replace(BASE, state=state, title=title, message=message, counted=counted)
    assert cell_len(job_rows.job_line(view, width)) == width
    assert cell_len(job_rows.totals_line([view], width)) == width


@pytest.mark.parametrize("width", [76, 80, 118, 198])
@pytest.mark.parametrize("worded", [False, True])
def test_a_job_without_a_byte_for_long_says_how_long(width: int, worded: bool) -> None:
    line = job_rows.job_line(replace(BASE, stalled=12, speed=0.0, left=None), width, worded=worded)
    assert line.rstrip().endswith("stalled 12 s") or "stalled 12 s  to /tmp" in line
    assert "46%" in line
    assert cell_len(line) == width
    longer = job_rows.job_line(replace(BASE, stalled=75), width, worded=worded)
    assert "stalled 1m15s" in longer
    assert "stalled" not in job_rows.job_line(BASE, width, worded=worded)


def test_a_running_job_shows_all_numbers() -> None:
    line = job_rows.job_line(BASE, 118)
    for word in ("down", "S01E01.mkv", "46%", "1.9/4.1 GiB", "8.0 MiB/s", "4m41s", "[####"):
        assert word in line
    short = job_rows.job_line(BASE, 80)
    assert "1.9G/4.1G" in short
    assert short.rstrip().endswith("4m41s")


def test_nothing_is_promised_while_counting() -> None:
    view = replace(BASE, counted=False, files_total=1204, bytes_total=3_300_000_000)
    line = job_rows.job_line(view, 118)
    assert "counting 1,204 files, 3.1 GiB so far" in line
    assert "%" not in line
    assert "[#" not in line


def test_states_have_signs_before_colours() -> None:
    assert job_rows.sign(replace(BASE, state=JobState.DONE)) == "+"
    assert job_rows.sign(replace(BASE, files_failed=1)) == "!"
    assert job_rows.sign(replace(BASE, files_asking=1)) == "?"
    assert job_rows.sign(replace(BASE, direction=Direction.UP)) == "^"
    assert job_rows.word(replace(BASE, orphan=True)) == "paused"


def test_totals_leave_finished_jobs_out_and_stop_at_99() -> None:
    done = replace(BASE, id="2", state=JobState.DONE)
    full = replace(BASE, bytes_done=BASE.bytes_total)
    sums = job_rows.totals([full, done])
    assert sums["running"] == 1
    assert job_rows.total_percent(sums) == 99


def test_the_end_of_a_job_is_one_sentence() -> None:
    done = replace(BASE, state=JobState.DONE, files_done=1)
    assert job_rows.ended_words(done) == "Copied S01E01.mkv: 1 file, 4.1 GiB."
    some = replace(done, files_total=43, files_done=41, files_failed=2, verb=Verb.MOVE)
    assert job_rows.ended_words(some).startswith("Moved 41 of 43 files: S01E01.mkv")
    assert "2 failed and stay." in job_rows.ended_words(some)


def test_both_ends_are_told_with_the_home_folder_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    view = replace(BASE, sources=("/home/ana/a", "b"), target="/home/anabel", files_failed=2)
    assert job_rows.journey(view) == "copy ~/a and 1 more -> /home/anabel   2 failed"
