"""`star`: marking entries as favourites, and what is marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from cloudtui.cli_output import Output
from cloudtui.commands.finding import Finder
from cloudtui.commands.rows import entry_json, entry_line
from cloudtui.commands.session import Failures, GeneralCommand, run
from cloudtui.services.errors import CloudError, NotSupported, UsageError
from cloudtui.services.models import Flag, Found
from cloudtui.services.starring import KeepsStars

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage


@click.command(cls=GeneralCommand)
@click.option("--off", is_flag=True, help="Take the stars off.")
@click.option("--list", "listing", is_flag=True, help="Show what carries a star below LOC instead.")
@click.argument("loc", nargs=-1, required=True)
@click.pass_context
def star(context: click.Context, loc: tuple[str, ...], *, off: bool, listing: bool) -> None:
    """Put stars on files and folders, for every client of the account to see.

    With --list, LOC is NAME: or a folder.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        if off and listing:
            raise UsageError("Either --off or --list, not both.")
        if listing:
            for text in loc:
                await _list(runtime, output, text)
            return 0
        return await _put(runtime, output, loc, on=not off)

    run(context, body)


async def _put(runtime: Runtime, output: Output, loc: tuple[str, ...], *, on: bool) -> int:
    failures = Failures(output)
    places: dict[str, tuple[Storage, list[Found]]] = {}
    finder = Finder(runtime, loc)
    for text in loc:
        try:
            storage, found, _ = await finder.find(text)
            _keeper(storage)
        except CloudError as error:
            failures.add(error)
            continue
        places.setdefault(found.at.account, (storage, []))[1].append(found)
    for storage, items in places.values():
        try:
            await _keeper(storage).star(items, on=on)
        except CloudError as error:
            failures.add(error)
            continue
        if output.as_json:
            for item in items:
                flags = item.entry.flags | Flag.STARRED if on else item.entry.flags & ~Flag.STARRED
                output.value(entry_json(item.at, replace(item.entry, flags=flags), storage.caps))
    return failures.exit_code


async def _list(runtime: Runtime, output: Output, text: str) -> None:
    folder = runtime.parse(text).at
    storage = await runtime.storage(folder.account)
    async for page in _keeper(storage).scan_starred():
        for item in sorted(page, key=lambda item: item.at.parts):
            if not item.at.is_inside(folder):
                continue
            if output.as_json:
                output.value(entry_json(item.at, item.entry, storage.caps))
            else:
                output.line(entry_line(item, output, shown=str(item.at)))


def _keeper(storage: Storage) -> KeepsStars:
    place: object = storage
    if not isinstance(place, KeepsStars):
        raise NotSupported(f"{storage.title} keeps no stars.")
    return place
