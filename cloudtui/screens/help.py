"""Help and palette: one list made from the action table, narrowed by typing.

Enter runs the action of the row in the browser. There is no second list of keys anywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen
from textual.strip import Strip

from cloudtui.actions import ACTIONS, Action, Place, key_names
from cloudtui.keymap import MOVING_WHILE_TYPING
from cloudtui.services.naming import fold
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import pad, pad_left

_RUNNABLE = frozenset({Place.BROWSER, Place.APP})


class ActionList(RowList):
    """Actions that fit what was typed."""

    def __init__(self) -> None:
        super().__init__(id="actions")
        self.actions: list[Action] = list(ACTIONS)

    def row_count(self) -> int:
        return len(self.actions)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        action = self.actions[row]
        keys_width = min(28, width // 3)
        place = action.place.value if action.place not in _RUNNABLE else action.group
        place_width = 14 if width >= 60 else 0
        words_width = width - keys_width - place_width - 2
        if cell_len(action.words) > words_width:  # words matter more than the group
            words_width += place_width
            place_width = 0
        sign = ">" if cursor else " "
        keys = sign + pad(key_names(action), keys_width)
        words = pad(action.words, words_width)
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

    def narrow(self, text: str, places: frozenset[Place], group: str) -> None:
        """Show the actions of these places whose keys or words contain the text."""
        wanted = fold(text)
        self.actions = [
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
        self.cursor = 0
        self.top = 0
        self.set_notice(*([] if self.actions else [f'No key and no words with "{text}".']))
        self.refresh()


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
        Binding("tab", "next_place", "next place", show=False),
    ]

    takes_text = True

    def __init__(
        self, *, palette: bool = False, group: str = "", begin: Place = Place.BROWSER
    ) -> None:
        """The `palette` shows only what can be run in the browser, all or one `group` of it. Help
        begins with the place people are in."""
        super().__init__()
        self._group = group
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
            return [("every action", _RUNNABLE)]
        return [
            ("browser", frozenset({Place.LIST, Place.BROWSER, Place.APP})),
            *(
                (place.value, frozenset({place}))
                for place in Place
                if place not in (Place.APP, Place.LIST, Place.BROWSER)
            ),
        ]

    def _narrow(self) -> None:
        name, places = self._places()[self._place]
        self.list.narrow(self._typed, places, self._group)
        words = "Actions" if self._palette else f"Help: {name}"
        self.list.set_title(words, f"type to filter: {self._typed}_")
        tab = "" if self._palette else "Tab next place   "
        self.list.set_foot(f"Enter runs it   {tab}Esc closes")

    def on_key(self, event: events.Key) -> None:
        if event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.is_printable and event.character:
            self._typed += event.character
        else:
            return
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
        if not self.list.actions:
            return
        action = self.list.actions[self.list.cursor]
        if action.place is Place.APP:
            self.dismiss("app." + action.run)
        else:
            self.dismiss(action.run if action.place in _RUNNABLE else None)

    def action_leave(self) -> None:
        """Esc."""
        self.dismiss(None)
