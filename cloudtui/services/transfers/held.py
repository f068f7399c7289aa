"""A service's file held whole in memory: for targets that want its digest before its bytes.

Owns the bytes until they are sent; nothing of them is on this disk. A process that dies loses them
and reads the file again. Must not decide which files are small enough for that.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import BadReply, CloudError, Mismatch, Refused
from cloudtui.services.models import HashType
from cloudtui.services.storage import ReadSource, ReadTicket
from cloudtui.services.transfers.answers import RangeIgnored, StaleLink
from cloudtui.services.transfers.bodies import BodySource, BytesBody
from cloudtui.services.transfers.digest import RunningDigest
from cloudtui.services.transfers.feeds import Part
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.ranges import Ranges
from cloudtui.services.transfers.saying import AskHashes, Saying
from cloudtui.services.transfers.tickets import Tickets
from cloudtui.services.transfers.work import Work

_FETCHES: Final = 3
"""How often a file is fetched whose digest is not the one its service names."""


class Held(Struct, frozen=True):
    """The bytes of one file and the digests computed while they came."""

    data: bytearray
    hashes: Mapping[HashType, str]

    def __repr__(self) -> str:
        return f"Held({len(self.data)} bytes, {self.hashes!r})"


async def hold_file(
    work: Work,
    open_source: Callable[[], Awaitable[ReadSource]],
    first: ReadTicket,
    wanted: HashType,
    claim: HashType | None,
    ask_claims: AskHashes,
) -> Held:
    """Fetch a whole file into memory, with its digest of the wanted kind; what its service says of
    its content (`claim`, as for `move_file`) is compared.

    Raises Mismatch when it is not what it should be however often it is fetched, SourceChanged,
    Interrupted, and whatever outlasts patience.
    """
    if not first.urls and first.size:
        raise Refused("The service gave no address for this file's content.")
    clock = work.pump.network.clock
    tickets = Tickets(first, open_source, clock, work.retries, work.stop, work.on_wait)
    asking = (claim, ask_claims) if claim is not None and work.verify is not Verify.SIZE else ()
    async with Saying(tickets, *asking) as saying:
        return await _Holding(work, tickets, saying, wanted).run()


class _Holding:
    """One file on its way into memory."""

    def __init__(self, work: Work, tickets: Tickets, saying: Saying, wanted: HashType) -> None:
        self._work = work
        self._tickets = tickets
        self._saying = saying
        self._wanted = wanted

    async def run(self) -> Held:
        claim = None if self._work.verify is Verify.SIZE else self._saying.kind
        kinds = {self._wanted, *([claim] if claim else [])}
        for _ in range(_FETCHES):
            self._work.meter.restart(0)
            held = await self._fetch(kinds)
            if claim is None or await self._agrees(claim, held):
                return held
            await self._saying.again()
            if await self._agrees(claim, held):
                return held  # it was the service's word that was old
        raise Mismatch(
            "What the source sent is not what it says it holds; nothing was given its name.",
            hint="Copy the file again; if that ends the same way, the source is damaged.",
        )

    async def _agrees(self, claim: HashType, held: Held) -> bool:
        told = (await self._saying.hashes()).get(claim, "")
        return not told or told.lower() == held.hashes[claim].lower()

    async def _fetch(self, kinds: Collection[HashType]) -> Held:
        """All bytes over one connection, going on where it broke."""
        work, size = self._work, self._tickets.size
        sink = _HeldSink(size, kinds)
        patience = work.patience()
        while (start := sink.received) < size:
            work.stop.check()
            ticket = await self._tickets.current()
            held = sink.held
            try:
                await work.pump.read_range(ticket, start, size - start, sink, work.meter, work.stop)
            except RangeIgnored:
                sink.received = 0
            except StaleLink as exc:
                self._tickets.spoil(ticket)
                await patience.again_fresh(exc.cause)
            except CloudError as exc:
                if sink.held > held:
                    patience.renew()
                if patience.failures or isinstance(exc, BadReply):
                    self._tickets.spoil(ticket)  # a second failure in a row: perhaps it is the link
                await patience.again(exc)
        return Held(sink.data, sink.digests())


class _HeldSink:
    """Collects a file in order, digests included; what comes a second time is passed over."""

    def __init__(self, size: int, kinds: Collection[HashType]) -> None:
        self.received = 0
        self.held = 0
        """Bytes that are here."""
        self.data = bytearray(size)
        self._digest = RunningDigest(kinds, size)

    def write(self, offset: int, view: memoryview) -> int:
        """Take what is new of the bytes at `offset`."""
        piece = view[max(0, self.held - offset) :]
        self.data[self.held : self.held + len(piece)] = piece
        self._digest.feed(self.held, piece)
        self.held += len(piece)
        self.received = offset + len(view)
        return len(piece)

    def digests(self) -> dict[HashType, str]:
        """Of the whole file, once all of it is here."""
        return self._digest.result()


class HeldFeed:
    """Parts of a file in memory; a `Feed`. Its digests are known before anything is sent."""

    def __init__(self, work: Work, held: Held) -> None:
        self.size = len(held.data)
        self._work = work
        self._held = held
        self._view = memoryview(held.data)
        self._kinds: frozenset[HashType] = frozenset()

    @contextlib.asynccontextmanager
    async def opened(
        self,
        kinds: Collection[HashType],
        done: Ranges,  # whatever is sent already
        *,
        in_order: bool,  # in any order
    ) -> AsyncIterator[None]:
        """Nothing to open."""
        self._kinds = frozenset(kinds)
        yield

    async def body(self, part: Part) -> BodySource:
        """The part, straight from memory."""
        return BytesBody(self._piece(part))

    def over(self, part: Part, body: BodySource) -> None:
        """Nothing is kept per try."""

    def arrived(self, part: Part) -> None:
        """Nothing is kept per part."""

    def spoil(self) -> None:
        """Memory has no link that could expire."""

    async def digest(self, part: Part, name: str) -> str | None:
        """Of the bytes as they lie here."""
        piece = self._piece(part)

        def computed() -> str:
            return hashlib.new(name, piece, usedforsecurity=False).hexdigest()

        return await self._work.pump.hashing.run(computed)

    async def digests(self) -> dict[HashType, str]:
        """Those of the asked for that were computed while the file came."""
        return {kind: self._held.hashes[kind] for kind in self._kinds & self._held.hashes.keys()}

    async def check(self) -> None:
        """Nobody else can change it."""

    def _piece(self, part: Part) -> memoryview:
        return self._view[part.offset : part.offset + part.length]
