"""What may follow the first key of two, in at most two lines: pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from cloudtui.widgets.line import Piece
from cloudtui.widgets.rows import cut_end

_LEAST = 4


def _fitting(words: Sequence[str], room: int) -> int:
    """The longest length to which all words can be cut so that they fit into `room` cells."""
    most = max((cell_len(text) for text in words), default=0)
    while most > _LEAST and sum(min(most, cell_len(text)) for text in words) > room:
        most -= 1
    return most


def choice_lines(
    lead: Sequence[Piece], choices: Sequence[tuple[str, str]], width: int
) -> tuple[list[Piece], list[Piece]]:
    """`lead` and the keys with their words, in one line where all fit, else in two, the longest
    words cut."""
    lead_width = sum(cell_len(text) for text, _ in lead)
    keys = sum(cell_len(key) + 3 for key, _ in choices)
    words = [text for _, text in choices]
    if lead_width + keys + sum(cell_len(text) for text in words) <= width:
        most = width
    else:
        # what stands at the end of the first line may leave a word's room empty
        most = _fitting(words, 2 * width - lead_width - keys - width // 5)
    lines: tuple[list[Piece], list[Piece]] = ([*lead], [])
    used = lead_width
    line = lines[0]
    for key, text in choices:
        shown = cut_end(text, most)
        needed = cell_len(key) + cell_len(shown) + 3
        if used + needed > width and line is lines[0]:
            line, used = lines[1], 0
        line += [(f" {key}", "key"), (f" {shown} ", "dim")]
        used += needed
    return lines
