"""The screen at three sizes, compared with plain-text pictures that can be read in a diff.

`DRAW_PICTURES=1` writes the pictures anew.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from textual import events
from textual.geometry import Size

from cloudtui.services.transfers.orders import Direction, JobState
from tests.screens.driving import SIZES, opened, picture, press, quiet, settle
from tests.screens.fake_runtime import FakeRuntime, job, sample_runtime

PICTURES = Path(__file__).parent / "pictures"


def busy_runtime() -> FakeRuntime:
    runtime = sample_runtime()
    runtime.transfers.jobs = [
        job("S01E01.mkv"),
        job(
            "photos",
            direction=Direction.UP,
            files_done=3,
            files_total=120,
            bytes_done=4_300_000,
            bytes_total=5_347_737,
            speed=3_565_158.0,
            left=0.4,
        ),
        job("report.pdf", JobState.ASKS, files_asking=1, bytes_done=0),
        job("Subs", JobState.WAITING, bytes_done=0, message="after S01E01.mkv"),
    ]
    return runtime


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr("cloudtui.widgets.header.time.strftime", lambda _form: "14:02   ")


def compare(name: str, lines: list[str]) -> None:
    """Compare with the picture of that name."""
    file = PICTURES / f"{name}.txt"
    text = "\n".join(lines) + "\n"
    if os.environ.get("DRAW_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_browser(size: tuple[int, int]) -> None:
    async with opened(busy_runtime(), size=size) as (app, pilot):
        await settle(pilot, lambda: any("S01E01.mkv" in line for line in picture(app)))
        await press(pilot, "down", "down", "space")
        lines = picture(app)
        assert len(lines) == size[1]
        compare(f"browser-{size[0]}x{size[1]}", lines)


async def test_browser_in_ascii() -> None:
    runtime = sample_runtime()
    runtime.settings.words["borders"] = "ascii"
    async with opened(runtime) as (app, pilot):
        await press(pilot, "down")
        lines = picture(app)
        chrome = "".join(lines[1:23]).replace("映画 予告編", "")
        assert chrome.isascii()
        compare("browser-ascii", lines)


async def test_boxes_fit_a_small_screen() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "down", "down", "space", "space", "f5")
        await settle(pilot, lambda: app.screen is not app.main)
        compare("copy-box-80x24", picture(app))
        await press(pilot, "escape", "D")
        await settle(pilot, lambda: any("Delete for ever" in line for line in picture(app)))
        compare("delete-box-80x24", picture(app))


async def test_a_resize_keeps_cursor_and_marks() -> None:
    async with opened(sample_runtime(), size=(120, 40)) as (app, pilot):
        await press(pilot, "down", "space", "down")
        before = app.main.left.view.current
        await pilot.resize_terminal(80, 24)
        await settle(pilot, lambda: app.main.size.width == 80)
        assert app.main.left.view.current == before
        assert app.main.left.view.marked == 1
        assert len(picture(app)) == 24
        assert max(len(line) for line in picture(app)) <= 80


@pytest.mark.parametrize("theme", ["light", "ansi", "high-contrast", "mono"])
async def test_every_theme_draws(theme: str) -> None:
    runtime = sample_runtime()
    runtime.settings.words["theme"] = theme
    async with opened(runtime) as (app, pilot):
        await press(pilot, "down", "d")
        await settle(pilot, lambda: app.screen is not app.main)
        assert app.theme == theme
        assert any("Move to trash" in line for line in picture(app))


async def test_two_sizes_on_their_way_at_once_do_not_swap_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(sample_runtime()) as (app, pilot):
        main = app.main
        asked: list[Size] = []
        lay_out = main._screen_resized

        def count(size: Size) -> None:
            asked.append(size)
            assert len(asked) < 50, "it lays out without end"
            lay_out(size)

        monkeypatch.setattr(main, "_screen_resized", count)
        for height in (25, 24):
            size = Size(80, height)
            main.post_message(events.Resize(size, size))
            main.call_later(main.refresh_words)  # keeps the two from becoming one
        await settle(pilot, lambda: len(asked) >= 2)
        for _ in range(20):
            await quiet(pilot)
        assert main.size == Size(80, 24)


@pytest.mark.parametrize("width", [40, 45, 60, 80])
async def test_answers_of_a_box_that_gets_narrow_are_all_to_be_seen(width: int) -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("film.mkv")]
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "q", "right")
        await settle(pilot, lambda: "[[ Go on without the screen ]]" in "\n".join(picture(app)))
        await pilot.resize_terminal(width, 24)
        await settle(pilot, lambda: app.screen.size.width == width)
        for words in ("[ Pause and quit ]", "[[ Go on without the screen ]]", "[ Wait, then quit ]",
                      "[ Stay ]"):  # fmt: skip
            await settle(pilot, lambda words=words: words in "\n".join(picture(app)))  # type: ignore[misc]
        await pilot.resize_terminal(120, 40)
        await settle(
            pilot,
            lambda: any(
                "[ Pause and quit ]" in line and "Go on without" in line for line in picture(app)
            ),
        )


@pytest.mark.parametrize("size", [(59, 24), (80, 14)])
async def test_a_small_screen_has_one_pane(size: tuple[int, int]) -> None:
    async with opened(sample_runtime(), size=size) as (app, pilot):
        lines = picture(app)
        assert "disk /videos" in lines[1]
        assert "[1/2]" in lines[1]
        assert "PikPak /Media" not in lines[1]
        assert len(lines[2]) == size[0]
        await press(pilot, "tab")
        await settle(pilot, lambda: "[2/2]" in picture(app)[1])
        assert "PikPak /Media" in picture(app)[1]
        await pilot.resize_terminal(80, 24)
        await settle(pilot, lambda: "disk /videos" in picture(app)[1])


async def test_the_key_bar_of_a_small_screen_leads_to_all_keys() -> None:
    async with opened(sample_runtime(), size=(45, 20)) as (app, _):
        assert picture(app)[-1].startswith("1Help 5Copy 6Move 8Trash 9All")
