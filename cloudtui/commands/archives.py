"""`extract`: archives unpacked by the service that holds them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output, human_size
from cloudtui.commands.asking import asked_line
from cloudtui.commands.folders import make_folder
from cloudtui.commands.listing import find
from cloudtui.commands.session import Failures, GeneralCommand, run
from cloudtui.services.errors import CloudError, NotSupported, UsageError
from cloudtui.services.models import ArchiveEntry, Extracted, Found, Kind, Location, Secret
from cloudtui.services.naming import display_name
from cloudtui.services.unpackers import Archives, takes_all
from cloudtui.services.unpacking import archives_of, inside, named_inside, see_through, unpack

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage


@click.command(cls=GeneralCommand)
@click.option("--to", "target", metavar="LOC", help="Folder for the content; beside it without.")
@click.option(
    "--only",
    multiple=True,
    metavar="PATH",
    help="Nothing else of the archive; a folder with all in it. May be given several times.",
)
@click.option("--password-stdin", is_flag=True, help="The password is the first line of stdin.")
@click.option("--delete-source", is_flag=True, help="To the trash with what is fully unpacked.")
@click.option("--list", "look", is_flag=True, help="Only show what is inside.")
@click.option("--resume", is_flag=True, help="See through what an earlier run left unpacking.")
@click.argument("loc", nargs=-1)
@click.pass_context
def extract(
    context: click.Context,
    loc: tuple[str, ...],
    *,
    target: str | None,
    only: tuple[str, ...],
    password_stdin: bool,
    delete_source: bool,
    look: bool,
    resume: bool,
) -> None:
    """Have the service unpack archives; a folder means every archive in it.

    --only takes paths as --list shows them; nothing begins unless all of them are there.
    With --delete-source an interrupted run is seen through by the next full screen, or by --resume:
    the archive goes once all of it is unpacked.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        if bool(loc) == resume:
            raise UsageError(
                "Archives and --resume do not go together."
                if loc
                else "No archive was named to unpack.",
                hint="--resume alone sees through what was begun.",
            )
        if only:
            _check_only(loc, delete_source=delete_source, look=look)
        password = None
        if password_stdin:
            line = await asked_line()
            password = Secret(line.rstrip("\r\n"))
        failures = Failures(output)
        if look:
            return await _look(runtime, output, failures, loc, password)
        total = Extracted() if not resume else await _resumed(runtime, output, failures)
        for text in loc:
            try:
                storage, found, _ = await find(runtime, text)
                unpacker = _unpacker(storage)
                parts = await _parts(storage, found, only, password)
                into = await _into(runtime, target, storage)
                archives = await archives_of(storage, found)
            except CloudError as error:
                failures.add(error)
                total += Extracted(errors=1)
                continue
            for archive in archives:
                try:
                    total += await unpack(
                        runtime.unpackings,
                        unpacker,
                        archive,
                        into,
                        password,
                        only=parts,
                        delete_source=delete_source,
                        on_progress=_telling(output, display_name(archive.entry.name)),
                    )
                except CloudError as error:
                    failures.add(error)
                    total += Extracted(errors=1)
        for message in total.messages:
            output.say(display_name(message, edges=False))
        counters = {
            "Decompressed": total.decompressed,
            "SourceDeleted": total.source_deleted,
            "Errors": total.errors,
        }
        if output.as_json:
            output.value(counters)
        else:
            for name, number in counters.items():
                output.line(f"{name:<14} {number}")
        return failures.exit_code or int(total.errors > 0)

    run(context, body)


def _check_only(loc: tuple[str, ...], *, delete_source: bool, look: bool) -> None:
    """Refuse what makes no sense for a part of an archive."""
    if len(loc) > 1:
        raise UsageError(
            "--only takes one archive at a time.", hint="Give --only once for each path inside."
        )
    if look:
        raise UsageError("--list unpacks nothing, so --only has nothing to choose.")
    if delete_source:
        raise UsageError(
            "--delete-source does not go with --only: the rest would be lost.",
            hint="Unpack all of the archive, or keep it.",
        )


async def _parts(
    storage: Storage, archive: Found, only: tuple[str, ...], password: Secret | None
) -> list[ArchiveEntry]:
    """The things inside that are asked for; none for all of it."""
    if not only:
        return []
    if not storage.caps.archive_parts:
        raise takes_all(storage.title)
    if archive.entry.is_folder:
        raise UsageError(f"{display_name(str(archive.at))} is a folder: --only takes an archive.")
    return await named_inside(_unpacker(storage), archive, only, password)


async def _look(
    runtime: Runtime,
    output: Output,
    failures: Failures,
    loc: tuple[str, ...],
    password: Secret | None,
) -> int:
    """What is inside archives, one line for each thing."""
    for text in loc:
        try:
            storage, found, _ = await find(runtime, text)
            for archive in await archives_of(storage, found):
                async for row in inside(_unpacker(storage), archive, password):
                    _show(output, archive, row)
        except CloudError as error:
            failures.add(error)
    return failures.exit_code


def _show(output: Output, archive: Found, row: ArchiveEntry) -> None:
    if output.as_json:
        output.value(
            {
                "archive": archive.at.path,
                "path": row.path,
                "type": "folder" if row.kind is Kind.FOLDER else "file",
                "size": row.size,
            }
        )
        return
    size = "-" if row.size is None else human_size(row.size)
    slash = "/" if row.kind is Kind.FOLDER else ""
    output.line(f"{size:>9}  {output.name(row.path)}{slash}")


def _telling(output: Output, name: str) -> Callable[[int], None]:
    return lambda percent: output.progress(f"unpacking {name}  {percent}%")


async def _resumed(runtime: Runtime, output: Output, failures: Failures) -> Extracted:
    """What earlier runs began and no process waits for."""
    total = Extracted()
    book = runtime.unpackings
    for left in await asyncio.to_thread(book.left):
        mine = await asyncio.to_thread(book.take, left)
        if mine is None:
            continue  # another process was faster
        try:
            storage = await runtime.storage(left.account)
            total += await see_through(book, storage, mine, _telling(output, left.name))
        except CloudError as error:
            failures.add(error)
            total += Extracted(errors=1)
    return total


def _unpacker(storage: Storage) -> Archives:
    place: object = storage
    if not isinstance(place, Archives):
        raise NotSupported(f"{storage.title} does not unpack archives by itself.")
    return place


async def _into(runtime: Runtime, target: str | None, storage: Storage) -> Location | None:
    if target is None:
        return None
    at = runtime.parse(target).at
    if at.account != storage.account:
        raise UsageError(
            f"{storage.title} unpacks only into its own folders.",
            hint="cp brings the content elsewhere afterwards.",
        )
    if at.node or not at.parts:
        return at
    return (await make_folder(storage, at, parents=True)).at
