"""How many connections read from one account at once, over all its files, in this process.

Links have limits of their own; some services also count what an account has open, and refuse more.
Must not open connections itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cloudtui.services.storage import ReadTicket
from cloudtui.services.transfers.stop import Stop, interrupted


class Rooms:
    """One room per account that has a limit."""

    def __init__(self) -> None:
        self._rooms: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def enter(self, ticket: ReadTicket, stop: Stop) -> AsyncIterator[None]:
        """Wait for a place among the account's connections; it is free again afterwards. Raises
        Interrupted when stopped while waiting."""
        if ticket.account_connections is None:
            yield
            return
        limit = asyncio.Semaphore(ticket.account_connections)
        room = self._rooms.setdefault(ticket.account, limit)
        if not room.locked():
            await room.acquire()  # at once: a free place is the rule
            try:
                yield
            finally:
                room.release()
            return
        entering = asyncio.ensure_future(room.acquire())
        try:
            if not await stop.unless(entering):
                raise interrupted()
            yield
        finally:
            if not entering.cancel():
                room.release()
