"""Folders, files and the versions of a file's content. Plain records; `tree` changes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloudtui.sandbox.blobs import Blob


@dataclass(slots=True, eq=False)
class Content:
    """One version of a file. `hash` is the service's change mark: any unsigned 64-bit number."""

    blob: Blob
    hash: int
    created: int
    revision: int


@dataclass(slots=True, eq=False)
class Folder:
    """`parent` of a deleted folder stays where it was deleted from. `rights` of a folder that
    somebody else shares: some of read, create, modify, delete; None for one's own. `shared`: one's
    own that others were let into."""

    id: int
    name: str
    parent: Folder | None
    created: int
    modified: int
    folders: dict[str, Folder] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    deleted: bool = False
    rights: frozenset[str] | None = None
    shared: bool = False


@dataclass(slots=True, eq=False)
class File:
    """`old` holds earlier versions, oldest first."""

    id: int
    name: str
    parent: Folder
    created: int
    modified: int
    content: Content
    old: list[Content] = field(default_factory=list)
    deleted: bool = False


Node = Folder | File


def is_live(node: Node) -> bool:
    """Whether neither the node nor a folder above it is deleted."""
    current: Node | None = node
    while current is not None:
        if current.deleted:
            return False
        current = current.parent
    return True


def path_of(node: Node) -> str:
    """The full path; "/" for the root."""
    parts: list[str] = []
    current: Node | None = node
    while current is not None and current.parent is not None:
        parts.append(current.name)
        current = current.parent
    return "/" + "/".join(reversed(parts))


def inside(node: Folder, ancestor: Folder) -> bool:
    """Whether `node` is `ancestor` or lies below it."""
    current: Folder | None = node
    while current is not None:
        if current is ancestor:
            return True
        current = current.parent
    return False


def size_of(node: Node) -> int:
    """Bytes of the current versions in a subtree."""
    if isinstance(node, File):
        return node.content.blob.size
    total = 0
    stack = [node]
    while stack:
        folder = stack.pop()
        total += sum(file.content.blob.size for file in folder.files.values())
        stack.extend(folder.folders.values())
    return total
