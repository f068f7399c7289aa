"""Files on their way to pCloud: one PUT for small ones, an upload session for the rest.

A small file that is new goes by a single PUT (`put`). Everything else goes into an upload session,
which is checked by SHA-1 before it becomes a file at all; when it replaces one, on condition that
the old one is still what was shown. Nobody here moves the bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cloudtui.services.errors import Gone
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Entry, HashType
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.client import SLOW
from cloudtui.services.pcloud.entries import folded, whole
from cloudtui.services.pcloud.put import SmallWrite
from cloudtui.services.pcloud.upload import Service, Upload, checked, query
from cloudtui.services.storage import PartReply, PartRequest, Receipt, SourceFacts


class SessionWrite:
    """An upload session: parts in order, checked as a whole before it becomes a file."""

    verify_hash: HashType | None = HashType.SHA1
    part_hash: HashType | None = None
    parts_at_once = 1
    instant = False
    resumable = True

    def __init__(self, service: Service, upload: Upload) -> None:
        self._service = service
        self._upload = upload
        self.part_size = upload.part_size

    @property
    def _id(self) -> int:
        assert self._upload.uploadid is not None
        return self._upload.uploadid

    def state(self) -> bytes:
        """All that `reopen_write` needs."""
        return msgspec.json.encode(self._upload)

    async def part_request(self, number: int, offset: int, length: int) -> PartRequest:
        """Bytes from an absolute offset; the same part may be sent again."""
        client = self._service.client
        authorization = await client.authorization()
        await client.pace.turn()
        headers = (
            authorization,
            ("Connection", "keep-alive"),
            ("Content-Type", "application/octet-stream"),
        )
        where = query({"uploadid": self._id, "uploadoffset": offset})
        url = f"{client.base}/upload_write?{where}"
        return PartRequest(self._upload.account, "PUT", url, headers, offset, length)

    def receipt(self, request: PartRequest, number: int, reply: PartReply) -> Receipt:
        """The service took the part. Raises the mapped error."""
        checked(self._service.client, reply, "upload_write", wire.Answer)
        failpoint("pcloud.upload.written")
        return Receipt(number, request.offset, request.length)

    async def _info(self) -> wire.UploadInfo:
        return await self._service.client.call(
            "upload_info", {"uploadid": self._id}, wire.UploadInfo, timeout=SLOW
        )

    async def probe(self) -> list[Receipt]:
        """The whole parts the service holds, in order. Raises Gone."""
        try:
            held = (await self._info()).size or 0
        except Gone:
            # a session also ends when it becomes a file; `finish` compares that one's digest
            if await self._service.stored(self._upload, "") is None:
                raise
            held = self._upload.size
        step = self.part_size or self._upload.size
        receipts: list[Receipt] = []
        offset = 0
        while offset < self._upload.size:
            length = min(step, self._upload.size - offset)
            if offset + length > held:
                break
            receipts.append(Receipt(len(receipts), offset, length))
            offset += length
        return receipts

    async def finish(self, receipts: Sequence[Receipt], facts: SourceFacts) -> Entry:
        """Compare SHA-1 and size, then make it a file: under a free name only, or in place of the
        file that was shown, if that is unchanged."""
        upload = self._upload
        wanted = facts.hashes.get(HashType.SHA1, "").lower()
        try:
            info = await self._info()
        except Gone:
            # saved already, and the answer was lost
            item = await self._service.stored(upload, wanted)
            if item is None:
                raise
            return self._service.names.entry(item)
        if info.size != upload.size or (wanted and info.sha1 and info.sha1.lower() != wanted):
            await self.abort()
            raise self._service.mismatch(upload)
        failpoint("pcloud.upload.checked")
        sha1 = (info.sha1 or wanted).lower()
        params: dict[str, str | int] = {
            "uploadid": self._id,
            "folderid": upload.folderid,
            "name": upload.name,
        }
        if upload.mark is None:
            params["renameifexists"] = 1
        else:
            params["ifhash"] = upload.mark
        if upload.mtime is not None:
            params["mtime"] = upload.mtime
        await self._service.claim(upload, self)
        try:
            return await self._save(params, sha1)
        finally:
            self._service.waive(upload)

    async def _save(self, params: dict[str, str | int], sha1: str) -> Entry:
        upload = self._upload

        async def look() -> wire.One | None:
            item = await self._service.stored(upload, sha1)
            return None if item is None else wire.One(result=0, metadata=item)

        answer = await self._service.client.call(
            "upload_save",
            params,
            wire.One,
            change=True,
            safe=False,
            reconcile=look,
            timeout=SLOW,
        )
        failpoint("pcloud.upload.saved")
        self._service.changes.forget_names()
        item = whole(answer.metadata, "upload_save")
        if folded(item.name) != folded(upload.name):
            await self._service.changes.delete(item.node)
            failpoint("pcloud.put.twin")
            raise self._service.conflict(upload)
        return self._service.names.entry(item)

    async def drop_unfinished(self) -> None:
        """See `LeavesWhole`: a session that became a file is gone."""
        await self.abort()

    async def abort(self) -> None:
        """Throw the session away."""
        try:
            await self._service.client.call(
                "upload_delete", {"uploadid": self._id}, wire.Answer, change=True
            )
        except Gone:
            return
        failpoint("pcloud.upload.aborted")


async def begin(service: Service, upload: Upload, *, small: bool) -> SmallWrite | SessionWrite:
    """Start an upload; a session is created for all that is not small."""
    await service.client.prove_region()
    if small:
        return SmallWrite(service, upload)
    created = await service.client.call(
        "upload_create", {"filesize": upload.size}, wire.UploadCreated, change=True
    )
    if created.uploadid is None:
        raise errors.bad_reply("upload_create", "no upload id")
    failpoint("pcloud.upload.created")
    return SessionWrite(service, msgspec.structs.replace(upload, uploadid=created.uploadid))


def reopen(service: Service, state: bytes) -> SmallWrite | SessionWrite:
    """An upload from `state()`. Raises Gone when it cannot be read."""
    try:
        upload = msgspec.json.decode(state, type=Upload)
    except msgspec.DecodeError as exc:
        raise Gone("What was noted of the upload cannot be read; it starts again.") from exc
    if upload.uploadid is None:
        return SmallWrite(service, upload)
    return SessionWrite(service, upload)
