"""Keys that arrive in one piece mean what they would mean one by one."""

from __future__ import annotations

import asyncio
import time

import pytest

from cloudtui.ports import RuntimePort
from cloudtui.screens.bookmarks import BookmarkScreen
from tests.screens.driving import opened, press, rush, settle
from tests.screens.fake_runtime import sample_runtime


async def test_text_behind_the_key_that_changes_panes_is_no_command() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await rush(pilot, "tab", "slash", *"nmDr")
        await settle(pilot, lambda: app.main.right.view.pattern == "nmDr")
        assert app.main.left.view.pattern == ""
        assert app.screen is app.main


async def test_an_answer_typed_ahead_neither_answers_the_box_nor_acts_behind_it() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        at = app.main.left.at
        await rush(pilot, "f7", "enter")
        await settle(pilot, lambda: app.screen is not app.main)
        assert app.main.left.at == at
        await rush(pilot, "escape", "down", "insert")
        await settle(pilot, lambda: app.main.left.view.marked == 1)
        assert app.screen is app.main


async def test_the_way_through_two_boxes_and_back() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        for _ in range(3):
            await rush(pilot, "question_mark", "escape", "colon", "escape", "tab")
        await settle(pilot, lambda: app.screen is app.main and app.main.active is app.main.right)


async def test_keys_wait_for_a_box_that_takes_a_busy_machine_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where other programs have the processor while the box is made."""
    async with opened(sample_runtime()) as (app, pilot):
        runtime = app.main.runtime

        async def slowly() -> RuntimePort:
            end = time.perf_counter() + 0.4
            while time.perf_counter() < end:
                continue
            for _ in range(20):
                await asyncio.sleep(0)
            return await runtime()

        monkeypatch.setattr(app.main, "runtime", slowly)
        await rush(pilot, "b", "down", "insert")
        await settle(pilot, lambda: isinstance(app.screen, BookmarkScreen))
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        assert app.main.left.view.marked == 0
