"""Downloads by a service that are to be brought to this disk once they are done.

Owns the wishes of this run and the looking after them: what is done becomes a copy job, which then
lives on its own. Nothing is shown here; the message line tells what happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cloudtui import present
from cloudtui.services.errors import CloudError
from cloudtui.services.models import Location, OfflineTask, TaskPhase
from cloudtui.services.naming import display_name
from cloudtui.services.storage import OfflineTasks
from cloudtui.services.transfers.orders import OnConflict, Order, Source, Verb

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen

_EVERY: Final = 60.0
"""Seconds between two looks while the list is not shown; it looks more often itself."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Bring the result of a task to a folder."""

    task: str
    name: str
    target: Location


class Fetching:
    """The wishes of one main screen."""

    def __init__(self, screen: MainScreen) -> None:
        self.screen = screen
        self._wishes: dict[str, dict[str, Wish]] = {}
        self._places: dict[str, OfflineTasks] = {}
        self._watching = False

    def wanted(self, account: str, task: str) -> bool:
        """Whether a task's result is to come to this disk."""
        return task in self._wishes.get(account, {})

    def toggle(
        self, account: str, tasks: OfflineTasks, task: OfflineTask, target: Location
    ) -> bool:
        """Wish, or take the wish back; whether it is wished for now."""
        wishes = self._wishes.setdefault(account, {})
        if wishes.pop(task.id, None) is not None:
            return False
        wishes[task.id] = Wish(task.id, display_name(task.name or task.url), target)
        self._places[account] = tasks
        if not self._watching:
            self._watching = True
            self.screen.set_interval(_EVERY, self._look)
        return True

    def _look(self) -> None:
        for account in [account for account, wishes in self._wishes.items() if wishes]:
            self.screen.run_worker(
                self._ask(account), group=f"fetching-{account}", exclusive=True, exit_on_error=False
            )

    async def _ask(self, account: str) -> None:
        try:
            async for page in self._places[account].scan_offline():
                await self.told(account, page)
        except CloudError as error:
            self.screen.log.warning(f"offline tasks: {type(error).__name__}")  # asked again soon

    async def told(self, account: str, tasks: Iterable[OfflineTask]) -> None:
        """Tasks as they are now: what is done is brought, what failed is given up."""
        wishes = self._wishes.get(account, {})
        for task in tasks:
            wish = wishes.get(task.id)
            if wish is None:
                continue
            if task.phase is TaskPhase.FAILED:
                del wishes[task.id]
                self.screen.say(f"{wish.name} was not fetched: nothing to bring down.", bad=True)
            elif task.phase is TaskPhase.DONE and task.target is not None:
                del wishes[task.id]
                await self._bring(wish, task.target)

    async def _bring(self, wish: Wish, result: Location) -> None:
        preferences = self.screen.cloud_app.preferences
        policy = preferences.on_conflict if preferences is not None else OnConflict.ASK
        try:
            runtime = await self.screen.runtime()
            await runtime.transfers.submit(
                Order(
                    verb=Verb.COPY,
                    sources=(Source(result),),
                    target=wish.target,
                    on_conflict=OnConflict(policy),
                )
            )
        except CloudError as error:
            self.screen.say(f"{wish.name}: {present.sentence(error)}", bad=True)
            return
        self.screen.say(f"{wish.name} is fetched and comes to the disk.  w shows it")
        self.screen.bridge.wake()
