"""Downloads that services make by themselves, followed in the background.

Owns the looking after them while nobody shows their list: what got done is told once and the panes
list its folder again; what was wished for on this disk becomes a copy job, which then lives on its
own. Wishes are kept in a file of the services, so they outlive the program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from cloudtui import present
from cloudtui.services.errors import CaptchaNeeded, CloudError, LoginNeeded, Offline
from cloudtui.services.models import DISK, Location, OfflineTask, TaskPhase
from cloudtui.services.naming import display_name
from cloudtui.services.storage import OfflineTasks
from cloudtui.services.transfers.orders import OnConflict, Order, Source, Verb
from cloudtui.services.wishes import Wish

if TYPE_CHECKING:
    from textual.worker import WorkType

    from cloudtui.screens.browser import Browser
    from cloudtui.screens.main import MainScreen

_EVERY: Final = 60.0
"""Seconds between two looks while the list is not shown; it looks more often itself."""
_GOING: Final = (TaskPhase.WAITING, TaskPhase.FETCHING)


def disk_side(screen: MainScreen) -> Browser | None:
    """The pane that shows a folder of this disk, the one with focus first."""
    sides = (screen.active, screen.other)
    return next((s for s in sides if s.at is not None and s.at.account == DISK), None)


class Fetching:
    """What the services of one main screen fetch."""

    def __init__(self, screen: MainScreen) -> None:
        self.screen = screen
        self._wishes: dict[tuple[str, str], Wish] = {}
        self._going: dict[str, set[str]] = {}
        self._failed: set[tuple[str, str]] = set()
        self._watching = False
        self._one_by_one = asyncio.Lock()

    # --- wishes ------------------------------------------------------------------------------

    def wanted(self, account: str, task: str) -> bool:
        """Whether a task's result is to come to this disk."""
        return (account, task) in self._wishes

    async def begin(self) -> None:
        """Take up what was wished for in an earlier run."""
        runtime = await self.screen.runtime()
        for wish in await asyncio.to_thread(runtime.wishes.all):
            self._wishes[wish.account, wish.task] = wish
        if self._wishes:
            self._watch()
            self._look()

    async def toggle(self, account: str, task: OfflineTask, target: Location) -> bool:
        """Wish, or take the wish back; whether it is wished for now. Raises OSError."""
        runtime = await self.screen.runtime()
        async with self._one_by_one:  # a second press must find what the first one did
            if self._wishes.pop((account, task.id), None) is not None:
                await asyncio.to_thread(runtime.wishes.remove, account, task.id)
                return False
            wish = Wish(account, task.id, display_name(task.name or task.url), target.parts)
            await asyncio.to_thread(runtime.wishes.add, wish)
            self._wishes[account, task.id] = wish
        # who wishes for what failed sees that it did
        known = self._failed.add if task.phase is TaskPhase.FAILED else self._failed.discard
        known((account, task.id))
        self._watch()
        return True

    async def follows(self, account: str, old: str, new: OfflineTask) -> None:
        """A task was tried again, perhaps under another id: the wish goes along."""
        self._failed.discard((account, old))
        wish = self._wishes.get((account, old))
        if wish is not None and new.id != old:
            await self.toggle(account, new, wish.target)
            await self._forget(account, [old])
        self.going(account, [new])

    async def _forget(self, account: str, tasks: Collection[str]) -> None:
        runtime = await self.screen.runtime()
        await asyncio.to_thread(runtime.wishes.remove, account, *tasks)
        for task in tasks:
            self._wishes.pop((account, task), None)

    # --- looking -----------------------------------------------------------------------------

    def going(self, account: str, tasks: Iterable[OfflineTask]) -> None:
        """Tasks that are under way: their end is told."""
        found = {task.id for task in tasks if task.phase in _GOING}
        if found:
            self._going.setdefault(account, set()).update(found)
            self._watch()

    def _watch(self) -> None:
        if not self._watching:
            self._watching = True
            self.screen.set_interval(_EVERY, self._look)

    def _look(self) -> None:
        busy = {account for account, tasks in self._going.items() if tasks}
        for account in busy | {account for account, _ in self._wishes}:
            ask: WorkType[None] = partial(self._ask, account)
            self.screen.run_worker(
                ask, group=f"fetching-{account}", exclusive=True, exit_on_error=False
            )

    async def _ask(self, account: str) -> None:
        try:
            runtime = await self.screen.runtime()
            if account not in runtime.accounts():
                return  # signed out: the wishes wait for it to come back
            storage: object = await runtime.storage(account)
            if isinstance(storage, OfflineTasks):
                found = [task async for page in storage.scan_offline() for task in page]
                await self.told(account, found)
        except CloudError as error:
            self.screen.log.warning(f"offline tasks: {type(error).__name__}")  # asked again soon

    async def told(self, account: str, tasks: Sequence[OfflineTask]) -> None:
        """All tasks of an account as they are now."""
        going = self._going.setdefault(account, set())
        for task in tasks:
            ended = task.id in going and task.phase not in _GOING
            wish = self._wishes.get((account, task.id))
            if task.phase is TaskPhase.DONE and task.target is not None:
                if ended:
                    self.screen.folder_changed(task.target.parent)
                if wish is not None:
                    await self._bring(wish, task.target)
                elif ended:
                    self._say(f"Fetched: {display_name(task.target.path)}    O shows it")
            elif task.phase is TaskPhase.FAILED and (ended or wish is not None):
                self._tell_failure(account, task)
            if ended:
                going.discard(task.id)
        self.going(account, tasks)
        known = {task.id for task in tasks}
        going &= known
        lost = [task for name, task in self._wishes if name == account and task not in known]
        if lost:
            names = ", ".join(self._wishes[account, task].name for task in lost[:3])
            await self._forget(account, lost)
            self._say(f"No longer in the list, so nothing comes to the disk: {names}.", bad=True)

    def _tell_failure(self, account: str, task: OfflineTask) -> None:
        """Once: it stays in the list until it is tried again or dropped."""
        if (account, task.id) not in self._failed:
            self._failed.add((account, task.id))
            name = display_name(task.name or task.url, edges=False)
            self._say(f"{name} was not fetched.  O shows why, r there tries again", bad=True)

    async def _bring(self, wish: Wish, result: Location) -> None:
        runtime = await self.screen.runtime()
        carrying = runtime.wishes.carrying()
        if not carrying.try_acquire():
            return  # another process is at it, or this one in another turn; looked at again soon
        try:
            if wish not in await asyncio.to_thread(runtime.wishes.all):
                self._wishes.pop((wish.account, wish.task), None)  # another process has
                return
            await self._submit(wish, result)
            # only now: a kill before leaves the wish, and the same order is adopted
            await self._forget(wish.account, [wish.task])
        except (LoginNeeded, CaptchaNeeded, Offline):
            return  # its time comes: the next look tries again
        except CloudError as error:
            await self._forget(wish.account, [wish.task])
            self._say(f"{wish.name}: {present.sentence(error)}", bad=True)
        else:
            self._say(f"{wish.name} is fetched and comes to the disk.  w shows it")
            self.screen.bridge.wake()
        finally:
            carrying.release()

    async def bring_at_once(self, account: str, task: OfflineTask, target: Location) -> None:
        """What a service had at once, without a task that could be looked after. Raises
        CloudError."""
        name = display_name(task.name or task.url)
        if task.target is not None:
            await self._submit(Wish(account, task.id, name, target.parts), task.target)
            self.screen.bridge.wake()

    async def _submit(self, wish: Wish, result: Location) -> None:
        preferences = self.screen.cloud_app.preferences
        policy = preferences.on_conflict if preferences is not None else OnConflict.ASK
        runtime = await self.screen.runtime()
        await runtime.transfers.submit(
            Order(
                verb=Verb.COPY,
                sources=(Source(result),),
                target=wish.target,
                on_conflict=OnConflict(policy),
            )
        )

    def _say(self, text: str, *, bad: bool = False) -> None:
        """In the message line of the screen that is seen."""
        say = getattr(self.screen.app.screen, "say", self.screen.say)
        say(text, bad=bad)
