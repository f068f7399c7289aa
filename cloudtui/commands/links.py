"""`link` and `share`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.listing import find
from cloudtui.commands.session import GeneralCommand, GeneralGroup, run
from cloudtui.services.errors import NotSupported
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
        return 0

    run(context, body)


@click.group(cls=GeneralGroup)
def share() -> None:
    """Public links."""


@share.command("add")
@click.argument("loc")
@click.pass_context
def share_add(context: click.Context, loc: str) -> None:
    """Make a public link and print it."""

    async def body(runtime: Runtime, output: Output) -> int:
        storage, found, _ = await find(runtime, loc)
        if not isinstance(storage, HasShares):
            raise NotSupported(f"{storage.title} makes no public links.")
        url = await storage.share(found)
        if output.as_json:
            output.value({"url": url})
        else:
            output.line(url)
        return 0

    run(context, body)
