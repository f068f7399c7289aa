"""Counting bytes without getting in their way.

Threads count on lanes of their own, so a count is never lost and nothing is locked per chunk;
whoever paints samples `done`. Must not call anybody.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from cloudtui.services.transfers.bandwidth import Bandwidth


class Lane:
    """The count of one thread for one piece of work. `done` and `wired` are written by that
    thread only."""

    __slots__ = ("done", "wired")

    def __init__(self) -> None:
        self.done = 0
        self.wired = 0


class Meter:
    """Bytes of one file or job.

    `done` counts bytes that stand at the target or are on their way there, including those that
    stood there before; it goes down only when a piece has to be sent again. `wired` counts every
    byte that crossed the network in this process. `limits` slow down whatever is counted here.
    """

    def __init__(self, done: int = 0, limits: Sequence[Bandwidth] = ()) -> None:
        self.limits = tuple(limits)
        self._lock = threading.Lock()
        self._done = done
        self._wired = 0
        self._lanes: set[Lane] = set()

    @property
    def done(self) -> int:
        """Bytes so far; cheap enough for ten samples a second."""
        with self._lock:
            return self._done + sum(lane.done for lane in self._lanes)

    @property
    def wired(self) -> int:
        """Bytes that crossed the network so far."""
        with self._lock:
            return self._wired + sum(lane.wired for lane in self._lanes)

    def add(self, count: int) -> None:
        """Count bytes that need no lane: found there already, or (negative) taken back."""
        with self._lock:
            self._done += count

    def restart(self, count: int) -> None:
        """Another try begins with `count` bytes in place; `wired` goes on. No lane may be open."""
        with self._lock:
            self._done = count

    def open(self) -> Lane:
        """A lane for one thread."""
        lane = Lane()
        with self._lock:
            self._lanes.add(lane)
        return lane

    def close(self, lane: Lane, *, keep: bool = True) -> None:
        """Fold a lane into the total; without `keep` its bytes count as not done."""
        with self._lock:
            self._lanes.discard(lane)
            self._wired += lane.wired
            if keep:
                self._done += lane.done
