"""One file that its target's service fetches by the link that its source's service gives.

No byte of it passes this machine. Owns the order of intent, note, order, wait and check; where a
service refuses, the caller goes on with a relay.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from cloudtui.services.errors import CloudError, Gone, Mismatch, NotSupported, Refused
from cloudtui.services.failpoints import failpoint
from cloudtui.services.fetches import FetchesLinks, FetchWrite
from cloudtui.services.models import Found, HashType, TrashKind
from cloudtui.services.naming import display_name
from cloudtui.services.storage import (
    ReadSource,
    ReadTicket,
    SourceFacts,
    Storage,
)
from cloudtui.services.transfers.desk import Desk, Errand
from cloudtui.services.transfers.keeping import Keeping, is_fetch
from cloudtui.services.transfers.orders import JobState, ServerSide, Verb, Verify
from cloudtui.services.transfers.work import Moved

SMALL: Final = 64 * 1024
"""Up to this size a relay is two round trips, and a fetch takes four and waits between them."""

_FIRST_LOOK: Final = 0.25
_LAST_LOOK: Final = 2.0
"""Seconds between two looks at the progress: at first, and at last."""

_KNOWN: Final = frozenset({HashType.SHA1, HashType.MD5, HashType.SHA256})
"""Digests that a service may compute of what it fetched."""


class Fetcher:
    """Fetching for one errand. After `run` answered None, `tell` is to be told whether the relay
    that followed came through."""

    def __init__(self, desk: Desk, errand: Errand, keeping: Keeping) -> None:
        self._desk = desk
        self._errand = errand
        self._keeping = keeping
        self._blamed = False
        folder = errand.folder
        self._pair = (folder.source.account, folder.target.account)

    def possible(
        self, source: Storage, target: Storage, first: ReadSource, facts: SourceFacts
    ) -> bool:
        """Whether the target can fetch this file, as far as known before trying."""
        order = self._errand.order
        if source.account == target.account or not isinstance(first, ReadTicket):
            return False
        if not source.caps.allows("links_anywhere") or not target.caps.allows("fetches_links"):
            return False
        if not isinstance(target, FetchesLinks) or order.server_side is ServerSide.NEVER:
            return False
        if order.server_side is not ServerSide.ONLY and first.size <= SMALL:
            return False
        if not first.size or not first.urls or self._desk.routes.refused(self._pair):
            return False
        if _KNOWN & set(facts.hashes):
            return True
        # Without a digest that both sides know only sizes can be compared. That is too little to
        # remove a source for ever, and less than a strict order asks for.
        lasting = source.caps.trash is TrashKind.NONE
        return order.verify is not Verify.STRICT and not (order.verb is Verb.MOVE and lasting)

    async def run(self, target: Storage, first: ReadTicket, facts: SourceFacts) -> Moved | None:
        """Have the file fetched; None when it must go another way. Raises what the target raises
        for other reasons than that it does not fetch this."""
        routes, pair = self._desk.routes, self._pair
        async with AsyncExitStack() as alone:
            if not routes.is_proven(pair):
                await alone.enter_async_context(routes.trial(pair))
                if routes.is_proven(pair):
                    await alone.aclose()
                elif routes.refused(pair):
                    return None
            self._errand.stop.check()
            try:
                return await self._fetch(target, first, facts, alone)
            except Gone:
                raise
            except Mismatch:
                await self._lost()  # a relay is compared by better digests
                return None
            except Refused as exc:
                await self._lost()
                if not routes.is_proven(pair) or isinstance(exc, NotSupported):
                    routes.refuse(pair)
                    self._blamed = True
                return None

    async def tell(self, *, relayed: bool) -> None:
        """Whether the file that could not be fetched came through by a relay: if not, it was not
        the fault of the fetching."""
        if not self._blamed:
            return
        if relayed:
            await asyncio.to_thread(self._desk.routes.remember)
        else:
            self._desk.routes.forgive(self._pair)

    # --- one fetch -------------------------------------------------------------------------------

    async def _fetch(
        self, target: Storage, first: ReadTicket, facts: SourceFacts, alone: AsyncExitStack
    ) -> Moved | None:
        errand = self._errand
        kept = await self._keeping.reopen(target)
        if kept is not None and not is_fetch(kept):
            return None  # an upload was begun: what is there already need not come again
        try:
            return await self._finish(kept, target, first, facts, alone)
        except Gone:
            if kept is None:
                raise
        # what was noted led nowhere: from the start
        await self._keeping.forget()
        errand.meter.restart(0)
        return await self._finish(None, target, first, facts, alone)

    async def _finish(
        self,
        handle: FetchWrite | None,
        target: Storage,
        first: ReadTicket,
        facts: SourceFacts,
        alone: AsyncExitStack,
    ) -> Moved:
        errand = self._errand
        errand.message = f"{target.title} fetches it by itself."
        try:
            if handle is None:
                handle = await self._begin(target, facts)
            await handle.order(first.urls)
            failpoint("engine.fetch.ordered")
            await self._wait(handle, alone)
            failpoint("engine.fetch.arrived")
            errand.state = JobState.CHECKING
            try:
                entry = await handle.finish(facts)
            except CloudError as exc:
                if not isinstance(exc, Gone):
                    await self._keeping.forget()
                raise
            failpoint("engine.fetch.finished")
        finally:
            errand.state, errand.message = JobState.RUNNING, ""
        note = f"{target.title} fetched it by itself."
        return Moved(entry, checked=handle.checked, sent=0, note=note)

    async def _begin(self, target: Storage, facts: SourceFacts) -> FetchWrite:
        errand = self._errand
        folder, name = errand.folder.target, errand.item.target_name
        await self._keeping.intend(target, folder, name, facts)
        failpoint("engine.fetch.intent")
        assert isinstance(target, FetchesLinks)
        handle = await target.open_fetch(folder, name, facts)
        await self._keeping.note(handle, wait=True)
        failpoint("engine.fetch.noted")
        return handle

    async def _wait(self, handle: FetchWrite, alone: AsyncExitStack) -> None:
        """Follow the service until the file is whole."""
        errand, done = self._errand, 0
        seconds = min(_FIRST_LOOK, self._desk.retries.first_wait)
        while True:
            now = await handle.progress()
            if now.done > done:
                errand.meter.add(now.done - done)
                done = now.done
            if now.done or now.finished:
                self._desk.routes.prove(self._pair)
                await alone.aclose()
            if now.finished:
                return
            await errand.stop.pause(seconds)
            seconds = min(_LAST_LOOK, seconds * 1.5)

    async def _lost(self) -> None:
        """A fetch that was refused left nothing."""
        await self._keeping.forget()
        self._errand.meter.restart(0)


def refused(target: Storage, item: Found) -> NotSupported:
    """The sentence for an order that allows nothing else."""
    return NotSupported(
        f"{target.title} did not fetch {display_name(item.entry.name)} by itself.",
        hint="Without --server-side only the bytes pass through this machine.",
    )
