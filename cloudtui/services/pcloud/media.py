"""Other forms in which pCloud plays films and music, and its small pictures.

Films come in variants that pCloud made, which have no names of their own, and are made on request
as a playlist for players (HLS) or as sound alone. Every link is good for this address only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudtui.services.errors import Gone, NotFound, Refused
from cloudtui.services.media import (
    LARGEST_THUMBNAIL,
    ORIGINAL,
    Quality,
    chosen,
    is_music,
    is_played,
)
from cloudtui.services.models import Flag, Found, Kind
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import id_param, kind_of, split_version
from cloudtui.services.pcloud.links import Links
from cloudtui.services.pcloud.tree import shown

_SOUND: Final = "audio"
_PLAYLIST: Final = "hls"
_ON_REQUEST: Final = {_SOUND: "getaudiolink", _PLAYLIST: "gethlslink"}
_NO_PICTURE: Final = frozenset({1014, 1015, 3001})
_FRESH: Final = 2
"""So many fresh links are asked for after one that is over."""


class Media:
    """Forms and pictures of one account's files."""

    def __init__(self, client: Client, links: Links) -> None:
        self._client = client
        self._links = links

    async def qualities(self, item: Found) -> Sequence[Quality]:
        """See `PlaysQualities.qualities`."""
        return [quality for quality, _ in await self._forms(item)]

    async def quality_link(self, item: Found, name: str) -> str:
        """A link to a form; empty for the original, whose link is the file's own. Raises like
        `PlaysQualities.quality_link`."""
        if name.casefold() == ORIGINAL:
            return ""
        forms = await self._forms(item)
        quality = chosen([one for one, _ in forms], name, item)
        if quality.original:
            return ""
        variant = next(variant for one, variant in forms if one is quality)
        if variant is not None:
            return self._links.urls(wire.Link(hosts=variant.hosts, path=variant.path))[0]
        node = item.at.node or item.entry.id
        method = _ON_REQUEST[quality.name]
        return self._links.urls(await self._client.call(method, id_param(node), wire.Link))[0]

    async def _forms(self, item: Found) -> list[tuple[Quality, wire.Variant | None]]:
        """The forms and where each lies, None for what is made on request."""
        node = _file(item)
        if is_music(item.entry):
            made = [Quality(ORIGINAL, original=True), Quality(_SOUND, codecs=("mp3",))]
            return [(quality, None) for quality in made]
        if not is_played(item.entry):
            return []
        try:
            answer = await self._client.call("getvideolinks", id_param(node), wire.Variants)
        except Refused as error:
            if _code(error) == errors.NO_FILM:
                return []
            raise
        films = sorted(answer.variants, key=lambda one: (not one.isoriginal, -(one.height or 0)))
        forms: list[tuple[Quality, wire.Variant | None]] = []
        for film in films:
            taken = {one.name for one, _ in forms}
            forms.append((_quality(film, taken), film))
        if not any(quality.original for quality, _ in forms):
            forms.insert(0, (Quality(ORIGINAL, original=True), None))
        forms.append((Quality(_SOUND, codecs=("mp3",)), None))
        forms.append((Quality(_PLAYLIST, codecs=("m3u8",)), None))
        return forms

    # --- pictures -------------------------------------------------------------------------

    async def thumbnail(self, item: Found, side: int) -> bytes:
        """See `HasThumbnails.thumbnail`."""
        node = _file(item)
        params: dict[str, str | int] = {**id_param(node), "size": f"{side}x{side}"}
        fresh = _FRESH
        while True:
            try:
                link = await self._client.call("getthumblink", params, wire.Link)
            except Refused as error:
                if _code(error) in _NO_PICTURE:
                    raise NotFound(f"pCloud has no picture of {shown(item.at)}.") from error
                raise
            try:
                return await self._links.read_link(link, most=LARGEST_THUMBNAIL)
            except Gone:
                if not fresh:
                    raise
                fresh -= 1


def _code(error: Refused) -> int:
    """The number of pCloud's refusal, 0 where it is none of pCloud's."""
    number = error.detail.partition(": ")[2].partition(" ")[0]
    return int(number) if number.isdecimal() else 0


def _file(item: Found) -> str:
    """The id of a file that can be looked at. Raises Refused."""
    node = item.at.node or item.entry.id
    if kind_of(node) is not Kind.FILE:
        raise Refused(f"{shown(item.at)} is a folder.", hint="Only files are played.")
    if split_version(node)[1]:
        raise NotFound("pCloud plays and pictures files only as they are now.")
    if item.entry.flags & Flag.ENCRYPTED:
        raise Refused(f"{shown(item.at)} is encrypted by pCloud Crypto, which apps cannot open.")
    return node


def _quality(film: wire.Variant, taken: set[str]) -> Quality:
    name = ORIGINAL if film.isoriginal else f"{film.height}P" if film.height else "transcode"
    number = 2
    stem = name
    while name in taken:
        name, number = f"{stem} ({number})", number + 1
    rate = (film.videobitrate or 0) + (film.audiobitrate or 0)
    return Quality(
        name,
        original=film.isoriginal,
        width=film.width,
        height=film.height,
        duration=_seconds(film.duration),
        bit_rate=rate * 1000 or None,
        codecs=tuple(display_name(one) for one in (film.videocodec, film.audiocodec) if one),
    )


def _seconds(text: float | str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
