"""PikPak's small pictures of pictures and films.

The address of one stands in a file's details and leads to a host of its own kind; nothing that
belongs to the account goes there. A picture is some ten thousand bytes, so it is read whole.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from cloudtui.services.errors import CloudError, Gone, NotFound, Refused, ServerTrouble
from cloudtui.services.media import LARGEST_THUMBNAIL, SMALL
from cloudtui.services.models import Found
from cloudtui.services.naming import display_name
from cloudtui.services.network import map_transport
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.client import FILES, Api
from cloudtui.services.pikpak.errors import SERVICE
from cloudtui.services.pikpak.links import require_open, require_safe
from cloudtui.services.retry import retrying

if TYPE_CHECKING:
    import httpx

_AT_ONCE: Final = 2
_FRESH: Final = 2
"""So many fresh addresses are asked for after one that is over."""


class Thumbnails:
    """Pictures for one account."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._client: httpx.AsyncClient | None = None

    async def read(self, item: Found, side: int) -> bytes:
        """See `HasThumbnails.thumbnail`. The service knows three sizes."""
        where = display_name(str(item.at))
        size = "SIZE_MEDIUM" if side <= SMALL else "SIZE_LARGE"

        for fresh in range(_FRESH, -1, -1):
            row = await self._api.call(
                wire.File,
                "GET",
                f"{FILES}/{item.entry.id}",
                query=(("thumbnail_size", size),),
                where=where,
            )
            require_open(row, where)
            url = row.thumbnail_link
            if not url:
                break
            require_safe(self._api, url)
            try:
                return await retrying(partial(self._fetch, url), retries=self._api.retries)
            except Gone:
                if not fresh:
                    raise
        raise NotFound(f"PikPak has no picture of {where}.")

    async def _fetch(self, url: str) -> bytes:
        import httpx

        if self._client is None:
            self._client = self._api.network.client(connections=_AT_ONCE)
        body = bytearray()
        try:
            async with self._client.stream("GET", url, headers={"Accept": "*/*"}) as reply:
                if reply.status_code != 200:
                    raise _refusal(reply.status_code)
                async for piece in reply.aiter_bytes():
                    body += piece
                    if len(body) > LARGEST_THUMBNAIL:
                        raise Refused("The picture is larger than a thumbnail can be.")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            raise map_transport(error, SERVICE) from error
        return bytes(body)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _refusal(status: int) -> CloudError:
    if status in (403, 404, 410):
        return Gone("PikPak's address of the picture is over.", detail=f"HTTP {status}")
    if status >= 500 or status in (408, 429):
        return ServerTrouble("PikPak does not hand out the picture now.", detail=f"HTTP {status}")
    return Refused("PikPak does not hand out the picture.", detail=f"HTTP {status}")
