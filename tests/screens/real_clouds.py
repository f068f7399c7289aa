"""The app on a home whose accounts lie in a running sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from cloudtui.app import CloudApp
from cloudtui.ports import Door
from cloudtui.services.runtime import Overrides, open_runtime
from cloudtui.services.secrets import MemoryStore
from tests.cloudtui_process import home_with_accounts
from tests.sandbox_process import SandboxProcess
from tests.screens.driving import panes_ready, picture, settle

PATIENCE = 60.0
"""Seconds for what goes over real sockets on a busy machine."""


@asynccontextmanager
async def on_clouds(
    box: SandboxProcess, folder: Path, left: str, right: str
) -> AsyncIterator[tuple[CloudApp, Pilot[int]]]:
    """Both panes listed; the accounts are `pk` and `pc`, the home lies below `folder`."""
    home = home_with_accounts(folder / "home", box)
    door = Door(
        lambda: open_runtime(Overrides(environ=home.environment(), secret_store=MemoryStore()))
    )
    app = CloudApp(door, left, right)
    async with app.run_test(size=(100, 36), notifications=True) as pilot:
        await settle(pilot, lambda: panes_ready(app), limit=PATIENCE)
        yield app, pilot
    app.bridge.detach()
    await door.close()


def shown(app: CloudApp) -> str:
    """The screen as text."""
    return "\n".join(picture(app))


async def see(app: CloudApp, pilot: Pilot[int], *words: str) -> str:
    """Wait until the screen shows all these words; the screen."""
    await settle(pilot, lambda: all(word in shown(app) for word in words), limit=PATIENCE)
    return shown(app)


async def no_box(app: CloudApp, pilot: Pilot[int]) -> None:
    """Wait until the panes are all that is open, and listed."""
    await settle(
        pilot, lambda: app.screen is app.main and not app.main.active.loading, limit=PATIENCE
    )


async def on_row(app: CloudApp, pilot: Pilot[int], name: str) -> None:
    """Put the cursor of the pane with focus on an entry, once it is among the rows."""
    while (row := _row_of(app, name)) is None:
        await settle(pilot, lambda: _row_of(app, name) is not None, limit=PATIENCE)
    app.main.active.pane.go_to(row)
    current = app.main.active.view.current
    assert current is not None
    assert current.name == name


def _row_of(app: CloudApp, name: str) -> int | None:
    view = app.main.active.view
    entries = (view.entry_at(row) for row in range(len(view.order) + 1))
    return next((row for row, one in enumerate(entries) if one and one.name == name), None)


def fill(app: CloudApp, field: str, text: str) -> None:
    """Put text into a field, as a paste would."""
    app.screen.query_one(f"#{field}", Input).value = text
