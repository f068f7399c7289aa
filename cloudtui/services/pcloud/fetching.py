"""Files that pCloud fetches by a link, and the three calls that this takes.

Progress is known to the server that took the order and to nobody else, under a word of our own
choosing. The word and the server are written down before the order is given, so that a process
that goes on after a kill asks first. Links are secrets and are not written down. Must not move
bytes.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from cloudtui.services.errors import Exists, Gone, Mismatch, Refused
from cloudtui.services.failpoints import failpoint
from cloudtui.services.fetches import Fetching
from cloudtui.services.models import Entry, HashType, Kind, Location
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.changes import Changes
from cloudtui.services.pcloud.client import SLOW, Client
from cloudtui.services.pcloud.entries import Names, folded, id_param, whole
from cloudtui.services.pcloud.links import digests
from cloudtui.services.pcloud.regions import server_named
from cloudtui.services.pcloud.tree import Tree
from cloudtui.services.storage import SourceFacts

_PATIENCE: Final = 10
"""First waits (of the retries) that the server may know nothing of an order it was given."""
_SERVER_LIFE: Final = 60.0
"""Seconds the name of the server that answers is good for new orders."""
_BILLION: Final = 1_000_000_000
_COMPARED: Final = (HashType.SHA1, HashType.MD5, HashType.SHA256)


async def server_of(client: Client) -> str:
    """The origin that will know the progress: orders and questions go to one server."""
    try:
        answer = await client.call("currentserver", {}, wire.Server)
    except Refused:
        return client.base
    return server_named(answer.hostname, client.base)


async def order(
    client: Client,
    server: str,
    word: str,
    *,
    url: str,
    folder: int,
    name: str,
    known: Callable[[], Awaitable[wire.Answer | None]],
) -> None:
    """Have `url` fetched into a folder under the stored `name`; on a clash the service numbers it.

    `known` tells after a lost answer whether the order was taken.
    """
    await client.call(
        "downloadfileasync",
        {
            "url": url,
            "folderid": folder,
            "progresshash": word,
            # several names are separated by commas
            "target": quote(name, safe=""),
        },
        wire.Answer,
        change=True,
        safe=False,
        reconcile=known,
        base=server,
    )


async def progress(client: Client, server: str, word: str) -> wire.FetchProgress:
    """What the server knows of an order. Raises Gone for a word it does not know (yet)."""
    return await client.call(
        "uploadprogress", {"progresshash": word}, wire.FetchProgress, base=server
    )


async def was_taken(
    client: Client, server: str, word: str, arrived: Callable[[], Awaitable[bool]]
) -> bool:
    """Whether an order is known to its server, or its file has `arrived`. A server may be a moment
    behind with its orders."""
    wait = client.retries.first_wait
    for turn in range(_PATIENCE):
        if turn:
            await asyncio.sleep(wait)
        try:
            await progress(client, server, word)
        except Gone:
            if await arrived():
                return True
        else:
            return True
    return False


class Fetch(msgspec.Struct, frozen=True):
    """What is written down of a fetch. `word` is its progress word, `server` the origin that is
    asked, `name` the stored name, `time` the service's second in which it was prepared."""

    word: str
    server: str
    folder: int
    name: str
    size: int
    mtime: int | None
    time: float


_decoder: Final = msgspec.json.Decoder(Fetch)


class Fetches:
    """Makes the fetches of one account."""

    def __init__(self, client: Client, names: Names, tree: Tree, changes: Changes) -> None:
        self.client = client
        self.names = names
        self.tree = tree
        self.changes = changes
        self._server = ""
        self._server_until = 0.0
        self._asking = asyncio.Lock()

    async def open(self, parent: Location, name: str, facts: SourceFacts) -> LinkWrite:
        """Prepare one."""
        fetch = Fetch(
            word=secrets.token_hex(12),
            server=await self._current(),
            folder=await self.tree.folder_id(parent),
            name=self.names.stored(name),
            size=facts.size,
            mtime=None if facts.mtime_ns is None else facts.mtime_ns // _BILLION,
            time=self.client.now(),
        )
        return LinkWrite(self, fetch, begun=False)

    def reopen(self, state: bytes) -> LinkWrite:
        """One that may have been ordered."""
        return LinkWrite(self, _decoder.decode(state), begun=True)

    async def _current(self) -> str:
        loop = asyncio.get_running_loop()
        async with self._asking:
            if loop.time() >= self._server_until:
                self._server = await server_of(self.client)
                self._server_until = loop.time() + _SERVER_LIFE
            return self._server


