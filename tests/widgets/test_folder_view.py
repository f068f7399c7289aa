"""The state of a pane: items keep cursor and marks whatever happens around them."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from cloudtui.services.listing import SortBy, order
from cloudtui.services.models import Entry, Kind
from cloudtui.services.transfers.orders import JobState, PartView
from cloudtui.widgets.folder_view import FolderView


def entries(*names: str) -> list[Entry]:
    return [
        Entry(name.rstrip("/"), f"id-{n}", Kind.FOLDER if name.endswith("/") else Kind.FILE, n, n)
        for n, name in enumerate(names)
    ]


def view_of(*names: str, twins: bool = False) -> FolderView:
    view = FolderView(has_parent=True, twins=twins)
    view.add(entries(*names))
    view.settle()
    return view


def shown(view: FolderView) -> list[str]:
    return [view.entries[index].name for index in view.order]


@given(
    st.lists(st.text("ab1/", min_size=1, max_size=4), max_size=30),
    st.sampled_from(SortBy),
    st.booleans(),
)
def test_pages_end_in_the_same_order_as_one_list(names: list[str], by: SortBy, rev: bool) -> None:
    rows = [
        Entry(name, f"{n:03}", Kind.FOLDER if n % 3 == 0 else Kind.FILE, n * 7 % 5, n * 3 % 4)
        for n, name in enumerate(names)
    ]
    view = FolderView(has_parent=False, twins=True, by=by, reverse=rev)
    for start in range(0, len(rows), 7):
        view.add(rows[start : start + 7])
        view.settle()
    whole = [rows[index] for index in order(rows, by, reverse=rev)]
    got = [view.entries[index] for index in view.order]
    if by is SortBy.NAME and rev:
        assert [entry.name for entry in got] == [entry.name for entry in whole]
    else:
        assert got == whole


def test_the_cursor_stays_on_its_item_when_rows_come_before_it() -> None:
    view = view_of("m", "n")
    view.move_to(2)
    view.add([Entry("a", "x", Kind.FILE)])
    view.settle()
    assert view.current is not None
    assert view.current.name == "n"
    assert view.cursor == 3


def test_marks_follow_items_and_hidden_ones_are_not_taken() -> None:
    view = view_of("apple", "banana", "cherry")
    view.mark_all()
    view.set_filter("an")
    assert [entry.name for entry in view.taken()] == ["banana"]
    assert view.marked_unseen == 2
    view.invert()
    assert view.marked == 2
    assert view.taken() == []


def test_the_parent_row_is_never_taken() -> None:
    view = view_of("a")
    view.set_mark(0)
    assert view.marked == 0
    assert view.taken() == []
    view.mark_all()
    assert view.marked == 1


def test_a_range_follows_the_cursor_and_can_be_given_up() -> None:
    view = view_of("a", "b", "c", "d")
    view.set_mark(4)
    view.move_to(1)
    view.start_range()
    view.move_to(3)
    assert view.marked == 4
    view.move_to(2)
    assert view.marked == 3
    view.end_range(keep=False)
    assert view.marked == 1


def test_a_vanished_item_gives_its_cursor_to_the_next_row() -> None:
    view = view_of("a", "b", "c")
    view.move_to(2)
    view.set_mark(1)
    fresh = FolderView(has_parent=True)
    fresh.add([one for one in view.entries if one.name != "b"])
    fresh.settle()
    fresh.adopt(view)
    assert fresh.current is not None
    assert fresh.current.name == "c"
    assert fresh.marked == 1


def test_twins_are_numbered_by_id_whatever_order_they_came_in() -> None:
    rows = [Entry("r.pdf", key, Kind.FILE) for key in ("c", "a", "b")]
    random.Random(3).shuffle(rows)
    view = FolderView(has_parent=False, twins=True)
    for row in rows:
        view.add([row])
        view.settle()
    numbered = {view.entries[i].id: view.twin_number(i) for i in view.order}
    assert numbered == {"a": 0, "b": 2, "c": 3}
    assert [view.entries[i].id for i in view.order] == ["a", "b", "c"]


def test_the_wanted_entry_gets_the_cursor_when_it_arrives() -> None:
    view = FolderView(has_parent=True)
    view.want("id-1")
    view.add(entries("x", "y"))
    view.settle()
    assert view.current is not None
    assert view.current.name == "y"
    view.want("id-9")
    view.move_to(0)
    view.add([Entry("z", "id-9", Kind.FILE)])
    view.settle()
    assert view.cursor == 0


def test_finding_starts_at_the_cursor_and_prefers_beginnings() -> None:
    view = view_of("alpha", "beta", "alphabet", "xbet")
    row = view.find("bet", 1)
    assert view.entries[view.index_at(row)].name == "beta"
    assert view.find("zzz", 1) == -1


def test_a_narrower_filter_gives_the_same_as_a_fresh_one() -> None:
    view = view_of("Abc", "abd", "bcd", "ABC")
    for pattern in ("a", "ab", "abc", "aB", "a*", "re:^A"):
        view.set_filter(pattern)
        fresh = view_of("Abc", "abd", "bcd", "ABC")
        fresh.set_filter(pattern)
        assert shown(view) == shown(fresh), pattern


def part(item: int, name: str) -> PartView:
    return PartView(item, "job", name, JobState.PAUSED, 45, 100)


def test_unfinished_files_stand_between_the_parent_and_the_entries() -> None:
    view = view_of("b/", "c")
    assert view.show_parts([part(1, "x.bin"), part(2, "y.bin")])
    assert not view.show_parts([part(1, "x.bin"), part(2, "y.bin")])
    assert (view.rows, len(view.order)) == (5, 2)
    assert [view.part_at(row) is not None for row in range(6)] == [0, 1, 1, 0, 0, 0]
    assert [view.index_at(row) for row in range(6)] == [-1, -1, -1, 0, 1, -1]
    assert [view.find(text, start) for text, start in (("y", 0), ("c", 4), ("x", 4))] == [2, 4, 1]
    view.sort(SortBy.NAME, reverse=True)
    assert view.part_at(1) == part(1, "x.bin")


def test_the_cursor_stays_on_its_item_when_unfinished_files_come_and_go() -> None:
    view = view_of(*(f"f{number:02}" for number in range(50)))
    view.move_to(30)
    view.top = 20
    view.show_parts([part(1, "a"), part(2, "b"), part(3, "c")])
    assert view.current is not None
    assert (view.current.name, view.cursor, view.top) == ("f29", 33, 23)
    view.show_parts([])
    assert (view.cursor, view.top) == (30, 20)


def test_a_dropped_file_never_gives_its_cursor_to_an_entry() -> None:
    view = view_of("c", "d")
    view.show_parts([part(1, "a"), part(2, "b"), part(3, "c")])
    view.move_to(2)
    view.show_parts([part(1, "a"), part(3, "c")])
    assert view.part == part(3, "c")
    view.show_parts([part(0, "0"), part(1, "a"), part(3, "c")])
    assert view.part == part(3, "c")
    view.show_parts([part(1, "a")])
    assert view.part == part(1, "a")
    view.show_parts([])
    assert view.on_parent()
    assert not view.taken()


def test_unfinished_files_follow_filter_and_hidden_names() -> None:
    view = view_of("film.txt", "other")
    view.show_parts([part(1, "film.mkv"), part(2, ".film.cfg"), part(3, "book")])
    view.set_filter("film")
    assert [each.item for each in view.parts] == [1, 2]
    view.show_hidden(shown=False)
    assert [each.item for each in view.parts] == [1]
    fresh = FolderView(has_parent=True, hidden=False)
    fresh.add(entries("film.txt", "other"))
    fresh.settle()
    fresh.adopt(view)
    assert [each.item for each in fresh.parts] == [1]
    fresh.set_filter("")
    assert [each.item for each in fresh.parts] == [1, 3]


def test_no_mark_takes_an_unfinished_file() -> None:
    view = view_of("c", "d")
    view.show_parts([part(1, "a")])
    view.move_to(1)
    view.set_mark(1)
    assert not view.marked
    assert not view.taken()
    view.mark_all()
    view.invert()
    assert not view.marked
    assert view.mark_matching("*", on=True) == 2
    view.clear_marks()
    view.start_range()
    view.move_to(2)
    assert [entry.name for entry in view.taken()] == ["c"]
