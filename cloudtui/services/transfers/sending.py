"""Sending the parts of an upload that have no receipt yet.

A part is tried again with a fresh request; when its answer was lost, the service is asked first
what it holds. Decides nothing about the whole.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator

from cloudtui.services.errors import (
    CloudError,
    Denied,
    LoginNeeded,
    Mismatch,
    Retry,
    ServerTrouble,
)
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import HashType
from cloudtui.services.storage import PartReply, PartRequest, Receipt, RemoteWrite
from cloudtui.services.transfers.answers import StaleLink
from cloudtui.services.transfers.bodies import WatchedBody
from cloudtui.services.transfers.feeds import Feed, Part
from cloudtui.services.transfers.groups import first_error
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.work import Work


def parts_of(size: int, part_size: int) -> Iterator[Part]:
    """How a file of `size` bytes is cut; an empty file is one empty part."""
    step = part_size or max(1, size)
    for number, offset in enumerate(range(0, max(1, size), step)):
        yield Part(number, offset, min(step, size - offset))


class Sending:
    """One pass over the parts of an upload."""

    def __init__(self, work: Work, feed: Feed, handle: RemoteWrite) -> None:
        self._work = work
        self._feed = feed
        self._handle = handle
        done = {each.number: each for each in work.done}
        self._parts: list[Part] = []
        self._receipts: dict[int, Receipt] = {}
        for part in parts_of(feed.size, handle.part_size):
            receipt = done.get(part.number)
            if receipt and (receipt.offset, receipt.length) == (part.offset, part.length):
                self._receipts[part.number] = receipt
            else:
                self._parts.append(part)
        self._strict = work.verify is Verify.STRICT and handle.part_hash is not None
        self.compared = 0
        """Parts whose tag agreed with a digest of what was sent."""
        self.sent = 0
        """Bytes of parts that were sent and acknowledged in this pass."""

    @property
    def receipts(self) -> list[Receipt]:
        """All receipts, in order."""
        return [self._receipts[number] for number in sorted(self._receipts)]

    async def run(self) -> None:
        """Send all parts. Raises CloudErrors; receipts told until then stay good."""
        if self._strict:
            await self._compare_old()
        self._work.meter.restart(sum(each.length for each in self._receipts.values()))
        queue = iter(self._parts)
        lanes = min(max(1, self._handle.parts_at_once), len(self._parts))
        if lanes <= 1:
            await self._drain(queue)
            return
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(lanes):
                    group.create_task(self._drain(queue))
        except BaseExceptionGroup as exc:
            raise first_error(exc) from exc

    async def _compare_old(self) -> None:
        """Parts that an earlier run sent: those that are not what the source holds go again."""
        for part in parts_of(self._feed.size, self._handle.part_size):
            receipt = self._receipts.get(part.number)
            if receipt is None:
                continue
            told = await self._feed.digest(part, _name(self._handle.part_hash))
            self._work.stop.check()
            if receipt.tag.strip('"').lower() == told:
                self.compared += 1
            elif told is not None:
                del self._receipts[part.number]
                self._parts.append(part)
        self._parts.sort(key=lambda part: part.number)

    async def _drain(self, queue: Iterator[Part]) -> None:
        for part in queue:
            receipt = await self._part(part)
            failpoint("mover.part_sent")
            self._feed.arrived(part)
            self._receipts[part.number] = receipt
            self._work.on_receipt(receipt)

    async def _part(self, part: Part) -> Receipt:
        patience = self._work.patience()
        lost = False
        while True:
            self._work.stop.check()
            try:
                if lost and (known := await self._look_up(part)) is not None:
                    return known
                lost = False
                return await self._try(part)
            except StaleLink as exc:
                self._feed.spoil()
                await patience.again_fresh(exc.cause)
            except _Unauthorised as exc:
                await patience.again_fresh(exc.cause)
            except CloudError as exc:
                lost = lost or exc.retry is Retry.RECONCILE or isinstance(exc, ServerTrouble)
                await patience.again(exc)

    async def _look_up(self, part: Part) -> Receipt | None:
        """The receipt of a part whose answer was lost, when the service holds it after all."""
        for each in await self._handle.probe():
            if (each.number, each.offset, each.length) == (part.number, part.offset, part.length):
                self._work.meter.add(part.length)
                self.sent += part.length
                return each
        return None

    async def _try(self, part: Part) -> Receipt:
        work = self._work
        request = await self._handle.part_request(part.number, part.offset, part.length)
        body = await self._feed.body(part)
        digest = _PartDigest(self._handle.part_hash) if self._strict else None
        try:
            outer = WatchedBody(body, digest.feed) if digest is not None else body
            reply = await work.pump.send(request, outer, work.meter, work.stop)
        finally:
            self._feed.over(part, body)
        receipt = self._accept(request, part, reply)
        if digest is not None:
            try:
                digest.compare(receipt)
            except Mismatch:
                work.meter.add(-part.length)
                raise
            self.compared += 1
        self.sent += part.length
        return receipt

    def _accept(self, request: PartRequest, part: Part, reply: PartReply) -> Receipt:
        try:
            return self._handle.receipt(request, part.number, reply)
        except CloudError as exc:
            self._work.meter.add(-part.length)
            refused = reply.status in (401, 403) and isinstance(exc, Denied)
            if refused or isinstance(exc, LoginNeeded):
                raise _Unauthorised(exc) from exc
            raise


class _Unauthorised(Exception):
    """The service did not take a request's signature: a fresh one may be good."""

    def __init__(self, cause: CloudError) -> None:
        super().__init__(cause.text)
        self.cause = cause


def _name(kind: HashType | None) -> str:
    return "md5" if kind is HashType.MD5 else "sha1"


class _PartDigest:
    """The digest of one part as it is sent; begins anew when the request is repeated."""

    def __init__(self, kind: HashType | None) -> None:
        self._name = _name(kind)
        self._digest = hashlib.new(self._name, usedforsecurity=False)

    def feed(self, position: int, view: memoryview) -> None:
        """Bytes at `position` of the part."""
        if position == 0:
            self._digest = hashlib.new(self._name, usedforsecurity=False)
        self._digest.update(view)

    def compare(self, receipt: Receipt) -> None:
        """Raise Mismatch when the service stored something else."""
        if receipt.tag.strip('"').lower() != self._digest.hexdigest():
            raise Mismatch(
                "A part of the upload was stored with other bytes than were sent.",
                hint="Nothing was given its name; copy the file again.",
                retry=Retry.SOON,
            )
