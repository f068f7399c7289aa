"""Pictures in a real terminal: beside the panes once the cursor rests, and whole by F3."""

from __future__ import annotations

import pytest

from tests.cloudtui_process import Home
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("account", ["pk", "pc"])
def test_a_picture_of_a_cloud_is_drawn_in_half_blocks(home: Home, account: str) -> None:
    command = home.command(f"{account}:/Pictures", str(home.folder))
    environ = {**home.environment(), "TERM": "xterm-256color"}
    with Terminal(command, environ, size=(200, 60)) as screen:
        screen.until("IMG_0008.png")
        screen.keys("End")
        screen.until("JPEG picture, 224 x 160, made by ")
        screen.until(lambda text: text.count("▀") == 48 * 17, "the picture beside the panes")
        screen.keys("F3")
        screen.until("x bytes   Esc closes")
        screen.until(lambda text: text.count("▀") > 5000, "the picture on the whole screen")
        screen.keys("x")
        screen.until("00000000  89 50 4e 47")
        screen.keys("Escape")
        screen.until(lambda text: "00000000" not in text, "the panes again")
        screen.keys("q")
        assert screen.until_ended() == 0
