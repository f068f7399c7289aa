"""What may follow the first key of two, in a few lines: pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from cloudtui.widgets.line import Piece
from cloudtui.widgets.rows import cut_end

_LEAST = 4


def choice_lines(
    lead: Sequence[Piece], choices: Sequence[tuple[str, str]], width: int, *, most_lines: int = 3
) -> list[list[Piece]]:
    """`lead` and the keys with their words, in as few lines as hold all; in the last one the
    longest words cut."""
    longest = max((cell_len(text) for _, text in choices), default=0)
    while True:
        lines, used = _laid(lead, choices, width, longest, most_lines)
        if used <= width or longest <= _LEAST:
            return lines
        longest -= 1


def _laid(
    lead: Sequence[Piece],
    choices: Sequence[tuple[str, str]],
    width: int,
    longest: int,
    most_lines: int,
) -> tuple[list[list[Piece]], int]:
    """Lines whose words have at most so many cells, and the cells of the last line in use."""
    lines: list[list[Piece]] = [[*lead]]
    used = sum(cell_len(text) for text, _ in lead)
    for key, text in choices:
        shown = cut_end(text, longest)
        needed = cell_len(key) + cell_len(shown) + 3
        if used + needed > width and len(lines) < most_lines:
            lines.append([])
            used = 0
        lines[-1] += [(f" {key}", "key"), (f" {shown} ", "dim")]
        used += needed
    return lines, used
