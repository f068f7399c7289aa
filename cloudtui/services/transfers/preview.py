"""What an order would do, without doing it.

Walks like the planner and decides by the same table, but writes nothing and makes no folder.
Memory holds one folder's names, the folders still to be looked at, and a bounded part of the trees
that came in one answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum

from msgspec import Struct

from cloudtui.services.errors import CloudError, NotFound
from cloudtui.services.models import Entry, Found, Kind, Location
from cloudtui.services.transfers.arrange import Arrangement, Part, Rules, arrange
from cloudtui.services.transfers.checks import resolve, standing_names
from cloudtui.services.transfers.claims import Claims
from cloudtui.services.transfers.conflicts import Verdict
from cloudtui.services.transfers.filters import Filters
from cloudtui.services.transfers.folders import Storages
from cloudtui.services.transfers.linked import Linked
from cloudtui.services.transfers.orders import JobState, OnConflict, Order, Verb
from cloudtui.services.transfers.plan import takes_trees
from cloudtui.services.walking import Ahead


class Deed(StrEnum):
    """What would be done, as the word shown."""

    COPY = "copy"
    MOVE = "move"
    MAKE = "make folder"
    MERGE = "merge"
    """The folder is there already: what goes on is inside it."""
    REPLACE = "replace"
    COMPARE = "compare"
    SKIP = "skip"
    ASK = "ask"
    FAIL = "fail"


class Planned(Struct, frozen=True):
    """One line of a dry run. `size` in bytes, None where not known."""

    deed: Deed
    source: Location
    target: Location
    kind: Kind
    size: int | None
    message: str = ""


class _Pair(Struct, frozen=True):
    source: Location
    target: Location
    stands: bool
    inner: tuple[str, ...]


async def preview(order: Order, storages: Storages) -> AsyncIterator[Planned]:
    """Every deed of the order, folders before what they hold. Raises what resolving raises."""
    found = await resolve(order.sources, storages)
    storage = await storages(order.target.account)
    target, stands = order.target, True
    try:
        target = (await storage.stat(order.target, want=Kind.FOLDER)).at
    except NotFound:
        stands = False
        yield Planned(Deed.MAKE, order.target, order.target, Kind.FOLDER, None)
    queue: deque[_Pair] = deque()
    claims = Claims(target.account, storage.caps)
    named = [pair for pair in zip(order.sources, found, strict=True) if not pair[0].contents]
    if stands and named:
        names = {source.name or here.entry.name for source, here in named}
        whole = order.on_conflict is OnConflict.KEEP_BOTH
        claims.stand(await standing_names(storage, target, names, whole=whole))
    for source, given in zip(order.sources, found, strict=True):
        here = await Linked(order).one(await storages(given.at.account), given, target)
        if source.contents:
            queue.append(_Pair(here.at, target, stands, ()))
            continue
        rules = await _rules(order, here.at.account, storages)
        plan = arrange(here.entry, rules, claims, source.name)
        yield _line(order, here, target, plan)
        if plan.part is Part.WALK:
            queue.append(_below(here.at, target, plan, ()))
    ahead = Ahead(storages)
    while queue:
        pair = queue.popleft()
        try:
            async for line in _folder(order, pair, storages, queue, ahead):
                yield line
        except CloudError as exc:
            yield Planned(Deed.FAIL, pair.source, pair.target, Kind.FOLDER, None, str(exc))


async def _folder(
    order: Order, pair: _Pair, storages: Storages, queue: deque[_Pair], ahead: Ahead
) -> AsyncIterator[Planned]:
    source = await storages(pair.source.account)
    target = await storages(pair.target.account)
    filters = Filters(order.include, order.exclude)
    rules = await _rules(order, pair.source.account, storages)
    claims = Claims(pair.target.account, target.caps)
    if pair.stands:
        async for page in ahead.scan(pair.target):
            claims.stand(page)
    async for page in ahead.scan(pair.source):
        entries = await Linked(order).page(source, pair.source, pair.target, page)
        for here in _found(pair.source, entries):
            inner = (*pair.inner, here.entry.name)
            if not filters.takes(inner, folder=here.entry.is_folder):
                continue
            plan = arrange(here.entry, rules, claims)
            yield _line(order, here, pair.target, plan)
            if plan.part is Part.WALK:
                queue.append(_below(here.at, pair.target, plan, inner))


def _found(folder: Location, page: Sequence[Entry]) -> list[Found]:
    return [Found.of(folder, entry) for entry in page]


def _below(source: Location, folder: Location, plan: Arrangement, inner: tuple[str, ...]) -> _Pair:
    merged = plan.existing
    node = merged.id if merged is not None and folder.account else None
    return _Pair(source, folder.child(plan.target_name, node), merged is not None, inner)


def _line(order: Order, here: Found, folder: Location, plan: Arrangement) -> Planned:
    deed = Deed.MOVE if order.verb is Verb.MOVE else Deed.COPY
    if plan.state is JobState.SKIPPED:
        deed = Deed.SKIP
    elif plan.state is JobState.FAILED:
        deed = Deed.FAIL
    elif plan.state is JobState.ASKS:
        deed = Deed.ASK
    elif plan.part is Part.WALK:
        deed = Deed.MERGE if plan.verdict is Verdict.MERGE else Deed.MAKE
    elif plan.verdict is Verdict.REPLACE:
        deed = Deed.REPLACE
    elif plan.verdict in (Verdict.COMPARE, Verdict.IDENTICAL):
        deed = Deed.COMPARE
    target = folder.child(plan.target_name)
    return Planned(deed, here.at, target, here.entry.kind, here.entry.size, plan.message)


async def _rules(order: Order, account: str, storages: Storages) -> Rules:
    here, there = await storages(account), await storages(order.target.account)
    plain = not (order.include or order.exclude)
    return Rules(
        verb=order.verb,
        policy=order.on_conflict,
        source_caps=here.caps,
        target_caps=there.caps,
        target_title=there.title,
        trees=plain and takes_trees(order, account, order.target.account, there),
    )
