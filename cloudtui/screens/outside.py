"""Other programs on this terminal: the editor. The screen stands back, jobs go on.

Programs get no secret of ours in their environment and no shell between us and them.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from textual.app import App, SuspendNotSupported

from cloudtui.services.accounts import child_environment
from cloudtui.services.errors import Refused

_EDITORS = ("nano", "vim", "vi")


def editor_command(environ: Mapping[str, str] | None = None) -> list[str]:
    """The user's editor as words, or a common one that is there. Raises Refused without one."""
    environ = os.environ if environ is None else environ
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError:
            raise Refused(f"{name} is no command: a quote in it has no end.") from None
        if words:
            return words
    for name in _EDITORS:
        if shutil.which(name, path=environ.get("PATH")):
            return [name]
    raise Refused("There is no editor.", hint="EDITOR in the environment names one.")


async def run_outside(app: App[int], command: Sequence[str]) -> int:
    """Give the terminal to a program until it ends; its exit code.

    Raises Refused when it cannot be started or the terminal cannot be given away.
    """
    try:
        # nothing is drawn meanwhile: there is nobody who would take it off our hands
        with app.suspend(), app.batch_update(), _interrupts_are_theirs():
            process = await asyncio.create_subprocess_exec(*command, env=child_environment())
            return await process.wait()
    except SuspendNotSupported:
        raise Refused("This terminal cannot be given to another program.") from None
    except OSError as error:
        raise Refused(f"{command[0]} cannot be started ({error.strerror}).") from None


@contextmanager
def _interrupts_are_theirs() -> Iterator[None]:
    """Ctrl+C goes to every program of the terminal. A handler that does nothing, other than one
    that is switched off, is not handed on to the program."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
