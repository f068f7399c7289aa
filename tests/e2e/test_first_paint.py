"""Time to the first frame, side by side with a bare app of the same framework.

What is compared is processor time: the clock on the wall also counts whatever else the machine
does. Both are printed.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("first frame")

Bare().run()
"""
RUNS = 9
MOST = 1.6


def seconds_until(words: bytes, command: list[str], folder: Path) -> tuple[float, float]:
    """Processor and wall seconds from starting `command` on a terminal until `words` came."""
    began = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ["TERM"] = "xterm-256color"
        os.execv(command[0], command)  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    try:
        while words not in seen:
            ready, _, _ = select.select([terminal], [], [], 60)
            assert ready, f"no {words!r} within a minute: {seen[-300:]!r}"
            seen += os.read(terminal, 65536)
        wall = time.perf_counter() - began
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), wall
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


@pytest.mark.e2e
def test_the_first_frame_costs_little_more_than_the_framework(here: Path) -> None:
    bare, ours = [], []
    for _ in range(RUNS):
        bare.append(seconds_until(b"first frame", [sys.executable, "-c", BARE], here))
        command = [sys.executable, "-m", "cloudtui", str(here), str(here)]
        ours.append(seconds_until(b"Help", command, here))
    (bare_cpu, bare_wall), (our_cpu, our_wall) = (
        [statistics.median(column) for column in zip(*runs, strict=True)] for runs in (bare, ours)
    )
    print(
        f"bare {bare_cpu:.2f} s ({bare_wall:.2f} on the wall), "
        f"cloudtui {our_cpu:.2f} s ({our_wall:.2f})"
    )
    assert our_cpu / bare_cpu <= MOST, f"{our_cpu / bare_cpu:.2f} times a bare app"
