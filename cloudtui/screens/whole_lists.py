"""Everything of a folder that is still being listed: taken as it is, or once all of it is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cloudtui import present
from cloudtui.screens.browser import Browser
from cloudtui.services.models import Found

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


def is_all_so_far(browser: Browser, items: Sequence[Found]) -> bool:
    """Whether these are all rows of a list that more are coming to."""
    return browser.filling and len(items) > 1 and len(items) == len(browser.view.order)


async def with_the_rest(
    screen: MainScreen, browser: Browser, items: Sequence[Found]
) -> Sequence[Found] | None:
    """These, or after a question all that the folder holds once it is listed; None for nothing."""
    if not is_all_so_far(browser, items):
        return items
    from cloudtui.screens.dialogs import Choose, Option

    at = browser.at
    answer = await screen.app.push_screen_wait(
        Choose(
            "Still listing",
            [
                f"{present.count(len(items), 'item')} of {browser.place} are listed so far.",
                "More are coming, and they are not marked.",
            ],
            [
                Option("Wait for the rest", "w", "wait"),
                Option("Only these", "o", "these"),
                Option("Cancel", "c", ""),
            ],
            safe="",
        )
    )
    if answer != "wait":
        return items if answer else None
    screen.say(f"Waiting for the rest of {browser.place}.  Esc stops")
    if not await browser.listed() or browser.at != at:
        screen.say("The list did not become whole: nothing was done.", bad=True)
        return None
    browser.view.mark_all()
    browser.pane.redraw()
    return browser.taken()
