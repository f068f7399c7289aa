"""The transfer engine: what screens and commands talk to.

Owns the wiring of one process: journal, runner, pump, jobs of ours, requests to others. It knows
the Storage protocol and no provider. Everything is made on first use.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from cloudtui.services.awake import Awake
from cloudtui.services.errors import CloudError, NotFound, Refused, UsageError
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Capabilities
from cloudtui.services.paths import Paths
from cloudtui.services.retry import Retries
from cloudtui.services.transfers import ledger, pictures, requests, shelves, turns
from cloudtui.services.transfers.around import Around
from cloudtui.services.transfers.checks import refuse_nonsense, resolve
from cloudtui.services.transfers.crew import Crew, drop_parts
from cloudtui.services.transfers.desk import Desk, Limits, Storages
from cloudtui.services.transfers.events import Event, FolderChanged, JobChanged, Listeners
from cloudtui.services.transfers.job import RunningJob
from cloudtui.services.transfers.journal import Journal
from cloudtui.services.transfers.orders import (
    Conflict,
    ItemView,
    JobState,
    JobView,
    Order,
    Resolution,
)
from cloudtui.services.transfers.preview import Planned, preview
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.requests import Ask, Request
from cloudtui.services.transfers.rows import Hold, JobRow, direction_of
from cloudtui.services.transfers.rows import fingerprint as mark_of
from cloudtui.services.transfers.runner import Runner
from cloudtui.services.transfers.seals import Envelope, Seals
from cloudtui.services.transfers.stream import drop_spool_files

if TYPE_CHECKING:
    from cloudtui.services.network import Network
    from cloudtui.services.settings import Settings

__all__ = ["Event", "FolderChanged", "JobChanged", "Limits", "Planned", "Transfers"]

_log = logging.getLogger(__name__)


class Transfers:
    """All transfers, ours and other processes'."""

    def __init__(
        self,
        *,
        paths: Paths,
        storages: Storages,
        network: Network,
        sealer: Seals | None = None,
        retries: Retries | None = None,
        settings: Settings | None = None,
        limits: Limits | None = None,
        awake: Awake | None = None,
    ) -> None:
        """`limits` win over `settings`; without both the defaults hold."""
        self._paths = paths
        self._storages = storages
        self._network = network
        self._envelope = Envelope(sealer)
        self._retries = retries or Retries()
        self._limits = limits or Limits.of(settings)
        self._listeners = Listeners()
        self._journal: Journal | None = None
        self._desk_: Desk | None = None
        self._runner_: Runner | None = None
        self._crew_: Crew | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._caps: dict[str, Capabilities] = {}
        self._around = Around()
        self._awake = awake or Awake()
        self._closed = False

    # --- the workshop, opened on first use ---

    @property
    def journal(self) -> Journal:
        """The open journal. Raises Refused (newer format, held elsewhere), Denied, Full."""
        if self._journal is None:
            if self._closed:
                raise Refused("The transfers are closed.")
            self._journal = Journal(self._paths.journal_file)
        return self._journal

    @property
    def _runner(self) -> Runner:
        if self._runner_ is None:
            self._runner_ = Runner(self.journal, self._paths.runners_dir)
        return self._runner_

    @property
    def _desk(self) -> Desk:
        if self._desk_ is None:
            self._desk_ = Desk.set_up(
                self.journal,
                self._storages,
                self._paths,
                Pump(self._network),
                self._envelope,
                self._retries,
                self._limits,
                self._awake,
            )
        return self._desk_

    @property
    def _crew(self) -> Crew:
        if self._crew_ is None:
            self._crew_ = Crew(self._desk, self._listeners)
        return self._crew_

    async def _start(self) -> None:
        """Become a runner. Safe to repeat."""
        async with self._starting:
            if self._ticker is not None:
                return
            await self._runner.start()
            await self._runner.sweep()
            known = await self.journal.read(ledger.job_ids)
            await asyncio.to_thread(
                drop_spool_files,
                self._paths.spool_dir,
                lambda name: not any(id_ in name for id_ in known),
            )
            self._ticker = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(requests.POLL)
            try:
                self._crew.tick()
                for request in await requests.take(self.journal, self._runner.id):
                    await self._carry_out(request)
            except CloudError:
                _log.exception("the journal did not answer")

    # --- orders ---

    async def submit(self, order: Order) -> str:
        """Begin a job; its id. The same order given again adopts its orphan.

        Raises UsageError for what cannot be meant, NotFound, Ambiguous, and what the places raise
        while the sources are looked up. Nothing was begun then.
        """
        if not order.sources:
            raise UsageError("Nothing was named to copy.")
        await self._start()
        adopted = await self.take_up([order])
        if adopted is not None:
            return adopted
        found = await resolve(order.sources, self._storages)
        await refuse_nonsense(order, found, self._storages)
        await self._know(order)
        row = JobRow(
            id=secrets.token_hex(8),
            order=order,
            runner=self._runner.id,
            state=JobState.PAUSED if order.paused else JobState.WAITING,
            hold=Hold.USER if order.paused else Hold.NONE,
            direction=direction_of(order),
            title=pictures.title_of(order),
            fingerprint=mark_of(order),
            created_ns=time.time_ns(),
        )
        await self.journal.run(lambda db: ledger.add_job(db, row))
        failpoint("engine.job.created")
        self._crew.add(row).know_sources(found)
        self._listeners.tell(JobChanged(row.id))
        self._crew.schedule()
        return row.id

    async def take_up(self, orders: Iterable[Order]) -> str | None:
        """Go on with the orphan that one of these orders began, as fast as the order says; its id,
        None when there is none. Nothing is looked up: an order whose target it made, or whose
        sources it already moved away, is known again by its words alone.
        """
        marks = {mark_of(order): order.bandwidth for order in orders}
        if not await self.journal.read(partial(ledger.jobs, marks=marks.keys())):
            return None
        await self._start()
        for row in await self.journal.read(partial(ledger.jobs, marks=marks.keys())):
            again = replace(row, order=replace(row.order, bandwidth=marks[row.fingerprint]))
            unfinished = not row.state.is_final and not self._runner.lives(row.runner)
            if unfinished and await self._take(again):
                return row.id
        return None

    async def ended_unseen(self, orders: Iterable[Order]) -> str | None:
        """The newest job of these orders if it was done and its process killed before saying so."""
        marks = {mark_of(order) for order in orders}
        rows = await self.journal.read(partial(ledger.jobs, marks=marks))
        row = rows[-1] if rows else None
        if row is None or row.state is not JobState.DONE or row.runner is None:
            return None
        await self._start()
        return None if self._runner.lives(row.runner) or not await self._take(row) else row.id

    async def plan(self, order: Order) -> list[Planned]:
        """What the order would do; nothing is done. Raises like `submit`."""
        found = await resolve(order.sources, self._storages)
        await refuse_nonsense(order, found, self._storages)
        return [line async for line in preview(order, self._storages)]

    async def _know(self, order: Order) -> None:
        target = order.target.account
        self._caps[target] = (await self._storages(target)).caps

    # --- what there is ---

    def views(self) -> list[JobView]:
        """All jobs of all processes, oldest first; ours are fresh, others' up to a second old."""
        self._around.look(self.journal, self._runner.lives)
        mine = self._crew_.jobs if self._crew_ is not None else {}
        views = [self._stored(row) for row in self._around.rows if row.id not in mine]
        views += [self._running(job) for job in mine.values()]
        born = {row.id: row.created_ns for row in self._around.rows}
        born |= {job.id: job.row.created_ns for job in mine.values()}
        return sorted(views, key=lambda view: (born[view.id], view.id))

    def view(self, job: str) -> JobView:
        """One job; one of ours without a look at the journal. Raises NotFound."""
        if (mine := self._mine(job)) is not None:
            return self._running(mine)
        self._around.look(self.journal, self._runner.lives)
        for row in self._around.rows:
            if row.id == job:
                return self._stored(row)
        raise NotFound(f"There is no job {job}.", hint="cloudtui jobs lists them.")

    def _stored(self, row: JobRow) -> JobView:
        return pictures.stored(row, alive=row.runner in self._around.living)

    def _running(self, job: RunningJob) -> JobView:
        away = bool(job.row.order.target.account)
        return pictures.running(job, volatile=bool(self._envelope.remembered) and away)

    def items(
        self, job: str, offset: int = 0, limit: int = 200, states: Collection[JobState] = ()
    ) -> list[ItemView]:
        """A page of a job's items in the order they were found; `states` empty means all."""
        pairs = self.journal.look(lambda db: shelves.items(db, job, offset, limit, states))
        return pictures.items(pairs, self._mine(job))

    def conflicts(self, limit: int = 1_000) -> list[Conflict]:
        """Questions of all unfinished jobs, oldest first."""
        asking = [view.id for view in self.views() if view.files_asking and not view.state.is_final]
        return self.journal.look(partial(pictures.conflicts, asking, limit, self._caps))

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Tell `listener` of every event, on the loop's thread; the answer ends that."""
        return self._listeners.add(listener)

    # --- wishes ---

    async def pause(self, job: str) -> None:
        """Stop a job and keep everything. Raises NotFound."""
        await self._wish(Request(job, Ask.PAUSE))

    async def resume(self, job: str) -> None:
        """Go on with a job; one that belongs to nobody is adopted. Raises NotFound."""
        await self._wish(Request(job, Ask.RESUME))

    async def cancel(self, job: str, *, keep_parts: bool = False) -> None:
        """Stop a job for good. Finished files stay; unfinished parts go unless kept."""
        await self._wish(Request(job, Ask.CANCEL, keep_parts=keep_parts))

    async def retry(self, job: str) -> None:
        """Try again what failed or was cancelled."""
        await self._wish(Request(job, Ask.RETRY))

    async def answer(self, job: str, item: int, resolution: Resolution) -> None:
        """Answer one question, or with `for_all` every one of the job, now and later."""
        await self._wish(Request(job, Ask.ANSWER, item=item, resolution=resolution))

    async def adopt(self, job: str) -> None:
        """Take a job that belongs to nobody and go on with it here. Raises NotFound; Refused when
        another process works on it."""
        await self._start()
        row = await self._row(job)
        if job in self._crew.jobs:
            await self._crew.resume(self._crew.jobs[job])
        elif self._runner.lives(row.runner) or not await self._take(row):
            raise Refused(
                "Another cloudtui works on this job.", hint="It can be paused from here as well."
            )

    async def reorder(self, job: str, step: int) -> bool:
        """Let a job change places with the unfinished one before (-1) or after it (1). False at the
        end of the queue; jobs that other processes work on keep their places. Raises NotFound."""
        await self._row(job)
        mine = self._crew_.jobs if self._crew_ is not None else {}
        moved = await turns.exchange(self.journal, mine, self._runner.lives, job, step)
        self._around.forget()
        if moved and self._crew_ is not None:
            await self._crew_.arrange(self._limits.jobs)
        return moved

    @property
    def jobs_at_once(self) -> int:
        """Jobs of this process that run at the same time."""
        return self._limits.jobs

    async def run_at_once(self, count: int) -> None:
        """Another number from now on: more jobs start, or the last ones stand back. One runs."""
        self._limits = replace(self._limits, jobs=max(1, count))
        if self._crew_ is not None:
            await self._crew_.arrange(self._limits.jobs)

    @property
    def speed_limit(self) -> int:
        """Bytes in a second over all jobs of this process; 0 for no limit."""
        return self._limits.bandwidth

    def limit_speed(self, rate: int) -> None:
        """Another limit from now on, for jobs that run too; 0 takes it off."""
        self._limits = replace(self._limits, bandwidth=rate)
        if self._desk_ is not None:
            self._desk_.pump.bandwidth.set_rate(rate or None)

    async def clear(self, job: str | None = None) -> int:
        """Forget finished jobs (or one); how many. Kept parts of cancelled ones are removed."""
        cleared = 0
        await self._start()
        for row in await self.journal.read(ledger.jobs):
            mine = self._crew.jobs.get(row.id)
            state = row.state if mine is None else mine.row.state
            if job not in (None, row.id) or not state.is_final or self._crew.runs(row.id):
                continue
            if mine is None and self._runner.lives(row.runner):
                continue
            await drop_parts(self._desk, row.id)
            await self.journal.run(partial(ledger.delete_job, job=row.id))
            self._crew.drop(row.id)
            cleared += 1
        self._around.forget()
        return cleared

    async def wait(self, job: str) -> JobView:
        """Wait until a job ended, asks with nothing else left to do, or stands because sign-in,
        room or the connection is missing. A pause that somebody asked for is waited out."""
        while True:
            changed = asyncio.Event()
            end = self._listeners.add(partial(_ring, job, changed))
            try:
                view = self.view(job)
                if self._rests(view):
                    return view
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if view.mine else requests.POLL):
                        await changed.wait()
            finally:
                end()

    def _rests(self, view: JobView) -> bool:
        mine = self._mine(view.id)
        if mine is not None:
            ended = view.state.is_final or view.state is JobState.ASKS
            return not self._crew.runs(view.id) and (ended or pictures.held(mine.row))
        if view.state.is_final or view.orphan:
            return True
        row = next(row for row in self._around.rows if row.id == view.id)
        return row.state is JobState.ASKS or pictures.held(row)

    async def run_queue(self) -> list[JobView]:
        """Work on everything that nobody works on until nothing of it is left; how it ended.

        Jobs that were paused on purpose stay paused.
        """
        await self._start()
        ended: dict[str, JobView] = {}
        while True:
            todo = [
                row
                for row in await self.journal.read(ledger.jobs)
                if not row.state.is_final
                and row.id not in ended
                and row.hold is not Hold.USER
                and not self._runner.lives(row.runner)
            ]
            if not all([await self._take(row) for row in todo]):
                continue  # somebody was faster: look who owns what now
            waiting = [id_ for id_ in self._crew.jobs if id_ not in ended]
            if not waiting:
                return list(ended.values())
            for id_ in waiting:
                ended[id_] = await self.wait(id_)

    async def aclose(self) -> None:
        """Pause what runs, write everything down, give the jobs back; within two seconds."""
        if self._closed:
            return
        self._closed = True
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait([self._ticker])
        if self._crew_ is not None:
            await self._crew_.close()
        if self._desk_ is not None:
            self._desk_.pump.close()
            self._desk_.digests.close()
        if self._journal is not None:
            if self._runner_ is not None:
                await self._runner_.close()
            self._journal.close()

    # --- inside ---

    def _mine(self, job: str) -> RunningJob | None:
        return None if self._crew_ is None else self._crew_.jobs.get(job)

    async def _row(self, job: str) -> JobRow:
        rows = await self.journal.read(lambda db: ledger.jobs(db, job))
        if not rows:
            raise NotFound(f"There is no job {job}.", hint="cloudtui jobs lists them.")
        return rows[0]

    async def _own(self, row: JobRow) -> RunningJob | None:
        """Make a job without a living runner ours; None when somebody was faster."""
        me = self._runner.id
        if not await self.journal.run(lambda db: ledger.take_job(db, row.id, row.runner, me)):
            return None
        await self._know(row.order)
        self._around.forget()
        return self._crew.add(row)

    async def _take(self, row: JobRow) -> bool:
        """Make a job ours and go on with it."""
        job = await self._own(row)
        if job is not None and not row.state.is_final:
            await self._crew.resume(job)
        return job is not None

    async def _wish(self, request: Request) -> None:
        row = await self._row(request.job)
        if request.job not in (self._crew_.jobs if self._crew_ else {}):
            if self._runner.lives(row.runner):
                await requests.post(self.journal, request)
                return
            if request.ask is Ask.PAUSE:
                if not row.state.is_final:
                    pause = partial(ledger.set_state, job=request.job, state=JobState.PAUSED)
                    await self.journal.run(partial(pause, hold=Hold.USER, message=""))
                    self._around.forget()
                return
            await self._start()
            row = await self._row(request.job)  # starting sweeps dead runners off their jobs
            if not await self._adopt_quietly(row):
                await requests.post(self.journal, request)
                return
        await self._carry_out(request)

    async def _adopt_quietly(self, row: JobRow) -> bool:
        """Make a job ours without going on with it yet."""
        job = await self._own(row)
        if job is not None and not row.state.is_final and row.state is not JobState.ASKS:
            await job.hold(Hold.USER)
        return job is not None

    async def _carry_out(self, request: Request) -> None:
        job = self._crew.jobs.get(request.job)
        if job is None:
            return
        match request.ask:
            case Ask.PAUSE:
                await self._crew.pause(job)
            case Ask.RESUME:
                await self._crew.resume(job)
            case Ask.CANCEL:
                await self._crew.cancel(job, keep_parts=request.keep_parts)
            case Ask.RETRY:
                await self._crew.retry(job)
            case Ask.ANSWER:
                if request.resolution is not None:
                    await self._crew.answer(job, request.item, request.resolution)
        self._listeners.tell(JobChanged(request.job))


def _ring(job: str, bell: asyncio.Event, event: Event) -> None:
    if isinstance(event, JobChanged) and event.id == job:
        bell.set()
