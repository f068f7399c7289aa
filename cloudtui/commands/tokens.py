"""`token`: the sign-ins of an account, and what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output, rfc3339
from cloudtui.commands.rows import moment
from cloudtui.commands.session import Failures, GeneralCommand, run
from cloudtui.services.errors import CloudError, LoginNeeded, NotFound, NotSupported, UsageError
from cloudtui.services.models import DISK
from cloudtui.services.naming import display_name
from cloudtui.services.storage import HasQuota

if TYPE_CHECKING:
    from cloudtui.services.pcloud.storage import PCloudStorage
    from cloudtui.services.runtime import Runtime

THIS = "this"
"""The id of the sign-in that this machine holds."""

_ACTIONS = ("ls", "rm", "check")


@click.command(cls=GeneralCommand)
@click.argument("place", metavar="NAME:")
@click.argument("words", nargs=-1, metavar="[ls|rm ID...|check]")
@click.pass_context
def token(context: click.Context, place: str, words: tuple[str, ...]) -> None:
    """List or end the sign-ins of an account, or check what this machine's may do.

    Where the service does not show its sign-ins to programs, the one that is held here is shown;
    `rm this` forgets it.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        action = words[0] if words else "ls"
        if action not in _ACTIONS or (action == "rm") is (len(words) < 2):
            raise UsageError("After NAME: come `ls`, `rm ID`, `check`, or nothing.")
        account = runtime.parse(place).at.account
        if account == DISK:
            raise UsageError(f"{display_name(place)} is no account.", hint="Write NAME: instead.")
        if action == "ls":
            return await _list(runtime, output, account)
        if action == "check":
            return await _check(runtime, output, account)
        return await _remove(runtime, output, account, words[1:])

    run(context, body)


async def _pcloud(runtime: Runtime, account: str) -> PCloudStorage | None:
    """The account's storage when it is one of pCloud."""
    storage: object = await runtime.storage(account)
    if runtime.account(account).kind != "pcloud":
        return None
    from cloudtui.services.pcloud.storage import PCloudStorage

    assert isinstance(storage, PCloudStorage)
    return storage


async def _list(runtime: Runtime, output: Output, account: str) -> int:
    pcloud = await _pcloud(runtime, account)
    if pcloud is not None:
        try:
            tokens = await pcloud.tokens.listed()
        except NotSupported:
            output.say("pCloud does not show its sign-ins to apps; this one is held here:")
        else:
            for one in tokens:
                _show(output, one.id, one.device, one.created, one.expires)
            return 0
    _show(output, THIS, await _held(runtime, account, pcloud), None, None)
    return 0


def _show(output: Output, id_: str, device: str, created: int | None, expires: int | None) -> None:
    made, ends = (None if when is None else when * 10**9 for when in (created, expires))
    if output.as_json:
        told = {"id": id_, "device": device}
        output.value({**told, "created": rfc3339(made), "expires": rfc3339(ends)})
        return
    until = f"until {moment(ends)}" if ends else ""
    output.line(f"{output.name(id_)}  {output.name(device)}  {until}".rstrip())


async def _held(runtime: Runtime, account: str, pcloud: PCloudStorage | None) -> str:
    """Where this machine's sign-in comes from. Raises LoginNeeded when there is none."""
    keys = runtime.keys(account)
    if pcloud is not None:
        await pcloud.client.token()
        region = pcloud.client.regions.name_of(pcloud.client.base) or pcloud.client.base
        where = f"cloudtui ({region})"
    else:
        where = "cloudtui"
        if not (keys.from_env("password") or await _pikpak_token(runtime, account)):
            raise LoginNeeded(f"There is no sign-in for {account}.", hint="Sign in first.")
    if keys.from_env("token") or keys.from_env("password"):
        return f"{where}, from the environment"
    return f"{where}, kept on this machine"


async def _pikpak_token(runtime: Runtime, account: str) -> bool:
    from cloudtui.services.pikpak.profile import profile_of

    origin = profile_of(runtime.account(account)).origin
    return bool(await runtime.keys(account).read("token", origin, seed=True))


async def _check(runtime: Runtime, output: Output, account: str) -> int:
    pcloud = await _pcloud(runtime, account)
    if pcloud is None:
        storage: object = await runtime.storage(account)
        assert isinstance(storage, HasQuota)
        await storage.quota()  # any call that needs the sign-in
        output.say(f"The sign-in of {account} holds.")
        return 0
    who = await pcloud.tokens.owner()
    output.say(f"The sign-in of {account} holds: {display_name(who)}.")
    for method, verdict in (await pcloud.tokens.probe()).items():
        if output.as_json:
            output.value({"method": method, "verdict": str(verdict)})
        else:
            output.line(f"{method:<20} {verdict}")
    return 0


async def _remove(runtime: Runtime, output: Output, account: str, ids: tuple[str, ...]) -> int:
    failures = Failures(output)
    pcloud = await _pcloud(runtime, account)
    for one in ids:
        try:
            if one == THIS:
                await _forget(runtime, output, account)
            elif pcloud is None:
                raise NotSupported("PikPak does not let programs end its sign-ins.")
            elif not (one.isascii() and one.isdecimal()):
                raise NotFound(f"There is no sign-in {display_name(one)}.")
            else:
                await pcloud.tokens.delete(int(one))
        except CloudError as error:
            failures.add(error)
    return failures.exit_code


async def _forget(runtime: Runtime, output: Output, account: str) -> None:
    keys = runtime.keys(account)
    if keys.from_env("token"):
        raise LoginNeeded(
            "This sign-in comes from the environment; it cannot be forgotten here.",
            hint="Unset its variable.",
        )
    await runtime.drop_storage(account)
    await keys.forget()
    output.say(f"The sign-in of {account} is forgotten here; the service still knows it.")
