"""Stopping work that sits in a blocking socket call.

A shut socket wakes its reader in 0.3 ms; closing it would leave the reader blocked. Only the
thread that uses a socket closes it. The shutdown is the base class's: the TLS class drops its
encryption first and the reader would then be handed ciphertext as data.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TypeVar

from cloudtui.services.errors import Interrupted

T = TypeVar("T")


def interrupted() -> Interrupted:
    """The error of work that was stopped on purpose."""
    return Interrupted("Stopped.", hint="What has arrived is kept.")


def shut(sock: socket.socket) -> None:
    """Wake whoever is blocked on `sock`, under TLS too."""
    with contextlib.suppress(OSError):  # not connected yet, or the other side was faster
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Flight:
    """One piece of work on one pump thread, and the sockets it is using right now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flag = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._landing = False
        self.woke = False
        """The machine slept meanwhile: a broken connection is nobody's fault."""

    @property
    def stopped(self) -> bool:
        """Whether the work is to end; whatever arrives after this is dropped."""
        return self._flag.is_set()

    def check(self) -> None:
        """Raise Interrupted when the work is to end."""
        if self._flag.is_set():
            raise interrupted()

    def hold(self, sock: socket.socket) -> None:
        """From now on a stop shuts `sock` too. Raises Interrupted when it came already."""
        with self._lock:
            if self._flag.is_set():
                raise interrupted()
            self._sockets.add(sock)

    def release(self, sock: socket.socket) -> None:
        """`sock` is about to be closed or given away."""
        with self._lock:
            self._sockets.discard(sock)

    def land(self) -> None:
        """From now on the work touches what its caller owns (descriptors, buffers): it must be
        waited for. Raises Interrupted when the stop came first."""
        with self._lock:
            if self._flag.is_set():
                raise interrupted()
            self._landing = True

    def pause(self, seconds: float) -> None:
        """Wait, unless stopped. Raises Interrupted."""
        if self._flag.wait(seconds):
            raise interrupted()

    def wake(self) -> None:
        """The machine slept: whoever waits on a connection finds it broken and goes on anew."""
        with self._lock:
            self.woke = True
            for sock in self._sockets:
                shut(sock)

    def end(self) -> bool:
        """Stop the work; True when nobody needs to wait for its thread."""
        with self._lock:
            self._flag.set()
            for sock in self._sockets:
                shut(sock)
            return not self._landing


class Stop:
    """A switch that ends all work registered with it. Set once, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._flights: set[Flight] = set()
        self._callbacks: dict[object, Callable[[], None]] = {}

    def is_set(self) -> bool:
        """Whether it was thrown."""
        return self._set

    def check(self) -> None:
        """Raise Interrupted when it was thrown."""
        if self._set:
            raise interrupted()

    def set(self) -> None:
        """Throw it: flag first, then every socket is shut."""
        with self._lock:
            if self._set:
                return
            self._set = True
            flights = list(self._flights)
            callbacks = list(self._callbacks.values())
        for flight in flights:
            flight.end()
        for callback in callbacks:
            callback()

    def open(self) -> Flight:
        """A flight that ends when this is set. Raises Interrupted when it is set already."""
        flight = Flight()
        with self._lock:
            if self._set:
                raise interrupted()
            self._flights.add(flight)
        return flight

    def close(self, flight: Flight) -> None:
        """The flight is over."""
        with self._lock:
            self._flights.discard(flight)

    def on_set(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when it is thrown (at once if it was), from whatever thread throws it.

        The answer takes the registration back.
        """
        key = object()
        with self._lock:
            thrown = self._set
            if not thrown:
                self._callbacks[key] = callback
        if thrown:
            callback()

        def undo() -> None:
            with self._lock:
                self._callbacks.pop(key, None)

        return undo

    async def pause(self, seconds: float) -> None:
        """Wait on the event loop, unless stopped. Raises Interrupted."""
        loop = asyncio.get_running_loop()
        thrown = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(thrown.set)

        undo = self.on_set(wake)
        try:
            async with asyncio.timeout(seconds):
                await thrown.wait()
        except TimeoutError:
            return
        finally:
            undo()
        raise interrupted()

    async def unless(self, working: asyncio.Future[T]) -> bool:
        """Wait for the end of `working`, but not longer than until this is thrown; whether it
        ended. It is not cancelled, and how it ends later is nobody's business."""
        loop = asyncio.get_running_loop()
        over = asyncio.Event()

        def ring() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(over.set)

        def ended(future: asyncio.Future[T]) -> None:
            over.set()
            if not future.cancelled():
                future.exception()

        working.add_done_callback(ended)
        undo = self.on_set(ring)
        try:
            await over.wait()
        finally:
            undo()
        return working.done()
