"""The change feed: what others change, told within a second, by one call that waits.

`diff` answers as soon as something happens after the id it is given. It has a connection of its
own: any byte sent on it meanwhile would end the wait. Must not list folders.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from cloudtui.services.errors import CloudError, LoginNeeded, NotSupported, Retry
from cloudtui.services.models import EVERYTHING, Change, News
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import Names, is_trash_folder

PATIENCE: Final = 90.0
"""Seconds without an answer before the call is made again; servers answer after a minute at most,
as far as rclone's experience goes."""
_AT_ONCE: Final = 1.0
"""Seconds. An empty answer that comes sooner was not waited for."""
_LONGEST_IDLE: Final = 10.0
_PAUSE: Final = 2.0
_LONGEST: Final = 30.0
_AT_A_TIME: Final = 5000
_LOOK_BACK: Final = 100
_LOOK_BACK_SECONDS: Final = 30.0
"""How much of what just happened is told to begin with."""
_BILLION: Final = 1_000_000_000

Sleep = Callable[[float], Awaitable[None]]


class Feed:
    """One account's changes. `client` is used for nothing else; `root` is the number of the
    folder that is the account's top."""

    def __init__(
        self,
        client: Client,
        names: Names,
        root: int = 0,
        *,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._names = names
        self._root = root
        self._sleep = sleep
        self._clock = clock

    async def newest(self) -> int:
        """The id of the newest event: a cheap call. A service that takes no `last` is asked for
        what comes after this moment, and one that takes neither for all it knows, in parts."""
        moment = int(self._client.now())
        for params in ({"last": 0}, {"after": moment}):
            try:
                return _id_of(await self._client.call("diff", params, wire.Events))
            except (LoginNeeded, NotSupported):
                raise
            except CloudError as error:
                if error.retry is not Retry.NEVER:
                    raise
        diffid, more = 0, True
        while more:
            part = {"diffid": diffid, "limit": _AT_A_TIME}
            answer = await self._client.call("diff", part, wire.Events)
            more = len(answer.entries) >= _AT_A_TIME and answer.diffid != diffid
            diffid = _id_of(answer)
        return diffid

    async def since(self, diffid: int) -> tuple[list[wire.Event], int]:
        """The events after an id, without waiting, and the id to go on from. A `reset` among them
        says that everything is told anew."""
        events: list[wire.Event] = []
        while True:
            answer = await self._client.call(
                "diff", {"diffid": diffid, "limit": _AT_A_TIME}, wire.Events
            )
            events += answer.entries
            diffid = _id_of(answer)
            if len(answer.entries) < _AT_A_TIME:
                return events, diffid

    async def changes(self) -> AsyncIterator[News]:
        """Changes from now on; see `ChangeFeed.changes`."""
        pause = idle = _PAUSE
        diffid: int | None = None
        begun = False
        while True:
            asked = self._clock()
            try:
                if diffid is None:
                    diffid, news = await self._begin()
                    if begun or news:
                        yield EVERYTHING if begun else news
                    begun = True
                answer = await self._client.call(
                    "diff",
                    {"diffid": diffid, "block": 1, "limit": _AT_A_TIME},
                    wire.Events,
                    timeout=PATIENCE,
                )
            except (LoginNeeded, NotSupported):
                raise
            except CloudError as error:
                if error.retry is Retry.NEVER:
                    diffid = None  # an id that the service does not take any more: begin anew
                # else nothing is lost: the same id is asked for again
                await self._sleep(pause)
                pause = min(_LONGEST, pause * 2)
                continue
            news = self._told(answer.entries)
            if news:
                yield news
            diffid = _id_of(answer)
            pause = _PAUSE
            if answer.entries or self._clock() - asked >= _AT_ONCE:
                idle = _PAUSE
            else:
                # a server that does not hold the question must not be asked without end
                await self._sleep(idle)
                idle = min(_LONGEST_IDLE, idle * 2)

    async def _begin(self) -> tuple[int, News]:
        """Where to go on from, and what happened just before."""
        try:
            answer = await self._client.call("diff", {"last": _LOOK_BACK}, wire.Events)
        except (LoginNeeded, NotSupported):
            raise
        except CloudError as error:
            if error.retry is not Retry.NEVER:
                raise
            return await self.newest(), ()  # every client asks for the newest; few look back
        if len(answer.entries) > _LOOK_BACK or any(it.event == "reset" for it in answer.entries):
            # it did not heed `last` and told all there is: the new ones cannot be told apart
            return _id_of(answer), EVERYTHING
        since = self._client.now() - _LOOK_BACK_SECONDS
        recent = [each for each in answer.entries if (wire.seconds(each.time) or 0) >= since]
        if len(recent) >= _LOOK_BACK:
            return _id_of(answer), EVERYTHING
        return _id_of(answer), self._told(recent)

    def _told(self, events: Sequence[wire.Event]) -> News:
        """What events tell of files and folders; our trash folder is kept quiet about."""
        changes: list[Change] = []
        for event in events:
            if event.event == "reset" or "share" in event.event:
                # who shares what with whom may bring or take whole trees
                return EVERYTHING
            item = event.metadata
            if item is None or not event.event.endswith(("file", "folder")):
                continue
            gone = event.event.startswith("delete") or bool(item.isdeleted)
            if not item.is_whole or not (gone or item.name):
                return EVERYTHING
            if is_trash_folder(item, self._root):
                continue
            when = wire.seconds(event.time)
            when_ns = None if when is None else when * _BILLION
            folder = "" if item.parentfolderid is None else f"d{item.parentfolderid}"
            if item.deletedfileid is not None:
                # what a rename put this one in the place of
                changes.append(Change(f"f{item.deletedfileid}", folder, None, when_ns))
            entry = None if gone else self._names.entry(item)
            changes.append(Change(item.node, folder, entry, when_ns))
        return tuple(changes)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()


def _id_of(answer: wire.Events) -> int:
    from cloudtui.services.pcloud.errors import bad_reply

    if answer.diffid is None:
        raise bad_reply("diff", "no diffid")
    return answer.diffid
