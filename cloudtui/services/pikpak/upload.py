"""Uploads to PikPak: asking for room, describing the parts, committing, taking it all back.

PikPak wants the GCID of the whole source first. It answers with a finished file (it knew the
content), or with a pending entry and short-lived keys for its object store. The pending entry
already holds the name: one left behind by a dead process is recognised and removed. Bytes are sent
by the engine.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from cloudtui.services.errors import (
    BadReply,
    CloudError,
    Exists,
    Gone,
    Mismatch,
    NotFound,
    Refused,
    Retry,
    ServerTrouble,
)
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Entry, HashType
from cloudtui.services.naming import decode_name
from cloudtui.services.pikpak import s3, tasks, wire
from cloudtui.services.pikpak.changes import Changes
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.listing import detail, entry_of
from cloudtui.services.retry import retrying
from cloudtui.services.storage import PartReply, PartRequest, Receipt, SourceFacts

_PATIENCE: Final = 120.0
"""Seconds the service may take to make a stored object a whole file; rclone waits 11."""

_SLACK: Final = 60.0
"""Seconds before the end of the credentials from which no part is started."""


class State(msgspec.Struct):
    """Everything another process needs to go on. Holds credentials: sealed before it is stored.

    `asked` and `final` are stored names; they differ while the file waits to replace `replace_id`.
    """

    file_id: str
    task_id: str
    parent_id: str
    asked: str
    final: str
    where: str
    size: int
    gcid: str
    instant: bool
    replace_id: str = ""
    bucket: str = ""
    key: str = ""
    endpoint: str = ""
    url: str = ""
    upload_id: str = ""
    part_size: int = 0
    key_id: str = ""
    secret: str = ""
    token: str = ""
    expires_at: float = 0.0
    job: str = ""

    def __repr__(self) -> str:
        return f"State({self.file_id})"


class _Doors(msgspec.Struct):
    api: Api
    changes: Changes


class Upload:
    """One upload; a `RemoteWrite`.

    `verify_hash` is None although PikPak shows a GCID afterwards: it repeats what it was told. The
    ETag of a part is the MD5 of what arrived.
    """

    verify_hash: HashType | None = None
    part_hash: HashType | None = HashType.MD5

    def __init__(
        self, api: Api, changes: Changes, state: State, row: wire.File | None = None
    ) -> None:
        self._doors = _Doors(api, changes)
        self._state = state
        self._known = row
        """The finished row of an instant upload, as the service just told it."""
        self.instant = state.instant
        self.at_end: Callable[[], None] = _nothing
        """Called once it is whole or removed."""
        self._shape()

    def _shape(self) -> None:
        """How the bytes are to be cut, once the state says so."""
        state = self._state
        in_parts = bool(state.upload_id)
        self.part_size = state.part_size
        self.parts_at_once = self._doors.api.profile.parts_at_once if in_parts else 1
        self.resumable = in_parts

    def state(self) -> bytes:
        """See `State`."""
        return msgspec.json.encode(self._state)

    # --- parts ---------------------------------------------------------------------------

    def _now(self) -> float:
        return self._doors.api.network.clock.now(urlsplit(self._state.url).hostname or "")

    def check_life(self) -> None:
        """Raise Gone when the credentials end too soon to be used."""
        expires = self._state.expires_at
        if not self._state.instant and expires and self._now() > expires - _SLACK:
            raise Gone(
                f"The time PikPak gave for uploading {self._state.where} is over.",
                hint="It starts again from the beginning.",
            )

    def _signed(
        self, method: str, params: s3.Params, body: bytes | None, kind: str = ""
    ) -> tuple[tuple[str, str], ...]:
        agent = ("User-Agent", self._doors.api.profile.user_agent)
        signed = s3.signed_headers(
            method,
            self._state.url,
            params,
            s3.Credentials(self._state.key_id, self._state.secret, self._state.token),
            self._now(),
            headers=[("Content-Type", kind)] if kind else [],
            payload=s3.UNSIGNED if body is None else s3.body_hash(body),
        )
        return (agent, *signed)

    async def part_request(self, number: int, offset: int, length: int) -> PartRequest:
        """The PUT of a part (numbered from 0 here, from 1 on the wire). Raises Gone."""
        self.check_life()
        params: s3.Params
        if self._state.upload_id:
            params = (
                ("partNumber", str(number + 1)),
                ("uploadId", self._state.upload_id),
                ("x-id", "UploadPart"),
            )
        else:
            params = (("x-id", "PutObject"),)
        return PartRequest(
            account=self._doors.api.profile.account,
            method="PUT",
            url=f"{self._state.url}?{s3.query_string(params)}",
            headers=self._signed("PUT", params, None, "application/octet-stream"),
            offset=offset,
            length=length,
        )

    def receipt(self, request: PartRequest, number: int, reply: PartReply) -> Receipt:
        """The part's ETag, without quotes. Raises the store's error."""
        host = urlsplit(self._state.url).hostname or ""
        self._doors.api.network.clock.note(host, reply.headers.get("date"))
        error = s3.error_of(reply.status, reply.body)
        if error is not None:
            if "RequestTimeTooSkewed" in error.detail:
                # the clock was just learned from the answer: signed anew it fits
                raise ServerTrouble("This machine's clock is off.", retry=Retry.SOON) from error
            raise error
        etag = s3.unquoted(reply.headers.get("etag", ""))
        if not etag and self._state.upload_id:  # only a completion needs it
            raise BadReply("PikPak's store confirmed a part without naming it.", hint="Try again.")
        return Receipt(number, request.offset, request.length, etag)

    async def _control(
        self, method: str, params: s3.Params, body: bytes = b"", kind: str = ""
    ) -> bytes:
        """A small call to the store, tried again as its errors say."""

        async def call() -> bytes:
            reply = await self._doors.api.channel.send(
                method,
                self._state.url,
                query=sorted(params),
                headers=dict(self._signed(method, params, body, kind)),
                content=body or None,
            )
            error = s3.error_of(reply.status, reply.body)
            if error is not None:
                raise error
            return reply.body

        return await retrying(call, retries=self._doors.api.retries)

    def place(self) -> None:
        """Work out the object's address. Raises Refused for one that is not safe to use."""
        state, base = self._state, self._doors.api.profile.drive_url
        state.url = s3.object_url(state.bucket, state.key, state.endpoint, base)
        self._doors.api.network.require_safe(state.url, base)

    async def start_parts(self, chunk: int) -> None:
        """Begin a multipart upload; parts go where the store's answer says."""
        state = self._state
        started = s3.read_started(await self._control("POST", (("uploads", ""),)))
        if started.bucket and started.key:
            state.bucket, state.key = started.bucket, started.key
            self.place()
        state.upload_id = started.upload_id
        state.part_size = s3.part_size(state.size, chunk)
        self._shape()
        failpoint("pikpak.upload.parts")

    async def still_there(self) -> None:
        """Raise Gone when the service forgot the entry this upload fills."""
        await self._row()

    async def probe(self) -> list[Receipt]:
        """The parts the store lists; all of it when the file is whole already. Raises Gone."""
        state = self._state
        row = await self._row()
        size = state.part_size or max(state.size, 1)
        if state.instant or row.is_complete:
            return [
                Receipt(number, offset, min(size, state.size - offset))
                for number, offset in enumerate(range(0, max(state.size, 1), size))
            ]
        if not state.upload_id:
            return []
        self.check_life()
        receipts: list[Receipt] = []
        marker = ""
        while True:
            params = [("uploadId", state.upload_id), ("max-parts", "1000")]
            if marker:
                params.append(("part-number-marker", marker))
            stored, following = s3.read_parts(await self._control("GET", params))
            for part in stored:
                offset = (part.number - 1) * size
                if part.size == min(size, state.size - offset):
                    receipts.append(Receipt(part.number - 1, offset, part.size, part.etag))
            if not following or following == marker:
                return receipts
            marker = following

    # --- the end -------------------------------------------------------------------------

    async def _row(self) -> wire.File:
        try:
            return await detail(self._doors.api, self._state.file_id, where=self._state.where)
        except NotFound as error:
            self.at_end()
            raise Gone(
                f"PikPak no longer knows the upload of {self._state.where}.",
                hint="It starts again from the beginning.",
                detail=error.detail,
            ) from error

    async def finish(self, receipts: Sequence[Receipt], facts: SourceFacts) -> Entry:
        """Complete, wait until the file is whole, compare, and put it in its place.

        Raises Mismatch and Exists after removing what arrived, Gone when it must start over.
        """
        if self._known is not None:
            row, self._known = self._known, None
        else:
            if self._state.upload_id and receipts and all(each.tag for each in receipts):
                await self._complete(receipts)
            failpoint("pikpak.upload.completed")
            row = await self._whole(_PATIENCE)
        await self._check(row, facts)
        if self._state.asked != self._state.final:
            row = await self._replace(row)
        failpoint("pikpak.upload.finished")
        self.at_end()
        self._doors.changes.arrived(self._state.parent_id, row)
        return entry_of(self._doors.api.profile, row)

    async def _complete(self, receipts: Sequence[Receipt]) -> None:
        parts = [(each.number + 1, each.tag) for each in receipts]
        body = s3.complete_body(parts)
        try:
            await self._control(
                "POST", (("uploadId", self._state.upload_id),), body, "application/xml"
            )
        except Gone:
            # an earlier completion may have taken effect without our hearing of it
            with contextlib.suppress(ServerTrouble):
                await self._whole(min(10.0, self._doors.api.retries.first_wait * 20))
                return
            raise

    async def _whole(self, patience: float) -> wire.File:
        """The row once its content is whole. Raises ServerTrouble when that takes too long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        pause = min(0.1, self._doors.api.retries.first_wait)
        while True:
            row = await self._row()
            if row.is_complete:
                return row
            if row.phase == wire.ERROR:
                raise Refused(
                    f"PikPak could not take {self._state.where}.",
                    hint="The source is untouched; try again.",
                )
            if loop.time() >= until:
                raise ServerTrouble(
                    f"PikPak is still working on {self._state.where}.",
                    hint="All bytes are there; it is looked at again.",
                )
            await asyncio.sleep(pause)
            pause = min(2.0, pause * 2)

    async def _check(self, row: wire.File, facts: SourceFacts) -> None:
        """Size always, and every digest both sides have."""
        state = self._state
        wrong = ""
        if row.size is not None and row.size != state.size:
            wrong = f"{row.size} bytes arrived instead of {state.size}"
        gcid = facts.hashes.get(HashType.GCID, state.gcid).upper()
        if row.hash and row.hash.upper() != gcid:
            wrong = wrong or "another digest than the source's"
        md5 = facts.hashes.get(HashType.MD5, "")
        if md5 and row.md5_checksum and row.md5_checksum.lower() != md5.lower():
            wrong = wrong or "another MD5 than the source's"
        if wrong:
            await self.abort()
            raise Mismatch(
                f"{state.where} did not arrive whole on PikPak ({wrong}); it was removed there.",
                hint="The source is untouched; try again.",
            )
        if row.name not in (state.asked, state.final):
            await self.abort()
            raise _taken(state.where)

    async def _replace(self, row: wire.File) -> wire.File:
        """The old file to the trash, then the new one gets its name. Can be repeated."""
        state = self._state
        if row.name == state.final:
            return row
        changes = self._doors.changes
        final = decode_name(state.final, self._doors.api.profile.rules)
        failpoint("pikpak.replace.checked")
        if state.replace_id:
            try:
                old = await detail(self._doors.api, state.replace_id)
            except NotFound:
                old = None  # in the trash or gone already, by us or by somebody else
            if old is not None and old.parent_id == state.parent_id and old.name == state.final:
                await changes.discard([old.id], where=state.where)
        failpoint("pikpak.replace.trashed")
        renamed = await changes.set_name(row, final, where=state.where)
        failpoint("pikpak.replace.named")
        return renamed

    async def drop_unfinished(self) -> None:
        """See `LeavesWhole`."""
        with contextlib.suppress(Gone):
            if not (await self._row()).is_complete:
                await self.abort()

    async def abort(self) -> None:
        """Remove parts, pending entry and task. What already replaced another file stays."""
        state = self._state
        if state.upload_id:
            with contextlib.suppress(CloudError):  # keys may be over; the store sweeps by itself
                params = (("uploadId", state.upload_id), ("x-id", "AbortMultipartUpload"))
                await self._control("DELETE", params)
        try:
            row = await detail(self._doors.api, state.file_id)
        except NotFound:
            row = None
        if row is not None and state.asked != state.final and row.name == state.final:
            return
        if row is not None:
            await self._doors.changes.delete([state.file_id], where=state.where)
        self.at_end()
        failpoint("pikpak.upload.removed")
        if state.task_id:
            with contextlib.suppress(NotFound):
                await tasks.forget(self._doors.api, [state.task_id], files=False)


def _nothing() -> None:
    pass


def _taken(where: str) -> Exists:
    return Exists(f"{where} is there already.", hint="Nothing was changed.")
