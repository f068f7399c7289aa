"""Keys that do something to jobs: in the list of all of them and in the dock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from textual.app import App
from textual.dom import DOMNode

from cloudtui import present
from cloudtui.ports import RuntimePort, TransfersPort
from cloudtui.screens.dialogs import Prompt
from cloudtui.services.errors import CloudError
from cloudtui.services.models import Location
from cloudtui.services.naming import display_name
from cloudtui.services.options import GENERAL, parse
from cloudtui.services.transfers.orders import JobState, JobView, Resolution
from cloudtui.widgets import job_rows

BAD: Final = (JobState.FAILED, JobState.ASKS, JobState.SKIPPED)
"""States of files that need a look."""
_LOGGED: Final = 12
_MOST_AT_ONCE: Final = 16
_ASK_ABOVE_PERCENT: Final = 10
_ASK_ABOVE_BYTES: Final = 100 * 1024 * 1024


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


def is_much(percent: int | None, size: int) -> bool:
    """Whether so much is done that it is not thrown away without a question."""
    return (percent or 0) > _ASK_ABOVE_PERCENT or size > _ASK_ABOVE_BYTES


async def ask_to_cancel(
    app: App[Any], title: str, lines: Sequence[str], *, stay: str = "Leave it"
) -> str:
    """What is to become of the part of a job that is cancelled: `keep` or `remove`; empty when
    nothing is to be cancelled."""
    from cloudtui.screens.dialogs import Choose, Option

    options = [
        Option("Keep the part", "k", "keep"),
        Option("Remove it", "r", "remove"),
        Option(stay, stay[0].lower(), ""),
    ]
    answer: str | None = await app.push_screen_wait(Choose(title, lines, options, safe=""))
    return answer or ""


class LimitBox(Prompt):
    """Bytes in a second."""

    def refusal(self, text: str) -> str:
        return "" if size_of(text) else "That is no speed: a number with K, M or G behind it."


class JobKeys(DOMNode):
    """Actions on the job under a cursor, and on all jobs of a list."""

    _last_limit = 0

    @property
    def job(self) -> JobView | None:
        """The job under the cursor."""
        raise AssertionError(f"{type(self).__name__} shows no jobs")

    @property
    def shown_jobs(self) -> Sequence[JobView]:
        """All jobs of the list."""
        raise AssertionError(f"{type(self).__name__} shows no jobs")

    @property
    def runtime(self) -> RuntimePort:
        """What the jobs run in."""
        raise AssertionError(f"{type(self).__name__} has no engine")

    @property
    def engine(self) -> TransfersPort:
        """What runs the jobs."""
        return self.runtime.transfers

    def say(self, text: str, *, bad: bool = False) -> None:
        """A sentence for people."""
        raise AssertionError(f"nowhere to say {text!r} ({bad})")

    def wake(self) -> None:
        """Something was done: look at the jobs now."""

    def words_changed(self) -> None:
        """What is said around the jobs may differ."""

    def show_target(self, at: Location) -> None:
        """Show a folder in the pane with focus."""
        raise AssertionError(f"nowhere to show {at}")

    def act(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`; a failure becomes a sentence that begins with `what`."""

        async def guarded() -> None:
            try:
                await work()
            except CloudError as error:
                self.say(f"{what}: {present.sentence(error)}", bad=True)
            self.wake()

        self.run_worker(guarded(), group="jobs", exit_on_error=False)

    def decide(self, view: JobView) -> None:
        """Ask the questions of a job, one after the other."""

        async def work() -> None:
            from cloudtui.screens.conflict import ConflictBox

            engine = self.engine
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

        self.act("Answer", work)

    def action_log(self) -> None:
        """`i`: all that is known of a job, with what went wrong."""
        view = self.job
        if view is None:
            return
        from cloudtui.screens.dialogs import Tell

        bad = self.engine.items(view.id, 0, _LOGGED, BAD)
        self.app.push_screen(Tell(f"Job {view.id}", job_rows.log_lines(view, bad)))

    def action_at_once(self, step: int) -> None:
        """`+`, `-`: jobs that run at the same time, from now on."""
        engine = self.engine

        async def work() -> None:
            await engine.run_at_once(max(1, min(_MOST_AT_ONCE, engine.jobs_at_once + step)))
            self.say(f"{present.count(engine.jobs_at_once, 'job')} at once in this run.")
            self.words_changed()

        self.act("Jobs at once", work)

    def action_pause(self) -> None:
        """`p`: pause, or go on."""
        view = self.job
        if view is None or view.state.is_final:
            return
        engine = self.engine
        if view.state is JobState.PAUSED or view.orphan:
            self.act("Go on", lambda: engine.resume(view.id))
        else:
            self.act("Pause", lambda: engine.pause(view.id))

    def action_pause_all(self) -> None:
        """`P`: if anything moves pause all, else let all go on."""
        engine = self.engine
        views = [view for view in self.shown_jobs if not view.state.is_final]
        resting = [view for view in views if view.state is JobState.PAUSED or view.orphan]
        moving = [view for view in views if view not in resting]

        async def work() -> None:
            for view in moving or resting:
                await (engine.pause if moving else engine.resume)(view.id)

        self.act("All jobs", work)

    def action_cancel(self) -> None:
        """`x`: asks when much is done already."""
        view = self.job
        if view is None or view.state.is_final:
            return
        engine = self.engine
        much = is_much(view.percent, view.bytes_done)

        async def work() -> None:
            keep = False
            if much:
                done = present.size_long(view.bytes_done)
                lines = [f"{display_name(view.title)}: {done} is done."]
                answer = await ask_to_cancel(self.app, "Cancel the job", lines, stay="Go on")
                if not answer:
                    return
                keep = answer == "keep"
            await engine.cancel(view.id, keep_parts=keep)
            self.say(f"{display_name(view.title)}: cancelled.")

        self.act("Cancel", work)

    def action_retry(self) -> None:
        """`r`."""
        view = self.job
        if view is not None:
            self.act("Retry", lambda: self.engine.retry(view.id))

    def action_retry_all(self) -> None:
        """`R`."""
        failed = [
            view for view in self.shown_jobs if view.files_failed or view.state is JobState.FAILED
        ]

        async def work() -> None:
            for view in failed:
                await self.engine.retry(view.id)
            self.say(f"{present.count(len(failed), 'job')} tried again.")

        self.act("Retry", work)

    def action_clear(self) -> None:
        """`c`."""

        async def work() -> None:
            cleared = await self.engine.clear()
            self.say(f"{present.count(cleared, 'finished job')} cleared.")

        self.act("Clear", work)

    def action_reorder(self, step: int) -> None:
        """`K`, `J`: waiting jobs start in the order of the list."""
        view = self.job
        if view is None or view.state.is_final:
            return

        async def work() -> None:
            if not await self.engine.reorder(view.id, step):
                self.say("There is no job of this queue to change places with.")

        self.act("Order", work)

    def action_limit(self) -> None:
        """`b`: takes the limit off, or asks for one."""
        engine = self.engine
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

        self.act("Speed limit", work)

    def action_target(self) -> None:
        """`o`: the target folder in the pane with focus."""
        view = self.job
        if view is None:
            return
        try:
            at = self.runtime.parse(view.target).at
        except CloudError as error:
            self.say(present.sentence(error), bad=True)
            return
        self.show_target(at)
