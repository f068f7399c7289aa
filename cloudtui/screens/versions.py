"""The versions of one file: looking at one, saving one beside, bringing one back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place, key_hint
from cloudtui.keymap import bindings_of
from cloudtui.screens.list_screen import ListScreen
from cloudtui.screens.ordering import ordered
from cloudtui.services.models import Found, Revision
from cloudtui.services.naming import display_name, split_extension
from cloudtui.services.storage import Revisions
from cloudtui.services.transfers.orders import Source, Verb
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import pad, pad_left

if TYPE_CHECKING:
    from cloudtui.screens.browser import Browser
    from cloudtui.screens.main import MainScreen


async def show_versions(screen: MainScreen, browser: Browser, item: Found | None) -> None:
    """`g v`: the versions of a file."""
    storage = browser.storage
    if item is None or storage is None or item.entry.is_folder:
        screen.say("Versions are kept of files: the cursor is on none.")
    elif not isinstance(storage, Revisions) or not storage.caps.allows("revisions"):
        reason = storage.caps.refused.get("revisions", "")
        screen.say(reason or f"{browser.place_name} keeps no earlier versions.")
    else:
        await screen.app.push_screen(VersionsScreen(storage, item, browser.place_name, screen))


def stored_words(revision: Revision) -> str:
    """When a version was stored."""
    return "not known" if revision.mtime_ns is None else present.date_full(revision.mtime_ns)


def size_words(revision: Revision) -> str:
    """Its size."""
    return "?" if revision.size is None else present.size_long(revision.size)


def saved_name(name: str, revision: Revision) -> str:
    """What a saved version is called: the file's name with the time it was stored as this machine's
    clock shows it, so that versions lie beside one another."""
    stem, ending = split_extension(name)
    moment = "" if revision.mtime_ns is None else present.date_full(revision.mtime_ns)
    return f"{stem} ({moment.replace(':', '.') or f'version {revision.id}'}){ending}"


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
        back, view, save = (key_hint(f"versions.{name}") for name in ("restore", "view", "copy"))
        self.list.set_foot(f"{back} bring back   {view} view   {save} save to the other pane   Esc")

    async def scan(self) -> None:
        fresh: list[Revision] = []
        async for page in self._keeper.scan_revisions(self._item):
            fresh.extend(page)
        self.list.versions = fresh
        self.list.cursor = max(0, min(self.list.cursor, len(fresh) - 1))
        self.list.set_notice(*([] if fresh else ["No version is kept of it."]))
        self.list.keep_visible()
        self.list.refresh()

    @property
    def _current(self) -> Revision | None:
        rows = self.list.versions
        return rows[self.list.cursor] if 0 <= self.list.cursor < len(rows) else None

    def action_view(self) -> None:
        """F3."""
        version = self._current
        if version is None:
            return
        item = self._keeper.as_file(self._item, version)
        where = f"{self._place}, stored {stored_words(version)}"

        async def work() -> None:
            from cloudtui.screens.viewer import ViewerScreen

            await self.app.push_screen(ViewerScreen(await self._main.runtime(), item, where))

        self.act("View", work, again=False)

    def action_copy(self) -> None:
        """F5: the version under a name of its own into the folder of the other pane."""
        version, target = self._current, self._main.other
        if version is None:
            return
        if target.at is None:
            self.say("The other pane shows no folder. Esc, Tab, then @ chooses a source.")
            return
        item = self._keeper.as_file(self._item, version)
        name = saved_name(self._item.entry.name, version)

        async def work() -> None:
            sentences = [
                f"{self._file} of {stored_words(version)}, {size_words(version)}",
                f"arrives as {display_name(name)}; the file here keeps what it holds.",
            ]
            source = Source(item.at, name=name)
            order = await ordered(self._main, Verb.COPY, [source], sentences, target)
            if order is None:
                return
            runtime = await self._main.runtime()
            await runtime.transfers.submit(order)
            self._main.bridge.wake()
            rest = "waits in the queue." if order.paused else "is being copied."
            self.say(f"{display_name(name)} {rest}  Esc, then w shows the jobs")

        self.act("Save", work, again=False)

    def action_restore(self) -> None:
        """Enter."""
        version = self._current
        if version is None:
            return
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
