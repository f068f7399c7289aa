"""Making, renaming, moving, copying and deleting entries.

Nothing here replaces anything: `renamefile` would do so silently, so the target folder is looked
at first and the answer afterwards. Every call can be repeated or looked up after a lost answer.
"""

from __future__ import annotations

import time
from typing import Final

from cloudtui.services.errors import (
    CloudError,
    Denied,
    Exists,
    NotFound,
    Refused,
    UsageError,
)
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Entry, Found, Kind, Location
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import SLOW, Client
from cloudtui.services.pcloud.entries import (
    Names,
    content_param,
    folded,
    id_param,
    kind_of,
    number,
    whole,
)
from cloudtui.services.pcloud.listing import children
from cloudtui.services.pcloud.tree import Tree, shown

_SEEN: Final = 3.0
"""Seconds for which the names of a folder are believed that things are being moved into: looking
anew for every one of a thousand would read the whole folder a thousand times."""


class Changes:
    """The changing calls of one account."""

    def __init__(self, client: Client, names: Names, tree: Tree) -> None:
        self._client = client
        self._names = names
        self._tree = tree
        self._seen: dict[tuple[int, Kind], tuple[float, dict[str, str]]] = {}

    async def node_of(self, item: Found) -> str:
        """The id of an entry, resolved when the location lacks it. Refuses the top folder."""
        node = item.at.node or item.entry.id
        if not item.at.parts and node == self._tree.root:
            raise UsageError("The top folder of the account cannot be changed.")
        return node

    # --- mkdir ----------------------------------------------------------------------------

    async def mkdir(self, parent: Location, name: str) -> Entry:
        """Make a folder. A lost answer is settled by looking: a folder of that name that stands
        there afterwards is taken as ours."""
        stored = self._names.stored(name)

        async def make(folderid: int) -> wire.Item:
            async def look() -> wire.One | None:
                there = await self._tree.named(folderid, stored, Kind.FOLDER)
                return None if there is None else wire.One(result=0, metadata=there)

            answer = await self._client.call(
                "createfolder",
                {"folderid": folderid, "name": stored},
                wire.One,
                change=True,
                safe=False,
                reconcile=look,
            )
            return whole(answer.metadata, "createfolder")

        try:
            item = await self._tree.with_folder(parent, make)
        except Exists as error:
            raise _taken(name, error) from error
        failpoint("pcloud.mkdir")
        self.forget_names()
        entry = self._names.entry(item)
        if parent.parts or parent.node in (None, self._tree.root):
            self._tree.learn((*parent.parts, name), number(entry.id))
        return entry

    # --- rename and move ------------------------------------------------------------------

    async def rename(self, item: Found, name: str) -> Entry:
        """Another name in the same folder. Raises Exists when a file (for a file) or folder (for
        a folder) has it already."""
        node = await self.node_of(item)
        stored = self._names.stored(name)
        now = await self._tree.item(node)
        if folded(now.name) == folded(stored):
            return self._names.entry(now)
        await self._require_free(now.parentfolderid or 0, stored, kind_of(node), name)
        moved = await self.relocate(node, None, stored)
        failpoint("pcloud.rename")
        return self._settled(moved, name)

    async def move(self, item: Found, parent: Location, name: str) -> Entry:
        """To another folder, as `name`."""
        node = await self.node_of(item)
        stored = self._names.stored(name)
        folderid = await self._tree.folder_id(parent)
        await self._require_free(folderid, stored, kind_of(node), name, but=node)
        moved = await self.relocate(node, folderid, stored)
        failpoint("pcloud.move")
        return self._settled(moved, name)

    async def relocate(self, node: str, folderid: int | None, stored: str) -> wire.Item:
        """The bare call for rename and move. Safe to repeat: it says where the entry shall be.

        The answer's `deletedfileid` names a file that was replaced.
        """
        method = "renamefolder" if kind_of(node) is Kind.FOLDER else "renamefile"
        params: dict[str, str | int] = {**id_param(node), "toname": stored}
        if folderid is not None:
            params["tofolderid"] = folderid
        try:
            answer = await self._client.call(method, params, wire.One, change=True, timeout=SLOW)
        except Denied as error:
            raise await self._explained(error, node, folderid) from error
        if kind_of(node) is Kind.FOLDER:
            self._tree.forget()
        item = whole(answer.metadata, method)
        self._note(item)
        return item

    async def _explained(self, error: Denied, node: str, folderid: int | None) -> Denied:
        """The refusal of a move with its reason, as far as shares tell it."""
        try:
            source = await self._tree.item(node)
            target = None if folderid is None else await self._tree.item(f"d{folderid}")
        except CloudError:
            return error
        name = display_name(self._names.local(source.name))
        if target is not None and not target.ismine and target.cancreate is False:
            goal = display_name(self._names.local(target.name))
            return Denied(
                f"{goal} belongs to somebody else who lets you look into it but put nothing there.",
                hint=f"{name} was left where it is; ask the owner for the right to add.",
                detail=error.detail,
            )
        if not source.ismine and (source.candelete is False or source.canmodify is False):
            return Denied(
                f"{name} belongs to somebody else who does not let you move or rename it.",
                hint="A copy can be made instead.",
                detail=error.detail,
            )
        if target is not None and source.ismine is not target.ismine:
            return Denied(
                f"pCloud does not move {name} between your own files and a share of somebody else.",
                hint="Copy it there, then delete it here.",
                detail=error.detail,
            )
        return error

    async def _require_free(
        self, folderid: int, stored: str, kind: Kind, name: str, but: str = ""
    ) -> None:
        now = time.monotonic()
        until, names = self._seen.get((folderid, kind), (0.0, {}))
        if until <= now:
            folders = kind is Kind.FOLDER
            items = await children(self._client, folderid, no_files=folders)
            names = {folded(item.name): item.node for item in items if item.isfolder is folders}
            self._seen = {(folderid, kind): (now + _SEEN, names)}
        if names.get(folded(stored), but) != but:
            raise _taken(name)

    def forget_names(self) -> None:
        """Something came or went: which names are free is looked up anew."""
        self._seen.clear()

    def _note(self, item: wire.Item) -> None:
        """An entry is there and called so from now on."""
        kind = Kind.FOLDER if item.isfolder else Kind.FILE
        for (folderid, of_kind), (_, names) in self._seen.items():
            if of_kind is not kind:
                continue
            for name in [name for name, node in names.items() if node == item.node]:
                del names[name]
            if item.parentfolderid in (folderid, None):
                names[folded(item.name)] = item.node

    def _settled(self, item: wire.Item, name: str) -> Entry:
        if item.deletedfileid:
            raise Exists(
                f"Another file called {display_name(name)} appeared in that moment and was "
                "replaced; its content is kept as an older version of the file.",
                hint="pCloud's web page lists older versions.",
            )
        return self._names.entry(item)

    # --- copy -----------------------------------------------------------------------------

    async def copy(self, item: Found, parent: Location, name: str) -> Entry:
        """A copy of a file or a whole folder, made by the service."""
        node = await self.node_of(item)
        stored = self._names.stored(name)
        folderid = await self._tree.folder_id(parent)
        if kind_of(node) is Kind.FOLDER:
            if parent.is_inside(item.at):
                raise Refused("A folder cannot be copied into itself.")
            copied = await self._copy_folder(number(node), folderid, parent, name)
        else:
            copied = await self._copy_file(item, node, folderid, stored)
        failpoint("pcloud.copy")
        self.forget_names()
        return copied

    async def _copy_file(self, item: Found, node: str, folderid: int, stored: str) -> Entry:
        source = await self._tree.item(node)
        params: dict[str, str | int] = {
            **content_param(node),
            "tofolderid": folderid,
            "toname": stored,
            "noover": 1,
        }
        modified = wire.seconds(source.modified)
        if modified is not None:
            params["mtime"] = modified

        async def look() -> wire.One | None:
            there = await self._tree.named(folderid, stored, Kind.FILE)
            if there is None or there.node == node:
                return None
            same = there.size == source.size and there.hash == source.hash
            return wire.One(result=0, metadata=there) if same else None

        try:
            answer = await self._client.call(
                "copyfile",
                params,
                wire.One,
                change=True,
                safe=False,
                reconcile=look,
                timeout=SLOW,
            )
        except Exists as error:
            raise _taken(self._names.local(stored), error) from error
        copied = self._names.entry(whole(answer.metadata, "copyfile"))
        if source.size is not None and copied.size is not None and copied.size != source.size:
            raise Refused(f"pCloud's copy of {shown(item.at)} is not whole; nothing was replaced.")
        return copied

    async def _copy_folder(self, source: int, folderid: int, parent: Location, name: str) -> Entry:
        """The folder is made first and then filled: that way it may have another name, and a
        repeated call after a lost answer only adds what is missing."""
        made = await self.mkdir(Location(parent.account, parent.parts, f"d{folderid}"), name)
        await self._client.call(
            "copyfolder",
            {
                "folderid": source,
                "tofolderid": number(made.id),
                "copycontentonly": 1,
                "skipexisting": 1,
            },
            wire.One,
            change=True,
            timeout=SLOW,
        )
        return made

    # --- delete ---------------------------------------------------------------------------

    async def delete(self, node: str) -> None:
        """Delete one entry, a folder with all it holds. That it is gone already is success: the
        first answer may have been lost."""
        folder = kind_of(node) is Kind.FOLDER
        method = "deletefolderrecursive" if folder else "deletefile"
        try:
            await self._client.call(method, id_param(node), wire.Answer, change=True, timeout=SLOW)
        except NotFound:
            return
        finally:
            self.forget_names()
            if folder:
                self._tree.forget()
        failpoint("pcloud.delete")

    async def delete_empty(self, node: str) -> None:
        """Delete a folder that holds nothing. Raises NotEmpty."""
        try:
            await self._client.call("deletefolder", id_param(node), wire.Answer, change=True)
        except NotFound:
            return
        finally:
            self._tree.forget()


def _taken(name: str, error: Exists | None = None) -> Exists:
    detail = error.detail if error is not None else ""
    return Exists(f"{display_name(name)} is already there; nothing was changed.", detail=detail)
