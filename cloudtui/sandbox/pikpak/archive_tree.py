"""The inside of an archive as a drive of its own, once the archive was extracted for the first
time.

From then on its entry names a root and a token. With the token in `X-Global-File-Token`, and the
password in the query when it is locked, listings, details and copies work on what lies inside;
their ids begin with `G__`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.pikpak.account import Account
from cloudtui.sandbox.pikpak.batches import Batches
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, mapping, strings, text
from cloudtui.sandbox.pikpak.cloud import Cloud, gcid_of
from cloudtui.sandbox.pikpak.errors import refusal
from cloudtui.sandbox.pikpak.files import Files
from cloudtui.sandbox.pikpak.filters import Filter, parse_filters
from cloudtui.sandbox.pikpak.node import Node, Phase
from cloudtui.sandbox.pikpak.zips import NO_PASSWORD, Closed, Zip

MARK = "G__"
DEFAULT_LIMIT = 100
Handle = Callable[[Call], Answer]


@dataclass(slots=True, eq=False)
class Inside:
    """One archive that can be looked into. `paths` are the paths of the ids handed out."""

    token: str
    name: str
    blob: Blob
    root: str
    paths: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)

    def id_of(self, path: str) -> str:
        """The same id for the same path; the root's for the top."""
        if not path:
            return self.root
        digest = hashlib.blake2b(f"{self.root}/{path}".encode(), digest_size=12).hexdigest()
        self.paths[MARK + digest] = path
        return MARK + digest


