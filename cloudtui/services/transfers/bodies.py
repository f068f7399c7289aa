"""Where sent bytes come from.

A body is used by one pump thread at a time. `start` begins (again) at its first byte, so a
request can be repeated; `read_into` fills the view or fails, it never comes up short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cloudtui.services.errors import SourceChanged
from cloudtui.services.transfers.positioned import read_at
from cloudtui.services.transfers.stop import Flight


class BodySource(Protocol):
    """The `length` bytes of one request."""

    length: int
    received: int
    """Bytes given since the last start."""

    def start(self, flight: Flight) -> None:
        """Stand at the first byte. Whatever blocks later is registered with `flight`."""
        ...

    def read_into(self, view: memoryview) -> None:
        """Fill the view with the next bytes. Raises SourceChanged when there are not as many."""
        ...

    def end(self) -> None:
        """The request is over, well or not."""
        ...


def source_shrank() -> SourceChanged:
    """The error for a source that ends before its planned size."""
    return SourceChanged(
        "The file became shorter while it was being read; the copy was not finished.",
        hint="Start again when nobody writes to it.",
    )


class FileBody:
    """A part of an open file. Several may read the same descriptor."""

    def __init__(self, fd: int, offset: int, length: int) -> None:
        self.length = length
        self.received = 0
        """Bytes read since the last start."""
        self._fd = fd
        self._offset = offset

    def start(self, flight: Flight) -> None:
        """Back to the first byte."""
        flight.land()
        self.received = 0

    def read_into(self, view: memoryview) -> None:
        """Read at the current place."""
        if read_at(self._fd, view, self._offset + self.received) < len(view):
            raise source_shrank()
        self.received += len(view)

    def end(self) -> None:
        """The descriptor is the caller's."""


class BytesBody:
    """Bytes in memory."""

    def __init__(self, data: bytes | memoryview) -> None:
        self.length = len(data)
        self.received = 0
        self._data = memoryview(data)

    def start(self, flight: Flight) -> None:
        """Back to the first byte."""
        flight.check()
        self.received = 0

    def read_into(self, view: memoryview) -> None:
        """Copy the next bytes."""
        view[:] = self._data[self.received : self.received + len(view)]
        self.received += len(view)

    def end(self) -> None:
        """Nothing to let go of."""


class WatchedBody:
    """Another body whose bytes are shown to `watch(position, view)` as they pass; `position`
    counts from the body's first byte and begins anew when the request is repeated."""

    def __init__(self, body: BodySource, watch: Callable[[int, memoryview], None]) -> None:
        self.length = body.length
        self.received = 0
        self._body = body
        self._watch = watch

    def start(self, flight: Flight) -> None:
        """Back to the first byte."""
        self._body.start(flight)
        self.received = 0

    def read_into(self, view: memoryview) -> None:
        """Read, then show."""
        self._body.read_into(view)
        self._watch(self.received, view)
        self.received += len(view)

    def end(self) -> None:
        """End the body behind."""
        self._body.end()
