"""One item from its plan to its end: compare, decide, choose a way, finish.

Owns the decisions for a single item; bytes are `stream`'s, calls inside one place `byservice`'s.
Nothing here catches what pauses a job or is worth another try.
"""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec.structs import replace

from cloudtui.services.errors import Exists, NotFound, NotSupported, SourceChanged
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import DISK, Found
from cloudtui.services.naming import display_name, local_name, numbered
from cloudtui.services.storage import Storage
from cloudtui.services.transfers import intents, shelves
from cloudtui.services.transfers.byservice import ByService
from cloudtui.services.transfers.compare import same_bytes, standing
from cloudtui.services.transfers.conflicts import Sameness, Verdict, decide
from cloudtui.services.transfers.desk import DONE, Desk, Errand, Outcome
from cloudtui.services.transfers.keeping import drop_rest
from cloudtui.services.transfers.orders import JobState, OnConflict, ServerSide, Verb
from cloudtui.services.transfers.plan import serves
from cloudtui.services.transfers.rows import Action
from cloudtui.services.transfers.stream import Stream, drop_spool_files, spool_name

_ROUNDS = 6
"""How often a target may change under an item's eyes before it fails."""


class Carrier:
    """Carries one errand."""

    def __init__(self, desk: Desk, errand: Errand, source: Storage, target: Storage) -> None:
        self._desk = desk
        self._errand = errand
        self._source = source
        self._target = target
        self._taken = False
        """The name was taken while the bytes were on their way."""

    async def run(self) -> Outcome:
        """Do what is left to do. Raises what the places raise."""
        errand = self._errand
        if errand.item.action is Action.REMOVE:
            return Outcome(JobState.DONE, leave=True)
        outcome = await self._run()
        if errand.item.spooled and outcome.state in (JobState.DONE, JobState.SKIPPED):
            stale = spool_name(errand)
            await asyncio.to_thread(drop_spool_files, self._desk.spool, lambda name: name == stale)
        return outcome

    async def _run(self) -> Outcome:
        errand = self._errand
        item_id = errand.item.id
        begun: frozenset[str] = frozenset()
        if errand.doubtful:
            begun = await self._desk.journal.read(lambda db: intents.begun(db, item_id))
        if begun:
            known = await self._reconcile(begun)
            if known is not None:
                await self._drop_rest()
                return known
        for _ in range(_ROUNDS):
            try:
                return await self._attempt(begun)
            except Exists:
                # the name was taken meanwhile: look again and let the policy speak
                self._taken = True
                if errand.item.tree:
                    return Outcome(JobState.WAITING, unfold=True)
                await self._plan(Action.COMPARE, errand.item.target_name)
        raise Exists(
            f"{display_name(errand.item.target_name)} is taken at the target again and again.",
            hint="The source was left alone.",
        )

    # --- after a kill --------------------------------------------------------------------------

    async def _reconcile(self, begun: frozenset[str]) -> Outcome | None:
        errand = self._errand
        if "write" in begun:
            return await self._adopt()
        if begun & {Verb.COPY, Verb.MOVE} and not errand.item.tree:
            service = ByService(self._desk, errand, self._target)
            return await service.finish_replace() or await service.reconcile()
        return None

    async def _adopt(self) -> Outcome | None:
        """A write that was begun and may have come through unnoticed."""
        errand = self._errand
        there = await standing(self._target, errand.folder.target, errand.item.target_name)
        if there is None or there.entry.is_folder or errand.is_source(there.entry):
            return None
        item_id, hash_ = errand.item.id, there.entry.hash.hex()
        sent = await self._desk.journal.read(lambda db: intents.digests(db, item_id))
        if hash_ in sent and there.entry.size == errand.item.entry.size:
            return self._arrived()  # what the service shows is the very digest it was told
        proof = errand.order.verb is Verb.MOVE
        same = await same_bytes(self._desk, errand, there.entry, proof=proof)
        return self._arrived() if same is Sameness.SAME else None

    # --- one attempt -----------------------------------------------------------------------------

    async def _attempt(self, begun: frozenset[str]) -> Outcome:
        errand = self._errand
        existing: Found | None = None
        match errand.item.action:
            case Action.COMPARE | Action.REPLACE:
                existing = await standing(
                    self._target, errand.folder.target, errand.item.target_name
                )
                settled = await self._judge(existing)
                if settled is not None:
                    if settled.state in (JobState.SKIPPED, JobState.DONE):
                        await self._drop_rest()
                    return settled
                if errand.item.action is not Action.REPLACE:
                    existing = None
            case Action.KEEP:
                await self._renumber()
            case Action.NEW | Action.REMOVE:
                pass
        return await self._by_route(existing, begun)

    async def _drop_rest(self) -> None:
        """Remove what is left of an unfinished write of an item that needs none any more: somebody
        else was faster, or its end was not noted."""
        desk, errand = self._desk, self._errand
        id_, kept = errand.item.id, errand.item.handle
        if self._taken:
            row = await desk.journal.read(lambda db: shelves.item(db, id_))
            kept = None if row is None else row.handle
        if kept is None and id_ not in desk.envelope.remembered:
            return
        place = DISK if desk.envelope.is_open(kept) else errand.folder.target.account
        await drop_rest(desk, id_, kept, await desk.storages(place))
        await desk.journal.run(lambda db: shelves.forget_write(db, id_))

    async def _judge(self, existing: Found | None) -> Outcome | None:
        """What the table says now; None: go on (the item's action says how)."""
        errand = self._errand
        item, policy = errand.item, errand.policy
        if existing is None:
            await self._plan(Action.NEW, item.target_name)
            return None
        entry = existing.entry
        if errand.is_source(entry):
            return self._moved_inside(DONE)
        if item.action is Action.REPLACE:
            policy = OnConflict.OVERWRITE
        proof = errand.order.verb is Verb.MOVE
        same = Sameness.DIFFERENT
        if not item.tree and not entry.is_folder:
            same = await same_bytes(self._desk, errand, entry, proof=proof)
        if same is Sameness.SAME:
            if proof:
                return self._arrived("Was there already, identical.")
            return Outcome(JobState.SKIPPED, "Identical.")
        if same is Sameness.UNKNOWN:
            return Outcome(JobState.SKIPPED, "Looks identical; both were left alone.")
        verdict = decide(policy, item.entry, entry, same)
        match verdict:
            case Verdict.REPLACE:
                await self._plan(Action.REPLACE, item.target_name)
                return None
            case Verdict.KEEP_BOTH:
                await self._renumber()
                return None
            case Verdict.SKIP:
                return Outcome(JobState.SKIPPED, "Already there.")
            case Verdict.ASK:
                item_id = item.id
                await self._desk.journal.run(lambda db: shelves.set_existing(db, item_id, entry))
                return Outcome(JobState.ASKS, "")
            case Verdict.MERGE:
                return Outcome(JobState.WAITING, unfold=True)
            case _:
                return taken("folder" if entry.is_folder else "file", item.target_name)

    async def _renumber(self) -> None:
        """Take the first number that is free right now."""
        errand = self._errand
        name, n, folder = errand.item.target_name, 0, errand.folder
        while True:
            n += 1
            candidate = numbered(name, n)
            if folder.target.account == DISK:
                candidate = local_name(candidate)
            given = partial(shelves.name_given, where=folder, name=candidate)
            if await self._desk.journal.read(given):
                continue
            if await standing(self._target, folder.target, candidate) is None:
                break
        await self._plan(Action.NEW, candidate, f"Arrives as {display_name(candidate)}.")

    async def _plan(self, action: Action, target_name: str, note: str | None = None) -> None:
        errand = self._errand
        if errand.item.action is action and errand.item.target_name == target_name:
            return
        id_, account = errand.item.id, errand.folder.target.account
        await self._desk.journal.run(
            lambda db: shelves.set_plan(db, id_, action, target_name, account, note)
        )
        errand.item = replace(errand.item, action=action, target_name=target_name)

    # --- ways ------------------------------------------------------------------------------------

    async def _by_route(self, existing: Found | None, begun: frozenset[str]) -> Outcome:
        errand, order = self._errand, self._errand.order
        inside = errand.folder.source.account == errand.folder.target.account
        service = inside and order.server_side is not ServerSide.NEVER
        apart = self._desk.apart
        if service and errand.folder.id not in apart and serves(order.verb, self._target):
            try:
                outcome = await ByService(self._desk, errand, self._target).run(
                    existing, begun=bool(begun & {Verb.COPY, Verb.MOVE})
                )
                return outcome if outcome.unfold else self._moved_inside(outcome)
            except NotSupported:
                if order.server_side is ServerSide.ONLY:
                    raise
                if errand.folder.source.account == DISK:
                    apart.add(errand.folder.id)  # asking again costs a durable note each time
        if order.server_side is ServerSide.ONLY and inside:
            raise NotSupported(
                f"{self._target.title} cannot do this by itself.",
                hint="Without --server-side only the bytes pass through this machine.",
            )
        if errand.item.tree:
            return Outcome(JobState.WAITING, unfold=True)
        stream = Stream(self._desk, errand)
        try:
            moved = await stream.run(self._source, self._target, existing)
        except NotFound as error:
            raise await self._vanished(error) from error
        failpoint("engine.copied")
        notes = [
            note for note in (self._renamed(moved.entry.name), moved.note, stream.note) if note
        ]
        notes.append("Checked." if moved.checked else "Size checked.")
        return self._arrived(" ".join(notes))

    async def _vanished(self, error: NotFound) -> NotFound:
        """Which side went away while the bytes were on their way: services only say that something
        is not there. The error itself where both sides still stand."""
        errand = self._errand
        name, folder = display_name(errand.item.entry.name), errand.folder.target
        try:
            await self._source.stat(errand.source.at)
        except NotFound:
            return NotFound(
                f"{name} was deleted or moved away while it was copied.",
                hint="What had arrived is kept as a part until the job is cleared.",
            )
        try:
            await self._target.stat(folder)
        except NotFound:
            return NotFound(
                f"The folder {display_name(str(folder))} was deleted while {name} was on its way "
                "there.",
                hint="The same copy again makes it anew.",
            )
        return error

    def _renamed(self, name: str) -> str:
        """What to say when it arrived under another name than was asked for."""
        asked = {source.name for source in self._errand.order.sources}
        if name == self._errand.item.entry.name or name in asked:
            return ""
        return f"Arrived as {display_name(name)}."

    def _moved_inside(self, outcome: Outcome) -> Outcome:
        errand = self._errand
        errand.changed.append(errand.folder.target)
        if errand.order.verb is Verb.MOVE:
            errand.changed.append(errand.folder.source)
        return replace(outcome, message=self._renamed(errand.item.target_name))

    def _arrived(self, message: str | None = None) -> Outcome:
        errand = self._errand
        errand.changed.append(errand.folder.target)
        return Outcome(JobState.DONE, message, leave=errand.order.verb is Verb.MOVE)


def taken(there: str, name: str) -> Outcome:
    """A kind stands in the way of another kind."""
    return Outcome(
        JobState.FAILED,
        f"A {there} called {display_name(name)} stands there; it was left alone. "
        "Keep both gives the new one a number.",
        Exists.code,
    )


async def unchanged(storage: Storage, errand: Errand) -> Found | None:
    """The source as it is now if it is still what was copied; None when it is gone already.

    Raises SourceChanged.
    """
    try:
        now = await storage.stat(errand.source.at)
    except NotFound:
        return None
    was = errand.item.entry
    same = now.entry.size == was.size and now.entry.mtime_ns == was.mtime_ns
    if was.hash and now.entry.hash:
        same = same and was.hash == now.entry.hash
    if not same:
        raise SourceChanged(
            f"{display_name(was.name)} changed after it was copied. The copy is there, "
            "the source was left alone."
        )
    return now
