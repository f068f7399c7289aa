"""Where the parts of an upload come from: a file on this disk, or another service.

A feed makes the body of each part and computes the digests of the whole beside the sending.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Collection
from typing import Protocol

from msgspec import Struct

from cloudtui.services.models import HashType
from cloudtui.services.storage import LocalFile
from cloudtui.services.transfers.bodies import BodySource, FileBody, WatchedBody
from cloudtui.services.transfers.digest import BESIDE_FROM, Beside, Follower, Landing, RunningDigest
from cloudtui.services.transfers.exchange import buffer
from cloudtui.services.transfers.localsource import OpenSource, open_local
from cloudtui.services.transfers.ondisk import on_disk
from cloudtui.services.transfers.positioned import read_at
from cloudtui.services.transfers.ranges import Ranges
from cloudtui.services.transfers.relaybody import RelayBody
from cloudtui.services.transfers.rooms import Place
from cloudtui.services.transfers.stop import Flight
from cloudtui.services.transfers.tickets import Tickets
from cloudtui.services.transfers.work import Work


class Part(Struct, frozen=True):
    """One part of an upload, numbered from 0."""

    number: int
    offset: int
    length: int


class Feed(Protocol):
    """The source side of an upload."""

    size: int

    def opened(
        self, kinds: Collection[HashType], done: Ranges, *, in_order: bool
    ) -> contextlib.AbstractAsyncContextManager[None]:
        """Ready to make bodies inside the block. `done` is sent already; `in_order`: parts go
        one after the other."""
        ...

    async def body(self, part: Part) -> BodySource:
        """The bytes of a part, for one try."""
        ...

    def over(self, part: Part, body: BodySource) -> None:
        """That try is over."""
        ...

    def arrived(self, part: Part) -> None:
        """The part is at the target."""
        ...

    def spoil(self) -> None:
        """The source refused the way it was read: take a fresh one for the next body."""
        ...

    async def digest(self, part: Part, name: str) -> str | None:
        """The digest called `name` in `hashlib` of the bytes of a part; None where they would have
        to be fetched for it."""
        ...

    async def digests(self) -> dict[HashType, str]:
        """What was asked for in `opened`, when all is sent; empty when not every byte passed."""
        ...

    async def check(self) -> None:
        """Raises SourceChanged when the source is no longer what it was."""
        ...


class DiskFeed:
    """Parts of a local file. Parts that go one after the other are hashed out of the buffer that
    they are sent from, beside their sending: read a second time by another thread they took half as
    much processor time again. Other parts are read behind the sending, from the page cache."""

    def __init__(self, work: Work, source: LocalFile) -> None:
        self.size = source.size
        self._work = work
        self._source = source
        self._file: OpenSource | None = None
        self._landing = Landing(Ranges())
        self._beside: Beside | None = None
        self._running: RunningDigest | None = None
        self._follower: Follower | None = None

    @contextlib.asynccontextmanager
    async def opened(
        self, kinds: Collection[HashType], done: Ranges, *, in_order: bool
    ) -> AsyncIterator[None]:
        """Open and watch the file. Raises NotFound, Denied, SourceChanged."""
        pump = self._work.pump
        file = await on_disk(pump, lambda: open_local(self._source), "reading the file")
        self._file = file
        self._landing = Landing(done)
        try:
            if in_order and not done.total:
                self._running = RunningDigest(kinds, self.size)
                if not kinds or self.size < BESIDE_FROM:
                    yield
                    return
                with contextlib.closing(Beside(pump.hashing, self._running)) as self._beside:
                    yield
                return
            async with Follower(
                pump, file.fd, self.size, kinds, self._landing.low_water
            ) as self._follower:
                yield
        finally:
            file.close()

    async def body(self, part: Part) -> BodySource:
        """The part, straight from the file."""
        if self._file is None:
            msg = "the feed is not open"
            raise RuntimeError(msg)
        body = FileBody(self._file.fd, part.offset, part.length)
        if self._running is None:
            self._landing.begin(body, part.offset)
            return body
        if self._beside is not None:
            return LentBody(body, self._beside, part.offset)
        feed, start = self._running.feed, part.offset
        return WatchedBody(body, lambda position, view: feed(start + position, view))

    def over(self, part: Part, body: BodySource) -> None:
        """What a failed try read is no longer counted on."""
        self._landing.forget(body)

    def arrived(self, part: Part) -> None:
        """The follower may hash up to here."""
        self._landing.add(part.offset, part.offset + part.length)

    def spoil(self) -> None:
        """A file has no link that could expire."""

    async def digest(self, part: Part, name: str) -> str | None:
        """Read once more."""
        assert self._file is not None
        fd, stop = self._file.fd, self._work.stop.is_set
        return await self._work.pump.hashing.run(lambda: _digest(fd, part, name, stop))

    async def digests(self) -> dict[HashType, str]:
        """Waits for the follower to catch up."""
        if self._running is not None:
            return self._running.result()
        return await self._follower.digests() if self._follower is not None else {}

    async def check(self) -> None:
        """Compare the open file with what was planned."""
        if self._file is not None:
            await on_disk(self._work.pump, self._file.check, "reading the file")


class LentBody:
    """Another body whose bytes are lent to be hashed, each piece until the next one is read.
    `start` is its place in the file."""

    def __init__(self, body: BodySource, beside: Beside, start: int) -> None:
        self.length = body.length
        self.received = 0
        self._body = body
        self._beside = beside
        self._start = start

    def start(self, flight: Flight) -> None:
        """Back to the first byte."""
        self._body.start(flight)
        self.received = 0

    def read_into(self, view: memoryview) -> None:
        """Take back, read, lend."""
        self._beside.back()
        self._body.read_into(view)
        self._beside.lend(self._start + self.received, view)
        self.received += len(view)

    def end(self) -> None:
        """Take back, end the body behind."""
        self._beside.back()
        self._body.end()


class RemoteFeed:
    """Parts of a remote file, passing through one buffer. Digests only when all bytes pass in
    order: nothing is fetched a second time for them."""

    def __init__(self, work: Work, tickets: Tickets) -> None:
        self.size = tickets.size
        self._work = work
        self._tickets = tickets
        self._ticket = tickets.latest
        self._running: RunningDigest | None = None
        self._places: dict[BodySource, Place] = {}

    @contextlib.asynccontextmanager
    async def opened(
        self, kinds: Collection[HashType], done: Ranges, *, in_order: bool
    ) -> AsyncIterator[None]:
        """Nothing to open: connections are made per part."""
        if kinds and in_order and not done.total:
            self._running = RunningDigest(kinds, self.size)
        yield

    async def body(self, part: Part) -> BodySource:
        """The part, read with the current ticket. Raises SourceChanged."""
        self._ticket = await self._tickets.current()
        place = await self._work.pump.rooms.take(self._ticket, self._work.stop)
        body: BodySource = RelayBody(self._work.pump, self._ticket, part.offset, part.length)
        if self._running is not None:
            feed, start = self._running.feed, part.offset
            body = WatchedBody(body, lambda position, view: feed(start + position, view))
        self._places[body] = place
        return body

    def over(self, part: Part, body: BodySource) -> None:
        """Its connection is free for others."""
        self._places.pop(body).give_back()

    def arrived(self, part: Part) -> None:
        """Nothing is kept per part."""

    async def digest(self, part: Part, name: str) -> str | None:
        """Nothing is fetched for a comparison."""
        return None

    def spoil(self) -> None:
        """The next body gets a fresh ticket."""
        self._tickets.spoil(self._ticket)

    async def digests(self) -> dict[HashType, str]:
        """What passed."""
        return self._running.result() if self._running is not None else {}

    async def check(self) -> None:
        """The version is compared whenever a ticket is renewed; there is no more to ask."""


def _digest(fd: int, part: Part, name: str, stopped: Callable[[], bool]) -> str:
    digest = hashlib.new(name, usedforsecurity=False)
    view, at, end = buffer(), part.offset, part.offset + part.length
    while at < end and not stopped():
        got = read_at(fd, view[: min(len(view), end - at)], at)
        if got == 0:
            break
        digest.update(view[:got])
        at += got
    return digest.hexdigest()
