"""Which bytes of a file are there, and which are fetched next.

Pure values: `Ranges` is a set of bytes kept as merged intervals, `BlockQueue` hands out what is
missing, in order, one block at a time. Not thread-safe.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

BLOCK: Final = 16 * 1024 * 1024
"""What is noted at once, and the largest piece fetched by one request of several at once."""
_ALONE: Final = 4 * BLOCK
"""The largest piece fetched by one request where it is the only one."""
_SMALLEST: Final = 4 * 1024 * 1024
_GRAIN: Final = 1024 * 1024


class Ranges:
    """A set of byte positions, as disjoint half-open intervals in order."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in spans:
            self.add(start, end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(list(zip(self._starts, self._ends, strict=True)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Ranges)
            and self._starts == other._starts
            and self._ends == other._ends
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ranges({list(self)!r})"

    @property
    def total(self) -> int:
        """How many bytes are in the set."""
        return sum(self._ends) - sum(self._starts)

    @property
    def low_water(self) -> int:
        """All bytes below this are there."""
        return self._ends[0] if self._starts and self._starts[0] == 0 else 0

    def copy(self) -> Ranges:
        """An independent copy."""
        twin = Ranges()
        twin._starts = list(self._starts)
        twin._ends = list(self._ends)
        return twin

    def add(self, start: int, end: int) -> None:
        """Put `start` up to, not including, `end` into the set; touching intervals merge."""
        if start >= end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def missing(self, start: int, end: int) -> list[tuple[int, int]]:
        """What of `start` up to `end` is not in the set, in order."""
        gaps: list[tuple[int, int]] = []
        index = bisect_right(self._ends, start)
        while start < end and index < len(self._starts):
            if self._starts[index] >= end:
                break
            if start < self._starts[index]:
                gaps.append((start, self._starts[index]))
            start = self._ends[index]
            index += 1
        if start < end:
            gaps.append((start, end))
        return gaps

    def without(self, other: Ranges) -> list[tuple[int, int]]:
        """The intervals of this set minus `other`."""
        return [gap for start, end in self for gap in other.missing(start, end)]


class BlockQueue:
    """The missing bytes of a file, handed out in order.

    One queue for all connections: a static split would let the slowest stream set the finish.
    The first blocks are small, so that it soon shows what the connections bring; towards the end
    blocks shrink so that the connections finish together. A single connection gets every gap in
    one piece.
    """

    def __init__(self, size: int, done: Ranges, connections: int) -> None:
        self._gaps = done.missing(0, size)
        self._gaps.reverse()
        self._left = sum(end - start for start, end in self._gaps)
        self._connections = connections
        self._first = connections

    @property
    def empty(self) -> bool:
        """Whether all has been handed out."""
        return not self._gaps

    def take(self, *, alone: bool = False) -> tuple[int, int] | None:
        """The next block to fetch, or None when all has been handed out. `alone`: for the only
        connection left of several."""
        if not self._gaps:
            return None
        start, end = self._gaps.pop()
        cut = end if self._connections == 1 else min(end, start + self._wish(alone=alone))
        if cut < end:
            self._gaps.append((cut, end))
        self._left -= cut - start
        return start, cut

    def _wish(self, *, alone: bool) -> int:
        if alone:
            return _ALONE
        if self._first:
            self._first -= 1
            return _SMALLEST
        share = self._left // (4 * self._connections)
        return min(BLOCK, max(_SMALLEST, -(-share // _GRAIN) * _GRAIN))
