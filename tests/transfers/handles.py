"""Write handles for tests of the mover: a part on disk, an upload to the byte server."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from cloudtui.services.errors import Denied, Gone, Mismatch, ServerTrouble, TooMany
from cloudtui.services.models import Entry, HashType, Kind
from cloudtui.services.storage import PartReply, PartRequest, Receipt, SourceFacts
from tests.transfers.byte_server import ByteServer


class PartFile:
    """A `DiskWrite` over a real file."""

    def __init__(self, target: Path, size: int) -> None:
        self.target = target
        self.part = target.with_name(f".{target.name}.part")
        self.part_name = os.fsencode(self.part.name)
        self.size = size
        self.syncs = 0
        self._fd = -1

    def state(self) -> bytes:
        return os.fsencode(self.part)

    def fd(self) -> int:
        if self._fd < 0:
            self._fd = os.open(self.part, os.O_RDWR | os.O_CREAT, 0o600)
            os.ftruncate(self._fd, self.size)
        return self._fd

    def sync(self) -> None:
        os.fdatasync(self._fd)
        self.syncs += 1

    def finish(self, facts: SourceFacts) -> Entry:
        self.fd()
        self.close()
        self.part.rename(self.target)
        return Entry(self.target.name, self.target.name, Kind.FILE, facts.size)

    def keep_bad(self) -> str:
        self.close()
        bad = self.target.with_name(f"{self.target.name}.bad")
        self.part.rename(bad)
        return bad.name

    def abort(self) -> None:
        self.close()
        self.part.unlink(missing_ok=True)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class PartUpload:
    """A `RemoteWrite` that PUTs each part under its own path of the byte server."""

    instant = False

    def __init__(
        self,
        server: ByteServer,
        name: str,
        size: int,
        *,
        part_size: int = 0,
        parts_at_once: int = 1,
        verify_hash: HashType | None = HashType.SHA1,
        part_hash: HashType | None = None,
    ) -> None:
        self.server = server
        self.name = name
        self.size = size
        self.part_size = part_size
        self.parts_at_once = parts_at_once
        self.resumable = part_size > 0
        self.verify_hash = verify_hash
        self.part_hash = part_hash
        self.finished: list[SourceFacts] = []
        self.probes = 0
        self.gone = False

    def state(self) -> bytes:
        return self.name.encode()

    def path(self, number: int) -> str:
        return f"/{self.name}/{number}"

    async def part_request(self, number: int, offset: int, length: int) -> PartRequest:
        url = self.server.url + self.path(number)
        return PartRequest("one", "PUT", url, (("Content-Type", "a/b"),), offset, length)

    def receipt(self, request: PartRequest, number: int, reply: PartReply) -> Receipt:
        if reply.status in (401, 403):
            raise Denied("No.")
        if reply.status == 429:
            raise TooMany("Slower.")
        if reply.status != 200:
            raise ServerTrouble("Unwell.")
        return Receipt(number, request.offset, request.length, reply.headers["etag"])

    async def probe(self) -> list[Receipt]:
        self.probes += 1
        if self.gone:
            raise Gone("Forgotten.")
        step = self.part_size or self.size
        found = []
        for number, offset in enumerate(range(0, max(1, self.size), max(1, step))):
            data = self.server.stored.get(self.path(number))
            if data is not None and len(data) == min(step, self.size - offset):
                found.append(Receipt(number, offset, len(data)))
        return found

    def content(self) -> bytes:
        """What the server holds, joined."""
        step = self.part_size or max(1, self.size)
        count = len(range(0, max(1, self.size), step))
        return b"".join(self.server.stored[self.path(number)] for number in range(count))

    async def finish(self, receipts: Sequence[Receipt], facts: SourceFacts) -> Entry:
        content = self.content()
        told = facts.hashes.get(HashType.SHA1)
        if told and told != hashlib.sha1(content, usedforsecurity=False).hexdigest():
            raise Mismatch("Stored something else.")
        self.finished.append(facts)
        return Entry(self.name, "id", Kind.FILE, len(content))

    async def abort(self) -> None:
        return
