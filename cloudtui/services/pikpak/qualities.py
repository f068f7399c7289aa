"""Other forms in which PikPak plays a film: the transcodes that it happens to have.

They exist where somebody once had that very content transcoded; nothing makes one on request. A
form has a link like the file's own, or none for an account that may not play it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from cloudtui.services.errors import Refused
from cloudtui.services.media import ORIGINAL, Quality, chosen
from cloudtui.services.models import Found
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.links import expiry_of, require_open, require_safe
from cloudtui.services.pikpak.listing import detail

_ORIGIN: Final = "category_origin"


class Qualities:
    """The forms of films of one account."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def all(self, item: Found) -> Sequence[Quality]:
        """See `PlaysQualities.qualities`."""
        return [quality for quality, _ in await self._read(item)]

    async def link(self, item: Found, name: str) -> str:
        """A link to the form of that name; empty for the original, whose link is the file's own.
        Raises like `PlaysQualities.quality_link`."""
        if name.casefold() == ORIGINAL:
            return ""
        forms = await self._read(item)
        quality = chosen([one for one, _ in forms], name, item)
        if quality.original:
            return ""
        url = next(url for one, url in forms if one is quality)
        where = display_name(str(item.at))
        shown = display_name(quality.name)
        if not url:
            wants = f" It wants {quality.wants}." if quality.wants else ""
            raise Refused(
                f"PikPak does not play {where} in {shown} for this account.{wants}",
                hint="`--quality list` shows the other forms.",
            )
        if (expiry_of(url) or math.inf) <= self._api.now():
            raise Refused(
                f"PikPak's link to {where} in {shown} is over already.",
                hint="The clock of this machine may be wrong; try again.",
            )
        require_safe(self._api, url)
        return url

    async def _read(self, item: Found) -> list[tuple[Quality, str]]:
        """The forms with their links, the original first; empty where there is no other."""
        where = display_name(str(item.at))
        if item.entry.is_folder:
            raise Refused(f"{where} is a folder.", hint="Only files are played.")
        row = await detail(self._api, item.entry.id, where=where)
        require_open(row, where)
        forms = list(_forms(row))
        if all(quality.original for quality, _ in forms):
            return []
        if not any(quality.original for quality, _ in forms):
            forms.insert(0, (Quality("Original", original=True), ""))
        return sorted(forms, key=lambda form: not form[0].original)


def _forms(row: wire.File) -> Iterator[tuple[Quality, str]]:
    seen: dict[str, int] = {}
    for number, media in enumerate(row.medias or [], start=1):
        name = media.media_name or media.resolution_name or f"form {number}"
        times = seen[name.casefold()] = seen.get(name.casefold(), 0) + 1
        video = media.video or wire.Video()
        url = media.link.url if media.link is not None else ""
        yield (
            Quality(
                name if times == 1 else f"{name} ({times})",
                original=media.is_origin or media.category == _ORIGIN,
                width=video.width,
                height=video.height,
                duration=video.duration,
                bit_rate=video.bit_rate,
                codecs=tuple(each for each in (video.video_codec, video.audio_codec) if each),
                wants=_wants(media),
                given=bool(url),
            ),
            url,
        )


def _wants(media: wire.Media) -> str:
    wants = []
    if media.vip_types:
        wants.append("a plan: " + ", ".join(display_name(each) for each in media.vip_types))
    if media.need_more_quota:
        wants.append("more quota")
    return " and ".join(wants)
