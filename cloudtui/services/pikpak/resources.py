"""What PikPak knows of a link before it is fetched: names, sizes, digests.

Asks only. A magnet that nobody brought to the service before comes as one nameless thing of no
size, which says "not known", never "empty".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import parse_qs, urlsplit

from cloudtui.services.models import HashType
from cloudtui.services.naming import Rule, decode_name, display_name
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.offline import checked_url
from cloudtui.services.pikpak.opened import Opened, share_link
from cloudtui.services.pikpak.wire_links import Resource, ResourceReply, Resources
from cloudtui.services.previews import LinkFile, Preview
from cloudtui.services.shares import ShareLink

_PATH: Final = "/drive/v1/resource/list"
_MOST: Final = 500
"""Files of a folder that are named; how many there are is told beside them."""


class Behind:
    """Looking behind links, for one account."""

    def __init__(self, api: Api, opened: Opened) -> None:
        self._api = api
        self._opened = opened

    async def look(self, url: str) -> Preview:
        """What is known of one link. Raises UsageError when it is none, Refused when nothing can
        be found behind it."""
        url = checked_url(url)
        shared = share_link(url, self._api.profile)
        if shared is not None:
            return await self._shared(shared)
        # several links would go in one text; alone each gets an answer or refusal of its own
        reply = await self._api.call(
            ResourceReply,
            "POST",
            _PATH,
            body={"urls": url, "page_size": _MOST, "thumbnail_type": "FROM_HASH"},
            where=display_name(url),
            safe=True,
        )
        rows = _rows(reply.list)
        rules = self._api.profile.rules
        name = decode_name(rows[0].name, rules) if len(rows) == 1 else ""
        # the folder that holds everything is the preview's name and no part of the paths
        inside = _rows(rows[0].dir) if len(rows) == 1 and rows[0].is_dir else rows
        files = tuple(_files(inside, "", rules))
        if not any(map(_is_known, rows)):
            error = next((row.meta.error for row in rows if row.meta and row.meta.error), "")
            said = f"PikPak could not read it: {display_name(error)}" if error else ""
            # the service names it by its hash; the link may say more
            return Preview(url, _own_name(url) or name, message=said)
        return Preview(url, name, sum(map(_size, rows)), sum(map(_count, rows)) or None, files)

    async def _shared(self, link: ShareLink) -> Preview:
        """What a share shows at once. Its folders would have to be gone through for their sizes:
        with one of them the whole is of unknown size."""
        at = await self._opened.led_to(link)
        seen = [item.entry async for page in self._opened.scan(link, at) for item in page]
        files = tuple(LinkFile(f"{e.name}/" if e.is_folder else e.name, e.size) for e in seen)
        name = at.entry.name if at is not None else seen[0].name if len(seen) == 1 else ""
        if any(each.is_folder for each in seen):
            return Preview(link.shown, name, files=files, message="a share with folders in it")
        return Preview(link.shown, name, sum(each.size or 0 for each in seen), len(seen), files)


def _own_name(url: str) -> str:
    """What a magnet says it is called, empty for one that does not and for other links."""
    parts = urlsplit(url)
    return parse_qs(parts.query).get("dn", [""])[0] if parts.scheme.lower() == "magnet" else ""


def _rows(page: Resources | None) -> list[Resource]:
    return (page.resources if page is not None else None) or []


def _is_known(row: Resource) -> bool:
    digest = row.meta.hash if row.meta is not None else ""
    return bool(row.file_size or digest or _rows(row.dir))


def _size(row: Resource) -> int:
    """Of a folder what it says itself, unless the files listed in it are more already."""
    return max(row.file_size or 0, sum(map(_size, _rows(row.dir))))


def _count(row: Resource) -> int:
    return max(row.file_count or 0, sum(map(_count, _rows(row.dir)))) if row.is_dir else 1


def _files(rows: Iterable[Resource], above: str, rules: frozenset[Rule]) -> Iterator[LinkFile]:
    """All files that are named, folders opened."""
    for row in rows:
        path = above + decode_name(row.name, rules)
        if row.is_dir:
            yield from _files(_rows(row.dir), f"{path}/", rules)
            continue
        digest = row.meta.hash.upper() if row.meta is not None else ""
        yield LinkFile(path, row.file_size, {HashType.GCID: digest} if digest else {})
