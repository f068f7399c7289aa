"""Moving one file: picks the way by what source and target are.

Knows the shapes of the Storage protocol and no provider. Jobs, conflicts and the journal are the
engine's; it hands in receipts of earlier tries and takes new ones.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeGuard, cast

from cloudtui.services.errors import Refused
from cloudtui.services.models import HashType
from cloudtui.services.retry import Retries
from cloudtui.services.storage import (
    DiskWrite,
    LocalFile,
    ReadSource,
    Receipt,
    RemoteWrite,
    SourceFacts,
    WriteHandle,
)
from cloudtui.services.transfers.diskcopy import DiskCopy
from cloudtui.services.transfers.download import Download
from cloudtui.services.transfers.feeds import DiskFeed, RemoteFeed
from cloudtui.services.transfers.held import Held, HeldFeed
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.ondisk import on_disk
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.patience import OnWait
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.saying import AskHashes, Saying
from cloudtui.services.transfers.stop import Stop
from cloudtui.services.transfers.tickets import Tickets, open_patiently
from cloudtui.services.transfers.upload import Upload
from cloudtui.services.transfers.work import Moved, OnDigests, Work

__all__ = ["Moved", "move_file"]


async def move_file(
    pump: Pump,
    *,
    open_source: Callable[[], Awaitable[ReadSource]],
    handle: WriteHandle,
    facts: SourceFacts,
    done: Sequence[Receipt],
    on_receipt: Callable[[Receipt], None],
    meter: Meter,
    stop: Stop,
    verify: Verify,
    retries: Retries,
    on_wait: OnWait | None = None,
    claim: HashType | None = None,
    ask_claims: AskHashes | None = None,
    connections: int = 16,
    held: Held | None = None,
    on_digests: OnDigests | None = None,
) -> Moved:
    """Bring one file from `open_source` into `handle` and commit it.

    `done` are receipts of earlier tries with the same handle: none of their bytes is moved again;
    they are added to `meter.done` at the start. `on_receipt` is called on the event loop, for
    bytes that are durable at the target. `facts.size` must be the planned size. `on_wait` is told
    an error and the seconds until the next try. `connections` read the source at most. Where
    tickets carry no digests, `ask_claims` (`Storage.hashes`) is called beside the transfer and
    brings a digest of type `claim` to compare. `held` is the whole file where it lies in memory
    already: `open_source` is not called then, and `handle` is an upload. `on_digests` is awaited
    before an upload is committed whose source is remote, with the digests of all of its bytes where
    they were computed.

    Raises SourceChanged; Mismatch (an upload is to be aborted and begun anew, a download lies as
    `name.bad`); Gone (the upload was forgotten: begin anew); Exists; Full; Interrupted after
    `stop.set()`; any other CloudError once patience is exhausted. May be cancelled. Whatever
    happens, no thread touches file or handle after it returned, and a `DiskWrite` that was not
    finished is closed with its part kept.
    """
    work = Work(
        pump, facts, done, on_receipt, meter, stop, verify, retries, on_wait, connections,
        on_digests,
    )  # fmt: skip
    finished = False
    try:
        if held is not None:
            upload = Upload(work, HeldFeed(work, held), cast("RemoteWrite", handle))
            return await upload.run()
        source = await open_patiently(open_source, retries, stop, on_wait)
        asking = (claim, ask_claims) if verify is not Verify.SIZE else (None, None)
        moved = await _way(work, open_source, source, handle, *asking)
        finished = True
        return moved
    finally:
        if not finished and not _is_remote(handle):
            await on_disk(pump, cast("DiskWrite", handle).close)


async def _way(
    work: Work,
    open_source: Callable[[], Awaitable[ReadSource]],
    source: ReadSource,
    handle: WriteHandle,
    claim: HashType | None,
    ask_claims: AskHashes | None,
) -> Moved:
    if isinstance(source, LocalFile):
        if _is_remote(handle):
            return await Upload(work, DiskFeed(work, source), handle).run()
        return await DiskCopy(work, source, cast("DiskWrite", handle)).run()
    if not source.urls and source.size:
        raise Refused("The service gave no address for this file's content.")
    clock = work.pump.network.clock
    tickets = Tickets(source, open_source, clock, work.retries, work.stop, work.on_wait)
    async with Saying(tickets, claim, ask_claims) as saying:
        if not _is_remote(handle):
            return await Download(work, tickets, cast("DiskWrite", handle), saying).run()
        return await Upload(work, RemoteFeed(work, tickets), handle, saying).run()


def _is_remote(handle: WriteHandle) -> TypeGuard[RemoteWrite]:
    return hasattr(handle, "part_request")
