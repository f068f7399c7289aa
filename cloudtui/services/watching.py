"""Telling the index of known names what we change in a place, while it happens.

Owns the hooks on a place's own methods: everybody who changes something goes through those. Must
not change what they do, and must not wait for the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from cloudtui.services.models import Entry, Found, Location, TrashItem
from cloudtui.services.storage import HasTrash, Restored, ServerMove, Storage
from cloudtui.services.unpackers import PacksFolders


class Change(Struct, frozen=True):
    """What was at `was` is at `now` (None: deleted). Clouds know it by the id of `was`."""

    was: Location
    now: Found | None = None


class Told(Protocol):
    """Takes changes; soon is enough."""

    def __call__(self, changes: Iterable[Change], /) -> None: ...


def watch(storage: Storage, told: Told) -> None:
    """From now on `told` hears of what is renamed, moved, deleted, packed, put into the trash
    or taken out of it here."""
    place: object = storage
    rename, remove = storage.rename, storage.remove

    async def watched_rename(item: Found, name: str) -> Entry:
        entry = await rename(item, name)
        told([Change(_at(item), Found.of(item.at.parent, entry))])
        return entry

    async def watched_remove(items: Sequence[Found]) -> None:
        await remove(items)
        told([Change(_at(item)) for item in items])

    storage.rename = watched_rename  # type: ignore[method-assign]
    storage.remove = watched_remove  # type: ignore[method-assign]
    if isinstance(place, ServerMove):
        move = place.move

        async def watched_move(item: Found, parent: Location, name: str) -> Entry:
            entry = await move(item, parent, name)
            told([Change(_at(item), Found.of(parent, entry))])
            return entry

        place.move = watched_move  # type: ignore[method-assign]
    if isinstance(place, HasTrash):
        trash, restore = place.trash, place.restore

        async def watched_trash(items: Sequence[Found]) -> list[TrashItem]:
            gone = await trash(items)
            told([Change(_at(item)) for item in items])
            return gone

        async def watched_restore(
            items: Sequence[TrashItem], to: Location | None = None
        ) -> list[Restored]:
            back = await restore(items, to)
            told([_back(each) for each in back])
            return back

        place.trash = watched_trash  # type: ignore[method-assign]
        place.restore = watched_restore  # type: ignore[method-assign]
    if isinstance(place, PacksFolders):
        pack, unpack = place.pack_folder, place.unpack_folder

        async def watched_pack(
            item: Found, on_progress: Callable[[int], None] | None = None
        ) -> Entry:
            entry = await pack(item, on_progress)
            # what lay in the folder is not to be found any more
            told([Change(_at(item)), Change(_at(item), Found.of(item.at.parent, entry))])
            return entry

        async def watched_unpack(item: Found) -> Entry:
            entry = await unpack(item)
            told([Change(_at(item), Found.of(item.at.parent, entry))])
            return entry

        place.pack_folder = watched_pack  # type: ignore[method-assign]
        place.unpack_folder = watched_unpack  # type: ignore[method-assign]


def _at(item: Found) -> Location:
    """With the id by which clouds know it."""
    return replace(item.at, node=item.at.node or item.entry.id) if item.at.account else item.at


def _back(restored: Restored) -> Change:
    """The trash may know it by another id than its folder; a disk knows it by its name."""
    at, entry = restored.at, restored.item.entry
    node = (at.node or entry.id) if at.account else at.name
    found = Found.of(at.parent, replace(entry, name=at.name, id=node))
    return Change(found.at, found)