class LinkWrite:
    """One file on its way. See `FetchWrite`."""

    def __init__(self, fetches: Fetches, fetch: Fetch, *, begun: bool) -> None:
        self._all = fetches
        self._client = fetches.client
        self._fetch = fetch
        self._begun = begun
        self._item: wire.Item | None = None
        self.checked = False

    def state(self) -> bytes:
        """All that `reopen_write` needs."""
        return msgspec.json.encode(self._fetch)

    # --- the order ------------------------------------------------------------------------

    async def order(self, urls: Sequence[str]) -> None:
        """Order it once."""
        fetch = self._fetch
        if self._begun and await self._taken():
            return
        await order(
            self._client,
            fetch.server,
            fetch.word,
            url=urls[0],
            folder=fetch.folder,
            name=fetch.name,
            known=self._known,
        )
        self._begun = True
        failpoint("pcloud.fetch.ordered")

    async def _known(self) -> wire.Answer | None:
        return wire.Answer(result=0) if await self._taken() else None

    async def _taken(self) -> bool:
        """Whether the service knows of the order, or a file came of it."""

        async def arrived() -> bool:
            self._item = await self._arrived()
            return self._item is not None

        return await was_taken(self._client, self._fetch.server, self._fetch.word, arrived)

    async def _arrived(self) -> wire.Item | None:
        """The file that came of the order, when its server has forgotten both."""
        fetch = self._fetch
        item = await self._all.tree.named(fetch.folder, fetch.name, Kind.FILE)
        if item is None or item.size != fetch.size:
            return None
        created = wire.seconds(item.created)
        # a file that stood there before is not ours; clocks of one service may differ a little
        return item if created is not None and created >= fetch.time - 5 else None

    # --- on its way -----------------------------------------------------------------------

    async def progress(self) -> Fetching:
        """Ask the server that took the order."""
        if self._item is not None:
            return Fetching(self._fetch.size, finished=True)
        try:
            told = await progress(self._client, self._fetch.server, self._fetch.word)
        except Gone:
            if not await self._taken():
                raise
            return Fetching(0)
        file = told.files[0] if told.files else None
        ended = told.finished if file is None else file.status in ("ready", "error")
        if ended and (file is None or file.status == "ready"):
            # not every answer tells which file came of it
            item = None if file is None else file.metadata
            self._item = item if item is not None and item.is_whole else await self._arrived()
        if self._item is not None:
            return Fetching(self._fetch.size, finished=True)
        if ended:
            raise Refused(
                f"pCloud could not fetch {self._shown} by its link.", hint="Nothing was kept there."
            )
        done = file.downloaded or 0 if file is not None else 0
        return Fetching(min(done, self._fetch.size))

    @property
    def _shown(self) -> str:
        return display_name(self._all.names.local(self._fetch.name))

    # --- the end --------------------------------------------------------------------------

    async def finish(self, facts: SourceFacts) -> Entry:
        """Look at what came, compare it, give it its time."""
        fetch, item = self._fetch, self._item
        if item is None:
            raise Gone(f"{self._shown} has not arrived.")
        if folded(item.name) != folded(fetch.name):
            # somebody was faster, or an order whose answer was lost came through after all
            mine = await self._arrived() or await self._renamed(item)
            if mine is None or mine.node != item.node:
                await self._all.changes.delete(item.node)
                failpoint("pcloud.fetch.twin")
            if mine is None:
                raise Exists(
                    f"{self._shown} is already there and was left as it is.",
                    hint="Copy again to be asked.",
                )
            self._item = item = mine
        if item.size != fetch.size:
            await self._bad(item)
        wanted = {kind: facts.hashes[kind] for kind in _COMPARED if kind in facts.hashes}
        if wanted:
            sums = await self._client.call("checksumfile", id_param(item.node), wire.Checksums)
            theirs = digests(sums)
            shared = [kind for kind in wanted if kind in theirs]
            if any(wanted[kind].lower() != theirs[kind].lower() for kind in shared):
                await self._bad(item)
            self.checked = bool(shared)
        return self._all.names.entry(await self._timed(item))

    async def _renamed(self, item: wire.Item) -> wire.Item | None:
        """The file under the name it was ordered for, when that name is free: the service called
        it as its source does. None when the name is taken."""
        fetch = self._fetch
        if await self._all.tree.named(fetch.folder, fetch.name, Kind.FILE) is not None:
            return None
        return await self._all.changes.relocate(item.node, None, fetch.name)

    async def _bad(self, item: wire.Item) -> None:
        await self._all.changes.delete(item.node)
        raise Mismatch(
            f"{self._shown} arrived at pCloud differently from its source; it was not kept there.",
            hint="Copy it again.",
        )

    async def _timed(self, item: wire.Item) -> wire.Item:
        """The file with the source's time: a copy onto itself sets it, as rclone does."""
        fetch = self._fetch
        if fetch.mtime is None or wire.seconds(item.modified) == fetch.mtime:
            return item
        answer = await self._client.call(
            "copyfile",
            {
                **id_param(item.node),
                "tofolderid": fetch.folder,
                "toname": fetch.name,
                "mtime": fetch.mtime,
            },
            wire.One,
            change=True,
            timeout=SLOW,
        )
        failpoint("pcloud.fetch.timed")
        return whole(answer.metadata, "copyfile")

    async def abort(self) -> None:
        """Remove the file if it has come. There is no call that takes an order back: what pCloud
        is still fetching lands there later."""
        if self._begun and self._item is None:
            try:
                await self.progress()
            except (Gone, Refused):
                return
        if self._item is not None:
            await self._all.changes.delete(self._item.node)


def is_fetch(state: bytes) -> bool:
    """Whether this is the state of a fetch, and not of an upload."""
    try:
        _decoder.decode(state)
    except msgspec.DecodeError:
        return False
    return True
