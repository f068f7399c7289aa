"""`accounts` and `quota`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output, human_size, rfc3339
from cloudtui.commands.rows import moment
from cloudtui.commands.session import GeneralCommand, run
from cloudtui.services.errors import CloudError, LoginNeeded, NotSupported
from cloudtui.services.invites import HasInvites
from cloudtui.services.models import Allowance, Plan
from cloudtui.services.storage import HasAllowances, HasPlan, HasQuota

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage


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
@click.option("--invite", is_flag=True, help="Show the code to invite others with, too.")
@click.argument("place", metavar="NAME:")
@click.pass_context
def quota(context: click.Context, place: str, *, invite: bool) -> None:
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
        plan = await _plan(asked)
        code = await _invite(storage) if invite else ""
        if output.as_json:
            told = {each.name: {"total": each.total, "used": each.used} for each in transfer}
            more: dict[str, object] = {"transfer": told} if told else {}
            if plan is not None:
                more["plan"] = {"name": plan.name, "until": rfc3339(plan.until_ns)}
            if invite:
                more["invite"] = code
            output.value({**numbers, **more})
            return 0
        for name, number in numbers.items():
            if number is not None:
                output.line(f"{name:<8} {number} bytes ({human_size(number)})")
        for each in transfer:
            output.line(
                f"{each.name + ' transfer':<24} {human_size(each.used)} of {human_size(each.total)}"
            )
        if plan is not None:
            until = "" if plan.until_ns is None else f" until {moment(plan.until_ns)[:10]}"
            output.line(f"{'plan':<8} {output.name(plan.name)}{until}")
        if invite:
            output.line(f"{'invite':<8} {output.name(code)}")
        return 0

    run(context, body)


async def _invite(storage: Storage) -> str:
    """The code to invite others with. Raises NotSupported where there is none."""
    place: object = storage
    if not isinstance(place, HasInvites):
        raise NotSupported(f"{storage.title} has no code to invite others with.")
    return await place.invite_code()


async def _plan(place: object) -> Plan | None:
    """What the account pays for, where that is told just now."""
    if not isinstance(place, HasPlan):
        return None
    try:
        return await place.plan()
    except LoginNeeded:
        raise
    except CloudError:
        return None  # a nicety: what was asked for is shown without it


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
