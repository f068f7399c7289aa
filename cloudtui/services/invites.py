"""Accounts with a code to invite others by, as a shape: no I/O."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class HasInvites(Protocol):
    """Tells a code that others may give when they join."""

    async def invite_code(self) -> str:
        """The code. Raises NotSupported for an account without one."""
        ...
