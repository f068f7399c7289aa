"""The change feed: what others change, told within a second, by one call that waits.

`diff` answers as soon as something happens after the id it is given. It has a connection of its
own: any byte sent on it meanwhile would end the wait. Must not list folders.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from cloudtui.services.errors import CloudError, LoginNeeded, NotSupported, Offline
from cloudtui.services.models import EVERYTHING, ChangedFolders
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import Client

PATIENCE: Final = 90.0
"""Seconds without an answer before the call is made again; servers answer after a minute at most,
as far as rclone's experience goes."""
_PAUSE: Final = 2.0
_LONGEST: Final = 30.0
_AT_A_TIME: Final = 5000

Sleep = Callable[[float], Awaitable[None]]


class Feed:
    """One account's changes. `client` is used for nothing else."""

    def __init__(self, client: Client, *, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._sleep = sleep

    async def newest(self) -> int:
        """The id of the newest event: a cheap call."""
        return _id_of(await self._client.call("diff", {"last": 0}, wire.Events))

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

    async def changes(self) -> AsyncIterator[ChangedFolders]:
        """Changes from now on; see `ChangeFeed.changes`."""
        pause = _PAUSE
        diffid: int | None = None
        begun = False
        while True:
            try:
                if diffid is None:
                    diffid = await self.newest()
                    if begun:
                        yield EVERYTHING
                    begun = True
                answer = await self._client.call(
                    "diff",
                    {"diffid": diffid, "block": 1, "limit": _AT_A_TIME},
                    wire.Events,
                    timeout=PATIENCE,
                )
            except (LoginNeeded, NotSupported):
                raise
            except Offline:
                # nothing is lost: the same id is asked for again
                await self._sleep(pause)
                pause = min(_LONGEST, pause * 2)
                continue
            except CloudError:
                # an id that the service does not take any more: begin anew
                diffid = None
                await self._sleep(pause)
                pause = min(_LONGEST, pause * 2)
                continue
            pause = _PAUSE
            changed = touched(answer.entries)
            if changed:
                yield changed
            diffid = _id_of(answer)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()


def touched(events: list[wire.Event]) -> ChangedFolders:
    """The folders and entries that events are about.

    A move tells the new folder only; the entry's own id lets whoever still shows it in the old one
    notice.
    """
    found: set[str] = set()
    for event in events:
        if event.event == "reset" or "share" in event.event:
            # who shares what with whom may bring or take whole trees
            return EVERYTHING
        item = event.metadata
        if item is None or not event.event.endswith(("file", "folder")):
            continue
        if item.is_whole:
            found.add(item.node)
        if item.parentfolderid is not None:
            found.add(f"d{item.parentfolderid}")
        if item.deletedfileid is not None:
            found.add(f"f{item.deletedfileid}")
    return frozenset(found)


def _id_of(answer: wire.Events) -> int:
    from cloudtui.services.pcloud.errors import bad_reply

    if answer.diffid is None:
        raise bad_reply("diff", "no diffid")
    return answer.diffid
