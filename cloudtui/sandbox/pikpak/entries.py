"""Single entries: details, folders, names, deletion."""

from __future__ import annotations

from cloudtui.sandbox.pikpak.call import Answer, Call, Route, text
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.errors import refusal
from cloudtui.sandbox.pikpak.files import Files
from cloudtui.sandbox.pikpak.node import ROOT, Node, Phase

STRICTLY_REFUSED = set('<>":?*|\\')


class Entries:
    """Endpoints on /drive/v1/files/{id}, and the folder part of POST /drive/v1/files."""

    def __init__(self, cloud: Cloud, files: Files) -> None:
        self._cloud = cloud
        self._files = files

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", "/drive/v1/files/{}", self.detail),
            Route("PATCH", "/drive/v1/files/{}", self.rename),
            Route("DELETE", "/drive/v1/files/{}", self.delete),
        ]

    def detail(self, call: Call) -> Answer:
        """An entry with links; trashed ones are refused."""
        account = call.account
        node = account.tree.live(call.parts[0])
        if self._cloud.switches.on("trash_marks_children") and account.tree.buried(node):
            raise refusal("file_in_recycle_bin")
        size = call.param("thumbnail_size")
        return self._files.detail(account, node, call.addresses, size)

    def rename(self, call: Call) -> Answer:
        """Another name. rclone sends a whole zeroed entry along: only the name counts."""
        account = call.account
        node = account.tree.live(call.parts[0])
        name = self.name(text(call.body, "name"))
        if account.busy(node.id) or node.phase is not Phase.COMPLETE:
            raise refusal("file_rename_uncompleted")
        if name == node.name:
            raise refusal("file_rename_to_same_name")
        if account.tree.taken(node.parent_id, name):
            raise refusal("file_duplicated_name")
        account.tree.rename(node, name)
        return self._files.entry(account, node)

    def delete(self, call: Call) -> Answer:
        """Gone at once, not by way of the trash (measured on the real service)."""
        account = call.account
        account.tree.delete(account.tree.get(call.parts[0]))
        return {}

    def create_folder(self, call: Call) -> Answer:
        """A new folder; a taken name gives a second one or a refusal, as the switch says."""
        account = call.account
        name = self.name(text(call.body, "name"))
        parent = text(call.body, "parent_id") or ROOT
        account.tree.folder(parent)
        if self._cloud.switches.word("mkdir_duplicates") == "refuse" and account.tree.taken(
            parent, name
        ):
            raise refusal("file_duplicated_name")
        node: Node = account.tree.add(parent, name, folder=True)
        return {
            "upload_type": "UPLOAD_TYPE_UNKNOWN",
            "file": self._files.entry(account, node),
            "task": None,
        }

    def name(self, name: str) -> str:
        """The name if it can be one; raises the refusal otherwise."""
        if not name:
            raise refusal("file_name_empty")
        if "/" in name:
            raise refusal("invalid_argument", "A name cannot hold a slash")
        if self._cloud.switches.on("strict_names") and (
            STRICTLY_REFUSED & set(name)
            or name != name.strip()
            or name.endswith(".")
            or any(ord(letter) < 32 for letter in name)
        ):
            raise refusal("invalid_argument", "The name holds characters that are not allowed")
        return name
