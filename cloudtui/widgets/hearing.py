"""For screen readers: where the terminal's own cursor stands, and a drawn row as a sentence.

Used where frames are left out, which is how the setting for screen readers draws.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from textual.geometry import Offset

from cloudtui import present
from cloudtui.widgets.frame import Frames, frames

if TYPE_CHECKING:
    from textual.screen import Screen

_SHOW_CURSOR: Final = "\x1b[?25h"
_GAPS: Final = re.compile(r"\s{2,}|(?<=\S)\s+$")


def heard() -> bool:
    """Whether the screen is listened to."""
    return frames() is Frames.BLANK


def stand(screen: Screen[Any], at: Offset) -> None:
    """Put the terminal's cursor on a cell and show it, unless another screen lies above."""
    app = screen.app
    if app.screen is not screen:
        return
    app.cursor_position = at
    driver = app._driver
    if driver is not None and not app.is_headless:
        driver.write(_SHOW_CURSOR)


def place_words(number: int, count: int) -> str:
    """`3 of 8`, the first being 0."""
    return f"{present.exact(number + 1)} of {present.exact(max(1, count))}"


def row_sentence(drawn: str) -> str:
    """A row as drawn, its sign first, with commas where columns were: `a.txt, 3.2K, marked`."""
    sign, rest = drawn[:1], drawn[1:].strip()
    words = ", ".join(part for part in _GAPS.split(rest) if part)
    return f"{words}, marked" if sign in "*#" and sign else words
