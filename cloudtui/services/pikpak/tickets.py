"""Asking PikPak for an upload, and clearing away what a dead process left in its place.

The service never refuses a taken name: it numbers the newcomer. So the name in the answer decides,
and whoever holds the asked name is looked at: a pending twin of the same content is our own
leftover, a whole file is not ours to touch.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from cloudtui.services.errors import Exists, Gone, Refused, Retry, ServerTrouble, UsageError
from cloudtui.services.failpoints import failpoint
from cloudtui.services.living import Living
from cloudtui.services.models import Found, HashType, Location
from cloudtui.services.naming import display_name, encode_name
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.changes import Changes, is_numbered
from cloudtui.services.pikpak.client import FILES, Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.lately import until_listed
from cloudtui.services.pikpak.listing import pages, part_name
from cloudtui.services.pikpak.upload import State, Upload
from cloudtui.services.storage import SourceFacts

_SLACK_NS: Final = 5_000_000_000
"""How much older than our call an entry may look and still be its result: clocks differ."""

_OTHERS: Final = 60.0
"""Seconds to wait for another program that sends the same file to the same place."""


class Tickets:
    """Begins uploads for one account, and takes up written-down ones."""

    def __init__(self, api: Api, folders: Folders, changes: Changes) -> None:
        self._api = api
        self._folders = folders
        self._changes = changes
        self._living = Living(folders.lately.keys)

    async def begin(
        self, parent: Location, name: str, facts: SourceFacts, replace: Found | None, job: str
    ) -> Upload:
        """Ask for an upload of `facts` as `name`. Raises Exists when the name is taken and
        nothing is to be replaced, Full, UsageError without the GCID of the source."""
        gcid = facts.hashes.get(HashType.GCID, "").upper()
        if not gcid:
            raise UsageError("PikPak needs the GCID of a file before it is sent.")
        rules = self._api.profile.rules
        final = encode_name(name, rules)
        state = State(
            file_id="",
            task_id="",
            parent_id=await self._folders.folder_id(parent),
            asked=final if replace is None else encode_name(part_name(name, job), rules),
            final=final,
            where=display_name(str(parent.child(name))),
            size=facts.size,
            gcid=gcid,
            instant=False,
            replace_id=replace.entry.id if replace is not None else "",
            job=job,
        )
        upload = await self._begun(state)
        if not upload.instant and state.size >= max(self._api.profile.cutoff, 1):
            await upload.start_parts(self._api.profile.chunk)
        return upload

    async def reopen(self, written: bytes) -> Upload:
        """Go on with an upload from its state. Raises Gone when the service forgot it or its
        credentials are over."""
        import msgspec

        state = msgspec.json.decode(written, type=State)
        upload = Upload(self._api, self._changes, state)
        try:
            upload.check_life()
        except Gone:
            await upload.drop_unfinished()  # it would hold the name for good
            raise
        await upload.still_there()
        self._mark(upload, state)
        return upload

    async def _begun(self, state: State) -> Upload:
        """Ask, waiting for another program that is sending the same file there."""
        keys = self._folders.lately.keys
        while True:
            # what is asked for and not yet marked as living must not be taken for a leftover
            async with keys.turn(f"{state.parent_id}/{state.asked}"):
                created = await self._ask(state)
                if isinstance(created, wire.Created):
                    failpoint("pikpak.upload.begun")
                    upload = await self._taken_up(state, created)
                    self._mark(upload, state)
                    return upload
            if not await self._living.over(created, state.job, _OTHERS):
                raise Refused(
                    f"Another cloudtui is sending {state.where} at this moment.",
                    hint="The same copy later finds it there.",
                )

    def _mark(self, upload: Upload, state: State) -> None:
        if not upload.instant:
            self._living.begin(state.file_id, state.job, upload)
            upload.at_end = partial(self._living.end, state.file_id)

    async def _ask(self, state: State) -> wire.Created | str:
        """The call, at most twice: again after own leftovers were cleared out of the way. The id of
        what is in the way while another program is filling it."""
        created = await self._post(state)
        row = _row(created)
        if row.name == state.asked:
            return created
        # numbered: somebody holds the name
        twins = await self._twins(state)
        holders = [each for each in twins if each.name == state.asked]
        # also under a number: what a process left that died while it cleared up
        ours = [each for each in twins if not each.is_complete and each.id != row.id]
        whole = next((each for each in holders if each.is_complete), None)
        await self._changes.delete([row.id], where=state.where)
        if whole is not None and state.asked != state.final:
            return wire.Created(file=whole)  # under our own temporary name: it arrived before
        for each in ours:
            if self._living.is_anothers(each.id, state.job):
                return each.id
        if not ours:
            raise Exists(f"{state.where} is there already.", hint="Nothing was changed.")
        await self._changes.delete([each.id for each in ours], where=state.where)
        created = await self._post(state)
        row = _row(created)
        if row.name != state.asked:
            await self._changes.delete([row.id], where=state.where)
            raise Exists(f"{state.where} is there already.", hint="Nothing was changed.")
        return created

    async def _post(self, state: State) -> wire.Created:
        since = int(self._api.now() * 1e9) - _SLACK_NS
        newer = until_listed(self._api, lambda: self._newer(state, since))

        async def reconcile() -> wire.Created | None:
            """After a lost answer: an instant upload is adopted, anything else of ours removed."""
            new = await newer() or []
            done = next((e for e in new if e.is_complete and e.name == state.asked), None)
            rest = [
                each.id
                for each in new
                if (done is None or each.id != done.id)
                and not self._living.is_anothers(each.id, state.job)
            ]
            if rest:
                await self._changes.delete(rest, where=state.where)
            return wire.Created(file=done) if done is not None else None

        return await self._api.call(
            wire.Created,
            "POST",
            FILES,
            body=_ask_body(state),
            where=state.where,
            reconcile=reconcile,
        )

    async def _newer(self, state: State, since: int) -> list[wire.File] | None:
        """Twins made since (ns); None without any."""
        twins = await self._twins(state)
        return [each for each in twins if (wire.time_ns(each.created_time) or 0) >= since] or None

    async def _twins(self, state: State) -> list[wire.File]:
        """Rows in the folder, pending ones too, with our content and our name or its numbers."""
        found: list[wire.File] = []
        async for rows in pages(self._api, state.parent_id, {"trashed": {"eq": False}}):
            found += [
                row
                for row in rows
                if not row.is_folder
                and not row.trashed
                and (row.size or 0) == state.size
                and row.hash.upper() == state.gcid
                and is_numbered(row.name, state.asked)
            ]
        return found

    async def _taken_up(self, state: State, created: wire.Created) -> Upload:
        row = _row(created)
        state.file_id = row.id
        state.task_id = created.task.id if created.task is not None else ""
        params = created.resumable.params if created.resumable is not None else None
        # an answer that says where to put bytes and leaves the phase out wants the bytes
        state.instant = row.phase == wire.COMPLETE or params is None
        known = row if state.instant and row.is_complete else None
        upload = Upload(self._api, self._changes, state, known)
        if params is not None and not state.instant:
            state.bucket, state.key, state.endpoint = params.bucket, params.key, params.endpoint
            state.key_id = params.access_key_id
            state.secret = params.access_key_secret
            state.token = params.security_token
            ends = wire.time_ns(params.expiration)
            state.expires_at = ends / 1e9 if ends else 0.0
            upload.place()
        return upload


def _row(created: wire.Created) -> wire.File:
    if created.file is None or not created.file.id:
        raise ServerTrouble(
            "PikPak's answer to the upload names no file.",
            hint="Try again in a while.",
            retry=Retry.NEVER,
        )
    return created.file


def _ask_body(state: State) -> dict[str, object]:
    """The body that asks for an upload, as rclone sends it: the size as a number, none for 0."""
    body: dict[str, object] = {
        "kind": wire.FILE,
        "parent_id": state.parent_id,
        "name": state.asked,
        "folder_type": "NORMAL",
        "hash": state.gcid,
        "upload_type": "UPLOAD_TYPE_RESUMABLE",
        "resumable": {"provider": "PROVIDER_ALIYUN"},
    }
    if state.size:
        body["size"] = state.size
    return body
