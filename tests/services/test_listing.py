"""Sorting and filtering rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudtui.services.listing import SortBy, duplicate_numbers, matches, order
from cloudtui.services.models import Entry, Kind

ENTRIES = st.lists(
    st.builds(
        Entry,
        name=st.text(max_size=6),
        id=st.uuids().map(str),
        kind=st.sampled_from([Kind.FILE, Kind.FOLDER]),
        size=st.none() | st.integers(0, 100),
        mtime_ns=st.none() | st.integers(0, 100),
    ),
    max_size=30,
)


@given(entries=ENTRIES, by=st.sampled_from(list(SortBy)), reverse=st.booleans())
def test_order_is_a_permutation_that_does_not_depend_on_arrival(
    entries: list[Entry], by: SortBy, *, reverse: bool
) -> None:
    first = [entries[index].id for index in order(entries, by, reverse=reverse)]
    backwards = entries[::-1]
    second = [backwards[index].id for index in order(backwards, by, reverse=reverse)]
    assert sorted(first) == sorted(entry.id for entry in entries)
    assert first == second


def entry(name: str, *, folder: bool = False, size: int | None = 1) -> Entry:
    return Entry(name, name, Kind.FOLDER if folder else Kind.FILE, size, 0)


def test_folders_come_first_and_unknown_sizes_last() -> None:
    rows = [entry("b", size=5), entry("a", size=None), entry("z", folder=True), entry("c", size=9)]
    names = [rows[index].name for index in order(rows, SortBy.SIZE, reverse=True)]
    assert names == ["z", "c", "b", "a"]


def test_filter_texts() -> None:
    assert matches("sun")("Midsummer sUN.txt")
    assert not matches("Sun")("midsummer sun.txt")
    assert matches("*.mkv")("Film.MKV")
    assert not matches("*.mkv")("film.mkv.txt")
    assert matches("re:^a.c$")("abc")
    assert not matches("re:(")("(")
    assert matches("cafe")("Café")


def test_same_names_are_numbered_from_two() -> None:
    twins = [Entry("a", "1", Kind.FILE), Entry("a", "2", Kind.FILE), Entry("a", "3", Kind.FILE)]
    assert duplicate_numbers(twins) == {"2": 2, "3": 3}


def test_times_of_making_order_rows_and_unknown_ones_come_last() -> None:
    rows = [
        Entry("old", "1", Kind.FILE, created_ns=1),
        Entry("unknown", "2", Kind.FILE),
        Entry("new", "3", Kind.FILE, created_ns=2),
    ]
    assert order(rows, SortBy.CREATED) == [0, 2, 1]
    assert order(rows, SortBy.CREATED, reverse=True) == [2, 0, 1]
    # what is only looked at makes no other file of it
    assert rows[0] == Entry("old", "1", Kind.FILE)
