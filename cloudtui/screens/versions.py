"""The earlier versions of one file, and bringing one of them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.screens.list_screen import ListScreen
from cloudtui.services.models import Found, Revision
from cloudtui.services.naming import display_name
from cloudtui.services.storage import Revisions
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import pad, pad_left

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


def stored_words(revision: Revision) -> str:
    """When a version was stored."""
    return "not known" if revision.mtime_ns is None else present.date_full(revision.mtime_ns)


def size_words(revision: Revision) -> str:
    """Its size."""
    return "?" if revision.size is None else present.size_long(revision.size)


class VersionList(RowList):
    """Versions, newest first."""

    def __init__(self) -> None:
        super().__init__(id="versions")
        self.versions: list[Revision] = []

    def row_count(self) -> int:
        return len(self.versions)

    def head_text(self, width: int) -> str:
        return f" {pad('Stored', 17)} {pad_left('Size', 10)}  What it is"

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        version = self.versions[row]
        what = "what the file holds now" if version.is_current else "an earlier version"
        mark = f"   {version.hash.hex()[:16]}" if version.hash and width >= 90 else ""
        text = f"{'>' if cursor else ' '}{pad(stored_words(version), 17)} "
        text += f"{pad_left(size_words(version), 10)}  {what}{mark}"
        style = "cursor" if cursor else ("good" if version.is_current else "row")
        return Strip([Segment(pad(text, width), self.style(style))])


class VersionsScreen(ListScreen[VersionList]):
    """One file's versions."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.VERSIONS)

    def __init__(self, keeper: Revisions, item: Found, place: str, main: MainScreen) -> None:
        super().__init__(VersionList(), main)
        self._keeper = keeper
        self._item = item
        self._place = place

    @property
    def _file(self) -> str:
        return display_name(self._item.entry.name)

    def words(self) -> None:
        count = len(self.list.versions)
        more = "+" if self._loading else ""
        title = f"{present.exact(count)}{more} {'version' if count == 1 else 'versions'}"
        self.list.set_title(f"Versions of {self._file} on {self._place}", title)
        self.list.set_foot("Enter brings it back   Ctrl+R   Esc")

    async def scan(self) -> None:
        fresh: list[Revision] = []
        async for page in self._keeper.scan_revisions(self._item):
            fresh.extend(page)
        self.list.versions = fresh
        self.list.cursor = max(0, min(self.list.cursor, len(fresh) - 1))
        self.list.set_notice(*([] if fresh else ["No version is kept of it."]))
        self.list.keep_visible()
        self.list.refresh()

    def action_restore(self) -> None:
        """Enter."""
        versions = self.list.versions
        if not versions:
            return
        version = versions[self.list.cursor]
        if version.is_current:
            self.say("That is what the file holds now.")
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import Confirm

            box = Confirm(
                "Bring a version back",
                [
                    f"{self._file} gets its content of {stored_words(version)}, "
                    f"{size_words(version)}.",
                    "What it holds now stays as a version.",
                ],
                yes="Bring back",
            )
            if not await self.app.push_screen_wait(box):
                return
            await self._keeper.restore_revision(self._item, version.id)
            self._main.folder_changed(self._item.at.parent)
            self.say(f"{self._file} holds its content of {stored_words(version)} again.")

        self.act("Bring back", work)
