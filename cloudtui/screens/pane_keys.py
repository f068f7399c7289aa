"""Keys of the panes that move and mark: no file is changed by any of them.

The part of the main screen's actions that only concerns the pane with focus and its neighbour.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from textual.screen import Screen

from cloudtui import present
from cloudtui.screens.browser import Browser
from cloudtui.screens.part_rows import left_alone_words
from cloudtui.screens.places import Places
from cloudtui.services.models import DISK, Entry, Found, Kind, Location

_SAME_TIME_NS = 2_000_000_000

_Keys = TypeVar("_Keys", bound="PaneKeys")
_P = ParamSpec("_P")
_Action = Callable[Concatenate[_Keys, _P], None]


def of_row(action: _Action[_Keys, _P]) -> _Action[_Keys, _P]:
    """An action on the file under the cursor: on an unfinished one it says what can be done."""

    @wraps(action)
    def told(self: _Keys, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        part = self.active.view.part
        if part is None:
            action(self, *args, **kwargs)
        else:
            self.say(left_alone_words(part))

    return told


def of_files(action: _Action[_Keys, _P]) -> _Action[_Keys, _P]:
    """The same of an action on what is marked, wherever the cursor is, or else on its row."""
    alone = of_row(action)

    @wraps(action)
    def told(self: _Keys, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        (action if self.active.view.marked else alone)(self, *args, **kwargs)

    return told


def differs(entry: Entry, there: Entry) -> bool:
    """Whether a file of the same name is of another size, or older by more than 2 seconds."""
    if entry.size != there.size:
        return True
    if entry.mtime_ns is None or there.mtime_ns is None:
        return False
    return entry.mtime_ns - there.mtime_ns > _SAME_TIME_NS


class PaneKeys(Screen[None]):
    """Actions on `active` and `other`."""

    active: Browser
    left: Browser
    right: Browser
    places: Places

    @property
    def other(self) -> Browser:
        """The pane without focus."""
        return self.right if self.active is self.left else self.left

    def say(self, text: str, *, bad: bool = False, keep: bool = True) -> None:
        """A sentence in the message line."""
        raise AssertionError(f"nowhere to say {text!r} ({bad}, {keep})")

    def focus_side(self, side: str) -> None:
        """Give a pane the focus."""
        raise AssertionError(f"no pane called {side}")

    def action_part(self, what: str) -> None:
        """A key of the unfinished file under the cursor."""
        raise AssertionError(f"nobody knows how to {what}")

    def action_move(self, how: str) -> None:
        """The moving keys, in the pane with focus."""
        self.active.pane.action_move(how)

    # --- moving between folders --------------------------------------------------------------

    def action_enter(self) -> None:
        """Enter: into a folder, up on `../`."""
        view = self.active.view
        entry = view.current
        if view.on_parent():
            self.active.parent()
        elif entry is not None and entry.is_folder:
            self.active.enter(entry)
        elif entry is not None:
            self.action_view()
        elif view.part is not None:
            self.action_part("job")
        elif self.active.at is None:
            self.places.sources(self.active)

    @of_row
    def action_view(self) -> None:
        """F3: the beginning of the file."""
        entry = self.active.view.current
        if entry is None or entry.is_folder:
            self.say("Only files can be viewed. i shows what is known of a folder.")
        elif entry.kind is Kind.FILE:
            self.places.view(self.active, entry)
        else:
            self.places.properties(self.active)

    @of_row
    def action_edit(self) -> None:
        """F4: the editor."""
        entry = self.active.view.current
        if entry is None or entry.kind is not Kind.FILE:
            self.say("Only files can be edited.")
        else:
            self.places.edit(self.active, entry)

    def action_into(self) -> None:
        """`l`: into a folder; nothing on a file."""
        entry = self.active.view.current
        if entry is not None and entry.is_folder:
            self.active.enter(entry)

    def action_parent(self) -> None:
        """Up."""
        self.active.parent()

    def action_back(self) -> None:
        """Back in this pane's history."""
        self.active.back()

    def action_forward(self) -> None:
        """Forward again."""
        self.active.forward()

    def action_other_pane(self) -> None:
        """Tab."""
        self.focus_side("right" if self.active is self.left else "left")

    def action_same_folder(self) -> None:
        """`=`: this folder in the other pane too."""
        if self.active.at is not None:
            self.other.open(self.active.at)

    @of_row
    def action_open_other(self) -> None:
        """The folder under the cursor, in the other pane."""
        entry = self.active.view.current
        if entry is not None and entry.is_folder and self.active.at is not None:
            self.other.open(Found.of(self.active.at, entry).at)

    def action_swap(self) -> None:
        """`W`: both panes change places."""
        left, right = self.left.at, self.right.at
        if left is None or right is None:
            self.say("There is only one folder to show. @ chooses a source.")
            return
        self.left.open(right)
        self.right.open(left)
        self.action_other_pane()

    def action_home(self) -> None:
        """The home folder of the disk."""

        self.active.open(Location(DISK, Path.home().parts[1:]))

    def action_root(self) -> None:
        """The root of this source."""
        if self.active.at is not None:
            self.active.open(Location(self.active.at.account))

    def action_search(self) -> None:
        """`s`: names below this folder."""
        self.places.search(self.active)

    def action_bookmarks(self) -> None:
        """`b`."""
        self.places.bookmarks(self.active)

    def action_bookmark(self) -> None:
        """`B`."""
        self.places.bookmark(self.active)

    # --- marks -------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Space: mark and step down."""
        self.active.pane.mark_step(1)

    def action_mark_move(self, how: str) -> None:
        """Mark while moving."""
        self.active.pane.mark_step(-1 if how == "up" else 1, on=True)

    def action_range(self) -> None:
        """`v`: begin or end a range."""
        view = self.active.view
        if view.in_range:
            view.end_range(keep=True)
        else:
            view.start_range()
        self.active.pane.redraw()

    def action_range_off(self) -> None:
        """`V`: the rows of the range lose their marks."""
        view = self.active.view
        if view.in_range:
            view.unmark_range()
        else:
            view.set_mark(view.cursor, on=False)
        self.active.pane.redraw()

    def action_mark_all(self) -> None:
        """Ctrl+A."""
        self.active.view.mark_all()
        self.active.pane.redraw()
        if self.active.loading:
            loaded = present.exact(len(self.active.view.entries))
            self.say(f"{loaded} loaded so far; later ones are not marked.")

    def action_invert(self) -> None:
        """`*`."""
        self.active.view.invert()
        self.active.pane.redraw()

    def action_mark_pattern(self, on: bool) -> None:
        """`+` and `-`."""
        self.places.mark_pattern(self.active, on=on)

    def action_cancel(self) -> None:
        """Esc: one step back."""
        view = self.active.view
        if view.in_range:
            view.end_range(keep=False)
            self.active.pane.redraw()
        elif view.pattern:
            self.active.pane.set_filter("")
            self.active.words_changed()
        elif self.active.stop():
            self.say(f"Stopped at {present.exact(len(view.entries))} items. Ctrl+R goes on.")
        elif view.marked:
            view.clear_marks()
            self.active.pane.redraw()

    # --- view --------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """`/`."""
        self.active.pane.start_typing("filter")

    def action_jump(self) -> None:
        """Ctrl+S."""
        self.active.pane.start_typing("jump")

    def action_sort(self, how: str) -> None:
        """`,` and a letter."""
        entries = self.active.view.entries
        if how == "created" and entries and all(entry.created_ns is None for entry in entries):
            self.say(f"{self.active.place_name} does not tell when things were made.")
        else:
            self.active.sort(how)

    def action_hidden(self) -> None:
        """`.`: hidden files in this pane."""
        browser = self.active
        browser.show_hidden = not browser.show_hidden
        browser.view.show_hidden(browser.show_hidden)
        browser.pane.redraw()
        browser.words_changed()
        self.say("Hidden files are shown." if browser.show_hidden else "Hidden files are left out.")

    def action_compare(self) -> None:
        """`C`: marks in this pane what the other one lacks, or has in another size or older."""
        theirs = {entry.name: entry for entry in self.other.view.entries}
        view = self.active.view
        view.clear_marks()
        for row in range(view.rows):
            entry = view.entry_at(row)
            if entry is None or entry.is_folder:
                continue
            there = theirs.get(entry.name)
            if there is None or differs(entry, there):
                view.set_mark(row, on=True)
        self.active.pane.redraw()
        self.say(f"{present.count(view.marked, 'file')} missing, newer or of another size there.")

    def action_reload(self) -> None:
        """Ctrl+R."""
        self.active.reload()
