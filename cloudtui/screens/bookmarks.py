"""The list of bookmarks: a folder to go to, or one to forget."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.strip import Strip

from cloudtui.screens.pick_screen import PickScreen
from cloudtui.services.naming import display_name
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_start, pad


class AddressList(RowList):
    """Numbered addresses."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__(id="addresses")
        self.addresses = addresses

    def row_count(self) -> int:
        return len(self.addresses)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        number = f"{row + 1:2d}" if row < 9 else "  "
        name = cut_start(display_name(self.addresses[row]), width - 5)
        text = pad(f"{'>' if cursor else ' '}{number} {name}", width)
        return Strip([Segment(text, self.style("cursor" if cursor else "row"))])


class BookmarkScreen(PickScreen[str, AddressList]):
    """Gives the address to go to, None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "leave", "stay", show=False),
        Binding("x,delete", "forget", "forget", show=False),
    ]

    title_words = "Bookmarks"
    foot_words = "Enter goes there   x forgets it   Esc stays"
    empty_words = "No bookmarks. B keeps the folder you are in."

    def __init__(self, addresses: list[str], forget: Callable[[str], None] | None = None) -> None:
        super().__init__(AddressList(addresses))
        self._forget = forget

    def on_mount(self) -> None:
        super().on_mount()
        self.list.set_title(self.title_words)
        self.list.set_foot(self.foot_words)
        self._fit()

    def _fit(self) -> None:
        count = len(self.list.addresses)
        self.list.set_notice(*([] if count else [self.empty_words]))
        self.list.styles.height = max(1, count) + 2

    def action_choose(self) -> None:
        """Enter."""
        if self.list.addresses:
            self.dismiss(self.list.addresses[self.list.cursor])

    def action_forget(self) -> None:
        """`x`."""
        if self.list.addresses and self._forget is not None:
            self._forget(self.list.addresses.pop(self.list.cursor))
            self.list.cursor = max(0, min(self.list.cursor, len(self.list.addresses) - 1))
            self._fit()
            self.list.refresh()


class RecentScreen(BookmarkScreen):
    """The folders of this run, the last one first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("z", "leave", "stay", show=False)]
    title_words = "Recent folders"
    foot_words = "Enter goes there   Esc stays"
    empty_words = "No other folder was shown in this run. g Space goes to a typed path."
