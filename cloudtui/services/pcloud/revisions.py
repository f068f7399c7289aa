"""Earlier versions of files: seeing them, reading them, bringing one back.

pCloud keeps the content that was replaced as a version for as many days as the account's trash
keeps things. Versions without bytes are left out by the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from msgspec.structs import replace

from cloudtui.services.errors import UsageError
from cloudtui.services.models import Entry, Found, Kind, Location, Revision
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import (
    Names,
    id_param,
    kind_of,
    mark_bytes,
    split_version,
    version_id,
    whole,
)
from cloudtui.services.pcloud.links import Links, digests
from cloudtui.services.pcloud.tree import Tree, shown
from cloudtui.services.storage import ReadTicket

_PAGE: Final = 1000
_BILLION: Final = 1_000_000_000


class Versions:
    """The versions of one account's files."""

    def __init__(self, client: Client, names: Names, tree: Tree, links: Links) -> None:
        self._client = client
        self._names = names
        self._tree = tree
        self._links = links

    async def scan(self, item: Found) -> AsyncIterator[Sequence[Revision]]:
        """The versions of a file, newest first."""
        params = id_param(_file(item))
        listed = await self._client.call("listrevisions", params, wire.Versions)
        now = listed.metadata
        rows = sorted(
            listed.revisions,
            key=lambda row: (wire.seconds(row.created) or 0, row.revisionid or 0),
            reverse=True,
        )
        current = next(
            (row for row in rows if now is not None and (row.hash, row.size) == _content(now)), None
        )
        for start in range(0, len(rows), _PAGE):
            yield [_shown(row, row is current) for row in rows[start : start + _PAGE]]

    async def restore(self, item: Found, revision: str) -> Entry:
        """Make a version the content of its file."""
        node = _file(item)
        _, version = await self._tree.version(node, revision)
        params: dict[str, str | int] = {**id_param(node), "revisionid": version.revisionid or 0}
        wanted = digests(await self._client.call("checksumfile", params, wire.Checksums))

        async def look() -> wire.One | None:
            now = await self._client.call("checksumfile", id_param(node), wire.Checksums)
            if not wanted or digests(now) != wanted:
                return None
            return wire.One(result=0, metadata=now.metadata)

        answer = await self._client.call(
            "revertrevision", params, wire.One, change=True, safe=False, reconcile=look
        )
        return self._names.entry(whole(answer.metadata, "revertrevision"))

    async def ticket(self, item: Found, revision: str) -> ReadTicket:
        """A fresh signed way to the bytes of a version."""
        node = _file(item)
        _, version = await self._tree.version(node, revision)
        return await self._links.version_ticket(node, version)

    def as_file(self, item: Found, revision: Revision) -> Found:
        """The version as something to read and to copy, under its file's name and an id of its
        own."""
        node = version_id(_file(item), revision.id)
        entry = replace(
            item.entry,
            id=node,
            size=revision.size,
            mtime_ns=revision.mtime_ns,
            hash=revision.hash,
        )
        return Found(Location(item.at.account, item.at.parts, node), entry)


def _file(item: Found) -> str:
    node, _ = split_version(item.at.node or item.entry.id)
    if kind_of(node) is not Kind.FILE:
        raise UsageError(f"{shown(item.at)} is a folder; only files have versions.")
    return node


def _content(item: wire.Item) -> tuple[int | None, int | None]:
    return item.hash, item.size


def _shown(row: wire.Version, is_current: bool) -> Revision:
    stored = wire.seconds(row.created)
    return Revision(
        id=str(row.revisionid),
        size=row.size,
        mtime_ns=None if stored is None else stored * _BILLION,
        hash=mark_bytes(row.hash),
        is_current=is_current,
    )
