"""Frames of lists and boxes as text: corners, edges, titles, in line or ASCII characters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len

from cloudtui.widgets.rows import cut_end


@dataclass(frozen=True, slots=True)
class Frame:
    """The characters of one frame: corners, edges, and the piece that shows the scroll place."""

    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str
    across: str
    side: str
    thumb: str

    def edge(self, left: str, right: str, *, width: int, top: bool) -> tuple[str, str, str]:
        """One horizontal edge as three texts: opening, words, rest.

        `left` stands near the left corner and is cut when there is no room; `right` stands near
        the right corner and goes first.
        """
        corner, end = (
            (self.top_left, self.top_right) if top else (self.bottom_left, self.bottom_right)
        )
        inner = max(0, width - 2)
        right_width = cell_len(right) + 3 if right else 0
        if right and right_width + 8 + (min(cell_len(left), 24) if left else 0) > inner:
            right, right_width = "", 0
        if inner < 6:
            left = ""
        left = cut_end(left, max(0, inner - right_width - 3)) if left else ""
        opening = corner + (self.across if left else "")
        words = f" {left} " if left else ""
        used = len(opening) + cell_len(words)
        tail = f" {right} {self.across}{end}" if right else end
        fill = self.across * max(0, width - used - cell_len(tail))
        return opening, words, fill + tail


LINES = Frame("┌", "┐", "└", "┘", "─", "│", "┃")
LINES_FOCUSED = Frame("╔", "╗", "╚", "╝", "═", "║", "█")
ASCII = Frame("+", "+", "+", "+", "-", "|", "#")
ASCII_FOCUSED = Frame("+", "+", "+", "+", "=", "|", "#")
BLANK = Frame(" ", " ", " ", " ", " ", " ", " ")


class Frames(StrEnum):
    """How everything is framed: lines, ASCII characters, or nothing that would be read aloud."""

    LINES = "lines"
    ASCII = "ascii"
    BLANK = "blank"


_frames = Frames.LINES


def use_frames(frames: Frames) -> None:
    """Frame everything so from now on."""
    global _frames
    _frames = frames


def frames() -> Frames:
    """How everything is framed now."""
    return _frames


def frame_for(*, focused: bool, ascii_only: bool) -> Frame:
    """The frame of a list. The focused one has a double line, so colour is not needed to see it."""
    if _frames is Frames.BLANK:
        return BLANK
    if ascii_only or _frames is Frames.ASCII:
        return ASCII_FOCUSED if focused else ASCII
    return LINES_FOCUSED if focused else LINES
