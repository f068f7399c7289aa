"""Files on their way to pCloud: one PUT for small ones, an upload session for the rest.

A small file that is new goes by a single PUT that never replaces (on a clash pCloud stores it under
another name, which is seen by the returned name and taken back). Everything else goes into an
upload session, which is checked by SHA-1 before it becomes a file at all; when it replaces one, on
condition that the old one is still what was shown. Nobody here moves the bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from cloudtui.services.errors import (
    CloudError,
    Exists,
    Gone,
    Mismatch,
    UsageError,
)
from cloudtui.services.failpoints import failpoint
from cloudtui.services.living import Living
from cloudtui.services.models import Entry, HashType
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.changes import Changes
from cloudtui.services.pcloud.client import SLOW, Client
from cloudtui.services.pcloud.entries import Names, folded, id_param, whole
from cloudtui.services.pcloud.form import file_form
from cloudtui.services.pcloud.links import digests
from cloudtui.services.pcloud.listing import children
from cloudtui.services.storage import PartReply, PartRequest, Receipt, SourceFacts

EMPTY_SHA1: Final = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


USUAL_PART: Final = 16 * 1024 * 1024
_LARGEST_PART: Final = 64 * 1024 * 1024
_PARTS: Final = 16

_OTHERS: Final = 10.0
"""Seconds that another program may take to give the same name."""


def part_size(asked: int, size: int) -> int:
    """Bytes of a part of a file. Parts follow one another, and after each the line stands still
    for a round trip and what the service needs: of large files they are larger, unless somebody
    `asked` for another size than the usual one."""
    if asked != USUAL_PART:
        return asked
    return min(_LARGEST_PART, max(USUAL_PART, size // _PARTS))


class Upload(msgspec.Struct, frozen=True):
    """What is written down of an upload. `uploadid` None means a single PUT; `mark` is the change
    mark of the file to be replaced (None: the name must be free). No secret is in it."""

    account: str
    folderid: int
    name: str
    size: int
    mtime: int | None
    uploadid: int | None = None
    part_size: int = 0
    mark: int | None = None
    replaces: str = ""
    job: str = ""


class Stored(msgspec.Struct, frozen=True):
    """The service's word for a file sent by PUT, kept in the receipt. `guessed`: its answer was
    lost and it was found by its name."""

    item: wire.Item
    sha1: str
    guessed: bool = False


class Service:
    """What both kinds of upload need of the account."""

    def __init__(self, client: Client, names: Names, changes: Changes, living: Living) -> None:
        self.client = client
        self.names = names
        self.changes = changes
        self._living = living

    async def claim(self, upload: Upload, write: object) -> None:
        """Before a new file gets its name: no other program here shall give the same one at the
        same time. Both would succeed, one under a numbered name, and who is killed before that is
        taken back leaves it. `write` has the claim until `waive`. Raises Exists after another had
        it, for then there is something new to look at; one that takes too long is not waited for.
        """
        if upload.mark is not None:
            return
        name, living = _place(upload), self._living
        if not living.is_anothers(name, upload.job) and living.begin(name, upload.job, write):
            return
        living.end(name, upload.job)
        if await living.over(name, upload.job, _OTHERS):
            raise self.conflict(upload)

    def waive(self, upload: Upload) -> None:
        """It has its name, or got none."""
        self._living.end(_place(upload), upload.job)

    async def stored(self, upload: Upload, sha1: str) -> wire.Item | None:
        """The file this upload became, when its answer was lost: the one under its name, with its
        bytes (its size and time, when no digest is known). Files under other names are never
        taken for ours: they may be anybody's."""
        for item in await children(self.client, upload.folderid):
            if (
                item.isfolder
                or folded(item.name) != folded(upload.name)
                or item.size != upload.size
            ):
                continue
            if item.node == upload.replaces and item.hash == upload.mark:
                continue
            if not sha1:
                same = upload.mtime is not None and wire.seconds(item.modified) == upload.mtime
                return item if same else None
            sums = await self.client.call("checksumfile", id_param(item.node), wire.Checksums)
            return item if digests(sums).get(HashType.SHA1) == sha1 else None
        return None

    def conflict(self, upload: Upload) -> Exists:
        """The sentence for a name that was taken meanwhile."""
        name = display_name(self.names.local(upload.name))
        if upload.replaces:
            return Exists(
                f"{name} was changed on pCloud meanwhile and was left as it is.",
                hint="Look at it and copy again.",
            )
        return Exists(
            f"{name} is already there and was left as it is.", hint="Copy again to be asked."
        )

    def mismatch(self, upload: Upload) -> Mismatch:
        """The sentence for bytes that arrived differently."""
        return Mismatch(
            f"{display_name(self.names.local(upload.name))} arrived at pCloud differently from "
            "what was sent; it was not kept there.",
            hint="Copy it again.",
        )


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
        url = f"{client.base}/uploadfile?{_query(self._fields())}"
        await self._service.claim(upload, self)
        return PartRequest(upload.account, "PUT", url, tuple(headers), 0, length)

    def receipt(self, request: PartRequest, number: int, reply: PartReply) -> Receipt:
        """The file the service made of the PUT. Raises the mapped error."""
        answer = _checked(self._service.client, reply, "uploadfile", wire.Uploaded)
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
        query = _query({"uploadid": self._id, "uploadoffset": offset})
        url = f"{client.base}/upload_write?{query}"
        return PartRequest(self._upload.account, "PUT", url, headers, offset, length)

    def receipt(self, request: PartRequest, number: int, reply: PartReply) -> Receipt:
        """The service took the part. Raises the mapped error."""
        _checked(self._service.client, reply, "upload_write", wire.Answer)
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


def _only(answer: wire.Uploaded) -> Stored:
    if len(answer.metadata) != 1 or not answer.metadata[0].is_whole:
        raise errors.bad_reply("uploadfile", f"{len(answer.metadata)} files")
    item = answer.metadata[0]
    sums = answer.checksums[0] if answer.checksums else wire.Sums()
    return Stored(item, digests(sums).get(HashType.SHA1, ""))


def _small_receipt(number: int, length: int, stored: Stored) -> Receipt:
    return Receipt(number, 0, length, msgspec.json.encode(stored).decode())


def _place(upload: Upload) -> str:
    """What the claim to a name is called."""
    return f"{upload.folderid}/{folded(upload.name)}"


def _query(params: Mapping[str, str | int]) -> str:
    from urllib.parse import urlencode

    return urlencode({key: str(value) for key, value in params.items()})


def _checked(client: Client, reply: PartReply, method: str, into: type[wire.A]) -> wire.A:
    """The successful answer to a part. Raises the mapped error; a demand to log in stays one,
    for no upload method is closed to apps."""
    if reply.status != 200:
        after = reply.headers.get("retry-after", "")
        raise _paced(
            client,
            errors.from_status(
                reply.status, method=method, after=float(after) if after.isdecimal() else None
            ),
        )
    try:
        answer = wire.decode(reply.body, into)
    except ValueError as exc:
        raise errors.bad_reply(method, "cannot be read") from exc
    if answer.result:
        raise _paced(client, errors.from_result(answer.result, answer.error, method=method))
    return answer


def _paced(client: Client, error: CloudError) -> CloudError:
    from cloudtui.services.errors import TooMany

    if isinstance(error, TooMany):
        client.pace.rejected(error.after)
    return error
