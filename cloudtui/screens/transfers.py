"""The transfers screen: every job with its state as a word, its files, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
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
from cloudtui.screens.job_keys import BAD, JobKeys
from cloudtui.services.models import Location
from cloudtui.services.naming import display_name
from cloudtui.services.transfers.orders import ItemView, JobView
from cloudtui.widgets import job_rows
from cloudtui.widgets.job_list import ItemList, JobList
from cloudtui.widgets.line import Line, Piece
from cloudtui.widgets.row_list import RowList

_FULL = 100
_ROOMY = 118
"""Cells for every key in the lower edge."""


class TransfersScreen(Screen[None], JobKeys):
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

    @property
    def job(self) -> JobView | None:
        return self.jobs.current

    @property
    def shown_jobs(self) -> Sequence[JobView]:
        return self.jobs.jobs

    @property
    def runtime(self) -> RuntimePort:
        return self._runtime

    def wake(self) -> None:
        self._bridge.wake()

    def words_changed(self) -> None:
        self.jobs.set_foot(self._foot())

    def show_target(self, at: Location) -> None:
        from cloudtui.app import CloudApp

        app = self.app
        assert isinstance(app, CloudApp)
        self.dismiss(None)
        app.main.active.open(at)

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
        engine = self.engine
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
            at_once = self.engine.jobs_at_once
            more = f"P all  KJ order  + - jobs ({at_once})  b speed  / filter"
            foot = foot.replace("? keys", more)
        return foot

    def _fill_items(self) -> None:
        if self._detailed is None:
            return
        engine = self.engine
        wanted = self._looked_up = self.items.wanted
        bad = engine.items(self._detailed, 0, wanted, BAD)
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

    def action_details(self) -> None:
        """Enter: the files of the job, or its questions; on a file all that is known of it."""
        view = self.jobs.current
        if view is None:
            return
        if self.items.has_focus:
            self._tell_item(self.items.current)
            return
        if view.files_asking:
            self.decide(view)
            return
        self._detailed = view.id
        self.items.display = True
        self.items.begin()
        self._fill_items()
        self.items.focus()

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

    def action_filter(self) -> None:
        """`/`."""
        if not self.items.display:
            self.jobs.typing = True
            self.jobs.set_foot(self._foot())
            self.jobs.focus()
