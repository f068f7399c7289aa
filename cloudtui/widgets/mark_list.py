"""A list whose rows can be marked, filtered and put in several orders.

Holds values of any kind by key; what a row shows and means is the subclass's. A filter hides rows,
not marks, but only what is visible is ever taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from cloudtui import present
from cloudtui.services.listing import matches
from cloudtui.widgets.filtered_list import FilteredList

T = TypeVar("T")


class MarkList(FilteredList, Generic[T]):
    """Rows of one kind."""

    orders: ClassVar[dict[str, Callable[[Any], Any]]] = {}
    """Name of an order to its sort key; the first is the one at the start. None: as given."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.all: list[T] = []
        self.rows: list[T] = []
        """Those that the filter lets through, in the order chosen."""
        self.marks: set[str] = set()
        self.order = next(iter(self.orders), "")
        self._anchor: str | None = None

    def key_of(self, item: T) -> str:
        """What tells a row from all others."""
        raise AssertionError(f"{type(self).__name__} has no keys")

    def words_of(self, item: T) -> str:
        """What a filter looks at."""
        raise AssertionError(f"{type(self).__name__} has no words")

    # --- rows --------------------------------------------------------------------------------

    def row_count(self) -> int:
        return len(self.rows)

    @property
    def current(self) -> T | None:
        """What is under the cursor."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def fill(self, items: Sequence[T]) -> None:
        """Show these; cursor and marks stay on their rows."""
        self.all = list(items)
        self.marks &= {self.key_of(item) for item in self.all}
        self.refill()

    def refill(self) -> None:
        """Show the rows that fit, in the order chosen."""
        current = None if self.current is None else self.key_of(self.current)
        fits = matches(self.pattern) if self.pattern else None
        rows = [item for item in self.all if fits is None or fits(self.words_of(item))]
        by = self.orders.get(self.order)
        if by is not None:
            rows.sort(key=by)
        self.rows = rows
        if current is not None:
            same = (row for row, item in enumerate(rows) if self.key_of(item) == current)
            self.cursor = next(same, self.cursor)
        self.cursor = max(0, min(self.cursor, len(rows) - 1))
        self.keep_visible()
        self.refresh()
        self.post_message(self.Moved(self))

    def next_order(self) -> str:
        """Another order; its name."""
        names = list(self.orders)
        self.order = names[(names.index(self.order) + 1) % len(names)]
        self.refill()
        return self.order

    # --- marks -------------------------------------------------------------------------------

    def is_marked(self, item: T) -> bool:
        """Whether a row carries a mark."""
        return self.key_of(item) in self.marks

    @property
    def marked(self) -> int:
        """How many visible rows are marked."""
        return sum(map(self.is_marked, self.rows)) if self.marks else 0

    def taken(self) -> list[T]:
        """The visible marked rows, else the one under the cursor."""
        found = [item for item in self.rows if self.is_marked(item)] if self.marks else []
        return found or self.rows[self.cursor : self.cursor + 1]

    def toggle(self) -> None:
        """Mark or unmark the row under the cursor and step down."""
        if self.current is not None:
            self.marks ^= {self.key_of(self.current)}
            self.refresh_row(self.cursor)
            self.go_to(self.cursor + 1)

    def mark_range(self) -> str:
        """First call: where a range begins. Second: marks up to the cursor. A sentence."""
        current = self.current
        if current is None:
            return "Nothing to mark here."
        keys = [self.key_of(item) for item in self.rows]
        if self._anchor not in keys:
            self._anchor = self.key_of(current)
            return "A range begins here: move, then v marks it."
        first, last = sorted((keys.index(self._anchor), self.cursor))
        self.marks.update(keys[first : last + 1])
        self._anchor = None
        self._marks_changed()
        return f"Marked {present.count(last - first + 1, 'row')}."

    def mark_matching(self, pattern: str, *, on: bool) -> int:
        """Put marks on the visible rows that fit, or take them off; how many."""
        fits = matches(pattern)
        hit = {self.key_of(item) for item in self.rows if fits(self.words_of(item))}
        self.marks = self.marks | hit if on else self.marks - hit
        self._marks_changed()
        return len(hit)

    def mark_all(self) -> None:
        """Mark all visible rows."""
        self.marks |= {self.key_of(item) for item in self.rows}
        self._marks_changed()

    def invert(self) -> None:
        """Turn the marks of the visible rows over."""
        self.marks ^= {self.key_of(item) for item in self.rows}
        self._marks_changed()

    def unmark(self) -> None:
        """Take all marks off."""
        self.marks.clear()
        self._anchor = None
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(self.Moved(self))

    def clicked_with(self, row: int, *, shift: bool) -> None:
        self.go_to(row)
        if shift:
            self.mark_range()
        else:
            self.toggle()

    # --- the filter --------------------------------------------------------------------------

    def filter_words(self) -> str:
        """The filter for the foot, empty when there is none."""
        if not (self.typing or self.pattern):
            return ""
        counts = f"{present.exact(len(self.rows))} of {present.exact(len(self.all))}"
        return f"filter: {self.pattern}{'_' if self.typing else ''}  {counts}   Esc shows all"
