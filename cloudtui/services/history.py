"""What was done in an account lately, as its service remembers it: values and a shape, no I/O."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from enum import StrEnum
from typing import Protocol, runtime_checkable

from msgspec import Struct

from cloudtui.services.models import Entry, Location


class Deed(StrEnum):
    """What was done to an entry. SAVED came out of somebody's share, FETCHED from a link."""

    UPLOADED = "uploaded"
    SAVED = "saved"
    FETCHED = "fetched"
    PLAYED = "played"
    OTHER = "other"


class Happened(Struct, frozen=True):
    """One line of a history.

    `words` is the deed in words, the service's own where we have none. `name` is what the entry was
    called then; `at` leads to it by its id (None: not known), whatever became of it. `entry` is
    what it is now, None where the service does not tell or it is gone. `when_ns` is UTC.
    """

    id: str
    deed: Deed
    words: str
    name: str
    when_ns: int | None = None
    at: Location | None = None
    entry: Entry | None = None
    in_trash: bool = False


@runtime_checkable
class KeepsHistory(Protocol):
    """Remembers what was done."""

    def scan_history(self, deeds: Collection[Deed] = ()) -> AsyncIterator[Sequence[Happened]]:
        """The history, newest first, page by page: of these deeds only, of all when none is
        named."""
        ...

    async def forget_history(self, ids: Sequence[str]) -> None:
        """Remove lines; the entries they tell of stay. One that is gone already is fine."""
        ...

    async def clear_history(self) -> None:
        """Remove all lines; the entries they tell of stay."""
        ...
