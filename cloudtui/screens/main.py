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
from textual.geometry import Size

from cloudtui.actions import (
    Action,
    Place,
    bar_functions,
    bar_letters,
    key_hint,
    key_name,
    sequences,
    shared_words,
)
from cloudtui.bridge import Bridge
from cloudtui.keymap import bindings_of
from cloudtui.ports import RuntimePort
from cloudtui.screens.browser import Browser
from cloudtui.screens.file_keys import FileKeys
from cloudtui.screens.news import Newsroom
from cloudtui.screens.pane_words import foot_words
from cloudtui.screens.places import Places
from cloudtui.screens.taking import Hand
from cloudtui.services.models import Location
from cloudtui.services.naming import display_name
from cloudtui.widgets.choices import choice_lines
from cloudtui.widgets.facts import Facts
from cloudtui.widgets.file_list import FileList
from cloudtui.widgets.frame import Frames, use_frames
from cloudtui.widgets.header import header_pieces
from cloudtui.widgets.info import info_pieces
from cloudtui.widgets.line import KeyBar, Line, Piece
from cloudtui.widgets.row_list import RowList

if TYPE_CHECKING:
    from cloudtui.app import CloudApp
    from cloudtui.preferences import Preferences
    from cloudtui.screens.file_actions import FileActions
    from cloudtui.screens.speaking import Speaker
    from cloudtui.services.transfers.orders import JobView
    from cloudtui.widgets.dock import Dock

_MESSAGE_SECONDS: Final = 10.0
_WIDE: Final = 160
_FULL: Final = 100
_TALL: Final = 30
_SMALL: Final = (60, 15)
_LEAST: Final = (40, 12)


