"""The whole way with nothing stood in for: real disk, real engine, keys only."""

from __future__ import annotations

import os
from pathlib import Path

from cloudtui.app import CloudApp
from cloudtui.ports import Door
from cloudtui.services.runtime import Overrides, open_runtime
from cloudtui.services.secrets import MemoryStore
from tests.screens.driving import panes_ready, picture, press, settle


async def test_a_folder_is_copied_moved_trashed_and_brought_back_by_keys(tmp_path: Path) -> None:
    left, right = tmp_path / "left", tmp_path / "right"
    (left / "sub").mkdir(parents=True)
    right.mkdir()
    (left / "sub" / "a [b].txt").write_bytes(b"hello")
    (left / "big.bin").write_bytes(os.urandom(3_000_000))
    door = Door(lambda: open_runtime(Overrides(secret_store=MemoryStore())))
    app = CloudApp(door, str(left), str(right))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await settle(pilot, lambda: panes_ready(app), limit=20)
        await press(pilot, "ctrl+a", "f5")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, "enter")
        await settle(pilot, lambda: any("Copied" in line for line in app.remembered()))
        assert (right / "sub" / "a [b].txt").read_bytes() == b"hello"
        assert (right / "big.bin").read_bytes() == (left / "big.bin").read_bytes()
        await settle(pilot, lambda: len(app.main.right.view.order) == 2)
        await press(pilot, "tab", "end", "f8")
        await settle(pilot, lambda: not (right / "big.bin").exists())
        await settle(pilot, lambda: any("u undo" in line for line in picture(app)))
        # else the list from before may be taken below for the one with what came back
        await settle(pilot, lambda: len(app.main.right.view.order) == 1)
        await press(pilot, "u")
        await settle(pilot, (right / "big.bin").exists)
        await settle(pilot, lambda: len(app.main.right.view.order) == 2)
        await press(pilot, "ctrl+a", "f8")
        await settle(pilot, lambda: any("Move to trash" in line for line in picture(app)))
        await press(pilot, "t")
        await settle(pilot, lambda: not list(right.iterdir()))
        await settle(pilot, lambda: app.screen is app.main)
        await press(pilot, "t")
        await settle(pilot, lambda: any("Trash of disk" in line for line in picture(app)))
        await settle(pilot, lambda: any("2 items" in line for line in picture(app)))
        await press(pilot, "ctrl+a", "r")
        await settle(pilot, (right / "sub" / "a [b].txt").exists)
        await settle(pilot, (right / "big.bin").exists)
        await settle(pilot, lambda: any("Trash is empty." in line for line in picture(app)))
        await press(pilot, "escape")
        await press(pilot, "w")
        await settle(pilot, lambda: any("100%" in line for line in picture(app)))
        await press(pilot, "escape", "q")
        await settle(pilot, lambda: app.return_value == 0)
    app.bridge.detach()
    await door.close()
    assert door.current is None
