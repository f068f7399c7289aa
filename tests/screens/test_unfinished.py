"""A job left in the middle stands paused on the next start and goes on by keys."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.ports import Door
from cloudtui.services.runtime import Overrides, open_runtime
from cloudtui.services.secrets import MemoryStore
from tests.sandbox_process import SandboxProcess, start_sandbox
from tests.screens.driving import panes_ready, picture, press, settle

SIZE = 40_000_000


@asynccontextmanager
async def running(
    sandbox: SandboxProcess, folder: Path, **environ: str
) -> AsyncIterator[tuple[CloudApp, Pilot[int]]]:
    """The app with a pCloud account on the sandbox in its right pane."""
    known = sandbox.endpoints["pcloud"]
    env = {
        **os.environ,
        "CLOUDTUI_ACCOUNT__PC__KIND": "pcloud",
        "CLOUDTUI_ACCOUNT__PC__API_URL": known["us_url"],
        "CLOUDTUI_ACCOUNT__PC__TOKEN": known["us_token"],
        **environ,
    }
    door = Door(lambda: open_runtime(Overrides(environ=env, secret_store=MemoryStore())))
    app = CloudApp(door, str(folder), "pc:/")
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot, lambda: panes_ready(app), limit=30)
        yield app, pilot
    app.bridge.detach()
    await door.close()


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


async def test_quit_in_the_middle_and_go_on_after_the_next_start(
    tmp_path: Path, here: Path
) -> None:
    (here / "film.bin").write_bytes(os.urandom(SIZE))
    with start_sandbox(tmp_path) as sandbox:
        async with running(sandbox, here, CLOUDTUI_BANDWIDTH="2M") as (app, pilot):
            assert app.main.right.error is None
            await press(pilot, "end", "f5")
            await settle(pilot, lambda: app.screen is not app.main)
            await press(pilot, "enter")
            await settle(
                pilot, lambda: any((view.percent or 0) >= 10 for view in app.bridge.views), limit=60
            )
            # from here on it takes ten minutes: however slow the machine, the job is not over
            # before the program is left
            runtime = app.door.current
            assert runtime is not None
            runtime.transfers.limit_speed(64 * 1024)
            await press(pilot, "q")
            await settle(pilot, lambda: "Pause and quit" in shown(app))
            await press(pilot, "enter")
            await settle(pilot, lambda: app.return_value == 0)
        assert "film.bin" not in str(sandbox.admin.state("pcloud"))
        async with running(sandbox, here) as (app, pilot):
            await settle(pilot, lambda: any("1 unfinished job" in t for t in app.remembered()))
            await settle(pilot, lambda: "paused" in shown(app))
            (view,) = app.bridge.views
            assert view.orphan
            assert view.bytes_done > 0
            await press(pilot, "w", "P")
            await settle(
                pilot, lambda: any("Copied film.bin" in t for t in app.remembered()), limit=60
            )
            assert app.bridge.views[0].percent == 100
            await press(pilot, "escape")
            await settle(pilot, lambda: "film.bin" in shown(app))
