"""The trash of one place: what lies in it, where it came from, and the way back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place, key_hint
from cloudtui.keymap import bindings_of
from cloudtui.screens.file_actions import restored_words
from cloudtui.screens.layout_keys import WIDE
from cloudtui.screens.list_screen import MarkScreen
from cloudtui.services.emptying import empty
from cloudtui.services.models import Location, TrashItem, TrashKind
from cloudtui.services.naming import display_name, sort_key
from cloudtui.services.storage import HasTrash
from cloudtui.widgets.facts import Facts
from cloudtui.widgets.hearing import heard
from cloudtui.widgets.mark_list import MarkList
from cloudtui.widgets.rows import cut_middle, cut_start, pad, pad_left, sign_of, size_text

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


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


def parents_in_trash(items: Sequence[TrashItem], trash: Sequence[TrashItem]) -> list[TrashItem]:
    """The trashed folders that these came out of and that are not among them.

    A folder fits when its old path leads to the item's; of several of one path the first that was
    trashed after the item, since the item was trashed out of it.
    """
    folders: dict[tuple[str, ...], list[TrashItem]] = {}
    for one in trash:
        if one.entry.is_folder and one.origin is not None:
            folders.setdefault(one.origin.parts, []).append(one)
    chosen = {item.key for item in items}
    found: dict[str, TrashItem] = {}
    for item in items:
        path = item.origin.parts if item.origin is not None else ()
        for depth in range(1, len(path)):
            later = [
                one
                for one in folders.get(path[:depth], [])
                if (one.trashed_ns or 0) >= (item.trashed_ns or 0)
            ]
            if later:
                folder = min(later, key=lambda one: one.trashed_ns or 0)
                if folder.key not in chosen:
                    found[folder.key] = folder
    return list(found.values())


class TrashList(MarkList[TrashItem]):
    """Items, newest first."""

    orders: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "deletion, newest first": lambda item: -(item.trashed_ns or 0),
        "name": lambda item: sort_key(item.entry.name),
        "size, largest first": lambda item: -(item.entry.size or 0),
        "where it came from": lambda item: item.origin.parts if item.origin else (),
    }

    def __init__(self) -> None:
        super().__init__(id="trash")

    def key_of(self, item: TrashItem) -> str:
        return item.key

    def words_of(self, item: TrashItem) -> str:
        return item.entry.name

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
        item = self.rows[row]
        name_width, size_width, date_width, origin_width = self.widths(width)
        marked = self.is_marked(item)
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


class TrashScreen(MarkScreen[TrashList]):
    """One place's trash."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.TRASH)

    def __init__(
        self,
        keeper: HasTrash,
        place: str,
        account: str,
        elsewhere: Location | None,
        main: MainScreen,
        *,
        kind: TrashKind = TrashKind.SERVICE,
        page: str = "",
    ) -> None:
        """`elsewhere` is the other pane's folder when it is in the same place: `R` goes there.
        `page` shows people what the service keeps from programs."""
        super().__init__(TrashList(), main)
        self._keeper = keeper
        self._place = place
        self._account = account
        self._elsewhere = elsewhere
        self._kind = kind
        self._page = page
        self.facts = Facts(id="facts")

    def compose(self) -> ComposeResult:
        with Horizontal(id="panes"):
            yield self.list
            yield self.facts
        yield self.message

    def on_resize(self) -> None:
        self.set_class(self.size.width >= WIDE and not heard(), "-wide")
        self.words()

    def on_mount(self) -> None:
        super().on_mount()
        if self._own:
            text = f"Deleted elsewhere? {self._place} shows that trash only in its web app."
            hint = f"  {key_hint('trash.web')} copies its address" if self._page else ""
            self.say(text + hint)

    def words(self) -> None:
        items = self.list.all
        size = sum(item.entry.size or 0 for item in items)
        counted = f"{present.exact(len(items))}+ items  loading"
        if not self._loading:
            counted = present.count(len(items), "item")
        self.list.set_title(f"Trash of {self._place}", f"{counted}  {present.size_long(size)}")
        keys = "r restore   R elsewhere   D for ever   E empty   / filter   Esc"
        marked, count = len(self.list.marks), self.list.marked
        if marked:
            keys = f"{present.exact(marked)} marked   {keys.replace('   / filter', '')}"
        if marked > count:
            keys = keys.replace(" marked", f" marked ({present.exact(marked - count)} hidden)")
        self.list.set_foot(self.list.filter_words() or keys)
        item = self.list.current
        if item is None:
            self.facts.show_entry(None, "")
        else:
            self.facts.show_entry(item.entry, f"the trash, from {origin_words(item)}")

    async def scan(self) -> None:
        await self.grow(self._keeper.scan_trash(), "Trash is empty.")

    @property
    def _own(self) -> bool:
        """Whether this is a trash of ours, under which the service has one that we cannot see."""
        return self._kind is TrashKind.FOLDER

    # --- keys --------------------------------------------------------------------------------

    def action_copy_web(self) -> None:
        """`c`: where the service shows what it keeps from programs."""
        if not (self._own and self._page):
            self.say(f"All that {self._place} keeps in its trash is in this list.")
            return
        self.app.copy_to_clipboard(self._page)
        self.say(f"Sent to the terminal's clipboard: {self._page}")

    def action_info(self) -> None:
        """`i`: all that is known of the row."""
        item = self.list.current
        if item is None:
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import Tell
            from cloudtui.widgets.facts import fact_lines

            lines = [f"{label:8} {value}" for label, value in fact_lines(item.entry, "")]
            lines.append(f"{'from':8} {origin_words(item)}")
            lines.append(f"{'deleted':8} {day_words(item.trashed_ns, time.time())}")
            if item.ends_ns is not None:
                day = time.strftime("%Y-%m-%d", time.localtime(item.ends_ns // 10**9))
                lines.append(f"{'goes':8} {day}: {self._place} deletes it for ever then")
            await self.app.push_screen_wait(Tell("In the trash", lines))

        self.act("Properties", work, again=False)

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
            wanted = items
            if to is None:
                more = await self._with_parents(items)
                if more is None:
                    return
                wanted = [*more, *items]
            self.say(f"Restoring {present.count(len(wanted), 'item')}...")
            restored = await self._keeper.restore(wanted, to)
            self.list.unmark()
            self._main.overlay(self._account, [one.item.entry.id for one in restored], gone=False)
            self.say(restored_words(restored))
            for folder in {one.at.parent.parts: one.at.parent for one in restored}.values():
                self._main.folder_changed(folder)

        self.act("Restore", work)

    async def _with_parents(self, items: list[TrashItem]) -> list[TrashItem] | None:
        """The trashed folders that are to come back along with what lay in them; None: nothing
        is."""
        folders = parents_in_trash(items, self.list.all)
        if not folders:
            return []
        from cloudtui.screens.dialogs import Choose, Option

        them = "it" if len(folders) == 1 else "them"
        paths = [display_name(one.origin.path) for one in folders[:3] if one.origin is not None]
        answer = await self.app.push_screen_wait(
            Choose(
                "Their folder is in the trash" if len(items) > 1 else "Its folder is in the trash",
                [
                    f"{present.count(len(items), 'item')} came out of {'   '.join(paths)}",
                    f"which {'lies' if len(folders) == 1 else 'lie'} in the trash, too.",
                ],
                [
                    Option(f"Restore {them} as well", "r", "both"),
                    Option("Make a new folder", "m", "alone"),
                    Option("Cancel", "c", ""),
                ],
                safe="",
            )
        )
        return {"both": folders, "alone": []}.get(answer)

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
            self.list.unmark()
            self.say(f"Deleted for ever: {present.count(len(items), 'item')}.")

        self.act("Delete", work)

    def _emptying(self, done: int, total: int | None) -> None:
        """How far it is, in the line below; the log keeps only how it ended."""
        far = f"{done}%" if total is None else f"{present.exact(done)} of {present.exact(total)}"
        self.message.show([(f" Emptying...  {far}", "text")])

    def action_empty(self) -> None:
        """`E`."""
        count = len(self.list.all)
        if not count:
            self.say("Trash is empty.")
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import TypeWord

            box = TypeWord(
                "Empty the trash",
                [f"Everything in the trash of {self._place}: {present.count(count, 'item')}.",
                 f"{self._place} then keeps them in its own trash, on the web only."
                 if self._own else "This cannot be undone."],
                word=f"empty {count}",
                yes="Empty",
            )  # fmt: skip
            if await self.app.push_screen_wait(box) is None:
                return
            self.say("Emptying...")
            await empty(self._keeper, self._emptying)
            self.list.unmark()
            left = f" {self._place}'s own trash has them now, on the web." if self._own else ""
            self.say(f"Emptied: {present.count(count, 'item')} {_are(count)} gone.{left}")

        self.act("Empty", work)
