"""What is refused before anything is done, and the sources as they really are.

Reads only. An order that passes may still meet conflicts; those are the plan's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Collection, Sequence
from typing import Final

from cloudtui.services.errors import NotFound, UsageError
from cloudtui.services.models import DISK, Entry, Found, Kind, Location
from cloudtui.services.naming import display_name
from cloudtui.services.storage import Storage
from cloudtui.services.transfers.conflicts import Sameness, Verdict, decide
from cloudtui.services.transfers.folders import Storages, file_in_the_way
from cloudtui.services.transfers.orders import OnConflict, Order, Source, Verb

_ONE_BY_ONE: Final = 8
"""From more sources of one folder on, the folder is listed instead of asking for each."""


async def resolve(sources: Sequence[Source], storages: Storages) -> list[Found]:
    """The entries that the sources name, in their order. Raises NotFound, Ambiguous."""
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for index, source in enumerate(sources):
        groups.setdefault((source.at.account, source.at.parts[:-1]), []).append(index)
    found: dict[int, Found] = {}
    for (account, _), indexes in groups.items():
        storage = await storages(account)
        if len(indexes) > _ONE_BY_ONE:
            found |= await _listed(storage, sources, indexes)
        for index in indexes:
            if index not in found:
                source = sources[index]
                want = Kind.FOLDER if source.contents else None
                found[index] = await storage.stat(source.at, want=want)
    return [found[index] for index in range(len(sources))]


async def _listed(
    storage: Storage, sources: Sequence[Source], indexes: Sequence[int]
) -> dict[int, Found]:
    parent = sources[indexes[0]].at.parent
    by_node = {sources[i].at.node: i for i in indexes if sources[i].at.node is not None}
    by_name = {sources[i].at.name: i for i in indexes if sources[i].at.node is None}
    met: dict[int, list[Found]] = {}
    async for page in storage.scan(parent):
        for entry in page:
            index = by_node.get(entry.id, by_name.get(entry.name))
            if index is not None:
                met.setdefault(index, []).append(Found.of(parent, entry))
    # twins are left to stat, which knows how to say that a name is ambiguous
    return {index: each[0] for index, each in met.items() if len(each) == 1}


async def refuse_nonsense(order: Order, found: Sequence[Found], storages: Storages) -> None:
    """Raise UsageError for an order that cannot be meant: into itself, onto itself, a folder onto
    a file, a file where the target folder should be."""
    if not order.sources:
        raise UsageError("Nothing was named to copy.")
    target = await _standing(order.target, storages)
    real_target = await _real(order.target)
    standing: dict[str, Entry] | None = None
    for source, here in zip(order.sources, found, strict=True):
        shown = display_name(str(here.at))
        if source.contents and not here.entry.is_folder:
            raise UsageError(f"{shown} is a file; only a folder has contents.")
        if here.entry.is_folder:
            await _refuse_into_itself(order, here, target, real_target, shown)
        if source.contents:
            continue
        if target is None:
            continue
        if standing is None:
            standing = await _named(order, found, target, storages)
        name = source.name if source.name is not None else here.entry.name
        _refuse_onto(order, here, name, standing.get(name), await _same_place(here, target, name))


async def _standing(at: Location, storages: Storages) -> Found | None:
    """The target folder if it is there. Raises UsageError when a file is in its place."""
    storage = await storages(at.account)
    place = at
    while True:
        try:
            found = await storage.stat(place, want=Kind.FOLDER)
        except NotFound:
            if not place.parts or place.node is not None:
                raise
            place = place.parent
            continue
        if not found.entry.is_folder:
            raise file_in_the_way(place)
        return found if place == at else None


async def _refuse_into_itself(
    order: Order, here: Found, target: Found | None, real_target: Location, shown: str
) -> None:
    same_node = (
        target is not None
        and here.at.account != DISK
        and here.at.account == target.at.account
        and target.at.node == here.entry.id
    )
    source = await _real(here.at)
    if same_node or real_target.is_inside(source):
        verb = "moved" if order.verb is Verb.MOVE else "copied"
        raise UsageError(
            f"{shown} cannot be {verb} into itself.", hint="Choose a target outside of it."
        )


async def _real(at: Location) -> Location:
    """The place with links of the disk followed, so that a detour does not hide a loop."""
    if at.account != DISK:
        return at
    path = await asyncio.to_thread(os.path.realpath, at.path)
    return Location(DISK, tuple(part for part in path.split("/") if part))


async def _same_place(here: Found, target: Found, name: str) -> bool:
    """Whether `name` in the target folder is the source itself."""
    if here.at.account != target.at.account:
        return False
    if here.at.account != DISK:
        return here.at.parts == target.at.child(name).parts
    return await asyncio.to_thread(_same_file, here.at.path, target.at.child(name).path)


def _same_file(left: str, right: str) -> bool:
    try:
        one, other = os.lstat(left), os.lstat(right)
    except OSError:
        return False
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


async def _named(
    order: Order, found: Sequence[Found], target: Found, storages: Storages
) -> dict[str, Entry]:
    names = {
        source.name if source.name is not None else here.entry.name
        for source, here in zip(order.sources, found, strict=True)
        if not source.contents
    }
    storage = await storages(target.at.account)
    entries = await standing_names(storage, target.at, names)
    return {entry.name: entry for entry in reversed(entries)}


async def standing_names(
    storage: Storage, folder: Location, names: Collection[str], *, whole: bool = False
) -> list[Entry]:
    """What stands in a folder under some names; `whole` means all it holds. Few names are asked
    for one by one where a name is enough to know an entry."""
    if (
        whole
        or len(names) > _ONE_BY_ONE
        or storage.caps.duplicate_names
        or storage.caps.file_and_folder_share_name
        or not storage.caps.case_sensitive
    ):
        return [entry async for page in storage.scan(folder) for entry in page]
    standing: list[Entry] = []
    for name in names:
        with contextlib.suppress(NotFound):  # free, which is the usual case
            standing.append((await storage.stat(folder.child(name))).entry)
    return standing


def _refuse_onto(
    order: Order, here: Found, name: str, standing: Entry | None, same_place: bool
) -> None:
    if standing is None:
        return
    same_node = here.at.account == order.target.account != DISK and standing.id == here.entry.id
    both = order.on_conflict is OnConflict.KEEP_BOTH and order.verb is Verb.COPY
    if (same_place or same_node) and not both:
        raise UsageError(
            f"{display_name(str(here.at))} and its target are the same.",
            hint="Nothing was changed. Keep both makes a numbered copy."
            if order.verb is Verb.COPY
            else "Nothing was changed.",
        )
    if decide(order.on_conflict, here.entry, standing, Sameness.DIFFERENT) is Verdict.REFUSE:
        there = "a folder" if standing.is_folder else "a file"
        raise UsageError(
            f"{display_name(name)} is {there} there and something else here.",
            hint="It was left alone. Keep both gives the new one a number.",
        )
