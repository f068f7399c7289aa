"""What is said of things that go for good: how far an emptying is, which links end."""

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


def test_a_delete_for_ever_names_the_links_that_end(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    there = f"pc:/{tmp_path.name}-linked.txt"
    box.admin.order("pcloud", "put", path=there.removeprefix("pc:"), base64="eA==")
    link = home.run("share", "add", there).ok().out.strip()
    told = home.run("rm", "--forever", there).ok().err
    assert "1 public link will be taken back:" in told
    assert link in told
