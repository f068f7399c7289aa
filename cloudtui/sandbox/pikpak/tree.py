"""The entries of one drive and the rules that hold between them.

`bin` holds what lies in the trash, oldest first: it is emptied by time as well as by hand. `used`
is the bytes of all files, trash included, counted along: each upload asks for it.
Duplicate names are possible: the tree only numbers what arrives by upload, move, copy or restore.
Every change must happen under the world's lock. Listings may lag behind (`lag`), ids never do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.pikpak.errors import refusal
from cloudtui.sandbox.pikpak.node import ROOT, Node, Phase, numbered
from cloudtui.sandbox.pikpak.stamps import Ids


@dataclass(slots=True)
class View:
    """What listings still show of an entry: where it was, as what; `parent_id` None hides it."""

    node: Node
    until: float
    parent_id: str | None
    name: str
    trashed: bool
    gone: bool = False


class Tree:
    """All entries of an account, by id and by folder."""

    def __init__(self, ids: Ids, clock: Callable[[], float]) -> None:
        self._ids = ids
        self._clock = clock
        self.nodes: dict[str, Node] = {}
        self._children: dict[str, dict[str, Node]] = {ROOT: {}}
        self._names: dict[str, Counter[str]] = {ROOT: Counter()}
        self.views: dict[str, View] = {}
        self.lag: Callable[[], float] = lambda: 0.0
        self.version = 0
        self.bin: dict[str, Node] = {}
        self.used = 0

    # ---- reading

    def get(self, node_id: str) -> Node:
        """The entry, trashed or not; raises `file_not_found`."""
        node = self.nodes.get(node_id)
        if node is None:
            raise refusal("file_not_found")
        return node

    def live(self, node_id: str) -> Node:
        """The entry; raises `file_not_found` or `file_in_recycle_bin`."""
        node = self.get(node_id)
        if node.trashed:
            raise refusal("file_in_recycle_bin")
        return node

    def folder(self, folder_id: str) -> None:
        """Check a target folder; raises the refusal a client gets for a missing or trashed one."""
        if folder_id == ROOT:
            return
        if not self.live(folder_id).folder:
            raise refusal("invalid_argument", "The target is not a folder")
        if self.buried(self.nodes[folder_id]):
            raise refusal("file_in_recycle_bin")

    def children(self, folder_id: str) -> Iterator[Node]:
        """Entries that have this parent, trashed ones included, oldest first."""
        yield from self._children.get(folder_id, {}).values()

    def below(self, node: Node) -> Iterator[Node]:
        """The entry and everything under it."""
        todo = [node]
        while todo:
            item = todo.pop()
            yield item
            if item.folder:
                todo.extend(self.children(item.id))

    def buried(self, node: Node) -> bool:
        """Whether an ancestor of the entry lies in the trash."""
        seen = node.parent_id
        while seen != ROOT:
            parent = self.nodes.get(seen)
            if parent is None:
                return True
            if parent.trashed:
                return True
            seen = parent.parent_id
        return False

    def inside(self, node_id: str, folder_id: str) -> bool:
        """Whether `node_id` is `folder_id` or lies under it."""
        seen = node_id
        while seen != ROOT:
            if seen == folder_id:
                return True
            parent = self.nodes.get(seen)
            if parent is None:
                return False
            seen = parent.parent_id
        return folder_id == ROOT

    def taken(self, folder_id: str, name: str) -> bool:
        """Whether a live entry of the folder has this name."""
        names = self._names.get(folder_id)
        return bool(names and names.get(name))

    def named(self, folder_id: str, name: str) -> Node | None:
        """The first live entry of that name."""
        if not self.taken(folder_id, name):
            return None
        return next(
            (node for node in self.children(folder_id) if node.name == name and not node.trashed),
            None,
        )

    def free_name(self, folder_id: str, name: str, *, folder: bool) -> str:
        """The name, or its first numbered form that no live entry of the folder has."""
        if not self.taken(folder_id, name):
            return name
        number = 1
        while self.taken(folder_id, numbered(name, number, folder=folder)):
            number += 1
        return numbered(name, number, folder=folder)

    def path(self, node: Node) -> str:
        """For people: names from the root down."""
        names = [node.name]
        seen = node.parent_id
        while seen != ROOT and (parent := self.nodes.get(seen)) is not None:
            names.append(parent.name)
            seen = parent.parent_id
        return "/" + "/".join(reversed(names))

    # ---- changing

    def add(
        self,
        parent_id: str,
        name: str,
        *,
        folder: bool = False,
        blob: Blob | None = None,
        told_hash: str = "",
        phase: Phase = Phase.COMPLETE,
        size: int | None = None,
        when: float | None = None,
    ) -> Node:
        """A new entry under exactly this name."""
        now = self._clock() if when is None else when
        node = Node(
            id=self._ids.new(),
            parent_id=parent_id,
            name=name,
            folder=folder,
            created=now,
            modified=now,
            blob=blob,
            size=size if size is not None else (blob.size if blob else 0),
            hash=told_hash,
            phase=phase,
            folder_type="NORMAL" if folder else "",
            completed=now if phase is Phase.COMPLETE else 0.0,
        )
        self.insert(node)
        return node

    def insert(self, node: Node) -> None:
        """Put a made entry into its folder."""
        self._remember(node, hidden=True)
        self._link(node)

    def rename(self, node: Node, name: str) -> None:
        """Give another name; the caller has checked it."""
        self._remember(node)
        self._unlink(node)
        node.name = name
        node.modified = self._clock()
        self._link(node)

    def move(self, node: Node, parent_id: str) -> None:
        """Into another folder, numbered when the name is taken there."""
        self._remember(node)
        self._unlink(node)
        node.name = self.free_name(parent_id, node.name, folder=node.folder)
        node.parent_id = parent_id
        node.modified = self._clock()
        self._link(node)

    def copy(self, node: Node, parent_id: str) -> Node:
        """A copy with everything below it, sharing the bytes; returns its top entry."""
        name = self.free_name(parent_id, node.name, folder=node.folder)
        # The sources are gathered first: a copy must not meet itself.
        return self._copy(node, parent_id, name)

    def trash(self, node: Node, when: float) -> None:
        """Into the trash; the entry keeps the folder it came from."""
        self._remember(node)
        self._unlink(node)
        node.trashed = True
        node.trashed_at = when
        self._link(node)

    def untrash(self, node: Node, *, to_root: bool) -> None:
        """Out of the trash, to where it was if that folder lives, else to the root."""
        self._remember(node)
        self._unlink(node)
        home = node.parent_id
        if to_root or (home != ROOT and not self._lives(home)):
            home = ROOT
        node.parent_id = home
        node.name = self.free_name(home, node.name, folder=node.folder)
        node.trashed = False
        node.trashed_at = 0.0
        self._link(node)

    def fill(self, node: Node, blob: Blob, told_hash: str) -> None:
        """Give a file the content it stands for."""
        self.used += blob.size - node.size
        node.blob, node.size, node.hash = blob, blob.size, told_hash

    def delete(self, node: Node, *, lingering: float = 0.0) -> None:
        """Gone with everything below; with `lingering` the trash goes on listing it so long."""
        for item in list(self.below(node)):
            self._remember(item, gone=True, lingering=lingering if item is node else 0.0)
            self._unlink(item)
            del self.nodes[item.id]
        if node.folder:
            self._children.pop(node.id, None)
            self._names.pop(node.id, None)

    def purge(self, before: float) -> None:
        """Delete for good what has lain in the trash since `before` or longer."""
        for node in list(takewhile(lambda item: item.trashed_at <= before, self.bin.values())):
            if node.id in self.nodes:
                self.delete(node)

    def pack(self, node: Node, name: str, blob: Blob, told_hash: str) -> None:
        """Turn a folder into a file under the same id; what lay in it is kept with it, unlisted."""
        self._remember(node)
        inner = [item for item in self.below(node) if item is not node]
        for item in inner:
            self._remember(item, gone=True)
            self._unlink(item)
            del self.nodes[item.id]
        self._children.pop(node.id, None)
        self._names.pop(node.id, None)
        self._unlink(node)
        node.packed, node.unpacked_name = inner, node.name
        node.folder, node.folder_type = False, ""
        node.name = self.free_name(node.parent_id, name, folder=False)
        node.modified = self._clock()
        self._link(node)
        self.fill(node, blob, told_hash)

    def unpack(self, node: Node) -> None:
        """Turn a packed folder back, with everything that lay in it under its old ids."""
        assert node.packed is not None
        self._remember(node)
        self._unlink(node)
        inner, node.packed = node.packed, None
        node.folder, node.folder_type = True, "NORMAL"
        node.name = self.free_name(node.parent_id, node.unpacked_name, folder=True)
        node.blob, node.size, node.hash = None, 0, ""
        node.modified = self._clock()
        self._link(node)
        for item in inner:
            self.insert(item)

    # ---- counting

    def trashed_bytes(self) -> int:
        """Bytes of all files in the trash, once each."""
        tops = [node for node in self.bin.values() if not self.buried(node)]
        return sum(item.size for node in tops for item in self.below(node))

    # ---- inside

    def _copy(self, node: Node, parent_id: str, name: str) -> Node:
        inner = [child for child in self.children(node.id) if not child.trashed]
        made = self.add(
            parent_id,
            name,
            folder=node.folder,
            blob=node.blob,
            told_hash=node.hash,
            phase=node.phase,
            size=node.size,
        )
        made.params = dict(node.params)
        made.origin = node.origin
        for child in inner:
            self._copy(child, made.id, child.name)
        return made

    def _lives(self, folder_id: str) -> bool:
        node = self.nodes.get(folder_id)
        return node is not None and node.folder and not node.trashed and not self.buried(node)

    def _link(self, node: Node) -> None:
        self.version += 1
        self.used += node.size
        self.nodes[node.id] = node
        self._children.setdefault(node.parent_id, {})[node.id] = node
        names = self._names.setdefault(node.parent_id, Counter())
        if node.trashed:
            self.bin[node.id] = node
        else:
            names[node.name] += 1

    def _unlink(self, node: Node) -> None:
        self.version += 1
        self.used -= node.size
        self._children.get(node.parent_id, {}).pop(node.id, None)
        self.bin.pop(node.id, None)
        names = self._names.get(node.parent_id)
        if names is not None and not node.trashed:
            names[node.name] -= 1
            if names[node.name] <= 0:
                del names[node.name]

    def _remember(
        self, node: Node, *, hidden: bool = False, gone: bool = False, lingering: float = 0.0
    ) -> None:
        now = self._clock()
        wait = max(self.lag(), lingering)
        old = self.views.get(node.id)
        if old is not None and old.until > now:
            old.gone = old.gone or gone
            old.until = max(old.until, now + wait)
            return
        if wait <= 0:
            self.views.pop(node.id, None)
            return
        self.views[node.id] = View(
            node=node,
            until=now + wait,
            parent_id=None if hidden else node.parent_id,
            name=node.name,
            trashed=node.trashed,
            gone=gone,
        )

    def current_views(self) -> list[View]:
        """The views that still hold; older ones are forgotten."""
        now = self._clock()
        for node_id in [key for key, view in self.views.items() if view.until <= now]:
            del self.views[node_id]
        return list(self.views.values())
