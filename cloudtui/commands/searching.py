"""`search`: names in the folders that are known, and on request in those that are not yet."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.listing import find
from cloudtui.commands.rows import entry_json, entry_line
from cloudtui.commands.session import Failures, GeneralCommand, run
from cloudtui.services.errors import CloudError, ExitCode
from cloudtui.services.models import Found

if TYPE_CHECKING:
    from cloudtui.services.catalogue import Catalogue
    from cloudtui.services.models import Location
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage


@click.command(cls=GeneralCommand)
@click.option("--in", "place", metavar="LOC", help="Only below this folder.")
@click.option("--fresh", is_flag=True, help="List everything below --in first.")
@click.argument("words", nargs=-1, required=True)
@click.pass_context
def search(
    context: click.Context, words: tuple[str, ...], *, place: str | None, fresh: bool
) -> None:
    """Find names that hold all WORDS among the folders listed so far.

    With --in a folder that was never listed is listed first, with all below it.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        below = None
        with contextlib.closing(open_catalogue(runtime)) as catalogue:
            if place is not None:
                storage, found, _ = await find(runtime, place)
                below = found.at
                if found.entry.is_folder and (fresh or not catalogue.knows(below)):
                    await _list_all(storage, below, catalogue, failures, output)
            hits = 0
            for hit in catalogue.search(words, below=below):
                hits += 1
                storage = await runtime.storage(hit.at.account)
                if output.as_json:
                    output.value(entry_json(hit.at, hit.entry, storage.caps))
                else:
                    row = Found(hit.at, hit.entry)
                    output.line(entry_line(row, output, shown=str(hit.at)))
            if not hits:
                output.say("Nothing that is listed so far holds these words.")
                return failures.exit_code or int(ExitCode.NOT_FOUND)
            return failures.exit_code

    run(context, body)


def open_catalogue(runtime: Runtime) -> Catalogue:
    """The index in the cache folder."""
    from cloudtui.services.catalogue import Catalogue

    return Catalogue(runtime.paths.cache_dir / "catalogue.sqlite")


async def _list_all(
    storage: Storage,
    top: Location,
    catalogue: Catalogue,
    failures: Failures,
    output: Output,
) -> None:
    from cloudtui.services.walking import walk

    count = 0
    async for folder, listed in walk(storage, top):
        if isinstance(listed, CloudError):
            failures.add(listed)
            continue
        catalogue.keep(folder, listed)
        count += len(listed)
        output.progress(f"listed {count:,} names")
