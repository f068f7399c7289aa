"""Public links: making, limiting, listing, taking back.

pCloud keeps one link per file or folder as far as is known, so making one looks for it first.
Whether apps may list links is not documented; where they may not, a link is still made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from msgspec.structs import replace

from cloudtui.services.errors import NotFound, NotSupported, UsageError
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Found, Kind, Location, Secret, Share
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import Names, id_param, kind_of
from cloudtui.services.pcloud.links import Links
from cloudtui.services.pcloud.parallel import each
from cloudtui.services.pcloud.tree import Tree

_PAGE: Final = 500
_DAY: Final = 86400
_BILLION: Final = 1_000_000_000


class Shares:
    """The public links of one account."""

    def __init__(
        self, account: str, client: Client, names: Names, tree: Tree, links: Links
    ) -> None:
        self._account = account
        self._client = client
        self._names = names
        self._tree = tree
        self._links = links

    async def make(
        self, item: Found, days: int | None, password: Secret | None, most: int | None
    ) -> Share:
        """The link of a file or folder with the limits given put on it; see `HasShares.share`."""
        node = item.at.node or item.entry.id
        if node == self._tree.root:
            raise UsageError("The top folder cannot be shared.")
        limits = self._limits(days, password, most)
        existing = await self._of(node)
        if existing is None:
            link = await self._new(node, limits)
        elif limits and existing.linkid is not None:
            await self._change(existing.linkid, limits)
            link = await self._of(node) or existing
        else:
            link = existing
        share = self._shown(link, item.at, item.entry.name, item.entry.kind)
        return _with_password(share, password)

    async def change(
        self, share: Share, days: int | None, password: Secret | None, most: int | None
    ) -> Share:
        """A link that is there with other limits; see `ChangesShares.change_share`."""
        limits = self._limits(days, password, most)
        number = _link_id(share.id)
        if limits:
            await self._change(number, limits)
        async for page in self.scan():
            for now in page:
                if now.id == share.id:
                    return _with_password(now, password)
        raise NotFound(f"The link to {display_name(share.name or share.id)} is no longer there.")

    async def _change(self, number: int, limits: dict[str, str | int]) -> None:
        await self._client.call(
            "changepublink", {"linkid": number, **limits}, wire.Answer, change=True
        )

    def _limits(
        self, days: int | None, password: Secret | None, most: int | None
    ) -> dict[str, str | int]:
        if any(number is not None and number < 0 for number in (days, most)):
            raise UsageError("A limit cannot be less than nothing.")
        limits: dict[str, str | int] = {}
        if days:
            limits["expire"] = int(self._client.now()) + days * _DAY
        elif days == 0:
            limits["deleteexpire"] = 1
        if most is not None:
            limits["maxdownloads"] = most
        if password is not None:
            # in the body of a POST: never in a request line
            limits["linkpassword"] = password.reveal()
        return limits

    async def _new(self, node: str, limits: dict[str, str | int]) -> wire.PublicLink:
        async def look() -> wire.NewPublicLink | None:
            found = await self._of(node)
            if found is None:
                return None
            return wire.NewPublicLink(
                result=0, linkid=found.linkid, code=found.code, link=found.link
            )

        method = "getfolderpublink" if kind_of(node) is Kind.FOLDER else "getfilepublink"
        params: dict[str, str | int] = {**id_param(node), **limits}
        params.pop("deleteexpire", None)
        if not params.get("maxdownloads"):
            params.pop("maxdownloads", None)
        if not params.get("linkpassword"):
            params.pop("linkpassword", None)
        self._links.forget_links()
        answer = await self._client.call(
            method, params, wire.NewPublicLink, change=True, safe=False, reconcile=look
        )
        failpoint("pcloud.share.made")
        if not answer.link:
            raise errors.bad_reply(method, "no link")
        most = params.get("maxdownloads")
        return wire.PublicLink(
            linkid=answer.linkid,
            code=answer.code,
            link=answer.link,
            created=int(self._client.now()),
            expires=params.get("expire"),
            maxdownloads=most if isinstance(most, int) else None,
            haspassword="linkpassword" in params,
        )

    async def _of(self, node: str) -> wire.PublicLink | None:
        for link in await self._links.public_links() or ():
            if link.node == node and link.link:
                return link
        return None

    async def scan(self) -> AsyncIterator[Sequence[Share]]:
        """All links, newest first. Raises NotSupported where pCloud does not list them to apps."""
        links = await self._links.public_links()
        if links is None:
            raise NotSupported(
                "pCloud does not show its public links to apps.",
                hint="They are listed on pCloud's web page.",
            )
        links.sort(key=lambda link: wire.seconds(link.created) or 0, reverse=True)
        paths: dict[int, tuple[str, ...] | None] = {}
        for start in range(0, len(links), _PAGE):
            page = links[start : start + _PAGE]
            wanted = {
                link.metadata.parentfolderid
                for link in page
                if link.metadata is not None and link.metadata.parentfolderid is not None
            } - paths.keys()
            for folder, path in zip(wanted, await each(list(wanted), self._path), strict=True):
                paths[folder] = path
            yield [self._placed(link, paths) for link in page]

    async def _path(self, folder: int) -> tuple[str, ...] | None:
        try:
            return await self._tree.path_of(folder)
        except NotFound:
            return None  # a folder of somebody else, or one deleted meanwhile

    def _placed(self, link: wire.PublicLink, paths: dict[int, tuple[str, ...] | None]) -> Share:
        item = link.metadata
        if item is None:
            return self._shown(link, None, "", Kind.FILE)
        name = self._names.local(item.name)
        path = paths.get(item.parentfolderid) if item.parentfolderid is not None else ()
        at = None if path is None else Location(self._account, (*path, name), item.node)
        return self._shown(link, at, name, Kind.FOLDER if item.isfolder else Kind.FILE)

    def _shown(self, link: wire.PublicLink, at: Location | None, name: str, kind: Kind) -> Share:
        created, expires = wire.seconds(link.created), wire.seconds(link.expires)
        note = ""
        if expires is not None and expires <= self._client.now():
            note = "It has expired."
        elif link.maxdownloads and (link.downloads or 0) >= link.maxdownloads:
            note = "Its downloads are used up."
        elif link.maxtraffic and (link.traffic or 0) >= link.maxtraffic:
            note = "Its traffic is used up."
        return Share(
            id="" if link.linkid is None else str(link.linkid),
            url=link.link,
            name=name,
            kind=kind,
            at=at,
            protected=bool(link.haspassword),
            created_ns=None if created is None else created * _BILLION,
            expires_ns=None if expires is None else expires * _BILLION,
            downloads=link.downloads,
            most_downloads=link.maxdownloads or None,
            note=note,
        )

    async def revoke(self, ids: Sequence[str]) -> None:
        """Take links back; one that is gone already is fine."""
        await each([_link_id(text) for text in ids], self._links.revoke)


def _link_id(text: str) -> int:
    """Raises NotFound for what cannot be one."""
    if not (text.isascii() and text.isdecimal()):
        raise NotFound(
            f"There is no public link {display_name(text)}.", hint="`share ls` shows the ids."
        )
    return int(text)


def _with_password(share: Share, password: Secret | None) -> Share:
    if password is None:
        return share
    return replace(share, password=password if password else None, protected=bool(password))