class ArchiveTree:
    """Listings, details and copies of ids inside archives; all else goes on to the drive's own."""

    def __init__(self, cloud: Cloud, files: Files, batches: Batches) -> None:
        self._cloud = cloud
        self._files = files
        self._batches = batches
        self._inside: dict[str, Inside] = {}

    def routes(self, page: Handle, detail: Handle, copy: Handle) -> list[Route]:
        """Endpoints shared with the drive; reading archives does not hold the lock."""
        return [
            Route(
                "GET",
                "/drive/v1/files",
                self._either(lambda call: call.param("parent_id"), self.page, page),
                locked=False,
            ),
            Route(
                "GET",
                "/drive/v1/files/{}",
                self._either(lambda call: call.parts[0], self.detail, detail),
                locked=False,
            ),
            Route(
                "POST",
                "/drive/v1/files:batchCopy",
                self._either(lambda call: "".join(strings(call.body, "ids")), self.copy, copy),
                locked=False,
            ),
        ]

    def open(self, node: Node, blob: Blob) -> None:
        """Let an archive be looked into from now on."""
        if "global_file_root" in node.params:
            return
        root = f"{MARK}{node.id}"
        token = self._cloud.world.new_secret(size=30)
        self._inside[root] = Inside(token, node.name, blob, root)
        node.params |= {"global_file_root": root, "global_file_token": token}

    # ---- endpoints

    def page(self, call: Call) -> Answer:
        """One page of a folder inside."""
        inside, path = self._found(call, call.param("parent_id"))
        wanted = parse_filters(call.param("filters"))
        start = call.number("page_token", 0)
        limit = max(1, call.number("limit", DEFAULT_LIMIT))
        with self._unlocked(call, inside) as archive:
            level = archive.level(path)
        nodes = [
            self._node(inside, name, info.file_size if info is not None else None)
            for name, info in level.items()
        ]
        shown = [self._files.entry(call.account, node) for node in nodes if _admits(wanted, node)]
        rest = len(shown) > start + limit
        return {
            "kind": "drive#fileList",
            "files": shown[start : start + limit],
            "next_page_token": str(start + limit) if rest else "",
            "version": "",
            "version_outdated": False,
        }

    def detail(self, call: Call) -> Answer:
        """One entry inside, with links."""
        inside, path = self._found(call, call.parts[0])
        if not path or path.endswith("/"):
            with self._unlocked(call, inside):
                return self._files.entry(call.account, self._node(inside, path, None))
        blob = self._blob(call, inside, path)
        node = self._node(inside, path, blob.size)
        node.blob, node.hash = blob, gcid_of(blob)
        return self._files.detail(call.account, node, call.addresses)

    def copy(self, call: Call) -> Answer:
        """Entries from inside into the drive: a task to poll."""
        account = call.account
        target = text(mapping(call.body, "to"), "parent_id")
        made: list[tuple[str, Blob | None]] = []
        for node_id in strings(call.body, "ids"):
            inside, path = self._found(call, node_id)
            with self._unlocked(call, inside) as archive:
                names = [name for name, _ in archive.chosen([path])]
            above = len(path.rstrip("/").rpartition("/")[0])
            for name in names or [path]:
                blob = None if name.endswith("/") else self._blob(call, inside, name)
                made.append((name[above:].strip("/"), blob))
        with self._cloud.world.lock:
            account.tree.folder(target)
            size = sum(blob.size for _, blob in made if blob is not None)
            self._batches.check_room(account, size)
            task = account.new_task("copy", "", call.now)
            account.start(task)
            plant(self._cloud, account, target, made)
            task.end(Phase.COMPLETE, "", call.now)
        return {"task_id": task.id}

    # ---- inside

    def _either(self, key: Callable[[Call], str], ours: Handle, drives: Handle) -> Handle:
        def handle(call: Call) -> Answer:
            if key(call).startswith(MARK):
                return ours(call)
            with self._cloud.world.lock:
                return drives(call)

        return handle

    def _found(self, call: Call, node_id: str) -> tuple[Inside, str]:
        given = call.header("x-global-file-token")
        for inside in self._inside.values():
            if hmac.compare_digest(inside.token.encode(), given.encode()):
                if node_id == inside.root:
                    return inside, ""
                if node_id not in inside.paths:
                    raise refusal("file_not_found")
                return inside, inside.paths[node_id]
        raise refusal("global_file_token_invalid")

    def _unlocked(self, call: Call, inside: Inside) -> Zip:
        archive = Zip(inside.name, inside.blob)
        try:
            archive.check(call.param("unzip_password"))
        except Closed as exc:
            archive.__exit__(None, None, None)
            missing = exc.status == NO_PASSWORD
            raise refusal(
                "unzip_password_required" if missing else "unzip_password_incorrect"
            ) from exc
        return archive

    def _blob(self, call: Call, inside: Inside, path: str) -> Blob:
        with self._unlocked(call, inside) as archive:
            if path not in inside.blobs:
                blob = archive.extract(
                    archive.members[path], call.param("unzip_password"), self._cloud.world.blobs
                )
                gcid_of(blob)
                inside.blobs[path] = blob
        return inside.blobs[path]

    def _node(self, inside: Inside, path: str, size: int | None) -> Node:
        above, _, name = path.rstrip("/").rpartition("/")
        now = self._cloud.world.clock()
        return Node(
            id=inside.id_of(path),
            parent_id=inside.id_of(f"{above}/" if above else ""),
            name=name or inside.name,
            folder=size is None,
            created=now,
            modified=now,
            size=size or 0,
        )


def _admits(wanted: Filter, node: Node) -> bool:
    def read(field: str) -> object:
        match field:
            case "phase":
                return str(Phase.COMPLETE)
            case "trashed":
                return False
            case "kind":
                return node.kind
            case _:
                return node.category

    return wanted.admits(read)


def plant(
    cloud: Cloud, account: Account, target: str, made: list[tuple[str, Blob | None]]
) -> list[Node]:
    """Put extracted entries below a folder, with the folders their paths name; the tops made."""
    tree = account.tree
    folders: dict[str, Node] = {}
    tops: list[Node] = []

    def add(path: str, blob: Blob | None) -> Node:
        above, _, name = path.rpartition("/")
        parent = folder(above).id if above else target
        if not above:
            name = tree.free_name(target, name, folder=blob is None)
        told = gcid_of(blob) if blob is not None else ""
        node = tree.add(parent, name, folder=blob is None, blob=blob, told_hash=told)
        node.origin = "decompress"
        if not above:
            tops.append(node)
        return node

    def folder(path: str) -> Node:
        if path not in folders:
            folders[path] = add(path, None)
        return folders[path]

    for path, blob in made:
        if blob is None:
            folder(path)
        else:
            add(path, blob)
            cloud.remember(blob)
    return tops
