"""What a service says about the content of a file, asked for while the bytes are on their way.

Some tickets carry digests; of other services one has to ask with a call of its own, which then
costs no time. A refusal to tell is not an error of the transfer: the file is then not `checked`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final

from cloudtui.services.errors import CloudError
from cloudtui.services.models import HashType
from cloudtui.services.transfers.tickets import Tickets

AskHashes = Callable[[], Awaitable[Mapping[HashType, str]]]

ORDER: Final = (HashType.SHA1, HashType.GCID, HashType.MD5, HashType.SHA256)
"""What to compute first: each row cheaper on a processor without SHA instructions."""


class Saying:
    """The digests a source claims. An async context manager: asking begins on the way in.

    `ask` and `expected` are the call and the digest it will bring; both None where the ticket
    tells all there is.
    """

    def __init__(
        self,
        tickets: Tickets,
        expected: HashType | None = None,
        ask: AskHashes | None = None,
    ) -> None:
        self._tickets = tickets
        self._told: Mapping[HashType, str] = {}
        self._ask = ask
        self._task: asyncio.Task[Mapping[HashType, str]] | None = None
        self.kind = next((kind for kind in ORDER if tickets.latest.hashes.get(kind)), None)
        """The one digest to compute, None when nothing will be there to compare it with."""
        if self.kind is None and ask is not None:
            self.kind = expected

    async def __aenter__(self) -> Saying:
        if self._ask is not None and self.kind not in (None, *self._tickets.latest.hashes):
            self._task = asyncio.create_task(self._asked(self._ask))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def hashes(self) -> Mapping[HashType, str]:
        """All that is claimed, of the newest ticket and of the call."""
        if self._task is not None:
            self._told = await asyncio.shield(self._task)
        return {**self._told, **self._tickets.latest.hashes}

    async def again(self) -> None:
        """Ask anew, after a disagreement. Raises SourceChanged."""
        self._tickets.spoil(self._tickets.latest)
        await self._tickets.current()
        if self._task is not None and self._ask is not None:
            await asyncio.wait([self._task])
            self._task = asyncio.create_task(self._asked(self._ask))

    async def _asked(self, ask: AskHashes) -> Mapping[HashType, str]:
        try:
            return await ask()
        except CloudError:
            return {}
