"""The jobs of this process: which run, which stand, and what is done to them.

Owns every `RunningJob` and its task. Only jobs that belong to this runner come here; what other
processes own is asked for by `requests`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from functools import partial
from typing import Final

from msgspec.structs import replace

from cloudtui.services.models import DISK, Location
from cloudtui.services.transfers import ledger, pictures, shelves
from cloudtui.services.transfers.desk import Desk, Told
from cloudtui.services.transfers.events import FolderChanged, JobChanged, Listeners
from cloudtui.services.transfers.job import RunningJob
from cloudtui.services.transfers.keeping import drop_kept
from cloudtui.services.transfers.orders import JobState, Resolution
from cloudtui.services.transfers.rows import Hold, ItemRow, JobRow
from cloudtui.services.transfers.stream import drop_spool_files

_TELL: Final = 1.0
"""Seconds between two notes for other processes and between two words about one folder."""
_OFFLINE: Final = 30.0
"""Seconds after which a job that lost its connection tries again by itself."""
_END: Final = 1.8
"""Seconds that stopping may take; what is not done then is cut off."""


class Crew:
    """The jobs of one runner."""

    def __init__(self, desk: Desk, listeners: Listeners) -> None:
        self._desk = desk
        self._listeners = listeners
        self.jobs: dict[str, RunningJob] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._folders: set[Location] = set()
        self._told_at = 0.0
        self._awake = desk.awake
        self._lost_at: dict[str, float] = {}
        self._closing = False
        self._at_once = desk.limits.jobs

    # --- jobs come and go ---

    def add(self, row: JobRow) -> RunningJob:
        """Take a job that belongs to this runner."""
        told = Told(partial(self._changed, row.id), self._folders.add)
        job = RunningJob(self._desk, row, told)
        self.jobs[row.id] = job
        return job

    def drop(self, id_: str) -> None:
        """A job is gone from the journal."""
        self.jobs.pop(id_, None)
        self._changed(id_)

    def schedule(self) -> None:
        """Start waiting jobs, oldest first, while there is room."""
        if self._closing:
            return
        for job in sorted(self.jobs.values(), key=lambda job: (job.row.created_ns, job.id)):
            if len(self._tasks) >= self._at_once:
                return
            if job.row.state is JobState.WAITING and job.id not in self._tasks:
                task = asyncio.create_task(job.run())
                self._tasks[job.id] = task
                task.add_done_callback(partial(self._ended, job.id))

    async def arrange(self, at_once: int) -> None:
        """Let the first so many jobs of the queue run and no others: what runs beyond them stands
        back and keeps what it has."""
        self._at_once = at_once
        able = [
            job
            for job in sorted(self.jobs.values(), key=lambda job: (job.row.created_ns, job.id))
            if job.id in self._tasks or job.row.state is JobState.WAITING
        ]
        beyond = [job for job in able[at_once:] if job.id in self._tasks]
        for job in beyond:
            await self._halt(job)
            if job.row.state is JobState.RUNNING:
                await job.end_as(JobState.WAITING)
        self.schedule()

    def runs(self, id_: str) -> bool:
        """Whether a job is being worked on."""
        return id_ in self._tasks

    def _ended(self, id_: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(id_) is task:
            del self._tasks[id_]
        self._flush_folders()
        job = self.jobs.get(id_)
        if job is not None and job.row.hold is Hold.OFFLINE:
            self._lost_at[id_] = time.monotonic()
        if job is not None and job.row.state is JobState.ASKS and job.overtaken:
            self._wait_again(job)
        self.schedule()
        self._changed(id_)
        if not task.cancelled():
            task.result()  # an accident inside the engine is not to pass unseen

    async def _halt(self, job: RunningJob) -> None:
        task = self._tasks.get(job.id)
        if task is not None:
            await job.stop()
            await asyncio.wait([task])

    # --- wishes ---

    async def pause(self, job: RunningJob) -> None:
        """Stop, keep everything, stand until told otherwise."""
        await self._halt(job)
        if not job.row.state.is_final:
            await job.hold(Hold.USER)
        self.schedule()

    async def resume(self, job: RunningJob) -> None:
        """Go on with a job that stands."""
        if not job.row.state.is_final and not self.runs(job.id):
            await job.end_as(JobState.WAITING)
        self.schedule()

    async def cancel(self, job: RunningJob, *, keep_parts: bool) -> None:
        """Stop for good; unfinished parts are removed unless they are to be kept."""
        await self._halt(job)
        if job.row.state is JobState.DONE:
            return
        await self._desk.journal.run(partial(_cancel, job.id))
        if not keep_parts:
            await drop_parts(self._desk, job.id)
        await job.end_as(JobState.CANCELLED)
        self.schedule()

    async def retry(self, job: RunningJob) -> None:
        """Try again what failed or was cancelled."""
        await self._halt(job)
        await self._desk.journal.run(partial(_retry, job.id))
        await job.end_as(JobState.WAITING)
        self.schedule()

    async def answer(self, job: RunningJob, item: int, resolution: Resolution) -> None:
        """Carry an answer out and go on."""
        await job.answer(item, resolution)
        if job.row.state is JobState.ASKS and not self.runs(job.id):
            await job.end_as(JobState.WAITING)
        self.schedule()

    # --- time passes ---

    def tick(self) -> None:
        """Samples, notes for other processes, words about folders; four times a second."""
        now = time.monotonic()
        if self._awake.slept():
            self._desk.pump.wake()
            self._desk.pump.network.wake()
            self._lost_at = dict.fromkeys(self._lost_at, float("-inf"))
        for job in self.jobs.values():
            job.sample(now)
        if now - self._told_at >= _TELL:
            self._told_at = now
            self._flush_folders()
            for id_ in list(self._tasks):
                job = self.jobs[id_]
                if job.active and job.row.state is JobState.RUNNING:
                    state, message = pictures.state_of(job)
                    picture = replace(job.picture(state), message=message)
                    self._desk.journal.post(partial(_note, id_, picture))
        for id_, since in list(self._lost_at.items()):
            if now - since >= _OFFLINE:
                del self._lost_at[id_]
                self._try_again(id_)

    def _try_again(self, id_: str) -> None:
        job = self.jobs.get(id_)
        if job is not None and job.row.hold is Hold.OFFLINE and not self.runs(id_):
            self._wait_again(job)

    def _wait_again(self, job: RunningJob) -> None:
        task = asyncio.create_task(job.end_as(JobState.WAITING))
        self._tasks[job.id] = task  # counts as running until its state is written down
        task.add_done_callback(partial(self._ended, job.id))

    def _flush_folders(self) -> None:
        folders = list(self._folders)
        self._folders.clear()
        for at in folders:
            self._listeners.tell(FolderChanged(at))

    def _changed(self, id_: str) -> None:
        self._listeners.tell(JobChanged(id_))

    async def close(self) -> None:
        """Stop everything within two seconds; what is left goes on elsewhere or next time."""
        self._closing = True
        tasks = list(self._tasks.values())
        for id_ in list(self._tasks):
            if id_ in self.jobs:
                await self.jobs[id_].stop()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_END)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for job in self.jobs.values():
            if job.row.state is JobState.RUNNING:
                await job.end_as(JobState.WAITING)
        self._flush_folders()


async def drop_parts(desk: Desk, job: str) -> None:
    """Remove every unfinished part of a job, at its target and in the spool."""
    for item, account in await desk.journal.read(partial(_kept, job, desk.envelope.remembered)):
        # the first half of a spooled item has its part on this disk, whatever the target
        place = DISK if desk.envelope.is_open(item.handle) else account
        await drop_kept(desk, item.id, item.handle, await desk.storages(place))
        await desk.journal.run(partial(_forget, item.id))
    await asyncio.to_thread(drop_spool_files, desk.spool, lambda name: job in name)


def _cancel(job: str, db: sqlite3.Connection) -> None:
    shelves.cancel_items(db, job)


def _retry(job: str, db: sqlite3.Connection) -> None:
    shelves.retry_items(db, job)


def _note(job: str, picture: ledger.Picture, db: sqlite3.Connection) -> None:
    ledger.set_picture(db, job, picture)


def _kept(
    job: str, remembered: frozenset[int], db: sqlite3.Connection
) -> list[tuple[ItemRow, str]]:
    return shelves.open_writes(db, job, remembered)


def _forget(item: int, db: sqlite3.Connection) -> None:
    shelves.forget_write(db, item)
