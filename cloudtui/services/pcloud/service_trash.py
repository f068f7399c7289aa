"""pCloud's own trash, for the sign-ins it opens to (none of today's app tokens is one)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from cloudtui.services.errors import NotFound, NotSupported, Refused
from cloudtui.services.models import Location, TrashItem
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import SLOW, Client
from cloudtui.services.pcloud.entries import Names, id_param, whole
from cloudtui.services.pcloud.tree import Tree
from cloudtui.services.storage import Restored

_PAGE: Final = 2000


class ServiceTrash:
    """The trash methods of the API, and whether they answer this account."""

    def __init__(self, account: str, client: Client, names: Names, tree: Tree) -> None:
        self._account = account
        self._client = client
        self._names = names
        self._tree = tree
        self._answers: bool | None = None

    async def answers(self) -> bool:
        """Whether the service lets this sign-in look into its trash; asked once."""
        if self._answers is None:
            try:
                await self._client.call(
                    "trash_list", {"folderid": 0, "nofiles": 1}, wire.TreeListing, timeout=SLOW
                )
                self._answers = True
            except Refused:
                self._answers = False
        return self._answers

    async def scan(self) -> AsyncIterator[Sequence[TrashItem]]:
        """What lies in the trash. The service does not tell when things were deleted."""
        if not await self.answers():
            raise NotSupported(
                "pCloud does not show its trash to apps.",
                hint="What was deleted can be taken back on pCloud's web page for some days.",
            )
        answer = await self._client.call(
            "trash_list", {"folderid": 0}, wire.TreeListing, timeout=SLOW
        )
        items = (answer.metadata.contents if answer.metadata else None) or []
        paths: dict[int, tuple[str, ...] | None] = {}
        for start in range(0, len(items), _PAGE):
            yield [await self._shown(item, paths) for item in items[start : start + _PAGE]]

    async def _shown(self, item: wire.Item, paths: dict[int, tuple[str, ...] | None]) -> TrashItem:
        entry = self._names.entry(item)
        parent = item.origparentfolderid
        if parent is None:
            return TrashItem(item.node, entry, None)
        if parent not in paths:
            try:
                paths[parent] = await self._tree.path_of(parent)
            except NotFound:
                paths[parent] = None  # its folder was deleted too
        path = paths[parent]
        origin = None if path is None else Location(self._account, (*path, entry.name), item.node)
        return TrashItem(item.node, entry, origin)

    async def restore(self, item: TrashItem, to: Location | None) -> Restored:
        """Take one thing back. Done already counts as done."""
        params: dict[str, str | int] = {**id_param(item.key)}
        if to is not None:
            params["restoreto"] = await self._tree.folder_id(to)

        async def look() -> wire.Restored | None:
            try:
                there = await self._tree.item(item.key)
            except NotFound:
                return None
            return wire.Restored(result=0, metadata=there)

        answer = await self._client.call(
            "trash_restore", params, wire.Restored, change=True, safe=False, reconcile=look
        )
        self._tree.forget()
        restored = whole(answer.metadata, "trash_restore")
        name = self._names.local(restored.name)
        path = await self._tree.path_of(restored.parentfolderid)
        at = Location(self._account, (*path, name), item.key)
        return Restored(item, at, _note(item, at, to))

    async def clear(self, key: str) -> None:
        """Delete one thing of the trash for good; `d0` is everything."""
        try:
            await self._client.call(
                "trash_clear", id_param(key), wire.Answer, change=True, timeout=SLOW
            )
        except NotFound:
            return


def _note(item: TrashItem, at: Location, to: Location | None) -> str:
    """What differs from the place that was wished for."""
    if at.name != item.entry.name:
        return f"{display_name(item.entry.name)} is taken; it has a number now."
    if to is None and item.origin is not None and at.parts != item.origin.parts:
        return f"Its folder was gone; it is in {display_name(str(at.parent))} now."
    return ""
