"""Small pictures of pictures and films, as both clouds hand them out.

A picture that can be read is made smaller; a film, or what only looks like a picture by its name,
gets a gradient that is the same each time. Knows no cloud.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.seed import picture

if TYPE_CHECKING:
    from PIL import Image as Images

FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
LARGEST = 32 * 1024 * 1024
MOST_PIXELS = 64_000_000
PAINTED = 256
"""Pixels across at most that are painted in Python: a large gradient takes seconds."""


def thumbnail(
    blob: Blob, size: tuple[int, int], *, crop: bool = False, png: bool = False
) -> tuple[bytes, tuple[int, int]]:
    """The picture as JPEG (or PNG) within `size`, and its real size. With `crop` it fills it."""
    from PIL import Image, ImageOps

    shown: Images.Image | None = _opened(blob)
    if shown is None:
        scale = max(size[0] / PAINTED, size[1] / PAINTED, 1)
        wide, high = int(size[0] / scale), int(min(size[1], size[0] * 9 / 16) / scale)
        number = sum(blob.read(0, 256)) + blob.size
        shown = Image.open(io.BytesIO(picture(number % 97, max(wide, 1), max(high, 1))))
    small = shown.convert("RGB")
    if crop:
        small = ImageOps.fit(small, size)
    else:
        small.thumbnail(size)
    out = io.BytesIO()
    small.save(out, "PNG" if png else "JPEG")
    return out.getvalue(), small.size


def _opened(blob: Blob) -> Images.Image | None:
    """The picture in these bytes, None when there is none."""
    from PIL import Image

    if not 0 < blob.size <= LARGEST:
        return None
    try:
        found = Image.open(io.BytesIO(blob.read()), formats=FORMATS)
        if found.width * found.height > MOST_PIXELS:
            return None
        found.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return found
