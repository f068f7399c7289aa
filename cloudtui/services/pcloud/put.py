"""A small file on its way to pCloud: one PUT that never replaces.

On a clash pCloud stores it under another name, which is seen by the returned name and taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from cloudtui.services.errors import UsageError
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Entry, HashType
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.entries import folded, id_param, whole
from cloudtui.services.pcloud.form import file_form
from cloudtui.services.pcloud.links import digests
from cloudtui.services.pcloud.upload import Service, Upload, checked, query
from cloudtui.services.storage import PartReply, PartRequest, Receipt, SourceFacts

EMPTY_SHA1: Final = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


class Stored(msgspec.Struct, frozen=True):
    """The service's word for a file sent by PUT, kept in the receipt. `guessed`: its answer was
    lost and it was found by its name."""

    item: wire.Item
    sha1: str
    guessed: bool = False


class SmallWrite:
    """One PUT, or a form for an empty file. Also what a killed process left of one."""

    verify_hash: HashType | None = HashType.SHA1
    part_hash: HashType | None = None
    parts_at_once = 1
    part_size = 0
    resumable = False

    def __init__(self, service: Service, upload: Upload) -> None:
        self._service = service
        self._upload = upload
        self.instant = upload.size == 0
        """An empty file needs nothing sent: `finish` makes it."""

    def state(self) -> bytes:
        """All that `reopen_write` needs."""
        return msgspec.json.encode(self._upload)

    def _fields(self) -> dict[str, str | int]:
        upload = self._upload
        fields: dict[str, str | int] = {
            "folderid": upload.folderid,
            "filename": upload.name,
            "nopartial": 1,
            "timeformat": "timestamp",
        }
        if upload.mark is None:
            fields["renameifexists"] = 1
        if upload.mtime is not None:
            fields["mtime"] = upload.mtime
        return fields

    async def part_request(self, number: int, offset: int, length: int) -> PartRequest:
        """The PUT of the whole file."""
        upload = self._upload
        if (number, offset, length) != (0, 0, upload.size):
            raise UsageError("A small file is sent in one piece.")
        client = self._service.client
        authorization = await client.authorization()
        await client.pace.turn()
        headers = [authorization, ("Connection", "keep-alive")]
        if upload.size == 0:
            form = file_form(self._fields(), upload.name)
            await self._service.claim(upload, self)
            headers.append(("Content-Type", form.content_type))
            return PartRequest(
                upload.account,
                "POST",
                f"{client.base}/uploadfile",
                tuple(headers),
                0,
                0,
                form.head,
                form.tail,
            )
        headers.append(("Content-Type", "application/octet-stream"))
        url = f"{client.base}/uploadfile?{query(self._fields())}"
        await self._service.claim(upload, self)
        return PartRequest(upload.account, "PUT", url, tuple(headers), 0, length)

    def receipt(self, request: PartRequest, number: int, reply: PartReply) -> Receipt:
        """The file the service made of the PUT. Raises the mapped error."""
        answer = checked(self._service.client, reply, "uploadfile", wire.Uploaded)
        failpoint("pcloud.put")
        return _small_receipt(number, request.length, _only(answer))

    async def probe(self) -> list[Receipt]:
        """The receipt of a PUT whose answer was lost, when a file with its name, size and time is
        there. Whether it is ours is settled by its digest in `finish`."""
        item = await self._service.stored(self._upload, "")
        if item is None or not self._upload.size:
            return []
        sums = await self._service.client.call("checksumfile", id_param(item.node), wire.Checksums)
        sha1 = digests(sums).get(HashType.SHA1, "")
        return [_small_receipt(0, self._upload.size, Stored(item, sha1, guessed=True))]

    async def finish(self, receipts: Sequence[Receipt], facts: SourceFacts) -> Entry:
        """Compare what arrived; a file under another name or with other bytes is taken back."""
        try:
            return await self._settle(await self._arrived(receipts, facts), facts)
        finally:
            self._service.waive(self._upload)

    async def _settle(self, stored: Stored, facts: SourceFacts) -> Entry:
        upload = self._upload
        self._service.changes.forget_names()
        item = stored.item
        wanted = facts.hashes.get(HashType.SHA1, "").lower()
        wrong = item.size not in (None, upload.size) or bool(
            wanted and stored.sha1 and stored.sha1 != wanted
        )
        if stored.guessed and wrong:
            raise self._service.conflict(upload)
        if folded(item.name) != folded(upload.name):
            await self._service.changes.delete(item.node)
            failpoint("pcloud.put.twin")
            raise self._service.conflict(upload)
        if wrong:
            await self._service.changes.delete(item.node)
            raise self._service.mismatch(upload)
        return self._service.names.entry(item)

    async def _arrived(self, receipts: Sequence[Receipt], facts: SourceFacts) -> Stored:
        for receipt in receipts:
            return msgspec.json.decode(receipt.tag, type=Stored)
        if self._upload.size:
            raise UsageError("The file was not sent.")
        await self._require_unchanged()
        client = self._service.client
        form = file_form(self._fields(), self._upload.name)
        await self._service.claim(self._upload, self)

        async def send() -> wire.Uploaded:
            return await client.post_form("uploadfile", form, b"", wire.Uploaded)

        async def look() -> wire.Uploaded | None:
            item = await self._service.stored(self._upload, EMPTY_SHA1)
            return None if item is None else wire.Uploaded(result=0, metadata=[item])

        made = await client.retry(send, safe=False, reconcile=look)
        failpoint("pcloud.put")
        return _only(made)

    async def _require_unchanged(self) -> None:
        """An empty file that replaces one is sent without a condition: look before."""
        upload = self._upload
        if upload.mark is None:
            return
        answer = await self._service.client.call("stat", id_param(upload.replaces), wire.One)
        if whole(answer.metadata, "stat").hash != upload.mark:
            raise self._service.conflict(upload)

    async def abort(self) -> None:
        """Nothing is left behind by a PUT that was cut off; a file whose answer was lost is the
        user's copy and stays."""


def _only(answer: wire.Uploaded) -> Stored:
    if len(answer.metadata) != 1 or not answer.metadata[0].is_whole:
        raise errors.bad_reply("uploadfile", f"{len(answer.metadata)} files")
    item = answer.metadata[0]
    sums = answer.checksums[0] if answer.checksums else wire.Sums()
    return Stored(item, digests(sums).get(HashType.SHA1, ""))


def _small_receipt(number: int, length: int, stored: Stored) -> Receipt:
    return Receipt(number, 0, length, msgspec.json.encode(stored).decode())
