"""The full screen when its terminal goes away without a word."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.cloudtui_process import Home

pytestmark = pytest.mark.e2e


def test_a_lost_terminal_ends_the_program(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        home.command(str(tmp_path), str(tmp_path)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=home.environment({"TERM": "xterm-256color"}),
        start_new_session=True,  # so that no hang-up signal reaches it
    )
    try:
        os.close(theirs)
        drawn = b""
        while b"Quit" not in drawn:
            ready, _, _ = select.select([ours], [], [], 120)
            assert ready, "it never drew its panes"
            drawn += os.read(ours, 65536)
        os.close(ours)
        assert process.wait(120) != 0
    finally:
        process.kill()
        process.wait()
