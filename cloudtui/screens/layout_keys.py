"""How the main screen divides its room: panes, side panel, dock, and the keys that change it.

Owns what is shown at which size and who has how much of it; what stands there is others'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual import events
from textual.geometry import Size

from cloudtui.actions import key_hint
from cloudtui.bridge import Bridge
from cloudtui.ports import RuntimePort
from cloudtui.screens.file_keys import FileKeys
from cloudtui.widgets.line import Line

if TYPE_CHECKING:
    from cloudtui.screens.dock_keys import JobDock
    from cloudtui.screens.speaking import Speaker
    from cloudtui.services.transfers.orders import JobView

WIDE: Final = 160
"""Columns from which on there is a side panel."""
FULL: Final = 100
_TALL: Final = 30
SMALL: Final = (60, 15)
"""Columns and rows below which there is one pane."""
LEAST: Final = (40, 12)

_EVEN: Final = 50
_STEP: Final = 5
_LEAST_SHARE: Final = 20
"""Hundredths of the room that a pane gets by one key more, and at least."""


class LayoutKeys(FileKeys):
    """The divisions of one main screen."""

    bridge: Bridge
    message: Line
    dock: JobDock | None = None
    speaker: Speaker | None = None
    """Says what would be drawn, for screen readers."""
    left_share = _EVEN
    """Hundredths of the room of both panes that are the left one's."""
    alone = False
    """The pane with focus has all of it."""
    too_small = False
    _panel_off = False
    _ascii = False

    @property
    def running(self) -> RuntimePort:
        """The runtime, once it is open."""
        raise AssertionError(f"{type(self).__name__} opens nothing")

    def show_all(self) -> None:
        """Write all words anew."""
        raise AssertionError(f"{type(self).__name__} shows nothing")

    def show_header(self) -> None:
        """Write the top line anew."""

    def keep_share(self) -> None:
        """Have later runs divide the room as it is now."""

    @property
    def one_pane(self) -> bool:
        """Whether one pane hides the other."""
        width, height = self.size
        return self.alone or width < SMALL[0] or height < SMALL[1]

    @property
    def large(self) -> bool:
        """Room for the framed dock."""
        return self.size.width >= FULL and self.size.height >= _TALL

    @property
    def dock_has_keys(self) -> bool:
        """Whether keys are about jobs."""
        return self.dock is not None and self.focused is self.dock

    def _screen_resized(self, size: Size) -> None:
        """Lay out for the terminal as it is now, whatever an older message says.

        Each layout sends its size to the screen again. Two sizes on their way at once (a terminal
        of no size, or one that changes while the program starts) would swap places for ever.
        """
        super()._screen_resized(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        self.lay_out()
        self.call_after_refresh(self.show_all)

    def lay_out(self) -> None:
        """Divide the room."""
        width, height = self.size
        if not width:
            return
        self.set_class(width >= WIDE and height >= 24 and not self._panel_off, "-wide")
        self.set_class(self.one_pane, "-alone")
        self.too_small = width < LEAST[0] or height < LEAST[1]
        self.set_class(self.too_small, "-too-small")
        for browser in (self.left, self.right):
            browser.pane.set_class(self.active is not browser, "-resting")
        self.show_jobs(self.bridge.views)

    # --- panes -------------------------------------------------------------------------------

    def share_room(self, left: int, *, keep: bool = True) -> None:
        """Give so many hundredths of the room to the left pane, the rest to the right one; `keep`:
        in later runs, too."""
        left = max(_LEAST_SHARE, min(100 - _LEAST_SHARE, left))
        if left != self.left_share:
            self.left_share = left
            self.left.pane.styles.width = f"{left}fr"
            self.right.pane.styles.width = f"{100 - left}fr"
            self.call_after_refresh(self.show_all)
            if keep:
                self.keep_share()

    def share_as_before(self, left: int | None) -> None:
        """Divide the room as an earlier run did, unless that was changed here already."""
        if self.left_share != _EVEN:
            self.keep_share()
        elif left is not None:
            self.share_room(left, keep=False)

    def action_border(self, step: int) -> None:
        """`<` and `>`."""
        if self.one_pane:
            self.say("One pane has all the room now.")
        else:
            self.share_room(self.left_share + step * _STEP)

    def action_alone(self) -> None:
        """`Z`: this pane alone, and back."""
        self.alone = not self.alone
        self.lay_out()
        self.call_after_refresh(self.show_all)

    def action_panel(self) -> None:
        """`I`."""
        self._panel_off = not self._panel_off
        self.lay_out()
        if self.size.width < WIDE:
            self.say(f"The side panel needs {WIDE} columns. i shows properties in a box.")

    # --- the dock ----------------------------------------------------------------------------

    def show_jobs(self, views: list[JobView]) -> None:
        """Show these in the dock, which comes with the first of them."""
        if self.speaker is not None:
            self.speaker.jobs(views)
            return
        if self.dock is None:
            if not views:
                return
            from cloudtui.screens.dock_keys import JobDock

            self.dock = JobDock(self, ascii_only=self._ascii)
            self.mount(self.dock, before=self.message)
        self.dock.show_jobs(views, large=self.large)
        if self.dock_has_keys and not self.dock.display:
            self.active.pane.focus()

    def jobs_sampled(self, views: list[JobView]) -> None:
        """A new picture of the jobs."""
        self.show_jobs(views)
        self.show_header()

    def _shown_dock(self) -> JobDock | None:
        """The dock; where it is not to be seen that is told."""
        if self.speaker is not None:
            self.say(f"{key_hint('browser.transfers')} lists the jobs.")
            return None
        if self.dock is None or not self.dock.jobs:
            self.say(f"No jobs. {key_hint('browser.copy')} copies to the other pane.")
            return None
        return self.dock

    def action_dock(self) -> None:
        """`F`."""
        dock = self._shown_dock()
        if dock is not None:
            dock.switched_off = not dock.switched_off
            self.show_jobs(self.bridge.views)

    def action_dock_keys(self) -> None:
        """`g w`: keys go to the jobs of the dock."""
        dock = self._shown_dock()
        if dock is not None:
            dock.switched_off = False
            self.show_jobs(self.bridge.views)
            dock.focus()
            self.say("Keys are about jobs now, as in the list of w. Esc goes back.", keep=False)

    def give_dock(self, lines: int) -> None:
        """Let the dock have so many lines beside its frame."""
        if self.dock is not None:
            self.dock.wanted_lines = max(1, min(self.size.height // 2, lines))
            self.show_jobs(self.bridge.views)

    def action_dock_lines(self, step: int) -> None:
        """`[` and `]`."""
        dock = self._shown_dock()
        if dock is not None:
            self.give_dock(min(dock.lines, len(dock.jobs) + (not dock.framed)) + step)
