"""The history of an account: what was uploaded, saved, fetched and played, and forgetting it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.segment import Segment
from textual.binding import BindingType
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.screens.list_screen import MarkScreen
from cloudtui.screens.trash import day_words
from cloudtui.services.history import Happened, KeepsHistory
from cloudtui.services.naming import display_name, sort_key
from cloudtui.services.storage import Storage
from cloudtui.widgets.mark_list import MarkList
from cloudtui.widgets.rows import cut_middle, pad, pad_left, sign_of, size_text

if TYPE_CHECKING:
    from cloudtui.screens.browser import Browser
    from cloudtui.screens.main import MainScreen

AT_ONCE: Final = 1000
"""Lines that are listed at first: a history of years takes minutes to read whole."""


async def show_history(screen: MainScreen, browser: Browser) -> None:
    """`g e`: what was done in the account of a pane."""
    storage = browser.storage
    if storage is None:
        screen.say("This pane shows no folder yet. @ chooses a source.")
    elif not isinstance(storage, KeepsHistory) or not storage.caps.allows("history"):
        reason = storage.caps.refused.get("history", "")
        screen.say(reason or f"{browser.place_name} keeps no history.")
    else:
        await screen.app.push_screen(HistoryScreen(storage, storage, browser.place_name, screen))


def now_words(line: Happened) -> str:
    """What it is now: its size, `trash`, or nothing where that is not known."""
    if line.entry is None:
        return ""
    return "trash" if line.in_trash else size_text(line.entry)


class HistoryList(MarkList[Happened]):
    """Lines, newest first."""

    orders: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "time, newest first": lambda line: -(line.when_ns or 0),
        "what was done": lambda line: line.words,
        "name": lambda line: sort_key(line.name),
    }

    def __init__(self) -> None:
        super().__init__(id="history")

    def key_of(self, item: Happened) -> str:
        return item.id

    def words_of(self, item: Happened) -> str:
        return f"{item.words} {item.name}"

    def head_text(self, width: int) -> str:
        name = max(8, width - 31)
        return f" {pad('When', 12)} {pad('What', 9)} {pad('Name', name)} {pad_left('Now', 5)}"

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        line = self.rows[row]
        name_width = max(8, width - 31)
        marked = self.is_marked(line)
        slash = "/" if line.entry is not None and line.entry.is_folder else ""
        name = cut_middle(display_name(line.name), name_width - len(slash)) + slash
        text = sign_of(cursor=cursor, marked=marked) + pad(day_words(line.when_ns, time.time()), 12)
        text += f" {pad(line.words, 9)} {pad(name, name_width)} {pad_left(now_words(line), 5)}"
        style = "marked" if marked else ("row" if line.entry and not line.in_trash else "dim")
        if cursor:
            style = "cursor-marked" if marked else "cursor"
        return Strip([Segment(pad(text, width), self.style(style))])


class HistoryScreen(MarkScreen[HistoryList]):
    """One account's history."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.HISTORY)

    def __init__(
        self, keeper: KeepsHistory, storage: Storage, place: str, main: MainScreen
    ) -> None:
        super().__init__(HistoryList(), main)
        self._keeper = keeper
        self._storage = storage
        self._place = place
        self._most = AT_ONCE
        self._cut = False
        """There may be older lines than those listed."""

    def words(self) -> None:
        rows = self.list
        count = present.count(len(rows.all), "line")
        if self._loading or self._cut:
            loading = "  loading" if self._loading else ""
            count = f"{present.exact(len(rows.all))}+ lines{loading}"
        self.list.set_title(f"History of {self._place}", count)
        marked = f"{present.exact(rows.marked)} marked   " if rows.marked else ""
        older = "m older ones   " if self._cut else ""
        keys = f"{marked}Enter show it   {older}x forget   E forget all   / filter   Esc"
        self.list.set_foot(rows.filter_words() or keys)

    async def scan(self) -> None:
        await self.grow(self._newest(), f"{self._place} remembers nothing.")

    async def _newest(self) -> AsyncIterator[Sequence[Happened]]:
        """As many lines as are wanted now."""
        told = 0
        self._cut = False
        async for page in self._keeper.scan_history():
            if told >= self._most:
                self._cut = True
                return
            told += len(page)
            yield page

    # --- keys --------------------------------------------------------------------------------

    def action_show(self) -> None:
        """Enter: the entry in the pane with focus, wherever it is now."""
        line = self.list.current
        if line is None:
            return
        at = line.at
        if at is None:
            self.say(f"{self._place} does not tell which file that was.")
            return

        async def work() -> None:
            found = await self._storage.stat(at)
            self._main.active.open(found.at.parent, want=found.entry.id)
            self.dismiss(None)

        self.act(f"Show {display_name(line.name)}", work, again=False)

    def action_more(self) -> None:
        """`m`: four times as far back."""
        if not self._cut:
            self.say("These are all lines.")
            return
        self._most *= 4
        self.load()

    def action_forget(self) -> None:
        """`x`: lines out of the history."""
        lines = self.list.taken()
        if not lines:
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import Confirm

            names = "   ".join(display_name(line.name) for line in lines[:3])
            more = f"   {present.exact(len(lines) - 3)} more" if len(lines) > 3 else ""
            what = present.count(len(lines), "line")
            box = Confirm(
                "Forget what was done",
                [f"{what} of the history of {self._place}:", names + more, "The files stay."],
                yes="Forget",
            )
            if not await self.app.push_screen_wait(box):
                return
            await self._keeper.forget_history([line.id for line in lines])
            self.list.unmark()
            self.say(f"Forgotten: {what}.")

        self.act("Forget", work)

    def action_clear(self) -> None:
        """`E`."""
        if not self.list.all:
            self.say(f"{self._place} remembers nothing.")
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import Confirm

            box = Confirm(
                "Forget all that was done",
                [
                    f"The whole history of {self._place}, what is not shown yet included.",
                    "The files stay. This cannot be undone.",
                ],
                yes="Forget all",
            )
            if not await self.app.push_screen_wait(box):
                return
            await self._keeper.clear_history()
            self.list.unmark()
            self.say("The history is empty.")

        self.act("Forget", work)
