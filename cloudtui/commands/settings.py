"""`config`: general options and those of accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.session import GeneralGroup, run

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime


@click.group(cls=GeneralGroup)
def config() -> None:
    """See and change settings."""


@config.command("path")
@click.pass_context
def config_path(context: click.Context) -> None:
    """Print where the settings file is."""

    async def body(runtime: Runtime, output: Output) -> int:
        output.line(output.name(str(runtime.paths.settings_file)))
        return 0

    run(context, body)


@config.command("get")
@click.argument("name", metavar="OPTION|NAME.OPTION")
@click.pass_context
def config_get(context: click.Context, name: str) -> None:
    """Print the value of an option, as it holds now."""

    async def body(runtime: Runtime, output: Output) -> int:
        value = _value(runtime, name)
        if output.as_json:
            output.value({"name": name, "value": value})
        else:
            output.line("" if value is None else str(value))
        return 0

    run(context, body)


def _value(runtime: Runtime, name: str) -> object:
    account, _, key = name.partition(".")
    accounts = runtime.accounts()
    if key and account in accounts:
        return accounts[account].options.get(key)
    return runtime.settings.get(name)


@config.command("set")
@click.argument("name", metavar="OPTION|NAME.OPTION")
@click.argument("value")
@click.pass_context
def config_set(context: click.Context, name: str, value: str) -> None:
    """Write an option into the settings file; comments there stay."""

    async def body(runtime: Runtime, _output: Output) -> int:
        runtime.settings.set(name, value)
        return 0

    run(context, body)


@config.command("unset")
@click.argument("name", metavar="OPTION|NAME.OPTION")
@click.pass_context
def config_unset(context: click.Context, name: str) -> None:
    """Remove an option from the settings file."""

    async def body(runtime: Runtime, _output: Output) -> int:
        runtime.settings.unset(name)
        return 0

    run(context, body)
