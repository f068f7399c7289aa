"""`pack` and `unpack`: folders made into one file where they lie, and back, by the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.listing import find
from cloudtui.commands.rows import entry_json, entry_line
from cloudtui.commands.session import Failures, GeneralCommand, run
from cloudtui.services.errors import CloudError
from cloudtui.services.models import Entry, Found
from cloudtui.services.naming import display_name
from cloudtui.services.unpackers import PacksFolders, packs_nothing

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage

Change = Callable[[PacksFolders, Found, Output], Awaitable[Entry]]


@click.command(cls=GeneralCommand)
@click.argument("loc", nargs=-1, required=True)
@click.pass_context
def pack(context: click.Context, loc: tuple[str, ...]) -> None:
    """Have the service make one tar file of a folder, where it lies.

    What lies in it shows again once `unpack` makes the folder of the file.
    """

    async def change(place: PacksFolders, item: Found, output: Output) -> Entry:
        name = display_name(item.entry.name)
        return await place.pack_folder(
            item, lambda percent: output.progress(f"packing {name}  {percent}%")
        )

    _run(context, loc, change)


@click.command(cls=GeneralCommand)
@click.argument("loc", nargs=-1, required=True)
@click.pass_context
def unpack(context: click.Context, loc: tuple[str, ...]) -> None:
    """Make a folder again of the tar file that `pack` made of it."""

    async def change(place: PacksFolders, item: Found, _output: Output) -> Entry:
        return await place.unpack_folder(item)

    _run(context, loc, change)


def _run(context: click.Context, loc: tuple[str, ...], change: Change) -> None:
    """Change one after the other; tell what became of each."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        for text in loc:
            try:
                storage, item, _ = await find(runtime, text)
                entry = await change(_packer(storage), item, output)
            except CloudError as error:
                failures.add(error)
                continue
            now = Found.of(item.at.parent, entry)
            if output.as_json:
                output.value(entry_json(now.at, now.entry, storage.caps))
            else:
                output.line(entry_line(now, output, shown=entry.name))
        return failures.exit_code

    run(context, body)


def _packer(storage: Storage) -> PacksFolders:
    place: object = storage
    if not isinstance(place, PacksFolders) or not storage.caps.allows("packs"):
        raise packs_nothing(storage.title)
    return place
