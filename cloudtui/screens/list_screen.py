"""A list over the whole screen: what the screens of trash, downloads, links and versions share.

Owns the frame around such a list: the line below it, loading it, work that may fail. What the rows
are is the subclass's.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen

from cloudtui import present
from cloudtui.widgets.header import job_pieces
from cloudtui.widgets.hearing import heard
from cloudtui.widgets.line import Line, Piece
from cloudtui.widgets.mark_list import MarkList
from cloudtui.widgets.row_list import RowList

if TYPE_CHECKING:
    from textual.worker import WorkType

    from cloudtui.screens.main import MainScreen

_PAINT: Final = 0.25
"""Seconds between two pictures of a list that is still growing."""

_JOBS_EVERY: Final = 0.5
_FULL: Final = 100

L = TypeVar("L", bound=RowList)


class ListScreen(Screen[None], Generic[L]):
    """One list and a line that tells what happened."""

    def __init__(self, rows: L, main: MainScreen) -> None:
        super().__init__()
        self.list = rows
        self._main = main
        self.message = Line(id="message")
        self._loading = False

    def compose(self) -> ComposeResult:
        yield self.list
        yield self.message

    def on_mount(self) -> None:
        self.list.focus()
        self.words()
        self.load()
        self._show_jobs()
        self.set_interval(_JOBS_EVERY, self._show_jobs)

    def _show_jobs(self) -> None:
        """Jobs go on behind every list."""
        if not heard():
            views = self._main.bridge.views
            self.message.show_right(job_pieces(views, short=self.size.width < _FULL))

    def on_screen_resume(self) -> None:
        self.list.stand_when_placed()

    def words(self) -> None:
        """Write title and foot."""

    async def scan(self) -> None:
        """Ask for the rows and show them."""
        raise AssertionError(f"{type(self).__name__} lists nothing")

    def say(self, text: str, *, bad: bool = False) -> None:
        """A sentence in the line below, and in the log."""
        self._main.cloud_app.remember(text)
        pieces: list[Piece] = [(" " + text, "bad" if bad else "text")]
        self.message.show(pieces)

    def load(self) -> None:
        """Ask anew."""

        async def guarded() -> None:
            self._loading = True
            self.words()
            try:
                await self.scan()
            except Exception as error:  # a boundary: services fail, and a bug becomes a sentence
                self.failed(present.sentence(error))
            # not when cancelled: then the next one is loading already
            self._loading = False
            self.words()

        # as a function: a coroutine that is cancelled before it begins would be complained about
        task: WorkType[None] = guarded
        self.run_worker(task, group="list", exclusive=True, exit_on_error=False)

    def failed(self, sentence: str) -> None:
        """The rows could not be had."""
        self.list.set_notice(sentence, "Ctrl+R tries again. Esc closes.")

    def act(self, what: str, work: Callable[[], Awaitable[None]], *, again: bool = True) -> None:
        """Do `work`, then list `again`; a failure becomes a sentence that begins with `what`."""

        async def guarded() -> None:
            try:
                await work()
            except Exception as error:  # a boundary: services fail, and a bug becomes a sentence
                self.say(f"{what}: {present.sentence(error)}", bad=True)
            if again:
                self.load()

        self.run_worker(guarded(), group="work", exit_on_error=False)

    # --- keys --------------------------------------------------------------------------------

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.words()

    def action_move(self, how: str) -> None:
        """Moving keys."""
        self.list.action_move(how)

    def action_prefix(self, key: str) -> None:
        """`g g`: the only sequence here."""
        self.action_move("first")

    def action_reload(self) -> None:
        """Ctrl+R."""
        self.load()

    def action_close(self) -> None:
        """Esc."""
        self.dismiss(None)


M = TypeVar("M", bound=MarkList)  # type: ignore[type-arg]


class MarkScreen(ListScreen[M], Generic[M]):
    """A list with marks, a filter and orders."""

    async def grow(self, pages: AsyncIterator[Sequence[Any]], empty: str) -> None:
        """Show rows as their pages come; `empty` is said when there are none."""
        fresh: list[Any] = []
        told = 0.0
        first = not self.list.all
        async for page in pages:
            fresh.extend(page)
            now = time.monotonic()
            if first and now - told >= _PAINT:
                # a later round shows only the whole picture, so that no row comes and goes
                told = now
                self.list.fill(fresh)
        self.list.set_notice(*([] if fresh else [empty]))
        self.list.fill(fresh)

    def action_close(self) -> None:
        """Esc: filter and marks first, then the screen."""
        if self.list.pattern:
            self.list.filter("")
        elif self.list.marks:
            self.list.unmark()
        else:
            self.dismiss(None)

    def action_mark(self) -> None:
        """Space."""
        self.list.toggle()

    def action_mark_all(self) -> None:
        """Ctrl+A."""
        self.list.mark_all()

    def action_invert(self) -> None:
        """`*`."""
        self.list.invert()

    def action_range(self) -> None:
        """`v`."""
        self.say(self.list.mark_range())

    def action_mark_pattern(self, on: bool) -> None:
        """`+` and `-`."""

        async def work() -> None:
            from cloudtui.screens.dialogs import PatternBox

            pattern = await self.app.push_screen_wait(PatternBox(on=on))
            if pattern:
                hits = self.list.mark_matching(pattern, on=on)
                self.say(f"{'Marked' if on else 'Unmarked'} {present.count(hits, 'row')}.")

        self.act("Mark", work, again=False)

    def action_filter(self) -> None:
        """`/`."""
        self.list.typing = True
        self.words()

    def action_sort(self) -> None:
        """`,`."""
        self.say(f"Sorted by {self.list.next_order()}.")
