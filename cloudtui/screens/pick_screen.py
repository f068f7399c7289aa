"""A short list over the panes to pick one row of: by cursor, number or mouse."""

from __future__ import annotations

from typing import ClassVar, Final, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from cloudtui.screens.dialogs import STYLES
from cloudtui.widgets.row_list import RowList

T = TypeVar("T")
L = TypeVar("L", bound=RowList)

MOVES: Final[tuple[BindingType, ...]] = (
    Binding("up,k", "move('up')", "previous", show=False),
    Binding("down,j", "move('down')", "next", show=False),
    Binding("pageup", "move('page_up')", "page up", show=False),
    Binding("pagedown", "move('page_down')", "page down", show=False),
    Binding("home", "move('first')", "first", show=False),
    Binding("end", "move('last')", "last", show=False),
)
"""The moving keys of boxes with rows."""


class PickScreen(ModalScreen[T | None], Generic[T, L]):
    """Gives what was picked, None for nothing."""

    CSS_PATH = STYLES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "stay", show=False),
        Binding("enter,space", "choose", "choose", show=False),
        *MOVES,
    ]

    def __init__(self, rows: L) -> None:
        super().__init__()
        self.list = rows

    def compose(self) -> ComposeResult:
        yield self.list

    def on_mount(self) -> None:
        self.list.focus()

    def on_key(self, event: events.Key) -> None:
        if event.key.isdigit() and 1 <= int(event.key) <= self.list.row_count():
            event.stop()
            self.list.go_to(int(event.key) - 1)
            self.action_choose()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_choose()

    def action_move(self, how: str) -> None:
        """Moving keys."""
        self.list.action_move(how)

    def action_choose(self) -> None:
        """Enter."""
        raise AssertionError(f"nothing is picked in {type(self).__name__}")

    def action_leave(self) -> None:
        """Esc."""
        self.dismiss(None)
