"""Ends that the screen does not choose: a terminal that is gone, and jobs that go on without it."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Final

HUNG_UP: Final = 129
_LAST_SECONDS: Final = 3.0


def watch_terminal(leave: Callable[[], None]) -> Callable[[], None]:
    """Leave when the terminal is gone; the answer ends the watch.

    A hang-up signal reaches only the session that owns the terminal. For anybody else the keyboard
    reads as ended for ever, and the first write that fails stops the framework's writer, after
    which the next picture waits for it without end. So a thread watches, asks the app to leave,
    and ends the process when it cannot: journal and parts are made for that.
    """
    over = threading.Event()
    if not hasattr(select, "poll") or not sys.stdin.isatty():
        return over.set
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)

    def watch() -> None:
        while not over.wait(1.0):
            if any(state & (select.POLLHUP | select.POLLERR) for _, state in poll.poll(0)):
                leave()
                if not over.wait(_LAST_SECONDS):
                    os._exit(HUNG_UP)
                return

    threading.Thread(target=watch, name="terminal", daemon=True).start()
    return over.set


def shell_file() -> str:
    """The file in which the shell that started this looks for the folder to go to; empty when it
    does not."""
    return os.environ.get("CLOUDTUI_FOLDER_FILE", "")


def tell_shell(folder: str) -> None:
    """Leave the shell in a folder of this disk. Raises OSError when its file cannot be written."""
    with open(shell_file(), "wb") as file:  # noqa: PTH123 - a name as given, not a path of ours
        file.write(os.fsencode(folder))


def go_on_without_screen(command: Sequence[str]) -> None:
    """Start a process of its own session that works the queue to its end."""
    import subprocess

    subprocess.Popen(
        [sys.executable, "-m", "cloudtui", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=dict(os.environ),
    )
