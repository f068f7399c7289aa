"""One job being worked on: planner, workers, removals, and how it ends.

Owns the life of a running job inside its runner. Which jobs run when is the engine's; what happens
to one item is `carry`'s. A job that is left with questions alone stands still and costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from msgspec.structs import replace

from cloudtui.services.errors import (
    CloudError,
    Full,
    Interrupted,
    LoginNeeded,
    Offline,
    Refused,
    Retry,
    ServerTrouble,
    TooMany,
)
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import DISK, Found, Location
from cloudtui.services.naming import display_name
from cloudtui.services.retry import hears_waits
from cloudtui.services.transfers import intents, jobwrites, ledger, questions, shelves
from cloudtui.services.transfers.arrange import left_alone
from cloudtui.services.transfers.bandwidth import Bandwidth
from cloudtui.services.transfers.carry import Carrier
from cloudtui.services.transfers.compare import standing
from cloudtui.services.transfers.conflicts import policy_of
from cloudtui.services.transfers.desk import Desk, Errand, Outcome, Told, accident, hold_of
from cloudtui.services.transfers.gauge import Gauge
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.orders import JobState, OnConflict, Resolution, Verb
from cloudtui.services.transfers.plan import Hooks, Planner
from cloudtui.services.transfers.removals import Removals, remove_emptied
from cloudtui.services.transfers.rows import FolderRow, Hold, ItemRow, JobRow, Totals
from cloudtui.services.transfers.stop import Stop
from cloudtui.services.transfers.waiting import Waiting
from cloudtui.services.transfers.window import Window

_log = logging.getLogger(__name__)

TRIES: Final = 4
"""Attempts of one item, each of which has its own patience inside."""
_LOST: Final = 3
"""Items in a row without a connection that make a whole job wait."""
_FULL: Final = 3
"""Items in a row that found no room: smaller ones may still find some, a fourth will not."""
_SMALL: Final = 1024 * 1024
"""Bytes up to which a file is all latency: many at once cost no bandwidth of others."""
_ON_DISK: Final = 4
"""Files at once between two places on this disk."""


class RunningJob:
    """A job of this runner, running or standing."""

    def __init__(self, desk: Desk, row: JobRow, told: Told) -> None:
        self._desk = desk
        self._told = told
        self.row = row
        self.totals = row.totals
        self.gauge = Gauge()
        self.flying: dict[int, Errand] = {}
        self.waiting = Waiting()
        """What the planner waits for."""
        self.counting = not row.counted
        self.active = False
        self.finishing = False
        self._policy = policy_of(row.answer.answer) if row.answer else row.order.on_conflict
        self._stop = Stop()
        self._window = Window(desk.journal, row.id)
        self._folders: dict[int, FolderRow] = {}
        self._tries: dict[int, int] = {}
        self._doubtful: set[int] = set()
        self._lost: list[int] = []
        self._answers = self._answers_known = 0
        self._fitted = 0
        self._full: list[Full] = []
        """What items met that found no room; `_fitted`: how many before the last that fitted."""
        self._most = 0
        self._bandwidth = Bandwidth(row.order.bandwidth)
        self._found: Sequence[Found] | None = None
        self._unfolded = asyncio.Event()
        self._removals = Removals(desk, self._removed)
        self._large = asyncio.Semaphore(desk.limits.files)

    # --- what is seen from outside ---

    @property
    def id(self) -> str:
        """The job's id."""
        return self.row.id

    @property
    def policy(self) -> OnConflict:
        """The order's policy, or the answer that was given for all."""
        return self._policy

    def set_policy(self, policy: OnConflict) -> None:
        """From now on conflicts of this job end by `policy`."""
        self._policy = policy

    @property
    def overtaken(self) -> bool:
        """Whether an answer came after it had counted what is left to do."""
        return self._answers != self._answers_known

    def know_sources(self, found: Sequence[Found]) -> None:
        """The sources as they were just looked up, to save asking again."""
        self._found = found

    @property
    def bytes_done(self) -> int:
        """Bytes of finished and flying items; never goes down."""
        now = self.totals.bytes_done + sum(errand.done for errand in self.flying.values())
        self._most = max(self._most, min(now, max(self.totals.bytes_total, self._most)))
        return self._most

    def sample(self, now: float) -> None:
        """Take a sample for speed and time left."""
        if self.active:
            self.gauge.sample(now, self.bytes_done)

    # --- running ---

    async def run(self) -> None:
        """Work until nothing is left to do here, or the job is stopped or held.

        Never raises for what happens to items; the row tells how the job stands afterwards.
        """
        self.active = True
        self._open()
        self._fitted = 0
        self._lost.clear()
        self._full.clear()
        self.gauge.reset()
        try:
            self.totals = await self._desk.journal.read(partial(jobwrites.count, self.id))
            self._doubtful = await self._desk.journal.read(partial(intents.items, job=self.id))
            await self._set_state(JobState.RUNNING, Hold.NONE, "")
            left = 0
            while True:
                await self._work()
                if self._stop.is_set():
                    break
                if self._full:
                    raise self._full[0]  # all that found room is done
                self._answers_known = self._answers
                self.totals = await self._desk.journal.read(partial(jobwrites.count, self.id))
                if not self.totals.waiting:
                    await self._end()
                    break
                if self.totals.waiting == left:
                    raise Refused("Some files were never looked at.", hint="P goes on with them.")
                left = self.totals.waiting
                self._open()  # an answer came while the last worker went home
        except Interrupted:
            pass  # stopped: whoever stopped it says how it stands
        except CloudError as exc:
            await self._hold(exc)
        except Exception:  # boundary: whoever waits for this job hears of it, the others go on
            _log.exception("job %s stopped unexpectedly", self.id)
            await self._hold(accident())
        finally:
            self.active = False
            self.flying.clear()
            self._told.changed()

    def _open(self) -> None:
        self._stop = Stop()
        self._window = Window(self._desk.journal, self.id)
        self._removals = Removals(self._desk, self._removed)

    async def stop(self) -> None:
        """End all work of this job; the caller waits for `run` to return."""
        self._stop.set()
        self._window.close()

    async def _work(self) -> None:
        planner = asyncio.create_task(self._plan())
        workers = [asyncio.create_task(self._worker()) for _ in range(await self._width())]
        tasks = [planner, *workers]
        working = asyncio.gather(*tasks)
        try:
            # The first failure of the planner or a worker ends the job's run. A stop does, too,
            # whatever they wait for inside a call.
            if await self._stop.unless(working):
                working.result()
        finally:
            self._window.close()
            self._unfolded.set()
            if any(not task.done() for task in tasks):
                self._stop.set()
                await asyncio.wait(tasks, timeout=1.5)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            if not self._stop.is_set():
                await self._removals.finish()
            else:
                await self._removals.drop()

    async def _width(self) -> int:
        """How many workers: as many as places and settings allow at once."""
        order, limits = self.row.order, self._desk.limits
        target = await self._desk.storages(order.target.account)
        if order.target.account != DISK:
            return max(1, min(limits.small, target.caps.uploads_at_once))
        inside = all(source.at.account == DISK for source in order.sources)
        return max(1, min(limits.files, _ON_DISK) if inside else limits.small)

    # --- planning ---

    async def _plan(self) -> None:
        """Plan, and plan again whenever a worker finds that a folder must be walked after all."""
        hears_waits.set(self.waiting.tell)
        hooks = Hooks(self._added, self._told.folder, lambda: self._policy, self._stop.is_set)
        rooted = self.row.rooted
        while not self._stop.is_set():
            self._unfolded.clear()
            if self.counting or not rooted:
                self._window.more = self.counting = True
                planner = Planner(
                    self._desk.journal, self._desk.storages, self.id, self.row.order, hooks
                )
                await planner.run(rooted=rooted, found=self._found)
                rooted = True
                self.row = replace(self.row, rooted=True)
                self._found = None
                if self._unfolded.is_set() or self._stop.is_set():
                    continue
                self.counting = False
                self._told.changed()
            self._window.more = False
            self._window.look()
            if self._window.closed:
                return
            await self._unfolded.wait()

    def _added(self, added: Totals) -> None:
        self.totals = self.totals.add(added)
        self._window.look()
        if added.asking:
            self._told.changed()

    # --- working ---

    async def _worker(self) -> None:
        while True:
            item = await self._window.next()
            if item is None:
                self._unfolded.set()
                return
            await self._item(item)

    async def _item(self, item: ItemRow) -> None:
        folder = await self._folder(item.folder)
        if item.tree and not item.entry.name:
            await self._replan(item)
            return
        meter = Meter(limits=[self._bandwidth])
        stop, doubtful = self._stop, item.id in self._doubtful
        errand = Errand(self.id, self.row.order, self._policy, item, folder, meter, stop, doubtful)
        self.flying[item.id] = errand
        hears_waits.set(errand.wait)
        try:
            outcome = await self._carry(errand)
        except (Interrupted, LoginNeeded, Full) as exc:
            self.flying.pop(item.id, None)
            self._window.back(item.id)
            if not isinstance(exc, Full):
                raise
            self._full.append(exc)
            if len(self._full) - self._fitted >= _FULL:
                raise
            return
        except CloudError as exc:
            await self._failed(errand, exc)
            return
        except Exception:  # boundary: one item's accident must not take the job down
            _log.exception("item %d of job %s failed unexpectedly", item.id, self.id)
            words = f"Copying {display_name(item.entry.name)} failed in an unexpected way."
            self._settle(errand, Outcome(JobState.FAILED, words + " The log tells more.", "error"))
            return
        self._fitted = len(self._full)
        self._lost.clear()
        if outcome.unfold:
            await self._unfold(errand)
        elif outcome.leave and outcome.state is JobState.DONE:
            errand.state = JobState.CHECKING
            errand.message = outcome.message or errand.message
            await self._removals.add(errand)
        else:
            self._settle(errand, outcome)

    async def _carry(self, errand: Errand) -> Outcome:
        source_account = errand.folder.source.account
        target_account = errand.folder.target.account
        source = await self._desk.storages(source_account)
        target = await self._desk.storages(target_account)
        async with AsyncExitStack() as stack:
            slots = self._desk.slots
            if (errand.item.entry.size or 0) > _SMALL:
                await stack.enter_async_context(self._large)
            if source_account != target_account:
                down = self._desk.limits.small
                await stack.enter_async_context(slots.take(source_account, "down", down))
            most = target.caps.uploads_at_once
            await stack.enter_async_context(slots.take(target_account, "up", most))
            return await Carrier(self._desk, errand, source, target).run()

    async def _folder(self, id_: int) -> FolderRow:
        found = self._folders.get(id_)
        if found is None or not found.made:
            found = await self._desk.journal.read(partial(jobwrites.folder, id_))
            if len(self._folders) > 2_000:
                self._folders.clear()
            self._folders[id_] = found
        return found

    async def _failed(self, errand: Errand, exc: CloudError) -> None:
        id_ = errand.item.id
        self._doubtful.add(id_)
        tries = self._tries.get(id_, 0) + 1
        if exc.retry is not Retry.NEVER and tries < TRIES:
            self._tries[id_] = tries
            seconds = self._desk.retries.wait(tries, exc)
            errand.wait(exc, seconds)
            self._window.again(id_, seconds)
            return
        self._tries.pop(id_, None)
        if isinstance(exc, Offline) and not isinstance(exc, ServerTrouble | TooMany):
            self._lost.append(id_)
            if len(self._lost) >= _LOST:
                # those before it failed for the same reason: the job waits with all of them
                await self._desk.journal.run(partial(jobwrites.again, self._lost))
                self.totals = await self._desk.journal.read(partial(jobwrites.count, self.id))
                self.flying.pop(id_, None)
                self._window.back(id_)
                raise exc
        self._settle(errand, Outcome(JobState.FAILED, str(exc), exc.code))

    def _settle(self, errand: Errand, outcome: Outcome) -> None:
        """An item ended: count it and write it down."""
        item = errand.item
        before = Totals(files=1, bytes_total=errand.planned_size)
        after = replace(item, state=outcome.state).totals
        self.totals = self.totals.add(before, -1).add(after)
        done = item.entry.size or 0 if outcome.state is JobState.DONE else errand.done
        size = item.entry.size
        self._desk.journal.post(
            lambda db: shelves.settle(
                db, item.id, outcome.state, outcome.message, outcome.code, size=size, done=done
            )
        )
        failpoint("engine.item.done")
        self.flying.pop(item.id, None)
        self._tries.pop(item.id, None)
        if outcome.state in (JobState.DONE, JobState.SKIPPED):
            self._desk.envelope.forget(item.id)  # a million of them would be a hundred megabytes
        self._doubtful.discard(item.id)
        self._window.back(item.id)
        for at in errand.changed:
            self._told.folder(at)
        if outcome.state in (JobState.ASKS, JobState.FAILED):
            self._told.changed()

    def _removed(self, errand: Errand, error: CloudError | None) -> None:
        """The source of a moved item is gone, or could not be removed."""
        if error is None:
            errand.changed.append(errand.folder.source)
            self._settle(errand, Outcome(JobState.DONE, errand.message or None))
            return
        words = f"Copied, but the source stays: {error}"
        self._settle(errand, Outcome(JobState.FAILED, words, error.code))

    async def _unfold(self, errand: Errand) -> None:
        """A folder that was to go in one piece is walked instead."""
        item, new = errand.item, errand.as_folder()
        existing = await self._existing_folder(errand)
        if existing is not None:
            new = replace(new, made=True, fresh=False, target=existing)
        await self._desk.journal.run(partial(jobwrites.unfold, self.id, item.id, new))
        self._again_planning(item.id, Totals(files=1, bytes_total=errand.planned_size))

    async def _existing_folder(self, errand: Errand) -> Location | None:
        storage = await self._desk.storages(errand.folder.target.account)
        there = await standing(storage, errand.folder.target, errand.item.target_name)
        return there.at if there is not None and there.entry.is_folder else None

    async def _replan(self, item: ItemRow) -> None:
        """A folder that could not be planned is tried again."""
        await self._desk.journal.run(partial(jobwrites.replan, self.id, item))
        self._again_planning(item.id, replace(item, state=JobState.WAITING).totals)

    def _again_planning(self, item: int, minus: Totals) -> None:
        self.totals = self.totals.add(minus, -1)
        self.counting = True
        self._window.more = True
        self.flying.pop(item, None)
        self._window.back(item)
        self._unfolded.set()

    # --- answers ---

    async def answer(self, id_: int, answer: Resolution) -> None:
        """Carry out the answer to a question of this job. One that is late changes nothing."""
        journal = self._desk.journal
        if answer.for_all:
            self._policy = policy_of(answer.answer)
            await journal.run(partial(questions.answer_all, self.id, answer))
        else:
            item = await journal.read(lambda db: shelves.item(db, id_))
            if item is None or item.state is not JobState.ASKS or item.job != self.id:
                return
            account = self.row.order.target.account
            await journal.run(partial(questions.answer_one, item, answer, account))
        self._answers += 1
        self.totals = await journal.read(partial(jobwrites.count, self.id))
        self._window.rewind()
        self._told.changed()

    # --- ends ---

    async def _end(self) -> None:
        if self.totals.asking:
            await self._set_state(JobState.ASKS, Hold.NONE, "")
            return
        self.finishing = True
        try:
            if self.row.order.verb is Verb.MOVE:
                await remove_emptied(self._desk, self.id, self._told.folder)
        finally:
            self.finishing = False
        state = JobState.FAILED if self.totals.failed else JobState.DONE
        said = []
        if self.totals.failed:
            said.append(f"{self.totals.failed:,} of {self.totals.files:,} failed.")
        if self.totals.skipped:
            left = await self._desk.journal.read(partial(jobwrites.left_alone, self.id))
            said += [left_alone(left)] if left else []
        await self._set_state(state, Hold.NONE, " ".join(said))
        failpoint("engine.job.finished")

    async def _hold(self, exc: CloudError) -> None:
        """Something that concerns the whole job: it stands, everything is kept."""
        hold = hold_of(exc)
        state = JobState.FAILED if hold is Hold.NONE else JobState.PAUSED
        await self._set_state(state, hold, str(exc), (exc.code,))

    async def hold(self, hold: Hold, message: str = "") -> None:
        """Note why a stopped job stands."""
        await self._set_state(JobState.PAUSED, hold, message)

    async def end_as(self, state: JobState) -> None:
        """Note how a stopped job stands for good, or that it waits for its turn."""
        await self._set_state(state, Hold.NONE, "")

    async def _set_state(
        self, state: JobState, hold: Hold, message: str, codes: tuple[str, ...] = ()
    ) -> None:
        id_ = self.id
        if not codes and state.is_final:
            codes = await self._desk.journal.read(lambda db: shelves.codes(db, id_))
        self.row = replace(self.row, state=state, hold=hold, message=message, codes=codes)
        picture = self.picture(state)
        await self._desk.journal.run(partial(jobwrites.save, id_, picture, hold))
        self._told.changed()

    def picture(self, state: JobState | None = None) -> ledger.Picture:
        """What other processes are shown."""
        totals = replace(self.totals, bytes_done=self.bytes_done)
        return ledger.Picture(
            state=self.row.state if state is None else state,
            totals=totals,
            speed=self.gauge.speed() if self.active else None,
            time_left=self.gauge.left(totals.bytes_total)
            if self.active and not self.counting
            else None,
            current=self.current,
            message=self.row.message,
            codes=self.row.codes,
        )

    @property
    def current(self) -> str:
        """The name of the item that is furthest in the hands of a worker."""
        for errand in self.flying.values():
            return display_name(errand.item.entry.name)
        return ""
