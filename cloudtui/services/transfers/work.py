"""What every way of moving one file is given, and what it gives back. Values only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from cloudtui.services.models import Entry, HashType
from cloudtui.services.retry import Retries
from cloudtui.services.storage import Receipt, SourceFacts
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.patience import OnWait, Patience
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.stop import Stop

OnDigests = Callable[[Mapping[HashType, str]], Awaitable[None]]


class Moved(Struct, frozen=True):
    """A file that arrived. `checked`: an independent digest agreed, not only the size. `sent`:
    bytes that crossed the network (or were copied on disk) for it this time. `note` is a sentence
    to show when something about it is worth knowing."""

    entry: Entry
    checked: bool
    sent: int
    note: str = ""


class Work(Struct, frozen=True):
    """The wishes and tools of one transfer."""

    pump: Pump
    facts: SourceFacts
    done: Sequence[Receipt]
    on_receipt: Callable[[Receipt], None]
    meter: Meter
    stop: Stop
    verify: Verify
    retries: Retries
    on_wait: OnWait | None = None
    connections: int = 16
    """That read the file at once, at most."""
    on_digests: OnDigests | None = None
    """Told, before an upload is committed, what was computed of a remote source."""

    def patience(self) -> Patience:
        """A fresh count of failures for one piece."""
        return Patience(self.retries, self.stop, self.on_wait)
