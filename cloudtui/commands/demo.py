"""`demo`: the full screen on two embedded clouds."""

from __future__ import annotations

import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloudtui.commands.fullscreen import require_terminal
from cloudtui.commands.session import GeneralCommand, general_of
from cloudtui.services.errors import CloudError

if TYPE_CHECKING:
    from cloudtui.demo import Demo
    from cloudtui.services.runtime import Runtime


def runtime_of(demo: Demo) -> AbstractAsyncContextManager[Runtime]:
    """The runtime of a demonstration: its home, its accounts, secrets in memory."""
    from cloudtui.services.runtime import Overrides, open_runtime
    from cloudtui.services.secrets import MemoryStore

    return open_runtime(Overrides(environ=demo.environ, secret_store=MemoryStore()))


@click.command(cls=GeneralCommand)
@click.option("--check", is_flag=True, help="A scripted tour without a terminal; exit 0 or 1.")
@click.pass_context
def demo(context: click.Context, *, check: bool) -> None:
    """Try everything on two embedded clouds; no account is needed."""
    from cloudtui.demo import demonstration

    output = general_of(context).output()
    try:
        if not check:
            require_terminal()
        with demonstration() as surroundings:
            if check:
                from cloudtui.demo_tour import tour

                code = tour(surroundings, output.line)
            else:
                from cloudtui.opening import run_full_screen

                code = run_full_screen(
                    lambda: runtime_of(surroundings),
                    str(Path.cwd()),
                    "pikpak:/",
                    go_on=None,
                )
    except CloudError as error:
        output.error(error)
        code = int(error.exit_code)
    sys.exit(code)
