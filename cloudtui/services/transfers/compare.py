"""What stands at the target of an item right now, and whether it holds the same bytes.

Reads only: listings' facts first, digests of both sides when those do not tell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cloudtui.services.errors import Ambiguous, NotFound
from cloudtui.services.models import DISK, Entry, Found, HashType, Kind, Location
from cloudtui.services.storage import LocalFile, Storage
from cloudtui.services.transfers.conflicts import Sameness, agree, sameness
from cloudtui.services.transfers.desk import Desk, Errand
from cloudtui.services.transfers.orders import JobState

_COMPUTABLE = (HashType.SHA1, HashType.MD5, HashType.SHA256, HashType.GCID)


async def standing(storage: Storage, folder: Location, name: str) -> Found | None:
    """What stands in `folder` under `name`; of twins the first file."""
    try:
        return await storage.stat(folder.child(name))
    except NotFound:
        return None
    except Ambiguous:
        twins = [
            entry async for page in storage.scan(folder) for entry in page if entry.name == name
        ]
        twins.sort(key=lambda entry: entry.kind is not Kind.FILE)
        return Found.of(folder, twins[0]) if twins else None


async def same_bytes(desk: Desk, errand: Errand, existing: Entry, *, proof: bool) -> Sameness:
    """Whether source and `existing` are the same. With `proof` equal times are not enough."""
    source = await desk.storages(errand.folder.source.account)
    target = await desk.storages(errand.folder.target.account)
    entry = errand.item.entry
    same = sameness(entry, existing, source_caps=source.caps, target_caps=target.caps)
    if same is Sameness.DIFFERENT or (same is Sameness.SAME and not proof):
        return same
    if entry.size == 0 and existing.size == 0:
        return Sameness.SAME
    before, errand.state = errand.state, JobState.CHECKING
    try:
        there = Found.of(errand.folder.target, existing)
        left, right = await _both(desk, errand, source, target, there)
    finally:
        errand.state = before
    found = agree(left, right)
    if found is Sameness.DIFFERENT and same is Sameness.SAME and not _shared(left, right):
        return Sameness.UNKNOWN  # equal as far as the listings tell, but not proved
    return found


def _shared(left: Mapping[HashType, str], right: Mapping[HashType, str]) -> bool:
    return any(kind in right for kind in left)


async def _both(
    desk: Desk, errand: Errand, source: Storage, target: Storage, there: Found
) -> tuple[Mapping[HashType, str], Mapping[HashType, str]]:
    here = errand.source
    right: Mapping[HashType, str]
    # A service is asked first; this disk then computes what the service has.
    if source.account != DISK:
        left = await source.hashes(here)
        right = await _digests(desk, errand, target, there, left)
        if right and not _shared(left, right):
            left = {**left, **await _learned(desk, source, here)}
        return left, right
    if target.account != DISK:
        right = await target.hashes(there)
        return await _digests(desk, errand, source, here, right), right
    left = await _digests(desk, errand, source, here, {HashType.SHA1})
    return left, await _digests(desk, errand, target, there, {HashType.SHA1})


async def _learned(desk: Desk, storage: Storage, item: Found) -> Mapping[HashType, str]:
    """What was computed here when the file last came by, if it is still the same."""

    async def version() -> str:
        return (await storage.open_read(item)).version

    entry = item.entry
    return await desk.digests.learned(storage.account, entry.id, entry.size or 0, version)


async def _digests(
    desk: Desk, errand: Errand, storage: Storage, item: Found, kinds: Collection[HashType]
) -> Mapping[HashType, str]:
    if storage.account != DISK:
        return await storage.hashes(item)
    wanted = [kind for kind in _COMPUTABLE if kind in kinds][:1]
    file = await storage.open_read(item)
    if not wanted or not isinstance(file, LocalFile):
        return {}
    return await desk.digests.of(file, wanted, stop=errand.stop.is_set)
