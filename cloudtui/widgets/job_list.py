"""Lists of the transfers screen: jobs with their states as words, and the files of one job.

Draw what they are given and filter it; they ask nobody.
"""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import key_hint
from cloudtui.services.naming import display_name, fold
from cloudtui.services.transfers.orders import ItemView, JobState, JobView
from cloudtui.widgets import job_rows
from cloudtui.widgets.filtered_list import FilteredList
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_middle, pad, pad_left

ITEM_PAGE: Final = 500
"""Files of a job that are looked up at a time."""


def _words_of(view: JobView) -> str:
    """What a filter looks at: title, both ends, state."""
    return fold(" ".join([view.title, *view.sources, view.target, job_rows.word(view)]))


class JobList(FilteredList):
    """Jobs, open ones first, finished ones below a line."""

    def __init__(self) -> None:
        super().__init__(id="jobs")
        self.jobs: list[JobView] = []
        self.all: list[JobView] = []
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
            self.set_notice(f"No jobs. {key_hint('browser.copy')} copies to the other pane.")
        self.keep_visible()
        self.refresh()

    def refill(self) -> None:
        self.fill(self.all)

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

    def go_to_job(self, id: str) -> None:
        """Put the cursor on a job, if it is here."""
        ids = [view.id for view in self.jobs]
        if id in ids:
            self.go_to(self._row_of(ids.index(id)))

    def row_count(self) -> int:
        return len(self.jobs) + (self._line_at >= 0)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        index = self._index(row)
        if index < 0:
            text = f"{'>' if cursor else ' '}-- finished " + "-" * width
            return Strip([Segment(text[:width], self.style("dim"))])
        view = self.jobs[index]
        text = job_rows.job_line(view, width, worded=True)
        if cursor:
            return Strip([Segment(">" + text[1:], self.style("cursor"))])
        return Strip([Segment(text, self.style(job_rows.style(view)))])


class ItemList(RowList):
    """Files of one job, failed and asking ones first, and more of them as the cursor goes down."""

    def __init__(self) -> None:
        super().__init__(id="items")
        self.items: list[ItemView] = []
        self.wanted = ITEM_PAGE
        """Items that are to be here."""

    def begin(self) -> None:
        """Another job's files."""
        self.items = []
        self.wanted = ITEM_PAGE
        self.cursor = 0
        self.top = 0

    def fill(self, items: list[ItemView]) -> None:
        """Show these; the cursor stays on its file."""
        if items == self.items:
            return
        current = self.current
        self.items = items
        if current is not None:
            ids = [item.id for item in items]
            self.cursor = ids.index(current.id) if current.id in ids else self.cursor
        self.cursor = max(0, min(self.cursor, len(items) - 1))
        self.keep_visible()
        self.refresh()

    @property
    def current(self) -> ItemView | None:
        """The file under the cursor."""
        return self.items[self.cursor] if self.cursor < len(self.items) else None

    def cursor_moved(self) -> None:
        if self.cursor + self.body_height >= self.wanted:
            self.wanted += ITEM_PAGE

    def row_count(self) -> int:
        return len(self.items)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        item = self.items[row]
        size = "" if item.size is None else present.size_short(item.size)
        message = display_name(item.message, edges=False)
        if item.size and 0 < item.done < item.size and not item.state.is_final:
            message = f"{item.done * 100 // item.size}%  {message}"
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
