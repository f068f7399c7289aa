"""Digests beside the bytes: fed in order as they pass, or read behind them from the page cache.

Hashing costs more than TLS does, so it never runs on the event loop and, for large files, not on
the threads that receive or send either.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection
from typing import Final, Protocol

from cloudtui.services.hashes import hasher
from cloudtui.services.models import HashType
from cloudtui.services.transfers.exchange import buffer
from cloudtui.services.transfers.positioned import read_at
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.ranges import Ranges
from cloudtui.services.transfers.threads import Threads, settled

BESIDE_FROM: Final = 8 * 1024 * 1024
"""Smaller files are hashed where they are sent: a thread for them would cost more than it saves."""


class RunningDigest:
    """Digests of bytes that pass in order. What passes again after a retry is not counted twice;
    a gap makes the digest worthless and `result` empty."""

    def __init__(self, kinds: Collection[HashType], size: int) -> None:
        self._size = size
        self._at = 0
        self._hashers = {kind: hasher(kind, size) for kind in kinds}

    def feed(self, offset: int, view: memoryview) -> None:
        """These bytes stand at `offset` of the file."""
        fresh = offset + len(view) - self._at
        if offset > self._at or fresh <= 0:
            return
        piece = view[len(view) - fresh :]
        for each in self._hashers.values():
            each.update(piece)
        self._at += fresh

    def result(self) -> dict[HashType, str]:
        """The digests, none when not every byte passed."""
        if self._at != self._size:
            return {}
        return {kind: each.hexdigest() for kind, each in self._hashers.items()}


class Beside:
    """Feeds a running digest on a thread of its own, out of the buffer of whoever sends: a piece is
    hashed while it is sealed and sent, which makes a verified upload of 1 GiB an eighth shorter.

    What is lent may be overwritten after `back`. While no thread has come up lending hashes at
    once, so that nobody waits for one. Between threads that send, `back` has to be called.
    """

    def __init__(self, threads: Threads, running: RunningDigest) -> None:
        self._running = running
        self._lent: tuple[int, memoryview] | None = None
        # Two plain locks, each let go by the other thread: 2,000 pieces of a GiB pass by them.
        self._go = threading.Lock()
        self._home = threading.Lock()
        self._go.acquire()
        self._up = False
        threads.submit(self._serve)

    def lend(self, offset: int, view: memoryview) -> None:
        """These bytes stand at `offset` of the file, and stay as they are until `back`."""
        if not self._up:
            self._running.feed(offset, view)
            return
        self._home.acquire()
        self._lent = (offset, view)
        self._go.release()

    def back(self) -> None:
        """Wait until nothing is lent."""
        with self._home:
            pass

    def close(self) -> None:
        """End the thread. Nothing is lent any more."""
        with self._home:
            self._go.release()

    def _serve(self) -> None:
        self._up = True
        while True:
            self._go.acquire()
            lent, self._lent = self._lent, None
            if lent is None:
                return
            try:
                self._running.feed(*lent)
            finally:
                self._home.release()


class Counted(Protocol):
    """Somebody who moves through a range in order."""

    received: int


class Landing:
    """Which bytes of a file have passed, those of ranges still under way included."""

    def __init__(self, done: Ranges) -> None:
        self._lock = threading.Lock()
        self._done = done.copy()
        self._active: dict[Counted, int] = {}

    def begin(self, mover: Counted, start: int) -> None:
        """`mover` works from `start` on."""
        with self._lock:
            self._active[mover] = start

    def end(self, mover: Counted) -> None:
        """`mover` is through or failed; what it moved counts."""
        with self._lock:
            start = self._active.pop(mover)
            self._done.add(start, start + mover.received)

    def forget(self, mover: Counted) -> None:
        """`mover` failed and what it moved does not count."""
        with self._lock:
            self._active.pop(mover, None)

    def add(self, start: int, end: int) -> None:
        """These bytes are there."""
        with self._lock:
            self._done.add(start, end)

    def lose(self, spans: Ranges) -> None:
        """These bytes are not there after all. Nobody works on them meanwhile."""
        with self._lock:
            self._done = Ranges(self._done.without(spans))

    def snapshot(self, *, whole: bool = False) -> Ranges:
        """All that has passed by now; with `whole` only ranges that nobody works on any more."""
        with self._lock:
            picture = self._done.copy()
            for mover, start in () if whole else self._active.items():
                picture.add(start, start + mover.received)
        return picture

    def low_water(self) -> int:
        """Every byte below this has passed."""
        return self.snapshot().low_water


class Follower:
    """Hashes a file behind its low-water mark while it is written or sent: the bytes are read
    once more, from memory. Use as an async context manager; leaving it ends the thread."""

    def __init__(
        self,
        pump: Pump,
        fd: int,
        size: int,
        kinds: Collection[HashType],
        low_water: Callable[[], int],
    ) -> None:
        self._pump = pump
        self._fd = fd
        self._size = size
        self._low_water = low_water
        self._hashers = {kind: hasher(kind, size) for kind in kinds}
        self._wake = threading.Event()
        self._ended = False
        self._whole = False
        self._task: asyncio.Task[dict[HashType, str]] | None = None

    async def __aenter__(self) -> Follower:
        if self._hashers:
            self._task = asyncio.create_task(self._pump.hashing.run(self._follow, self._end))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._end()
            await settled(self._task)
            if not self._task.cancelled():
                self._task.exception()  # marks it as seen: whoever left had a reason of their own

    async def digests(self) -> dict[HashType, str]:
        """The digests of the whole file, all of which has passed by now. Raises what reading
        raises."""
        if self._task is None:
            return {}
        self._whole = True
        self._wake.set()
        return await asyncio.shield(self._task)

    def _end(self) -> bool:
        self._ended = True
        self._wake.set()
        return False

    def _follow(self) -> dict[HashType, str]:
        view = buffer()
        at = 0
        while at < self._size:
            if self._ended:
                return {}
            mark = self._size if self._whole else self._low_water()
            room = min(len(view), mark - at)
            if room < min(len(view), self._size - at):
                # Behind the mark by less than a buffer: wait for more, not for each packet.
                self._wake.wait(0.02)
                self._wake.clear()
                continue
            got = read_at(self._fd, view[:room], at)
            if got == 0:
                return {}
            for each in self._hashers.values():
                each.update(view[:got])
            at += got
        return {kind: each.hexdigest() for kind, each in self._hashers.items()}
