"""Idle connections, kept for thirty seconds.

Keyed by account, origin and way: a connection that carried one account's bytes never carries
another's. Must not open connections itself.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable
from typing import Final

from cloudtui.services.awake import since_boot
from cloudtui.services.transfers.connection import Connection
from cloudtui.services.transfers.origin import Origin
from cloudtui.services.way import Way

IDLE_SECONDS: Final = 30.0


class ConnectionPool:
    """Where finished connections wait for the next request of the same account and origin."""

    def __init__(self, *, clock: Callable[[], float] = since_boot) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._idle: dict[tuple[str, Origin, Way | None], list[tuple[float, Connection]]] = {}
        self._closed = False

    def take(self, account: str, origin: Origin, way: Way | None = None) -> Connection | None:
        """The most recently used idle connection that still looks alive, or None."""
        dead: list[Connection] = []
        try:
            with self._lock:
                self._prune(dead)
                stack = self._idle.get((account, origin, way), [])
                while stack:
                    _, connection = stack.pop()
                    if _quiet(connection):
                        return connection
                    dead.append(connection)
            return None
        finally:
            for each in dead:
                each.close()

    def give(self, account: str, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        dead: list[Connection] = []
        connection.used = True
        with self._lock:
            self._prune(dead)
            if self._closed:
                dead.append(connection)
            else:
                key = (account, connection.origin, connection.way)
                self._idle.setdefault(key, []).append((self._clock(), connection))
        for each in dead:
            each.close()

    def drop(self) -> None:
        """Close all that is idle: the machine slept or the network changed."""
        with self._lock:
            dead = [each for stack in self._idle.values() for _, each in stack]
            self._idle.clear()
        for each in dead:
            each.close()

    def close(self) -> None:
        """Close all that is idle and keep nothing from now on."""
        with self._lock:
            self._closed = True
        self.drop()

    def _prune(self, dead: list[Connection]) -> None:
        oldest = self._clock() - IDLE_SECONDS
        for key, stack in list(self._idle.items()):
            while stack and stack[0][0] < oldest:
                dead.append(stack.pop(0)[1])
            if not stack:
                del self._idle[key]


def _quiet(connection: Connection) -> bool:
    """Whether nothing is waiting to be read: an idle connection has nothing to say but goodbye."""
    sock = connection.sock
    if sock.fileno() < 0 or not connection.quiet:
        return False
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return not poll.poll(0)
    return not select.select([sock], [], [], 0)[0]  # pragma: no cover - Windows has no poll
