"""The side panel of wide screens: what is known of the current row, without fetching anything."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from cloudtui import present
from cloudtui.services.models import Entry, Flag, Kind
from cloudtui.services.naming import display_name
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import pad

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
        facts.append(("mark", entry.hash.hex()[:40]))
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
    """Properties of one entry."""

    def __init__(self, *, id: str | None = None, ascii_only: bool = False) -> None:
        super().__init__(id=id, ascii_only=ascii_only)
        self._lines: list[str] = []
        self._shown: tuple[Entry | None, str] = (None, "")
        self.set_title("Properties")

    def show_entry(self, entry: Entry | None, where: str) -> None:
        """Show another entry."""
        if self._shown == (entry, where):
            return
        self._shown = (entry, where)
        self._fill()

    def _fill(self) -> None:
        entry, where = self._shown
        lines: list[str] = []
        if entry is not None:
            for label, value in fact_lines(entry, where):
                for number, piece in enumerate(wrapped(value, self.inner_width - 11)):
                    lines.append(f" {label if number == 0 else '':8} {piece}")
        self._lines = lines
        self.refresh()

    def on_resize(self) -> None:
        super().on_resize()
        self._fill()

    def row_count(self) -> int:
        return len(self._lines)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        return Strip([Segment(pad(self._lines[row], width), self.style("row"))])
