"""Entries as strips of text: pure functions from values to what a line of a pane shows.

Owns column widths, cutting and padding by terminal cells. Knows no widget and no state; names are
made safe here, on their way to the screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, split_graphemes
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from cloudtui import present
from cloudtui.services.models import Entry, Flag, Kind
from cloudtui.services.naming import display_name, split_extension

if TYPE_CHECKING:
    from cloudtui.services.transfers.orders import PartView

CUT: Final = "~"


def cut_end(text: str, width: int) -> str:
    """`text` in at most `width` cells, cut at the end by grapheme cluster."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return CUT[:width]
    return _take(text, width - 1) + CUT


def cut_middle(text: str, width: int) -> str:
    """`text` in at most `width` cells, cut in the middle: the extension and the cells before it
    stay, since that is where names of a series differ."""
    if cell_len(text) <= width:
        return text
    if width < 8:
        return cut_end(text, width)
    extension = split_extension(text.rstrip("/"))[1] if len(text) < 1000 else ""
    tail_width = min(max(8, cell_len(extension) + 6), width // 2)
    tail = _take_back(text, tail_width)
    return _take(text, width - 1 - cell_len(tail)) + CUT + tail


def cut_start(text: str, width: int) -> str:
    """`text` in at most `width` cells, cut at the start: for paths, whose end matters."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return CUT[:width]
    return CUT + _take_back(text, width - 1)


def _take(text: str, width: int) -> str:
    if text.isascii():
        return text[:width]
    spans, _ = split_graphemes(text)
    used = 0
    end = 0
    for _start, stop, cells in spans:
        if used + cells > width:
            break
        used += cells
        end = stop
    return text[:end]


def _take_back(text: str, width: int) -> str:
    if text.isascii():
        return text[-width:] if width else ""
    spans, _ = split_graphemes(text)
    used = 0
    begin = len(text)
    for start, _stop, cells in reversed(spans):
        if used + cells > width:
            break
        used += cells
        begin = start
    return text[begin:]


def pad(text: str, width: int) -> str:
    """`text` followed by spaces up to `width` cells; longer text is cut at its end."""
    if text.isascii():
        return text.ljust(width) if len(text) <= width else cut_end(text, width)
    cells = cell_len(text)
    if cells > width:
        text = cut_end(text, width)
        cells = cell_len(text)
    return text + " " * (width - cells)


def pad_left(text: str, width: int) -> str:
    """`text` after as many spaces as bring it to `width` cells."""
    cells = cell_len(text)
    return " " * (width - cells) + text if cells <= width else cut_end(text, width)


@dataclass(frozen=True, slots=True)
class Columns:
    """Cell widths of a row: one sign, the name, and what room is left for size and date."""

    name: int
    size: int
    date: int

    @classmethod
    def for_width(cls, width: int) -> Columns:
        """Columns for an inner pane width: the date goes first when it gets narrow."""
        if width >= 68:
            size, date = 6, 16
        elif width >= 50:
            size, date = 5, 12
        elif width >= 36:
            size, date = 5, 7
        elif width >= 20:
            size, date = 5, 0
        else:
            size, date = 0, 0
        used = 1 + (size + 1 if size else 0) + (date + 1 if date else 0)
        return cls(max(1, width - used), size, date)


@dataclass(frozen=True, slots=True)
class Look:
    """Resolved styles of a list; made anew when the theme changes."""

    row: Style
    folder: Style
    link: Style
    program: Style
    dim: Style
    bad: Style
    marked: Style
    cursor: Style
    cursor_marked: Style
    resting: Style
    facts: Style


def size_text(entry: Entry) -> str:
    """What the size column shows: a size, or the kind where there is none."""
    if entry.kind is Kind.FOLDER:
        return "SHR" if entry.flags & Flag.SHARED else "DIR"
    if entry.kind is Kind.LINK:
        return "LNK"
    if entry.kind is Kind.SPECIAL:
        return "DEV"
    return "?" if entry.size is None else present.size_short(entry.size)


def date_text(mtime_ns: int | None, width: int) -> str:
    """The date in the form that fits `width` cells."""
    if mtime_ns is None or width == 0:
        return ""
    if width >= 16:
        return present.date_full(mtime_ns)
    if width >= 12:
        return present.date_normal(mtime_ns)
    return present.date_compact(mtime_ns)


def name_style(entry: Entry, look: Look) -> Style:
    """The style that tells the kind of an entry; what matters is said by signs and words too."""
    if entry.flags & Flag.PENDING:
        return look.dim
    if entry.flags & Flag.BLOCKED:
        return look.bad
    if entry.kind is Kind.FOLDER:
        return look.folder
    if entry.kind in (Kind.LINK, Kind.SPECIAL):
        return look.link
    if entry.flags & Flag.EXECUTABLE:
        return look.program
    return look.row


def sign_of(*, cursor: bool, marked: bool) -> str:
    """`>` cursor, `*` marked, `#` both."""
    if cursor:
        return "#" if marked else ">"
    return "*" if marked else " "


def entry_strip(
    entry: Entry,
    columns: Columns,
    look: Look,
    *,
    cursor: bool,
    active: bool,
    marked: bool,
    twin: int = 0,
    made: bool = False,
) -> Strip:
    """One row of a pane. `active` tells whether the pane has focus, `twin` is the number shown
    for the second and later entries of one name; with `made` the date is that of its making."""
    shown = display_name(entry.name)
    suffix = "/" if entry.kind is Kind.FOLDER else ""
    if twin:
        suffix += f"  ={twin}"
    if entry.is_starred:
        suffix += "  *"
    shown = cut_middle(shown, max(1, columns.name - len(suffix))) + suffix
    name_part = sign_of(cursor=cursor and active, marked=marked) + pad(shown, columns.name)
    facts_part = ""
    if columns.size:
        facts_part = " " + pad_left(size_text(entry), columns.size)
    if columns.date:
        date = entry.created_ns if made else entry.mtime_ns
        facts_part += " " + pad_left(date_text(date, columns.date), columns.date)
    if cursor:
        if active:
            style = look.cursor_marked if marked else look.cursor
        else:
            style = (look.marked if marked else name_style(entry, look)) + look.resting
        return Strip([Segment(name_part + facts_part, style)])
    if marked:
        return Strip([Segment(name_part + facts_part, look.marked)])
    style = name_style(entry, look)
    return Strip([Segment(name_part, style), Segment(facts_part, look.facts)])


def parent_strip(columns: Columns, look: Look, *, cursor: bool, active: bool) -> Strip:
    """The `../` row."""
    width = (columns.size + 1 if columns.size else 0) + (columns.date + 1 if columns.date else 0)
    text = sign_of(cursor=cursor and active, marked=False) + pad("../", columns.name)
    text += pad_left("up", width) if width else ""
    style = look.folder
    if cursor:
        style = look.cursor if active else style + look.resting
    return Strip([Segment(text, style)])


def part_words(part: PartView) -> str:
    """`part 45 %`; without the number where nobody knows how long the file is."""
    return "part" if part.percent is None else f"part {part.percent} %"


def part_strip(
    part: PartView, columns: Columns, look: Look, *, cursor: bool, active: bool
) -> Strip:
    """The row of an unfinished file: it has the room of size and date, since it has neither."""
    width = columns.name
    width += (columns.size + 1 if columns.size else 0) + (columns.date + 1 if columns.date else 0)
    words = f"  {part_words(part)}"
    if part.state.is_final:
        words += f"  {part.state.value}"  # one that is only paused goes on where it stood
    name = cut_middle(display_name(part.name), max(1, width - len(words)))
    text = sign_of(cursor=cursor and active, marked=False) + pad(name + words, width)
    style = look.dim
    if cursor:
        style = look.cursor if active else style + look.resting
    return Strip([Segment(text, style)])


def head_text(columns: Columns, by: str, *, reverse: bool) -> str:
    """Column titles; the sorted one carries `^` or `v`."""
    sign = "v" if reverse else "^"

    def titled(word: str, column: str) -> str:
        return word + sign if by == column else word

    text = " " + pad(titled("Name", "name"), columns.name)
    if by == "extension":
        text = " " + pad("Name  by extension" + sign, columns.name)
    if columns.size:
        text += " " + pad_left(titled("Size", "size"), columns.size)
    if columns.date:
        column, word = ("created", "Created") if by == "created" else ("modified", "Changed")
        if by == column and columns.date <= len(word):
            word = word[:-2] + "."
        text += " " + pad_left(titled(word, column), columns.date)
    return text
