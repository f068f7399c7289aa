"""Opens the full screen, and closes everything behind it when the user leaves."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence

from cloudtui.app import CloudApp
from cloudtui.first_look import first_look
from cloudtui.leaving import HUNG_UP, go_on_without_screen, tell_shell, watch_terminal
from cloudtui.ports import Door, RuntimeFactory
from cloudtui.terminal_title import RESTORE, SAVE


def run_full_screen(
    runtime_factory: RuntimeFactory,
    left: str = "",
    right: str = "",
    *,
    go_on: Sequence[str] | None = ("jobs", "run"),
) -> int:
    """Show the full screen until the user leaves; the exit code.

    `runtime_factory` is called after the first frame and gives the runtime as an async context;
    it is closed (jobs paused, journal flushed) before this returns. `go_on` is the cloudtui command
    that works the queue without a screen, with the options of this run; None where jobs cannot
    outlive it, and quitting then does not offer it.
    """

    async def run() -> tuple[int, bool]:
        door = Door(runtime_factory)
        detachable = go_on is not None
        app = CloudApp(door, left, right, can_detach=detachable, first_look=first_look)
        loop = asyncio.get_running_loop()
        for name, code in (("SIGTERM", 143), ("SIGHUP", HUNG_UP)):
            number = getattr(signal, name, None)
            if number is not None:
                with contextlib.suppress(NotImplementedError):  # no signals on Windows loops
                    loop.add_signal_handler(number, app.exit, code)

        def leave() -> None:
            loop.call_soon_threadsafe(app.exit, HUNG_UP)

        unwatch = watch_terminal(leave)
        try:
            with _title_kept():
                await app.run_async()
        finally:
            app.bridge.detach()
            await door.close()
            unwatch()
        if app.leave_in:
            tell_shell(app.leave_in)
        return app.return_value or app.return_code or 0, app.detach

    code, detach = asyncio.run(run())
    if detach and go_on is not None:
        go_on_without_screen(go_on)
    return code


@contextlib.contextmanager
def _title_kept() -> Iterator[None]:
    """The terminal has its own title again afterwards."""
    _tell_terminal(SAVE)
    try:
        yield
    finally:
        _tell_terminal(RESTORE)


def _tell_terminal(text: str) -> None:
    stream = sys.__stderr__  # where the screen is drawn, too
    if stream is not None and stream.isatty():
        with contextlib.suppress(OSError):  # the terminal is gone: nobody reads a title
            stream.write(text)
            stream.flush()
