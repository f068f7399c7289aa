"""The transfer dock under the panes: all jobs in one widget, drawn line by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rich.segment import Segment
from textual import events
from textual.strip import Strip

from cloudtui.services.transfers.orders import JobState, JobView
from cloudtui.widgets import job_rows
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import pad

_FRAMED_LINES: Final = 6
_BARE_LINES: Final = 2


class Dock(RowList):
    """Two bare lines on a small screen, the last of them for all jobs together; a frame with up to
    six rows on a larger one. Somebody may want more lines, or fewer."""

    DEFAULT_CSS = """
    Dock { width: 1fr; height: auto; display: none; }
    """
    FOCUS_ON_CLICK = False  # a click opens a job

    def __init__(
        self,
        *,
        id: str | None = None,
        ascii_only: bool = False,
        opened: Callable[[str], None] = lambda _job: None,
    ) -> None:
        """`opened` is called with the id of a job that was clicked."""
        super().__init__(id=id, framed=False, ascii_only=ascii_only)
        self.opened = opened
        self.jobs: tuple[JobView, ...] = ()
        self.switched_off = False
        self.wanted_lines: int | None = None
        """Lines beside the frame that somebody asked for."""
        self._height = 0

    @property
    def lines(self) -> int:
        """Lines beside the frame, at most."""
        if self.wanted_lines is not None:
            return self.wanted_lines
        return _FRAMED_LINES if self.framed else _BARE_LINES

    @property
    def current(self) -> JobView | None:
        """The job under the cursor."""
        return self.jobs[self.cursor] if 0 <= self.cursor < len(self.jobs) else None

    def show_jobs(self, views: Sequence[JobView], *, large: bool) -> None:
        """Show these jobs. Draws when they differ from the last picture."""
        shown = tuple(
            sorted(
                (view for view in views if not view.state.is_final or view.files_failed),
                key=_rank,
            )
        )
        visible = bool(shown) and not self.switched_off
        same = shown == self.jobs and self.framed == large and self.display == visible
        self._keep_cursor(shown)
        self.jobs = shown
        self.framed = large
        if self.display != visible:
            self.display = visible
        beside = 2 if large else 0
        height = min(self.lines, len(shown) + (not large)) + beside if shown else 0
        if height != self._height:
            self._height = height
            self.styles.height = height
        elif same:
            return
        if large:
            self._words()
        self.keep_visible()
        self.refresh()

    def _keep_cursor(self, shown: Sequence[JobView]) -> None:
        """Leave the cursor on its job among those to be shown."""
        current = self.current
        if current is not None:
            ids = [view.id for view in shown]
            self.cursor = ids.index(current.id) if current.id in ids else self.cursor
        self.cursor = max(0, min(self.cursor, len(shown) - 1))

    def _words(self) -> None:
        self.title_text = job_rows.summary(self.jobs, short=False)
        more = len(self.jobs) - self.lines
        self.foot_text = "w manage" + (f"   {more} more" if more > 0 else "")

    def on_click(self, event: events.Click) -> None:
        """A job opens among all of them; the line of totals and the edges open the first."""
        event.stop()
        row = self.row_at(event.y)
        if self.jobs:
            self.opened(self.jobs[row if 0 <= row < len(self.jobs) else 0].id)

    @property
    def _totalled(self) -> bool:
        """Whether the last line is for all jobs together: it is not while keys go over them."""
        return not (self.framed or self.has_focus)

    def row_count(self) -> int:
        if self._totalled and self.jobs:
            return min(self.lines, len(self.jobs) + 1)
        return len(self.jobs)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        if self._totalled and row == self.row_count() - 1:
            return Strip([Segment(job_rows.totals_line(self.jobs, width), self.style("row"))])
        view = self.jobs[row]
        text = pad(job_rows.job_line(view, width), width)
        if cursor and self.active:
            return Strip([Segment(">" + text[1:], self.style("cursor"))])
        return Strip([Segment(text, self.style(job_rows.style(view)))])


def _rank(view: JobView) -> int:
    if view.state in job_rows.MOVING and not view.orphan:
        return 0
    if view.state is JobState.ASKS:
        return 1
    return 2 if not view.state.is_final else 3
