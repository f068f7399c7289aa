"""`Q`: the shell that started the program stands in the pane's folder afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudtui.leaving import tell_shell
from tests.screens.driving import opened, press, settle
from tests.screens.fake_runtime import job, sample_runtime
from tests.screens.test_queue import shown


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a shell that wants to know."""
    file = tmp_path / "folder"
    monkeypatch.setenv("CLOUDTUI_FOLDER_FILE", str(file))
    return file


async def test_the_folder_of_the_disk_is_left_for_the_shell(asked: Path) -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "tab", "Q")  # a cloud has the focus: the other pane is of the disk
        await settle(pilot, lambda: app.return_value == 0)
        assert app.leave_in == f"{os.sep}videos"


def test_the_shell_reads_the_bytes_of_a_name(asked: Path) -> None:
    tell_shell("/videos/\udcff")
    assert asked.read_bytes() == b"/videos/\xff"


async def test_staying_leaves_the_shell_where_it_is(asked: Path) -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("film.mkv")]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "Q")
        await settle(pilot, lambda: "1 job is running." in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        assert app.leave_in == ""
        await press(pilot, "q")
        await settle(pilot, lambda: "1 job is running." in shown(app))


async def test_a_shell_that_does_not_look_is_told_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUDTUI_FOLDER_FILE", raising=False)
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "Q")
        await settle(pilot, lambda: "The shell follows when" in shown(app))
        assert app.return_value is None
