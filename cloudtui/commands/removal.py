"""`rm` and `trash`."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from cloudtui import present
from cloudtui.cli_output import Output, human_size, rfc3339
from cloudtui.commands.asking import asked
from cloudtui.commands.finding import Finder
from cloudtui.commands.rows import entry_json, moment
from cloudtui.commands.session import Failures, GeneralCommand, GeneralGroup, run
from cloudtui.services.emptying import empty
from cloudtui.services.errors import CloudError, Interrupted, NotFound, NotSupported, UsageError
from cloudtui.services.models import Found, Location, TrashItem
from cloudtui.services.naming import display_name
from cloudtui.services.storage import HasTrash, TrashRevokesLinks

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage


async def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere the command itself is the answer. Raises Interrupted on no."""
    if yes or not sys.stdin.isatty():
        return
    if not await asked(partial(click.confirm, question, default=False, err=True)):
        raise Interrupted("Nothing was removed.")


@click.command(cls=GeneralCommand)
@click.option("-r", "--recursive", is_flag=True, help="Folders with all they hold, too.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--forever", is_flag=True, help="Past the trash; cannot be undone.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("loc", nargs=-1, required=True)
@click.pass_context
def rm(
    context: click.Context,
    loc: tuple[str, ...],
    *,
    recursive: bool,
    dry_run: bool,
    forever: bool,
    yes: bool,
) -> None:
    """Move files and folders to the trash of their place."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        places: dict[str, tuple[Storage, list[Found]]] = {}
        finder = Finder(runtime, loc)
        for text in loc:
            try:
                storage, found, _ = await finder.find(text)
                if not found.at.parts:
                    raise UsageError("The top folder cannot be removed.")
                if found.entry.is_folder and not recursive:
                    raise UsageError(
                        f"{display_name(text)} is a folder; it was left alone.",
                        hint="-r removes it with all it holds.",
                    )
            except CloudError as error:
                failures.add(error)
                continue
            places.setdefault(found.at.account, (storage, []))[1].append(found)
        count = sum(len(items) for _, items in places.values())
        if dry_run:
            for _, items in places.values():
                for item in items:
                    output.line(f"{'delete' if forever else 'trash'}  {output.name(str(item.at))}")
            return failures.exit_code
        if forever and count:
            for storage, items in places.values():
                await _tell_links(storage, items, output)
            await confirm(f"Delete {count} for ever? This cannot be undone.", yes=yes)
        for storage, items in places.values():
            try:
                await _remove(storage, items, output, forever=forever)
            except CloudError as error:
                failures.add(error)
        return failures.exit_code

    run(context, body)


async def _tell_links(storage: Storage, items: list[Found], output: Output) -> None:
    """Which public links end with a delete that cannot be taken back, before it is asked about."""
    place: object = storage
    if not isinstance(place, TrashRevokesLinks):
        return
    links = await place.public_links_on(items)
    if links is None:
        output.say(f"{storage.title} does not show programs whether public links lead here.")
    elif links:
        output.say(f"{present.count(len(links), 'public link')} will be taken back:")
        for link in links:
            output.say(f"  {display_name(link)}")


async def _remove(storage: Storage, items: list[Found], output: Output, *, forever: bool) -> None:
    if forever:
        await storage.remove(items)
        return
    if not isinstance(storage, HasTrash):
        raise NotSupported(
            f"{storage.title} has no trash; nothing was removed.",
            hint="--forever deletes past it.",
        )
    for item in await storage.trash(items):
        if item.note:
            output.say(f"{display_name(item.entry.name)}: {item.note}")
        if output.as_json:
            output.value(trash_json(storage, item))


def trash_json(storage: Storage, item: TrashItem) -> dict[str, object]:
    """An entry's JSON with `trashed_from` and `trashed_at`, and `deleted_at` where the service says
    when it is gone for good; `id` is what restore and rm take."""
    at = item.origin or Location(storage.account, (item.entry.name,))
    return {
        **entry_json(at, item.entry, storage.caps),
        "id": item.key,
        "trashed_from": item.origin.path if item.origin else None,
        "trashed_at": rfc3339(item.trashed_ns),
        **({} if item.ends_ns is None else {"deleted_at": rfc3339(item.ends_ns)}),
    }


async def _trash_of(runtime: Runtime, account: str) -> tuple[Storage, HasTrash]:
    storage = await runtime.storage(account)
    place: object = storage
    if not isinstance(place, HasTrash):
        raise NotSupported(f"{storage.title} has no trash.")
    return storage, place


async def list_trash(runtime: Runtime, output: Output, at: Location) -> None:
    """What lies in the trash of the place `at` is in; below `at` only, unless it is the top."""
    storage, trash_place = await _trash_of(runtime, at.account)
    async for page in trash_place.scan_trash():
        for item in page:
            if at.account and at.parts and not (item.origin and item.origin.is_inside(at)):
                continue
            if output.as_json:
                output.value(trash_json(storage, item))
                continue
            origin = output.name(str(item.origin)) if item.origin else "(not known)"
            size = "-" if item.entry.is_folder else human_size(item.entry.size)
            output.line(f"{size:>9}  {moment(item.trashed_ns)}  {output.name(item.key)}  {origin}")


@click.group(cls=GeneralGroup)
def trash() -> None:
    """See, restore and empty the trash of a place."""


@trash.command("ls")
@click.argument("place")
@click.pass_context
def trash_ls(context: click.Context, place: str) -> None:
    """List what lies in the trash of NAME: (or of a disk, by any path on it)."""

    async def body(runtime: Runtime, output: Output) -> int:
        await list_trash(runtime, output, runtime.parse(place).at)
        return 0

    run(context, body)


async def _picked(
    runtime: Runtime, words: tuple[str, ...], failures: Failures
) -> tuple[Storage, HasTrash, list[TrashItem], list[TrashItem]]:
    """The items that `LOC…` or `NAME: ID…` mean: an old address (the newest of one address wins)
    or an id as `trash ls` shows it; and the folders they lay in that lie in the trash, too."""
    first = runtime.parse(words[0])
    storage, place = await _trash_of(runtime, first.at.account)
    items = [item async for page in place.scan_trash() for item in page]
    by_key = {item.key: item for item in items}
    by_place: dict[tuple[str, tuple[str, ...]], list[TrashItem]] = {}
    for item in items:
        if item.origin is not None:
            by_place.setdefault((item.origin.account, item.origin.parts), []).append(item)
    wanted = words[1:] if first.at.account and not first.at.parts and len(words) > 1 else words
    by_id = wanted is not words
    picked: dict[str, TrashItem] = {}
    for word in wanted:
        found = by_key.get(word)
        if found is None and not by_id:
            address = runtime.parse(word)
            same = [
                item
                for item in by_place.get((address.at.account, address.at.parts), ())
                if item.entry.is_folder or not address.wants_folder
            ]
            found = max(same, key=lambda item: item.trashed_ns or 0) if same else None
        if found is None:
            failures.add(
                NotFound(
                    f"{display_name(word)} is not in the trash of {storage.title}.",
                    hint="cloudtui trash ls shows what is.",
                )
            )
        else:
            picked[found.key] = found
    above: dict[str, TrashItem] = {}
    for item in picked.values():
        parts = item.origin.parts if item.origin is not None else ()
        for depth in range(1, len(parts)):
            held = by_place.get((storage.account, parts[:depth]), ())
            newest = max(held, key=lambda item: item.trashed_ns or 0, default=None)
            if newest is not None and newest.entry.is_folder and newest.key not in picked:
                above[newest.key] = newest
    return storage, place, list(picked.values()), list(above.values())


@trash.command("restore")
@click.option("--with-folders", is_flag=True, help="With the folders in the trash that held them.")
@click.argument("words", nargs=-1, required=True, metavar="LOC...|NAME: ID...")
@click.pass_context
def trash_restore(context: click.Context, words: tuple[str, ...], *, with_folders: bool) -> None:
    """Put things back into the folder they came from.

    One that lies in the trash itself is offered on a terminal, else made again by its name.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        storage, place, picked, above = await _picked(runtime, words, failures)
        if above and (with_folders or await _wanted(above)):
            picked = [*above, *picked]
        if picked:
            for restored in await place.restore(picked):
                if output.as_json:
                    output.value(entry_json(restored.at, restored.item.entry, storage.caps))
                else:
                    note = f"  {display_name(restored.note)}" if restored.note else ""
                    output.line(f"{output.name(str(restored.at))}{note}")
        return failures.exit_code

    run(context, body)


async def _wanted(folders: list[TrashItem]) -> bool:
    """Whether these come back with what lay in them; without a terminal they do not."""
    if not sys.stdin.isatty():
        return False
    names = ", ".join(display_name(str(folder.origin)) for folder in folders)
    question = f"In the trash, too: {names}. Restore that as well?"
    return await asked(partial(click.confirm, question, default=True, err=True))


@trash.command("rm")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("words", nargs=-1, required=True, metavar="LOC...|NAME: ID...")
@click.pass_context
def trash_rm(context: click.Context, words: tuple[str, ...], *, yes: bool) -> None:
    """Delete things in the trash for ever."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        _, place, picked, _ = await _picked(runtime, words, failures)
        if picked:
            await confirm(f"Delete {len(picked)} for ever? This cannot be undone.", yes=yes)
            await place.delete_forever(picked)
        return failures.exit_code

    run(context, body)


@trash.command("empty")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("place")
@click.pass_context
def trash_empty(context: click.Context, place: str, *, yes: bool) -> None:
    """Delete everything in the trash for ever."""

    async def body(runtime: Runtime, output: Output) -> int:
        storage, bin_ = await _trash_of(runtime, runtime.parse(place).at.account)
        await confirm(f"Empty the trash of {storage.title}? This cannot be undone.", yes=yes)

        def tell(done: int, total: int | None) -> None:
            far = f"{done}%" if total is None else f"{done} of {total}"
            output.progress(f"emptying  {far}")

        await empty(bin_, tell)
        output.say(f"The trash of {storage.title} is empty.")
        return 0

    run(context, body)
