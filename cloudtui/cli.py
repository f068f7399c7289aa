"""The command line: finds the command and loads only what it needs.

`cloudtui [LEFT] [RIGHT]` without a command opens the full screen.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import sys
from typing import Any, Final

import click

from cloudtui.cli_output import Output, unwritable
from cloudtui.commands.session import GeneralGroup, general_of
from cloudtui.services.errors import CloudError, ExitCode, UsageError

_COMMANDS: Final[dict[str, str]] = {
    "ls": "listing",
    "stat": "listing",
    "cat": "content",
    "mkdir": "folders",
    "rename": "folders",
    "du": "listing",
    "quota": "accounts",
    "cp": "transfer",
    "mv": "transfer",
    "check": "mirror",
    "sync": "mirror",
    "rm": "removal",
    "trash": "removal",
    "login": "signin",
    "logout": "signin",
    "accounts": "accounts",
    "token": "tokens",
    "import": "imports:take_accounts",
    "config": "settings",
    "offline": "offline",
    "extract": "archives",
    "pack": "packing",
    "unpack": "packing",
    "search": "searching",
    "link": "links",
    "share": "shared",
    "star": "stars",
    "history": "history",
    "revisions": "revisions",
    "playlist": "playlists",
    "jobs": "jobs",
    "doctor": "program",
    "paths": "program",
    "keys": "program",
    "completion": "program",
    "sandbox": "program",
    "demo": "demo",
}

_FULL_SCREEN: Final = "full-screen"


class Commands(GeneralGroup):
    """Commands by name, each imported when it is asked for; anything else opens the panes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == _FULL_SCREEN:
            return _load("fullscreen", "full_screen")
        module = _COMMANDS.get(cmd_name)
        return _load(module, cmd_name) if module else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS:
            return _FULL_SCREEN, self.get_command(ctx, _FULL_SCREEN), args
        return super().resolve_command(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage("cloudtui", "[OPTIONS] [LEFT] [RIGHT]")
        formatter.write_usage("cloudtui", "[OPTIONS] COMMAND [ARGS]...")


def _load(place: str, name: str) -> click.Command:
    """A command of a module; `module:function` where the name cannot be a function's."""
    module, _, function = place.partition(":")
    loaded = importlib.import_module(f"cloudtui.commands.{module}")
    command = getattr(loaded, function or name.replace("-", "_"))
    assert isinstance(command, click.Command)
    return command


def _version(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
    if value and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"cloudtui {version('cloudtui')}")
        context.exit()


@click.group(cls=Commands, invoke_without_command=True)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version.",
)
@click.pass_context
def cloudtui(context: click.Context) -> None:
    """A dual-pane file manager for the terminal: disk, PikPak and pCloud side by side.

    Without a command the full screen opens, LEFT and RIGHT being folders to start in: a local path
    or NAME:/path.
    """
    general_of(context)
    if context.invoked_subcommand is None:
        context.invoke(_load("fullscreen", "full_screen"))


def main() -> None:
    """Run the program."""
    # What start-up makes stays: looking through it again and again is a twelfth of a short command.
    gc.set_threshold(50_000, 20, 50)
    _open_streams()
    # What the log cannot take is lost: a terminal is no place for records and tracebacks.
    logging.lastResort = None
    logging.raiseExceptions = False
    try:
        sys.exit(_run())
    finally:
        gc.freeze()  # and once more at the end, for a system that takes everything back anyway


def _run() -> int:
    """The command line's exit code; commands with a code of their own exit by themselves."""
    output = Output(as_json="--json" in sys.argv)
    try:
        return int(cloudtui.main(prog_name="cloudtui", standalone_mode=False) or 0)
    except click.ClickException as error:
        with contextlib.suppress(OSError):  # the exit code tells it, too
            error.show()
        if output.as_json:
            path = (
                error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
            )
            hint = f"{path} --help tells more." if path else ""
            output.failed_json(UsageError(error.format_message(), hint=hint))
        code = error.exit_code
    except click.Abort:
        code = int(ExitCode.INTERRUPTED)
    except CloudError as error:
        output.error(error)
        code = int(error.exit_code)
    except BrokenPipeError:
        code = int(ExitCode.SOME_LEFT)  # the reader of our stdout went away
    except OSError as exc:  # click writes help and versions by itself
        output.error(unwritable(exc))
        code = int(unwritable(exc).exit_code)
    output.end()
    return code


def _open_streams() -> None:
    """Put nothing in the place of a standard stream that was closed: the next file that is opened,
    the journal perhaps, would take its number and be written into."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
