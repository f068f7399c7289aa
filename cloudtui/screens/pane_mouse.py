"""The mouse on the main screen: what is clicked, dragged and dropped there.

Every one of these does what a key does. Dragging is followed where events come in, one after the
other: by way of the widgets' own queues a quick hand would be over the other pane before the first
of them knew that it was pressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual import events, on
from textual.errors import NoWidget

from cloudtui import present
from cloudtui.screens.browser import Browser
from cloudtui.screens.layout_keys import LayoutKeys
from cloudtui.screens.pane_words import depth_in_title
from cloudtui.services.models import Found
from cloudtui.widgets.file_list import FileList
from cloudtui.widgets.line import KeyBar
from cloudtui.widgets.row_list import RowList

_MAIN_BUTTON: Final = 1


@dataclass(slots=True)
class _Held:
    """What the button was pressed on: `items` of a pane, the `border` between the panes, or the
    edge above the dock. `moved` once that was dragged."""

    source: Browser | None = None
    items: tuple[Found, ...] = ()
    border: bool = False
    moved: bool = False
    over: Browser | None = None


class PaneMouse(LayoutKeys):
    """Clicks and drags."""

    _held: _Held | None = None

    def browser_of(self, widget: object) -> Browser | None:
        """The browser behind a pane."""
        return next((one for one in (self.left, self.right) if one.pane is widget), None)

    # --- clicks ------------------------------------------------------------------------------

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
            self.call_later(self.app.run_action, "menu")

    @on(RowList.HeadClicked)
    def _head_clicked(self, event: RowList.HeadClicked) -> None:
        event.stop()
        browser = self.browser_of(event.control)
        if browser is not None:
            browser.pane.focus()
            browser.sort(browser.pane.head_column(event.x).value)

    @on(RowList.TitleClicked)
    def _title_clicked(self, event: RowList.TitleClicked) -> None:
        event.stop()
        browser = self.browser_of(event.control)
        depth = None if browser is None else depth_in_title(browser, event.x)
        if browser is not None and depth is not None:
            browser.climb(depth)

    @on(KeyBar.Pressed)
    def _key_pressed(self, event: KeyBar.Pressed) -> None:
        event.stop()
        self.press(event.key)

    def press(self, key: str) -> None:
        """Let a key be pressed that the mouse meant."""
        raise AssertionError(f"nobody takes {key}")

    # --- drags -------------------------------------------------------------------------------

    def follow_mouse(self, event: events.MouseEvent) -> bool:
        """Look at what the mouse did before any widget does. Tells whether it was part of a drag
        and nobody else's."""
        if isinstance(event, events.MouseDown):
            self._held = self._taken_hold(event)
            return False
        held = self._held
        if held is None:
            return False
        if isinstance(event, events.MouseMove):
            if not event.button:
                self._held = None  # let go where nobody saw it
                return False
            return self._drag(held, event)
        if isinstance(event, events.MouseUp):
            self._held = None
            if held.over is not None:
                self._drop(held, shift=event.shift)
            return held.moved
        return False

    def _taken_hold(self, event: events.MouseDown) -> _Held | None:
        """What is under a button that was pressed, where it can be dragged."""
        x, y = event.x, event.y
        if event.button != _MAIN_BUTTON or event.ctrl:
            return None
        dock = self.dock
        if dock is not None and dock.display and y in (dock.region.y - 1, dock.region.y):
            above = y < dock.region.y
            if above or dock.framed:
                return _Held()
        browser = self._pane_at(x, y)
        if browser is None:
            return None
        region = browser.pane.region
        inner = region.right - 1 if browser is self.left else region.x
        if x == inner and not self.one_pane:
            return _Held(border=True)
        row = browser.pane.row_at(y - region.y)
        entry = browser.view.entry_at(row) if row >= 0 and y < region.bottom - 1 else None
        if entry is None or browser.at is None:
            return None
        marked = browser.view.is_marked(browser.view.index_at(row))
        items = browser.taken() if marked else [Found.of(browser.at, entry)]
        return _Held(browser, tuple(items))

    def _pane_at(self, x: int, y: int) -> Browser | None:
        try:
            widget, _ = self.get_widget_at(x, y)
        except NoWidget:
            return None
        return self.browser_of(widget)

    def _drag(self, held: _Held, event: events.MouseMove) -> bool:
        if held.source is not None:
            over = self._pane_at(event.x, event.y)
            over = None if over is held.source or over is None or over.at is None else over
            if over is not held.over:
                held.over, held.moved = over, held.moved or over is not None
                what = present.count(len(held.items), "item")
                words = "" if over is None else f"Drop copies {what} to {over.place}, Shift moves."
                self.say(words, keep=False)
        elif held.border:
            held.moved = True
            panes = self.left.pane.region.union(self.right.pane.region)
            self.share_room(round((event.x - panes.x + 1) * 100 / max(1, panes.width)))
        elif self.dock is not None:
            held.moved = True
            frame = 2 if self.dock.framed else 0
            self.give_dock(self.dock.region.bottom - event.y - frame)
        return held.moved

    def _drop(self, held: _Held, *, shift: bool) -> None:
        from cloudtui.services.transfers.orders import Verb

        if held.source is not None and held.over is not None:
            verb = Verb.MOVE if shift else Verb.COPY
            self.files.transfer(verb, held.items, held.over, held.source)
