"""`ls`, `stat` and `du`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from cloudtui import present
from cloudtui.cli_output import Output, human_size
from cloudtui.commands.rows import entry_json, entry_line, moment
from cloudtui.commands.session import Failures, GeneralCommand, run
from cloudtui.services.errors import CloudError, NotSupported
from cloudtui.services.models import DISK, Found, HashType, Kind, Location

if TYPE_CHECKING:
    from cloudtui.services.addresses import Address
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage


def wanted_kind(address: Address) -> Kind | None:
    """A trailing slash means the folder among entries of one name."""
    return Kind.FOLDER if address.wants_folder else None


async def find(runtime: Runtime, text: str) -> tuple[Storage, Found, Address]:
    """The storage and entry a typed address means."""
    address = runtime.parse(text)
    storage = await runtime.storage(address.at.account)
    return storage, await storage.stat(address.at, want=wanted_kind(address)), address


async def sorted_entries(storage: Storage, folder: Location) -> list[Found]:
    """Everything in one folder, in display order."""
    from cloudtui.services.listing import order

    entries = [entry async for page in storage.scan(folder) for entry in page]
    return [Found.of(folder, entries[index]) for index in order(entries)]


@click.command(cls=GeneralCommand)
@click.option("-l", "--long", is_flag=True, help="Size and time of each entry.")
@click.option("-R", "--recursive", is_flag=True, help="Everything below, as relative paths.")
@click.option("--ids", is_flag=True, help="Show the service's ids.")
@click.option("--trashed", is_flag=True, help="What lies in the trash instead.")
@click.argument("loc", required=False, default=".")
@click.pass_context
def ls(
    context: click.Context, loc: str, *, long: bool, recursive: bool, ids: bool, trashed: bool
) -> None:
    """List a folder, or show one file's line."""

    async def body(runtime: Runtime, output: Output) -> int:
        if trashed:
            from cloudtui.commands.removal import list_trash

            address = runtime.parse(loc)
            await list_trash(runtime, output, address.at)
            return 0
        storage, found, _ = await find(runtime, loc)
        failures = Failures(output)
        if not found.entry.is_folder:
            _show(storage, found, found.entry.name, output, long=long, ids=ids)
            return 0
        if not recursive:
            rows = await sorted_entries(storage, found.at)
            remember(runtime, found.at, rows)
            for row in rows:
                _show(storage, row, row.entry.name, output, long=long, ids=ids)
            return 0
        from cloudtui.services.walking import walk_in_order

        depth = len(found.at.parts)
        async for folder, listed in walk_in_order(storage, found.at):
            if isinstance(listed, CloudError):
                if folder == found.at:
                    raise listed
                failures.add(listed)
                continue
            remember(runtime, folder, listed)
            for row in listed:
                _show(storage, row, "/".join(row.at.parts[depth:]), output, long=long, ids=ids)
        return failures.exit_code

    run(context, body)


def remember(runtime: Runtime, folder: Location, rows: list[Found]) -> None:
    """Let search know a cloud folder's listing. A cache that cannot be written only costs that."""
    if folder.account == DISK:
        return
    import contextlib
    import sqlite3

    from cloudtui.commands.searching import open_catalogue

    with (
        contextlib.suppress(OSError, sqlite3.Error),
        contextlib.closing(open_catalogue(runtime)) as catalogue,
    ):
        catalogue.keep(folder, [row.entry for row in rows])


def _show(
    storage: Storage, row: Found, shown: str, output: Output, *, long: bool, ids: bool
) -> None:
    if output.as_json:
        output.value(entry_json(row.at, row.entry, storage.caps))
    else:
        output.line(entry_line(row, output, shown=shown, long=long, ids=ids))


@click.command(cls=GeneralCommand)
@click.option("--hash", "with_hash", is_flag=True, help="Show digests too.")
@click.argument("loc", nargs=-1, required=True)
@click.pass_context
def stat(context: click.Context, loc: tuple[str, ...], *, with_hash: bool) -> None:
    """Everything known about an entry."""

    async def body(runtime: Runtime, output: Output) -> int:
        from cloudtui.commands.qualities import known_qualities, quality_json, quality_line

        failures = Failures(output)
        for text in loc:
            try:
                storage, found, _ = await find(runtime, text)
                hashes = await digests(storage, found) if with_hash else None
                if hashes is not None and found.entry.kind is Kind.FILE:
                    hashes = {**dict.fromkeys(storage.caps.tells_hashes, ""), **hashes}
            except CloudError as error:
                failures.add(error)
                continue
            forms = await known_qualities(storage, found)
            if output.as_json:
                told = entry_json(found.at, found.entry, storage.caps, hashes)
                if forms:
                    told["qualities"] = [quality_json(one) for one in forms]
                output.value(told)
            else:
                _describe(output, found, hashes)
                for one in forms:
                    output.line(f"plays     {quality_line(one, output)}")
        return failures.exit_code

    run(context, body)


def _describe(output: Output, found: Found, hashes: Mapping[HashType, str] | None) -> None:
    entry = found.entry
    output.line(f"name      {output.name(entry.name or '/')}")
    output.line(f"where     {output.name(str(found.at))}")
    output.line(f"id        {output.name(entry.id)}")
    output.line(f"kind      {entry.kind}")
    if entry.size is not None and not entry.is_folder:
        output.line(f"size      {entry.size} bytes ({human_size(entry.size)})")
    output.line(f"modified  {moment(entry.mtime_ns).strip()}")
    if entry.is_starred:
        output.line("also      starred")
    for kind, digest in (hashes or {}).items():
        output.line(f"{kind:<9} {digest or '(none)'}")


async def digests(storage: Storage, found: Found) -> Mapping[HashType, str]:
    """The digests of a file: the service's, or our own reading of the disk."""
    if found.entry.kind is not Kind.FILE:
        return {}
    if found.at.account != DISK:
        return await storage.hashes(found)
    from cloudtui.services.addresses import local_path
    from cloudtui.services.hashes import hash_file

    kinds = (HashType.SHA1, HashType.MD5, HashType.GCID)

    def read() -> dict[HashType, str]:
        try:
            with local_path(found.at).open("rb") as file:
                return hash_file(file.fileno(), found.entry.size or 0, kinds)
        except OSError as exc:
            raise NotSupported(f"The file cannot be read ({exc.strerror}).") from exc

    return await asyncio.to_thread(read)


@click.command(cls=GeneralCommand)
@click.argument("loc", required=False, default=".")
@click.pass_context
def du(context: click.Context, loc: str) -> None:
    """Count what lies below a folder: files, folders and bytes."""

    async def body(runtime: Runtime, output: Output) -> int:
        storage, found, _ = await find(runtime, loc)
        files = folders = size = 0
        failures = Failures(output)
        if not found.entry.is_folder:
            files, size = 1, found.entry.size or 0
        else:
            from cloudtui.services.walking import walk

            async for _, listed in walk(storage, found.at):
                if isinstance(listed, CloudError):
                    failures.add(listed)
                    continue
                folders += sum(entry.is_folder for entry in listed)
                files += sum(entry.kind is Kind.FILE for entry in listed)
                size += sum(entry.size or 0 for entry in listed if entry.kind is Kind.FILE)
                output.progress(f"{present.count(files, 'file')}, {human_size(size)} so far")
        if output.as_json:
            output.value({"files": files, "folders": folders, "bytes": size})
        else:
            counts = present.count(files, "file"), present.count(folders, "folder")
            size_words = f"{present.count(size, 'byte')} ({human_size(size)})"
            output.line(", ".join([*counts, size_words]))
        return failures.exit_code

    run(context, body)
