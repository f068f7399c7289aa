"""Bulk rename: the names of all marked items as lines of a text, one name a line.

Nothing is renamed before every line is a name and no two are the same. Names that change places
among themselves go by way of names that nobody has.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static, TextArea

from cloudtui import present
from cloudtui.screens.browser import Browser
from cloudtui.screens.dialogs import Dialog, NamePrompt, Option, words
from cloudtui.services.errors import CloudError
from cloudtui.services.models import Entry, Found
from cloudtui.services.naming import display_name
from cloudtui.services.storage import Storage

_MOST = 1_000
_SHOWN = 12
"""Lines of the text that show at once."""


def complaint(lines: Sequence[str], shown: Sequence[str], others: Iterable[str]) -> str:
    """Why these lines cannot be the names of what is `shown` now; empty when they can. `others`
    are names in the folder that stay."""
    if len(lines) != len(shown):
        count = f"{present.count(len(lines), 'line')} for {present.count(len(shown), 'item')}"
        return f"{count}: each needs one line."
    taken = set(others)
    for line, old in zip(lines, shown, strict=True):
        if line != old:
            refusal = NamePrompt.why_not(line)
            if refusal:
                return f"{display_name(line) or 'An empty line'}: {refusal}"
        if line in taken:
            return f"{display_name(line)} would be there twice."
        taken.add(line)
    return ""


def steps(pairs: Sequence[tuple[Entry, str]]) -> list[tuple[str, str]]:
    """Pairs of an entry's id and its next name, in an order in which no name is ever taken."""
    left = {entry.id: (entry.name, new) for entry, new in pairs if entry.name != new}
    made: list[tuple[str, str]] = []
    while left:
        held = {old for old, _ in left.values()}
        free = [key for key, (_, new) in left.items() if new not in held]
        if free:
            made += [(key, left.pop(key)[1]) for key in free]
        else:
            key, (old, new) = next(iter(left.items()))
            between = f"{old[:100]}.{secrets.token_hex(4)}"
            made.append((key, between))
            left[key] = (between, new)
    return made


class NamesBox(Dialog["list[str] | None"]):
    """Gives the new lines, or None."""

    def __init__(self, title: str, shown: Sequence[str], others: Sequence[str]) -> None:
        super().__init__(
            title,
            ["One name a line, in the order of the pane. Tab leaves the text."],
            [Option("Rename", "", value=[]), Option("Cancel", "", value=None)],
            safe=None,
        )
        self._shown = list(shown)
        self._others = list(others)

    def middle(self) -> ComposeResult:
        area = TextArea("\n".join(self._shown), id="names", compact=True, tab_behavior="focus")
        area.styles.height = min(_SHOWN, len(self._shown) + 1)
        yield area
        yield words("", id="complaint", classes="bad")

    def first_focus(self) -> None:
        self.query_one("#names", TextArea).focus()

    def _lines(self) -> list[str]:
        return self.query_one("#names", TextArea).text.rstrip("\n").split("\n")

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._tell()

    def _tell(self) -> str:
        why = complaint(self._lines(), self._shown, self._others)
        self.query_one("#complaint", Static).update(Content(why))
        return why

    def give(self, number: int) -> None:
        if number != 0:
            self.dismiss(None)
        elif not self._tell():
            self.dismiss(self._lines())


async def rename_many(
    browser: Browser,
    storage: Storage,
    items: Sequence[Found],
    ask: Callable[[NamesBox], Awaitable[list[str] | None]],
) -> tuple[str, list[tuple[Entry, str]], CloudError | None] | None:
    """Ask for the names and give them. The sentence about it, entries as they are now with the
    names they had, and what ended it early. None when nothing was to be done."""
    if len(items) > _MOST:
        return f"At most {present.exact(_MOST)} items are renamed at once.", [], None
    mine = {item.entry.id for item in items}
    others = [entry.name for entry in browser.view.entries if entry.id not in mine]
    shown = [display_name(item.entry.name, edges=False) for item in items]
    lines = await ask(NamesBox(f"Rename {present.count(len(items), 'item')}", shown, others))
    if lines is None:
        return None
    pairs = [
        (item.entry, item.entry.name if line == old else line)
        for item, line, old in zip(items, lines, shown, strict=True)
    ]
    now = {item.entry.id: item.entry for item in items}
    failure = None
    folder = items[0].at.parent if browser.at is None else browser.at
    for key, name in steps(pairs):
        try:
            now[key] = await storage.rename(Found.of(folder, now[key]), name)
        except CloudError as error:
            failure = error
            break
    done = [
        (now[item.entry.id], item.entry.name)
        for item in items
        if now[item.entry.id].name != item.entry.name
    ]
    wished = sum(entry.name != name for entry, name in pairs)
    if failure is not None:
        sentence = f"Renamed {len(done)} of {wished}. {present.sentence(failure)}"
    else:
        sentence = f"Renamed {present.count(len(done), 'item')}."
    return sentence, done, failure
