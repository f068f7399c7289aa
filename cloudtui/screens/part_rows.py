"""Unfinished files in the panes: rows for what lies in a folder of this disk and stands still.

Asks for them when something changed that could change the answer, and not at all while every job
moves or is done. Carries out the keys of such a row. Draws nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from cloudtui import present
from cloudtui.actions import key_hint
from cloudtui.screens.browser import Browser
from cloudtui.services.errors import CloudError
from cloudtui.services.models import DISK, Location
from cloudtui.services.naming import display_name

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen
    from cloudtui.services.transfers.orders import JobView, PartView

_Asked = tuple[Location, int, "tuple[JobView, ...]"]
"""What an answer holds for: the folder, the list of it, and the jobs that stand."""


def left_alone_words(part: PartView) -> str:
    """Why a key about files does nothing to an unfinished one."""
    go_on, drop = key_hint("part.go_on"), key_hint("part.drop")
    return f"{display_name(part.name)} is not whole yet.    {go_on} goes on, {drop} drops it"


class PartRows:
    """Those of one main screen."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._asked: dict[str, _Asked] = {}

    # --- what is shown -----------------------------------------------------------------------

    def look(self, browser: Browser, views: Sequence[JobView]) -> None:
        """The folder of a pane, its list or the jobs may be others: ask when that matters."""
        at = browser.at
        standing = tuple(view for view in views if view.stands)
        if at is None or at.account != DISK or not standing:
            self._asked.pop(browser.side, None)
            browser.show_parts(())
            return
        asked: _Asked = (at, id(browser.view), standing)
        if self._asked.get(browser.side) == asked:
            return
        self._asked[browser.side] = asked
        browser.pane.run_worker(
            partial(self._fetch, browser, asked),  # type: ignore[arg-type]
            group="parts",
            exclusive=True,
            exit_on_error=False,
        )

    async def _fetch(self, browser: Browser, asked: _Asked) -> None:
        runtime = await self._screen.runtime()
        try:
            found = await runtime.parts(asked[0])
        except CloudError as error:  # a journal in trouble is told where the jobs are shown
            self._screen.log.error(f"no unfinished files: {type(error).__name__}")
            found = []
        if self._asked.get(browser.side) == asked:
            browser.show_parts(found)

    # --- keys --------------------------------------------------------------------------------

    def carry_out(self, what: str) -> None:
        """`go_on`, `drop` or `job`, for the row under the cursor of the pane with focus."""
        screen = self._screen
        part = screen.active.view.part
        if part is None:
            screen.say("The cursor is on no unfinished file.")
            return
        view = next((view for view in screen.bridge.views if view.id == part.job), None)
        if view is None:
            screen.active.reload()  # somebody forgot the job meanwhile
        elif what == "job":
            screen.places.transfers(part.job)
        elif what == "drop":
            self._act("Drop", part, lambda: self._drop(part, view))
        else:
            self._act("Go on", part, lambda: self._go_on(part, view))

    def _act(self, what: str, part: PartView, work: Callable[[], Awaitable[None]]) -> None:
        screen = self._screen

        async def guarded() -> None:
            try:
                await work()
            except CloudError as error:
                name = display_name(part.name)
                screen.say(f"{what} {name}: {present.sentence(error)}", bad=True)
            screen.bridge.wake()

        screen.run_worker(guarded(), group="parts", exit_on_error=False)

    async def _go_on(self, part: PartView, view: JobView) -> None:
        browser, engine = self._screen.active, self._screen.running.transfers
        again = part.state.is_final
        await (engine.retry if again else engine.resume)(part.job)
        words = f"{display_name(part.name)}: {'tried again' if again else 'goes on'}"
        if view.files_total > 1:
            words += f", with all that its job {display_name(view.title)} has left"
        browser.view.want(part.name)  # the file that it becomes
        self._screen.say(f"{words}.    {key_hint('browser.transfers')} shows the jobs")

    async def _drop(self, part: PartView, view: JobView) -> None:
        from cloudtui.screens.job_keys import ask_to_cancel, is_much

        engine = self._screen.running.transfers
        keep = False
        if view.files_total > 1 or is_much(part.percent, part.done):
            lines = [f"{display_name(part.name)}: {present.size_long(part.done)} is done."]
            if view.files_total > 1:
                lines.append(
                    f"It goes with its job {display_name(view.title)}: "
                    f"{present.exact(view.files_done)} of "
                    f"{present.count(view.files_total, 'file')} are there and stay."
                )
            answer = await ask_to_cancel(self._screen.app, "Drop what is there", lines)
            if not answer:
                return
            keep = answer == "keep"
        await engine.cancel(part.job, keep_parts=keep)
        end = "cancelled, the part is kept." if keep else "dropped."
        self._screen.say(f"{display_name(part.name)}: {end}")
