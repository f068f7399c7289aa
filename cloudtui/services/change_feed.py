"""Places that tell what others change in them, as a shape: no I/O."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from cloudtui.services.models import Location, News


@runtime_checkable
class ChangeFeed(Protocol):
    """Tells what others change while it happens."""

    def changes(self) -> AsyncIterator[News]:
        """Changes from now on, as they happen, until the iterator is closed. Waits out network
        trouble by itself; what may have been missed meanwhile is told as EVERYTHING. What happened
        in the seconds before is told again, for whoever listed a folder just then. Raises
        LoginNeeded, and NotSupported where the service closes it."""
        ...

    async def id_of(self, folder: Location) -> str:
        """The id by which `changes` names a folder; costs no call for one listed just now."""
        ...
