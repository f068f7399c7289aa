"""Daemon threads that the event loop can wait for.

Not the loop's default executor: that one is shared with name look-ups, has six threads on two
cores, and is waited for at exit. Threads start when needed and end after fifteen idle seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_IDLE_SECONDS = 15.0


class Threads:
    """At most `limit` daemon threads taking work in order."""

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self._change = threading.Condition(threading.Lock())
        self._jobs: deque[Callable[[], None]] = deque()
        self._idle = 0
        self._count = 0
        self._closed = False
        self._box: _Mailbox | None = None

    def submit(self, job: Callable[[], None]) -> None:
        """Run `job` on a thread; it must not raise. Raises RuntimeError after `close`."""
        with self._change:
            if self._closed:
                msg = f"the {self._name} threads are closed"
                raise RuntimeError(msg)
            self._jobs.append(job)
            if self._idle >= len(self._jobs):
                self._change.notify()
            elif self._count < self._limit:
                self._count += 1
                threading.Thread(target=self._serve, name=self._name, daemon=True).start()

    async def run(self, work: Callable[[], T], on_cancel: Callable[[], bool] | None = None) -> T:
        """The result of `work`, done on a thread.

        When the waiting task is cancelled the work is waited for all the same, since it may use
        what the caller is about to close. `on_cancel` tells the work to end; when it answers True
        the work touches nothing of the caller's and is left behind.
        """
        loop = asyncio.get_running_loop()
        box = self._box
        if box is None or box.loop is not loop:
            box = self._box = _Mailbox(loop)
        pending: _Pending[T] = _Pending(loop.create_future())

        def job() -> None:
            # A boundary: whatever happened belongs to the task that waits.
            try:
                pending.result = work()
            except BaseException as exc:
                pending.error = exc
            box.put(pending)

        self.submit(job)
        try:
            return await pending.future
        except asyncio.CancelledError:
            if pending.over or (on_cancel is not None and on_cancel()):
                raise
            pending.late = loop.create_future()
            while not pending.late.done():
                # Cancelled again while waiting: the first cancellation is raised below.
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([pending.late])
            raise

    def close(self) -> None:
        """Take no more work; idle threads end now, busy ones after their work."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def _serve(self) -> None:
        while True:
            with self._change:
                self._idle += 1
                while not self._jobs:
                    told = not self._closed and self._change.wait(_IDLE_SECONDS)
                    if not told and not self._jobs:
                        self._idle -= 1
                        self._count -= 1
                        return
                self._idle -= 1
                job = self._jobs.popleft()
            job()
            del job


async def settled(task: asyncio.Future[Any]) -> None:
    """Wait until `task` is over, whatever happens; a cancellation meanwhile is raised after it.

    For work that uses what its waiter closes next. The task's own outcome is not raised.
    """
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is not None:
        raise cancelled


class _Pending(Generic[T]):
    """Work on its way, and who waits for it. `late` is for a waiter whose own future was taken
    from it by a cancellation."""

    __slots__ = ("error", "future", "late", "over", "result")

    def __init__(self, future: asyncio.Future[T]) -> None:
        self.future = future
        self.late: asyncio.Future[None] | None = None
        self.over = False
        self.result: T
        self.error: BaseException | None = None

    def settle(self) -> None:
        """On the event loop, once the thread is through."""
        self.over = True
        if self.late is not None:
            if not self.late.done():
                self.late.set_result(None)
        elif not self.future.done():
            if self.error is None:
                self.future.set_result(self.result)
            else:
                self.future.set_exception(self.error)
        self.error = None


class _Mailbox:
    """Finished work of one event loop: many threads finishing together wake it once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._finished: deque[_Pending[Any]] = deque()
        self._told = False

    def put(self, pending: _Pending[Any]) -> None:
        """From any thread."""
        self._finished.append(pending)
        if not self._told:
            self._told = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        # Cleared before looking: whoever puts from here on tells the loop again.
        self._told = False
        while self._finished:
            self._finished.popleft().settle()
