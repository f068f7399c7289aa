"""Comparing what arrived with what its service says about it.

SHA-1, MD5 and SHA-256 are proof. A GCID is not: clients upload files under hashes of their own
making, so a lasting disagreement between two equal downloads and the service is reported, and the
file kept. Never renames or commits anything but a part that turned out bad.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import Mismatch
from cloudtui.services.hashes import Gcid, gcid_block_variants, hash_file
from cloudtui.services.models import HashType
from cloudtui.services.storage import DiskWrite
from cloudtui.services.transfers.exchange import buffer
from cloudtui.services.transfers.ondisk import on_disk
from cloudtui.services.transfers.positioned import read_at
from cloudtui.services.transfers.saying import ORDER, Saying
from cloudtui.services.transfers.work import Work

REFETCHES: Final = 3
_CHEAP: Final = 64 * 1024 * 1024
"""Up to this size two equal copies are not yet taken as proof against the service."""


class Verdict(Struct, frozen=True):
    """`checked`: a digest agreed. `note` is a sentence for people, usually empty."""

    checked: bool
    note: str = ""


class Comparison(Struct, frozen=True):
    """The check of one downloaded part. `refetch` fetches the whole file again into it and
    answers the digests asked for."""

    work: Work
    saying: Saying
    size: int
    handle: DiskWrite
    refetch: Callable[[list[HashType]], Awaitable[dict[HashType, str]]]

    async def settle(self, digests: Mapping[HashType, str]) -> Verdict:
        """Decide about the part whose `digests` (none or one) were computed while it came.

        Raises Mismatch after the part was renamed to `name.bad`; SourceChanged.
        """
        if not digests:
            return Verdict(checked=False)
        kind, seen = next(iter(digests.items()))
        if not (await self.saying.hashes()).get(kind):
            return Verdict(checked=False)
        if await self._agrees(kind, seen):
            return Verdict(checked=True)
        if await self._agrees_otherwise(kind, seen):
            return Verdict(checked=True)
        equal = False
        for _ in range(REFETCHES):
            again = (await self.refetch([kind])).get(kind, "")
            if await self._agrees(kind, again) or await self._agrees_on_disk(kind):
                return Verdict(checked=True)
            equal, seen = again == seen, again
            if equal and kind is HashType.GCID and self.size > _CHEAP:
                return self._kept()
        if equal and kind is HashType.GCID:
            return self._kept()
        name = await on_disk(self.work.pump, self.handle.keep_bad)
        raise Mismatch(
            f"What arrived is not what the service says it holds; it was kept as {name}.",
            hint="Copy the file again; if that ends the same way, the source is damaged.",
            detail=f"{kind}: {seen}, expected {(await self.saying.hashes()).get(kind, 'none')}",
        )

    def _kept(self) -> Verdict:
        return Verdict(
            checked=False,
            note="Two downloads were equal, but the hash the service names does not fit them.",
        )

    async def _agrees(self, kind: HashType, digest: str) -> bool:
        told = (await self.saying.hashes()).get(kind, "")
        return bool(digest) and told.lower() == digest.lower()

    async def _agrees_otherwise(self, kind: HashType, digest: str) -> bool:
        """Ask what the service says now, then compute what else it says of the file."""
        await self.saying.again()
        return await self._agrees(kind, digest) or await self._agrees_on_disk(kind)

    async def _agrees_on_disk(self, kind: HashType) -> bool:
        """Other digests of the service, and other block rules of a GCID, read from the part."""
        hashes = await self.saying.hashes()
        for other in ORDER:
            if other is not kind and hashes.get(other):
                found = await self._hashed(
                    lambda kind=other: hash_file(  # type: ignore[misc]
                        self.handle.fd(), self.size, [kind], stop=self.work.stop.is_set
                    ).get(kind, "")
                )
                if await self._agrees(other, found):
                    return True
        if kind is HashType.GCID:
            for block in gcid_block_variants(self.size)[1:]:
                found = await self._hashed(lambda block=block: self._gcid(block))  # type: ignore[misc]
                if await self._agrees(kind, found):
                    return True
        return False

    async def _hashed(self, work: Callable[[], str]) -> str:
        found = await self.work.pump.hashing.run(work)
        self.work.stop.check()
        return found

    def _gcid(self, block: int) -> str:
        digest = Gcid(self.size, block)
        view = buffer()
        fd = self.handle.fd()
        at = 0
        while at < self.size and not self.work.stop.is_set():
            got = read_at(fd, view[: min(len(view), self.size - at)], at)
            if got == 0:
                return ""
            digest.update(view[:got])
            at += got
        return digest.hexdigest()
