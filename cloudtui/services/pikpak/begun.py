"""What was begun on the service and not yet seen through, so that a second try finds it.

Links, extractions and public links have no name that could be taken: asked for twice they are made
twice. So each is written down before the call, and a process that comes after a death looks for
what the call made before it makes it again. Knows no endpoint. Nothing secret is kept: a link is
known by a digest of its words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from cloudtui.services.accounts import Keys
from cloudtui.services.errors import CloudError, ExitCode

T = TypeVar("T")

SLACK: Final = 5.0
"""Seconds something may look older than the call that made it: clocks differ."""

_ITEM: Final = "begun"
_OLD: Final = 86_400.0
"""Seconds after which the same words are meant anew."""


class Left(msgspec.Struct, frozen=True):
    """A call that began at `began` (seconds since the epoch, the service's clock). `task` is what
    it started, empty when that was not heard; `before` are the tasks it could be taken for; `into`
    is the folder that was made for it."""

    began: float
    task: str = ""
    before: tuple[str, ...] = ()
    into: str = ""

    @property
    def since_ns(self) -> int:
        """What it made is not older than this."""
        return int((self.began - SLACK) * 1e9)


def mark_of(*words: str) -> str:
    """The name under which the same request is known again."""
    text = "\0".join(words).encode("utf-8", "surrogateescape")
    return hashlib.sha256(b"cloudtui began " + text).hexdigest()


class Begun:
    """The unfinished beginnings of one account, over all processes."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def once(
        self,
        mark: str,
        fresh: Left,
        look: Callable[[Left], Awaitable[T | None]],
        call: Callable[[Left], Awaitable[T]],
    ) -> T:
        """The result of `call(fresh)`, or of what somebody began under this mark before and nobody
        saw through, where `look` still finds it. The caller says when it is `over`."""
        left = self._all().get(mark)
        if left is not None and fresh.began - left.began < _OLD:
            known = await look(left)
            if known is not None:
                return known
        await self.write(mark, fresh)
        try:
            return await call(fresh)
        except CloudError as error:
            if error.exit_code is not ExitCode.NETWORK:  # else nobody heard what it did
                await self.over(mark)
            raise

    async def write(self, mark: str, left: Left) -> None:
        """Before the call, and again when it is known what it started."""
        async with self._keys.lock():
            kept = {each: old for each, old in self._all().items() if left.began - old.began < _OLD}
            self._keep({**kept, mark: left})

    async def over(self, mark: str) -> None:
        """It was seen through, or refused."""
        async with self._keys.lock():
            kept = self._all()
            if kept.pop(mark, None) is not None:
                self._keep(kept)

    async def seen_through(self, task: str) -> None:
        """What a task was begun for is over."""
        for mark in [mark for mark, left in self._all().items() if left.task == task]:
            await self.over(mark)

    def _all(self) -> dict[str, Left]:
        try:
            return msgspec.json.decode(self._keys.recall(_ITEM) or b"{}", type=dict[str, Left])
        except ValueError:
            return {}  # damaged: as if nothing had been begun

    def _keep(self, kept: dict[str, Left]) -> None:
        self._keys.remember(_ITEM, msgspec.json.encode(kept))
