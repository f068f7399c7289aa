"""A list with a filter that is typed over it.

Owns the pattern and the keys while it is typed; what fits and how rows are shown is the subclass's.
"""

from __future__ import annotations

from textual import events

from cloudtui.services.naming import display_name
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.text_keys import pasted_after, typed_after


class FilteredList(RowList):
    """Rows of which a pattern lets some through."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.pattern = ""
        self.typing = False
        """Keys are text of the filter."""

    def refill(self) -> None:
        """Show the rows that fit the pattern now."""
        raise AssertionError(f"{type(self).__name__} filters nothing")

    def filter(self, pattern: str) -> None:
        """Show only rows that fit; empty shows all."""
        self.pattern = display_name(pattern, edges=False)
        self.refill()
        self.post_message(self.Moved(self))

    def on_key(self, event: events.Key) -> None:
        if not self.typing:
            return
        if event.key == "escape":
            self.typing = False
            self.filter("")
        elif event.key == "enter":
            self.typing = False
            self.post_message(self.Moved(self))
        else:
            typed = typed_after(self.pattern, event)
            if typed is None:
                return
            self.filter(typed)
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is text of the filter while one is typed."""
        if self.typing:
            event.stop()
            self.filter(pasted_after(self.pattern, event))
