"""`cat`: a file's bytes, or a small picture of it, on stdout."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output, unwritable
from cloudtui.commands.listing import find
from cloudtui.commands.session import GeneralCommand, run
from cloudtui.services.errors import Interrupted, Refused, SourceChanged, UsageError
from cloudtui.services.naming import display_name
from cloudtui.services.storage import LocalFile, ReadSource, ReadTicket

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime

_PIECE = 1024 * 1024
_STALE_LINKS = 4


class _OutSink:
    """Writes what arrives to a descriptor, in order."""

    def __init__(self, fd: int) -> None:
        self.received = 0
        self._fd = fd

    def write(self, _offset: int, view: memoryview) -> int:
        total = len(view)
        while len(view):
            try:
                written = os.write(self._fd, view)
            except BrokenPipeError as exc:
                raise Interrupted("Nobody reads the output any more.") from exc
            except OSError as exc:
                raise unwritable(exc) from exc
            view = view[written:]
            self.received += written
        return total


@click.command(cls=GeneralCommand)
@click.option("--offset", type=click.IntRange(min=0), default=0, help="First byte.")
@click.option("--count", type=click.IntRange(min=0), help="How many bytes; all without it.")
@click.option("--thumbnail", is_flag=True, help="A small picture of each instead, as made there.")
@click.argument("loc", nargs=-1, required=True)
@click.pass_context
def cat(
    context: click.Context,
    loc: tuple[str, ...],
    *,
    offset: int,
    count: int | None,
    thumbnail: bool,
) -> None:
    """Write files to stdout."""
    if thumbnail and (offset or count is not None):
        raise click.UsageError("--thumbnail gives whole pictures: no --offset, no --count.")

    async def pictures(runtime: Runtime, output: Output) -> int:
        from cloudtui.services.media import LARGE

        output.flush()
        sink = _OutSink(sys.stdout.fileno())
        for text in loc:
            _, found, _ = await find(runtime, text)
            if found.entry.is_folder:
                raise UsageError(f"{display_name(text)} is a folder.")
            body = await runtime.picture_bytes(found, LARGE)
            await asyncio.to_thread(sink.write, 0, memoryview(body))
        return 0

    async def body(runtime: Runtime, output: Output) -> int:
        output.flush()
        fd = sys.stdout.fileno()
        for text in loc:
            storage, found, _ = await find(runtime, text)
            if found.entry.is_folder:
                raise UsageError(f"{display_name(text)} is a folder.")
            source = await storage.open_read(found)
            length = max(0, source.size - offset)
            length = length if count is None else min(length, count)
            if isinstance(source, LocalFile):
                await asyncio.to_thread(_copy_local, source, offset, length, fd)
            elif length:
                reopen = partial(storage.open_read, found)
                await write_out(runtime, source, reopen, offset, length, fd)
        return 0

    run(context, pictures if thumbnail else body)


def _copy_local(source: LocalFile, offset: int, length: int, fd: int) -> None:
    sink = _OutSink(fd)
    try:
        opened = os.open(source.path, os.O_RDONLY)
    except OSError as exc:
        raise Refused(f"The file cannot be read ({exc.strerror}).") from exc
    try:
        while sink.received < length:
            at = offset + sink.received
            data = os.pread(opened, min(_PIECE, length - sink.received), at)
            if not data:
                raise SourceChanged("The file became shorter while it was read.")
            sink.write(at, memoryview(data))
    finally:
        os.close(opened)


async def write_out(
    runtime: Runtime,
    ticket: ReadTicket,
    reopen: Callable[[], Awaitable[ReadSource]],
    offset: int,
    length: int,
    fd: int,
) -> None:
    """Write part of a remote file to a descriptor; `reopen` gives a fresh ticket when the link
    goes stale. Raises SourceChanged when the content changed meanwhile."""
    from cloudtui.services.retry import retrying
    from cloudtui.services.transfers.answers import RangeIgnored, StaleLink
    from cloudtui.services.transfers.pump import Meter, Pump, Stop

    pump = Pump(runtime.network, threads=1)
    pump.rooms.share(runtime.paths.state_dir / "rooms")
    sink = _OutSink(fd)
    stop = Stop()
    stale = 0

    async def fetch() -> None:
        nonlocal ticket, stale
        try:
            await pump.read_range(
                ticket, offset + sink.received, length - sink.received, sink, Meter(), stop
            )
        except RangeIgnored as exc:
            raise Refused("The service sent the whole file where a part was asked for.") from exc
        except StaleLink as exc:
            stale += 1
            if stale > _STALE_LINKS:
                raise exc.cause from exc
            fresh = await reopen()
            if not isinstance(fresh, ReadTicket) or fresh.version != ticket.version:
                raise SourceChanged("The file changed while it was read.") from exc
            ticket = fresh
            await fetch()

    try:
        await retrying(fetch, retries=runtime.retries)
    except asyncio.CancelledError:
        stop.set()
        raise
    finally:
        pump.close()
