"""`accounts` and `quota`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output, human_size
from cloudtui.commands.session import GeneralCommand, run
from cloudtui.services.errors import NotSupported
from cloudtui.services.storage import HasQuota

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime


@click.command(cls=GeneralCommand)
@click.pass_context
def accounts(context: click.Context) -> None:
    """List the configured accounts."""

    async def body(runtime: Runtime, output: Output) -> int:
        for name, account in runtime.accounts().items():
            who = account.text("username")
            if output.as_json:
                output.value({"name": name, "kind": account.kind, "username": who})
            else:
                output.line(f"{name}:  {account.kind}  {output.name(who)}".rstrip())
        return 0

    run(context, body)


@click.command(cls=GeneralCommand)
@click.argument("place", metavar="NAME:")
@click.pass_context
def quota(context: click.Context, place: str) -> None:
    """Show how much room an account (or the disk below a path) has."""

    async def body(runtime: Runtime, output: Output) -> int:
        storage = await runtime.storage(runtime.parse(place).at.account)
        asked: object = storage
        if not isinstance(asked, HasQuota):
            raise NotSupported(f"{storage.title} does not tell how much room it has.")
        found = await asked.quota()
        numbers = {
            "total": found.total,
            "used": found.used,
            "trashed": found.trashed,
            "free": found.free,
        }
        if output.as_json:
            output.value(numbers)
            return 0
        for name, number in numbers.items():
            if number is not None:
                output.line(f"{name:<8} {number} bytes ({human_size(number)})")
        return 0

    run(context, body)
