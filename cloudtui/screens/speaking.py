"""For screen readers: sentences where others see colours, frames and bars.

The terminal's own cursor stands on the current row, one line says what the row is, and progress is
told at each quarter. Frames and bars are left out where they are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.geometry import Offset

from cloudtui import present
from cloudtui.screens.browser import Browser
from cloudtui.services.models import Kind
from cloudtui.services.naming import display_name
from cloudtui.widgets.hearing import place_words, stand
from cloudtui.widgets.line import Piece

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen
    from cloudtui.services.transfers.orders import JobView, PartView

_QUARTER: Final = 25
_KINDS: Final = {
    Kind.FILE: "file",
    Kind.FOLDER: "folder",
    Kind.LINK: "link",
    Kind.SPECIAL: "no regular file",
}


def part_spoken(part: PartView) -> str:
    """`S01E01.mkv, unfinished file, 45 percent of 4.1 GiB, paused`; the key bar tells the keys."""
    words = [display_name(part.name), "unfinished file"]
    if part.size is not None:
        words.append(f"{part.percent} percent of {present.size_long(part.size)}")
    return ", ".join([*words, part.state.value])


def row_words(browser: Browser) -> str:
    """`holiday-2024.mkv, file, 4.1 GiB, marked, 3 of 8`."""
    view = browser.view
    entry = view.current
    place = place_words(view.cursor, view.rows)
    if view.part is not None:
        return f"{part_spoken(view.part)}, {place}"
    if entry is None:
        return f"parent folder, {place}" if view.on_parent() else "no items"
    words = [display_name(entry.name), _KINDS[entry.kind]]
    if entry.kind is Kind.FILE:
        words.append("size unknown" if entry.size is None else present.size_long(entry.size))
    if entry.is_starred:
        words.append("starred")
    if view.is_marked(view.index_at(view.cursor)):
        words.append("marked")
    return ", ".join([*words, place])


class Speaker:
    """Speaks for one main screen."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._told: dict[str, int] = {}
        screen.app.animation_level = "none"

    def row(self, browser: Browser) -> list[Piece]:
        """What the current row is; the terminal's cursor goes there, unless something lies above
        the panes.
        """
        pane = browser.pane
        y = pane.body_top + browser.view.cursor - browser.view.top
        stand(self._screen, pane.region.offset + Offset(1, y))
        return [(" " + row_words(browser), "text")]

    def jobs(self, views: Sequence[JobView]) -> None:
        """Tell each quarter of a job once."""
        for view in views:
            if not view.mine or view.state.is_final or view.percent is None:
                continue
            quarter = view.percent // _QUARTER * _QUARTER
            if quarter > self._told.get(view.id, 0):
                self._told[view.id] = quarter
                self._screen.say(f"{display_name(view.title)}: {quarter} percent")
