"""The first folder of the disk shows before anything else is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.first_look import first_look
from cloudtui.ports import Door, RuntimeFactory
from cloudtui.services.addresses import local_location
from cloudtui.services.models import DISK
from tests.screens.driving import panes_ready, press, settle
from tests.screens.fake_runtime import FakePlace, FakeRuntime, file, folder
from tests.screens.test_queue import shown


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A folder with a folder and a file in it."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "zebra [b].txt").write_bytes(b"stripes")
    return tmp_path


@asynccontextmanager
async def slow_start(disk: Path) -> AsyncIterator[tuple[CloudApp, Pilot[int], asyncio.Event]]:
    """The app; its runtime opens when the event is set."""
    at = local_location(str(disk)).parts
    tree = {at: [folder("inner"), file("zebra [b].txt", 7)], (*at, "inner"): [file("deep.txt")]}
    runtime = FakeRuntime(FakePlace(DISK, "disk", "disk", tree))
    go = asyncio.Event()

    @asynccontextmanager
    async def opened() -> AsyncIterator[FakeRuntime]:
        await go.wait()
        yield runtime

    door = Door(cast("RuntimeFactory", opened))
    app = CloudApp(door, str(disk), "", first_look=first_look)
    async with app.run_test(size=(80, 24)) as pilot:
        yield app, pilot, go
        go.set()
        await settle(pilot, lambda: panes_ready(app))
    await door.close()


async def test_rows_show_before_there_is_a_runtime_and_keep_the_cursor(disk: Path) -> None:
    async with slow_start(disk) as (app, pilot, go):
        await settle(pilot, lambda: "zebra [b].txt" in shown(app))
        assert app.door.current is None
        await press(pilot, "down", "down", "space", "u")
        assert "1 marked" in shown(app)
        go.set()
        await settle(pilot, lambda: panes_ready(app))
        current = app.main.left.view.entry_at(2)
        assert current is not None
        assert current.name == "zebra [b].txt"
        assert app.main.left.view.cursor == 2
        assert not app.main.left.pane.stale
        assert "1 marked" in shown(app)


async def test_who_goes_on_at_once_is_not_called_back(disk: Path) -> None:
    async with slow_start(disk) as (app, pilot, go):
        await settle(pilot, lambda: "inner/" in shown(app))
        await press(pilot, "down", "enter")
        go.set()
        await settle(pilot, lambda: panes_ready(app))
        assert "deep.txt" in shown(app)
        assert app.main.left.at == local_location(str(disk / "inner"))


async def test_only_what_lies_on_the_disk_and_can_be_listed_is_looked_at(disk: Path) -> None:
    seen = await first_look(str(disk))
    assert seen is not None
    assert sorted(entry.name for entry in seen[1]) == ["inner", "zebra [b].txt"]
    assert await first_look("pikpak:/Media") is None
    assert await first_look(str(disk / "missing")) is None
