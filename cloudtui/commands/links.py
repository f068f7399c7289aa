"""`link` and `share`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output, rfc3339
from cloudtui.commands.asking import asked_line
from cloudtui.commands.listing import find
from cloudtui.commands.rows import moment
from cloudtui.commands.session import Failures, GeneralCommand, GeneralGroup, run
from cloudtui.services.errors import CloudError, LoginNeeded, NotFound, NotSupported
from cloudtui.services.models import Secret, Share
from cloudtui.services.naming import display_name
from cloudtui.services.storage import HasShares, MakesLinks

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime


@click.command(cls=GeneralCommand)
@click.argument("loc")
@click.pass_context
def link(context: click.Context, loc: str) -> None:
    """Print a direct link to a file's content, where the service has one."""

    async def body(runtime: Runtime, output: Output) -> int:
        storage, found, _ = await find(runtime, loc)
        if not isinstance(storage, MakesLinks):
            raise NotSupported(f"{storage.title} has no direct links.")
        url = await storage.direct_link(found)
        if output.as_json:
            output.value({"url": url})
        else:
            output.line(url)
            whose = "for whoever holds it" if storage.caps.links_anywhere else "for this network"
            output.say(f"It works for some hours, {whose}.")
        return 0

    run(context, body)


@click.group(cls=GeneralGroup)
def share() -> None:
    """Public links."""


def share_json(one: Share, *, secret: bool = False) -> dict[str, object]:
    """`id, url, name, path, created, expires, downloads, max_downloads, protected, message`;
    with `secret` also the `password`."""
    told: dict[str, object] = {
        "id": one.id,
        "url": one.url,
        "name": one.name,
        "path": one.at.path if one.at else None,
        "created": rfc3339(one.created_ns),
        "expires": rfc3339(one.expires_ns),
        "downloads": one.downloads,
        "max_downloads": one.most_downloads,
        "protected": one.protected,
        "message": one.note,
    }
    if secret:
        told["password"] = one.password.reveal() if one.password else None
    return told


@share.command("add")
@click.option("--days", type=click.IntRange(min=0), help="Days until it ends; 0: no end.")
@click.option(
    "--password-stdin", is_flag=True, help="It asks for the password that is stdin's first line."
)
@click.option(
    "--downloads", type=click.IntRange(min=0), help="How often it may be used; 0: no limit."
)
@click.argument("loc")
@click.pass_context
def share_add(
    context: click.Context,
    loc: str,
    *,
    days: int | None,
    password_stdin: bool,
    downloads: int | None,
) -> None:
    """Make a public link and print it.

    Where there is a link already, the limits given are put on that one.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        password = None
        if password_stdin:
            line = await asked_line()
            password = Secret(line.rstrip("\r\n"))
            if not line:
                raise LoginNeeded("No password came on stdin; no link was made.")
        storage, found, _ = await find(runtime, loc)
        place: object = storage
        if not isinstance(place, HasShares):
            raise NotSupported(f"{storage.title} makes no public links.")
        made = await place.share(found, days=days, password=password, most_downloads=downloads)
        if output.as_json:
            output.value(share_json(made, secret=True))
            return 0
        output.line(made.url)
        if made.password and not password_stdin:
            output.say(f"Its password is {made.password.reveal()}")
        return 0

    run(context, body)


async def _sharer(runtime: Runtime, text: str) -> HasShares:
    storage = await runtime.storage(runtime.parse(text).at.account)
    place: object = storage
    if not isinstance(place, HasShares):
        raise NotSupported(f"{storage.title} makes no public links.")
    return place


@share.command("ls")
@click.argument("place", metavar="NAME:")
@click.pass_context
def share_ls(context: click.Context, place: str) -> None:
    """List the account's public links, newest first."""

    async def body(runtime: Runtime, output: Output) -> int:
        async for page in (await _sharer(runtime, place)).scan_shares():
            for one in page:
                if output.as_json:
                    output.value(share_json(one))
                    continue
                where = str(one.at) if one.at else one.name or "(not known)"
                ends = f"until {moment(one.expires_ns)}" if one.expires_ns else "without end"
                limits = [ends, *(["password"] if one.protected else [])]
                if one.most_downloads:
                    limits.append(f"{one.downloads or 0} of {one.most_downloads} downloads")
                if one.note:
                    limits.append(display_name(one.note))
                output.line(
                    f"{output.name(one.id)}  {output.name(one.url)}  {output.name(where)}  "
                    f"({', '.join(limits)})"
                )
        return 0

    run(context, body)


@share.command("rm")
@click.argument("place", metavar="NAME:")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_context
def share_rm(context: click.Context, place: str, ids: tuple[str, ...]) -> None:
    """Take public links back, by the ids that `share ls` shows."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        sharer = await _sharer(runtime, place)
        known: set[str] | None = None
        with contextlib.suppress(NotSupported):  # a list closed to programs: the service tells
            known = {one.id async for page in sharer.scan_shares() for one in page}
        for one in ids:
            try:
                if known is not None and one not in known:
                    raise NotFound(
                        f"There is no link {display_name(one)}.",
                        hint="cloudtui share ls shows the links.",
                    )
                await sharer.unshare([one])
            except CloudError as error:
                failures.add(error)
        return failures.exit_code

    run(context, body)
