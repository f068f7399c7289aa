"""The public links of an account: what they show, until when, and taking them back.

A link is a key: it is shown in its box on request, never in the rows' log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.screens.list_screen import MarkScreen
from cloudtui.screens.sharing import Limits, ShareForm, show_share
from cloudtui.services.models import Kind, Location, Share
from cloudtui.services.naming import display_name, sort_key
from cloudtui.services.shares import ChangesShares
from cloudtui.services.storage import HasShares, Storage
from cloudtui.widgets.mark_list import MarkList
from cloudtui.widgets.rows import cut_middle, cut_start, pad, sign_of

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


def shown_name(share: Share) -> str:
    """What a link shows, safe to display."""
    slash = "/" if share.kind is Kind.FOLDER else ""
    return display_name(share.name or "not known") + slash


def state_words(share: Share) -> str:
    """Why it does not work any more, or what limits it, in few words."""
    if share.note:
        return display_name(share.note, edges=False)
    limits = ["password"] if share.protected else []
    if share.most_downloads:
        limits.append(f"{share.downloads or 0} of {share.most_downloads} times")
    elif share.downloads:
        limits.append(f"used {present.count(share.downloads, 'time')}")
    if share.views:
        limits.append(f"seen {present.count(share.views, 'time')}")
    return ", ".join(limits)


def facts_of(share: Share, place: str) -> list[str]:
    """All that is told of a link but its password."""
    files = "" if share.files is None else present.count(share.files, "thing")
    size = "" if share.size is None else present.size_long(share.size)
    facts = {
        "shows": f"{shown_name(share)}   {'   '.join(filter(None, (files, size)))}",
        "in": display_name(share.at.parent.path) if share.at is not None else "",
        "made": present.date_full(share.created_ns) if share.created_ns is not None else "",
        "ends": "never" if share.expires_ns is None else present.date_full(share.expires_ns),
        "seen": "" if share.views is None else f"{present.exact(share.views)} times",
        "used": "" if share.downloads is None else f"{present.exact(share.downloads)} times",
        "most": f"{present.exact(share.most_downloads)} times" if share.most_downloads else "",
        "password": "yes, Enter shows what is told of it" if share.protected else "none",
        "now": display_name(share.note, edges=False) or f"open to whoever has the link of {place}",
        "id": display_name(share.id),
    }
    return [f"{label:<9} {text}" for label, text in facts.items() if text]


class ShareList(MarkList[Share]):
    """Links, newest first."""

    orders: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "age, newest first": lambda share: -(share.created_ns or 0),
        "name": lambda share: sort_key(share.name),
        "end, soonest first": lambda share: share.expires_ns or float("inf"),
    }

    def __init__(self) -> None:
        super().__init__(id="shares")

    def key_of(self, item: Share) -> str:
        return item.id

    def words_of(self, item: Share) -> str:
        return f"{item.name} {item.at.path if item.at else ''}"

    @staticmethod
    def widths(width: int) -> tuple[int, int, int, int]:
        """Cells of name, place, end and state."""
        end = 12
        state = max(14, width // 4)
        place = max(10, (width - end - state) * 2 // 5)
        return max(8, width - 1 - place - end - state - 3), place, end, state

    def head_text(self, width: int) -> str:
        name, place, end, _ = self.widths(width)
        return f" {pad('Name', name)} {pad('In', place)} {pad('Until', end)} Limits"

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        share = self.rows[row]
        name_width, place_width, end_width, state_width = self.widths(width)
        marked = self.is_marked(share)
        place = display_name(share.at.parent.path) if share.at is not None else "-"
        ends = "no end"
        if share.expires_ns is not None:
            ends = present.date_normal(share.expires_ns)
        text = sign_of(cursor=cursor, marked=marked)
        text += pad(cut_middle(shown_name(share), name_width), name_width)
        text += " " + pad(cut_start(place, place_width), place_width)
        text += f" {pad(ends, end_width)} {pad(state_words(share), state_width)}"
        style = "marked" if marked else ("dim" if share.note else "row")
        if cursor:
            style = "cursor-marked" if marked else "cursor"
        return Strip([Segment(pad(text, width), self.style(style))])


class SharesScreen(MarkScreen[ShareList]):
    """One account's public links."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.SHARES)

    def __init__(self, keeper: HasShares, storage: Storage, place: str, main: MainScreen) -> None:
        super().__init__(ShareList(), main)
        self._keeper = keeper
        self._storage = storage
        self._place = place

    def words(self) -> None:
        rows = self.list
        more = "+" if self._loading else ""
        title = f"{present.exact(len(rows.all))}{more} {'link' if len(rows.all) == 1 else 'links'}"
        self.list.set_title(f"Public links on {self._place}", title)
        marked = f"{present.exact(rows.marked)} marked   " if rows.marked else ""
        change = "e limits   " if self._storage.caps.share_changes else ""
        keys = f"{marked}Enter link   i more   {change}x take back   o show it   / filter   Esc"
        self.list.set_foot(rows.filter_words() or keys)

    async def scan(self) -> None:
        fresh: list[Share] = []
        async for page in self._keeper.scan_shares():
            fresh.extend(page)
            if len(fresh) == len(page):
                self.list.fill(fresh)
        self.list.set_notice(*([] if fresh else ["No public links. c s on a file makes one."]))
        self.list.fill(fresh)

    # --- keys --------------------------------------------------------------------------------

    def action_link(self) -> None:
        """Enter."""
        share = self.list.current
        if share is None:
            return

        async def work() -> None:
            await show_share(self.app, share, shown_name(share))

        self.act("Link", work, again=False)

    def action_show(self) -> None:
        """`o`: what the link shows, in the pane with focus."""
        share = self.list.current
        if share is None:
            return
        if share.at is not None:
            self._show(share.at)
        elif share.node:
            by_id = Location(self._storage.account, (f"#{share.node}",), share.node)

            async def work() -> None:
                self._show((await self._storage.stat(by_id)).at)

            self.act("Show", work, again=False)
        else:
            self.say(f"{self._place} does not tell where {shown_name(share)} is.")

    def _show(self, at: Location) -> None:
        self.dismiss(None)
        self._main.active.open(at.parent, want=at.node or at.name)

    def action_limits(self) -> None:
        """`e`: other limits for a link that is there."""
        share = self.list.current
        known = self._storage.caps.share_changes
        changer: object = self._keeper
        if share is None:
            return
        if not known or not isinstance(changer, ChangesShares):
            self.say(f"{self._place} does not change links. x takes it back, c s makes another.")
            return

        async def work() -> None:
            box = ShareForm(
                "Limits of a public link", [shown_name(share)], known, yes="Change", old=True
            )
            limits = await self.app.push_screen_wait(box)
            if limits is None or limits == Limits():
                return
            changed = await changer.change_share(
                share, days=limits.days, password=limits.password, most_downloads=limits.most
            )
            self.say(f"Changed the link to {shown_name(share)}.")
            if limits.password:
                await show_share(self.app, changed, shown_name(share))

        self.act("Change", work)

    def action_info(self) -> None:
        """`i`."""
        share = self.list.current
        if share is None:
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import Tell

            await self.app.push_screen_wait(Tell("Public link", facts_of(share, self._place)))

        self.act("Link", work, again=False)

    def action_revoke(self) -> None:
        """`x`: take links back."""
        shares = self.list.taken()
        if not shares:
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import Confirm

            names = "   ".join(map(shown_name, shares[:3]))
            more = f"   {present.exact(len(shares) - 3)} more" if len(shares) > 3 else ""
            what = present.count(len(shares), "link")
            box = Confirm(
                "Take public links back",
                [f"{what}: {names}{more}", "Whoever has one cannot use it any more. Files stay."],
                yes="Take back",
            )
            if not await self.app.push_screen_wait(box):
                return
            await self._keeper.unshare([share.id for share in shares])
            self.list.unmark()
            self.say(f"Taken back: {what}.")

        self.act("Take back", work)
