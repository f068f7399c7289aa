"""`link`: ways to a file's content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.listing import find
from cloudtui.commands.qualities import LIST, player, show_qualities
from cloudtui.commands.session import GeneralCommand, run
from cloudtui.services.errors import NotSupported
from cloudtui.services.media import ORIGINAL
from cloudtui.services.storage import MakesLinks

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime


@click.command(cls=GeneralCommand)
@click.option(
    "--quality",
    metavar="NAME",
    default="",
    help="Another form of a film or music, such as 720P; `original`; `list` shows what there is.",
)
@click.argument("loc")
@click.pass_context
def link(context: click.Context, loc: str, *, quality: str) -> None:
    """Print a direct link to a file's content, where the service has one."""

    async def body(runtime: Runtime, output: Output) -> int:
        storage, found, _ = await find(runtime, loc)
        if not isinstance(storage, MakesLinks):
            raise NotSupported(f"{storage.title} has no direct links.")
        if quality.casefold() == LIST:
            show_qualities(output, await player(storage).qualities(found))
            return 0
        if not quality or quality.casefold() == ORIGINAL:
            url = await storage.direct_link(found)
        else:
            url = await player(storage).quality_link(found, quality)
        if output.as_json:
            output.value({"url": url, **({"quality": quality} if quality else {})})
        else:
            output.line(url)
            whose = "for whoever holds it" if storage.caps.links_anywhere else "for this network"
            output.say(f"It works for some hours, {whose}.")
        return 0

    run(context, body)
