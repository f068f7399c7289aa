"""Places whose entries can carry a star for every client of the account to see, as a shape: no
I/O."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, runtime_checkable

from cloudtui.services.models import Found


@runtime_checkable
class KeepsStars(Protocol):
    """Marks entries as favourites."""

    async def star(self, items: Sequence[Found], *, on: bool) -> None:
        """Put stars on entries, or take them off; an entry that is so already stays so.

        Raises NotFound when some of them are gone, after all others were done.
        """
        ...

    def scan_starred(self) -> AsyncIterator[Sequence[Found]]:
        """Everything that carries a star, wherever it is, page by page; not what lies in the
        trash."""
        ...
