"""What an archive on a service holds: folders to enter, marks, and only those things unpacked.

Owns the list and which things were chosen; what is done with them is the caller's. Nothing is
fetched: each folder is asked of the service when it is entered, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from textual import on
from textual.binding import BindingType
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.screens.list_screen import MarkScreen
from cloudtui.services.models import ArchiveEntry, Found, Kind, Secret
from cloudtui.services.naming import display_name, sort_key
from cloudtui.services.unpackers import Archives
from cloudtui.services.unpacking import outermost
from cloudtui.widgets.mark_list import MarkList
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_middle, cut_start, pad, pad_left, sign_of

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen

_SIZE = 6
_INTO = 24


def name_of(entry: ArchiveEntry) -> str:
    """The last part of its path, as the archive spells it."""
    return entry.path.rpartition("/")[2]


class InsideList(MarkList[ArchiveEntry]):
    """One folder of an archive; marks are kept over all of them."""

    orders: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "name": lambda entry: (entry.kind is not Kind.FOLDER, sort_key(name_of(entry))),
        "size, largest first": lambda entry: (entry.kind is not Kind.FOLDER, -(entry.size or 0)),
    }

    def __init__(self) -> None:
        super().__init__(id="inside")
        self._seen: dict[str, ArchiveEntry] = {}

    def key_of(self, item: ArchiveEntry) -> str:
        return f"{item.path}/" if item.kind is Kind.FOLDER else item.path

    def words_of(self, item: ArchiveEntry) -> str:
        return name_of(item)

    def fill(self, items: Sequence[ArchiveEntry]) -> None:
        marks = set(self.marks)
        self._seen.update((self.key_of(item), item) for item in items)
        super().fill(items)
        self.marks = marks

    def chosen(self) -> list[ArchiveEntry]:
        """All that is marked in any folder, but for what the filter hides; without marks the row
        under the cursor."""
        if not self.marks:
            return self.taken()
        hidden = {self.key_of(item) for item in self.all} - {self.key_of(row) for row in self.rows}
        return [item for key, item in self._seen.items() if key in self.marks - hidden]

    def head_text(self, width: int) -> str:
        return f" {pad('Name', width - _SIZE - 2)} {pad_left('Size', _SIZE)}"

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        item = self.rows[row]
        marked = self.is_marked(item)
        folder = item.kind is Kind.FOLDER
        room = max(8, width - _SIZE - 2)
        name = cut_middle(display_name(name_of(item)), room - folder) + "/" * folder
        size = "" if item.size is None else present.size_short(item.size)
        text = sign_of(cursor=cursor, marked=marked) + pad(name, room) + " " + pad_left(size, _SIZE)
        style = "marked" if marked else "folder" if folder else "row"
        if cursor:
            style = "cursor-marked" if marked else "cursor"
        return Strip([Segment(pad(text, width), self.style(style))])


class InsideScreen(MarkScreen[InsideList]):
    """One archive. `wanted` holds what was chosen to be unpacked, nothing when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.ARCHIVE)

    def __init__(
        self,
        place: Archives,
        archive: Found,
        password: Secret | None,
        top: Sequence[ArchiveEntry],
        into: str,
        main: MainScreen,
        *,
        note: str = "",
    ) -> None:
        """`top` is the archive's first level; `into` names where things would go; `note` is said at
        the beginning."""
        super().__init__(InsideList(), main)
        self.wanted: list[ArchiveEntry] = []
        self._place = place
        self._archive = archive
        self._password = password
        self._into = into
        self._note = note
        self._folder = ""
        self._levels: dict[str, Sequence[ArchiveEntry]] = {"": top}
        self._left = ""
        """The folder that was left upwards: the cursor goes there."""

    def on_mount(self) -> None:
        super().on_mount()
        if self._note:
            self.say(self._note)

    def words(self) -> None:
        rows = self.list
        where = f": /{display_name(self._folder)}" if self._folder else ""
        count = "loading" if self._loading else present.count(len(rows.all), "item")
        rows.set_title(f"Inside {display_name(self._archive.entry.name)}{where}", count)
        chosen = len(rows.marks)
        marked = f"{present.exact(chosen)} marked   " if chosen else ""
        what = "unpacks them" if chosen else "unpacks this"
        into = cut_start(self._into, _INTO)
        current = rows.current
        opens = "Enter opens   " if current is not None and current.kind is Kind.FOLDER else ""
        keys = f"{marked}{opens}Space mark   X {what} {into}   Esc"
        rows.set_foot(rows.filter_words() or keys)

    async def scan(self) -> None:
        folder = self._folder
        if folder not in self._levels:
            self._levels[folder] = await self._place.list_archive(
                self._archive, self._password, inside=folder
            )
        rows = self._levels[folder]
        self.list.set_notice(*([] if rows else ["Nothing is in it. Backspace goes up."]))
        self.list.fill(rows)
        keys = [self.list.key_of(row) for row in self.list.rows]
        if self._left in keys:
            self.list.go_to(keys.index(self._left))
        self._left = ""

    def _open(self, folder: str, left: str = "") -> None:
        self._folder, self._left = folder, left
        self.list.pattern = ""
        self.list.set_notice()
        self.list.fill([])
        self.list.go_to(0)
        self.load()

    # --- keys --------------------------------------------------------------------------------

    def action_enter(self) -> None:
        """Enter: into the folder."""
        entry = self.list.current
        if entry is None:
            return
        if entry.kind is Kind.FOLDER:
            self._open(entry.path)
        else:
            self.say("A file: Space marks it, X unpacks what is marked.")

    @on(RowList.Chosen)
    def _double_clicked(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_enter()

    def action_parent(self) -> None:
        """Backspace: the folder above."""
        if self._folder:
            self._open(self._folder.rpartition("/")[0], left=f"{self._folder}/")
        else:
            self.say("That is the top of the archive. Esc closes.")

    def action_reload(self) -> None:
        """Ctrl+R: ask for this folder anew."""
        self._levels.pop(self._folder, None)
        self.load()

    def action_unpack(self) -> None:
        """`X`: these and nothing else."""
        self.wanted = outermost(self.list.chosen())
        if self.wanted:
            self.dismiss(None)
        else:
            self.say("Nothing to unpack here: the cursor is on no row, and nothing is marked.")
