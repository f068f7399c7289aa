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
from typing import Any, TypeVar

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
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            # A boundary: whatever happened belongs to the task that waits.
            try:
                result = work()
            except BaseException as exc:
                _hand_over(loop, _fail, future, exc)
            else:
                _hand_over(loop, _succeed, future, result)

        self.submit(job)
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            if on_cancel is not None and on_cancel():
                future.add_done_callback(_forget)
                raise
            while not future.done():
                # Cancelled again while waiting: the first cancellation is raised below.
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            _forget(future)
            raise
        return future.result()

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


def _hand_over(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *args: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(call, *args)


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], exc: BaseException) -> None:
    if not future.done():
        future.set_exception(exc)


def _forget(future: asyncio.Future[T]) -> None:
    if not future.cancelled():
        future.exception()  # marks it as seen
