"""A fault of ours, met while a password stands in a field: what is left on the screen and in the
log."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cloudtui_process import Home
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.e2e

PASSWORD = "Pw-typed-into-the-field"
PROGRAM = """
from textual.widgets import Input
from cloudtui.cli import main
from cloudtui.screens.dialogs import Dialog
from cloudtui.services.logs import hide
from cloudtui.services.models import Secret

def broken(self):
    typed = self.query_one("#password", Input).value
    secret = Secret(typed)
    hide(secret)
    everything = {"typed": typed, "secret": secret}
    raise RuntimeError(f"a fault with {typed} in its words")

Dialog.action_safe = broken
main()
"""


def test_a_crash_shows_no_password(home: Home, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with Terminal(command, home.environment(), size=(120, 40)) as screen:
        screen.until("Documents/")
        screen.keys("Tab", "@")
        screen.until("Add a PikPak account")
        screen.keys("4")
        screen.until("Sign in: PikPak")
        screen.write("ana@example.com")
        screen.keys("Tab")
        screen.write(PASSWORD)
        screen.until("•" * len(PASSWORD))
        screen.keys("Escape")
        assert screen.until_ended() == 1
        left = screen.history
    assert "ended by a fault of its own (RuntimeError)" in left
    assert PASSWORD not in left
    assert "Traceback" not in left
    log = (home.folder / "cloudtui" / "log" / "cloudtui.log").read_text()
    assert "RuntimeError: a fault with" in log
    assert "in broken" in log
    assert PASSWORD not in log
