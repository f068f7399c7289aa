"""Bytes of one file from one place to another: opened, taken up again, committed.

Owns the write's life in the journal (intent, state, receipts) and the spool file, or the memory,
that some clouds need in between. The bytes themselves are the mover's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from cloudtui.services.errors import Gone, Mismatch, NotFound, SourceChanged
from cloudtui.services.failpoints import failpoint
from cloudtui.services.fetches import FetchWrite
from cloudtui.services.models import DISK, Found, HashType, Location
from cloudtui.services.paths import PRIVATE_FILE, ensure
from cloudtui.services.storage import (
    DiskWrite,
    LocalFile,
    ReadSource,
    ReadTicket,
    Receipt,
    SourceFacts,
    Storage,
    WriteHandle,
)
from cloudtui.services.transfers import shelves
from cloudtui.services.transfers.desk import Desk, Errand
from cloudtui.services.transfers.fetching import Fetcher, refused
from cloudtui.services.transfers.held import Held, hold_file
from cloudtui.services.transfers.keeping import Keeping, drop, is_upload
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.mover import move_file
from cloudtui.services.transfers.orders import JobState, ServerSide
from cloudtui.services.transfers.saying import AskHashes
from cloudtui.services.transfers.work import Moved, OnDigests, Work

_FRESH_STARTS = 3
"""How often an upload that the service forgot is begun anew within one attempt."""


class Stream:
    """Carries the bytes of one errand."""

    def __init__(self, desk: Desk, errand: Errand) -> None:
        self._desk = desk
        self._errand = errand
        self._spooled = errand.item.spooled
        self._keeping = Keeping(desk, errand)
        self._claim: HashType | None = None
        self._model: bytes | None = None
        self.note = ""

    async def run(self, source: Storage, target: Storage, existing: Found | None) -> Moved:
        """Copy the file to its target, replacing `existing`. Raises what the places raise."""
        errand = self._errand
        here = errand.source
        first = await source.open_read(here)
        entry = replace(errand.item.entry, size=first.size)
        if isinstance(first, LocalFile):
            entry = replace(entry, mtime_ns=first.mtime_ns)
        errand.item = replace(errand.item, entry=entry)
        self._keeping.current = first.version
        self._claim = source.caps.verify_hash
        facts = self._facts(first, source)
        fetcher = Fetcher(self._desk, errand, self._keeping)
        if existing is None and fetcher.possible(source, target, first, facts):
            assert isinstance(first, ReadTicket)
            await self._take_up(target)
            fetched = await fetcher.run(target, first, facts)
            if fetched is not None:
                return fetched
        if errand.order.server_side is ServerSide.ONLY:
            raise refused(target, here)
        relayed = False
        try:
            moved = await self._through_here(source, target, existing, first, facts)
            relayed = True
        finally:
            await fetcher.tell(relayed=relayed)
        return moved

    async def _through_here(
        self,
        source: Storage,
        target: Storage,
        existing: Found | None,
        first: ReadSource,
        facts: SourceFacts,
    ) -> Moved:
        """By way of this machine: at once, or in two steps."""
        errand = self._errand
        here = errand.source
        needed = target.caps.upload_hash
        if needed is not None and needed not in facts.hashes and isinstance(first, ReadTicket):
            if first.size <= target.caps.holds_in_memory and not await self._in_spool():
                return await self._by_memory(source, target, existing, first, facts, needed)
            return await self._by_spool(source, target, existing, first, facts)
        if isinstance(first, LocalFile) and target.account == DISK:
            self._model = first.path
        if needed is not None and isinstance(first, LocalFile):
            facts = await self._hashed(first, facts, needed)
        await self._take_up(target)
        return await self._move(
            target, errand.folder.target, errand.item.target_name, facts, existing,
            _reopening(source, here, first), errand.meter, partial(source.hashes, here),
            on_digests=partial(self._learn, source, first),
        )  # fmt: skip

    # --- what is known beforehand ------------------------------------------------------------

    def _facts(self, first: ReadSource, source: Storage) -> SourceFacts:
        entry = self._errand.item.entry
        if isinstance(first, LocalFile):
            return SourceFacts(first.size, first.mtime_ns, sparse=first.sparse)
        hashes = dict(first.hashes)
        kind = source.caps.entry_hash
        if entry.hash and kind is not None and kind is not HashType.CHANGE:
            text = entry.hash.hex()
            hashes.setdefault(kind, text.upper() if kind is HashType.GCID else text)
        return SourceFacts(first.size, entry.mtime_ns, hashes)

    async def _hashed(self, file: LocalFile, facts: SourceFacts, kind: HashType) -> SourceFacts:
        errand = self._errand
        errand.state, errand.message = JobState.CHECKING, "Reading it once before it is sent."
        found = await self._desk.digests.of(file, [kind], stop=errand.stop.is_set)
        errand.state, errand.message = JobState.RUNNING, ""
        return replace(facts, hashes={**facts.hashes, **found})

    # --- through memory ----------------------------------------------------------------------

    async def _by_memory(
        self,
        source: Storage,
        target: Storage,
        existing: Found | None,
        first: ReadTicket,
        facts: SourceFacts,
        needed: HashType,
    ) -> Moved:
        """The target wants a digest that nobody knows yet, of a file that memory takes. The slots
        of the target bound how many are held at once."""
        errand, desk = self._errand, self._desk
        errand.halves = True
        opener = partial(source.open_read, errand.source)
        work = Work(
            desk.pump, facts, (), self._keeping.receipt, errand.meter, errand.stop,
            errand.order.verify, desk.retries, errand.wait,
        )  # fmt: skip
        ask = partial(source.hashes, errand.source)
        held = await hold_file(work, opener, first, needed, self._claim, ask)
        failpoint("engine.held")
        await self._take_up(target)
        errand.second = second = Meter(limits=errand.meter.limits)
        known = replace(facts, hashes={**facts.hashes, needed: held.hashes[needed]})
        moved = await self._move(
            target, errand.folder.target, errand.item.target_name, known, existing,
            opener, second, held=held,
        )  # fmt: skip
        await self._learn(source, first, {needed: held.hashes[needed]})
        return moved

    async def _learn(
        self, source: Storage, first: ReadSource, found: Mapping[HashType, str]
    ) -> None:
        """Note digests of a remote source: where the two services share none, they are the proof,
        after a kill too, that what stands at the target is its copy."""
        node = self._errand.item.entry.id
        await self._desk.digests.learn(source.account, node, first.size, first.version, found)

    async def _in_spool(self) -> bool:
        """Whether an earlier run began to fetch it to this disk."""
        if self._spooled:
            return True
        name = spool_name(self._errand)
        names = await asyncio.to_thread(_listed, self._desk.spool)
        return any(each == name or each.startswith(f".{name}.") for each in names)

    # --- through a file on this disk ---------------------------------------------------------

    async def _by_spool(
        self,
        source: Storage,
        target: Storage,
        existing: Found | None,
        first: ReadSource,
        facts: SourceFacts,
    ) -> Moved:
        """The target wants a digest that nobody knows yet: down, hash, up."""
        errand, desk = self._errand, self._desk
        errand.halves = True
        disk = await desk.storages(DISK)
        folder = Location(DISK, ensure(desk.spool).absolute().parts[1:])
        name = spool_name(errand)
        at = Found(folder.child(name), replace(errand.item.entry, name=name, id=name))
        mine = self._keeping.version == first.version
        if not mine and (self._spooled or await asyncio.to_thread(os.path.lexists, at.at.path)):
            await self._drop_spool(at.at)
        if self._spooled or await asyncio.to_thread(os.path.lexists, at.at.path):
            # under its final name: whole and checked, also when nobody came to note it
            errand.meter.add(first.size)
        else:
            await self._take_up(disk)
            await self._move(
                disk, folder, name, facts, None, _reopening(source, errand.source, first),
                errand.meter, partial(source.hashes, errand.source),
            )  # fmt: skip
            await asyncio.to_thread(os.chmod, at.at.path, PRIVATE_FILE)
            failpoint("engine.spool.filled")
        if not self._spooled:
            item, version = errand.item.id, first.version
            await desk.journal.run(lambda db: _spooled(db, item, version))
            self._spooled = True
            self._keeping.kept, self._keeping.version = None, version
        try:
            file = await disk.open_read(at)
        except NotFound:
            await self._drop_spool(at.at)
            raise Gone("The file kept on this disk is gone; it is fetched anew.") from None
        assert isinstance(file, LocalFile)
        needed = target.caps.upload_hash
        if needed is not None:
            facts = await self._hashed(file, facts, needed)
        failpoint("engine.spool.hashed")
        await self._take_up(target)
        second = Meter(limits=errand.meter.limits)
        errand.second = second
        moved = await self._move(
            target, errand.folder.target, errand.item.target_name, facts, existing,
            _reopening(disk, at, file), second,
        )  # fmt: skip
        failpoint("engine.spool.sent")
        if needed is not None:
            await self._learn(source, first, {needed: facts.hashes[needed]})
        await self._drop_spool(at.at)
        return moved

    async def _drop_spool(self, at: Location) -> None:
        await asyncio.to_thread(_unlink, at.path)
        item = self._errand.item.id
        await self._desk.journal.run(lambda db: shelves.set_spooled(db, item, spooled=False))
        self._spooled, self._keeping.kept = False, None

    # --- one write ---------------------------------------------------------------------------

    async def _take_up(self, target: Storage) -> None:
        """Forget the unfinished write if it is of another version of the source."""
        if not await self._keeping.is_fresh(target):
            self.note = "The source had changed since; it was copied from the start."

    async def _move(
        self,
        target: Storage,
        folder: Location,
        name: str,
        facts: SourceFacts,
        existing: Found | None,
        opener: Callable[[], Awaitable[ReadSource]],
        meter: Meter,
        ask_claims: AskHashes | None = None,
        held: Held | None = None,
        on_digests: OnDigests | None = None,
    ) -> Moved:
        errand, desk = self._errand, self._desk
        for start in range(_FRESH_STARTS):
            handle = await self._reopen(target)
            done: Sequence[Receipt] = ()
            try:
                if handle is None:
                    handle = await self._begin(target, folder, name, facts, existing)
                else:
                    done = await self._keeping.stored(handle)
                moved = await move_file(
                    desk.pump,
                    open_source=opener,
                    handle=handle,
                    facts=facts,
                    done=done,
                    on_receipt=self._keeping.receipt,
                    meter=meter,
                    stop=errand.stop,
                    verify=errand.order.verify,
                    retries=desk.retries,
                    on_wait=errand.wait,
                    claim=self._claim,
                    connections=desk.limits.connections,
                    ask_claims=ask_claims if self._claim is not None else None,
                    held=held,
                    on_digests=on_digests,
                )
            except Gone:
                await self._keeping.forget()
                meter.add(-meter.done)
                if start + 1 == _FRESH_STARTS:
                    raise
                continue
            except SourceChanged:
                # what arrived is of no version any more
                await self._keeping.forget()
                if handle is not None:
                    await drop(handle)
                raise
            except Mismatch:
                # a download lies as name.bad now; an upload is worthless and begun anew
                await self._keeping.forget()
                if handle is None or not is_upload(handle):
                    raise
                await drop(handle)
                meter.add(-meter.done)
                if start + 1 == _FRESH_STARTS:
                    raise
                continue
            return moved
        raise AssertionError("unreachable")

    async def _begin(
        self,
        target: Storage,
        folder: Location,
        name: str,
        facts: SourceFacts,
        existing: Found | None,
    ) -> WriteHandle:
        errand = self._errand
        await self._keeping.intend(target, folder, name, facts)
        failpoint("engine.write.intent")
        handle = await target.open_write(folder, name, facts, replace=existing, job=errand.job)
        failpoint("engine.write.opened")
        if self._model is not None and not is_upload(handle):
            await asyncio.to_thread(_permit, self._model, cast("DiskWrite", handle))
        # Small files go in one piece: nothing of theirs could be taken up, so nobody waits. What
        # replaces another file lies under a name of its own until that one is gone: were it not
        # durably noted by then, nobody would give it its name after a kill.
        in_parts = is_upload(handle) and handle.resumable and not handle.instant
        wait = in_parts or (is_upload(handle) and existing is not None)
        await self._keeping.note(handle, wait=wait)
        failpoint("engine.write.noted")
        return handle

    async def _reopen(self, target: Storage) -> WriteHandle | None:
        handle = await self._keeping.reopen(target)
        if handle is None or not isinstance(handle, FetchWrite):
            return handle
        await drop(handle)  # a fetch was begun and is not wanted any more
        await self._keeping.forget()
        return None


def spool_name(errand: Errand) -> str:
    """What the spool file of an item is called."""
    return f"{errand.job}-{errand.item.id}"


def _permit(model: bytes, handle: DiskWrite) -> None:
    """Give a local copy what its source permits, as far as new files here may be permitted it."""
    with contextlib.suppress(OSError):  # a file system without permissions has none to keep
        fd = handle.fd()
        new = os.fstat(fd).st_mode & 0o777
        most = new | (new & 0o444) >> 2  # who may read may run, where the source says so
        os.fchmod(fd, os.stat(model).st_mode & most)  # noqa: PTH116  # the path is bytes


def _reopening(
    storage: Storage, item: Found, first: ReadSource
) -> Callable[[], Awaitable[ReadSource]]:
    """Gives the source that is open already, then fresh ones."""
    waiting = [first]

    async def open_source() -> ReadSource:
        return waiting.pop() if waiting else await storage.open_read(item)

    return open_source


def _spooled(db: sqlite3.Connection, item: int, version: str) -> None:
    shelves.set_spooled(db, item, spooled=True)
    shelves.note_write(db, item, None, version)


def _listed(spool: Path) -> list[str]:
    try:
        return os.listdir(spool)  # noqa: PTH208  # names, not paths
    except FileNotFoundError:
        return []  # nothing was ever spooled


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # gone is what was wanted
        os.unlink(path)  # noqa: PTH108  # the path may not be text


def drop_spool_files(spool: Path, stale: Callable[[str], bool]) -> None:
    """Remove the spool files whose name is `stale`. Blocking."""
    for name in _listed(spool):
        if stale(name):
            _unlink(str(spool / name))
