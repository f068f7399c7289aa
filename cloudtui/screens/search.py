"""Search: names in all folders that are known, narrowed while typing; Enter goes there.

What was never listed is not known: one key lists everything below the folder, and can be stopped.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final

from rich.segment import Segment
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.strip import Strip
from textual.worker import Worker

from cloudtui import present
from cloudtui.keymap import MOVING_WHILE_TYPING
from cloudtui.ports import RuntimePort
from cloudtui.services.addresses import local_path
from cloudtui.services.errors import CloudError
from cloudtui.services.models import DISK, Location
from cloudtui.services.naming import display_name, sort_key
from cloudtui.widgets.line import Line
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_middle, cut_start, date_text, pad, pad_left, size_text
from cloudtui.widgets.text_keys import pasted_after, typed_after

if TYPE_CHECKING:
    from cloudtui.screens.browser import Browser
    from cloudtui.screens.main import MainScreen
    from cloudtui.services.catalogue import Hit
    from cloudtui.services.storage import Storage

_MOST: Final = 500
_LOOK_AGAIN: Final = 0.5
"""Seconds between two looks at the index while it grows."""


def where_words(at: Location) -> str:
    """The folder of a hit, safe to display."""
    folder = at.parent
    return display_name(str(local_path(folder) if folder.account == DISK else folder))


class HitList(RowList):
    """What was found."""

    def __init__(self) -> None:
        super().__init__(id="hits")
        self.hits: list[Hit] = []

    @property
    def current(self) -> Hit | None:
        """The hit under the cursor."""
        return self.hits[self.cursor] if self.cursor < len(self.hits) else None

    def fill(self, hits: list[Hit]) -> None:
        """Show these, in order of their names; the cursor stays on its hit."""
        hits.sort(key=lambda hit: (sort_key(hit.entry.name), hit.at.parts))
        current = self.current
        self.hits = hits
        places = [hit.at for hit in hits]
        self.cursor = places.index(current.at) if current and current.at in places else 0
        self.keep_visible()
        self.refresh()
        self.post_message(self.Moved(self))

    def row_count(self) -> int:
        return len(self.hits)

    @staticmethod
    def widths(width: int) -> tuple[int, int, int]:
        """Cells of name, date and folder; sizes have 5."""
        date = 12 if width >= 100 else 0
        where = min(80, width * 2 // 5)
        return width - where - date - 5 - (5 if date else 4), date, where

    def head_text(self, width: int) -> str:
        name, date, where = self.widths(width)
        changed = f" {pad('Changed', date)}" if date else ""
        return f" {pad('Name', name)} {pad_left('Size', 5)}{changed}  {pad('Folder', where)}"

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        hit = self.hits[row]
        name_width, date, where = self.widths(width)
        suffix = "/" if hit.entry.is_folder else ""
        name = cut_middle(display_name(hit.entry.name), name_width - len(suffix)) + suffix
        text = f"{'>' if cursor else ' '}{pad(name, name_width)} "
        text += pad_left(size_text(hit.entry), 5)
        if date:
            text += " " + pad(date_text(hit.entry.mtime_ns, date), date)
        text += "  " + pad(cut_start(where_words(hit.at), where), where)
        style = "cursor" if cursor else "folder" if hit.entry.is_folder else "row"
        return Strip([Segment(pad(text, width), self.style(style))])


class SearchScreen(Screen["Hit | None"]):
    """Gives the hit to go to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "close", show=False),
        Binding("enter", "choose", "go there", show=False),
        Binding("tab", "scope", "look elsewhere", show=False),
        Binding("ctrl+r", "list_all", "list everything below", show=False),
        *MOVING_WHILE_TYPING,
    ]

    takes_text = True

    def __init__(
        self, runtime: RuntimePort, storage: Storage, at: Location, place: str, source: str
    ) -> None:
        """Begins below `at`, which people call `place`; it lies in `source`."""
        super().__init__()
        self._runtime = runtime
        self._storage = storage
        self._at = at
        self._place = place
        self._source = source
        self._typed = ""
        self._scope = 0
        self._failed = 0
        self._walk: Worker[None] | None = None
        self.list = HitList()
        self.info = Line(id="info")
        self.message = Line(id="message")

    def compose(self) -> ComposeResult:
        yield self.list
        yield self.info
        yield self.message

    def on_mount(self) -> None:
        self.list.focus()
        self._words()
        self._look()

    @property
    def _scopes(self) -> list[str]:
        return [f"below {self._place}", f"in all of {self._source}", "everywhere"]

    def _words(self) -> None:
        self.list.set_title(f"Search {self._scopes[self._scope]}: {self._shown}_")
        count = present.count(len(self.list.hits), "name")
        more = "first " if len(self.list.hits) >= _MOST else ""
        self.list.set_foot(f"{more}{count}   Enter goes there   Tab elsewhere   Ctrl+R lists all")

    @property
    def _shown(self) -> str:
        return display_name(self._typed, edges=False)

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.message.show([(" " + text, "bad" if bad else "text")])

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        hit = self.list.current
        if hit is None:
            self.info.show([])
            return
        seen = present.date_normal(int(hit.listed_at) * 1_000_000_000)
        self.info.show([(f" {where_words(hit.at)}", "strong"), (f"   seen {seen}", "dim")])

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_choose()

    # --- looking -----------------------------------------------------------------------------

    def _look(self) -> None:
        self.run_worker(self._search(), group="search", exclusive=True, exit_on_error=False)

    async def _search(self) -> None:
        words = self._typed.split()
        if not words:
            self.list.fill([])
            self.list.set_notice("Type parts of a name. Folders that were listed so far are known.")
            self._words()
            return
        account = self._at.account if self._scope == 1 else None
        below = self._at if self._scope == 0 else None
        known = self._runtime.known
        try:
            hits = await known.search(words, account=account, below=below, most=_MOST)
        except CloudError as error:
            self._say(present.sentence(error), bad=True)
            return
        self.list.fill(hits)
        if hits:
            self.list.set_notice()
        else:
            self.list.set_notice(
                f'Nothing known holds "{self._shown}".',
                f"Ctrl+R lists everything below {self._place}. Tab looks elsewhere.",
            )
        self._words()

    async def _list_all(self) -> None:
        from cloudtui.services.walking import walk

        names = 0
        due = 0.0
        self._failed = 0
        self._say(f"Listing everything below {self._place}...   Esc stops")
        async for folder, listed in walk(self._storage, self._at):
            if isinstance(listed, CloudError):
                self._failed += 1
                continue
            await self._runtime.known.keep(folder, listed)
            names += len(listed)
            if time.monotonic() >= due:
                due = time.monotonic() + _LOOK_AGAIN
                self._say(f"{present.count(names, 'name')} listed so far...   Esc stops")
                self._look()
        self._walk = None
        left = f" {present.count(self._failed, 'folder')} could not be." if self._failed else ""
        self._say(f"{present.count(names, 'name')} below {self._place} are known now.{left}")
        self._look()

    # --- keys --------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        typed = typed_after(self._typed, event)
        if typed is None:
            return
        self._typed = typed
        event.stop()
        event.prevent_default()
        self._words()
        self._look()

    def on_paste(self, event: events.Paste) -> None:
        """Pasted words, as one line."""
        event.stop()
        self._typed = pasted_after(self._typed, event)
        self._words()
        self._look()

    def action_move(self, how: str) -> None:
        """Moving keys."""
        self.list.action_move(how)

    def action_scope(self) -> None:
        """Tab: below the folder, in all of the source, everywhere."""
        self._scope = (self._scope + 1) % len(self._scopes)
        self._words()
        self._look()

    def action_list_all(self) -> None:
        """Ctrl+R."""
        if self._walk is None:
            self._walk = self.run_worker(self._list_all(), group="walk", exit_on_error=False)

    def action_choose(self) -> None:
        """Enter."""
        if self.list.current is not None:
            self.dismiss(self.list.current)

    def action_safe(self) -> None:
        """Ctrl+C."""
        self.action_leave()

    def action_leave(self) -> None:
        """Esc: stops listing first."""
        if self._walk is not None:
            self._walk.cancel()
            self._walk = None
            self._say("Stopped. What was listed is known.")
        else:
            self.dismiss(None)


async def go_to_name(screen: MainScreen, browser: Browser) -> None:
    """Search from the folder of a pane; the pane then goes where the chosen name is."""
    at, storage = browser.at, browser.storage
    if at is None or storage is None:
        screen.say("This pane shows no folder yet. @ chooses a source.")
        return
    runtime = await screen.runtime()
    box = SearchScreen(runtime, storage, at, browser.place, browser.place_name)
    hit = await screen.app.push_screen_wait(box)
    if hit is not None:
        browser.open(hit.at.parent, want=hit.entry.id)
