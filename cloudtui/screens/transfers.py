"""The transfers screen: every job with its state as a word, its files, and what can be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.bridge import Bridge
from cloudtui.keymap import bindings_of
from cloudtui.ports import RuntimePort
from cloudtui.screens.dialogs import Prompt
from cloudtui.services.errors import CloudError
from cloudtui.services.naming import display_name
from cloudtui.services.options import GENERAL, parse
from cloudtui.services.transfers.orders import ItemView, JobState, JobView, Resolution
from cloudtui.widgets import job_rows
from cloudtui.widgets.job_list import ItemList, JobList
from cloudtui.widgets.line import Line, Piece
from cloudtui.widgets.row_list import RowList

_BAD = (JobState.FAILED, JobState.ASKS, JobState.SKIPPED)
_FULL = 100
_ROOMY = 118
"""Cells for every key in the lower edge."""
_LOGGED = 12
_MOST_AT_ONCE = 16
_ASK_ABOVE_PERCENT = 10
_ASK_ABOVE_BYTES = 100 * 1024 * 1024


def size_of(text: str) -> int:
    """Bytes of `500K`, `2M`; 0 for what is no size."""
    try:
        return int(parse(GENERAL["bandwidth"], text))
    except ValueError:
        return 0


def _size_words(size: int) -> str:
    """A size as it is typed."""
    for letter, unit in (("M", 1 << 20), ("K", 1 << 10)):
        if size % unit == 0:
            return f"{size // unit}{letter}"
    return str(size)


class LimitBox(Prompt):
    """Bytes in a second."""

    def refusal(self, text: str) -> str:
        return "" if size_of(text) else "That is no speed: a number with K, M or G behind it."


class TransfersScreen(Screen[None]):
    """All jobs. Closing it stops nothing."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.TRANSFERS)

    def __init__(self, runtime: RuntimePort, bridge: Bridge, job: str = "") -> None:
        """The cursor begins on `job`, the id of one, where there is such a job."""
        super().__init__()
        self._begin_at = job
        self._runtime = runtime
        self._bridge = bridge
        self.jobs = JobList()
        self.items = ItemList()
        self.info = Line(id="info")
        self.message = Line(id="message")
        self._looked_up = 0
        self._detailed: str | None = None
        self._shown: list[JobView] | None = None
        self._last_limit = 0

    def compose(self) -> ComposeResult:
        yield self.jobs
        yield self.items
        yield self.info
        yield self.message

    def on_mount(self) -> None:
        self.items.display = False
        self.jobs.focus()
        self._fill()
        self.jobs.go_to_job(self._begin_at)
        self.set_interval(0.25, self._fill)

    def say(self, text: str, *, bad: bool = False) -> None:
        """A sentence in the line below."""
        pieces: list[Piece] = [(" " + text, "bad" if bad else "text")]
        self.message.show(pieces)

    def _fill(self) -> None:
        views = self._bridge.views
        fresh = views != self._shown
        if fresh:
            self._shown = views
            self.jobs.fill(list(views))
        engine = self._runtime.transfers
        words = [job_rows.summary(views, short=self.size.width < _FULL)]
        limit = engine.speed_limit
        if limit:
            words.append(f"at most {present.speed(limit, short=False)}")
        self.jobs.set_title("  ".join(words))
        self.jobs.set_foot(self._foot())
        self._tell()
        if fresh or self.items.wanted != self._looked_up:
            self._fill_items()

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.jobs.set_foot(self._foot())
        self._tell()

    def _tell(self) -> None:
        """The line about the job under the cursor."""
        view = self.jobs.current
        self.info.show([] if view is None else [(" " + job_rows.journey(view), "dim")])

    def _foot(self) -> str:
        jobs = self.jobs
        if jobs.typing or jobs.pattern:
            end = "_" if jobs.typing else ""
            count = f"{present.exact(len(jobs.jobs))} of {present.exact(len(jobs.all))}"
            return f"filter: {jobs.pattern}{end}  {count}   Esc shows all"
        foot = "Enter details  i log  p pause  x cancel  r retry  c clear  ? keys  Esc"
        if self.size.width >= _ROOMY:
            at_once = self._runtime.transfers.jobs_at_once
            more = f"P all  KJ order  + - jobs ({at_once})  b speed  / filter"
            foot = foot.replace("? keys", more)
        return foot

    def _fill_items(self) -> None:
        if self._detailed is None:
            return
        engine = self._runtime.transfers
        wanted = self._looked_up = self.items.wanted
        bad = engine.items(self._detailed, 0, wanted, _BAD)
        rest = engine.items(self._detailed, 0, wanted)
        seen = {item.id for item in bad}
        items = [*bad, *(item for item in rest if item.id not in seen)]
        self.items.fill(items)
        view = next((job for job in self.jobs.jobs if job.id == self._detailed), None)
        if view is not None:
            self.items.set_title(f"{display_name(view.title)} to {display_name(view.target)}")
            shown = present.count(len(items), "file")
            more = f" of {present.exact(view.files_total)}" if view.files_total > len(items) else ""
            self.items.set_foot(f"{shown}{more} shown   Enter tells more   Esc closes the details")

    # --- keys --------------------------------------------------------------------------------

    def action_move(self, how: str) -> None:
        """Moving keys, in the list with focus."""
        (self.items if self.items.has_focus else self.jobs).action_move(how)

    def action_prefix(self, key: str) -> None:
        """`g g`: the only sequence here."""
        self.action_move("first")

    def action_close(self) -> None:
        """Esc: the filter and the details first, then the screen."""
        if self.jobs.pattern and not self.items.display:
            self.jobs.filter("")
        elif self.items.display:
            self.items.display = False
            self._detailed = None
            self.jobs.focus()
        else:
            self.dismiss(None)

    def _act(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            try:
                await work()
            except CloudError as error:
                self.say(f"{what}: {present.sentence(error)}", bad=True)
            self._bridge.wake()

        self.run_worker(guarded(), group="jobs", exit_on_error=False)

    def action_details(self) -> None:
        """Enter: the files of the job, or its questions; on a file all that is known of it."""
        view = self.jobs.current
        if view is None:
            return
        if self.items.has_focus:
            self._tell_item(self.items.current)
            return
        if view.files_asking:
            self._decide(view)
            return
        self._detailed = view.id
        self.items.display = True
        self.items.begin()
        self._fill_items()
        self.items.focus()

    def _decide(self, view: JobView) -> None:
        async def work() -> None:
            from cloudtui.screens.conflict import ConflictBox

            engine = self._runtime.transfers
            while True:
                waiting = [one for one in engine.conflicts() if one.job == view.id]
                if not waiting:
                    return
                resolution: Resolution | None = await self.app.push_screen_wait(
                    ConflictBox(waiting[0], len(waiting), view)
                )
                if resolution is None:
                    self.say(f"{present.count(len(waiting), 'question')} wait; nothing is held up.")
                    return
                await engine.answer(view.id, waiting[0].item, resolution)
                if resolution.for_all:
                    return

        self._act("Answer", work)

    def _tell_item(self, item: ItemView | None) -> None:
        if item is None:
            return
        from cloudtui.screens.dialogs import Tell

        size = "not known" if item.size is None else f"{present.exact(item.size)} bytes"
        lines = [item.path, f"state    {item.state.value}", f"size     {size}"]
        if item.done and not item.state.is_final:
            lines.append(f"done     {present.exact(item.done)} bytes")
        if item.message:
            lines.append(display_name(item.message, edges=False))
        self.app.push_screen(Tell("File of the job", lines))

    def action_log(self) -> None:
        """`i`: all that is known of a job, with what went wrong."""
        view = self.jobs.current
        if view is None:
            return
        from cloudtui.screens.dialogs import Tell

        bad = self._runtime.transfers.items(view.id, 0, _LOGGED, _BAD)
        self.app.push_screen(Tell(f"Job {view.id}", job_rows.log_lines(view, bad)))

    def action_at_once(self, step: int) -> None:
        """`+`, `-`: jobs that run at the same time, from now on."""
        engine = self._runtime.transfers

        async def work() -> None:
            await engine.run_at_once(max(1, min(_MOST_AT_ONCE, engine.jobs_at_once + step)))
            self.say(f"{present.count(engine.jobs_at_once, 'job')} at once in this run.")
            self.jobs.set_foot(self._foot())

        self._act("Jobs at once", work)

    def action_pause(self) -> None:
        """`p`: pause, or go on."""
        view = self.jobs.current
        if view is None or view.state.is_final:
            return
        engine = self._runtime.transfers
        if view.state is JobState.PAUSED or view.orphan:
            self._act("Go on", lambda: engine.resume(view.id))
        else:
            self._act("Pause", lambda: engine.pause(view.id))

    def action_pause_all(self) -> None:
        """`P`: if anything moves pause all, else let all go on."""
        engine = self._runtime.transfers
        views = [view for view in self.jobs.jobs if not view.state.is_final]
        resting = [view for view in views if view.state is JobState.PAUSED or view.orphan]
        moving = [view for view in views if view not in resting]

        async def work() -> None:
            for view in moving or resting:
                await (engine.pause if moving else engine.resume)(view.id)

        self._act("All jobs", work)

    def action_cancel(self) -> None:
        """`x`: asks when much is done already."""
        view = self.jobs.current
        if view is None or view.state.is_final:
            return
        engine = self._runtime.transfers
        much = (view.percent or 0) > _ASK_ABOVE_PERCENT or view.bytes_done > _ASK_ABOVE_BYTES

        async def work() -> None:
            keep = False
            if much:
                from cloudtui.screens.dialogs import Choose, Option

                done = present.size_long(view.bytes_done)
                answer = await self.app.push_screen_wait(
                    Choose(
                        "Cancel the job",
                        [f"{display_name(view.title)}: {done} is done."],
                        [
                            Option("Keep the part", "k", "keep"),
                            Option("Remove it", "r", "remove"),
                            Option("Go on", "g", ""),
                        ],
                        safe="",
                    )
                )
                if not answer:
                    return
                keep = answer == "keep"
            await engine.cancel(view.id, keep_parts=keep)
            self.say(f"{display_name(view.title)}: cancelled.")

        self._act("Cancel", work)

    def action_retry(self) -> None:
        """`r`."""
        view = self.jobs.current
        if view is not None:
            self._act("Retry", lambda: self._runtime.transfers.retry(view.id))

    def action_retry_all(self) -> None:
        """`R`."""
        failed = [
            view for view in self.jobs.jobs if view.files_failed or view.state is JobState.FAILED
        ]

        async def work() -> None:
            for view in failed:
                await self._runtime.transfers.retry(view.id)
            self.say(f"{present.count(len(failed), 'job')} tried again.")

        self._act("Retry", work)

    def action_clear(self) -> None:
        """`c`."""

        async def work() -> None:
            cleared = await self._runtime.transfers.clear()
            self.say(f"{present.count(cleared, 'finished job')} cleared.")

        self._act("Clear", work)

    def action_filter(self) -> None:
        """`/`."""
        if not self.items.display:
            self.jobs.typing = True
            self.jobs.set_foot(self._foot())
            self.jobs.focus()

    def action_reorder(self, step: int) -> None:
        """`K`, `J`: waiting jobs start in the order of the list."""
        view = self.jobs.current
        if view is None or view.state.is_final:
            return

        async def work() -> None:
            if not await self._runtime.transfers.reorder(view.id, step):
                self.say("There is no job of this queue to change places with.")

        self._act("Order", work)

    def action_limit(self) -> None:
        """`b`: takes the limit off, or asks for one."""
        engine = self._runtime.transfers
        if engine.speed_limit:
            self._last_limit = engine.speed_limit
            engine.limit_speed(0)
            self.say("No speed limit.")
            return

        async def work() -> None:
            last = self._last_limit
            box = LimitBox(
                "Speed limit",
                ["Bytes in a second over all jobs, as 500K or 2M:"],
                value=_size_words(last) if last else "1M",
                yes="Limit",
            )
            text = await self.app.push_screen_wait(box)
            if text is not None:
                rate = size_of(text)
                engine.limit_speed(rate)
                self.say(f"At most {present.speed(rate, short=False)} over all jobs.  b ends it")

        self._act("Speed limit", work)

    def action_target(self) -> None:
        """`o`: the target folder in the pane with focus."""
        view = self.jobs.current
        if view is None:
            return
        from cloudtui.app import CloudApp

        app = self.app
        assert isinstance(app, CloudApp)
        try:
            at = self._runtime.parse(view.target).at
        except CloudError as error:
            self.say(present.sentence(error), bad=True)
            return
        self.dismiss(None)
        app.main.active.open(at)
