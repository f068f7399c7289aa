"""Stars and the history, from the keys to what the sandbox's PikPak holds afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtui.app import CloudApp
from tests.sandbox_process import SandboxProcess, start_sandbox
from tests.screens.driving import press, settle
from tests.screens.real_clouds import PATIENCE, no_box, on_clouds, on_row, see, shown

pytestmark = pytest.mark.program


@pytest.fixture
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with start_sandbox(tmp_path_factory.mktemp("clouds"), "--seed", "library") as running:
        yield running


def starred(box: SandboxProcess) -> set[str]:
    (account,) = box.admin.state("pikpak")["accounts"].values()
    return {node["path"] for node in account["nodes"] if node["starred"]}


def current(app: CloudApp) -> str:
    entry = app.main.active.view.current
    return entry.name if entry is not None else ""


async def test_a_star_is_seen_by_everybody_and_a_history_leads_back(
    box: SandboxProcess, tmp_path: Path
) -> None:
    (tmp_path / "fresh.txt").write_text("new")
    async with on_clouds(box, tmp_path, "pk:/Documents", str(tmp_path)) as (app, pilot):
        await on_row(app, pilot, "Welcome.txt")
        await press(pilot, "S")
        await see(app, pilot, "Starred: Welcome.txt", "Welcome.txt  *")
        assert starred(box) == {"/Documents/Welcome.txt"}
        await press(pilot, "backspace")
        await no_box(app, pilot)
        await press(pilot, "g", "f")
        await see(app, pilot, "With a star on PikPak pk", "1 item", "/Documents")
        await press(pilot, "enter")
        await no_box(app, pilot)
        await settle(pilot, lambda: current(app) == "Welcome.txt", limit=PATIENCE)
        assert "Welcome.txt  *" in shown(app)  # as the service lists it
        await press(pilot, "u")
        await see(app, pilot, "Star taken off: Welcome.txt")
        assert starred(box) == set()
        await press(pilot, "tab")
        await on_row(app, pilot, "fresh.txt")
        await press(pilot, "f5")
        await see(app, pilot, "Copy to PikPak pk /Documents")
        await press(pilot, "enter")
        await no_box(app, pilot)
        await settle(
            pilot,
            lambda: any(entry.name == "fresh.txt" for entry in app.main.left.view.entries),
            limit=PATIENCE,
        )
        await press(pilot, "tab", "home", "g", "e")
        await see(app, pilot, "History of PikPak pk", "lines", "uploaded  fresh.txt", "Welcome.txt")
        await press(pilot, "home", "enter")
        await no_box(app, pilot)
        await settle(pilot, lambda: current(app) == "fresh.txt", limit=PATIENCE)
        await press(pilot, "g", "e")
        await see(app, pilot, "lines", "fresh.txt")
        await press(pilot, "E")
        await see(app, pilot, "Forget all that was done")
        await press(pilot, "f")
        await see(app, pilot, "PikPak pk remembers nothing.")
