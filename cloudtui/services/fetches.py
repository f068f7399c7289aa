"""What a service offers that fetches files of others by their links. Shapes only, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from msgspec import Struct

from cloudtui.services.models import Entry, Location

if TYPE_CHECKING:
    from cloudtui.services.storage import SourceFacts


class Fetching(Struct, frozen=True):
    """How far a service is with a file it fetches itself. `done` in bytes."""

    done: int
    finished: bool = False


@runtime_checkable
class FetchWrite(Protocol):
    """A file that the service fetches by a link, which can be written down and taken up by another
    process. Write its `state` down before `order`: what was ordered is never ordered twice."""

    checked: bool
    """After `finish`: a digest the service computed agreed with one of the source."""

    def state(self) -> bytes:
        """All that `Storage.reopen_write` needs; the link is not in it."""
        ...

    async def order(self, urls: Sequence[str]) -> None:
        """Have it fetched from one of these equivalent links, unless that was ordered already.
        Raises Refused (NotSupported) when the service does not do this."""
        ...

    async def progress(self) -> Fetching:
        """How far it is. Raises Refused when the service could not fetch it, Gone when it knows
        nothing of an order and no file came of one."""
        ...

    async def finish(self, facts: SourceFacts) -> Entry:
        """Compare size and digests, set the time. Safe to repeat.

        Raises Exists (the name was taken meanwhile) and Mismatch; what was fetched is removed.
        """
        ...

    async def abort(self) -> None:
        """Remove what was fetched, as far as it has come. Safe to repeat."""
        ...


@runtime_checkable
class FetchesLinks(Protocol):
    """Fetches files of other services by their links: no byte passes this machine."""

    async def open_fetch(self, parent: Location, name: str, facts: SourceFacts) -> FetchWrite:
        """Prepare to fetch a file of known size into `parent`, where `name` is free. Nothing is
        ordered yet."""
        ...