class MainScreen(FileKeys):
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
        self.dock: Dock | None = None
        self.message = Line(id="message")
        self.info = Line(id="info")
        self.key_bar = KeyBar(id="keys")
        self.facts = Facts(id="facts", ascii_only=ascii_only)
        self.active = self.left
        self.places = Places(self)
        self.news = Newsroom(self, (self.left, self.right))
        self.hand = Hand(self)
        self._alone = False
        self._panel_off = False
        self._too_small = False
        self._prefix = ""
        self._sequences = sequences(Place.BROWSER, {})
        self._own_prefixes: frozenset[str] = frozenset()
        self._message_until = 0.0
        self._hinted = False
        self.speaker: Speaker | None = None
        """Says what would be drawn, for screen readers."""
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

    def on_mount(self) -> None:
        self._left_pane.focus()
        self._layout()
        self._show_all()
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
            self._alone = True
            self._layout()

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
        self._show_header()

    def _browser_changed(self, browser: Browser) -> None:
        if not self.is_mounted:
            return
        self._show_pane(browser)
        if browser is self.active:
            self._show_info()
        if not browser.loading:
            self.places.note_account(browser)
            self.news.note(browser)
            self._show_header()

    def refresh_words(self) -> None:
        """Facts beside the panes changed."""
        self._show_panes()
        self._show_header()

    def _show_all(self) -> None:
        self._show_panes()
        self._show_header()
        self._show_info()
        self._show_keys()

    def _show_panes(self) -> None:
        self._show_pane(self.left)
        self._show_pane(self.right)

    def _show_pane(self, browser: Browser) -> None:
        wide = self.size.width >= _FULL
        focused = browser is self.active
        if browser.at is not None:
            right = ""
            if self._one_pane:
                right = f"[{1 if browser is self.left else 2}/2]"
            browser.pane.set_title(browser.place, right)
            foot = foot_words(browser, wide=wide, focused=focused)
            free = self.places.free_words(browser) if wide and not browser.loading else ""
            taken = self.hand.words if focused else ""
            browser.pane.set_foot("   ".join(words for words in (foot, taken, free) if words))

    def _show_header(self) -> None:
        if self._too_small:
            width, height = self.size
            least = f"{_LEAST[0]}x{_LEAST[1]}"
            words = f"Too small: {least} needed, {width}x{height} now."
            self.header.show([(words, "strong"), (" Jobs go on.", "text")])
            return
        self.header.show(
            *header_pieces(
                width=self.size.width,
                accounts=self.places.account_words(short=self.size.width < _FULL),
                views=[] if self.speaker is not None else self.bridge.views,
            )
        )

    def _show_info(self) -> None:
        if self._prefix:
            return  # the line may hold what can follow
        browser = self.active
        entry = browser.view.current
        if self.speaker is not None:
            self.info.show(self.speaker.row(browser))
            return
        self.info.show(
            info_pieces(
                entry,
                on_parent=browser.view.on_parent(),
                marked=browser.view.marked,
                target=self.other.place if self.other.at is not None else "",
                width=self.size.width,
            )
        )
        if self.facts.display:
            self.facts.show_entry(entry, browser.place if browser.at is not None else "")

    def _show_keys(self) -> None:
        width = self.size.width or self.app.size.width
        self.key_bar.show_keys(bar_functions(), bar_letters(), width=width)

    # --- layout ------------------------------------------------------------------------------

    @property
    def _one_pane(self) -> bool:
        return self._alone or self.size.width < _SMALL[0]

    def _screen_resized(self, size: Size) -> None:
        """Lay out for the terminal as it is now, whatever an older message says.

        Each layout sends its size to the screen again. Two sizes on their way at once (a terminal
        of no size, or one that changes while the program starts) would swap places for ever.
        """
        super()._screen_resized(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        self._layout()
        self.call_after_refresh(self._show_all)

    def _layout(self) -> None:
        width, height = self.size
        if not width:
            return
        self.set_class(width >= _WIDE and height >= 24 and not self._panel_off, "-wide")
        self.set_class(self._one_pane, "-alone")
        self._too_small = width < _LEAST[0] or height < _LEAST[1]
        self.set_class(self._too_small, "-too-small")
        self._left_pane.set_class(self.active is not self.left, "-resting")
        self._right_pane.set_class(self.active is not self.right, "-resting")
        self._show_jobs(self.bridge.views)

    @property
    def large(self) -> bool:
        """Room for the framed dock."""
        return self.size.width >= _FULL and self.size.height >= _TALL

    def _show_jobs(self, views: list[JobView]) -> None:
        if self.speaker is not None:
            self.speaker.jobs(views)
            return
        if self.dock is None:
            if not views:
                return
            from cloudtui.widgets.dock import Dock

            self.dock = Dock(id="dock", ascii_only=self._ascii, opened=self.places.transfers)
            self.mount(self.dock, before=self.message)
        self.dock.show_jobs(views, large=self.large)

    def jobs_sampled(self, views: list[JobView]) -> None:
        """A new picture of the jobs."""
        self._show_jobs(views)
        self._show_header()

    # --- focus and keys ----------------------------------------------------------------------

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        if event.widget in (self._left_pane, self._right_pane):
            self.active = self.left if event.widget is self._left_pane else self.right
            self._layout()
            self._show_panes()
            self._show_info()

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        if not isinstance(event.control, FileList):
            return
        browser = self.left if event.control is self._left_pane else self.right
        self._show_pane(browser)
        if browser is self.active:
            self._show_info()

    @on(FileList.Typed)
    def _typed(self, event: FileList.Typed) -> None:
        event.stop()
        browser = self.left if event.control is self._left_pane else self.right
        browser.words_changed()
        self._show_pane(browser)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        if isinstance(event.control, FileList):
            self.action_enter()

    @on(RowList.Menu)
    def _menu(self, event: RowList.Menu) -> None:
        event.stop()
        if isinstance(event.control, FileList):
            event.control.focus()
            # behind the focus: the menu is about the pane that was clicked
            self.call_later(self.cloud_app.action_menu)

    @on(RowList.HeadClicked)
    def _head_clicked(self, event: RowList.HeadClicked) -> None:
        event.stop()
        if isinstance(event.control, FileList):
            event.control.focus()
            browser = self.left if event.control is self._left_pane else self.right
            browser.sort(event.control.head_column(event.x).value)

    @on(KeyBar.Pressed)
    def _key_pressed(self, event: KeyBar.Pressed) -> None:
        event.stop()
        self.cloud_app.press(event.key)

    def action_prefix(self, key: str) -> None:
        """The first key of two: show what may follow, wait without end."""
        self._prefix = key
        choices = self._sequences.get(key, {})
        shared = shared_words([action.words for action in choices.values()])
        lead: list[Piece] = [(f" {key_name(key)} then ", "strong"), (f" {shared}", "dim")]
        told = [(key_name(one), each.words.removeprefix(shared)) for one, each in choices.items()]
        first, second = choice_lines(lead, told, self.size.width)
        self.message.show(first)
        if second:
            self.info.show(second)

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
        if found is not None:
            self.run_worker(self.run_action(found.run), group="keys", exit_on_error=False)
        return True

    # --- panes -------------------------------------------------------------------------------

    def focus_side(self, side: str) -> None:
        """Give a pane the focus; in the one-pane layout it is also the one that shows."""
        browser = self.left if side == "left" else self.right
        self.active = browser
        self._layout()
        browser.pane.focus()

    def action_alone(self) -> None:
        """`Z`: this pane alone, and back."""
        self._alone = not self._alone
        self._layout()
        self.call_after_refresh(self._show_all)

    def action_panel(self) -> None:
        """`I`."""
        self._panel_off = not self._panel_off
        self._layout()
        if self.size.width < _WIDE:
            self.say(f"The side panel needs {_WIDE} columns. i shows properties in a box.")

    def action_dock(self) -> None:
        """`F`."""
        if self.dock is None:
            self.say(f"No jobs. {key_hint('browser.copy')} copies to the other pane.")
            return
        self.dock.switched_off = not self.dock.switched_off
        self._show_jobs(self.bridge.views)

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
