"""The transfers screen: every job with its state as a word, its files, and what can be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.bridge import Bridge
from cloudtui.keymap import bindings_of
from cloudtui.ports import RuntimePort
from cloudtui.screens.dialogs import Prompt
from cloudtui.services.errors import CloudError
from cloudtui.services.naming import display_name, fold
from cloudtui.services.options import GENERAL, parse
from cloudtui.services.transfers.orders import ItemView, JobState, JobView, Resolution
from cloudtui.widgets import job_rows
from cloudtui.widgets.line import Line, Piece
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_middle, pad, pad_left

_DETAIL_PAGE = 500
_FULL = 100
_ASK_ABOVE_PERCENT = 10
_ASK_ABOVE_BYTES = 100 * 1024 * 1024


def _words_of(view: JobView) -> str:
    """What a filter looks at: title, both ends, state."""
    return fold(" ".join([view.title, *view.sources, view.target, job_rows.word(view)]))


class JobList(RowList):
    """Jobs, open ones first, finished ones below a line."""

    def __init__(self) -> None:
        super().__init__(id="jobs")
        self.jobs: list[JobView] = []
        self.all: list[JobView] = []
        self.typing = False
        """Keys are text of the filter."""
        self.pattern = ""
        self._line_at = -1

    def fill(self, views: list[JobView]) -> None:
        """Show a new picture; the cursor stays on its job."""
        current = self.current
        self.all = views
        if self.pattern:
            wanted = fold(self.pattern)
            views = [view for view in views if wanted in _words_of(view)]
        open_jobs = [view for view in views if not view.state.is_final]
        ended = [view for view in views if view.state.is_final]
        self.jobs = [*open_jobs, *ended]
        self._line_at = len(open_jobs) if open_jobs and ended else -1
        if current is not None:
            ids = [view.id for view in self.jobs]
            if current.id in ids:
                self.cursor = self._row_of(ids.index(current.id))
        self.cursor = max(0, min(self.cursor, self.row_count() - 1))
        if self.jobs:
            self.set_notice()
        elif self.all:
            count = present.exact(len(self.all))
            self.set_notice(f'Nothing matches "{self.pattern}" among {count}. Esc shows all.')
        else:
            self.set_notice("No jobs. F5 copies to the other pane.")
        self.keep_visible()
        self.refresh()

    def filter(self, pattern: str) -> None:
        """Show only jobs whose words contain this; empty shows all."""
        self.pattern = display_name(pattern, edges=False)
        self.fill(self.all)
        self.post_message(self.Moved(self))

    def on_key(self, event: events.Key) -> None:
        if not self.typing:
            return
        if event.key == "escape":
            self.typing = False
            self.filter("")
        elif event.key == "enter":
            self.typing = False
            self.post_message(self.Moved(self))
        elif event.key in ("backspace", "ctrl+h"):
            self.filter(self.pattern[:-1])
        elif event.is_printable and event.character:
            self.filter(self.pattern + event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def _row_of(self, index: int) -> int:
        return index + 1 if 0 <= self._line_at <= index else index

    def _index(self, row: int) -> int:
        if self._line_at < 0 or row < self._line_at:
            return row
        return -1 if row == self._line_at else row - 1

    @property
    def current(self) -> JobView | None:
        """The job under the cursor."""
        index = self._index(self.cursor)
        return self.jobs[index] if 0 <= index < len(self.jobs) else None

    def row_count(self) -> int:
        return len(self.jobs) + (self._line_at >= 0)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        index = self._index(row)
        if index < 0:
            text = f"{'>' if cursor else ' '}-- finished " + "-" * width
            return Strip([Segment(text[:width], self.style("dim"))])
        view = self.jobs[index]
        text = job_rows.job_line(view, width)
        if cursor:
            return Strip([Segment(">" + text[1:], self.style("cursor"))])
        return Strip([Segment(text, self.style(job_rows.style(view)))])


class ItemList(RowList):
    """Files of one job, failed and asking ones first."""

    def __init__(self) -> None:
        super().__init__(id="items")
        self.items: list[ItemView] = []

    def row_count(self) -> int:
        return len(self.items)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        item = self.items[row]
        size = "" if item.size is None else present.size_short(item.size)
        message = display_name(item.message, edges=False)
        name_width = max(12, min(width - 40, width * 55 // 100))
        name = cut_middle(display_name(item.path), name_width)
        text = f"{'>' if cursor else ' '}{pad(item.state.value, 9)} {pad(name, name_width)} "
        text += f"{pad_left(size, 5)}  {message}"
        if cursor:
            return Strip([Segment(pad(text, width), self.style("cursor"))])
        style = {JobState.FAILED: "bad", JobState.ASKS: "marked", JobState.DONE: "good"}.get(
            item.state, "row"
        )
        return Strip([Segment(pad(text, width), self.style(style))])


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

    def __init__(self, runtime: RuntimePort, bridge: Bridge) -> None:
        super().__init__()
        self._runtime = runtime
        self._bridge = bridge
        self.jobs = JobList()
        self.items = ItemList()
        self.message = Line(id="message")
        self._detailed: str | None = None
        self._shown: list[JobView] | None = None
        self._last_limit = 0

    def compose(self) -> ComposeResult:
        yield self.jobs
        yield self.items
        yield self.message

    def on_mount(self) -> None:
        self.items.display = False
        self.jobs.focus()
        self._fill()
        self.set_interval(0.25, self._fill)

    def say(self, text: str, *, bad: bool = False) -> None:
        """A sentence in the line below."""
        pieces: list[Piece] = [(" " + text, "bad" if bad else "text")]
        self.message.show(pieces)

    def _fill(self) -> None:
        views = self._bridge.views
        if views != self._shown:
            self._shown = views
            self.jobs.fill(list(views))
        sums = job_rows.totals(views)
        words = ["Transfers", job_rows.totals_words(sums)]
        if sums["bytes_total"]:
            words.append(f"{job_rows.total_percent(sums)}%")
        if sums["speed"]:
            words.append(present.speed(float(sums["speed"]), short=False))
        limit = self._runtime.transfers.speed_limit
        if limit:
            words.append(f"at most {present.speed(limit, short=False)}")
        self.jobs.set_title("  ".join(words))
        self.jobs.set_foot(self._foot())
        if self._detailed is not None:
            self._fill_items()

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.jobs.set_foot(self._foot())

    def _foot(self) -> str:
        jobs = self.jobs
        if jobs.typing or jobs.pattern:
            end = "_" if jobs.typing else ""
            count = f"{present.exact(len(jobs.jobs))} of {present.exact(len(jobs.all))}"
            return f"filter: {jobs.pattern}{end}  {count}   Esc shows all"
        foot = "Enter details  p pause  P all  x cancel  r retry  c clear  Esc closes"
        if self.size.width >= _FULL:
            foot = foot.replace("Esc", "K J order  b speed  / filter  Esc")
        return foot

    def _fill_items(self) -> None:
        if self._detailed is None:
            return
        engine = self._runtime.transfers
        bad = engine.items(
            self._detailed, 0, _DETAIL_PAGE, (JobState.FAILED, JobState.ASKS, JobState.SKIPPED)
        )
        rest = engine.items(self._detailed, 0, _DETAIL_PAGE)
        seen = {item.id for item in bad}
        items = [*bad, *(item for item in rest if item.id not in seen)]
        if items != self.items.items:
            self.items.items = items
            self.items.cursor = min(self.items.cursor, max(0, len(items) - 1))
            self.items.refresh()
        view = next((job for job in self.jobs.jobs if job.id == self._detailed), None)
        if view is not None:
            self.items.set_title(f"{display_name(view.title)} to {display_name(view.target)}")
            shown = present.count(len(items), "file")
            more = f" of {present.exact(view.files_total)}" if view.files_total > len(items) else ""
            self.items.set_foot(f"{shown}{more} shown   Esc closes the details")

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
        """Enter: the files of the job, or its questions."""
        view = self.jobs.current
        if view is None:
            return
        if view.files_asking:
            self._decide(view)
            return
        self._detailed = view.id
        self.items.display = True
        self.items.cursor = 0
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
                    ConflictBox(waiting[0], len(waiting))
                )
                if resolution is None:
                    self.say(f"{present.count(len(waiting), 'question')} wait; nothing is held up.")
                    return
                await engine.answer(view.id, waiting[0].item, resolution)
                if resolution.for_all:
                    return

        self._act("Answer", work)

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
