"""Copies and moves that a place makes by itself, inside one account or one file system.

Owns their intents and what is done after a kill: look first, repeat then. Replacing goes by a
temporary name, so that the old one stands until its successor does.
"""

from __future__ import annotations

from cloudtui.services.errors import Exists, Mismatch, NotFound, NotSupported
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import DISK, Entry, Found, TrashKind
from cloudtui.services.naming import display_name
from cloudtui.services.storage import HasTrash, ServerCopy, ServerMove, Storage
from cloudtui.services.transfers import intents
from cloudtui.services.transfers.compare import same_bytes, standing
from cloudtui.services.transfers.conflicts import Sameness
from cloudtui.services.transfers.desk import DONE, Desk, Errand, Outcome
from cloudtui.services.transfers.orders import JobState, Verb


class ByService:
    """One errand that the service does itself."""

    def __init__(self, desk: Desk, errand: Errand, storage: Storage) -> None:
        self._desk = desk
        self._errand = errand
        self._storage = storage

    async def run(self, existing: Found | None, *, begun: bool) -> Outcome:
        """Copy or move. Raises NotSupported when the place cannot after all (nothing was done)."""
        if begun:
            known = await self.reconcile()
            if known is not None:
                return known
        if existing is not None:
            await self._replace(existing)
        else:
            await self._intend()
            await self._call(self._errand.item.target_name)
            failpoint("engine.server.done")
        return DONE

    async def _intend(self) -> None:
        errand = self._errand
        intent = intents.Intent(
            errand.job,
            errand.item.id,
            errand.order.verb,
            errand.folder.target,
            errand.item.target_name,
            errand.item.entry.size,
        )
        await self._desk.journal.run(lambda db: intents.add(db, intent))
        failpoint("engine.server.intent")

    async def _call(self, name: str) -> Entry:
        errand, storage = self._errand, self._storage
        errand.message = "The service does it by itself." if storage.account != DISK else ""
        if errand.order.verb is Verb.MOVE:
            assert isinstance(storage, ServerMove)
            return await storage.move(errand.source, errand.folder.target, name)
        assert isinstance(storage, ServerCopy)
        return await storage.copy(errand.source, errand.folder.target, name)

    # --- after a kill or a lost answer -----------------------------------------------------------

    async def reconcile(self) -> Outcome | None:
        """How a call that was begun ended; None: it did not, make it (again)."""
        errand, storage = self._errand, self._storage
        there = await standing(storage, errand.folder.target, errand.item.target_name)
        if errand.order.verb is Verb.MOVE:
            if there is not None and (errand.is_source(there.entry) or await self._source_gone()):
                return DONE
        elif there is not None and not errand.item.tree and not there.entry.is_folder:
            same = await same_bytes(self._desk, errand, there.entry, proof=False)
            if same is Sameness.SAME:
                return DONE
        if there is not None and errand.item.tree:
            return Outcome(JobState.WAITING, unfold=True)
        return None

    async def _source_gone(self) -> bool:
        errand = self._errand
        try:
            found = await self._storage.stat(errand.source.at)
        except NotFound:
            return True
        # asked by its id the entry answers from its new place
        moved = found.at.parts == errand.target.parts
        return moved and self._storage.account != DISK

    # --- replacing -------------------------------------------------------------------------------

    async def _replace(self, existing: Found) -> None:
        errand, storage = self._errand, self._storage
        parent, name = errand.folder.target, errand.item.target_name
        temporary = f".cloudtui-{errand.job[:8]}-{errand.item.id}.new"
        await self._intend()
        ready = await standing(storage, parent, temporary)
        if ready is None:
            entry = await self._call(temporary)
            ready = Found.of(parent, entry)
        self._check(ready)
        failpoint("engine.replace.copied")
        await clear(storage, existing)
        failpoint("engine.replace.cleared")
        await storage.rename(ready, name)
        failpoint("engine.replace.named")

    def _check(self, ready: Found) -> None:
        wanted, got = self._errand.item.entry.size, ready.entry.size
        if wanted is not None and got is not None and wanted != got:
            shown = display_name(self._errand.item.target_name)
            raise Mismatch(
                f"The copy of {shown} has another size than its source; the old one stays.",
                hint=f"The copy is called {display_name(ready.entry.name)}.",
            )

    async def finish_replace(self) -> Outcome | None:
        """Finish a replacement that was cut after the old one was cleared away."""
        errand, storage = self._errand, self._storage
        parent = errand.folder.target
        temporary = f".cloudtui-{errand.job[:8]}-{errand.item.id}.new"
        ready = await standing(storage, parent, temporary)
        if ready is None:
            return None
        old = await standing(storage, parent, errand.item.target_name)
        self._check(ready)
        if old is not None:
            await clear(storage, old)
        await storage.rename(ready, errand.item.target_name)
        return DONE


async def clear(storage: Storage, old: Found) -> None:
    """Take what stands in the way out of it: to the trash where there is one."""
    try:
        if storage.caps.trash is not TrashKind.NONE and isinstance(storage, HasTrash):
            try:
                await storage.trash([old])
            except NotSupported:
                await storage.remove([old])
        else:
            await storage.remove([old])
    except NotFound:
        return  # somebody else did
    except Exists as exc:
        raise NotSupported("What stands in the way cannot be moved away.") from exc
