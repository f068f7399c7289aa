"""`mkdir` and `rename`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.listing import find
from cloudtui.commands.rows import entry_json
from cloudtui.commands.session import Failures, GeneralCommand, run
from cloudtui.services.errors import CloudError, Exists, NotFound, UsageError
from cloudtui.services.models import Found, Kind, Location
from cloudtui.services.naming import display_name

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage


async def make_folder(storage: Storage, at: Location, *, parents: bool) -> Found:
    """Make the folder `at`; with `parents` what is missing above it too, and one that is already
    there counts as made."""
    if not at.parts:
        if parents:
            return await storage.stat(at, want=Kind.FOLDER)
        raise Exists("The top folder is always there.")
    try:
        parent = await storage.stat(at.parent, want=Kind.FOLDER)
    except NotFound:
        if not parents:
            raise
        parent = await make_folder(storage, at.parent, parents=True)
    try:
        return Found.of(parent.at, await storage.mkdir(parent.at, at.name))
    except Exists:
        if parents:
            existing = await storage.stat(at, want=Kind.FOLDER)
            if existing.entry.is_folder:
                return existing
        raise


@click.command(cls=GeneralCommand)
@click.option("-p", "--parents", is_flag=True, help="Make what is missing above it, too.")
@click.argument("loc", nargs=-1, required=True)
@click.pass_context
def mkdir(context: click.Context, loc: tuple[str, ...], *, parents: bool) -> None:
    """Make folders."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        for text in loc:
            try:
                address = runtime.parse(text)
                storage = await runtime.storage(address.at.account)
                made = await make_folder(storage, address.at, parents=parents)
            except CloudError as error:
                failures.add(error)
                continue
            if output.as_json:
                output.value(entry_json(made.at, made.entry, storage.caps))
        return failures.exit_code

    run(context, body)


@click.command(cls=GeneralCommand)
@click.argument("loc")
@click.argument("name")
@click.pass_context
def rename(context: click.Context, loc: str, name: str) -> None:
    """Give an entry another name in its folder."""

    async def body(runtime: Runtime, output: Output) -> int:
        if not name or "/" in name:
            raise UsageError(
                f"{display_name(name)!r} is no name.", hint="mv moves things to another folder."
            )
        storage, found, _ = await find(runtime, loc)
        if not found.at.parts:
            raise UsageError("The top folder cannot be renamed.")
        renamed = await storage.rename(found, name)
        if output.as_json:
            at = Location(found.at.account, (*found.at.parts[:-1], renamed.name))
            output.value(entry_json(at, renamed, storage.caps))
        return 0

    run(context, body)
