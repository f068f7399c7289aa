"""A box with sentences, rows to look through, and answers.

The arrow keys go through the rows whatever has the focus; Tab and the letters reach the answers.
Rows are texts that are safe for display.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.strip import Strip
from textual.widgets import Static

from cloudtui.screens.dialogs import Dialog, Option, words
from cloudtui.screens.pick_screen import MOVES
from cloudtui.widgets.hearing import heard
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_middle, pad

_AROUND: Final = 6
"""Lines of a box besides sentences and rows: its frame, that of the rows, the answers."""
_LEAST: Final = 3
_WIDE: Final = 74

Row = tuple[str, str]
"""A text, and the style it has while the cursor is elsewhere."""

Later = Callable[[], Awaitable[tuple[str, Sequence[Row]]]]
"""A sentence, or an empty text for none, and rows."""


class Rows(RowList):
    """Texts, one to a line."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__(id="rows")
        self.rows = rows

    def row_count(self) -> int:
        return len(self.rows)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        text, style = self.rows[row]
        shown = f"{'>' if cursor else ' '}{cut_middle(text, width - 1)}"
        return Strip([Segment(pad(shown, width), self.style("cursor" if cursor else style))])


class ListBox(Dialog[bool]):
    """Gives True for the first answer, False for the other and for Esc."""

    BINDINGS: ClassVar[list[BindingType]] = list(MOVES)

    def __init__(
        self,
        title: str,
        sentences: Sequence[str],
        rows: Sequence[Row],
        *,
        yes: str = "",
        careful: bool = False,
        later: Later | None = None,
    ) -> None:
        """`yes` is the first answer; without it there is only one, which closes the box. With
        `careful` the focus starts on the other. `later` brings rows, and a sentence about them,
        while the box is open already."""
        answers = [Option(yes, yes[0].lower(), value=True)] if yes else []
        close = Option("Back" if yes else "Close", "b" if yes else "c", value=False)
        focus = len(answers) if careful else 0
        super().__init__(title, sentences, [*answers, close], safe=False, focus=focus)
        self.list = Rows(rows)
        self._later = later
        self._said = ""

    def middle(self) -> ComposeResult:
        yield words("", id="later")
        yield self.list

    def on_mount(self) -> None:
        self._fit()
        if self._later is not None:
            self.run_worker(self._fill(self._later), exit_on_error=False)

    async def _fill(self, later: Later) -> None:
        self._said, self.list.rows = await later()
        self._fit()
        if self.list.rows and heard():
            self.list.focus()

    def first_focus(self) -> None:
        if self.list.rows and heard():
            self.list.focus()  # only what has the focus is read out
        else:
            super().first_focus()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        said = self.query_one("#later", Static)
        said.update(Content(self._said))
        said.display, self.list.display = bool(self._said), bool(self.list.rows)
        width = min(self.app.size.width, _WIDE + 4) - 4
        told = [*self.sentences, *filter(None, [self._said])]
        above = sum(-(-max(1, len(each)) // max(1, width)) for each in told)
        room = self.app.size.height - above - _AROUND
        self.list.styles.height = max(_LEAST, min(len(self.list.rows), room)) + 2

    def action_move(self, how: str) -> None:
        """Moving keys."""
        if self.list.rows:
            self.list.action_move(how)
