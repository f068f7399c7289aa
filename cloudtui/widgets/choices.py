"""What may follow the first key of two, in at most two lines: pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from cloudtui.widgets.line import Piece
from cloudtui.widgets.rows import cut_end

_LEAST = 4


def choice_lines(
    lead: Sequence[Piece], choices: Sequence[tuple[str, str]], width: int
) -> tuple[list[Piece], list[Piece]]:
    """`lead` and the keys with their words, in one line where all fit, else in two, the longest
    words cut."""
    most = max((cell_len(text) for _, text in choices), default=0)
    while True:
        lines, used = _laid(lead, choices, width, most)
        if used <= width or most <= _LEAST:
            return lines
        most -= 1


def _laid(
    lead: Sequence[Piece], choices: Sequence[tuple[str, str]], width: int, most: int
) -> tuple[tuple[list[Piece], list[Piece]], int]:
    """Two lines whose words have at most `most` cells, and the cells of the last line in use."""
    lines: tuple[list[Piece], list[Piece]] = ([*lead], [])
    used = sum(cell_len(text) for text, _ in lead)
    line = lines[0]
    for key, text in choices:
        shown = cut_end(text, most)
        needed = cell_len(key) + cell_len(shown) + 3
        if used + needed > width and line is lines[0]:
            line, used = lines[1], 0
        line += [(f" {key}", "key"), (f" {shown} ", "dim")]
        used += needed
    return lines, used
