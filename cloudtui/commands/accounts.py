"""`accounts` and `quota`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output, human_size
from cloudtui.commands.session import GeneralCommand, run
from cloudtui.services.errors import CloudError, LoginNeeded, NotSupported
from cloudtui.services.models import Allowance
from cloudtui.services.storage import HasAllowances, HasQuota

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime


@click.command(cls=GeneralCommand)
@click.pass_context
def accounts(context: click.Context) -> None:
    """List the configured accounts."""

    async def body(runtime: Runtime, output: Output) -> int:
        for name, account in runtime.accounts().items():
            who, note = account.text("username"), account.text("description")
            if output.as_json:
                output.value({"name": name, "kind": account.kind, "username": who})
            else:
                told = [account.kind, output.name(who), output.name(note)]
                output.line("  ".join([f"{name}:", *filter(None, told)]))
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
        transfer = await _allowances(asked, output)
        if output.as_json:
            told = {each.name: {"total": each.total, "used": each.used} for each in transfer}
            output.value({**numbers, "transfer": told} if told else numbers)
            return 0
        for name, number in numbers.items():
            if number is not None:
                output.line(f"{name:<8} {number} bytes ({human_size(number)})")
        for each in transfer:
            output.line(
                f"{each.name + ' transfer':<24} {human_size(each.used)} of {human_size(each.total)}"
            )
        return 0

    run(context, body)


async def _allowances(place: object, output: Output) -> Sequence[Allowance]:
    """How much may still be moved; nothing where the service does not say it just now."""
    if not isinstance(place, HasAllowances):
        return ()
    try:
        return await place.allowances()
    except LoginNeeded:
        raise
    except CloudError as error:
        output.say(f"How much may still be moved is not told: {error.text}")
        return ()
