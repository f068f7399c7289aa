"""What one pane shows of one folder: entries, order, filter, marks, cursor. No drawing, no I/O.

Rows are counted from 0; where the folder has a parent, row 0 is `../`. Unfinished files come next:
they are no entries, so nothing can mark or take them, and no order moves them. Marks and cursor
belong to entries, not to rows: sorting, filtering and late pages leave them on their items. Pages
are taken by `add` at any rate and become visible by `settle`, so that sorting happens as often as
the screen wants it and not as often as the service answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from cloudtui.services import listing
from cloudtui.services.listing import SortBy
from cloudtui.services.models import Entry
from cloudtui.services.naming import sort_key

if TYPE_CHECKING:
    from cloudtui.services.transfers.orders import PartView


class FolderView:
    """The state behind a file list."""

    def __init__(
        self,
        *,
        has_parent: bool,
        twins: bool = False,
        by: SortBy = SortBy.NAME,
        reverse: bool = False,
        hidden: bool = True,
        folders_first: bool = True,
    ) -> None:
        """`twins`: names may repeat and then carry numbers. `hidden`: dot files are shown."""
        self.has_parent = has_parent
        self.twins = twins
        self.by = by
        self.reverse = reverse
        self.hidden = hidden
        self.folders_first = folders_first
        self.entries: list[Entry] = []
        self.order: list[int] = []
        self.parts: tuple[PartView, ...] = ()
        self._all_parts: tuple[PartView, ...] = ()
        self._lead = int(has_parent)
        """Rows above the first entry."""
        self.pattern = ""
        self.cursor = 0
        self.top = 0
        self.generation = 0
        self._keys: list[str] = []
        self._files: list[bool] = []
        self._dotted = 0
        self._sorted: list[int] = []
        self._settled = 0
        self._marks: dict[str, int] = {}
        self._range: tuple[int, dict[str, int]] | None = None
        self._twin: dict[int, int] = {}
        self._seen: dict[str, int] = {}
        self._groups: dict[int, list[int]] = {}
        self._want = ""
        self._marked_size: tuple[int, int] | None = None

    # --- filling -----------------------------------------------------------------------------

    def add(self, page: Sequence[Entry]) -> None:
        """Take a page. It shows after `settle`."""
        base = len(self.entries)
        self.entries.extend(page)
        if self.twins:
            self._keys.extend(f"{sort_key(entry.name)}\0{entry.id}" for entry in page)
            for index, entry in enumerate(page, base):
                name = entry.name + "/" if entry.is_folder else entry.name
                first = self._seen.setdefault(name, index)
                if first != index:
                    self._number_twins(first, index)
        else:
            self._keys.extend(sort_key(entry.name) for entry in page)
        self._files.extend(not entry.is_folder for entry in page)
        self._dotted += sum(entry.name.startswith(".") for entry in page)

    def _number_twins(self, first: int, index: int) -> None:
        group = self._groups.setdefault(first, [first])
        group.append(index)
        group.sort(key=lambda at: self.entries[at].id)
        for number, at in enumerate(group, 1):
            self._twin[at] = number

    def want(self, entry_id: str) -> None:
        """Put the cursor on this entry as soon as it is there, unless it was moved meanwhile."""
        self._want = entry_id
        self._seek()

    def follow(self, before: FolderView) -> None:
        """Take over what was asked of a list that held nothing yet."""
        self._want = before._want
        self.show_parts(before._all_parts)
        if before.pattern:
            self.set_filter(before.pattern)

    def settle(self) -> None:
        """Sort in what `add` took; cursor and top row stay on their items."""
        if self._settled == len(self.entries):
            self._seek()
            return
        self._sorted.extend(range(self._settled, len(self.entries)))
        self._settled = len(self.entries)
        self._resort(whole=False)
        self._seek()

    def _seek(self) -> None:
        if not self._want:
            return
        for row, index in enumerate(self.order, self._lead):
            if self.entries[index].id == self._want:
                self.cursor = row
                self._want = ""
                return

    def adopt(self, old: FolderView) -> None:
        """Take over marks, filter, cursor and scroll position from an older list of this folder.

        An item that vanished gives its cursor to the row that now stands in its place.
        """
        if old.pattern:
            self.set_filter(old.pattern)
        self.show_parts(old._all_parts)
        indices = {entry.id: index for index, entry in enumerate(self.entries)}
        self._marks = {name: indices[name] for name in old._marks if name in indices}
        entry = old.entry_at(old.cursor)
        self.top = old.top
        self.cursor = min(old.cursor, max(0, self.rows - 1))
        if entry is not None and entry.id in indices:
            self.cursor = self._row_of(indices[entry.id], self.cursor)
            self.top = max(0, old.top + self.cursor - old.cursor)
        if old._want:
            self.want(old._want)
        self._touch()

    # --- rows --------------------------------------------------------------------------------

    @property
    def rows(self) -> int:
        """Visible rows, `../` and unfinished files included."""
        return len(self.order) + self._lead

    def index_at(self, row: int) -> int:
        """Index into `entries` of a row, -1 for `../`, unfinished files and rows that are not
        there."""
        at = row - self._lead
        return self.order[at] if 0 <= at < len(self.order) else -1

    def entry_at(self, row: int) -> Entry | None:
        """The entry of a row, None for `../` and unfinished files."""
        index = self.index_at(row)
        return self.entries[index] if index >= 0 else None

    @property
    def current(self) -> Entry | None:
        """The entry under the cursor, None on `../`, an unfinished file or in an empty folder."""
        return self.entry_at(self.cursor)

    def part_at(self, row: int) -> PartView | None:
        """The unfinished file of a row, None for other rows."""
        at = row - int(self.has_parent)
        return self.parts[at] if 0 <= at < len(self.parts) else None

    @property
    def part(self) -> PartView | None:
        """The unfinished file under the cursor."""
        return self.part_at(self.cursor)

    def show_parts(self, parts: Sequence[PartView]) -> bool:
        """Show these unfinished files, in this order; whether they are others than before. Where
        the one under the cursor vanished, the next of them gets the cursor, and without one `../`:
        the key that dropped it must not mean a file when it is pressed again."""
        if tuple(parts) == self._all_parts:
            return False
        self._all_parts = tuple(parts)
        self._keeping_place(self._sift_parts)
        return True

    def on_parent(self) -> bool:
        """Whether the cursor is on `../`."""
        return self.has_parent and self.cursor == 0

    def twin_number(self, index: int) -> int:
        """2, 3, … for the later entries of one name in order of their ids, else 0."""
        number = self._twin.get(index, 0)
        return number if number > 1 else 0

    def _row_of(self, index: int, otherwise: int) -> int:
        try:
            return self.order.index(index) + self._lead
        except ValueError:
            return otherwise

    def move_to(self, row: int) -> bool:
        """Put the cursor on a row, clamped. Extends a range mark. Tells whether it moved."""
        row = max(0, min(row, self.rows - 1))
        moved = row != self.cursor
        self.cursor = row
        self._want = ""
        if self._range is not None:
            self._spread()
        return moved

    def find(self, text: str, start: int) -> int:
        """The first row from `start` on, around the end, whose name starts with `text` (else
        contains it); -1 when there is none."""
        if not text:
            return -1
        folded = text.casefold()
        inside = -1
        base = int(self.has_parent)
        total = self.rows - base
        for step in range(total):
            row = base + (start - base + step) % total
            at = row - self._lead  # below 0 as many as there are unfinished files
            shown = self.entries[self.order[at]] if at >= 0 else self.parts[at]
            name = shown.name.casefold()
            if name.startswith(folded):
                return row
            if inside < 0 and folded in name:
                inside = row
        return inside

    # --- order and filter --------------------------------------------------------------------

    def sort(self, by: SortBy, *, reverse: bool) -> None:
        """Change the order."""
        self.by = by
        self.reverse = reverse
        self._resort(whole=True)

    def set_filter(self, pattern: str) -> None:
        """Show only names that `listing.matches` the pattern; empty shows all."""
        narrower = (
            bool(self.pattern)
            and pattern.startswith(self.pattern)
            and not any(char in pattern for char in "*?:")
            and self.pattern.islower() == pattern.islower()
        )
        self.pattern = pattern
        self._keeping_place(lambda: self._sift(self.order if narrower else self._sorted))

    def show_hidden(self, shown: bool) -> None:
        """Show or hide names that start with a dot."""
        self.hidden = shown
        self._keeping_place(lambda: self._sift(self._sorted))

    def _resort(self, *, whole: bool) -> None:
        def work() -> None:
            if self.by is SortBy.NAME:
                self._sorted.sort(key=self._keys.__getitem__, reverse=self.reverse)
                if self.folders_first:
                    self._sorted.sort(key=self._files.__getitem__)
            elif whole or len(self._sorted):
                self._sorted = listing.order(
                    self.entries[: self._settled],
                    self.by,
                    reverse=self.reverse,
                    folders_first=self.folders_first,
                    keys=self._keys,
                )
            self._sift(self._sorted)

        self._keeping_place(work)

    def _sift(self, source: list[int]) -> None:
        entries = self.entries
        rows: list[int] = source
        if not self.hidden and self._dotted:
            rows = [index for index in rows if not entries[index].name.startswith(".")]
        if self.pattern:
            test = listing.matches(self.pattern)
            rows = [index for index in rows if test(entries[index].name)]
        self.order = list(rows) if rows is self._sorted else rows
        if self._all_parts:
            self._sift_parts()

    def _sift_parts(self) -> None:
        test = listing.matches(self.pattern) if self.pattern else None
        self.parts = tuple(
            part
            for part in self._all_parts
            if (self.hidden or not part.name.startswith(".")) and (test is None or test(part.name))
        )
        self._lead = int(self.has_parent) + len(self.parts)

    def _keeping_place(self, work: Callable[[], None]) -> None:
        at = self.index_at(self.cursor)
        above = self.index_at(self.top)
        offset = self.cursor - self.top
        part = self.part
        work()
        if at >= 0:
            self.cursor = self._row_of(at, min(self.cursor, max(0, self.rows - 1)))
        self.cursor = max(0, min(self.cursor, self.rows - 1))
        if part is not None:
            self._stay_by(part)
        if above >= 0 and self.top > 0:
            row = self._row_of(above, -1)
            self.top = row if row >= 0 else max(0, self.cursor - offset)
        self._touch()

    def _stay_by(self, part: PartView) -> None:
        items = [each.item for each in self.parts]
        if part.item in items:
            self.cursor = int(self.has_parent) + items.index(part.item)
        elif self.part is None:
            self.cursor = max(0, self._lead - 1)

    def _touch(self) -> None:
        self.generation += 1
        self._marked_size = None

    # --- marks -------------------------------------------------------------------------------

    def is_marked(self, index: int) -> bool:
        """Whether the entry at this index carries a mark."""
        return bool(self._marks) and self.entries[index].id in self._marks

    @property
    def marked(self) -> int:
        """How many entries are marked, hidden ones included."""
        return len(self._marks)

    @property
    def marked_size(self) -> int:
        """Bytes of the marked files whose size is known."""
        if self._marked_size is None or self._marked_size[0] != len(self._marks):
            total = sum(self.entries[index].size or 0 for index in self._marks.values())
            self._marked_size = (len(self._marks), total)
        return self._marked_size[1]

    def set_mark(self, row: int, on: bool | None = None) -> None:
        """Mark, unmark or (None) toggle a row. `../` is never taken."""
        index = self.index_at(row)
        if index < 0:
            return
        name = self.entries[index].id
        if on is None:
            on = name not in self._marks
        if on:
            self._marks[name] = index
        else:
            self._marks.pop(name, None)
        self._touch()

    def mark_matching(self, pattern: str, *, on: bool) -> int:
        """Mark or unmark visible rows by pattern; the count of rows it fits."""
        test = listing.matches(pattern)
        hits = [index for index in self.order if test(self.entries[index].name)]
        for index in hits:
            if on:
                self._marks[self.entries[index].id] = index
            else:
                self._marks.pop(self.entries[index].id, None)
        self._touch()
        return len(hits)

    def mark_all(self) -> None:
        """Mark every visible row."""
        self._marks.update((self.entries[index].id, index) for index in self.order)
        self._touch()

    def invert(self) -> None:
        """Turn the marks of visible rows around."""
        for index in self.order:
            name = self.entries[index].id
            if name in self._marks:
                del self._marks[name]
            else:
                self._marks[name] = index
        self._touch()

    def clear_marks(self, ids: Iterable[str] | None = None) -> None:
        """Unmark these, or all."""
        if ids is None:
            self._marks.clear()
        else:
            for name in ids:
                self._marks.pop(name, None)
        self._touch()

    @property
    def in_range(self) -> bool:
        """Whether a range mark follows the cursor."""
        return self._range is not None

    def start_range(self) -> None:
        """From now on every move marks the rows between here and the cursor."""
        self._range = (self.index_at(self.cursor), dict(self._marks))
        self._spread()

    def end_range(self, *, keep: bool) -> None:
        """Stop following; without `keep` the marks are as before the range."""
        if self._range is not None and not keep:
            self._marks = self._range[1]
        self._range = None
        self._touch()

    def unmark_range(self) -> None:
        """Turn the running range into unmarking: its rows lose their marks."""
        if self._range is None:
            return
        anchor, before = self._range
        self._marks = before
        start = self._row_of(anchor, self._lead) if anchor >= 0 else 0
        low, high = sorted((start, self.cursor))
        for row in range(low, high + 1):
            self.set_mark(row, on=False)
        self._range = None
        self._touch()

    def _spread(self) -> None:
        if self._range is None:
            return
        anchor, before = self._range
        start = self._row_of(anchor, self._lead) if anchor >= 0 else 0
        low, high = sorted((start, self.cursor))
        self._marks = dict(before)
        for row in range(low, high + 1):
            index = self.index_at(row)
            if index >= 0:
                self._marks[self.entries[index].id] = index
        self._touch()

    def taken(self) -> list[Entry]:
        """What an action is about: the visible marked rows, else the row under the cursor."""
        if self._marks:
            return [self.entries[i] for i in self.order if self.entries[i].id in self._marks]
        entry = self.current
        return [entry] if entry is not None else []

    @property
    def marked_unseen(self) -> int:
        """Marked entries that filter or hidden files keep from sight."""
        if not self._marks or len(self.order) == len(self.entries):
            return 0
        return len(self._marks) - sum(
            1 for index in self.order if self.entries[index].id in self._marks
        )
