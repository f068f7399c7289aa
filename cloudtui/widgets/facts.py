"""The side panel of wide screens: what is known of the current row, and a picture below it.

Fetches nothing: it tells when the cursor has rested long enough for a picture, and shows what it
is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer

from cloudtui import present
from cloudtui.services.models import Entry, Flag, Kind
from cloudtui.services.naming import display_name
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import pad

REST: Final = 0.2
"""Seconds for which the cursor must rest before something is fetched for its row."""

_KINDS = {
    Kind.FILE: "file",
    Kind.FOLDER: "folder",
    Kind.LINK: "link, not followed",
    Kind.SPECIAL: "device, socket or pipe",
}
_FLAGS = (
    (Flag.SHARED, "shared"),
    (Flag.STARRED, "starred"),
    (Flag.PENDING, "not complete yet"),
    (Flag.ENCRYPTED, "encrypted"),
    (Flag.READ_ONLY, "read-only"),
    (Flag.BLOCKED, "blocked by the service"),
    (Flag.EXECUTABLE, "program"),
)


def fact_lines(entry: Entry, where: str) -> list[tuple[str, str]]:
    """Labels and values of an entry, safe to display."""
    facts = [("name", display_name(entry.name)), ("kind", _KINDS[entry.kind])]
    if entry.kind is not Kind.FOLDER:
        size = (
            "not known"
            if entry.size is None
            else f"{present.size_long(entry.size)}  ({present.exact(entry.size)} bytes)"
            if entry.size >= 1000
            else present.count(entry.size, "byte")
        )
        facts.append(("size", size))
    if entry.mtime_ns is not None:
        facts.append(("changed", present.date_full(entry.mtime_ns)))
    if entry.created_ns is not None:
        facts.append(("made", present.date_full(entry.created_ns)))
    if where:
        facts.append(("in", where))
    flags = [word for flag, word in _FLAGS if entry.flags & flag]
    if flags:
        facts.append(("also", ", ".join(flags)))
    if entry.hash:
        facts.append(("hash", entry.hash.hex()[:40]))
    return facts


def property_lines(entry: Entry, where: str) -> list[str]:
    """All that is known of an entry, with the code points of a name that is odd."""
    since = "" if entry.mtime_ns is None else present.ago(entry.mtime_ns)
    lines = [
        f"{label:8} {value}" + (f"  ({since})" if label == "changed" and since else "")
        for label, value in fact_lines(entry, where)
    ]
    if not entry.name.isascii() or not entry.name.isprintable():
        points = " ".join(f"{ord(char):04X}" for char in entry.name)
        lines.append(f"{'points':8} {points}")
    lines.append(f"{'id':8} {display_name(entry.id)}")
    return lines


def wrapped(text: str, width: int) -> list[str]:
    """`text` in pieces of at most `width` characters."""
    width = max(8, width)
    return [text[at : at + width] for at in range(0, len(text), width)] or [""]


class Facts(RowList, can_focus=False):
    """Properties of one entry, and a picture of it."""

    class Rested(Message):
        """The cursor has rested on this entry."""

        def __init__(self, entry: Entry) -> None:
            super().__init__()
            self.entry = entry

    def __init__(self, *, id: str | None = None, ascii_only: bool = False) -> None:
        super().__init__(id=id, ascii_only=ascii_only)
        self._lines: list[str] = []
        self._shown: tuple[Entry | None, str] = (None, "")
        self._picture: tuple[Sequence[Strip], str] = ((), "")
        self._rest: Timer | None = None
        self.set_title("Properties")

    @property
    def entry(self) -> Entry | None:
        """Whose properties are shown."""
        return self._shown[0]

    @property
    def room(self) -> tuple[int, int]:
        """Columns and rows for a picture, with a line of words below it."""
        return max(0, self.inner_width - 2), max(0, self.body_height - len(self._lines) - 2)

    def show_entry(self, entry: Entry | None, where: str) -> None:
        """Show another entry. What was to come for the one before is given up."""
        if self._shown == (entry, where):
            return
        self._shown = (entry, where)
        self._fill()

    def show_picture(self, picture: Sequence[Strip], words: str) -> None:
        """Show a picture of the entry, no larger than `room`, and words below it, either of which
        may be empty."""
        self._picture = (picture, words)
        self.refresh()

    def _fill(self) -> None:
        entry, where = self._shown
        lines: list[str] = []
        if entry is not None:
            for label, value in fact_lines(entry, where):
                for number, piece in enumerate(wrapped(value, self.inner_width - 11)):
                    lines.append(f" {label if number == 0 else '':8} {piece}")
        self._lines = lines
        self._begin_rest()
        self.refresh()

    def _begin_rest(self) -> None:
        self._picture = ((), "")
        if self._rest is not None:
            self._rest.stop()
            self._rest = None
        self.workers.cancel_group(self, "picture")
        entry = self.entry
        if entry is not None and entry.kind is Kind.FILE:
            self._rest = self.set_timer(REST, self._rested)

    def _rested(self) -> None:
        self._rest = None
        if self.entry is not None and self.display:
            self.post_message(self.Rested(self.entry))

    def on_resize(self) -> None:
        super().on_resize()
        self._fill()

    def row_count(self) -> int:
        picture, words = self._picture
        below = len(picture) + len(self._told(words))
        return len(self._lines) + (below + 1 if below else 0)

    def _told(self, words: str) -> list[str]:
        return wrapped(words, self.inner_width - 2) if words else []

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        text = ""
        if row < len(self._lines):
            text = self._lines[row]
        elif row > len(self._lines):
            picture, words = self._picture
            row -= len(self._lines) + 1
            if row < len(picture):
                return picture[row].adjust_cell_length(width, self.style("row"))
            text = f" {self._told(words)[row - len(picture)]}"
        return Strip([Segment(pad(text, width), self.style("row"))])
