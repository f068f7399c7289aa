"""Folder listings, read while they arrive.

pCloud answers a whole folder at once, 40 MB for a hundred thousand entries. The answer is cut
between entries as it comes in and decoded page by page, so that the first rows show while the rest
is still on its way. Must not know names' encoding or caches.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final, TypeVar

import msgspec

from cloudtui.services.errors import CloudError, Retry
from cloudtui.services.naming import stand_in
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.client import SLOW, Client

Some = TypeVar("Some", bound=wire.Item)

PAGE: Final = 2000
_ENOUGH: Final = 1 << 17
"""Bytes to gather before decoding again; the first page comes as soon as it can."""

_OPENING: Final = re.compile(rb'"contents"\s*:\s*\[')
_BETWEEN: Final = re.compile(rb"\}\s*,\s*(?=\{)")


class Splitter:
    """Takes the body of a listing piece by piece and gives entries as soon as they are whole.

    A cut is right when what stands before it decodes: text cut inside a string or inside a nested
    object never does.
    """

    def __init__(self) -> None:
        self._head = b""
        self._rest = bytearray()
        self._wanted = 1

    def feed(self, piece: bytes) -> list[wire.Item]:
        """More of the body; the entries that became whole with it."""
        self._rest += piece
        if not self._head:
            opening = _OPENING.search(self._rest)
            if opening is None:
                return []
            self._head = bytes(self._rest[: opening.end()])
            del self._rest[: opening.end()]
        if len(self._rest) < self._wanted:
            return []
        self._wanted = _ENOUGH
        return self._cut()

    def _cut(self) -> list[wire.Item]:
        cuts = [match.start() + 1 for match in _BETWEEN.finditer(self._rest)]
        for cut in reversed(cuts[-64:]):
            try:
                items = wire.decode_items(b"[" + bytes(self._rest[:cut]) + b"]")
            except msgspec.DecodeError:
                continue
            comma = self._rest.index(b",", cut)
            del self._rest[: comma + 1]
            return items
        return []

    def end(self) -> wire.Listing:
        """What remained, as an answer: the last entries in its metadata, or an error's result.

        Raises ValueError when the body was cut short or is no JSON.
        """
        return wire.decode(self._head + bytes(self._rest), wire.Listing)


async def pages(
    client: Client, folderid: int, *, no_files: bool = False
) -> AsyncIterator[list[wire.Item]]:
    """The entries of a folder in pages of at most `PAGE`, in the service's order.

    When the answer breaks off it is asked for again and the entries already given are left out.
    Raises NotFound and the like.
    """
    params: dict[str, str | int] = {"folderid": folderid}
    if no_files:
        params["nofiles"] = 1
    given: set[str] = set()
    while True:
        before = len(given)
        try:
            async for items in _first(client, params, given):
                for start in range(0, len(items), PAGE):
                    page = items[start : start + PAGE]
                    given.update(item.node for item in page)
                    yield page
        except CloudError as error:
            # each new try must bring something, else the retries inside have been used up
            if error.retry is Retry.NEVER or len(given) == before:
                raise
            continue
        return


async def _first(
    client: Client, params: dict[str, str | int], given: set[str]
) -> AsyncIterator[list[wire.Item]]:
    """One reading of the listing, begun with the account's patience: retries cover everything up
    to the first entry, later failures are the caller's."""
    reading, items = await client.retry(lambda: _begin(client, params))
    try:
        while items is not None:
            fresh = [item for item in items if item.node not in given] if given else items
            if fresh:
                yield fresh
            items = await anext(reading, None)
    finally:
        await reading.aclose()


async def _begin(
    client: Client, params: dict[str, str | int]
) -> tuple[AsyncGenerator[list[wire.Item], None], list[wire.Item] | None]:
    reading = _read(client, params)
    return reading, await anext(reading, None)


async def _read(
    client: Client, params: dict[str, str | int]
) -> AsyncGenerator[list[wire.Item], None]:
    """One reading of the whole answer. A task of its own takes it from the connection, so that
    somebody who walks a tree page by page holds no connection per level."""
    queue: asyncio.Queue[list[wire.Item] | None] = asyncio.Queue()

    async def take() -> None:
        try:
            await _take(client, params, queue)
        finally:
            queue.put_nowait(None)

    task = asyncio.create_task(take())
    try:
        while (items := await queue.get()) is not None:
            yield items
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _take(
    client: Client, params: dict[str, str | int], queue: asyncio.Queue[list[wire.Item] | None]
) -> None:
    while True:
        base = client.base
        splitter = Splitter()
        async with client.stream("listfolder", params, timeout=SLOW) as body:
            async for piece in body:
                items = splitter.feed(piece)
                if items:
                    queue.put_nowait(readable(items))
                    await asyncio.sleep(0)  # a fast server must not hold the loop
        try:
            answer = splitter.end()
        except ValueError as exc:
            why, retry = f"cut short ({type(exc).__name__})", errors.again_after(exc, change=False)
            raise errors.bad_reply("listfolder", why, retry=retry) from exc
        if answer.result in errors.ELSEWHERE and await client.other_region(base):
            continue
        await client.require_success(answer, "listfolder")
        folder = _folder(answer)
        queue.put_nowait(readable(folder.contents or []))
        return


def readable(items: list[Some]) -> list[Some]:
    """The same entries, with a stand-in for a name that is missing. Raises BadReply when one has no
    id: left out it would be taken for deleted by whoever compares folders."""
    for item in items:
        if not item.is_whole:
            raise errors.bad_reply("listfolder", "an entry without an id", retry=Retry.NEVER)
        item.name = item.name or stand_in(item.node)
    return items


def _folder(answer: wire.Listing) -> wire.Folder:
    """The folder of a successful answer."""
    if answer.metadata is None:
        raise errors.bad_reply("listfolder", "no metadata", retry=Retry.NEVER)
    return answer.metadata


async def folder_alone(client: Client, folderid: int) -> wire.Item:
    """The metadata of a folder itself: its skeleton is listed, since `stat` by folder id is not
    documented. Raises NotFound."""
    answer = await client.call("listfolder", {"folderid": folderid, "nofiles": 1}, wire.Listing)
    folder = _folder(answer)
    if folder.isdeleted:
        raise errors.from_result(2005, method="listfolder")
    return folder


async def children(client: Client, folderid: int, *, no_files: bool = False) -> list[wire.Item]:
    """All entries of a folder at once."""
    return [item async for page in pages(client, folderid, no_files=no_files) for item in page]
