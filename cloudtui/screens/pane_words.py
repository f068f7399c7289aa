"""What a pane says around its rows: the words of its edges, and the sentence of an empty one.

Functions of a `Browser`'s state; they change nothing.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cloudtui import present
from cloudtui.actions import key_hint
from cloudtui.services.addresses import local_path
from cloudtui.services.errors import CaptchaNeeded, LoginNeeded
from cloudtui.services.models import DISK, Location
from cloudtui.services.naming import display_name

if TYPE_CHECKING:
    from cloudtui.screens.browser import Browser

_SOON = 0.3
_SLOW = 5.0
_TOO_LONG = 30.0
"""Seconds of loading after which it is told, called slow, and a way out is named."""


def what_next(browser: Browser, error: BaseException) -> str:
    """What to do about an error that left a pane empty."""
    if isinstance(error, CaptchaNeeded):
        return "Ctrl+R shows the puzzle. Everything else goes on."
    if isinstance(error, LoginNeeded):
        return "@ signs in."
    up = "  Backspace goes up." if browser.at is not None and browser.at.parts else ""
    return f"Ctrl+R tries again.{up}"


def empty_words(browser: Browser) -> tuple[str, ...]:
    """Why no rows are seen, and the next key; nothing while there are some."""
    view = browser.view
    if view.rows > int(view.has_parent):
        return ()
    if view.pattern:
        pattern = display_name(view.pattern)
        return (
            f'Nothing matches "{pattern}" among {present.exact(len(view.entries))} loaded. '
            "Esc clears the filter.",
        )
    if view.entries:
        return (f"{present.count(len(view.entries), 'hidden item')}. The . key shows them.",)
    return (f"Empty folder. {key_hint('browser.mkdir')} new folder.",)


def shown_path(at: Location) -> str:
    """A path as people read it, the home folder as `~`."""
    if at.account != DISK:
        return display_name(at.path)
    path, home = str(local_path(at)), str(Path.home())
    if path == home or path.startswith(home + "/"):
        path = "~" + path[len(home) :]
    return display_name(path)


def depth_in_title(browser: Browser, x: int) -> int | None:
    """How deep the folder lies that the part of a pane's title means that stands on cell `x` of its
    words: 0 is the root, which the name of the source stands for, too. None beside the words."""
    at = browser.at
    if at is None or x < 0:
        return None
    lead = cell_len(browser.place_name) + 1
    if x < lead:
        return 0
    whole = shown_path(at)
    first = len(Path.home().parts) - 1 if at.account == DISK and whole.startswith("~") else 0
    for depth in range(first, len(at.parts) + 1):
        shown = whole
        if depth < len(at.parts):
            shown = shown_path(Location(at.account, at.parts[:depth]))
            shown += "" if shown.endswith("/") else "/"
        if x < lead + cell_len(shown):
            return depth
    return None


def foot_words(browser: Browser, *, wide: bool, focused: bool) -> str:
    """Counts, filter and state of loading."""
    view = browser.view
    pane = browser.pane
    words: list[str] = []
    if pane.typing:
        words.append(f"{pane.typing}: {display_name(pane.typed, edges=False)}_")
    if view.marked:
        size = view.marked_size
        shown = present.size_long(size) if wide or size < 1000 else present.size_short(size)
        unseen = view.marked_unseen
        hidden = f" ({unseen} hidden)" if unseen else ""
        words.append(
            f"{present.exact(view.marked)} marked{hidden}" + (f"  {shown}" if size else "")
        )
    if view.in_range:
        words.append("range")
    count = len(view.entries)
    shown_rows = len(view.order)
    if view.pattern and pane.typing != "filter":
        of = f"{present.exact(shown_rows)} of {present.exact(count)}"
        words.append(f'filter "{display_name(view.pattern)}": {of}')
    elif view.pattern:
        words.append(f"{present.exact(shown_rows)} of {present.exact(count)}")
    elif browser.filling:
        words.append(f"{present.exact(count)}+ items" if count else "")
    elif not (browser.error is not None and not count):
        words.append(present.count(shown_rows, "item"))
    if view.parts:
        words.append(f"{present.exact(len(view.parts))} unfinished")
    if not view.pattern and shown_rows < count and not browser.loading:
        words.append(f"{present.exact(count - shown_rows)} hidden")
    words.append(_state_words(browser, focused=focused))
    return "  ".join(word for word in words if word)


def _state_words(browser: Browser, *, focused: bool) -> str:
    if browser.stopped:
        return "stopped, Ctrl+R goes on"
    if browser.error is not None:
        return "not reloaded" if browser.view.entries else "not listed"
    if browser.loading:
        return _loading_words(browser, focused=focused)
    if browser.seen_at is not None:
        return f"as of {time.strftime('%H:%M', time.localtime(browser.seen_at))}"
    return ""


def _loading_words(browser: Browser, *, focused: bool) -> str:
    waited = time.monotonic() - browser.loading_since
    if waited < _SOON:
        return ""
    stop = "  Esc stops" if focused else ""
    if waited > _SLOW and not browser.view.entries:
        again = "  Ctrl+R asks again" if waited > _TOO_LONG and focused else ""
        return f"still loading, {browser.place_name} is slow{again}{stop}"
    seen = ""
    if browser.seen_at is not None:
        seen = f"as of {time.strftime('%H:%M', time.localtime(browser.seen_at))}, "
    return f"{seen}loading...{stop}"
