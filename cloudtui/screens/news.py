"""What others change in the clouds, worked into the panes as it happens.

Follows the change feed of every account that a pane shows, where it has one. Lists nothing itself
and draws nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cloudtui.screens.browser import Browser
from cloudtui.services.errors import CloudError
from cloudtui.services.models import EVERYTHING, Change, Location, News

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.worker import Worker

    from cloudtui.screens.main import MainScreen
    from cloudtui.services.change_feed import ChangeFeed
    from cloudtui.services.storage import Storage

_GATHER: Final = 0.25
"""Seconds between two pictures at least: another client may bring a thousand files."""
_LONGEST: Final = 1.0


@dataclass(slots=True)
class _Followed:
    """One account's feed, the ids of its shown folders, and what was told and not yet shown."""

    storage: Storage
    feed: ChangeFeed
    worker: Worker[None] | None = None
    ids: dict[Location, str] = field(default_factory=dict)
    waiting: list[Change] = field(default_factory=list)
    all_new: bool = False
    timer: Timer | None = None
    every: float = _GATHER


class Newsroom:
    """One per main screen."""

    def __init__(self, screen: MainScreen, browsers: Sequence[Browser]) -> None:
        self._screen = screen
        self._browsers = browsers
        self._followed: dict[str, _Followed] = {}

    def note(self, browser: Browser) -> None:
        """A pane has listed a folder: follow its account from now on, and those that no pane shows
        no longer."""
        shown = {each.at.account for each in self._browsers if each.at is not None}
        for account in [*self._followed]:
            if account not in shown:
                self._leave(account)
        storage, at = browser.storage, browser.at
        if storage is None or at is None or browser.error is not None:
            return
        if not storage.caps.allows("change_feed"):
            return
        from cloudtui.services.change_feed import ChangeFeed

        if not isinstance(storage, ChangeFeed):
            return
        followed = self._followed.get(at.account)
        if followed is None or followed.storage is not storage:
            self._leave(at.account)
            followed = self._followed[at.account] = _Followed(storage, storage)
            followed.worker = self._screen.run_worker(
                self._follow(at.account, followed), group=f"news-{at.account}", exit_on_error=False
            )
        if at not in followed.ids:
            self._screen.run_worker(self._learn(followed, at), exit_on_error=False)

    def _leave(self, account: str) -> None:
        followed = self._followed.pop(account, None)
        if followed is None:
            return
        if followed.worker is not None:
            followed.worker.cancel()
        if followed.timer is not None:
            followed.timer.stop()

    async def _learn(self, followed: _Followed, at: Location) -> None:
        """The id of a folder, asked for while the listing just made still knows it."""
        try:
            id_ = await followed.feed.id_of(at)
        except CloudError:
            return  # gone meanwhile; the feed tells of that, or the next listing
        shown = {each.at for each in self._browsers}
        followed.ids = {known: name for known, name in followed.ids.items() if known in shown}
        followed.ids[at] = id_

    async def _follow(self, account: str, followed: _Followed) -> None:
        try:
            async for news in followed.feed.changes():
                self._take(followed, news)
        except CloudError:
            # the sign-in is lost or the feed closed to it: the next listing tells, and tries again
            if self._followed.get(account) is followed:
                del self._followed[account]

    def _take(self, followed: _Followed, news: News) -> None:
        if news is EVERYTHING:
            followed.all_new = True
        else:
            followed.waiting += news
        if followed.timer is None:
            self._later(followed)

    def _later(self, followed: _Followed) -> None:
        followed.timer = self._screen.set_timer(followed.every, lambda: self._show(followed))

    def _show(self, followed: _Followed) -> None:
        """Work everything that was told into the panes."""
        followed.timer = None
        shown = [each for each in self._browsers if each.storage is followed.storage and each.at]
        if any(each.loading or each.view.in_range for each in shown):
            # worked in when the list is whole, or the range marked: a new picture ends both
            self._later(followed)
            return
        changes, followed.waiting = followed.waiting, []
        all_new, followed.all_new = followed.all_new, False
        began = time.monotonic()
        for browser in shown:
            id_ = followed.ids.get(browser.at) if browser.at is not None else None
            if all_new or id_ is None:
                browser.list_again()
            else:
                browser.amend(changes, id_)
        followed.every = min(_LONGEST, max(_GATHER, (time.monotonic() - began) * 8))
