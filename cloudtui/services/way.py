"""By which way a call went out: some services bind the links they hand out to the address that
asked, so the bytes have to be fetched the same way. A leaf."""

from __future__ import annotations

from contextvars import ContextVar

from msgspec import Struct


class Way(Struct, frozen=True):
    """A proxy (None: none) and an address family of `socket` (0: any)."""

    proxy: str | None
    family: int

    def __repr__(self) -> str:
        return f"Way(family={self.family!r})"  # a proxy's address may hold a password


last_way: ContextVar[Way | None] = ContextVar("last_way", default=None)
"""The way of the last API call of this context."""
