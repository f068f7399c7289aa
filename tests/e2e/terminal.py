"""The program in a real terminal: tmux draws, tests press keys and read the screen."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import pytest

_PACE = threading.Event()


def need_tmux() -> None:
    """Skip where there is no tmux."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")


class Terminal:
    """One tmux server of its own with one window. Use as a context manager."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        size: tuple[int, int] = (80, 24),
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        need_tmux()
        self._socket = f"cloudtui-{os.getpid()}-{id(self)}"
        width, height = size
        # in one go: a program that ends at once would take a server without the option with it
        words = ["start-server", ";", "set-option", "-g", "remain-on-exit", "on", ";"]
        words += ["new-session", "-d", "-x", str(width), "-y", str(height)]
        if folder is not None:
            words += ["-c", os.fspath(folder)]
        for name, value in environ.items():
            words += ["-e", f"{name}={value}"]
        # tmux puts its own search path over the one it is given
        path = ["env", f"PATH={environ['PATH']}"] if "PATH" in environ else []
        self._tmux("-f", "/dev/null", *words, *path, *command)

    def _tmux(self, *words: str) -> str:
        ended = subprocess.run(
            ["tmux", "-L", self._socket, *words],
            capture_output=True,
            text=True,
            errors="surrogateescape",
            env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"},
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @property
    def screen(self) -> str:
        """What stands on the screen."""
        return self._tmux("capture-pane", "-p", "-t", "0")

    @property
    def history(self) -> str:
        """What stands on the screen and what was scrolled off it."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-", "-t", "0")

    @property
    def ended(self) -> bool:
        """Whether the program is over, its exit code or signal known."""
        told = self._tmux(
            "list-panes", "-F", "#{pane_dead} #{pane_dead_status}#{pane_dead_signal}"
        ).rstrip("\n")
        if told == "1 ":
            # now and then tmux misses the signal of a child's end; another end wakes it
            self._tmux("run-shell", "true")
        return told.startswith("1 ") and told != "1 "

    @property
    def exit_code(self) -> int:
        """Its exit code."""
        return int(self._tmux("list-panes", "-F", "#{pane_dead_status}").strip() or -1)

    @property
    def pid(self) -> int:
        """The program's process."""
        return int(self._tmux("list-panes", "-F", "#{pane_pid}").strip())

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names."""
        for name in names:
            self._tmux("send-keys", "-t", "0", name)

    def write(self, text: str) -> None:
        """Type text as it is."""
        self._tmux("send-keys", "-t", "0", "-l", "--", text)

    def paste(self, text: str) -> None:
        """Paste text the bracketed way."""
        self._tmux("set-buffer", "-b", "test", text)
        self._tmux("paste-buffer", "-p", "-b", "test", "-t", "0")

    def record(self, file: Path) -> None:
        """Write everything the program sends to its terminal from now on into a file."""
        self._tmux("pipe-pane", "-t", "0", f"cat > {shlex.quote(str(file))}")

    def resize(self, width: int, height: int) -> None:
        """Change the window's size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def until(
        self, condition: str | Callable[[str], bool], what: str = "", *, limit: float = 120
    ) -> str:
        """Wait until the screen shows a text (or fulfils a condition); the screen."""
        end = time.monotonic() + limit
        while True:
            screen = self.screen
            if condition in screen if isinstance(condition, str) else condition(screen):
                return screen
            if time.monotonic() > end:
                raise AssertionError(f"the screen never showed {what or str(condition)}:\n{screen}")
            _PACE.wait(0.05)

    def until_ended(self, *, limit: float = 120) -> int:
        """Wait for the end; the exit code."""
        end = time.monotonic() + limit
        while not self.ended:
            assert time.monotonic() < end, f"it never ended:\n{self.screen}"
            _PACE.wait(0.05)
        return self.exit_code

    def close(self) -> None:
        """End the server and what runs in it."""
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
