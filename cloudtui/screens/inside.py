"""What an archive on a service holds: folders to enter, marks, and only those things unpacked.

Owns which things were chosen; what is done with them is the caller's. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.screens.tree_list import TreeRow, TreeScreen
from cloudtui.services.models import ArchiveEntry, Found, Kind, Secret
from cloudtui.services.naming import display_name
from cloudtui.services.unpackers import Archives
from cloudtui.services.unpacking import outermost
from cloudtui.widgets.rows import cut_start

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen

_INTO = 24


def row_of(entry: ArchiveEntry) -> TreeRow[ArchiveEntry]:
    """Something in an archive; its name is the last part of its path, as the archive spells it."""
    folder = entry.kind is Kind.FOLDER
    key = f"{entry.path}/" if folder else entry.path
    return TreeRow(key, entry.path.rpartition("/")[2], folder, entry.size, entry)


class InsideScreen(TreeScreen[ArchiveEntry]):
    """One archive. `wanted` holds what was chosen to be unpacked, nothing when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.ARCHIVE)
    top_words = "That is the top of the archive. Esc closes."
    file_words = "A file: Space marks it, X unpacks what is marked."

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
        super().__init__(main, [row_of(entry) for entry in top])
        self.wanted: list[ArchiveEntry] = []
        self._place = place
        self._archive = archive
        self._password = password
        self._into = into
        self._note = note

    def on_mount(self) -> None:
        super().on_mount()
        if self._note:
            self.say(self._note)

    def words(self) -> None:
        rows = self.list
        where = f": {self.where}" if self.where else ""
        count = "loading" if self._loading else present.count(len(rows.all), "item")
        rows.set_title(f"Inside {display_name(self._archive.entry.name)}{where}", count)
        chosen = len(rows.marks)
        marked = f"{present.exact(chosen)} marked   " if chosen else ""
        what = "unpacks " + ("this", "it", "them")[min(chosen, 2)]
        into = cut_start(self._into, _INTO)
        current = rows.current
        opens = "Enter opens   " if current is not None and current.is_folder else ""
        keys = f"{marked}{opens}Space mark   X {what} {into}   Esc"
        rows.set_foot(rows.filter_words() or keys)

    async def pages_of(
        self, folder: TreeRow[ArchiveEntry] | None
    ) -> AsyncIterator[Sequence[TreeRow[ArchiveEntry]]]:
        inside = folder.item.path if folder is not None else ""
        found = await self._place.list_archive(self._archive, self._password, inside=inside)
        yield [row_of(entry) for entry in found]

    def action_unpack(self) -> None:
        """`X`: these and nothing else."""
        self.wanted = outermost([row.item for row in self.list.chosen()])
        if self.wanted:
            self.dismiss(None)
        else:
            self.say("Nothing to unpack here: the cursor is on no row, and nothing is marked.")
