"""Pictures for looking at: where their bytes come from.

A cloud is asked for its own small picture, never for the file; a picture on this disk is read
itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudtui.services.errors import NotFound, Refused
from cloudtui.services.media import (
    LARGEST_FILE,
    HasThumbnails,
    is_picture,
    pictures_nothing,
)
from cloudtui.services.models import DISK, Found
from cloudtui.services.naming import display_name
from cloudtui.services.storage import Storage

if TYPE_CHECKING:
    from cloudtui.services.network import Network
    from cloudtui.services.retry import Retries


async def picture_bytes(
    storage: Storage, item: Found, side: int, network: Network, retries: Retries
) -> bytes:
    """The bytes of a small picture of a file: the service's own, or those of a picture on this
    disk.

    `side` is about the pixels of its longer side. Raises NotFound where there is none,
    NotSupported where the place makes none, Refused for a file too large to be read for it, and
    what the place raises.
    """
    name = display_name(item.entry.name)
    if item.at.account == DISK:
        if not is_picture(item.entry):
            raise NotFound(f"{name} is no picture that can be drawn here.")
        if (item.entry.size or 0) > LARGEST_FILE:
            most = LARGEST_FILE >> 20
            raise Refused(f"{name} is larger than the {most} MiB that are read for a picture.")
        from cloudtui.services.transfers.peek import first_bytes

        return await first_bytes(storage, item, LARGEST_FILE, network, retries)
    place: object = storage
    if not isinstance(place, HasThumbnails) or not storage.caps.allows("thumbnails"):
        raise pictures_nothing(storage.title)
    return await place.thumbnail(item, side)
