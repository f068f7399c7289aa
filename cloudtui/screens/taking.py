"""Things taken to be put somewhere: collected over several folders, put by one key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloudtui import present
from cloudtui.actions import key_hint
from cloudtui.screens.browser import Browser
from cloudtui.services.models import Found

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen
    from cloudtui.services.transfers.orders import Verb


@dataclass(slots=True)
class Taken:
    """Items, and the pane they were taken from last."""

    verb: Verb
    items: list[Found]
    source: Browser


class Hand:
    """What one main screen holds."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._taken: Taken | None = None

    @property
    def words(self) -> str:
        """`taken 5 from 2 folders`; empty when nothing is."""
        if self._taken is None:
            return ""
        folders = {(item.at.account, item.at.parts[:-1]) for item in self._taken.items}
        text = f"taken {present.exact(len(self._taken.items))}"
        return text if len(folders) == 1 else f"{text} from {len(folders)} folders"

    def take(self, verb: Verb, browser: Browser) -> None:
        """`y` or `x`: these and nothing else."""
        items = browser.taken()
        if not items:
            self._screen.say("Nothing to take here: the cursor is on no item.")
            return
        self._taken = Taken(verb, items, browser)
        self._taken_words(verb, present.count(len(items), "item"))

    def add(self, verb: Verb, browser: Browser) -> None:
        """`Y`: these too. What is taken to be moved stays so."""
        before = self._taken
        if before is None:
            self.take(verb, browser)
            return
        known = {(item.at.account, item.at.parts, item.entry.id) for item in before.items}
        new = [
            item
            for item in browser.taken()
            if (item.at.account, item.at.parts, item.entry.id) not in known
        ]
        before.items += new
        before.source = browser
        self._taken_words(before.verb, f"{present.count(len(before.items), 'item')} by now")

    def _taken_words(self, verb: Verb, count: str) -> None:
        self._screen.say(f"Taken to {verb}: {count}.    {key_hint('browser.put')} puts them")

    def put(self, browser: Browser, *, options: bool = False) -> None:
        """`p`: into the folder of this pane, at once where `u` can take it back: not a move to
        another place. `P`, with `options`: after the box that offers all of them."""
        if self._taken is None:
            copy, move = key_hint("browser.take_copy"), key_hint("browser.take_move")
            self._screen.say(f"Nothing is taken. {copy} takes to copy, {move} takes to move.")
            return
        taken = self._taken
        if taken.verb == "move":
            self._taken = None
        away = browser.at is None or any(
            one.at.account != browser.at.account for one in taken.items
        )
        ask = options or (taken.verb == "move" and away)
        self._screen.files.transfer(
            taken.verb, taken.items, browser, taken.source, ask=ask, options=options
        )
