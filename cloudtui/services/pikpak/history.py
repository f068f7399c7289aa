"""What was uploaded, saved, fetched and played in an account, and forgetting it.

Nothing is ever recorded here: the service notes uploads and saves by itself, and plays only when a
player tells them, which cloudtui does not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from functools import partial
from typing import Final, TypeVar
from urllib.parse import unquote

import msgspec

from cloudtui.services.errors import CloudError, NotSupported, Refused, Retry, ServerTrouble
from cloudtui.services.history import Deed, Happened
from cloudtui.services.models import Location
from cloudtui.services.naming import decode_name, display_name
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.listing import entry_of
from cloudtui.services.pikpak.paging import paged
from cloudtui.services.pikpak.wire_events import Event, EventList, Invite
from cloudtui.services.retry import retrying

T = TypeVar("T")

EVENTS: Final = "/drive/v1/events"
_PAGE: Final = 100
"""Lines in one page; more are not given."""

_WALKS: Final = 4
"""How often a list is begun that the service does not go on with."""

_TYPES: Final = {
    Deed.UPLOADED: "TYPE_UPLOAD",
    Deed.SAVED: "TYPE_RESTORE",
    Deed.FETCHED: "TYPE_DOWNLOAD",
    Deed.PLAYED: "TYPE_PLAY",
}
_DEEDS: Final = {name: deed for deed, name in _TYPES.items()}


class History:
    """The history of one account."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._decodes = False
        """Page tokens go back decoded: as they came they were not understood."""

    async def scan(self, deeds: Collection[Deed] = ()) -> AsyncIterator[Sequence[Happened]]:
        """Lines of these deeds (none named: of all), newest first, page by page.

        Plays are left out unless they are asked for (measured by one client), so for everything
        two lists are read side by side.
        """
        if deeds:
            lists = [self._pages([_TYPES[deed] for deed in deeds if deed in _TYPES])]
        else:
            lists = [self._pages(()), self._pages([_TYPES[Deed.PLAYED]])]
        async for page in newest_first(lists, _time_of):
            lines = [self._line(event) for event in page]
            yield [line for line in lines if not deeds or line.deed in deeds]

    async def _pages(self, types: Sequence[str]) -> AsyncIterator[list[Event]]:
        """The raw lines, each once. A list whose next page is refused, as one that was open too
        long may be, is walked from its beginning again."""
        told: set[str] = set()
        for walk in range(_WALKS):
            went = False
            try:
                async for page in self._walked(types):
                    went = True
                    fresh = [event for event in page.events or () if event.id not in told]
                    told.update(event.id for event in fresh)
                    if fresh:
                        yield fresh
                return
            except Refused:
                if walk == _WALKS - 1 or not (went or walk):
                    raise

    async def _walked(self, types: Sequence[str]) -> AsyncIterator[EventList]:
        """The pages, from the first to the last. The token of a page is a percent-encoded time
        (seen by one client); whether it goes back as it is or decoded is not known, nor how a
        wrong one is answered, so both are tried."""
        filters = {"type": {"in": ",".join(types)}}
        given = (("filters", msgspec.json.encode(filters).decode()),) if types else ()
        seen: set[str] = set()

        async def ask(token: str) -> EventList:
            query = (
                ("limit", str(_PAGE)),
                ("thumbnail_size", "SIZE_SMALL"),
                ("page_token", token),
                *given,
            )
            return await self._api.attempt(EventList, "GET", EVENTS, query)

        def anew(page: EventList) -> bool:
            """Whether the list began anew, its token not being understood."""
            return bool(page.events) and seen.issuperset(each.id for each in page.events or ())

        async def either(token: str) -> EventList:
            other = unquote(token)
            if self._decodes or other == token:
                return await ask(other)
            trouble: CloudError | None = None
            try:
                page = await ask(token)
                if not anew(page):
                    return page
            except (Refused, ServerTrouble) as error:
                trouble = error
            try:
                page = await ask(other)
            except (Refused, ServerTrouble):
                if trouble is None or trouble.retry is Retry.NEVER:
                    raise
                raise trouble from None  # it may pass; that the other form was wrong will not
            if not anew(page):
                self._decodes = True
            elif trouble is not None:
                raise trouble
            return page

        async def page_at(token: str) -> EventList:
            api = self._api
            return await retrying(partial(either, token), retries=api.retries, on_wait=api.on_wait)

        async for page in paged(page_at):
            yield page
            seen.update(event.id for event in page.events or ())

    def _line(self, event: Event) -> Happened:
        profile = self._api.profile
        row = event.reference_resource
        if row is not None and not row.id:
            row = None
        deed = _DEEDS.get(event.type, Deed.OTHER)
        words = str(deed)
        if deed is Deed.OTHER:
            own = event.type_name or event.type.removeprefix("TYPE_").replace("_", " ").lower()
            words = display_name(own, edges=False) or words
        node = event.file_id or (row.id if row is not None else "")
        return Happened(
            id=event.id,
            deed=deed,
            words=words,
            name=decode_name(event.file_name or (row.name if row else ""), profile.rules),
            when_ns=wire.time_ns(event.created_time) or wire.time_ns(event.updated_time),
            at=Location(profile.account, (f"#{node}",), node) if node else None,
            entry=entry_of(profile, row) if row is not None else None,
            in_trash=row is not None and row.trashed,
        )

    async def forget(self, ids: Sequence[str]) -> None:
        """Remove lines; those that are gone already are fine."""
        for start in range(0, len(ids), tasks.BATCH):
            await self._api.call(
                wire.Nothing,
                "POST",
                f"{EVENTS}:delete",
                body={"ids": list(ids[start : start + tasks.BATCH])},
                safe=True,
            )

    async def clear(self) -> None:
        """Remove all lines."""
        await self._api.call(wire.Nothing, "POST", f"{EVENTS}:clear", body={}, safe=True)

    async def invite_code(self) -> str:
        """The code to invite others with. Raises NotSupported for an account without one."""
        told = await self._api.call(Invite, "GET", "/vip/v1/activity/inviteCode")
        if not told.code:
            raise NotSupported("PikPak has no code for this account to invite others with.")
        return display_name(told.code, edges=False)


def _time_of(event: Event) -> int:
    return wire.time_ns(event.created_time) or 0


async def newest_first(
    lists: Sequence[AsyncIterator[list[T]]], time_of: Callable[[T], int]
) -> AsyncIterator[list[T]]:
    """Several lists in pages, each newest first, as one such list. A list that is out of order
    keeps its own order."""
    waiting: list[tuple[AsyncIterator[list[T]], deque[T]]] = [(each, deque()) for each in lists]
    while waiting:
        for source, rows in list(waiting):
            if not rows:
                page = await anext(source, None)
                if page is None:
                    waiting.remove((source, rows))
                else:
                    rows.extend(page)
        ready: list[T] = []
        while waiting and all(rows for _, rows in waiting):
            _, rows = max(waiting, key=lambda each: time_of(each[1][0]))
            ready.append(rows.popleft())
        if ready:
            yield ready
