"""The full screen, started from the command line."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import click

from cloudtui.commands.session import GeneralCommand, general_of
from cloudtui.services.errors import UsageError
from cloudtui.services.naming import display_name

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime


class _Unnamed(click.Context):
    """The way to the panes: nobody types a name for it, so none is told."""

    @property
    def command_path(self) -> str:
        return self.parent.command_path if self.parent is not None else "cloudtui"


class _Panes(GeneralCommand):
    context_class = _Unnamed


@click.command(cls=_Panes, hidden=True)
@click.argument("left", default="")
@click.argument("right", default="")
@click.pass_context
def full_screen(context: click.Context, left: str = "", right: str = "") -> None:
    """Open the panes on two folders."""
    general = general_of(context)
    output = general.output()
    try:
        for word in (left, right):
            _check(word)
        require_terminal()
    except UsageError as error:
        output.error(error)
        sys.exit(int(error.exit_code))

    def factory() -> AbstractAsyncContextManager[Runtime]:
        from cloudtui.services.runtime import Overrides, open_runtime

        return open_runtime(
            Overrides(
                config=general.config,
                timeout=general.timeout,
                assignments=tuple(general.assignments),
                verbose=general.verbose,
            )
        )

    from cloudtui.opening import run_full_screen

    go_on = ["jobs", "run"]
    if general.config is not None:
        go_on += ["--config", str(general.config)]
    for assignment in general.assignments:
        go_on += ["--set", assignment]
    sys.exit(run_full_screen(factory, left, right, go_on=go_on))


def _check(word: str) -> None:
    """A word that is no address was meant as a command."""
    if word and ":" not in word and not os.path.lexists(os.path.expanduser(word)):  # noqa: PTH111
        raise UsageError(
            f"There is no command and no folder called {display_name(word)}.",
            hint="cloudtui --help lists the commands.",
        )


def require_terminal() -> None:
    """Raise UsageError where there is no terminal to draw on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The full screen needs a terminal.", hint="cloudtui --help lists the commands."
        )
