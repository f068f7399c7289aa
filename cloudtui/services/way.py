"""By which way a call went out: some services bind the links they hand out to the address that
asked, so the bytes have to be fetched the same way. A leaf."""

from __future__ import annotations

from contextvars import ContextVar

from cloudtui.services.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Way:
    """A proxy (None: none) and an address family of `socket` (0: any)."""

    proxy: str | None = field(repr=False)
    family: int


last_way: ContextVar[Way | None] = ContextVar("last_way", default=None)
"""The way of the last API call of this context."""
