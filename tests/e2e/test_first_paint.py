"""Time to the first frame, side by side with a bare app of the same framework.

What is compared is processor time, taken by the program itself as it writes the words: the clock on
the wall also counts whatever else the machine does, and whoever looks from outside looks late. Of
many runs the cheapest counts; what others cost more is the machine's doing. Both are printed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

TIMED = """
import os, sys, time

class Watched:
    def __init__(self, real, words, note):
        self._real, self._words, self._note, self._tail = real, words, note, ""

    def __getattr__(self, name):
        return getattr(self._real, name)

    def write(self, text):
        self._real.write(text)
        self._tail += text
        if self._words in self._tail:
            os.write(self._note, b"%d" % time.process_time_ns())
            os._exit(0)
        self._tail = self._tail[-len(self._words):]

sys.__stderr__ = Watched(sys.__stderr__, sys.argv.pop(1), int(sys.argv.pop(1)))
"""
"""Stands before a program that Textual paints, which writes to this stream: notes how many
nanoseconds of processors it had used when the words went out, and ends it."""

OURS = """
from cloudtui.cli import main
main()
"""
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


def seconds_until(words: str, program: str, folder: Path, *given: str) -> tuple[float, float]:
    """Processor and wall seconds from starting a program on a terminal until `words` went out."""
    told, note = os.pipe()
    os.set_inheritable(note, True)  # noqa: FBT003 - it takes no names
    command = [sys.executable, "-c", TIMED + program, words, str(note), *given]
    began = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ["TERM"] = "xterm-256color"
        os.execv(command[0], command)  # noqa: S606
    os.close(note)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    try:
        while True:
            ready, _, _ = select.select([terminal, told], [], [], 120)
            assert ready, f"no {words!r} within two minutes: {seen[-300:]!r}"
            if told in ready:
                spent = os.read(told, 100)
                assert spent, f"it ended without {words!r}: {seen[-300:]!r}"
                return int(spent) / 1e9, time.perf_counter() - began
            with contextlib.suppress(OSError):  # how Linux says that nobody is left on a terminal
                seen += os.read(terminal, 65536)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
        os.close(told)


@pytest.mark.e2e
def test_the_first_frame_costs_little_more_than_the_framework(here: Path) -> None:
    bare, ours = [], []
    for _ in range(RUNS):
        bare.append(seconds_until("first frame", BARE, here))
        ours.append(seconds_until("Help", OURS, here, str(here), str(here)))
    (bare_cpu, bare_wall), (our_cpu, our_wall) = (
        [min(column) for column in zip(*runs, strict=True)] for runs in (bare, ours)
    )
    print(
        f"bare {bare_cpu:.2f} s ({bare_wall:.2f} on the wall), "
        f"cloudtui {our_cpu:.2f} s ({our_wall:.2f})"
    )
    assert our_cpu / bare_cpu <= MOST, f"{our_cpu / bare_cpu:.2f} times a bare app"
