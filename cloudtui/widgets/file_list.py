"""The list of a pane: a `FolderView` drawn as rows, with marks, filter and jump typed in place.

Does no I/O: pages come in by `add`, a reload by `replace`. Everything it shows of a name goes
through `rows`, which makes it safe. Keys of unfinished files are its own, since they go before
those of the screen around it; what they do is the screen's.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.services.listing import SortBy
from cloudtui.widgets import rows
from cloudtui.widgets.folder_view import FolderView
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.text_keys import pasted_after, typed_after

_CACHED_STRIPS = 2_000
_HOLD = 0.06


class FileList(RowList):
    """Entries of one folder, and what lies there unfinished."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.PART)
    speaks = False  # the line below both panes tells the row

    class Typed(Message, bubble=True):
        """Filter or jump text changed or ended."""

        def __init__(self, control: FileList) -> None:
            super().__init__()
            self._control = control

        @property
        def control(self) -> FileList:
            """The list."""
            return self._control

    class PartKey(Message, bubble=True):
        """A key was pressed that is about the unfinished file under the cursor."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self, *, id: str | None = None, ascii_only: bool = False) -> None:
        self.view = FolderView(has_parent=False)
        self._strips: dict[tuple[int, bool, bool, bool], Strip] = {}
        self._strip_width = -1
        self._columns = rows.Columns.for_width(40)
        super().__init__(id=id, ascii_only=ascii_only)
        self.typing = ""
        """`filter` or `jump` while text is being typed, else empty."""
        self.typed = ""

    # --- rows of the view --------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        return self.view.cursor

    @cursor.setter
    def cursor(self, row: int) -> None:
        self.view.move_to(row)

    @property
    def top(self) -> int:
        return self.view.top

    @top.setter
    def top(self, row: int) -> None:
        self.view.top = row

    def row_count(self) -> int:
        return self.view.rows

    def head_text(self, width: int) -> str:
        return rows.head_text(
            rows.Columns.for_width(width), self.view.by.value, reverse=self.view.reverse
        )

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        if width != self._strip_width:
            self._strip_width = width
            self._columns = rows.Columns.for_width(width)
            self._strips.clear()
        view = self.view
        index = view.index_at(row)
        active = self.active
        if index < 0:
            part = view.part_at(row)
            if part is not None:
                return rows.part_strip(part, self._columns, self.look, cursor=cursor, active=active)
            return rows.parent_strip(self._columns, self.look, cursor=cursor, active=active)
        marked = view.is_marked(index)
        key = (index, cursor, cursor and active, marked)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= _CACHED_STRIPS:
                self._strips.clear()
            strip = self._strips[key] = rows.entry_strip(
                view.entries[index],
                self._columns,
                self.look,
                cursor=cursor,
                active=active,
                marked=marked,
                twin=view.twin_number(index),
                made=view.by is SortBy.CREATED,
            )
        return strip

    def styles_changed(self) -> None:
        self._strips.clear()

    def cursor_moved(self) -> None:
        if self.view.in_range:
            self.refresh()

    # --- filling -----------------------------------------------------------------------------

    def replace(self, view: FolderView, *, hold: bool = False) -> None:
        """Show another folder, or a fresh list of the same one.

        With `hold` the old picture stays for a moment: a list that arrives at once then appears
        without a blank frame in between. Keys mean the new folder from now on.
        """
        self.view = view
        self._strips.clear()
        self.stale = False
        if hold:
            self.set_timer(_HOLD, self.redraw)
        else:
            self.redraw()

    def redraw(self) -> None:
        """Draw all after the view changed."""
        self.keep_visible()
        self.refresh()
        self.post_message(self.Moved(self))

    # --- unfinished files --------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """On all other rows their keys mean what they mean on the screen."""
        if action == "part":
            return self.view.part is not None and not self.typing
        return super().check_action(action, parameters)

    def action_part(self, what: str) -> None:
        """`r`, `d`, Enter on the row of an unfinished file."""
        self.post_message(self.PartKey(what))

    # --- typing in place ---------------------------------------------------------------------

    def start_typing(self, what: str) -> None:
        """Take keys as filter or jump text until Enter or Esc."""
        self.typing = what
        self.typed = self.view.pattern if what == "filter" else ""
        self.post_message(self.Typed(self))

    def stop_typing(self, *, keep: bool) -> None:
        """End filter or jump text; without `keep` a filter is cleared."""
        if self.typing == "filter" and not keep:
            self.set_filter("")
        self.typing = ""
        self.typed = ""
        self.post_message(self.Typed(self))

    def set_filter(self, pattern: str) -> None:
        """Show only matching rows."""
        self.view.set_filter(pattern)
        self.redraw()

    def _typed_changed(self) -> None:
        if self.typing == "filter":
            self.set_filter(self.typed)
        else:
            row = self.view.find(self.typed, self.cursor)
            if row >= 0:
                self.go_to(row)
        self.post_message(self.Typed(self))

    def on_key(self, event: events.Key) -> None:
        if not self.typing:
            return
        key = event.key
        if key == "escape":
            self.stop_typing(keep=False)
        elif key == "enter":
            self.stop_typing(keep=True)
        elif key in ("backspace", "ctrl+h") and not self.typed:
            self.stop_typing(keep=False)
        elif (typed := typed_after(self.typed, event)) is not None:
            self.typed = typed
            self._typed_changed()
        elif key == "ctrl+s" and self.typing == "jump":
            row = self.view.find(self.typed, self.cursor + 1)
            if row >= 0:
                self.go_to(row)
        elif key in ("up", "down", "pageup", "pagedown", "home", "end"):
            return
        else:
            self.stop_typing(keep=True)
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is text of what is typed."""
        if self.typing:
            event.stop()
            self.typed = pasted_after(self.typed, event)
            self._typed_changed()

    # --- marks -------------------------------------------------------------------------------

    def clicked_with(self, row: int, *, shift: bool) -> None:
        if shift:
            low, high = sorted((self.cursor, row))
            for at in range(low, high + 1):
                self.view.set_mark(at, on=True)
        else:
            self.view.set_mark(row)
        self.go_to(row)
        self.refresh()

    def mark_step(self, step: int, *, on: bool | None = None) -> None:
        """Mark the row under the cursor (toggle by default) and move."""
        self.view.set_mark(self.cursor, on)
        self.refresh_row(self.cursor)
        self.go_to(self.cursor + step)

    # --- order -------------------------------------------------------------------------------

    def sort(self, by: SortBy, *, reverse: bool) -> None:
        """Sort anew."""
        if SortBy.CREATED in (by, self.view.by):
            self._strips.clear()  # the column of dates shows others
        self.view.sort(by, reverse=reverse)
        self.redraw()

    def head_column(self, x: int) -> SortBy:
        """The column under a click on the heads."""
        columns = rows.Columns.for_width(self.inner_width)
        if columns.date and x > self.inner_width - columns.date - 1:
            shown = self.view.by
            return SortBy.CREATED if shown is SortBy.CREATED else SortBy.MODIFIED
        if columns.size and x > columns.name:
            return SortBy.SIZE
        return SortBy.NAME


def plain_strip(text: str, width: int, style_of: RowList, name: str = "row") -> Strip:
    """A row that is one text in one style."""
    return Strip([Segment(rows.pad(text, width), style_of.style(name))])
