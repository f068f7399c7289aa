"""Where received bytes go.

A sink is written by one pump thread, in order, from the offset its range begins at. `received`
counts bytes that are safely in the sink's hands, so that a broken range goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cloudtui.services.transfers.positioned import write_at
from cloudtui.services.transfers.ranges import BLOCK, Ranges
from cloudtui.services.transfers.sums import Piece, Pieces


class Sink(Protocol):
    """Takes the bytes of one range."""

    received: int

    def write(self, offset: int, view: memoryview) -> int:
        """Take the bytes at `offset` of the whole file; the view is only good during the call.

        Returns how many of them count as new.
        """
        ...


class FileSink:
    """Writes into a file, opened by `fd` on the thread that writes. `watch(offset, view)` sees
    every piece first, in order. With `summed` checksums of its blocks are made on the way: reading
    them back for that costs as much again."""

    def __init__(
        self,
        fd: Callable[[], int],
        watch: Callable[[int, memoryview], None] | None = None,
        *,
        summed: bool = False,
    ) -> None:
        self.received = 0
        self._fd = fd
        self._watch = watch
        self._pieces = Pieces(BLOCK) if summed else None

    @property
    def fresh(self) -> int:
        """Bytes that were missing before: all of them."""
        return self.received

    def pieces(self) -> dict[int, Piece]:
        """What is to be noted of all that was received, by where it starts; nothing unless summed.
        Nothing is written after this."""
        return {} if self._pieces is None else self._pieces.end()

    def write(self, offset: int, view: memoryview) -> int:
        """Write at the same offset. Raises Full, Denied or Refused."""
        if self._watch is not None:
            self._watch(offset, view)
        write_at(self._fd(), view, offset)
        if self._pieces is not None:
            self._pieces.add(offset, view)
        self.received += len(view)
        return len(view)


class MemorySink:
    """Collects a range in memory, at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.received = 0
        self._limit = limit
        self._data = bytearray()

    @property
    def data(self) -> bytes:
        """All that arrived."""
        return bytes(self._data)

    def write(self, offset: int, view: memoryview) -> int:
        """Append. Raises MemoryError past the limit: the caller asked for more than it allows."""
        if len(self._data) + len(view) > self._limit:
            msg = "more bytes than this sink may hold"
            raise MemoryError(msg)
        self._data += view
        self.received += len(view)
        return len(view)


class GapSink:
    """Writes only what is missing in a file: for servers that send all of it every time."""

    def __init__(
        self,
        fd: Callable[[], int],
        held: Ranges,
        watch: Callable[[int, memoryview], None] | None = None,
    ) -> None:
        self.received = 0
        self.fresh = 0
        """Bytes that were missing before."""
        self._fd = fd
        self._held = held
        self._watch = watch

    def write(self, offset: int, view: memoryview) -> int:
        """Write the missing bytes among these. Raises Full, Denied or Refused."""
        if self._watch is not None:
            self._watch(offset, view)
        fresh = 0
        for start, end in self._held.missing(offset, offset + len(view)):
            write_at(self._fd(), view[start - offset : end - offset], start)
            fresh += end - start
        self.received += len(view)
        self.fresh += fresh
        return fresh
