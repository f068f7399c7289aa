"""What every command shares: general options, the event loop, signals, exit codes."""

from __future__ import annotations

import contextlib
import errno
import functools
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloudtui.cli_output import Output
from cloudtui.present import write_numbers_as
from cloudtui.services.errors import CloudError, ExitCode, exit_code_of

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime


class General:
    """The general options, wherever on the line they stood."""

    # Written out: `--version` needs these too, and is to load no library for them.
    def __init__(self) -> None:
        self.as_json = False
        self.verbose = 0
        self.config: Path | None = None
        self.timeout: float | None = None
        self.assignments: list[str] = []

    def output(self) -> Output:
        """The output these options ask for."""
        return Output(as_json=self.as_json, verbose=self.verbose)


def general_of(context: click.Context) -> General:
    """The one `General` of this run, made on first use."""
    return context.find_root().ensure_object(General)


def _merge(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if value is None or value == () or value is False or value == 0:
        return value
    general = general_of(context)
    match parameter.name:
        case "as_json":
            general.as_json = True
        case "verbose":
            general.verbose = max(general.verbose, int(value))
        case "config":
            general.config = Path(value)
        case "timeout":
            general.timeout = float(value)
        case "assignments":
            general.assignments.extend(value)
    return value


def general_options() -> list[click.Option]:
    """Fresh copies of the general options; each command takes them so that they may stand before
    or behind its name."""
    return [
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            expose_value=False,
            callback=_merge,
            help="One JSON value per line on stdout.",
        ),
        click.Option(
            ["-v", "--verbose", "verbose"],
            count=True,
            expose_value=False,
            callback=_merge,
            help="Say more on stderr.",
        ),
        click.Option(
            ["--config", "config"],
            type=click.Path(dir_okay=False, path_type=Path),
            expose_value=False,
            callback=_merge,
            help="Use this settings file.",
        ),
        click.Option(
            ["--timeout", "timeout"],
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            expose_value=False,
            callback=_merge,
            help="Longest wait for an answer.",
        ),
        click.Option(
            ["--set", "assignments"],
            multiple=True,
            metavar="OPTION=VALUE",
            expose_value=False,
            callback=_merge,
            help="Set an option for this run; NAME.option=value for an account's.",
        ),
    ]


class GeneralCommand(click.Command):
    """A command that takes the general options behind its name too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(general_options())


class GeneralGroup(click.Group):
    """A group whose commands take the general options."""

    command_class = GeneralCommand
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(general_options())


Body = Callable[["Runtime", Output], Awaitable[int | None]]


def run(context: click.Context, body: Body, *, new_account: str = "") -> None:
    """Open the runtime, run `body` on an event loop, and leave with the fitting exit code.

    What is still incomplete about `new_account` is not complained of.

    SIGINT ends in 130 and SIGTERM in 143, both after the runtime has paused its jobs and flushed
    its journal. Every CloudError becomes one sentence on stderr.
    """
    general = general_of(context)
    output = general.output()
    leave(output, functools.partial(_main, general, output, body, new_account))


def leave(output: Output, main: Callable[[], Awaitable[int]]) -> None:
    """Run a coroutine to its exit code and exit with it."""
    import asyncio  # brings ssl along: 40 ms that `--version` should not pay

    from cloudtui.commands.asking import is_waiting

    try:
        code = asyncio.run(_with_signals(main))
        output.flush()
    except CloudError as error:
        output.error(error)
        code = int(error.exit_code)
    except KeyboardInterrupt:
        code = int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        code = int(ExitCode.SOME_LEFT)  # the reader of our stdout went away
    except Exception as exc:  # the boundary: no traceback ever reaches a terminal
        unforeseen = _unforeseen(exc)
        output.error(unforeseen)
        code = int(unforeseen.exit_code)
    if is_waiting():
        output.say("")  # behind the question that stays without an answer
        output.end()
        os._exit(code)
    output.end()
    sys.exit(code)


_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})


def _unforeseen(exc: Exception) -> CloudError:
    """What to say of what no command foresaw. A disk that takes nothing more meets whatever the
    program writes for itself, and has a sentence of its own."""
    if isinstance(exc, OSError) and exc.errno in _OF_THE_DISK:
        from cloudtui.services.local.errors import mapped

        named = exc.filename if isinstance(exc.filename, str | bytes) else ""
        return mapped(exc, named or "a file of cloudtui's own")
    return CloudError(
        f"Something unexpected happened ({type(exc).__name__}); nothing more was done.",
        hint="The log names it: cloudtui paths shows where it is.",
    )


async def _with_signals(main: Callable[[], Awaitable[int]]) -> int:
    """`main` as a task that SIGINT, SIGTERM and SIGHUP cancel; their exit code when they did."""
    import asyncio

    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(main())
    caught: list[int] = []

    def stop(number: int) -> None:
        caught.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        with contextlib.suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not caught:
            raise
        interrupted = caught[0] == signal.SIGINT
        return int(ExitCode.INTERRUPTED if interrupted else ExitCode.TERMINATED)


async def _main(general: General, output: Output, body: Body, new_account: str) -> int:
    from cloudtui.services.runtime import Overrides, open_runtime

    overrides = Overrides(
        config=general.config,
        timeout=general.timeout,
        assignments=tuple(general.assignments),
        verbose=general.verbose,
    )
    async with open_runtime(overrides) as runtime:
        gc.freeze()  # what was imported stays: nobody is to look through it
        for complaint in write_numbers_as(runtime.settings):
            output.say(complaint)
        for problem in runtime.problems:
            if not new_account or not problem.key.startswith(f"accounts.{new_account}"):
                output.say(str(problem))
        try:
            return await body(runtime, output) or 0
        except CloudError:
            raise
        except Exception:  # told by `leave`, when the log is closed already
            logging.getLogger(__name__).exception("unexpected")
            raise


class Failures:
    """Errors of single items that do not end the command."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.errors: list[CloudError] = []

    def add(self, error: CloudError) -> None:
        """Tell it and remember it."""
        self._output.error(error)
        self.errors.append(error)

    @property
    def exit_code(self) -> int:
        """For all that happened."""
        return exit_code_of(self.errors)
