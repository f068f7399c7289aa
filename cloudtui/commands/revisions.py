"""`revisions`: earlier versions of a file."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output, human_size, rfc3339
from cloudtui.commands.listing import find
from cloudtui.commands.rows import entry_json, moment
from cloudtui.commands.session import GeneralCommand, run
from cloudtui.services.errors import NotSupported, UsageError
from cloudtui.services.models import Found, HashType, Revision
from cloudtui.services.storage import ReadTicket, Revisions

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage

_ACTIONS = ("restore", "cat")


@click.command(cls=GeneralCommand)
@click.argument("loc")
@click.argument("words", nargs=-1, metavar="[restore ID|cat ID]")
@click.pass_context
def revisions(context: click.Context, loc: str, words: tuple[str, ...]) -> None:
    """List the versions of a file, newest first; bring one back, or write one to stdout.

    As a source of cp a version of pCloud is NAME:#FILE@ID, with the file's id of `ls --ids`.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        if words and (words[0] not in _ACTIONS or len(words) != 2):
            raise UsageError("After the file come `restore ID`, `cat ID`, or nothing.")
        storage, found, _ = await find(runtime, loc)
        place: object = storage
        if not isinstance(place, Revisions):
            raise NotSupported(f"{storage.title} keeps no earlier versions of files.")
        if not words:
            await _list(storage, place, found, output)
        elif words[0] == "restore":
            entry = await place.restore_revision(found, words[1])
            if output.as_json:
                output.value(entry_json(found.at, entry, storage.caps))
            output.say("The version is back; what the file held before is a version now.")
        else:
            await _cat(runtime, place, found, words[1], output)
        return 0

    run(context, body)


async def _list(storage: Storage, place: Revisions, found: Found, output: Output) -> None:
    async for page in place.scan_revisions(found):
        for one in page:
            if output.as_json:
                output.value(_json(storage, one))
                continue
            current = "  (now)" if one.is_current else ""
            output.line(
                f"{output.name(one.id)}  {human_size(one.size):>9}  {moment(one.mtime_ns)}{current}"
            )


def _json(storage: Storage, one: Revision) -> dict[str, object]:
    """`id, size, stored, current, hash`; the hash only where it is a digest."""
    digest = storage.caps.entry_hash not in (None, HashType.CHANGE)
    return {
        "id": one.id,
        "size": one.size,
        "stored": rfc3339(one.mtime_ns),
        "current": one.is_current,
        "hash": one.hash.hex() if digest else "",
    }


async def _cat(
    runtime: Runtime, place: Revisions, found: Found, revision: str, output: Output
) -> None:
    from cloudtui.commands.content import write_out

    output.flush()
    reopen = partial(place.open_revision, found, revision)
    source = await reopen()
    assert isinstance(source, ReadTicket)  # the disk keeps no versions
    if source.size:
        await write_out(runtime, source, reopen, 0, source.size, sys.stdout.fileno())
