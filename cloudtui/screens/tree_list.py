"""A tree that a service shows and nobody has here: folders to enter, marks over all of them.

Owns the list of one folder, the way down and up, and what is chosen; each folder is asked for when
it is entered, once. What the tree is, and what is done with the chosen, is the subclass's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from textual import on
from textual.strip import Strip

from cloudtui import present
from cloudtui.screens.list_screen import MarkScreen
from cloudtui.services.naming import display_name, sort_key
from cloudtui.widgets.mark_list import MarkList
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_middle, pad, pad_left, sign_of

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen

T = TypeVar("T")

_SIZE = 6


@dataclass(frozen=True, slots=True)
class TreeRow(Generic[T]):
    """Something in the tree. `key` tells it from all others of the tree; `name` is foreign."""

    key: str
    name: str
    is_folder: bool
    size: int | None
    item: T


class TreeList(MarkList[TreeRow[T]], Generic[T]):
    """One folder of a tree; marks are kept over all of them."""

    orders: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "name": lambda row: (not row.is_folder, sort_key(row.name)),
        "size, largest first": lambda row: (not row.is_folder, -(row.size or 0)),
    }

    def __init__(self) -> None:
        super().__init__(id="inside")
        self._seen: dict[str, TreeRow[T]] = {}

    def key_of(self, item: TreeRow[T]) -> str:
        return item.key

    def words_of(self, item: TreeRow[T]) -> str:
        return item.name

    def fill(self, items: Sequence[TreeRow[T]]) -> None:
        marks = set(self.marks)
        self._seen.update((item.key, item) for item in items)
        super().fill(items)
        self.marks = marks

    def chosen(self) -> list[TreeRow[T]]:
        """All that is marked in any folder, but for what the filter hides; without marks the row
        under the cursor."""
        if not self.marks:
            return self.taken()
        hidden = {item.key for item in self.all} - {row.key for row in self.rows}
        return [item for key, item in self._seen.items() if key in self.marks - hidden]

    def head_text(self, width: int) -> str:
        return f" {pad('Name', width - _SIZE - 2)} {pad_left('Size', _SIZE)}"

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        item = self.rows[row]
        marked = self.is_marked(item)
        room = max(8, width - _SIZE - 2)
        name = cut_middle(display_name(item.name), room - item.is_folder) + "/" * item.is_folder
        size = "" if item.size is None else present.size_short(item.size)
        text = sign_of(cursor=cursor, marked=marked) + pad(name, room) + " " + pad_left(size, _SIZE)
        style = "marked" if marked else "folder" if item.is_folder else "row"
        if cursor:
            style = "cursor-marked" if marked else "cursor"
        return Strip([Segment(pad(text, width), self.style(style))])


class TreeScreen(MarkScreen[TreeList[T]], Generic[T]):
    """One such tree."""

    top_words = "That is the top. Esc closes."
    file_words = "A file: Space marks it."

    def __init__(self, main: MainScreen, top: Sequence[TreeRow[T]] | None = None) -> None:
        """`top` is the first level where it is known already."""
        super().__init__(TreeList(), main)
        self._way: list[TreeRow[T]] = []
        """The folders from the top down to the one that is shown."""
        self._levels: dict[str, Sequence[TreeRow[T]]] = {} if top is None else {"": top}
        self._left = ""
        """The folder that was left upwards: the cursor goes there."""

    def pages_of(self, folder: TreeRow[T] | None) -> AsyncIterator[Sequence[TreeRow[T]]]:
        """What a folder holds (None: the top), page by page."""
        raise AssertionError(f"{type(self).__name__} shows no tree")

    @property
    def where(self) -> str:
        """The path of the folder that is shown, safe to display; empty at the top."""
        return "".join(f"/{display_name(folder.name)}" for folder in self._way)

    @property
    def _level(self) -> str:
        return self._way[-1].key if self._way else ""

    async def scan(self) -> None:
        level = self._level
        if level not in self._levels:
            rows: list[TreeRow[T]] = []
            async for page in self.pages_of(self._way[-1] if self._way else None):
                rows += page
                if len(rows) == len(page):
                    self.list.fill(rows)
            self._levels[level] = rows
        known = self._levels[level]
        empty = "Nothing is in it. Backspace goes up." if self._way else "Nothing is in it."
        self.list.set_notice(*([] if known else [empty]))
        self.list.fill(known)
        keys = [row.key for row in self.list.rows]
        if self._left in keys:
            self.list.go_to(keys.index(self._left))
        self._left = ""

    def _show(self, left: str = "") -> None:
        self._left = left
        self.list.pattern = ""
        self.list.set_notice()
        self.list.fill([])
        self.list.go_to(0)
        self.load()

    # --- keys --------------------------------------------------------------------------------

    def action_enter(self) -> None:
        """Enter: into the folder."""
        row = self.list.current
        if row is None:
            return
        if row.is_folder:
            self._way.append(row)
            self._show()
        else:
            self.say(self.file_words)

    @on(RowList.Chosen)
    def _double_clicked(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_enter()

    def action_parent(self) -> None:
        """Backspace: the folder above."""
        if self._way:
            self._show(left=self._way.pop().key)
        else:
            self.say(self.top_words)

    def action_reload(self) -> None:
        """Ctrl+R: ask for this folder anew."""
        self._levels.pop(self._level, None)
        self.load()
