"""The first bytes of a file, for looking at it: no job, no journal, nothing written.

Owns reading a bounded piece of a disk or cloud file into memory. Bytes move in threads, never on
the event loop.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from cloudtui.services.errors import Refused, SourceChanged
from cloudtui.services.models import Found, Kind
from cloudtui.services.naming import display_name
from cloudtui.services.retry import Retries, retrying
from cloudtui.services.storage import LocalFile, Storage

if TYPE_CHECKING:
    from cloudtui.services.network import Network

_FRESH_LINKS = 2


async def first_bytes(
    storage: Storage, item: Found, count: int, network: Network, retries: Retries
) -> bytes:
    """At most `count` bytes from the start of a file; fewer where it is shorter.

    Raises what the place raises, Refused for what is no file, SourceChanged when it became shorter
    meanwhile.
    """
    if item.entry.kind is not Kind.FILE:
        raise Refused(f"{display_name(item.entry.name)} is no regular file.")
    source = await storage.open_read(item)
    length = min(count, source.size)
    if isinstance(source, LocalFile):
        return await asyncio.to_thread(_from_disk, source, length)
    if not length:
        return b""
    from cloudtui.services.transfers.answers import RangeIgnored, StaleLink
    from cloudtui.services.transfers.pump import Meter, Pump, Stop
    from cloudtui.services.transfers.sinks import MemorySink

    pump = Pump(network, threads=1)
    stop = Stop()
    ticket = source
    stale = 0

    async def fetch() -> bytes:
        nonlocal ticket, stale
        sink = MemorySink(length)
        try:
            await pump.read_range(ticket, 0, length, sink, Meter(), stop)
        except RangeIgnored as error:
            raise Refused("The service sent the whole file where a part was asked for.") from error
        except StaleLink as error:
            stale += 1
            fresh = await storage.open_read(item)
            if stale > _FRESH_LINKS or isinstance(fresh, LocalFile):
                raise error.cause from error
            ticket = fresh
            return await fetch()
        return sink.data

    try:
        return await retrying(fetch, retries=retries)
    except asyncio.CancelledError:
        stop.set()
        raise
    finally:
        pump.close()


def _from_disk(source: LocalFile, length: int) -> bytes:
    try:
        # a name that became a pipe meanwhile must not hold the reader up
        opened = os.open(source.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise Refused(f"The file cannot be read ({error.strerror}).") from error
    try:
        pieces = []
        got = 0
        while got < length:
            piece = os.pread(opened, length - got, got)
            if not piece:
                raise SourceChanged("The file became shorter while it was read.")
            pieces.append(piece)
            got += len(piece)
        return b"".join(pieces)
    except OSError as error:
        raise Refused(f"The file cannot be read ({error.strerror}).") from error
    finally:
        os.close(opened)
