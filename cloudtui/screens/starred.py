"""Stars: putting them on and taking them off in a pane, and the list of all that carry one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace
from rich.segment import Segment
from textual.binding import BindingType
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place, key_hint
from cloudtui.keymap import bindings_of
from cloudtui.screens.file_actions import Step
from cloudtui.screens.list_screen import MarkScreen
from cloudtui.services.errors import CloudError
from cloudtui.services.models import Change, Flag, Found, Location
from cloudtui.services.naming import display_name, sort_key
from cloudtui.services.starring import KeepsStars
from cloudtui.widgets.mark_list import MarkList
from cloudtui.widgets.rows import (
    cut_middle,
    cut_start,
    date_text,
    pad,
    pad_left,
    sign_of,
    size_text,
)

if TYPE_CHECKING:
    from cloudtui.screens.browser import Browser
    from cloudtui.screens.main import MainScreen


def keeper_of(screen: MainScreen, browser: Browser) -> KeepsStars | None:
    """The place of a pane where it keeps stars; else None, and a sentence."""
    storage: object = browser.storage
    if browser.storage is None:
        screen.say("This pane shows no folder yet. @ chooses a source.")
    elif not isinstance(storage, KeepsStars) or not browser.storage.caps.allows("stars"):
        reason = browser.storage.caps.refused.get("stars", "")
        screen.say(reason or f"{browser.place_name} keeps no stars.")
    else:
        return storage
    return None


async def toggle_stars(screen: MainScreen, browser: Browser, items: Sequence[Found]) -> None:
    """`S`: stars on all of these; off where all carry one already."""
    keeper = keeper_of(screen, browser)
    at = browser.at
    if keeper is None or at is None:
        return
    if not items:
        screen.say("Nothing to put a star on: the cursor is on no item.")
        return
    on = not all(item.entry.is_starred for item in items)
    changed = [item for item in items if item.entry.is_starred is not on]
    words = await put(screen, keeper, at, changed, on=on)
    browser.view.clear_marks(item.entry.id for item in items)
    browser.pane.redraw()

    async def back() -> str:
        return await put(screen, keeper, at, changed, on=not on)

    screen.files.remember(f"{'star' if on else 'star taken off'} {named(changed)}", back)
    screen.say(f"{words}    u undo")


def named(items: Sequence[Found]) -> str:
    """`a.txt`, or how many."""
    if len(items) == 1:
        return display_name(items[0].entry.name)
    return present.count(len(items), "item")


async def put(
    screen: MainScreen, keeper: KeepsStars, at: Location, items: Sequence[Found], *, on: bool
) -> str:
    """Put stars on entries of the folder `at` or take them off, and show that; a sentence."""
    try:
        await keeper.star(items, on=on)
    except CloudError:
        screen.folder_changed(at)  # some of it may be done
        raise
    folder = at.node or ""
    changes = [Change(item.entry.id, folder, replace(item.entry, flags=_flags(item, on=on)))
               for item in items]  # fmt: skip
    for browser in (screen.left, screen.right):
        shown = browser.at
        if shown is None or shown.account != at.account or shown.parts != at.parts:
            continue
        if browser.loading:
            browser.list_again()
        else:
            browser.amend(changes, folder)
    return f"{'Starred' if on else 'Star taken off'}: {named(items)}"


def _flags(item: Found, *, on: bool) -> Flag:
    return item.entry.flags | Flag.STARRED if on else item.entry.flags & ~Flag.STARRED


async def show_starred(screen: MainScreen, browser: Browser) -> None:
    """`g f`: everything with a star."""
    keeper = keeper_of(screen, browser)
    if keeper is not None:
        await screen.app.push_screen(StarredScreen(keeper, browser.place_name, screen))


class StarredList(MarkList[Found]):
    """Entries, by name."""

    orders: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "name": lambda item: sort_key(item.entry.name),
        "where it is": lambda item: item.at.parts,
        "time, newest first": lambda item: -(item.entry.mtime_ns or 0),
        "size, largest first": lambda item: -(item.entry.size or 0),
    }

    def __init__(self) -> None:
        super().__init__(id="starred")

    def key_of(self, item: Found) -> str:
        return item.entry.id

    def words_of(self, item: Found) -> str:
        return item.at.path

    @staticmethod
    def widths(width: int) -> tuple[int, int, int, int]:
        """Cells of name, size, date and place."""
        date = 12 if width >= 70 else 7
        place = min(60, max(12, width // 3))
        return max(8, width - 1 - 6 - date - 2 - place - 1), 5, date, place

    def head_text(self, width: int) -> str:
        name, size, date, _ = self.widths(width)
        return f" {pad('Name', name)} {pad_left('Size', size)}  {pad('Changed', date)} In"

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        item = self.rows[row]
        name_width, size_width, date_width, place_width = self.widths(width)
        marked = self.is_marked(item)
        slash = "/" if item.entry.is_folder else ""
        name = cut_middle(display_name(item.entry.name), name_width - len(slash)) + slash
        place = cut_start(display_name(item.at.parent.path), place_width)
        text = sign_of(cursor=cursor, marked=marked) + pad(name, name_width)
        text += " " + pad_left(size_text(item.entry), size_width)
        text += f"  {pad(date_text(item.entry.mtime_ns, date_width), date_width)} {place}"
        style = "marked" if marked else ("folder" if item.entry.is_folder else "row")
        if cursor:
            style = "cursor-marked" if marked else "cursor"
        return Strip([Segment(pad(text, width), self.style(style))])


class StarredScreen(MarkScreen[StarredList]):
    """Everything with a star in one account."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.STARRED)

    def __init__(self, keeper: KeepsStars, place: str, main: MainScreen) -> None:
        super().__init__(StarredList(), main)
        self._keeper = keeper
        self._place = place
        self._steps: list[Step] = []

    def words(self) -> None:
        rows = self.list
        more = "+" if self._loading else ""
        title = f"{present.exact(len(rows.all))}{more} {'item' if len(rows.all) == 1 else 'items'}"
        self.list.set_title(f"With a star on {self._place}", title)
        marked = f"{present.exact(rows.marked)} marked   " if rows.marked else ""
        keys = f"{marked}Enter show it   x take the star off   / filter   Esc"
        self.list.set_foot(rows.filter_words() or keys)

    async def scan(self) -> None:
        star = key_hint("browser.star")
        await self.grow(self._keeper.scan_starred(), f"Nothing has a star. {star} puts one on.")

    # --- keys --------------------------------------------------------------------------------

    def action_show(self) -> None:
        """Enter: the entry in the pane with focus."""
        item = self.list.current
        if item is not None:
            self.dismiss(None)
            self._main.active.open(item.at.parent, want=item.entry.id)

    def action_unstar(self) -> None:
        """`x`."""
        items = self.list.taken()
        if not items:
            return

        async def work() -> None:
            await self._put(items, on=False)
            self.list.unmark()

            async def back() -> str:
                return await self._put(items, on=True)

            files = self._main.files
            files.remember(f"star taken off {named(items)}", back)
            self._steps.append(files.undo_steps[-1])
            self.say(f"Star taken off: {named(items)}.   u undo")

        self.act("Take off", work)

    async def _put(self, items: Sequence[Found], *, on: bool) -> str:
        """Change the stars of entries that may lie in several folders; a sentence."""
        folders: dict[tuple[str, ...], list[Found]] = {}
        for item in items:
            folders.setdefault(item.at.parts[:-1], []).append(item)
        await self._keeper.star(items, on=on)
        for each in folders.values():
            self._main.folder_changed(each[0].at.parent)
        return f"{'Starred' if on else 'Star taken off'}: {named(items)}."

    def action_undo(self) -> None:
        """`u`: the last stars taken off here."""
        if not self._steps:
            self.say("Nothing to undo here.")
            return
        step = self._steps.pop()
        steps = self._main.files.undo_steps

        async def work() -> None:
            if step in steps:
                steps.remove(step)
            self.say(await step.back())

        self.act("Undo", work)
