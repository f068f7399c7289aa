"""Uploads from the drive's side: the start, instant uploads, what the storage host reports back."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.pikpak.account import Account, Task
from cloudtui.sandbox.pikpak.addresses import BUCKET
from cloudtui.sandbox.pikpak.batches import Batches
from cloudtui.sandbox.pikpak.call import Answer, Call, text, whole
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.entries import Entries
from cloudtui.sandbox.pikpak.errors import refusal
from cloudtui.sandbox.pikpak.files import Files
from cloudtui.sandbox.pikpak.hashes import EMPTY_GCID
from cloudtui.sandbox.pikpak.node import ROOT, Node, Phase
from cloudtui.sandbox.pikpak.parts import Assembly
from cloudtui.sandbox.pikpak.signatures import Credential
from cloudtui.sandbox.pikpak.stamps import stamp
from cloudtui.sandbox.pikpak.tasks import Tasks

FORM = "UPLOAD_TYPE_FORM"
RESUMABLE = "UPLOAD_TYPE_RESUMABLE"
INSTANT_SHARE = 0.15


@dataclass(slots=True, eq=False)
class Session:
    """One pending file and where its bytes go."""

    account: Account
    node: Node
    task: Task
    key: str
    credential: Credential
    multiparts: dict[str, Assembly] = field(default_factory=dict)
    stored: Blob | None = None


class Uploads:
    """All pending uploads."""

    def __init__(
        self, cloud: Cloud, files: Files, entries: Entries, tasks: Tasks, batches: Batches
    ) -> None:
        self._cloud = cloud
        self._files = files
        self._entries = entries
        self._tasks = tasks
        self._batches = batches
        self.by_access_key: dict[str, Session] = {}

    def start(self, call: Call) -> Answer:
        """Accept a file: at once when its content is known, else as a pending entry.

        Hashes may have to be computed, so this runs outside the world's lock.
        """
        account = call.account
        name = self._entries.name(text(call.body, "name"))
        parent = text(call.body, "parent_id") or ROOT
        size = whole(call.body, "size")
        told = text(call.body, "hash").upper()
        kind = text(call.body, "upload_type")
        if size < 0 or kind not in (FORM, RESUMABLE):
            raise refusal("invalid_argument", "size or upload_type is wrong")
        known = None
        if size and told and self._cloud.switches.on("instant"):
            known = self._cloud.known(told, size)
        with self._cloud.world.lock:
            account.tree.folder(parent)
            self._batches.check_room(account, size)
            self._batches.check_day(account.upload_starts, "daily_uploads", call.now)
            account.upload_starts.append(call.now)
            free = account.tree.free_name(parent, name, folder=False)
            if size == 0:
                empty = self._cloud.world.blobs.put_bytes(b"")
                return self._instant(call, parent, free, empty, told or EMPTY_GCID)
            if known is not None:
                account.upload_transfer += int(size * INSTANT_SHARE)
                self._cloud.count("instant_uploads")
                return self._instant(call, parent, free, known, told)
            return self._pending(call, parent, free, size, told, kind)

    def _instant(self, call: Call, parent: str, name: str, blob: Blob, told: str) -> Answer:
        node = call.account.tree.add(parent, name, blob=blob, told_hash=told)
        call.account.record("TYPE_UPLOAD", node, call.now)
        return {
            "upload_type": RESUMABLE,
            "resumable": None,
            "file": self._files.entry(call.account, node),
            "task": None,
        }

    def _pending(
        self, call: Call, parent: str, name: str, size: int, told: str, kind: str
    ) -> Answer:
        account, world = call.account, self._cloud.world
        node = account.tree.add(parent, name, told_hash=told, phase=Phase.PENDING, size=size)
        task = Task(
            id=account.ids.new(),
            type="upload",
            name=name,
            created=call.now,
            updated=call.now,
            file_id=node.id,
            file_name=name,
            file_size=size,
        )
        account.start(task)
        expires = call.now + self._cloud.switches.number("credential_seconds")
        credential = Credential(
            access_key=world.new_secret("STS.", 18),
            secret=world.new_secret(size=30),
            token=world.new_secret("CAIS", 60),
            expires=expires,
        )
        key = f"upload_tmp/{told or node.id}_{node.id}"
        session = Session(account, node, task, key, credential)
        self.by_access_key[credential.access_key] = session
        answer: dict[str, object] = {
            "upload_type": kind,
            "file": self._files.entry(account, node),
            "task": self._tasks.shape(account, task)
            if self._cloud.switches.on("upload_task")
            else None,
        }
        if kind == FORM:
            answer["form"] = {
                "headers": {},
                "kind": "drive#form",
                "method": "POST",
                "multi_parts": {
                    "OSSAccessKeyId": credential.access_key,
                    "Signature": world.new_secret(size=20),
                    "callback": "e30=",
                    "key": key,
                    "policy": "e30=",
                    "x:user_data": account.user_id,
                },
                "url": call.addresses.form_url,
            }
        else:
            answer["resumable"] = {
                "kind": "drive#resumable",
                "provider": "PROVIDER_ALIYUN",
                "params": {
                    "access_key_id": credential.access_key,
                    "access_key_secret": credential.secret,
                    "bucket": BUCKET,
                    "endpoint": call.addresses.endpoint,
                    "expiration": stamp(expires),
                    "key": key,
                    "security_token": credential.token,
                },
            }
        return answer

    # ---- from the storage host

    def stored(self, session: Session, blob: Blob) -> None:
        """The object is there: the file becomes complete, now or when the switch says."""
        with self._cloud.world.lock:
            session.stored = blob
            node, account = session.node, session.account
            if node.id not in account.tree.nodes:
                self._cloud.count("orphaned_objects")
                return
            due = self._cloud.world.clock() + self._cloud.switches.number("upload_seconds")
            session.task.phase = Phase.RUNNING

            def step(now: float) -> None:
                if now < due:
                    return
                if blob.size != node.size:
                    node.phase = Phase.ERROR
                    session.task.end(Phase.ERROR, "Save failed, retry please", now)
                    self._cloud.count("size_mismatches")
                    return
                node.blob = blob
                node.phase = Phase.COMPLETE
                node.completed = node.modified = now
                session.task.end(Phase.COMPLETE, "", now)
                account.upload_transfer += blob.size
                account.record("TYPE_UPLOAD", node, now)
                self._cloud.remember(blob)
                self._cloud.count("uploads")

            if session.task.final:
                # The object was sent again after it had been accepted: nothing new happens.
                return
            session.task.step = step
            account.settle(self._cloud.world.clock())
