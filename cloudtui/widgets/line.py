"""One line of styled words: header, messages, facts of the current row, key bar."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from cloudtui.actions import key_name
from cloudtui.widgets.looks import looks_of
from cloudtui.widgets.rows import cut_end

Piece = tuple[str, str]
"""Text that is safe to display, and the short name of its style."""


class Line(Widget):
    """A line of pieces from the left and pieces that keep to the right edge."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Line { width: 1fr; height: 1; }
    """

    def __init__(self, *, id: str | None = None, bar: bool = False) -> None:
        """A `bar` stands on the colour of panels."""
        super().__init__(id=id)
        self._bar = bar
        self._left: tuple[Piece, ...] = ()
        self._right: tuple[Piece, ...] = ()

    def show(self, left: list[Piece], right: list[Piece] | None = None) -> None:
        """Replace the words; those on the right stay unless others are given. Draws only when they
        changed."""
        new = (tuple(left), self._right if right is None else tuple(right))
        if new != (self._left, self._right):
            self._left, self._right = new
            self.refresh()

    def show_right(self, right: list[Piece]) -> None:
        """Replace the words on the right alone."""
        self.show(list(self._left), right)

    @property
    def plain(self) -> str:
        """The words without styles, left and right."""
        return "".join(text for text, _ in (*self._left, *self._right))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        right_width = sum(cell_len(text) for text, _ in self._right)
        room = width - right_width
        if room < width // 3:
            right_width, room = 0, width
        segments: list[Segment] = []
        for text, name in self._left:
            if room <= 0:
                break
            shown = cut_end(text, room)
            room -= cell_len(shown)
            segments.append(Segment(shown, self._style(name)))
        segments.append(Segment(" " * room, self._style("text")))
        if right_width:
            segments.extend(Segment(text, self._style(name)) for text, name in self._right)
        return Strip(segments)

    def _style(self, name: str) -> Style:
        app = self.app
        return looks_of(app.theme, app.theme_variables)[f"bar-{name}" if self._bar else name]


class KeyBar(Line):
    """The function keys and a few letters; a click on a label does what the key does."""

    class Pressed(Message, bubble=True):
        """A label was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, bar=True)
        self._spans: list[tuple[int, int, str]] = []

    def show_keys(
        self, functions: list[tuple[str, str]], letters: list[tuple[str, str]], *, width: int
    ) -> None:
        """Labels by key: function keys from the left, letters where room of `width` is left."""
        roomy = width >= 100
        pieces: list[Piece] = []
        spans: list[tuple[int, int, str]] = []
        at = 0
        for key, label in functions:
            number = key.removeprefix("f")
            text = f" {number}" if roomy else number
            end = f"{label} "
            if at + len(text) + len(end) > width:
                break
            pieces += [(text, "key"), (end, "text")]
            spans.append((at, at + len(text) + len(end), key))
            at += len(text) + len(end)
        for index, (key, label) in enumerate(letters):
            lead = ("   " if index == 0 else "  ") if roomy else " "
            shown = key_name(key)
            end_at = at + len(lead) + len(shown) + 1 + len(label)
            if end_at > width:
                break
            pieces += [(lead, "text"), (shown, "key"), (f" {label}", "text")]
            spans.append((at, end_at, key))
            at = end_at
        self._spans = spans
        self.show(pieces)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.post_message(self.Pressed(key))
                return
