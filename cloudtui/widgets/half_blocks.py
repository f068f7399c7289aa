"""A picture in half blocks: each cell holds two pixels, the upper as its colour, the lower as its
ground. Pure: gives strips, knows no widget. Whether a screen can show them is told here, too."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from cloudtui.widgets.frame import Frames, frames

if TYPE_CHECKING:
    from textual.app import App

    from cloudtui.services.decoding import Picture

_UPPER: Final = "▀"
_COLOURS: Final = ("truecolor", "256")
_KEPT: Final = 0xFC
"""Six bits of a channel: nobody sees more, and cells share their styles."""


def can_draw(app: App[Any]) -> bool:
    """Whether pictures can be shown: enough colours, frames that are drawn by lines (a screen that
    is listened to has none, one of ASCII may give a block two cells), and a theme with colours."""
    if app.no_color or app.console.color_system not in _COLOURS or app.theme == "mono":
        return False
    return frames() is Frames.LINES


def half_blocks(picture: Picture, width: int, around: Style) -> list[Strip]:
    """The lines of a picture in the middle of `width` cells; two rows of pixels make one. `around`
    is the style of what is beside it."""
    wide, pixels = picture.width * 3, picture.pixels
    before = (width - picture.width) // 2
    left, right = " " * before, " " * (width - picture.width - before)
    lines = []
    for top in range(0, picture.height, 2):
        upper = pixels[top * wide : (top + 1) * wide]
        lower = pixels[(top + 1) * wide : (top + 2) * wide]
        drawn = [Segment(left, around), *_segments(upper, lower, around), Segment(right, around)]
        lines.append(Strip(drawn, width))
    return lines


def _segments(upper: bytes, lower: bytes, around: Style) -> list[Segment]:
    segments: list[Segment] = []
    run, style = 0, Style.null()
    for at in range(0, len(upper), 3):
        here = _style(_kept(upper, at), _kept(lower, at) if lower else -1)
        if not lower:
            here = around + here  # an odd number of rows: the last line ends in the middle
        if here is not style:
            if run:
                segments.append(Segment(_UPPER * run, style))
            run, style = 0, here
        run += 1
    segments.append(Segment(_UPPER * run, style))
    return segments


def _kept(row: bytes, at: int) -> int:
    return (row[at] & _KEPT) << 16 | (row[at + 1] & _KEPT) << 8 | row[at + 2] & _KEPT


@lru_cache(maxsize=4096)
def _colour(value: int) -> Color:
    return Color.from_rgb(value >> 16, value >> 8 & 0xFF, value & 0xFF)


@lru_cache(maxsize=16384)
def _style(upper: int, lower: int) -> Style:
    return Style.from_color(_colour(upper), None if lower < 0 else _colour(lower))
