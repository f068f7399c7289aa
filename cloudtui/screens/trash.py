"""The trash of one place: what lies in it, where it came from, and the way back."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.screens.file_actions import restored_words
from cloudtui.services.errors import CloudError
from cloudtui.services.models import Location, TrashItem
from cloudtui.services.naming import display_name
from cloudtui.services.storage import HasTrash
from cloudtui.widgets.line import Line, Piece
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_middle, cut_start, pad, pad_left, sign_of, size_text

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


def day_words(trashed_ns: int | None, now: float) -> str:
    """`today 14:01`, `yesterday`, else the date."""
    if trashed_ns is None:
        return "not known"
    seconds = trashed_ns // 1_000_000_000
    today = time.localtime(now)
    when = time.localtime(seconds)
    if (when.tm_year, when.tm_yday) == (today.tm_year, today.tm_yday):
        return f"today {when.tm_hour:02d}:{when.tm_min:02d}"
    before = time.localtime(now - 86400)
    if (when.tm_year, when.tm_yday) == (before.tm_year, before.tm_yday):
        return "yesterday"
    return present.date_normal(trashed_ns, now=now)


def origin_words(item: TrashItem) -> str:
    """The folder an item came from, safe to display."""
    return "not known" if item.origin is None else display_name(item.origin.parent.path)


class TrashList(RowList):
    """Items, newest first, with marks by key."""

    def __init__(self) -> None:
        super().__init__(id="trash")
        self.items: list[TrashItem] = []
        self.marks: set[str] = set()

    def row_count(self) -> int:
        return len(self.items)

    @staticmethod
    def widths(width: int) -> tuple[int, int, int, int]:
        """Cells of name, size, date and origin."""
        date = 13
        origin = min(50, max(12, width // 3))
        return max(8, width - 1 - 6 - date - 2 - origin - 1), 5, date, origin

    def head_text(self, width: int) -> str:
        name, size, date, origin = self.widths(width)
        return (
            f" {pad('Name', name)} {pad_left('Size', size)}  {pad('Deleted', date)} "
            f"{pad('Came from', origin)}"
        )

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        item = self.items[row]
        name_width, size_width, date_width, origin_width = self.widths(width)
        marked = item.key in self.marks
        suffix = "/" if item.entry.is_folder else ""
        name = cut_middle(display_name(item.entry.name), name_width - len(suffix)) + suffix
        text = sign_of(cursor=cursor, marked=marked) + pad(name, name_width)
        text += " " + pad_left(size_text(item.entry), size_width)
        text += "  " + pad(day_words(item.trashed_ns, time.time()), date_width)
        text += " " + pad(cut_start(origin_words(item), origin_width), origin_width)
        if cursor:
            style = self.style("cursor-marked" if marked else "cursor")
        elif marked:
            style = self.style("marked")
        else:
            style = self.style("folder" if item.entry.is_folder else "row")
        return Strip([Segment(pad(text, width), style)])

    def taken(self) -> list[TrashItem]:
        """The marked items, else the one under the cursor."""
        if self.marks:
            return [item for item in self.items if item.key in self.marks]
        return self.items[self.cursor : self.cursor + 1]


class TrashScreen(Screen[None]):
    """One place's trash."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.TRASH)

    def __init__(
        self,
        keeper: HasTrash,
        place: str,
        account: str,
        elsewhere: Location | None,
        main: MainScreen,
    ) -> None:
        """`elsewhere` is the other pane's folder when it is in the same place: `R` goes there."""
        super().__init__()
        self._keeper = keeper
        self._place = place
        self._account = account
        self._elsewhere = elsewhere
        self._main = main
        self.list = TrashList()
        self.message = Line(id="message")
        self._loading = False

    def compose(self) -> ComposeResult:
        yield self.list
        yield self.message

    def on_mount(self) -> None:
        self.list.focus()
        self._load()

    def say(self, text: str, *, bad: bool = False) -> None:
        """A sentence in the line below, and in the log."""
        self._main.cloud_app.remember(text)
        pieces: list[Piece] = [(" " + text, "bad" if bad else "text")]
        self.message.show(pieces)

    def _words(self) -> None:
        items = self.list.items
        size = sum(item.entry.size or 0 for item in items)
        state = "+ items  loading..." if self._loading else " items"
        self.list.set_title(
            f"Trash of {self._place}",
            f"{present.exact(len(items))}{state}  {present.size_long(size)}",
        )
        marked = f"{present.exact(len(self.list.marks))} marked   " if self.list.marks else ""
        self.list.set_foot(f"{marked}r restore   R elsewhere   D for ever   E empty   Esc")

    def _load(self) -> None:
        self.run_worker(self._scan(), group="trash", exclusive=True, exit_on_error=False)

    async def _scan(self) -> None:
        fresh: list[TrashItem] = []
        self._loading = True
        self._words()
        try:
            async for page in self._keeper.scan_trash():
                fresh.extend(page)
                if not self.list.items:
                    self._show(list(fresh))
        except CloudError as error:
            self.list.set_notice(present.sentence(error), "Ctrl+R tries again. Esc closes.")
        except Exception as error:  # a boundary: a bug becomes a sentence
            self.list.set_notice(present.sentence(error))
        else:
            self.list.set_notice(*([] if fresh else ["Trash is empty."]))
        self._loading = False
        self._show(fresh)

    def _show(self, items: list[TrashItem]) -> None:
        items.sort(key=lambda item: -(item.trashed_ns or 0))
        self.list.items = items
        self.list.marks &= {item.key for item in items}
        self.list.cursor = max(0, min(self.list.cursor, len(items) - 1))
        self.list.keep_visible()
        self.list.refresh()
        self._words()

    def _act(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            try:
                await work()
            except CloudError as error:
                self.say(f"{what}: {present.sentence(error)}", bad=True)
            except Exception as error:  # a boundary: a bug becomes a sentence
                self.say(f"{what}: {present.sentence(error)}", bad=True)
            self._load()

        self.run_worker(guarded(), group="trash-work", exit_on_error=False)

    # --- keys --------------------------------------------------------------------------------

    def action_move(self, how: str) -> None:
        """Moving keys."""
        self.list.action_move(how)

    def action_prefix(self, key: str) -> None:
        """`g g`: the only sequence here."""
        self.action_move("first")

    def action_close(self) -> None:
        """Esc: marks first, then the screen."""
        if self.list.marks:
            self.list.marks.clear()
            self.list.refresh()
            self._words()
        else:
            self.dismiss(None)

    def action_mark(self) -> None:
        """Space."""
        for item in self.list.items[self.list.cursor : self.list.cursor + 1]:
            self.list.marks ^= {item.key}
        self.list.refresh_row(self.list.cursor)
        self.list.go_to(self.list.cursor + 1)
        self._words()

    def action_mark_all(self) -> None:
        """Ctrl+A."""
        self.list.marks = {item.key for item in self.list.items}
        self.list.refresh()
        self._words()

    def action_invert(self) -> None:
        """`*`."""
        self.list.marks = {item.key for item in self.list.items} - self.list.marks
        self.list.refresh()
        self._words()

    def action_reload(self) -> None:
        """Ctrl+R."""
        self._load()

    def action_restore(self, elsewhere: bool) -> None:
        """`r` and `R`."""
        items = self.list.taken()
        if not items:
            return
        to = self._elsewhere if elsewhere else None
        if elsewhere and to is None:
            self.say("R needs a folder of this place in the other pane.")
            return

        async def work() -> None:
            self.say(f"Restoring {present.count(len(items), 'item')}...")
            restored = await self._keeper.restore(items, to)
            self.list.marks.clear()
            self._main.overlay(self._account, [one.item.entry.id for one in restored], gone=False)
            self.say(restored_words(restored))
            for folder in {one.at.parent.parts: one.at.parent for one in restored}.values():
                self._main.folder_changed(folder)

        self._act("Restore", work)

    def action_delete(self) -> None:
        """`D`."""
        items = self.list.taken()
        if not items:
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import TypeWord

            shown = "   ".join(display_name(item.entry.name) for item in items[:3])
            more = f"   {present.exact(len(items) - 3)} more" if len(items) > 3 else ""
            box = TypeWord(
                "Delete for ever",
                [f"{present.count(len(items), 'item')} in the trash of {self._place}",
                 shown + more, "This cannot be undone."],
                word=f"delete {len(items)}",
                yes="Delete",
            )  # fmt: skip
            if await self.app.push_screen_wait(box) is None:
                return
            await self._keeper.delete_forever(items)
            self.list.marks.clear()
            self.say(f"Deleted for ever: {present.count(len(items), 'item')}.")

        self._act("Delete", work)

    def action_empty(self) -> None:
        """`E`."""
        count = len(self.list.items)
        if not count:
            self.say("Trash is empty.")
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import TypeWord

            box = TypeWord(
                "Empty the trash",
                [f"Everything in the trash of {self._place}: {present.count(count, 'item')}.",
                 "This cannot be undone."],
                word=f"empty {count}",
                yes="Empty",
            )  # fmt: skip
            if await self.app.push_screen_wait(box) is None:
                return
            self.say("Emptying...")
            await self._keeper.empty_trash()
            self.list.marks.clear()
            self.say(f"Emptied: {present.count(count, 'item')} are gone.")

        self._act("Empty", work)
