"""A cloud in memory that speaks the Storage protocol; its bytes travel over real sockets."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from cloudtui.services.errors import (
    Ambiguous,
    CloudError,
    Exists,
    Gone,
    Mismatch,
    NotFound,
    NotSupported,
    ServerTrouble,
)
from cloudtui.services.models import (
    Capabilities,
    Entry,
    Found,
    HashType,
    Kind,
    Location,
)
from cloudtui.services.storage import (
    PartReply,
    PartRequest,
    ReadTicket,
    Receipt,
    SourceFacts,
)
from tests.transfers.byte_server import ByteServer

PAGE = 100

CLOUD = Capabilities(
    server_copy=True,
    server_move=True,
    resume_upload=True,
    entry_hash=None,
    verify_hash=HashType.SHA1,
    uploads_at_once=3,
)


@dataclass
class Node:
    """A file or folder of the cloud."""

    id: str
    parent: str
    name: str
    kind: Kind
    data: bytes = b""
    mtime_ns: int = 0


class MemoryStorage:
    """One account. `fail` holds errors for the next calls of a method; `calls` what was asked."""

    kind = "memory"

    def __init__(
        self, account: str, server: ByteServer, caps: Capabilities = CLOUD, part_size: int = 0
    ) -> None:
        self.account = account
        self.title = account.capitalize()
        self.server = server
        self.caps = caps
        self.part_size = part_size
        self.nodes: dict[str, Node] = {"root": Node("root", "", "", Kind.FOLDER)}
        self.uploads: dict[str, MemoryWrite] = {}
        self.fail: dict[str, deque[CloudError]] = {}
        self.calls: list[tuple[str, str]] = []
        self._ids = itertools.count(1)

    # --- for tests ---------------------------------------------------------------------------

    def put(self, path: str, data: bytes | None) -> Node:
        """A file (or with None a folder) at `path`, parents made."""
        node = self.nodes["root"]
        parts = [part for part in path.split("/") if part]
        for depth, name in enumerate(parts):
            last = depth == len(parts) - 1
            below = next(
                (each for each in self._children(node.id) if each.name == name and not last), None
            )
            if below is None:
                file = last and data is not None
                kind = Kind.FILE if file else Kind.FOLDER
                below = self._add(node.id, name, kind, data or b"" if file else b"")
            node = below
        return node

    def tree(self, path: str = "") -> dict[str, bytes | None]:
        """Every path below `path` with its bytes, None for folders."""
        at = Location(self.account, tuple(part for part in path.split("/") if part))
        top = self._resolve(at)
        found: dict[str, bytes | None] = {}

        def walk(node: Node, prefix: str) -> None:
            for each in self._children(node.id):
                name = f"{prefix}{each.name}"
                assert name not in found, f"{name} is there twice"
                found[name] = each.data if each.kind is Kind.FILE else None
                if each.kind is Kind.FOLDER:
                    walk(each, name + "/")

        walk(top, "")
        return found

    def called(self, name: str) -> int:
        """How often a method was called."""
        return sum(1 for each, _ in self.calls if each == name)

    # --- the tree ----------------------------------------------------------------------------

    def _children(self, parent: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.parent == parent]

    def _add(self, parent: str, name: str, kind: Kind, data: bytes = b"") -> Node:
        node = Node(f"n{next(self._ids)}", parent, name, kind, data, time.time_ns())
        self.nodes[node.id] = node
        if kind is Kind.FILE:
            self.server.files[f"/{self.account}/{node.id}"] = data
        return node

    def _entry(self, node: Node) -> Entry:
        size = len(node.data) if node.kind is Kind.FILE else None
        digest = b""
        if self.caps.entry_hash is HashType.SHA1 and node.kind is Kind.FILE:
            digest = hashlib.sha1(node.data, usedforsecurity=False).digest()
        return Entry(node.name, node.id, node.kind, size, node.mtime_ns, digest)

    def _resolve(self, at: Location, want: Kind | None = None) -> Node:
        if at.node is not None:
            if at.node not in self.nodes:
                raise NotFound(f"{at} is gone.")
            return self.nodes[at.node]
        node = self.nodes["root"]
        for depth, name in enumerate(at.parts):
            fits = [each for each in self._children(node.id) if each.name == name]
            if depth < len(at.parts) - 1 or want is not None:
                kind = Kind.FOLDER if depth < len(at.parts) - 1 else want
                fits = [each for each in fits if each.kind is kind] or fits
            if not fits:
                raise NotFound(f"{at} is not there.")
            if len(fits) > 1:
                raise Ambiguous(f"{at} fits several.", ids=tuple(each.id for each in fits))
            node = fits[0]
        return node

    def _call(self, name: str, what: str) -> None:
        self.calls.append((name, what))
        if self.fail.get(name):
            raise self.fail[name].popleft()

    def _taken(self, parent: str, name: str) -> Node | None:
        return next((each for each in self._children(parent) if each.name == name), None)

    # --- the protocol ------------------------------------------------------------------------

    async def stat(self, at: Location, *, want: Kind | None = None) -> Found:
        self._call("stat", str(at))
        node = self._resolve(at, want)
        parts: list[str] = []
        up = node
        while up.parent:
            parts.insert(0, up.name)
            up = self.nodes[up.parent]
        return Found(Location(self.account, tuple(parts), node.id), self._entry(node))

    async def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        self._call("scan", str(folder))
        entries = [self._entry(each) for each in self._children(self._resolve(folder).id)]
        for start in range(0, len(entries), PAGE):
            yield entries[start : start + PAGE]

    async def mkdir(self, parent: Location, name: str) -> Entry:
        self._call("mkdir", name)
        where = self._resolve(parent)
        if self._taken(where.id, name) is not None and not self.caps.duplicate_names:
            raise Exists(f"{name} is taken.")
        return self._entry(self._add(where.id, name, Kind.FOLDER))

    async def rename(self, item: Found, name: str) -> Entry:
        self._call("rename", name)
        node = self._resolve(item.at)
        if self._taken(node.parent, name) is not None:
            raise Exists(f"{name} is taken.")
        node.name = name
        return self._entry(node)

    async def remove(self, items: Sequence[Found]) -> None:
        self._call("remove", ",".join(item.entry.name for item in items))
        for item in items:
            self._remove(self._resolve(item.at))

    def _remove(self, node: Node) -> None:
        for each in self._children(node.id):
            self._remove(each)
        del self.nodes[node.id]

    async def open_read(self, item: Found) -> ReadTicket:
        self._call("open_read", item.entry.name)
        node = self._resolve(item.at)
        hashes = {}
        if self.caps.verify_hash is HashType.SHA1:
            hashes[HashType.SHA1] = hashlib.sha1(node.data, usedforsecurity=False).hexdigest()
        url = f"{self.server.url}/{self.account}/{node.id}"
        return ReadTicket(
            self.account, (url,), len(node.data), f"{node.id}:{node.mtime_ns}", hashes=hashes
        )

    async def open_write(
        self,
        parent: Location,
        name: str,
        facts: SourceFacts,
        *,
        replace: Found | None,
        job: str,
    ) -> MemoryWrite:
        self._call("open_write", name)
        where = self._resolve(parent)
        taken = self._taken(where.id, name)
        if taken is not None and (replace is None or taken.id != replace.entry.id):
            raise Exists(f"{name} is taken.")
        if self.caps.upload_hash is not None:
            assert self.caps.upload_hash in facts.hashes, "the digest must be known before"
        id_ = f"u{next(self._ids)}"
        handle = MemoryWrite(self, id_, where.id, name, facts.size, replace)
        self.uploads[id_] = handle
        return handle

    async def reopen_write(self, state: bytes) -> MemoryWrite:
        self._call("reopen_write", "")
        id_ = json.loads(state)
        if id_ not in self.uploads:
            raise Gone("The upload was forgotten.")
        return self.uploads[id_]

    async def hashes(self, item: Found) -> Mapping[HashType, str]:
        self._call("hashes", item.entry.name)
        data = self._resolve(item.at).data
        return {HashType.SHA1: hashlib.sha1(data, usedforsecurity=False).hexdigest()}

    async def close(self) -> None:
        return

    async def copy(self, item: Found, parent: Location, name: str) -> Entry:
        self._call("copy", name)
        if not self.caps.server_copy:
            raise NotSupported("It cannot copy.")
        where = self._resolve(parent)
        if self._taken(where.id, name) is not None:
            raise Exists(f"{name} is taken.")
        return self._entry(self._copy(self._resolve(item.at), where.id, name))

    def _copy(self, node: Node, parent: str, name: str) -> Node:
        made = self._add(parent, name, node.kind, node.data)
        for each in self._children(node.id):
            self._copy(each, made.id, each.name)
        return made

    async def move(self, item: Found, parent: Location, name: str) -> Entry:
        self._call("move", name)
        if not self.caps.server_move:
            raise NotSupported("It cannot move.")
        where = self._resolve(parent)
        if self._taken(where.id, name) is not None:
            raise Exists(f"{name} is taken.")
        node = self._resolve(item.at)
        node.parent, node.name = where.id, name
        return self._entry(node)


class MemoryWrite:
    """An upload: parts are PUT to the byte server, `finish` joins them."""

    instant = False
    verify_hash: HashType | None = HashType.SHA1
    part_hash: HashType | None = None

    def __init__(
        self,
        cloud: MemoryStorage,
        id_: str,
        parent: str,
        name: str,
        size: int,
        replace: Found | None,
    ) -> None:
        self.cloud = cloud
        self.id = id_
        self.parent = parent
        self.name = name
        self.size = size
        self.replace = replace
        self.part_size = cloud.part_size
        self.parts_at_once = 2 if cloud.part_size else 1
        self.resumable = cloud.part_size > 0

    def state(self) -> bytes:
        return json.dumps(self.id).encode()

    def _path(self, number: int) -> str:
        return f"/{self.cloud.account}-{self.id}/{number}"

    async def part_request(self, number: int, offset: int, length: int) -> PartRequest:
        url = self.cloud.server.url + self._path(number)
        return PartRequest(self.cloud.account, "PUT", url, (), offset, length)

    def receipt(self, request: PartRequest, number: int, reply: PartReply) -> Receipt:
        if reply.status != 200:
            raise ServerTrouble(f"The server answered {reply.status}.")
        return Receipt(number, request.offset, request.length, "tag")

    def _steps(self) -> list[int]:
        return list(range(0, max(1, self.size), self.part_size or max(1, self.size)))

    async def probe(self) -> list[Receipt]:
        if self.id not in self.cloud.uploads:
            raise Gone("The upload was forgotten.")
        stored = self.cloud.server.stored
        return [
            Receipt(number, offset, len(stored[self._path(number)]), "tag")
            for number, offset in enumerate(self._steps())
            if self._path(number) in stored
        ]

    async def finish(self, receipts: Sequence[Receipt], facts: SourceFacts) -> Entry:
        self.cloud._call("finish", self.name)
        stored = self.cloud.server.stored
        paths = [self._path(number) for number in range(len(self._steps()))]
        data = b"".join(stored.get(path, b"") for path in paths)
        told = facts.hashes.get(HashType.SHA1)
        if len(data) != self.size or (
            told is not None and told != hashlib.sha1(data, usedforsecurity=False).hexdigest()
        ):
            raise Mismatch("What arrived is something else.")
        taken = self.cloud._taken(self.parent, self.name)
        if taken is not None:
            if self.replace is None or self.replace.entry.id != taken.id:
                raise Exists(f"{self.name} is taken.")
            self.cloud._remove(taken)
        node = self.cloud._add(self.parent, self.name, Kind.FILE, data)
        if facts.mtime_ns is not None and self.cloud.caps.sets_mtime:
            node.mtime_ns = facts.mtime_ns
        self.cloud.uploads.pop(self.id, None)
        return self.cloud._entry(node)

    async def drop_unfinished(self) -> None:
        await self.abort()

    async def abort(self) -> None:
        self.cloud._call("abort", self.name)
        self.cloud.uploads.pop(self.id, None)


def without(caps: Capabilities, **changes: object) -> Capabilities:
    """The capabilities with some facts changed."""
    return replace(caps, **changes)
