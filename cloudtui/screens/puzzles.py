"""Puzzles in the middle of work: a service may want one solved at any call.

Owns the box over the panes and what goes on afterwards: the folders that could not be listed and
the jobs that stood. One box at a time for an account; a puzzle that was put off is not shown again
until somebody asks for something anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from cloudtui import present
from cloudtui.services.errors import CaptchaNeeded, CloudError
from cloudtui.services.models import DISK, Secret
from cloudtui.services.storage import HasQuota

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloudtui.screens.browser import Browser
    from cloudtui.screens.main import MainScreen
    from cloudtui.services.transfers.orders import JobView

CAPTCHA: Final = CaptchaNeeded.code


@runtime_checkable
class TakesCaptcha(Protocol):
    """A place that goes on with what a human got from a puzzle."""

    async def give_captcha(self, token: Secret) -> None:
        """Use the token from now on."""
        ...


def standing(views: Sequence[JobView]) -> list[JobView]:
    """Jobs of this process that stand because of a puzzle."""
    return [
        view
        for view in views
        if view.mine and not view.state.is_final and CAPTCHA in view.error_codes
    ]


class Puzzles:
    """Puzzles of one main screen."""

    def __init__(self, screen: MainScreen) -> None:
        self.screen = screen
        self._open: set[str] = set()
        self._told: set[str] = set()
        self._stale: set[str] = set()
        """Accounts whose puzzle's page became too old while it was shown."""

    def met(self, browser: Browser) -> None:
        """A pane could not list because of a puzzle."""
        error = browser.error
        if isinstance(error, CaptchaNeeded) and browser.at is not None and error.url:
            self._show(browser.at.account, error.url)

    def look(self, views: Sequence[JobView]) -> None:
        """Jobs may stand because of one: each that newly does opens the box."""
        found = standing(views)
        fresh = [view for view in found if view.id not in self._told]
        self._told = {view.id for view in found}
        for view in fresh:
            for text in (view.target, *view.sources[:1]):
                account = text.partition(":")[0] if not text.startswith("/") else DISK
                if account and account not in self._open:
                    self._ask(account)

    def _ask(self, account: str) -> None:
        """Learn the puzzle of an account by a small call, then show it."""

        async def work() -> None:
            runtime = await self.screen.runtime()
            if account not in runtime.accounts():
                return
            storage = await runtime.storage(account)
            if not isinstance(storage, HasQuota):
                return
            try:
                await storage.quota()
            except CaptchaNeeded as puzzle:
                self._show(account, puzzle.url)
            except CloudError as error:
                self.screen.say(present.sentence(error), bad=True)

        self.screen.run_worker(work(), group=f"puzzle-{account}", exit_on_error=False)

    def _show(self, account: str, url: str) -> None:
        if account in self._open or not url:
            return
        self._open.add(account)
        self.screen.run_worker(self._solve(account, url), group="puzzle", exit_on_error=False)

    async def _solve(self, account: str, url: str) -> None:
        from cloudtui.screens.login_pikpak import PuzzleBox

        try:
            runtime = await self.screen.runtime()
            storage = await runtime.storage(account)
            if not isinstance(storage, TakesCaptcha):
                return
            again = account in self._stale
            self._stale.discard(account)
            box = PuzzleBox(url, again=again)
            token = await self.screen.app.push_screen_wait(box)
            if box.expired and not again:  # one fresh page; after that nobody sits there
                self._stale.add(account)
                return
            if token is None:
                self.screen.say("The puzzle waits: Ctrl+R shows it again, everything else goes on.")
                return
            await storage.give_captcha(token)
            self.screen.say("The puzzle is solved. Everything goes on.")
            for browser in (self.screen.left, self.screen.right):
                if browser.at is not None and browser.at.account == account and browser.error:
                    browser.reload()
            for view in standing(self.screen.bridge.views):
                await runtime.transfers.resume(view.id)
            self.screen.bridge.wake()
        except CloudError as error:
            self.screen.say(present.sentence(error), bad=True)
        finally:
            self._open.discard(account)
            if account in self._stale:
                self._ask(account)
