"""The words of the line above the key bar: the row under the cursor, and what keys do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from cloudtui import present
from cloudtui.actions import key_hint
from cloudtui.services.models import Entry, Flag, Kind
from cloudtui.services.naming import display_name
from cloudtui.widgets.line import Piece
from cloudtui.widgets.rows import cut_middle, part_words

if TYPE_CHECKING:
    from cloudtui.services.transfers.orders import PartView

_FULL = 100
_NARROW = 60
_NAME = 20
"""Cells of the name at least."""
_MARKS = (
    (Flag.STARRED, "starred"),
    (Flag.SHARED, "shared"),
    (Flag.ENCRYPTED, "encrypted"),
    (Flag.READ_ONLY, "read-only"),
)


def enter_words(entry: Entry) -> str:
    """What Enter does to a row."""
    if entry.is_folder:
        return "opens"
    return "views" if entry.kind is Kind.FILE else "properties"


def part_pieces(part: PartView, width: int) -> list[Piece]:
    """An unfinished file: how far it is, how its job stands, and the keys that are about it."""
    words = [part_words(part), part.state.value]
    if width < _NARROW:
        words = words[:1]
    elif part.size is not None:
        words.insert(1, present.size_pair(part.done, part.size, short=width < _FULL))
    pieces: list[Piece] = [("   " + "  ".join(words), "dim")]
    keys = [("go_on", "go on"), ("drop", "drop"), ("job", "its job")]
    for key, what in keys if width >= _FULL else keys[:2]:
        pieces += [(f"   {key_hint(f'part.{key}')}", "key"), (f" {what}", "dim")]
    room = width - 1 - sum(cell_len(text) for text, _ in pieces)
    return [(" " + cut_middle(display_name(part.name), max(_NAME, room)), "strong"), *pieces]


def info_pieces(
    entry: Entry | None, *, on_parent: bool, marked: int, target: str, width: int
) -> list[Piece]:
    """Name, size, date and keys. `target` is where the copy key leads, empty where it cannot."""
    if entry is None:
        if on_parent:
            return [(" ../", "strong"), ("   Enter", "key"), (" goes up", "dim")]
        return []
    if entry.kind is Kind.FOLDER:
        words = ["folder"]
    elif entry.kind in (Kind.LINK, Kind.SPECIAL):
        words = ["link" if entry.kind is Kind.LINK else "not a regular file"]
    else:
        words = ["size unknown" if entry.size is None else present.size_long(entry.size)]
    if entry.mtime_ns is not None:
        words.append(present.date_full(entry.mtime_ns))
    words += [word for flag, word in _MARKS if entry.flags & flag]
    pieces: list[Piece] = [("   " + "   ".join(words), "dim")]
    pieces += [("   Enter", "key"), (f" {enter_words(entry)}", "dim")]
    if target:
        what = f" {present.exact(marked)} marked" if marked else ""
        where = f" to {target}" if width >= _FULL else ""
        pieces += [(f"   {key_hint('browser.copy')}", "key"), (f" copy{what}{where}", "dim")]
    room = width - 1 - sum(cell_len(text) for text, _ in pieces)
    name = cut_middle(display_name(entry.name), max(_NAME, room))
    return [(" " + name, "strong"), *pieces]
