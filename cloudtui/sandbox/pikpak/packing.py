"""Folders packed into one tar file in place, and back.

The id stays the same through both; what lay in the folder is out of every listing meanwhile.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.pikpak.account import Account, Task
from cloudtui.sandbox.pikpak.batches import FAILED
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, text
from cloudtui.sandbox.pikpak.cloud import Cloud, gcid_of
from cloudtui.sandbox.pikpak.errors import refusal
from cloudtui.sandbox.pikpak.node import Node, Phase

SUFFIX = ".tar"


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of the tar: where it lies in the folder, and its bytes unless it is a folder."""

    path: str
    blob: Blob | None
    modified: float


class Packing:
    """POST files/pack and files/unpack."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[Route]:
        """Packing reads every file of the folder, so it does not hold the lock."""
        return [
            Route("POST", "/drive/v1/files/pack", self.pack, locked=False),
            Route("POST", "/drive/v1/files/unpack", self.unpack),
        ]

    def pack(self, call: Call) -> Answer:
        """One file instead of a folder: a task to poll."""
        account = call.account
        with self._cloud.world.lock:
            node = account.tree.live(text(call.body, "folderId"))
            if not node.folder:
                raise refusal("invalid_argument", "only folders can be packed")
            members = _members(account, node)
            if not members:
                raise refusal("cannot_pack_empty_folder")
        blob = self._tar(members)
        gcid_of(blob)
        with self._cloud.world.lock:
            return {"task_id": self._start(call, node, blob).id}

    def unpack(self, call: Call) -> Answer:
        """The folder again, at once and without a task (seen on the real service)."""
        node = call.account.tree.live(text(call.body, "folderId"))
        if node.packed is None:
            raise refusal("invalid_argument", "only packed folders can be unpacked")
        call.account.tree.unpack(node)
        return {"task_id": ""}

    def _tar(self, members: list[Member]) -> Blob:
        path = self._cloud.world.blobs.new_path()
        with tarfile.open(path, "w") as archive:
            for member in members:
                entry = tarfile.TarInfo(member.path)
                entry.mtime = int(member.modified)
                if member.blob is None:
                    entry.type = tarfile.DIRTYPE
                    archive.addfile(entry)
                    continue
                entry.size = member.blob.size
                with member.blob.path.open("rb") as content:
                    archive.addfile(entry, content)
        return Blob(path, path.stat().st_size)

    def _start(self, call: Call, node: Node, blob: Blob) -> Task:
        account = call.account
        due = call.now + self._cloud.switches.number("batch_seconds")
        task = account.new_task("pack_files", node.name, call.now)
        task.file_id, task.file_name, task.file_size = node.id, node.name, blob.size
        task.touches = frozenset({node.id})

        def step(now: float) -> None:
            if now < due:
                return
            if node.id not in account.tree.nodes or not node.folder:
                task.end(Phase.ERROR, FAILED, now)
                return
            account.tree.pack(node, node.name + SUFFIX, blob, gcid_of(blob))
            self._cloud.remember(blob)
            task.file_name = node.name
            task.end(Phase.COMPLETE, "", now)

        task.step = step
        account.start(task)
        account.settle(call.now)
        return task


def _members(account: Account, folder: Node, above: str = "") -> list[Member]:
    """Everything live below a folder, each folder before what lies in it."""
    found: list[Member] = []
    for node in account.tree.children(folder.id):
        if node.trashed or node.phase is not Phase.COMPLETE:
            continue
        path = above + node.name
        found.append(Member(path, node.blob, node.modified))
        if node.folder:
            found += _members(account, node, f"{path}/")
    return found
