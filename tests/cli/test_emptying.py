"""How far the emptying of a trash is, on a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import termios
from pathlib import Path

from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess


def test_emptying_a_trash_says_on_a_terminal_how_far_it_is(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    box.admin.order("pcloud", "put", path=f"/{tmp_path.name}.txt", base64="eA==")
    home.run("rm", f"pc:/{tmp_path.name}.txt").ok()
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = subprocess.Popen(
        home.command("trash", "empty", "pc:", "--yes"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=home.environment(),
    )
    os.close(theirs)
    with process:
        told = b""
        with contextlib.suppress(OSError):  # how a terminal says that its last writer is gone
            while piece := os.read(ours, 4096):
                told += piece
        assert process.wait(60) == 0
    os.close(ours)
    far = [tuple(map(int, found)) for found in re.findall(rb"emptying  (\d+) of (\d+)", told)]
    assert far[-1][0] == far[-1][1] >= 1
    assert [done for done, _ in far] == sorted(done for done, _ in far)
    assert b"The trash of pCloud is empty." in told
