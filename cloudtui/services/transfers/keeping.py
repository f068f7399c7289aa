"""The life of one unfinished write in the journal: intended, written down, taken up, forgotten.

Owns nothing on disk or at a service; what moves bytes (`stream`, `fetching`) works through it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TypeGuard

from cloudtui.services.errors import CloudError, Gone
from cloudtui.services.failpoints import failpoint
from cloudtui.services.fetches import FetchWrite
from cloudtui.services.models import DISK, Location
from cloudtui.services.storage import (
    LeavesWhole,
    Receipt,
    RemoteWrite,
    SourceFacts,
    Storage,
    WriteHandle,
)
from cloudtui.services.transfers import intents, ledger, shelves
from cloudtui.services.transfers.desk import Desk, Errand


class Keeping:
    """What is kept of the write of one errand. `version` is that of the source it was begun with,
    `current` that of the source as it is now."""

    def __init__(self, desk: Desk, errand: Errand) -> None:
        self._desk = desk
        self._errand = errand
        self.kept = errand.item.handle
        self.version = errand.item.version
        self.current = ""

    async def intend(
        self, target: Storage, folder: Location, name: str, facts: SourceFacts
    ) -> None:
        """Note that a write is about to begin."""
        errand = self._errand
        wanted = target.caps.upload_hash
        digest = "" if wanted is None else facts.hashes.get(wanted, "")
        digest = digest or next(iter(facts.hashes.values()), "")
        intent = intents.Intent(
            errand.job, errand.item.id, "write", folder, name, facts.size, digest
        )
        if folder.account == DISK:
            # A part on this disk has a name that says whose it is: nobody waits for the note.
            self._desk.journal.post(lambda db: intents.add(db, intent))
        else:
            await self._desk.journal.run(lambda db: intents.add(db, intent))

    async def note(self, handle: WriteHandle | FetchWrite, *, wait: bool) -> None:
        """Write down how to go on; with `wait` until it is durable."""
        errand, desk = self._errand, self._desk
        item, job, version = errand.item.id, errand.job, self.current
        kept = await desk.envelope.close(item, handle.state(), secret=is_remote(handle))
        if kept is None:
            desk.journal.post(lambda db: ledger.set_volatile(db, job))
        if wait:
            await desk.journal.run(lambda db: shelves.note_write(db, item, kept, version))
        else:
            desk.journal.post(lambda db: shelves.note_write(db, item, kept, version))
        self.kept, self.version = kept, version

    async def reopen(self, target: Storage) -> WriteHandle | FetchWrite | None:
        """The unfinished write, None when there is none (any more)."""
        item = self._errand.item.id
        try:
            state = await self._desk.envelope.open(item, self.kept)
            return None if state is None else await target.reopen_write(state)
        except Gone:
            await self.forget()
            return None

    async def is_fresh(self, target: Storage) -> bool:
        """Whether the unfinished write is of the source as it is now; one of another version is
        removed and forgotten."""
        if self.kept is None or not self.version or self.version == self.current:
            return True
        handle = await self.reopen(target)
        if handle is not None:
            await drop(handle)
        await self.forget()
        return False

    async def stored(self, handle: WriteHandle) -> Sequence[Receipt]:
        """What the target holds: the service's own word, for this disk the synced ranges."""
        if is_upload(handle):
            return await handle.probe()
        item = self._errand.item.id
        return await self._desk.journal.read(lambda db: shelves.receipts(db, item))

    async def forget(self) -> None:
        """There is no unfinished write any more."""
        item = self._errand.item.id
        self.kept = None
        self._desk.envelope.forget(item)
        await self._desk.journal.run(lambda db: shelves.forget_write(db, item))

    def receipt(self, receipt: Receipt) -> None:
        """A part arrived."""
        item = self._errand.item.id
        self._desk.journal.post(lambda db: shelves.add_receipt(db, item, receipt))
        failpoint("engine.receipt")


def is_upload(handle: WriteHandle | FetchWrite) -> TypeGuard[RemoteWrite]:
    """Whether parts of a write go to a service."""
    return hasattr(handle, "part_request")


def is_fetch(handle: WriteHandle | FetchWrite) -> TypeGuard[FetchWrite]:
    """Whether the service fetches the file itself."""
    return isinstance(handle, FetchWrite)


def leaves_whole(handle: object) -> TypeGuard[LeavesWhole]:
    """Whether a write can remove what is unfinished of it alone."""
    return isinstance(handle, LeavesWhole)


def is_remote(handle: WriteHandle | FetchWrite) -> TypeGuard[RemoteWrite | FetchWrite]:
    """Whether a write is one at a service, and not on this disk."""
    return is_upload(handle) or is_fetch(handle)


async def drop(handle: WriteHandle | FetchWrite) -> None:
    """Remove an unfinished write."""
    # What cannot be removed now is no reason to stop: services drop unfinished uploads by
    # themselves, and a part on disk shows with its own key to drop it.
    with contextlib.suppress(CloudError):
        if is_remote(handle):
            await handle.abort()
        else:
            await asyncio.to_thread(handle.abort)


async def drop_kept(desk: Desk, item: int, kept: bytes | None, target: Storage) -> None:
    """Remove what an unfinished write left behind, as far as it can be reached."""
    with contextlib.suppress(CloudError):  # as above
        state = await desk.envelope.open(item, kept)
        if state is not None:
            await drop(await target.reopen_write(state))
    desk.envelope.forget(item)


async def drop_rest(desk: Desk, item: int, kept: bytes | None, target: Storage) -> None:
    """The same for a write that may have come through: what stands at the target stays."""
    with contextlib.suppress(CloudError):  # as above
        state = await desk.envelope.open(item, kept)
        if state is not None:
            handle = await target.reopen_write(state)
            if leaves_whole(handle):
                await handle.drop_unfinished()
            elif not is_remote(handle):
                await drop(handle)
    desk.envelope.forget(item)
