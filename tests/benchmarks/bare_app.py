"""The least Textual programs to compare with: one text, or a list of lines with a cursor.

`python -m tests.benchmarks.bare_app text|list`
"""

from __future__ import annotations

import sys

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

MARK = "painted-by-now"
LINES = 1_000


class Text(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        yield Static(MARK)


class Lines(ScrollView, can_focus=True):
    """A cursor on a thousand lines."""

    BINDINGS = [Binding("down", "move(1)"), Binding("up", "move(-1)")]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.cursor = 0
        self.virtual_size = Size(0, LINES)

    def render_line(self, y: int) -> Strip:
        line = y + self.scroll_offset.y
        style = Style(reverse=True) if line == self.cursor else Style()
        return Strip([Segment(f"{MARK} {line}".ljust(self.size.width), style)])

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        self.cursor = max(0, min(LINES - 1, self.cursor + step))
        top = self.scroll_offset.y
        if not top <= self.cursor < top + self.size.height:
            self.scroll_to(y=self.cursor - self.size.height // 2, animate=False, immediate=True)
        self.refresh(Region(0, self.cursor - step - top, self.size.width, 1))
        self.refresh(Region(0, self.cursor - top, self.size.width, 1))


class List(App[None]):
    """Only the list."""

    def compose(self) -> ComposeResult:
        yield Lines()


if __name__ == "__main__":
    (Text if sys.argv[1] == "text" else List)().run()
