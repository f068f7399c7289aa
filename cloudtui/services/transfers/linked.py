"""Links among what is to be copied: left alone, or followed as the order says.

Owns the decision; what a link leads to is the place's word. Moves follow nothing: what a link
leads to lies elsewhere and stays there.
"""

from __future__ import annotations

from collections.abc import Sequence

from cloudtui.services.models import DISK, Entry, Found, Kind, Location
from cloudtui.services.storage import FollowsLinks, Storage
from cloudtui.services.transfers.orders import Follow, Order, Verb


class Linked:
    """The links of one order."""

    def __init__(self, order: Order) -> None:
        self._follow = order.follow if order.verb is Verb.COPY else Follow.NEVER

    async def page(
        self, storage: Storage, folder: Location, target: Location, entries: Sequence[Entry]
    ) -> Sequence[Entry]:
        """The entries of a folder, in place of links that are followed what they lead to."""
        if self._follow is Follow.NEVER or all(each.kind is not Kind.LINK for each in entries):
            return entries
        return [(await self.one(storage, Found.of(folder, each), target)).entry for each in entries]

    async def one(self, storage: Storage, here: Found, target: Location) -> Found:
        """The same for one entry."""
        if here.entry.kind is not Kind.LINK or not isinstance(storage, FollowsLinks):
            return here
        if self._follow is Follow.NEVER:
            return here
        avoid = [*_above(here.at.parent), *(_above(target) if target.account == DISK else ())]
        there = await storage.follow(here, avoid)
        if there is None or (there.is_folder and self._follow is not Follow.ALL):
            return here
        return Found(here.at, there)


def _above(at: Location) -> list[Location]:
    """A folder and all that it lies in."""
    return [Location(at.account, at.parts[:count]) for count in range(len(at.parts) + 1)]
