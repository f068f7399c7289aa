"""The transfer dock under the panes: all jobs in one widget, drawn line by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual import events
from textual.strip import Strip

from cloudtui.services.transfers.orders import JobState, JobView
from cloudtui.widgets import job_rows
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import pad


class Dock(RowList, can_focus=False):
    """Two bare lines on a small screen, a frame with up to six rows on a larger one."""

    DEFAULT_CSS = """
    Dock { width: 1fr; height: auto; display: none; }
    """

    def __init__(
        self,
        *,
        id: str | None = None,
        ascii_only: bool = False,
        opened: Callable[[str], None] = lambda _job: None,
    ) -> None:
        """`opened` is called with the id of a job that was clicked."""
        super().__init__(id=id, framed=False, ascii_only=ascii_only)
        self._opened = opened
        self.jobs: tuple[JobView, ...] = ()
        self.switched_off = False

    def show_jobs(self, views: Sequence[JobView], *, large: bool) -> None:
        """Show these jobs. Draws when they differ from the last picture."""
        shown = tuple(
            sorted(
                (view for view in views if not view.state.is_final or view.files_failed),
                key=_rank,
            )
        )
        visible = bool(shown) and not self.switched_off
        height = (
            (min(6, len(shown)) + 2 if large else min(2, max(1, len(shown) + 1))) if shown else 0
        )
        if shown == self.jobs and self.framed == large and self.display == visible:
            return
        self.jobs = shown
        self.framed = large
        if self.display != visible:
            self.display = visible
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height
        if large:
            self._words()
        self.refresh()

    def _words(self) -> None:
        self.title_text = job_rows.summary(self.jobs, short=False)
        more = len(self.jobs) - 6
        self.foot_text = "w manage" + (f"   {more} more" if more > 0 else "")

    def on_click(self, event: events.Click) -> None:
        """A job opens among all of them; the line of totals and the edges open the first."""
        event.stop()
        row = self.row_at(event.y)
        if self.jobs:
            self._opened(self.jobs[row if 0 <= row < len(self.jobs) and self.framed else 0].id)

    def row_count(self) -> int:
        if self.framed:
            return min(6, len(self.jobs))
        return min(2, len(self.jobs) + 1) if self.jobs else 0

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        if not self.framed and row == 1:
            return Strip([Segment(job_rows.totals_line(self.jobs, width), self.style("row"))])
        view = self.jobs[row]
        text = job_rows.job_line(view, width)
        return Strip([Segment(pad(text, width), self.style(job_rows.style(view)))])


def _rank(view: JobView) -> int:
    if view.state in job_rows.MOVING and not view.orphan:
        return 0
    if view.state is JobState.ASKS:
        return 1
    return 2 if not view.state.is_final else 3
