"""Undo of copies and moves with the real engine on the real disk, by keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.ports import Door
from cloudtui.services.runtime import Overrides, open_runtime
from cloudtui.services.secrets import MemoryStore
from tests.screens.driving import panes_ready, press, settle
from tests.screens.test_queue import shown


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with things in it, and an empty one."""
    left, right = tmp_path / "left", tmp_path / "right"
    (left / "sub" / "deep").mkdir(parents=True)
    right.mkdir()
    (left / "sub" / "deep" / "a [b].txt").write_bytes(b"hello")
    (left / "big.bin").write_bytes(b"b" * 100_000)
    return left, right


@asynccontextmanager
async def opened(left: Path, right: Path) -> AsyncIterator[tuple[CloudApp, Pilot[int]]]:
    door = Door(lambda: open_runtime(Overrides(secret_store=MemoryStore())))
    app = CloudApp(door, str(left), str(right))
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot, lambda: panes_ready(app), limit=60)
        yield app, pilot
    app.bridge.detach()
    await door.close()


async def transfer(app: CloudApp, pilot: Pilot[int], key: str) -> None:
    """Everything of the left pane to the right one, to the end."""
    word = "Copied" if key == "f5" else "Moved"
    await press(pilot, "ctrl+a", key)
    await settle(pilot, lambda: "Enter starts" in shown(app))
    await press(pilot, "enter")
    await settle(pilot, lambda: any(word in line for line in app.remembered()), limit=60)


def said(app: CloudApp, words: str) -> bool:
    return any(words in line for line in app.remembered())


async def test_copies_go_to_the_trash(sides: tuple[Path, Path]) -> None:
    left, right = sides
    async with opened(left, right) as (app, pilot):
        await transfer(app, pilot, "f5")
        await settle(pilot, lambda: "u undo" in shown(app))
        assert (right / "sub" / "deep" / "a [b].txt").exists()
        await press(pilot, "u")
        await settle(pilot, lambda: said(app, "Moved the copies to the trash: 2 items."), limit=60)
        assert list(right.iterdir()) == []
        assert (left / "big.bin").exists()
        await press(pilot, "u")
        await settle(pilot, lambda: said(app, "Nothing to undo."))


async def test_copies_that_changed_since_stay(sides: tuple[Path, Path]) -> None:
    left, right = sides
    async with opened(left, right) as (app, pilot):
        await transfer(app, pilot, "f5")
        (right / "sub" / "mine.txt").write_bytes(b"new")
        await press(pilot, "u")
        await settle(pilot, lambda: said(app, "The copies changed since: 2 files"), limit=60)
        assert (right / "big.bin").exists()
        assert (right / "sub" / "mine.txt").exists()


async def test_what_was_moved_inside_one_place_goes_back(sides: tuple[Path, Path]) -> None:
    left, right = sides
    async with opened(left, right) as (app, pilot):
        await transfer(app, pilot, "f6")
        assert list(left.iterdir()) == []
        await press(pilot, "u")
        await settle(pilot, lambda: said(app, "Moved back: 2 items."), limit=60)
        assert (left / "sub" / "deep" / "a [b].txt").read_bytes() == b"hello"
        assert list(right.iterdir()) == []


async def test_what_met_a_taken_name_is_no_step(sides: tuple[Path, Path]) -> None:
    left, right = sides
    (right / "sub").mkdir()
    async with opened(left, right) as (app, pilot):
        await transfer(app, pilot, "f5")
        assert not said(app, "u undo")
        await press(pilot, "u")
        await settle(pilot, lambda: said(app, "Nothing to undo."))
        assert (right / "sub" / "deep" / "a [b].txt").exists()
