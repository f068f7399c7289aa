"""Runs the mover in tests: sources, receipts, and what was asked for on the way."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloudtui.services.errors import CloudError
from cloudtui.services.hashes import Gcid
from cloudtui.services.models import HashType
from cloudtui.services.retry import Retries
from cloudtui.services.storage import (
    LocalFile,
    ReadSource,
    ReadTicket,
    Receipt,
    SourceFacts,
    WriteHandle,
)
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.mover import Moved, move_file
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.saying import AskHashes
from cloudtui.services.transfers.stop import Stop
from cloudtui.services.transfers.sums import new_sum
from tests.transfers.byte_server import ByteServer

FAST = Retries(attempts=8, first_wait=0.001, longest=0.002)


def sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def summed(data: bytes) -> str:
    """What is noted of a block on this disk."""
    found = new_sum()
    found.update(memoryview(data))
    return found.tag()


def gcid(data: bytes, block: int | None = None) -> str:
    digest = Gcid(len(data), block)
    digest.update(data)
    return digest.hexdigest()


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(each.name for each in folder.iterdir())


def local(path: Path) -> LocalFile:
    facts = path.stat()
    return LocalFile(
        os.fsencode(path), facts.st_size, facts.st_mtime_ns, facts.st_dev, facts.st_ino
    )


@dataclass
class Remote:
    """A file of the byte server as a source. `opened` counts tickets; `tickets` are handed out
    first, then fresh ones of `version`."""

    server: ByteServer
    data: bytes
    path: str = "/f"
    hashes: Mapping[HashType, str] = field(default_factory=dict)
    version: str = "v1"
    connections: int = 4
    account_connections: int | None = None
    ranges: bool = True
    expires_at: float | None = None
    opened: int = 0
    errors: list[CloudError] = field(default_factory=list)

    async def open(self) -> ReadSource:
        self.opened += 1
        if self.errors:
            raise self.errors.pop(0)
        self.server.files[self.path] = self.data
        return ReadTicket(
            account="one",
            urls=(f"{self.server.url}{self.path}?t={self.opened}",),
            size=len(self.data),
            version=self.version,
            connections=self.connections,
            account_connections=self.account_connections,
            ranges=self.ranges,
            hashes=dict(self.hashes),
            expires_at=self.expires_at,
        )


@dataclass
class Rig:
    """One transfer, that may be taken up again."""

    pump: Pump
    receipts: list[Receipt] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)
    stop: Stop = field(default_factory=Stop)
    waits: list[CloudError] = field(default_factory=list)
    claims: tuple[HashType | None, AskHashes | None] = (None, None)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that only sampling can tell."""
        while not reached():  # noqa: ASYNC110  # threads count, nobody tells the loop
            await asyncio.sleep(0)

    async def until_wired(self, count: int) -> None:
        """Wait until so many bytes have crossed the network."""
        await self.until(lambda: self.meter.wired >= count)

    async def move(
        self,
        source: Remote | LocalFile,
        handle: WriteHandle,
        *,
        size: int | None = None,
        verify: Verify = Verify.HASH,
        hashes: Mapping[HashType, str] | None = None,
        done: Sequence[Receipt] = (),
        connections: int = 8,
    ) -> Moved:
        async def open_local() -> ReadSource:
            assert isinstance(source, LocalFile)
            return source

        planned = len(source.data) if isinstance(source, Remote) else source.size
        return await move_file(
            self.pump,
            open_source=source.open if isinstance(source, Remote) else open_local,
            handle=handle,
            facts=SourceFacts(planned if size is None else size, 7, hashes or {}),
            done=done,
            on_receipt=self.receipts.append,
            meter=self.meter,
            stop=self.stop,
            verify=verify,
            retries=FAST,
            connections=connections,
            on_wait=lambda error, _: self.waits.append(error),
            claim=self.claims[0],
            ask_claims=self.claims[1],
        )
