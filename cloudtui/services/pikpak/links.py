"""Ways to a file's bytes on PikPak: the signed link, how long it lives, what it may be used for.

A fresh upload has no link for up to a minute, so a missing one is waited for. Links are secrets:
they never enter an error or a log.
"""

from __future__ import annotations

import math
import re
from typing import Final
from urllib.parse import unquote_plus

from cloudtui.services.errors import NotFound, Refused, Retry, ServerTrouble
from cloudtui.services.models import Found, HashType
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.listing import detail, gcid_bytes, is_blocked
from cloudtui.services.pikpak.tasks import is_gone
from cloudtui.services.retry import retrying
from cloudtui.services.storage import ReadTicket

CONNECTIONS: Final = 8
"""The ninth connection to one link was measured to get 503."""
ACCOUNT_CONNECTIONS: Final = 16
"""Over all links of an account: about so many were measured to be safe, more than 20 get 503."""

_OCTETS: Final = "application/octet-stream"
_MARGIN: Final = 10.0
_OVER: Final = 3
"""So many fresh links whose time is over say that the clocks disagree."""


def expiry_of(url: str) -> float | None:
    """When a link ends, in seconds since the epoch, from its own `expire`; None when it is silent.
    The time beside it in the answer is not reliable."""
    value = _parameter(url, "expire")
    return float(value) if value.isdigit() and int(value) > 0 else None


def _fid(url: str) -> str:
    return _parameter(url, "fid")


def _parameter(url: str, name: str) -> str:
    """A parameter of a link's query. Looked for like this because a whole query taken apart, five
    times a file, was a twentieth of a small file's processor time."""
    found = re.search(rf"[?&]{name}=([^&#]+)", url)
    return unquote_plus(found[1]) if found else ""


def links_of(row: wire.File, *, media: bool) -> list[str]:
    """Equivalent links to the original bytes, best first.

    A player's link with the same `fid` leads to the same bytes with fewer limits; another `fid` is
    a smaller transcode.
    """
    octets = (row.links or {}).get(_OCTETS)
    plain = octets.url if octets is not None and octets.url else row.web_content_link
    if not plain:
        return []
    urls = [plain]
    fid = _fid(plain)
    if media and fid:
        same = (
            each.link.url
            for each in row.medias or []
            if each.link is not None and _fid(each.link.url) == fid
        )
        first = next(same, "")
        if first:
            urls.insert(0, first)
    return list(dict.fromkeys(urls))


def hashes_of(row: wire.File) -> dict[HashType, str]:
    """The digests the service claims for a file; often no MD5, rarely no GCID."""
    hashes: dict[HashType, str] = {}
    if gcid_bytes(row.hash):
        hashes[HashType.GCID] = row.hash.upper()
    if len(row.md5_checksum) == 32:
        hashes[HashType.MD5] = row.md5_checksum.lower()
    return hashes


def require_open(row: wire.File, where: str) -> None:
    """Raise Refused when the service keeps the content of `where` from its owner."""
    if is_blocked(row):
        raise Refused(
            f"PikPak does not give out the content of {where}.",
            hint="It stays in your account; only its bytes are closed.",
            detail=display_name(row.audit.message if row.audit else ""),
        )


def require_safe(api: Api, url: str) -> None:
    """Raise Refused for a link without encryption to another machine."""
    api.network.require_safe(url, api.profile.drive_url)


class Links:
    """Reading for one account."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def ticket(self, item: Found) -> ReadTicket:
        """A fresh way to a file's bytes. Raises Refused when the content is blocked, ServerTrouble
        when no link comes in time."""
        where = display_name(str(item.at))
        if item.entry.is_folder:
            raise Refused(f"{where} is a folder.", hint="Enter it, or copy it whole.")

        over = 0

        async def linked() -> wire.File:
            nonlocal over
            row = await detail(self._api, item.entry.id, where=where)
            if row.is_folder:
                raise NotFound(f"{where} is a folder on PikPak now.")
            require_open(row, where)
            urls = self._live(row)
            if not urls and links_of(row, media=False):
                over += 1  # by our clock; it may be wrong, and the content's host knows better
            if row.size != 0 and not urls and over < _OVER:
                raise ServerTrouble(
                    f"PikPak has no link to {where} yet.",
                    hint="Fresh uploads get theirs within a minute.",
                    retry=Retry.SOON,
                )
            return row

        try:
            row = await retrying(linked, retries=self._api.retries)
        except NotFound as error:
            if is_gone(error):
                raise
            raise NotFound(
                f"{where} lies in PikPak's trash, which gives out no content.",
                hint="Restore it first.",
                detail=error.detail,
            ) from error
        urls = self._live(row) or links_of(row, media=self._api.profile.media_links)
        for url in urls:
            require_safe(self._api, url)
        ends = [each for each in map(expiry_of, urls) if each is not None]
        return ReadTicket(
            account=self._api.profile.account,
            urls=tuple(urls),
            size=row.size if row.size is not None else item.entry.size or 0,
            version=f"{row.id}:{row.size}",
            headers=(("User-Agent", self._api.profile.user_agent), ("Accept", "*/*")),
            expires_at=min(ends) if ends else None,
            connections=CONNECTIONS,
            account_connections=ACCOUNT_CONNECTIONS,
            hashes=hashes_of(row),
        )

    def _live(self, row: wire.File) -> list[str]:
        """Links that hold for a while; where the service makes none that do, those not over yet."""
        links = links_of(row, media=self._api.profile.media_links)
        now = self._api.now()
        for least in (_MARGIN, 0.0):
            live = [each for each in links if (expiry_of(each) or math.inf) > now + least]
            if live:
                return live
        return []

    async def hashes(self, item: Found) -> dict[HashType, str]:
        """The digests the service holds for a file."""
        try:
            row = await detail(self._api, item.entry.id, where=display_name(str(item.at)))
        except NotFound as error:
            if is_gone(error) or not item.entry.hash:
                raise
            return {HashType.GCID: item.entry.hash.hex().upper()}  # in the trash: as listed
        return hashes_of(row)
