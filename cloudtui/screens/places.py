"""The ways from the main screen to everything beside the panes.

Opens boxes and screens (loaded on first use, so that start-up does not pay for them) and keeps what
the header says of accounts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

from cloudtui import present
from cloudtui.screens.browser import Browser
from cloudtui.services.addresses import local_path
from cloudtui.services.errors import CaptchaNeeded, CloudError
from cloudtui.services.models import DISK, Entry, Found, Location, Quota
from cloudtui.services.naming import display_name
from cloudtui.widgets.header import quota_words

if TYPE_CHECKING:
    from cloudtui.screens.fetching import Fetching
    from cloudtui.screens.main import MainScreen
    from cloudtui.screens.puzzles import Puzzles
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.transfers.orders import JobView

_QUOTA_SECONDS: Final = 60.0


@dataclass(slots=True)
class _Known:
    """What the header knows of an account."""

    title: str
    user: str = ""
    quota: Quota | None = None
    asked_at: float = 0.0


class Places:
    """Doors of one main screen."""

    def __init__(self, screen: MainScreen) -> None:
        self.screen = screen
        self.panes_started = False
        """Which accounts the panes show is known from the moment their first folders are."""
        self._begun = False
        self._known: dict[str, _Known] = {}

    @cached_property
    def puzzles(self) -> Puzzles:
        """Puzzles in the middle of work; loaded when the first one comes."""
        from cloudtui.screens.puzzles import Puzzles

        return Puzzles(self.screen)

    @cached_property
    def fetching(self) -> Fetching:
        """Downloads by a service that are to come to this disk."""
        from cloudtui.screens.fetching import Fetching

        return Fetching(self.screen)

    def look_at_jobs(self, views: Sequence[JobView]) -> None:
        """A new picture of the jobs: some may stand because of a puzzle."""
        if any(CaptchaNeeded.code in view.error_codes for view in views):
            self.puzzles.look(views)

    # --- accounts in the header --------------------------------------------------------------

    def note_account(self, browser: Browser) -> None:
        """A listing ended: learn the account's room, at most once a minute."""
        storage = browser.storage
        if not self._begun:
            self._begun = True
            self.screen.run_worker(self.fetching.begin(), group="wishes", exit_on_error=False)
            self.screen.run_worker(self._unpacked(), group="unpackings", exit_on_error=False)
        if isinstance(browser.error, CaptchaNeeded):
            self.puzzles.met(browser)
        if storage is None or browser.error is not None:
            return
        known = self._known.setdefault(storage.account, _Known(storage.title))
        now = time.monotonic()
        if known.asked_at and now - known.asked_at < _QUOTA_SECONDS:
            return
        from cloudtui.services.storage import HasQuota

        if not isinstance(storage, HasQuota):
            return
        known.asked_at = now
        keeper: HasQuota = storage
        account = storage.account

        async def ask() -> None:
            try:
                runtime = await self.screen.runtime()
                if account != DISK:
                    known.user = display_name(runtime.accounts()[account].text("username", ""))
                known.quota = await keeper.quota()
            except (CloudError, KeyError):
                known.quota = None  # the header simply shows no room; listing tells of trouble
            self.screen.refresh_words()

        self.screen.run_worker(ask(), group=f"quota-{account}", exit_on_error=False)

    async def _unpacked(self) -> None:
        """See extractions through that an earlier run left."""
        runtime = await self.screen.runtime()
        if await asyncio.to_thread(runtime.unpackings.left):
            from cloudtui.screens.unpacking import see_left_through

            await see_left_through(self.screen)

    def account_words(self, *, short: bool) -> list[str]:
        """`PikPak ana@example.com  3.1T of 10T`, one text per account seen."""
        words: list[str] = []
        for account, known in self._known.items():
            if account == DISK:
                continue
            text = f"{known.title} {known.user}".strip()
            if known.quota is not None:
                text += f"   {quota_words(known.quota, short=short)}"
            words.append(text)
        runtime = self.screen.cloud_app.door.current
        if runtime is not None and self.panes_started and not short:
            for account in runtime.accounts():
                if account not in self._known and account not in self._shown():
                    words.append(f"{display_name(account)}: press @ to open")
        return words

    def _shown(self) -> set[str]:
        """The accounts of both panes: opened there, being opened, or a pane says why not."""
        sides = (self.screen.left, self.screen.right)
        return {side.at.account for side in sides if side.at is not None}

    def free_words(self, browser: Browser) -> str:
        """`118 GiB free` for the foot of a disk pane."""
        if browser.at is None or browser.at.account != DISK:
            return ""
        known = self._known.get(DISK)
        if known is None or known.quota is None or known.quota.free is None:
            return ""
        return f"{present.size_long(known.quota.free)} free"

    def forget(self, account: str) -> None:
        """An account was signed out or anew."""
        self._known.pop(account, None)

    # --- small boxes -------------------------------------------------------------------------

    def ask(self, work: Coroutine[None, None, None]) -> None:
        """Run what opens a box or screen; a failure becomes a sentence."""

        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # a boundary: services fail, and a bug becomes a sentence
                self.screen.log.error(f"opening failed: {type(error).__name__}")
                self.screen.say(present.sentence(error), bad=True)

        self.screen.run_worker(guarded(), group="boxes", exit_on_error=False)

    def mark_pattern(self, browser: Browser, *, on: bool) -> None:
        """`+` and `-`: a pattern, then marks on what fits of the visible rows."""

        async def work() -> None:
            from cloudtui.screens.dialogs import PatternBox

            pattern = await self.screen.app.push_screen_wait(PatternBox(on=on))
            if pattern:
                hits = browser.view.mark_matching(pattern, on=on)
                browser.pane.redraw()
                word = "Marked" if on else "Unmarked"
                self.screen.say(f"{word} {present.count(hits, 'row')} of those shown.")

        self.ask(work())

    def go(self, browser: Browser) -> None:
        """A typed path or address."""

        async def work() -> None:
            from cloudtui.screens.dialogs import Prompt

            box = Prompt(
                "Go to",
                ["A path on this disk, ~ for home, or NAME:/path of an account."],
                yes="Go",
                kind="address",
            )
            text = await self.screen.app.push_screen_wait(box)
            if text:
                self.go_to(browser, text)

        self.ask(work())

    def go_to(self, browser: Browser, text: str) -> None:
        """A path or address that was typed."""

        async def work() -> None:
            runtime = await self.screen.runtime()
            browser.open(runtime.parse(text).at)

        self.ask(work())

    def choose_keys(self) -> None:
        """`g k`."""
        from cloudtui.screens.choosing_keys import choose_keys

        self.ask(choose_keys(self.screen))

    def search(self, browser: Browser) -> None:
        """`s`."""
        from cloudtui.screens.search import go_to_name

        self.ask(go_to_name(self.screen, browser))

    def bookmarks(self, browser: Browser) -> None:
        """`b`: choose a folder to go back to."""

        async def work() -> None:
            from cloudtui.screens.bookmarks import BookmarkScreen

            runtime = await self.screen.runtime()
            marks = runtime.bookmarks

            def forget(address: str) -> None:
                marks.remove(address)

            found = await asyncio.to_thread(marks.all)
            address = await self.screen.app.push_screen_wait(BookmarkScreen(found, forget))
            if address is not None:
                browser.open(runtime.parse(address).at)

        self.ask(work())

    def recent(self, browser: Browser) -> None:
        """`z`: choose among the folders that this run was in."""
        seen = [*browser.visited(), *self.screen.other.visited()]

        async def work() -> None:
            from cloudtui.screens.bookmarks import RecentScreen

            at = {browser.address_of(one): one for one in reversed(seen)}
            shown = list(dict.fromkeys(browser.address_of(one) for one in seen))
            address = await self.screen.app.push_screen_wait(RecentScreen(shown))
            if address is not None:
                browser.open(at[address])

        self.ask(work())

    def bookmark(self, browser: Browser) -> None:
        """`B`: keep the folder this pane shows."""
        at = browser.at
        if at is None:
            self.screen.say("This pane shows no folder yet. @ chooses a source.")
            return
        address = browser.address()
        place = browser.place

        async def work() -> None:
            runtime = await self.screen.runtime()
            new = await asyncio.to_thread(runtime.bookmarks.add, address)
            words = "Kept as a bookmark" if new else "Already a bookmark"
            self.screen.say(f"{words}: {place}    b shows them")

        self.ask(work())

    def properties(self, browser: Browser) -> None:
        """`i`: all facts of the row under the cursor, with its code points when they are odd."""
        entry = browser.view.current
        if entry is None:
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import Tell
            from cloudtui.widgets.facts import property_lines

            lines = property_lines(entry, browser.place)
            await self.screen.app.push_screen_wait(Tell("Properties", lines))

        self.ask(work())

    def view(self, browser: Browser, entry: Entry) -> None:
        """F3."""
        if browser.at is None:
            return
        item = Found.of(browser.at, entry)
        where = browser.place

        async def work() -> None:
            from cloudtui.screens.viewer import ViewerScreen

            runtime = await self.screen.runtime()
            await self.screen.app.push_screen(ViewerScreen(runtime, item, where))

        self.ask(work())

    def edit(self, browser: Browser, entry: Entry) -> None:
        """F4."""
        from cloudtui.screens.editing import edit

        self.ask(edit(self.screen, browser, entry))

    def copy_words(self, browser: Browser, what: str) -> None:
        """`c` and a letter: `path`, `name`, `link`, `share` or `source` of the row under the
        cursor."""
        entry, storage = browser.view.current, browser.storage
        if what in ("path", "name"):
            self.copy_text(browser, what)
        elif entry is not None and storage is not None and browser.at is not None:
            from cloudtui.screens import qualities, sharing

            made = {"link": sharing.direct_link, "share": sharing.public_link}
            work = made.get(what, sharing.source_link)
            work = qualities.other_quality if what == "quality" else work
            self.ask(work(self.screen, storage, Found.of(browser.at, entry)))

    def copy_text(self, browser: Browser, what: str) -> None:
        """A path or name to the terminal's clipboard; paths with control characters are quoted for
        a shell."""
        entry = browser.view.current
        if entry is None or browser.at is None:
            return
        at = Found.of(browser.at, entry).at
        text = entry.name
        if what == "path":
            text = str(local_path(at)) if at.account == DISK else str(at)
        if not text.isprintable():
            import shlex

            text = shlex.quote(text)
        self.screen.app.copy_to_clipboard(text)
        self.screen.say(f"Sent to the terminal's clipboard: {display_name(text)}")

    # --- screens -----------------------------------------------------------------------------

    def transfers(self, job: str = "") -> None:
        """`w`; a `job` gets the cursor."""

        async def work() -> None:
            from cloudtui.screens.transfers import TransfersScreen

            runtime = await self.screen.runtime()
            await self.screen.app.push_screen(TransfersScreen(runtime, self.screen.bridge, job))

        self.ask(work())

    def show_folder(self, at: Location, want: str = "") -> None:
        """Show a folder in the pane with focus; used by screens that close with a result."""
        self.screen.active.open(at, want=want)

    def trash(self, browser: Browser) -> None:
        """`t`: the trash of this pane's source."""

        async def work() -> None:
            from cloudtui.screens.trash import TrashScreen
            from cloudtui.services.models import TrashKind
            from cloudtui.services.storage import HasTrash

            storage = browser.storage
            if storage is None:
                self.screen.say("This pane shows no folder yet. @ chooses a source.")
                return
            if not isinstance(storage, HasTrash) or storage.caps.trash is TrashKind.NONE:
                reason = storage.caps.refused.get("trash", "")
                self.screen.say(reason or f"{browser.place_name} keeps no trash.")
                return
            account = storage.account
            other = self.screen.other if browser is self.screen.active else self.screen.active
            elsewhere = (
                other.at if other.at is not None and other.at.account == (storage.account) else None
            )
            kind = storage.caps.trash
            await self.screen.app.push_screen(
                TrashScreen(
                    storage,
                    browser.place_name,
                    account,
                    elsewhere,
                    self.screen,
                    kind=kind,
                    page=storage.caps.trash_page,
                )
            )

        self.ask(work())

    def shares(self, browser: Browser) -> None:
        """`g s`: the public links of this pane's account."""

        async def work() -> None:
            from cloudtui.screens.shares import SharesScreen
            from cloudtui.services.storage import HasShares

            storage = browser.storage
            if storage is None:
                self.screen.say("This pane shows no folder yet. @ chooses a source.")
            elif not isinstance(storage, HasShares) or not storage.caps.allows("shares"):
                reason = storage.caps.refused.get("shares", "")
                self.screen.say(reason or f"{browser.place_name} makes no public links.")
            else:
                await self.screen.app.push_screen(
                    SharesScreen(storage, storage, browser.place_name, self.screen)
                )

        self.ask(work())

    def playlists(self) -> None:
        """`g p`: playlists of the music that a pane shows; local lists come from the other one."""
        sides = (self.screen.active, self.screen.other)
        music = next((side for side in sides if side.at and side.at.account != DISK), None)
        local = next((side for side in sides if side.at and side.at.account == DISK), None)

        async def work() -> None:
            from cloudtui.screens.playlists import PlaylistsScreen, lists_among
            from cloudtui.services.pcloud.storage import PCloudStorage

            storage: object = music.storage if music is not None else None
            if music is None or music.at is None or not isinstance(storage, PCloudStorage):
                self.screen.say("Playlists are made on pCloud: show its music in a pane first.")
                return
            runtime = cast("Runtime", await self.screen.runtime())
            lists = lists_among(local.taken()) if local is not None else []
            cache = runtime.paths.cache_dir
            await self.screen.app.push_screen(
                PlaylistsScreen(storage, music.at, lists, cache, self.screen)
            )

        self.ask(work())

    def unpack(self, browser: Browser) -> None:
        """`X`."""
        from cloudtui.screens.unpacking import unpack

        other = self.screen.other if browser is self.screen.active else self.screen.active
        self.ask(unpack(self.screen, browser, browser.taken(), other.at))

    def offline(self, browser: Browser, *, paste: bool) -> None:
        """`O` and `m`."""

        async def work() -> None:
            from cloudtui.screens.offline import OfflineScreen
            from cloudtui.screens.pasting import PasteBox
            from cloudtui.services.storage import OfflineTasks

            for one in (browser, self.screen.left, self.screen.right):
                tasks = one.storage
                if tasks is None or one.at is None or not tasks.caps.offline_tasks:
                    continue
                if isinstance(tasks, OfflineTasks):
                    box = PasteBox if paste else OfflineScreen
                    await self.screen.app.push_screen(
                        box(tasks, one.place_name, one.at, self.screen)
                    )
                    return
            self.screen.say("No pane shows a place that fetches links by itself. @ chooses one.")

        self.ask(work())

    def sources(self, browser: Browser) -> None:
        """`@`."""

        async def work() -> None:
            from cloudtui.screens.accounts import SourceScreen

            runtime = await self.screen.runtime()
            at = await self.screen.app.push_screen_wait(SourceScreen(runtime, browser.place))
            if at is not None:
                browser.forget_storage()
                self.screen.focus_side(browser.side)
                browser.open(at)

        self.ask(work())

    def log(self) -> None:
        """`g l`: what the message line said in this run."""

        async def work() -> None:
            from cloudtui.screens.dialogs import Tell

            lines = self.screen.cloud_app.remembered()[-18:] or ["Nothing was said yet."]
            await self.screen.app.push_screen_wait(Tell("Messages of this run", lines))

        self.ask(work())
