"""The set of landed bytes, and the queue of missing ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudtui.services.transfers.ranges import BLOCK, BlockQueue, Ranges

SIZE = 120
spans = st.lists(
    st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(lambda pair: tuple(sorted(pair))),
    max_size=20,
)


def positions(pairs: object) -> set[int]:
    return {at for start, end in pairs for at in range(start, end)}  # type: ignore[attr-defined]


@given(spans)
def test_it_is_the_set_of_its_positions(pairs: list[tuple[int, int]]) -> None:
    ranges = Ranges(pairs)
    assert positions(ranges) == positions(pairs)
    assert ranges.total == len(positions(pairs))


@given(spans)
def test_intervals_are_merged_and_in_order(pairs: list[tuple[int, int]]) -> None:
    flat = [edge for span in Ranges(pairs) for edge in span]
    assert flat == sorted(set(flat))


@given(spans, st.integers(0, SIZE), st.integers(0, SIZE))
def test_missing_is_the_complement(pairs: list[tuple[int, int]], a: int, b: int) -> None:
    start, end = sorted((a, b))
    gaps = Ranges(pairs).missing(start, end)
    assert positions(gaps) == set(range(start, end)) - positions(pairs)
    assert all(first < last for first, last in gaps)


@given(spans, spans)
def test_without_is_the_difference(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    left = Ranges(one).without(Ranges(other))
    assert positions(left) == positions(one) - positions(other)


@given(spans)
def test_low_water_is_the_first_hole(pairs: list[tuple[int, int]]) -> None:
    held = positions(pairs)
    assert Ranges(pairs).low_water == next(at for at in range(SIZE + 1) if at not in held)


@given(spans)
def test_a_copy_stands_alone(pairs: list[tuple[int, int]]) -> None:
    ranges = Ranges(pairs)
    twin = ranges.copy()
    assert twin == ranges
    twin.add(SIZE + 5, SIZE + 6)
    assert positions(ranges) == positions(pairs)


@given(st.integers(0, 20 * BLOCK), st.integers(1, 16), spans)
def test_the_queue_hands_out_each_missing_byte_once_in_order(
    size: int, connections: int, pairs: list[tuple[int, int]]
) -> None:
    scale = max(1, size // SIZE)
    done = Ranges((start * scale, min(size, end * scale)) for start, end in pairs)
    queue = BlockQueue(size, done, connections)
    seen = done.copy()
    last = 0
    while (block := queue.take()) is not None:
        start, end = block
        assert last <= start < end <= size
        assert seen.missing(start, end) == [(start, end)]
        assert connections == 1 or end - start <= BLOCK
        seen.add(start, end)
        last = end
    assert queue.empty
    assert seen.missing(0, size) == []


def test_blocks_are_small_at_first_and_shrink_towards_the_end() -> None:
    queue = BlockQueue(40 * BLOCK, Ranges(), 4)
    sizes = []
    while (block := queue.take()) is not None:
        sizes.append(block[1] - block[0])
    assert sizes[:5] == [BLOCK // 4] * 4 + [BLOCK]
    assert sizes[-1] <= BLOCK // 4


def test_a_connection_left_alone_gets_more_at_once() -> None:
    queue = BlockQueue(10 * BLOCK, Ranges(), 2)
    first = [queue.take() for _ in range(2)]
    alone = [queue.take(alone=True) for _ in range(4)]
    assert [end - start for start, end in filter(None, first)] == [BLOCK // 4] * 2
    assert [end - start for start, end in filter(None, alone)] == [
        *[4 * BLOCK] * 2,
        3 * BLOCK // 2,
    ]
