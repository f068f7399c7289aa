"""Help and palette: one list made from the action table, narrowed by typing.

Enter runs the action of the row in the browser. There is no second list of keys anywhere.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen
from textual.strip import Strip

from cloudtui.actions import ACTIONS, Action, Place, key_names
from cloudtui.keymap import MOVING_WHILE_TYPING
from cloudtui.services.naming import display_name, fold
from cloudtui.widgets.hearing import heard
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_end, pad, pad_left
from cloudtui.widgets.text_keys import pasted_after, typed_after

_RUNNABLE = frozenset({Place.BROWSER, Place.APP, Place.LIST})
_COLUMNS_FROM = (100, 150)
"""Cells from which on there are two and three columns."""
_WORDS = 37
"""Cells of the words of an action where there are several columns."""
_ADDRESS = re.compile(r"[a-z][a-z0-9-]+:[/#]")


class ActionList(RowList):
    """Actions that fit what was typed, in as many columns as there is room for.

    They go down the first column, then down the next; `index` is the one under the cursor.
    """

    def __init__(self) -> None:
        super().__init__(id="actions")
        self.actions: list[Action] = list(ACTIONS)
        self.index = 0

    @property
    def columns(self) -> int:
        """How many actions stand beside one another; one where they are read aloud."""
        if heard():
            return 1
        return sum(self.size.width >= width for width in (0, *_COLUMNS_FROM))

    def row_count(self) -> int:
        return -(-len(self.actions) // self.columns)

    @property
    def chosen(self) -> Action | None:
        """The action under the cursor."""
        return self.actions[self.index] if self.index < len(self.actions) else None

    @property
    def cursor(self) -> int:
        return self.index % max(1, self.row_count())

    @cursor.setter
    def cursor(self, row: int) -> None:
        lines = max(1, self.row_count())
        column = self.index // lines
        self.index = max(0, min(column * lines + row, len(self.actions) - 1))

    def step(self, count: int) -> None:
        """Go so many actions on."""
        self.index = max(0, min(self.index + count, len(self.actions) - 1))
        self.keep_visible()
        self.refresh()
        self.post_message(self.Moved(self))

    def action_move(self, how: str) -> None:
        page = max(1, self.body_height - 1)
        steps = {"up": -1, "down": 1, "page_up": -page, "page_down": page,
                 "left": -self.row_count(), "right": self.row_count()}  # fmt: skip
        if how in ("first", "last"):
            self.step(len(self.actions) * (1 if how == "last" else -1))
        else:
            self.step(steps[how])

    def on_click(self, event: events.Click) -> None:
        row = self.row_at(event.y)
        if row >= 0:
            width = self.inner_width // self.columns
            column = min((event.x - int(self.framed)) // max(1, width), self.columns - 1)
            self.index = min(column * self.row_count() + row, len(self.actions) - 1)
        super().on_click(event)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        columns, lines = self.columns, self.row_count()
        each = width // columns
        pieces = []
        for column in range(columns):
            room = each if column < columns - 1 else width - each * (columns - 1)
            at = column * lines + row
            if at < len(self.actions):
                pieces.append(self._draw(self.actions[at], room, cursor=at == self.index))
            else:
                pieces.append(Strip([Segment(" " * room, self.style("row"))]))
        return Strip.join(pieces)

    def _draw(self, action: Action, width: int, *, cursor: bool) -> Strip:
        alone = self.columns == 1
        keys_width = min(28, max(19, width // 3 if alone else width - _WORDS - 2))
        place = action.place.value if action.place not in _RUNNABLE else action.group
        place_width = 14 if alone and width >= 60 else 0
        words_width = width - keys_width - place_width - 2
        if cell_len(action.words) > words_width:  # words matter more than the group
            words_width += place_width
            place_width = 0
        sign = ">" if cursor else " "
        keys = sign + pad(cut_end(key_names(action), keys_width - 1), keys_width)
        words = pad(cut_end(action.words, words_width), words_width)
        group = " " + pad_left(place, place_width)
        if cursor:
            return Strip([Segment(pad(keys + words + group, width), self.style("cursor"))])
        return Strip(
            [
                Segment(keys, self.style("marked")),
                Segment(words, self.style("row")),
                Segment(pad(group, width - keys_width - 1 - words_width), self.style("facts")),
            ]
        )

    def show(self, actions: list[Action]) -> None:
        """Show these, the cursor on the first."""
        self.actions = actions
        self.index = 0
        self.top = 0
        self.refresh()
        self.post_message(self.Moved(self))


def fitting(text: str, places: frozenset[Place], group: str) -> list[Action]:
    """The actions of these places, all when there are none, whose keys or words contain a text."""
    wanted = fold(text)
    return [
        action
        for action in ACTIONS
        if (not places or action.place in places)
        and (not group or action.group == group)
        and (
            wanted in fold(action.words)
            or wanted in action.group
            or wanted in fold(key_names(action))
        )
    ]


def is_address(text: str) -> bool:
    """Whether a text typed where actions are chosen is a path to go to."""
    return text.startswith(("/", "~")) or _ADDRESS.match(text) is not None


def place_of(screen: Screen[object]) -> Place:
    """The place whose keys a screen is bound to."""
    bound = {
        (binding.id or "").partition(".")[0]
        for bindings in screen._bindings.key_to_bindings.values()
        for binding in bindings
    }
    own = [place for place in Place if place.name.lower() in bound - {"app", "list"}]
    return own[0] if own else Place.BROWSER


class HelpScreen(ModalScreen[str | None]):
    """The key table. Gives the method to run, or None."""

    CSS_PATH = Path(__file__).parent.parent / "styles" / "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1", "leave", "close", show=False),
        Binding("enter", "run_chosen", "run the action", show=False),
        *MOVING_WHILE_TYPING,
        Binding("left", "move('left')", "column before", show=False),
        Binding("right", "move('right')", "next column", show=False),
        Binding("tab", "next_place", "next place", show=False),
    ]

    takes_text = True

    def __init__(
        self, *, palette: bool = False, group: str = "", begin: Place = Place.BROWSER
    ) -> None:
        """The `palette` shows only what can be run in the browser, all or one `group` of it. Help
        begins with the place people are in; an unfinished file has the menu of its row."""
        super().__init__()
        # on an unfinished file nothing else can be done with the row
        self._only = frozenset({Place.PART}) if begin is Place.PART and group else None
        self._runnable = _RUNNABLE | ({begin} & {Place.PART})
        self._group = "" if self._only else group
        self._palette = palette
        self._typed = ""
        names = [name for name, _ in self._places()]
        self._place = names.index(begin.value) if begin.value in names else 0
        self.list = ActionList()

    def compose(self) -> ComposeResult:
        yield self.list

    def on_mount(self) -> None:
        self.list.focus()
        self._narrow()

    def _places(self) -> list[tuple[str, frozenset[Place]]]:
        if self._palette:
            return [("every action", self._only or _RUNNABLE)]
        return [
            ("browser", _RUNNABLE),
            *(
                (place.value, frozenset({place}))
                for place in Place
                if place not in (Place.APP, Place.LIST, Place.BROWSER)
            ),
        ]

    @property
    def _address(self) -> str:
        """The path that was typed instead of words, empty when none was."""
        return self._typed if self._palette and is_address(self._typed) else ""

    def _narrow(self) -> None:
        name, places = self._places()[self._place]
        typed = display_name(self._typed, edges=False)
        if self._address:
            self.list.show([])
            self.list.set_notice(f"Enter goes to {typed}")
        else:
            self.list.show(fitting(self._typed, places, self._group))
            found = bool(self.list.actions)
            self.list.set_notice(*([] if found else [f'No key and no words with "{typed}".']))
        words = "Actions" if self._palette else f"Help: {name}"
        kind = "a word or a path" if self._palette else "to filter"
        self.list.set_title(words, f"type {kind}: {typed}_")
        self._words()

    def _words(self) -> None:
        """The lower edge: keys of this list, and the words of the chosen action in full."""
        if self._address:
            self.list.set_foot("Enter goes there   Esc closes")
            return
        tab = "" if self._palette else "Tab next place   "
        chosen = self.list.chosen
        run = "Enter runs it   " if chosen is not None and chosen.place in self._runnable else ""
        full = f"{key_names(chosen)}   {chosen.words}" if chosen is not None else ""
        self.list.set_foot(f"{run}{tab}Esc closes", full if self.list.columns > 1 else "")

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._words()

    @on(RowList.Chosen)
    def _double_clicked(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_run_chosen()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._typed = pasted_after(self._typed, event)
        self._narrow()

    def on_key(self, event: events.Key) -> None:
        typed = typed_after(self._typed, event)
        if typed is None:
            return
        self._typed = typed
        event.stop()
        event.prevent_default()
        self._narrow()

    def action_move(self, how: str) -> None:
        """Moving keys."""
        self.list.action_move(how)

    def action_next_place(self) -> None:
        """Tab."""
        self._place = (self._place + 1) % len(self._places())
        self._narrow()

    def action_run_chosen(self) -> None:
        """Enter: close and run, where it can be run from here."""
        if self._address:
            self.dismiss(f"go_to({self._address!r})")
            return
        action = self.list.chosen
        if action is None:
            return
        if action.place is Place.APP:
            self.dismiss("app." + action.run)
        else:
            self.dismiss(action.run if action.place in self._runnable else None)

    def action_leave(self) -> None:
        """Esc."""
        self.dismiss(None)
