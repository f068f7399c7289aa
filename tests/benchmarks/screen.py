"""The full screen in a pseudo terminal: time to the first frame, and from a key to its paint."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.bare_app import MARK
from tests.benchmarks.large import MIB, make_file
from tests.benchmarks.measuring import Failed, Peak, Run
from tests.benchmarks.stage import Stage
from tests.benchmarks.table import Row

_CODES = re.compile(
    rb"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|P[^\x1b]*\x1b\\|[()].|.)"
)


class Terminal:
    """A program in a pseudo terminal of 120 by 40."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
    ) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.started = time.perf_counter()
        self.child = subprocess.Popen(
            command,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            start_new_session=True,
        )
        os.close(slave)
        self._raw = b""

    def read(self, seconds: float) -> bytes:
        """What it wrote next, empty when it wrote nothing for so long."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return b""
        try:
            piece = os.read(self._master, 1 << 16)
        except OSError as exc:
            raise Failed(f"the program ended: {self.text[-500:]}") from exc
        self._raw += piece
        return piece

    @property
    def text(self) -> str:
        """All it wrote, without control sequences."""
        return _CODES.sub(b"", self._raw).decode(errors="replace")

    def until(self, words: str, limit: float = 60.0) -> float:
        """Seconds since the start at which `words` had been written."""
        end = time.perf_counter() + limit
        while words not in self.text:
            if time.perf_counter() > end:
                raise Failed(f"{words!r} never came: {self.text[-800:]}")
            self.read(1.0)
        return time.perf_counter() - self.started

    def forget(self) -> None:
        """Start anew with what is written from now on."""
        self._raw = b""

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._master, keys)

    def quiet(self, seconds: float = 0.3) -> None:
        """Read until nothing comes for so long."""
        while self.read(seconds):
            pass

    def kill(self) -> Run:
        """End it; what it cost."""
        rss = Peak(self.child.pid).stop()
        self.child.send_signal(signal.SIGKILL)
        _, _, usage = os.wait4(self.child.pid, 0)
        self.child.returncode = -signal.SIGKILL
        os.close(self._master)
        return Run(0.0, usage.ru_utime + usage.ru_stime, rss)


def _environment(home: Path) -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "CLOUDTUI_HOME": str(home / "cloudtui"),
        "CLOUDTUI_SECRETS": "memory",
        "PYTHONPATH": str(Path.cwd()),
    }


def _start(command: Sequence[str], environment: Mapping[str, str], words: str) -> Run:
    terminal = Terminal(command, environment)
    seconds = terminal.until(words)
    cost = terminal.kill()
    return Run(seconds, cost.cpu, cost.rss)


def paint(folder: Path, *, runs: int) -> list[Row]:
    """From the start of the process to the first frame, and to the first file names."""
    environment = _environment(folder)
    shown = folder / "shown"
    shown.mkdir()
    for number in range(30):
        (shown / f"file-{number:02}.txt").write_text("x")
    bare = [sys.executable, "-m", "tests.benchmarks.bare_app", "text"]
    ours = [sys.executable, "-m", "cloudtui", str(shown), str(shown)]
    found: dict[str, list[Run]] = {"bare Textual": [], "cloudtui, frame": [], "cloudtui, names": []}
    for _ in range(runs + 1):
        found["bare Textual"].append(_start(bare, environment, MARK))
        found["cloudtui, frame"].append(_start(ours, environment, "╔"))
        found["cloudtui, names"].append(_start(ours, environment, "file-07"))
    return [
        # the first round fills caches
        Row("first paint", name, tuple(each[1:]), peer="bare Textual")
        for name, each in found.items()
    ]


def _latencies(terminal: Terminal, going: float) -> list[float]:
    """Seconds from a key to the first thing painted after it, over `going` seconds."""
    found: list[float] = []
    end = time.perf_counter() + going
    keys = (b"\x1b[B",) * 12 + (b"\x1b[A",) * 12
    number = 0
    while time.perf_counter() < end:
        while terminal.read(0.0):
            pass
        before = time.perf_counter()
        terminal.press(keys[number % len(keys)])
        number += 1
        if not terminal.read(2.0):
            raise Failed("a key painted nothing for two seconds")
        found.append(time.perf_counter() - before)
        terminal.read(0.03)
    return found


def keys(stage: Stage, *, size: int, seconds: float) -> list[Row]:
    """Key to paint in the panes while this program uploads at full speed, and of a bare list
    while another process does the same."""
    source = stage.folder / "keys"
    source.mkdir()
    for number in range(60):
        (source / f"file-{number:02}.txt").write_text("x")
    make_file(source / "0-large.bin", size)
    door = stage.door()
    stage.cloudtui("mkdir", "pc:/keys", door=door)
    ours = Terminal([sys.executable, "-m", "cloudtui", str(source), "pc:/keys"], door.ours, source)
    ours.until("0-large")
    ours.quiet(1.0)
    ours.press(b"\x1b[B")
    ours.quiet()
    idle = _latencies(ours, seconds / 2)
    ours.press(b"\x1b[H")
    ours.quiet()
    ours.press(b"\x1b[B")
    ours.quiet()
    ours.press(b"\x1b[15~")
    ours.until("Copy to")
    ours.forget()
    ours.press(b"\r")
    ours.until("%")
    busy = _latencies(ours, seconds)
    ended = "Copied" in ours.text
    ours.kill()
    bare = Terminal(
        [sys.executable, "-m", "tests.benchmarks.bare_app", "list"], _environment(source)
    )
    bare.until(MARK)
    bare.quiet()
    since = max((entry["seq"] for entry in stage.admin.log()), default=0)
    load = subprocess.Popen(
        [sys.executable, "-m", "cloudtui", "cp", str(source / "0-large.bin"), "pc:/keys/other"],
        env=door.ours,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _until_sending(stage, since, load)
    other = _latencies(bare, seconds)
    bare.kill()
    load.terminate()
    load.wait()
    if ended:
        print(f"the upload of {size // MIB} MiB ended before the keys did; take a larger one")
    return [
        Row("key to paint", name, facts=_facts(each))
        for name, each in (
            ("bare list, upload beside", other),
            ("cloudtui, idle", idle),
            ("cloudtui, uploading", busy),
        )
    ]


def _until_sending(stage: Stage, since: int, load: subprocess.Popen[bytes]) -> None:
    """Wait until parts of an upload arrive."""
    while not any(entry["path"] == "/upload_write" for entry in stage.admin.log(since)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise Failed(f"the upload ended with {load.wait(0.05)} before it sent anything")


def _facts(seconds: list[float]) -> dict[str, float]:
    ranked = sorted(seconds)
    return {
        "keys": len(ranked),
        "p50 ms": statistics.median(ranked) * 1000,
        "p99 ms": ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))] * 1000,
    }
