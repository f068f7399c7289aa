"""Keys in the order they were typed, however fast they come.

A key goes down to what has the focus and back up to the program, through a queue at every level,
and may move the focus or open a box on its way. Were the next one sent down meanwhile, it would
reach what had the focus before: over a slow line `/` and the text behind it come in one piece,
and the text would run as commands. So a key is sent when the one before it has come back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual import events
    from textual.app import App
    from textual.dom import DOMNode
    from textual.screen import Screen
    from textual.worker import Worker

    Typed = events.Key | events.Paste

_LOOK = 0.01
"""Seconds between two looks. Patience is counted in looks, not by the clock: while the program gets
no processor, or is busy with what the key began, nobody looks."""

_LOST = 100
"""Looks after which a key is waited for no longer: what it closed took it along."""

_OPENING = 25
"""Looks for a box that the key before is about to open."""

_BOXES = frozenset({"boxes", "files", "jobs", "keys", "quit", "work"})
"""Groups of the workers that open boxes."""


class KeyQueue:
    """Hands keys and pasted text of one program to `deliver`, one after the other."""

    def __init__(self, app: App[int], deliver: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._deliver = deliver
        self._waiting: deque[Typed] = deque()
        self._number = 0
        self._away = False
        self._screen: Screen[object] | None = None
        self._before: frozenset[Worker[object]] = frozenset()
        self._patience = 0
        self._lost: asyncio.TimerHandle | None = None

    async def put(self, event: Typed) -> None:
        """Deliver it at once, or when it is its turn."""
        self._waiting.append(event)
        if not self._away:
            await self._next()

    async def _next(self) -> None:
        self._away = bool(self._waiting)
        if not self._waiting:
            return
        app = self._app
        number = self._number
        self._screen = app.screen
        self._before = frozenset(app.workers)
        self._patience = _OPENING
        self._await(number, _LOST)
        start = app.focused or app.screen
        await self._deliver(self._waiting.popleft())
        self._rise(start, number)

    def _await(self, number: int, looks: int) -> None:
        """Give a key up after so many looks."""
        loop = asyncio.get_running_loop()
        if looks:
            self._lost = loop.call_later(_LOOK, self._await, number, looks - 1)
        else:
            self._app.call_later(self._give_up, number)

    def _rise(self, node: DOMNode | None, number: int) -> None:
        """Follow the key from queue to queue up to the program: behind it in each of them."""
        while node is not None and node is not self._app:
            if node.call_later(self._rise, node.parent, number):
                return
            node = node.parent  # it is closing
        self._app.call_later(self._back, number)

    async def _back(self, number: int) -> None:
        """The key came back: the next one, once a box that it opens is there."""
        if number != self._number:
            return  # given up long ago
        if self._app.screen is not self._screen:
            # a new screen finds its focus behind what already waits in its queue
            self._screen = self._app.screen
            self._patience = 0
            self._rise(self._screen, number)
            return
        if self._patience and self._opening():
            self._patience -= 1
            loop = asyncio.get_running_loop()
            loop.call_later(_LOOK, self._app.call_later, self._back, number)
            return
        await self._give_up(number)

    async def _give_up(self, number: int) -> None:
        """Wait for this key no longer."""
        if number != self._number:
            return
        if self._lost is not None:
            self._lost.cancel()
        self._number += 1
        await self._next()

    def _opening(self) -> bool:
        """Whether the key began what may open a box and has not done so."""
        return any(
            worker.is_running and worker.group in _BOXES and worker not in self._before
            for worker in self._app.workers
        )
