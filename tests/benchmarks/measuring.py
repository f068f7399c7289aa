"""Running a child and saying what it cost, and medians of what was measured."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds on the clock and of processor, peak resident memory in MiB."""

    wall: float
    cpu: float
    rss: float


class Failed(Exception):
    """A measured program did not do what it was asked to."""


class Peak:
    """The largest resident memory of a process in MiB, looked at while it runs: the figure the
    system gives at the end begins with what the parent held when it started the child."""

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/status")
        self._most = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while True:
            try:
                told = self._path.read_text().partition("VmHWM:")[2]
            except OSError:
                return  # it is gone
            if told:
                self._most = int(told.split()[0]) / 1024
            if self._ended.wait(0.03):
                return

    def stop(self) -> float:
        """What was seen."""
        self._ended.set()
        self._thread.join()
        return self._most


def run_child(
    command: Sequence[str], environment: Mapping[str, str], *, timeout: float = 900.0
) -> Run:
    """Run to the end. Raises Failed with its words unless it exits with 0."""
    started = time.perf_counter()
    child = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert child.stderr is not None
    peak = Peak(child.pid)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    rss = peak.stop()
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stderr.close()
    if child.returncode:
        words = said.decode(errors="replace")[-2000:]
        raise Failed(f"{command[0]} {command[1:4]} ended with {child.returncode}: {words}")
    return Run(wall, usage.ru_utime + usage.ru_stime, rss)


def median(runs: Sequence[Run]) -> Run:
    """The median of each figure by itself."""
    return Run(
        statistics.median(run.wall for run in runs),
        statistics.median(run.cpu for run in runs),
        statistics.median(run.rss for run in runs),
    )
