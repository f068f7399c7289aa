"""The virtual list under every list of the program: draws the visible rows and nothing else.

One widget draws its frame, title, column heads, rows and foot line by line, so the cost of a move
or of a page is that of the lines on screen, never that of the rows behind them. Subclasses say how
many rows there are and draw one; what a row means is theirs.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from cloudtui.widgets.frame import frame_for
from cloudtui.widgets.hearing import heard, place_words, row_sentence, stand
from cloudtui.widgets.looks import looks_of
from cloudtui.widgets.rows import Look, pad

_OTHER_BUTTON = 3
_BEFORE_TITLE = 3
"""Cells of the upper edge before its words."""


class _About(Message, bubble=True):
    """Something happened to a list."""

    def __init__(self, control: RowList) -> None:
        super().__init__()
        self._control = control

    @property
    def control(self) -> RowList:
        """The list."""
        return self._control


class RowList(Widget, can_focus=True):
    """A framed list with a cursor."""

    ALLOW_SELECT = False
    speaks = True
    """Tells its current row itself, in the lower edge, where the screen is listened to."""
    DEFAULT_CSS = """
    RowList { width: 1fr; height: 1fr; }
    """

    class Moved(_About):
        """The cursor stands on another row, or what it stands on changed."""

        def can_replace(self, message: Message) -> bool:
            """Only the last of several moves matters."""
            return isinstance(message, RowList.Moved) and message.control is self.control

    class Chosen(_About):
        """A row was double-clicked."""

    class Menu(_About):
        """A row was clicked with the other button: what can be done with it is asked for."""

    class HeadClicked(_About):
        """A column head was clicked, `x` cells from the left edge of the rows."""

        def __init__(self, control: RowList, x: int) -> None:
            super().__init__(control)
            self.x = x

    class TitleClicked(_About):
        """The words of the upper edge were clicked, `x` cells from their start."""

        def __init__(self, control: RowList, x: int) -> None:
            super().__init__(control)
            self.x = x

    def __init__(
        self, *, id: str | None = None, framed: bool = True, ascii_only: bool = False
    ) -> None:
        super().__init__(id=id)
        self.framed = framed
        self.ascii_only = ascii_only
        self.title_text = ""
        self.title_right = ""
        self.foot_text = ""
        self.foot_right = ""
        self.notice: tuple[str, ...] = ()
        """Sentences shown below the last row: why it is empty, what went wrong, what to press."""
        self.stale = False
        """Rows are an older picture and drawn dim."""
        self._cursor = 0
        self._top = 0
        self._look: Look | None = None
        self._styles: dict[str, Style] = {}

    # --- for subclasses ----------------------------------------------------------------------

    def row_count(self) -> int:
        """How many rows there are."""
        return 0

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        """One row, exactly `width` cells wide."""
        raise AssertionError(f"{type(self).__name__} draws no rows ({row}, {width}, {cursor})")

    def head_text(self, width: int) -> str:
        """Column heads, or empty for none."""
        return ""

    def cursor_moved(self) -> None:
        """Called after the cursor moved."""

    # --- state -------------------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """The row under the cursor."""
        return self._cursor

    @cursor.setter
    def cursor(self, row: int) -> None:
        self._cursor = row

    @property
    def top(self) -> int:
        """The first visible row."""
        return self._top

    @top.setter
    def top(self, row: int) -> None:
        self._top = row

    @property
    def active(self) -> bool:
        """Whether keys reach this list: drawn with the strong frame and cursor."""
        return self.has_focus

    def set_title(self, text: str, right: str = "") -> None:
        """Words in the upper edge; safe for display already."""
        if (text, right) != (self.title_text, self.title_right):
            self.title_text, self.title_right = text, right
            self._refresh_line(0)

    def set_foot(self, text: str, right: str = "") -> None:
        """Words in the lower edge; safe for display already."""
        if (text, right) != (self.foot_text, self.foot_right):
            self.foot_text, self.foot_right = text, right
            self._refresh_line(self.size.height - 1)

    def set_notice(self, *sentences: str) -> None:
        """Words below the rows."""
        if sentences != self.notice:
            self.notice = sentences
            self.refresh()

    # --- geometry ----------------------------------------------------------------------------

    @property
    def inner_width(self) -> int:
        """Cells of a row."""
        return max(0, self.size.width - (2 if self.framed else 0))

    @property
    def body_top(self) -> int:
        """The line of the first row."""
        return int(self.framed) + bool(self.head_text(self.inner_width))

    @property
    def body_height(self) -> int:
        """Rows that fit."""
        return max(1, self.size.height - self.body_top - int(self.framed))

    def _refresh_line(self, y: int) -> None:
        self.refresh(Region(0, y, self.size.width, 1))

    def refresh_row(self, row: int) -> None:
        """Draw one row again, if it is visible."""
        y = row - self.top
        if 0 <= y < self.body_height:
            self._refresh_line(y + self.body_top)

    def keep_visible(self) -> bool:
        """Scroll so that the cursor is seen. Tells whether the rows moved."""
        height = self.body_height
        old = self.top
        highest = max(0, self.row_count() - height)
        top = min(old, highest)
        if self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + height:
            top = self.cursor - height + 1
        self.top = max(0, top)
        self._stand()
        return self.top != old

    def _stand(self) -> None:
        """Where the screen is listened to, the terminal's cursor is on the current row."""
        if self.speaks and self.has_focus and heard():
            line = self.body_top + self.cursor - self.top
            stand(self.screen, self.region.offset + Offset(int(self.framed), line))
            self._refresh_line(self.size.height - 1)

    @property
    def spoken(self) -> str:
        """The current row as a sentence."""
        count = self.row_count()
        if not 0 <= self.cursor < count:
            return "no items"
        drawn = self.draw_row(self.cursor, self.inner_width, cursor=True).text
        return f"{row_sentence(drawn)}, {place_words(self.cursor, count)}"

    # --- moving ------------------------------------------------------------------------------

    def go_to(self, row: int) -> None:
        """Put the cursor on a row, clamped, and draw what changed."""
        old = self.cursor
        self.cursor = max(0, min(row, self.row_count() - 1))
        if self.keep_visible():
            self.refresh()
        elif self.cursor != old:
            self.refresh_row(old)
            self.refresh_row(self.cursor)
        self.cursor_moved()
        self.post_message(self.Moved(self))

    def action_move(self, how: str) -> None:
        """The moving keys."""
        page = max(1, self.body_height - 1)
        half = max(1, self.body_height // 2)
        steps = {
            "up": -1, "down": 1, "page_up": -page, "page_down": page,
            "half_up": -half, "half_down": half,
        }  # fmt: skip
        if how == "first":
            self.go_to(0)
        elif how == "last":
            self.go_to(self.row_count() - 1)
        else:
            self.go_to(self.cursor + steps[how])

    # --- drawing -----------------------------------------------------------------------------

    def style(self, name: str) -> Style:
        """A style by its short name, resolved once per theme."""
        style = self._styles.get(name)
        if style is None:
            app = self.app
            style = self._styles[name] = looks_of(app.theme, app.theme_variables)[name]
        return style

    @property
    def look(self) -> Look:
        """All styles a row needs."""
        if self._look is None:
            get = self.style
            resting = get("resting")
            self._look = Look(
                row=get("row"),
                folder=get("folder"),
                link=get("link"),
                program=get("program"),
                dim=get("dim"),
                bad=get("bad"),
                marked=get("marked"),
                cursor=get("cursor"),
                cursor_marked=get("cursor-marked"),
                resting=Style(bgcolor=resting.bgcolor, underline=resting.underline),
                facts=get("facts"),
            )
        return self._look

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._look = None
        self._styles.clear()
        self.styles_changed()

    def styles_changed(self) -> None:
        """Called when every cached strip became wrong."""

    def on_resize(self) -> None:
        self.styles_changed()
        if self.keep_visible():
            self.refresh()  # drawn once already, when rows came before there was any room
        self.stand_when_placed()

    def on_focus(self) -> None:
        self.refresh()
        self.stand_when_placed()

    def stand_when_placed(self) -> None:
        """Put the terminal's cursor on the current row behind the next layout: a list that just
        opened has no place before it.
        """
        if self.speaks and heard():
            self.call_after_refresh(self._stand)

    def on_blur(self) -> None:
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if self.framed:
            if y == 0:
                return self._edge(width, top=True)
            if y == height - 1:
                return self._edge(width, top=False)
        inner = self.inner_width
        head = self.head_text(inner)
        at = y - int(self.framed)
        if head and at == 0:
            return self._sided(Strip([Segment(pad(head, inner), self.style("head"))]), "")
        row = self.top + at - bool(head)
        count = self.row_count()
        if row < count:
            strip = self.draw_row(row, inner, cursor=row == self.cursor)
            if self.stale and row != self.cursor:
                strip = strip.apply_style(Style(dim=True))
        else:
            strip = self._notice_line(row - count - (1 if count else 0), inner)
        return self._sided(strip, self._thumb(y))

    def _notice_line(self, line: int, width: int) -> Strip:
        lines = self._wrapped(width - 2)
        text = f" {lines[line]}" if 0 <= line < len(lines) else ""
        return Strip([Segment(pad(text, width), self.style("row"))])

    def _wrapped(self, width: int) -> list[str]:
        lines: list[str] = []
        for sentence in self.notice:
            line = ""
            for word in sentence.split(" "):
                joined = f"{line} {word}" if line else word
                if len(joined) > width and line:
                    lines.append(line)
                    line = word
                else:
                    line = joined
            lines.append(line)
        return lines

    def _thumb(self, y: int) -> str:
        """The right edge's character: the thumb shows what part of the rows is visible."""
        frame = frame_for(focused=self.active, ascii_only=self.ascii_only)
        count, height = self.row_count(), self.body_height
        if count <= height:
            return frame.side
        length = max(1, height * height // count)
        start = self.top * (height - length) // max(1, count - height)
        at = y - self.body_top
        return frame.thumb if start <= at < start + length else frame.side

    def _sided(self, strip: Strip, right: str) -> Strip:
        if not self.framed:
            return strip
        frame = frame_for(focused=self.active, ascii_only=self.ascii_only)
        style = self.style("frame-focused" if self.active else "frame")
        return Strip.join(
            [
                Strip([Segment(frame.side, style)]),
                strip,
                Strip([Segment(right or frame.side, style)]),
            ]
        )

    def _edge(self, width: int, *, top: bool) -> Strip:
        frame = frame_for(focused=self.active, ascii_only=self.ascii_only)
        style = self.style("frame-focused" if self.active else "frame")
        words_style = self.style("title-focused") if self.active and top else style
        left, right = (
            (self.title_text, self.title_right) if top else (self.foot_text, self.foot_right)
        )
        if not top and self.speaks and self.active and heard():
            left = f"{self.spoken}   {left}"
        opening, words, rest = frame.edge(left, right, width=width, top=top)
        return Strip(
            [Segment(opening, style), Segment(words, words_style), Segment(rest, style)]
        ).crop(0, width)

    # --- mouse -------------------------------------------------------------------------------

    def row_at(self, y: int) -> int:
        """The row drawn on a line, -1 when there is none."""
        row = self.top + y - self.body_top
        return row if self.body_top <= y and 0 <= row < self.row_count() else -1

    def on_click(self, event: events.Click) -> None:
        event.stop()
        row = self.row_at(event.y)
        if row >= 0 and event.y < self.size.height - int(self.framed):
            if event.button == _OTHER_BUTTON:
                self.go_to(row)
                self.post_message(self.Menu(self))
            elif event.shift or event.ctrl:
                self.clicked_with(row, shift=event.shift)
            else:
                self.go_to(row)
                if event.chain == 2:
                    self.post_message(self.Chosen(self))
        elif event.y == int(self.framed) and self.body_top > int(self.framed):
            self.post_message(self.HeadClicked(self, event.x - int(self.framed)))
        elif event.y == 0 and self.framed:
            self.post_message(self.TitleClicked(self, event.x - _BEFORE_TITLE))

    def clicked_with(self, row: int, *, shift: bool) -> None:
        """Ctrl+click or Shift+click on a row."""
        self.go_to(row)

    def _wheel(self, step: int) -> None:
        highest = max(0, self.row_count() - self.body_height)
        top = max(0, min(highest, self.top + step))
        if top != self.top:
            self.top = top
            self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._wheel(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._wheel(-3)
