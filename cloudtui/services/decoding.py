"""Decoding pictures for looking at, under limits. A leaf: knows neither places nor drawing.

Four formats and the first frame of each, in a thread; whatever is wrong with a picture is answered
in one sentence. The decoder is loaded by the first picture.
"""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from cloudtui.services.errors import Refused

if TYPE_CHECKING:
    from PIL import Image as Images

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
MOST_PIXELS: Final = 40_000_000
"""Pixels that are decoded at most: at four bytes each they take 160 MB for a moment. A JPEG counts
by what is left after the halving that its format offers."""
_DECODERS: Final = tuple(f"PIL.{name}ImagePlugin" for name in ("Jpeg", "Png", "WebP", "Gif"))
_LONGEST_SIDE: Final = 30_000
_TURNED: Final = frozenset((5, 6, 7, 8))
_ORIENTATION: Final = 0x0112

Rgb = tuple[int, int, int]


class Picture(Struct, frozen=True):
    """A decoded picture. `pixels` are `width * height` times three bytes, row by row; `original`
    is what the bytes themselves hold, in pixels."""

    width: int
    height: int
    pixels: bytes
    format: str
    original: tuple[int, int]


async def decoded_beside(data: bytes, box: tuple[int, int], ground: Rgb) -> Picture:
    """`decoded`, in a thread."""
    return await asyncio.to_thread(decoded, data, box, ground)


def decoded(data: bytes, box: tuple[int, int], ground: Rgb) -> Picture:
    """The first frame of a picture, made to fit into `box` (pixels across and down) and never
    larger than it is; what is transparent shows `ground`. Blocks. Raises Refused."""
    try:
        return _decoded(data, box, ground)
    except Refused:
        raise
    except MemoryError:
        raise Refused("The picture needs more memory to be drawn than there is.") from None
    except Exception as error:  # a boundary: decoders fail in every way on foreign bytes
        raise Refused(
            "The picture cannot be drawn: its bytes are not those of a JPEG, PNG, WebP or GIF.",
            detail=type(error).__name__,
        ) from error


def _decoded(data: bytes, box: tuple[int, int], ground: Rgb) -> Picture:
    import importlib

    from PIL import Image, ImageOps

    for name in _DECODERS:  # named, they need not be looked for among forty others
        importlib.import_module(name)
    Image.MAX_IMAGE_PIXELS = None  # it warns on the screen; the limits here come first
    with Image.open(io.BytesIO(data), formats=FORMATS) as found:
        size = found.size
        if max(size) > _LONGEST_SIDE:
            raise _too_large(size)
        image: Images.Image = found
        image.draft("RGB", (box[0] * 2, box[1] * 2))
        if image.width * image.height > MOST_PIXELS:
            raise _too_large(size)
        image.load()
        if image.getexif().get(_ORIENTATION) in _TURNED:
            size = (size[1], size[0])
        image = ImageOps.exif_transpose(image)
        if image.has_transparency_data:
            image.thumbnail(box, reducing_gap=2.0)
            clear = image.convert("RGBA")
            image = Image.new("RGB", clear.size, ground)
            image.paste(clear, mask=clear.getchannel("A"))
        else:
            image = image.convert("RGB")
            image.thumbnail(box, reducing_gap=2.0)
        return Picture(image.width, image.height, image.tobytes(), found.format or "", size)


def _too_large(size: tuple[int, int]) -> Refused:
    return Refused(f"The picture of {size[0]} x {size[1]} pixels is too large to be drawn here.")
