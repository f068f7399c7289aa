"""The folder that stands in for pCloud's trash, which is closed to apps: its batches and manifests.

`/.cloudtui-trash/<UTC>-<8 hex>/` holds what one delete moved there and `batch.json`, written before
the first move, which says where each thing was. Reading, writing and tidying of batches; what is
moved where is decided elsewhere.
"""

from __future__ import annotations

import calendar
import secrets
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from cloudtui.services.errors import CloudError, NotEmpty, NotFound, Offline
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Kind
from cloudtui.services.naming import numbered
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.below import everything_below
from cloudtui.services.pcloud.changes import Changes
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import FOLDER_NAME, number, whole
from cloudtui.services.pcloud.form import file_form
from cloudtui.services.pcloud.links import Links
from cloudtui.services.pcloud.listing import children
from cloudtui.services.pcloud.parallel import each
from cloudtui.services.pcloud.tree import Tree

MANIFEST: Final = "batch.json"
_MOST: Final = 64 << 20
_HOUR: Final = 3600
_DAY: Final = 86400


class Record(msgspec.Struct):
    """One thing of a batch. Names and path are as the service stores them; `name` is the one it
    had, `put_as` the one it has in the batch; `parent` is the folder's number, `path` its path.
    `linked`: public links on it or in it were revoked."""

    id: str
    name: str
    put_as: str
    parent: int
    path: list[str]
    linked: bool = False


class Manifest(msgspec.Struct):
    """What `batch.json` says. `time` is seconds since the epoch."""

    time: int
    items: list[Record]
    format: int = 1


class Batch(msgspec.Struct):
    """A batch as found: its folder, what lies in it, and what its manifest says (if it has one)."""

    folder: wire.Item
    items: list[wire.Item] = []
    manifest_file: wire.Item | None = None
    records: dict[str, Record] = {}
    time: int | None = None

    @property
    def number(self) -> int:
        """The folder's id."""
        return number(self.folder.node)


