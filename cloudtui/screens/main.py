"""The main screen: two panes, the dock, the lines around them, and what the keys do.

Routes keys to the two `Browser`s and to `FileActions`, and keeps the words on screen true. Holds no
rule of files or services.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from cloudtui.actions import (
    Action,
    Place,
    key_hint,
    key_name,
    sequences,
    shared_words,
)
from cloudtui.bar_labels import bar_functions, bar_letters
from cloudtui.bridge import Bridge
from cloudtui.keymap import bindings_of
from cloudtui.ports import RuntimePort
from cloudtui.screens.browser import Browser
from cloudtui.screens.layout_keys import FULL, LEAST, SMALL
from cloudtui.screens.news import Newsroom
from cloudtui.screens.pane_mouse import PaneMouse
from cloudtui.screens.pane_words import foot_words
from cloudtui.screens.part_rows import PartRows
from cloudtui.screens.places import Places
from cloudtui.screens.taking import Hand
from cloudtui.services.models import Location
from cloudtui.services.naming import display_name
from cloudtui.widgets.choices import choice_lines
from cloudtui.widgets.facts import Facts
from cloudtui.widgets.file_list import FileList
from cloudtui.widgets.frame import Frames, use_frames
from cloudtui.widgets.header import header_pieces
from cloudtui.widgets.info import info_pieces, part_pieces
from cloudtui.widgets.line import KeyBar, Line, Piece
from cloudtui.widgets.row_list import RowList

if TYPE_CHECKING:
    from cloudtui.app import CloudApp
    from cloudtui.preferences import Preferences
    from cloudtui.screens.file_actions import FileActions
    from cloudtui.screens.glances import Glances
    from cloudtui.services.transfers.orders import JobView

_MESSAGE_SECONDS: Final = 10.0


class MainScreen(PaneMouse):
    """Two panes and everything around them."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.BROWSER)
    AUTO_FOCUS = None

    def __init__(
        self, runtime: Callable[[], Awaitable[RuntimePort]], bridge: Bridge, *, ascii_only: bool
    ) -> None:
        super().__init__(id="main")
        self.runtime = runtime
        self.bridge = bridge
        self._ascii = ascii_only
        self._left_pane = FileList(id="left", ascii_only=ascii_only)
        self._right_pane = FileList(id="right", ascii_only=ascii_only)
        self.left = Browser(self._left_pane, "left", runtime, self._browser_changed)
        self.right = Browser(self._right_pane, "right", runtime, self._browser_changed)
        self.header = Line(id="header", bar=True)
        self.message = Line(id="message")
        self.info = Line(id="info")
        self.key_bar = KeyBar(id="keys")
        self.facts = Facts(id="facts", ascii_only=ascii_only)
        self.active = self.left
        self.places = Places(self)
        self.news = Newsroom(self, (self.left, self.right))
        self.hand = Hand(self)
        self.parts = PartRows(self)
        self._prefix = ""
        self._sequences = sequences(Place.BROWSER, {})
        self._own_prefixes: frozenset[str] = frozenset()
        self._message_until = 0.0
        self._hinted = False
        self._keys_on_part = False
        use_frames(Frames.LINES)

    def compose(self) -> ComposeResult:
        yield self.header
        with Horizontal(id="panes"):
            yield self._left_pane
            yield self._right_pane
            yield self.facts
        yield self.message
        yield self.info
        yield self.key_bar

    @property
    def cloud_app(self) -> CloudApp:
        """The app, by its own type."""
        from cloudtui.app import CloudApp

        app = self.app
        assert isinstance(app, CloudApp)
        return app

    @property
    def running(self) -> RuntimePort:
        runtime = self.cloud_app.door.current
        assert runtime is not None  # what asks shows something out of it
        return runtime

    def keep_share(self) -> None:
        runtime = self.cloud_app.door.current
        if runtime is not None:
            runtime.division.note(self.left_share)

    def on_mount(self) -> None:
        self._left_pane.focus()
        self.lay_out()
        self.show_all()
        self.set_interval(0.5, self._tick)

    def on_screen_resume(self) -> None:
        """What lay above is gone: the terminal's cursor comes back where it is followed."""
        if self.speaker is not None:
            self._show_info()

    def start(
        self, left: Location, right: Location | None, preferences: Preferences | None
    ) -> None:
        """Show the first folders, as the settings want them."""
        if preferences is not None:
            self._prefer(preferences)
        if self.left.at in (None, left):
            self.left.open(left)  # else somebody went on from the first look already
        if right is not None:
            self.right.open(right)
        else:
            self._right_pane.set_title("no source")
            self._right_pane.set_notice(
                "No account yet.", "@ adds PikPak or pCloud, or shows the disk."
            )
        self.places.panes_started = True

    def _prefer(self, preferences: Preferences) -> None:
        for browser in (self.left, self.right):
            browser.show_hidden = preferences.hidden
            browser.folders_first = preferences.folders_first
        if preferences.ascii_only:
            self._frame(Frames.ASCII)
        if preferences.accessible:
            from cloudtui.screens.speaking import Speaker

            self._frame(Frames.BLANK)
            self.speaker = Speaker(self)
            self.alone = True
            self.lay_out()

    def keys_changed(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        """Actions have other keys, by id, from now on."""
        self._sequences = sequences(Place.BROWSER, keys)
        self._own_prefixes = frozenset(self._sequences)
        if self.is_mounted:
            self._show_info()
            self._show_keys()

    def _frame(self, frames: Frames) -> None:
        use_frames(frames)
        self.cloud_app.set_class(frames is Frames.ASCII, "-ascii-frames")
        self.cloud_app.set_class(frames is Frames.BLANK, "-no-frames")
        for widget in (self._left_pane, self._right_pane, self.facts):
            widget.refresh()

    @cached_property
    def files(self) -> FileActions:
        """What the keys do to files; loaded on first use."""
        from cloudtui.screens.file_actions import FileActions

        return FileActions(self)

    # --- words -------------------------------------------------------------------------------

    def say(self, text: str, *, bad: bool = False, keep: bool = True) -> None:
        """A sentence in the message line; one that is to `keep` goes to the log, too."""
        if keep:
            self.cloud_app.remember(text)
        self._message_until = time.monotonic() + _MESSAGE_SECONDS
        if self._prefix:
            return
        body, gap, key = text.rpartition("    ")
        pieces: list[Piece] = [(" " + (body if gap else text), "bad" if bad else "text")]
        if gap:
            pieces.append(("    " + key, "key"))
        self.message.show(pieces)

    def signed_in(self, who: str) -> None:
        """Tell whose account it is and, once in a run, the first keys somebody needs."""
        text = f"Signed in as {display_name(who)}." if who else "Signed in."
        if not self._hinted:
            self._hinted = True
            keys = (key_hint(f"browser.{name}") for name in ("other", "copy", "transfers"))
            text += "  {} other pane  {} copy  {} jobs  ? help".format(*keys)
        self.say(text)

    def _tick(self) -> None:
        if self._message_until and time.monotonic() > self._message_until and not self._prefix:
            self._message_until = 0.0
            self.message.show([])
        if self.left.loading or self.right.loading:
            self._show_panes()
        self.show_header()

    def _browser_changed(self, browser: Browser) -> None:
        if not self.is_mounted:
            return
        self.parts.look(browser, self.bridge.views)
        self._show_pane(browser)
        if browser is self.active:
            self._show_info()
        if not browser.loading:
            self.places.note_account(browser)
            self.news.note(browser)
            self.show_header()

    def jobs_sampled(self, views: list[JobView]) -> None:
        super().jobs_sampled(views)
        for browser in (self.left, self.right):
            self.parts.look(browser, views)

    def refresh_words(self) -> None:
        """Facts beside the panes changed."""
        self._show_panes()
        self.show_header()

    def show_all(self) -> None:
        self._show_panes()
        self.show_header()
        self._show_info()
        self._show_keys()

    def _show_panes(self) -> None:
        self._show_pane(self.left)
        self._show_pane(self.right)

    def _show_pane(self, browser: Browser) -> None:
        wide = self.size.width >= FULL
        focused = browser is self.active
        if browser.at is not None:
            right = ""
            if self.one_pane:
                right = f"[{1 if browser is self.left else 2}/2]"
            browser.pane.set_title(browser.place, right)
            foot = foot_words(browser, wide=wide, focused=focused)
            free = self.places.free_words(browser) if wide and not browser.loading else ""
            taken = self.hand.words if focused else ""
            browser.pane.set_foot("   ".join(words for words in (foot, taken, free) if words))

    def show_header(self) -> None:
        if self.too_small:
            width, height = self.size
            least = f"{LEAST[0]}x{LEAST[1]}"
            words = f"Too small: {least} needed, {width}x{height} now."
            self.header.show([(words, "strong"), (" Jobs go on.", "text")])
            return
        self.header.show(
            *header_pieces(
                width=self.size.width,
                accounts=self.places.account_words(short=self.size.width < FULL),
                views=[] if self.speaker is not None else self.bridge.views,
            )
        )

    def _show_info(self) -> None:
        if self._prefix:
            return  # the line may hold what can follow
        if self.dock is not None and self.dock_has_keys:
            self.info.show([(" " + self.dock.words(), "dim")])
            return
        browser = self.active
        entry, part = browser.view.current, browser.view.part
        if self._keys_on_part is not (part is not None):
            self._show_keys()
        if self.speaker is not None:
            self.info.show(self.speaker.row(browser))
            return
        target = self.other.place if self.other.at is not None else ""
        self.info.show(
            info_pieces(
                entry,
                on_parent=browser.view.on_parent(),
                marked=browser.view.marked,
                target=target,
                width=self.size.width,
            )
            if part is None
            else part_pieces(part, self.size.width)
        )
        if self.facts.display:
            self.facts.show_entry(entry, browser.place if browser.at is not None else "")

    def _show_keys(self) -> None:
        width = self.size.width or self.app.size.width
        few = 0 < width < SMALL[0]
        self._keys_on_part = self.active.view.part is not None
        letters = bar_letters(part=self._keys_on_part)
        self.key_bar.show_keys(bar_functions(few=few), letters, width=width)

    @on(Facts.Rested)
    def _rested(self, event: Facts.Rested) -> None:
        """There is time for a picture of the row."""
        event.stop()
        self.glances.look(event.entry)

    @cached_property
    def glances(self) -> Glances:
        """Pictures beside the panes; loaded when the cursor first rests on a wide screen."""
        from cloudtui.screens.glances import Glances

        return Glances(self)

    # --- focus and keys ----------------------------------------------------------------------

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        if event.widget in (self._left_pane, self._right_pane):
            self.active = self.left if event.widget is self._left_pane else self.right
            self.lay_out()
            self._show_panes()
        self._show_info()

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        if event.control is self.dock:
            self._show_info()
        browser = self.browser_of(event.control)
        if browser is None:
            return
        self._show_pane(browser)
        if browser is self.active:
            self._show_info()

    @on(FileList.Typed)
    def _typed(self, event: FileList.Typed) -> None:
        event.stop()
        browser = self.left if event.control is self._left_pane else self.right
        browser.words_changed()
        self._show_pane(browser)

    @on(FileList.PartKey)
    def _part_key(self, event: FileList.PartKey) -> None:
        event.stop()
        self.action_part(event.what)

    def action_part(self, what: str) -> None:
        """`r`, `d`, Enter on an unfinished file."""
        self.parts.carry_out(what)

    def press(self, key: str) -> None:
        self.cloud_app.press(key)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While keys are about jobs none is about files."""
        return not self.dock_has_keys and super().check_action(action, parameters)

    def action_prefix(self, key: str) -> None:
        """The first key of two: show what may follow, wait without end."""
        self._prefix = key
        choices = self._sequences.get(key, {})
        shared = shared_words([action.words for action in choices.values()])
        lead: list[Piece] = [(f" {key_name(key)} then ", "strong"), (f" {shared}", "dim")]
        told = [
            (key_name(one), each.words.removeprefix(shared).partition(":")[0])
            for one, each in choices.items()
        ]
        below = (self.message, self.info, self.key_bar)
        for line, pieces in zip(below, choice_lines(lead, told, self.size.width), strict=False):
            line.show(pieces)

    def second_key(self, key: str, *, typing: bool) -> bool:
        """Offer a key to a running sequence, or to one of the user's own. Tells whether it took
        it."""
        if not self._prefix:
            if key not in self._own_prefixes or typing:
                return False
            self.action_prefix(key)
            return True
        found: Action | None = self._sequences.get(self._prefix, {}).get(key)
        self._prefix = ""
        self.message.show([])
        self._show_info()
        self._show_keys()
        if found is not None:
            self.run_worker(self.run_action(found.run), group="keys", exit_on_error=False)
        return True

    # --- panes -------------------------------------------------------------------------------

    def focus_side(self, side: str) -> None:
        """Give a pane the focus; in the one-pane layout it is also the one that shows."""
        browser = self.left if side == "left" else self.right
        self.active = browser
        self.lay_out()
        browser.pane.focus()

    # --- what others change ------------------------------------------------------------------

    def overlay(self, account: str, ids: Iterable[str], *, gone: bool) -> None:
        """Both panes leave removed entries out, or take them back, before lists tell."""
        known = list(ids)
        self.left.overlay(account, known, gone=gone)
        self.right.overlay(account, known, gone=gone)

    def folder_changed(self, at: Location, want: str = "") -> None:
        """Something of ours changed a folder: panes that show it list it again."""
        for browser in (self.left, self.right):
            shown = browser.at
            if shown is None or shown.account != at.account:
                continue
            if shown.parts == at.parts or (shown.node is not None and shown.node == at.node):
                if want and browser is self.active:
                    browser.view.want(want)
                browser.list_again()
