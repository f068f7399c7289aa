"""F4 in a real terminal: the editor has it to itself, then the screen is back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloudtui_process import Home
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.e2e

SCRIPT = """#!/bin/sh
test "$1" = -- || exit 3
echo "the editor has $(basename "$2") and asks"
read line
printf '%s\\n' "$line" >> "$2"
"""


@pytest.mark.parametrize("account", ["pk", "pc"])
def test_a_text_of_a_cloud_is_edited_and_goes_back(
    home: Home, account: str, tmp_path: Path
) -> None:
    script = tmp_path / "editor"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    environ = {**home.environment(), "EDITOR": str(script), "VISUAL": ""}
    home.run("mkdir", f"{account}:/edited").ok()
    (work / "note.txt").write_text("first\n")
    home.run("cp", str(work / "note.txt"), f"{account}:/edited/").ok()
    command = home.command(str(work), f"{account}:/edited")
    with Terminal(command, environ, size=(80, 24), folder=work) as screen:
        screen.until(lambda text: text.count("note.txt") >= 2, "both panes")
        screen.keys("Tab", "Down", "F4")
        screen.until("the editor has note.txt and asks")
        screen.write("second")
        screen.keys("Enter")
        screen.until("note.txt was sent back.")
        screen.keys("?")
        screen.until("type to filter")
        screen.keys("Escape")
        screen.until(lambda text: "type to filter" not in text, "the panes again")
        screen.keys("q")
        assert screen.until_ended() == 0
    told = home.run("cat", f"{account}:/edited/note.txt").ok()
    assert told.out == "first\nsecond\n"
    drafts = [path for path in home.folder.rglob("drafts/**/*") if path.is_file()]
    assert drafts == []
