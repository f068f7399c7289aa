"""Folders that belong to others, or that others see, are marked by a word."""

from __future__ import annotations

from msgspec.structs import replace

from cloudtui.services.models import Flag
from tests.screens.driving import opened, picture, press
from tests.screens.fake_runtime import folder, sample_runtime


async def test_a_shared_folder_is_marked_in_its_row_and_explained_below() -> None:
    runtime = sample_runtime()
    rows = runtime.places["pikpak"].tree["Media",]
    rows.append(replace(folder("ours"), flags=Flag.SHARED | Flag.READ_ONLY))
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        (row,) = [line for line in picture(app) if "ours/" in line]
        assert "SHR" in row
        assert "DIR" in next(line for line in picture(app) if "Series/" in line)
        await press(pilot, "tab", "down", "down")
        assert app.main.right.view.current == rows[-1]
        assert "folder   2025-05-02 21:14   shared   read-only" in picture(app)[-2]
