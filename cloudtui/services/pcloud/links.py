"""Ways to the bytes of a file, digests, and which public links there are.

Content links are signed, bound to the address that asked, and good for hours: they are never
written down, and the token never goes with them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from cloudtui.services.errors import CloudError, NotFound, Refused
from cloudtui.services.models import Flag, Found, HashType, Kind
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.below import folders_of, whole_tree
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import content_param, id_param, kind_of, number
from cloudtui.services.pcloud.regions import is_trusted
from cloudtui.services.pcloud.tree import Tree, shown
from cloudtui.services.storage import ReadTicket
from cloudtui.services.way import last_way

_CONNECTIONS: Final = 4
_REMEMBERED: Final = 30.0
"""Seconds for which public links, and which folder lies in which, are believed for a question."""
_MOST: Final = 10_000
_DIGEST: Final = re.compile(r"[0-9A-Fa-f]+")
_DIGITS: Final = {HashType.SHA1: 40, HashType.MD5: 32, HashType.SHA256: 64}


class Links:
    """Content links and public links of one account."""

    def __init__(self, account: str, client: Client, tree: Tree) -> None:
        self._account = account
        self._client = client
        self._tree = tree
        self._listed: tuple[float, list[wire.PublicLink]] = (0.0, [])
        self._parents: dict[int, tuple[float, int | None]] = {}

    async def ticket(self, item: Found) -> ReadTicket:
        """A fresh signed way to a file's bytes. Raises Refused for folders and encrypted files."""
        node = item.at.node or item.entry.id
        if kind_of(node) is not Kind.FILE:
            raise Refused(f"{shown(item.at)} is a folder; only files can be read.")
        if item.entry.flags & Flag.ENCRYPTED:
            raise Refused(
                f"{shown(item.at)} is encrypted by pCloud Crypto, which apps cannot open."
            )
        link = await self._client.call("getfilelink", id_param(node), wire.Link)
        size, mark = _size(link), link.hash
        if size is None or mark is None:
            # older answers carry neither; both guard a resumed download
            now = await self._tree.item(node)
            size = now.size if size is None else size
            mark = now.hash if mark is None else mark
        if size is None:
            raise errors.bad_reply("getfilelink", "no size")
        return self._ticket(link, size, str(mark) if mark is not None else f"size:{size}")

    async def version_ticket(self, node: str, version: wire.Version) -> ReadTicket:
        """A fresh signed way to the bytes of an earlier version."""
        revision = version.revisionid or 0
        params: dict[str, str | int] = {**id_param(node), "revisionid": revision}
        link = await self._client.call("getfilelink", params, wire.Link)
        size = version.size if version.size is not None else _size(link)
        if size is None:
            raise errors.bad_reply("getfilelink", "no size")
        return self._ticket(link, size, f"r{revision}:{version.hash}")

    def _ticket(self, link: wire.Link, size: int, version: str) -> ReadTicket:
        expires = wire.seconds(link.expires)
        # the ticket speaks in this machine's time
        offset = self._client.now() - time.time()
        return ReadTicket(
            account=self._account,
            urls=self.urls(link),
            size=size,
            version=version,
            expires_at=None if expires is None else round(expires - offset),
            connections=_CONNECTIONS,
            way=last_way.get(),
        )

    def urls(self, link: wire.Link) -> tuple[str, ...]:
        """The addresses in a link's answer, best first: the API's scheme, each host, the path.

        Hosts that are not pCloud's (or not on this machine, where the API is) are left out.
        """
        scheme = urlsplit(self._client.base).scheme
        path = link.path.replace(" ", "%20")
        found = [
            f"{scheme}://{host}{path}"
            for host in link.hosts
            if path.startswith("/")
            and not any(ord(char) < 0x21 or char in "/\\@?#" for char in host)
            and is_trusted(f"{scheme}://{host}/", self._client.base)
        ]
        if not found:
            raise errors.bad_reply("getfilelink", "no usable host")
        return tuple(found)

    async def hashes(self, node: str) -> Mapping[HashType, str]:
        """The digests pCloud holds: SHA-1 always, MD5 in the US, SHA-256 in the EU."""
        sums = await self._client.call("checksumfile", content_param(node), wire.Checksums)
        return digests(sums)

    async def read_small(self, node: str, *, most: int, head: bool = False) -> bytes:
        """The bytes of a small file of our own; with `head` the first bytes of any file. Raises
        Gone, NotFound."""
        link = await self._client.call("getfilelink", id_param(node), wire.Link)
        return await self.read_link(link, most=most, head=head)

    async def read_link(self, link: wire.Link, *, most: int, head: bool = False) -> bytes:
        """The bytes behind a link, from the first of its hosts that has them; like `read_small`."""
        urls = self.urls(link)

        async def fetch() -> bytes:
            failure: CloudError | None = None
            for url in urls:
                try:
                    return await self._client.fetch(url, most=most, head=head)
                except CloudError as error:
                    failure = error
            assert failure is not None
            raise failure

        return await self._client.retry(fetch)

    # --- public links ---------------------------------------------------------------------

    async def public_links(self) -> list[wire.PublicLink] | None:
        """All public links of the account, None when pCloud does not show them to apps."""
        try:
            answer = await self._client.call("listpublinks", {}, wire.PublicLinks)
        except Refused:
            return None
        self._listed = (time.monotonic() + _REMEMBERED, answer.publinks)
        return answer.publinks

    def forget_links(self) -> None:
        """A link was made, changed or taken back: none are remembered any more."""
        self._listed = (0.0, [])

    async def links_on(
        self, nodes: Iterable[str], *, remembered: bool = False
    ) -> dict[str, list[wire.PublicLink]] | None:
        """The public links on each of these entries, those on anything inside of folders among
        them; entries without are left out. None when pCloud does not show links to apps.

        `remembered`: a list of the last half minute will do. One call, and for folders one more
        for each of them or for each folder above a link, whichever are fewer.
        """
        links = await self._recent() if remembered else await self.public_links()
        if links is None:
            return None
        wanted = frozenset(nodes)
        folders = [node for node in wanted if kind_of(node) is Kind.FOLDER]
        hit: dict[str, list[wire.PublicLink]] = {}
        inside: list[tuple[int, wire.PublicLink]] = []
        for link in links:
            parent = link.metadata.parentfolderid if link.metadata is not None else None
            if link.node in wanted:
                hit.setdefault(link.node, []).append(link)
            elif folders and parent:
                inside.append((parent, link))
        holders = await self._holders(folders, {parent for parent, _ in inside})
        for parent, link in inside:
            if parent in holders:
                hit.setdefault(holders[parent], []).append(link)
        return hit

    async def _recent(self) -> list[wire.PublicLink] | None:
        until, links = self._listed
        return links if time.monotonic() < until else await self.public_links()

    async def _holders(self, folders: Sequence[str], inner: set[int]) -> dict[int, str]:
        """In which of `folders` each of the inner ones lies, for those that do."""
        wanted = frozenset(folders)
        found = {folder: f"d{folder}" for folder in inner if f"d{folder}" in wanted}
        left = inner - found.keys()
        walked = 0
        if len(folders) < len(left):
            for node in folders:
                tree = await whole_tree(self._client, number(node), no_files=True)
                if tree is None:
                    break
                walked += 1
                below = {each.folderid for each, _ in folders_of(tree, 0)}
                found.update((folder, node) for folder in left if folder in below)
        if walked < len(folders):
            for folder in left - found.keys():
                on = await self._lies_in(folder, wanted)
                if on is not None:
                    found[folder] = on
        return found

    async def _lies_in(self, folderid: int | None, wanted: frozenset[str]) -> str | None:
        while folderid:
            if f"d{folderid}" in wanted:
                return f"d{folderid}"
            until, parent = self._parents.get(folderid, (0.0, None))
            if until < time.monotonic():
                parent = (await self._tree.item(f"d{folderid}")).parentfolderid
                if len(self._parents) >= _MOST:
                    self._parents.clear()
                self._parents[folderid] = (time.monotonic() + _REMEMBERED, parent)
            folderid = parent
        return None

    async def revoke(self, linkid: int) -> None:
        """Take a public link back; that it is gone already is success."""
        self.forget_links()
        try:
            await self._client.call("deletepublink", {"linkid": linkid}, wire.Answer, change=True)
        except NotFound:
            return


def _size(link: wire.Link) -> int | None:
    if isinstance(link.size, str):
        return int(link.size) if link.size.isdecimal() else None
    return link.size


def digests(sums: wire.Checksums | wire.Sums | wire.UploadInfo) -> dict[HashType, str]:
    """The digests of an answer, lower case hex; missing ones, and what is none, left out."""
    given = {
        HashType.SHA1: sums.sha1,
        HashType.MD5: sums.md5,
        HashType.SHA256: None if isinstance(sums, wire.UploadInfo) else sums.sha256,
    }
    return {
        kind: value.lower()
        for kind, value in given.items()
        if value and _DIGEST.fullmatch(value) and len(value) == _DIGITS[kind]
    }
