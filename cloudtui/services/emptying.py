"""Emptying a trash with news of how far it is, in the form its place can give.

Knows the protocols and no provider.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from cloudtui.services.storage import HasTrash

OnEmptying = Callable[[int, int | None], None]
"""How many of how many are gone; where the second is None the first is per cent."""


@runtime_checkable
class CountsEmptying(Protocol):
    """Empties its trash piece by piece and can say how many of them are left."""

    async def empty_counted(self, on_progress: Callable[[int, int], None]) -> None:
        """Remove everything from the trash for good; told how many of how many are gone."""
        ...


async def empty(place: HasTrash, on_progress: OnEmptying) -> None:
    """Remove everything from the trash of a place for good. Raises what the place raises."""
    if isinstance(place, CountsEmptying):
        await place.empty_counted(on_progress)
    else:
        await place.empty_trash(lambda percent: on_progress(percent, None))