class Batches:
    """The batches of one account."""

    def __init__(self, client: Client, tree: Tree, changes: Changes, links: Links) -> None:
        self._client = client
        self._tree = tree
        self._changes = changes
        self._links = links
        self._home: int | None = None
        self._manifests: dict[int, Manifest] = {}

    async def home(self) -> int | None:
        """The number of our trash folder, None while there is none."""
        there = await self._tree.named(number(self._tree.root), FOLDER_NAME, Kind.FOLDER)
        self._home = None if there is None else number(there.node)
        return self._home

    async def _make_home(self) -> int:
        answer = await self._client.call(
            "createfolderifnotexists",
            {"folderid": number(self._tree.root), "name": FOLDER_NAME},
            wire.Made,
            change=True,
        )
        self._home = number(whole(answer.metadata, "createfolderifnotexists").node)
        return self._home

    async def begin(self, things: Sequence[Record]) -> tuple[int, Manifest]:
        """A new batch folder with its manifest; nothing is moved yet. Names that clash inside it
        are numbered in `put_as`."""
        now = int(self._client.now())
        used = {MANIFEST}
        for record in things:
            name, n = record.name, 1
            while name in used:
                n += 1
                name = numbered(record.name, n)
            used.add(name)
            record.put_as = name
        home = await self._make_home()
        stamp = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime(now))
        folder = await self._make(home, f"{stamp}-{secrets.token_hex(4)}")
        failpoint("pcloud.trash.batch")
        manifest = Manifest(now, list(things))
        await self._write(folder, manifest)
        failpoint("pcloud.trash.manifest")
        self._manifests[folder] = manifest
        return folder, manifest

    async def _make(self, home: int, name: str) -> int:
        answer = await self._client.call(
            "createfolderifnotexists", {"folderid": home, "name": name}, wire.Made, change=True
        )
        return number(whole(answer.metadata, "createfolderifnotexists").node)

    async def _write(self, folder: int, manifest: Manifest) -> None:
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        form = file_form({"folderid": folder, "filename": MANIFEST, "nopartial": 1}, MANIFEST)

        async def send() -> wire.Uploaded:
            # sent again it overwrites itself with the same words
            return await self._client.post_form("uploadfile", form, content, wire.Uploaded)

        await self._client.retry(send)

    async def folders(self) -> list[wire.Item]:
        """The batch folders, newest first, and whatever else lies in our trash folder."""
        home = await self.home()
        if home is None:
            return []
        return sorted(await children(self._client, home), key=lambda item: item.name, reverse=True)

    def count(self, folder: wire.Item) -> int:
        """How many things a batch is known to hold; one where its manifest was not read."""
        known = self._manifests.get(number(folder.node)) if folder.isfolder else None
        return len(known.items) if known is not None and known.items else 1

    async def open(self, folder: wire.Item) -> Batch:
        """What lies in a batch. Something put beside the batches by hand is a batch of itself."""
        if not folder.isfolder:
            return Batch(folder, [folder])
        batch = Batch(folder, time=made_at(folder))
        for item in await children(self._client, number(folder.node)):
            if item.name == MANIFEST and not item.isfolder:
                batch.manifest_file = item
            else:
                batch.items.append(item)
        manifest = await self._manifest(batch)
        if manifest is not None:
            batch.records = {record.id: record for record in manifest.items}
            batch.time = manifest.time
        return batch

    async def _manifest(self, batch: Batch) -> Manifest | None:
        if batch.manifest_file is None:
            return None
        known = self._manifests.get(batch.number)
        if known is not None:
            return known
        try:
            body = await self._links.read_small(batch.manifest_file.node, most=_MOST)
            manifest = msgspec.json.decode(body, type=Manifest)
        except Offline:
            raise
        except (CloudError, msgspec.DecodeError):
            # damaged or gone: its things are shown as of unknown origin, not hidden
            return None
        self._manifests[batch.number] = manifest
        return manifest

    async def holding(self, nodes: frozenset[str]) -> dict[str, Batch]:
        """The batch of each of these ids; ids that lie in none are left out."""
        found: dict[str, Batch] = {}
        for folder in await self.folders():
            if len(found) == len(nodes):
                break
            batch = await self.open(folder)
            found.update((item.node, batch) for item in batch.items if item.node in nodes)
        return found

    async def tidy(self, batch: Batch, taken: frozenset[str]) -> None:
        """Remove a batch that holds nothing but its manifest. `taken` are the ids just taken out;
        what the service holds now decides."""
        if not batch.folder.isfolder or any(item.node not in taken for item in batch.items):
            return
        if batch.manifest_file is not None:
            left = await self._left(batch)
            if left is None or any(item.node != batch.manifest_file.node for item in left):
                return
            await self._changes.delete(batch.manifest_file.node)
        try:
            await self._changes.delete_empty(batch.folder.node)
        except NotEmpty:
            return
        self._manifests.pop(batch.number, None)
        failpoint("pcloud.trash.tidied")

    async def _left(self, batch: Batch) -> list[wire.Item] | None:
        try:
            return await children(self._client, batch.number)
        except NotFound:
            return None

    # --- what time takes away -------------------------------------------------------------

    async def sweep(self, batches: Sequence[Batch], keep_days: int, most: int) -> list[Batch]:
        """Remove what is over: batches left empty more than an hour ago, older than `keep_days`
        (0: kept for ever), and the oldest while all together hold more than `most` bytes (0: no
        limit). The answer is what stays."""
        now = self._client.now()
        stay: list[Batch] = []
        over: list[Batch] = []
        for batch in batches:
            age = 0.0 if batch.time is None else now - batch.time
            if not batch.folder.isfolder:
                stay.append(batch)
            elif not batch.items:
                if age > _HOUR:
                    await self.tidy(batch, frozenset())
            elif keep_days and age > keep_days * _DAY:
                over.append(batch)
            else:
                stay.append(batch)
        if most:
            sizes = await each(stay, self._size)
            while stay and sum(sizes) > most:
                # newest first: the last is the oldest
                over.append(stay.pop())
                sizes.pop()
        for batch in over:
            await self.drop(batch)
        return stay

    async def drop(self, batch: Batch) -> None:
        """Delete a batch with all it holds."""
        await self._changes.delete(batch.folder.node)
        self._manifests.pop(batch.number if batch.folder.isfolder else -1, None)

    async def _size(self, batch: Batch) -> int:
        if not any(item.isfolder for item in batch.items):
            return sum(item.size or 0 for item in batch.items)
        below = await everything_below(self._client, batch.number, number(self._tree.root))
        own = 0 if batch.manifest_file is None else batch.manifest_file.size or 0
        return max(0, sum(item.size or 0 for item in below) - own)


def made_at(folder: wire.Item) -> int | None:
    """When a batch was made: its name says so, else the service does."""
    try:
        return calendar.timegm(time.strptime(folder.name[:20], "%Y-%m-%dT%H-%M-%SZ"))
    except ValueError:
        return wire.seconds(folder.created)
