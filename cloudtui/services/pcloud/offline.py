"""Downloads made by pCloud itself: a URL becomes a file there, no byte passes this machine.

pCloud keeps no list of them. Progress is asked for by a word of our choosing, at the very server
that took the order; what was ordered is therefore remembered here, sealed, for it holds URLs that
may be signed. Must not move bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from cloudtui.services.accounts import Account, Keys
from cloudtui.services.errors import (
    CloudError,
    Gone,
    NotFound,
    Retry,
    ServerTrouble,
    UsageError,
)
from cloudtui.services.errors import Offline as Disconnected
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Kind, Location, OfflineTask, Secret, TaskPhase
from cloudtui.services.naming import cut_name, display_name, numbered
from cloudtui.services.pcloud import fetching, wire
from cloudtui.services.pcloud.changes import Changes
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import Names
from cloudtui.services.pcloud.links import Links
from cloudtui.services.pcloud.parallel import each
from cloudtui.services.pcloud.tree import Tree

_ITEM: Final = "offline"
_REMEMBERED: Final = 500
_QUIET: Final = 120
"""Seconds the service may know nothing of a new order before it counts as forgotten."""
_MOST_NAME: Final = 255
_PEEK: Final = 256
_LARGEST_PAGE: Final = 4 << 20
_PAGE_BEGINS: Final = (b"<!doctype html", b"<html", b"<head")
_PAGE_INSTEAD: Final = "A web page came in place of the file; look into it before keeping it."


class Order(msgspec.Struct):
    """What is remembered of one download. `id` is its progress word, `server` the origin that
    took it, `name` the stored name asked for, `folder` the target's number, `path` its local
    path as stored names, `phase` the last one seen."""

    id: str
    url: str
    server: str
    name: str
    folder: int
    path: list[str]
    time: int
    phase: str = TaskPhase.WAITING.value
    percent: int = 0
    message: str = ""
    size: int | None = None
    node: str = ""


class Offline:
    """The downloads of one account."""

    def __init__(
        self,
        account: Account,
        keys: Keys,
        client: Client,
        names: Names,
        tree: Tree,
        changes: Changes,
        links: Links,
    ) -> None:
        self._account = account.name
        self._keys = keys
        self._client = client
        self._names = names
        self._tree = tree
        self._changes = changes
        self._links = links

    # --- what is remembered ---------------------------------------------------------------

    async def _orders(self) -> list[Order]:
        await self._client.token()
        kept = await self._keys.read_sealed(_ITEM, self._client.base)
        if kept is None:
            return []
        try:
            return msgspec.json.decode(kept.reveal(), type=list[Order])
        except msgspec.DecodeError:
            return []

    async def _note(self, changed: Sequence[Order], gone: frozenset[str] = frozenset()) -> None:
        """Write changed orders among those of other processes."""
        async with self._keys.lock():
            orders = {order.id: order for order in await self._orders()}
            orders.update((order.id, order) for order in changed)
            kept = [order for order in orders.values() if order.id not in gone]
            text = msgspec.json.encode(kept[-_REMEMBERED:]).decode()
            await self._keys.write_sealed(_ITEM, self._client.base, Secret(text))

    # --- ordering -------------------------------------------------------------------------

    async def add(self, url: str, parent: Location, *, name: str = "") -> OfflineTask:
        """Order one download. `name` is the local name it shall get; else the URL's last part."""
        # several addresses in one order are separated by white space
        url = "%20".join(url.split())
        parts = urlsplit(url)
        if parts.scheme == "magnet":
            raise UsageError("pCloud fetches web addresses, not magnets.", hint="PikPak does.")
        if parts.scheme not in ("http", "https", "ftp") or not parts.hostname:
            raise UsageError(
                f"{display_name(url[:80])} is not a web address.",
                hint="It must begin with http:// or https://.",
            )
        folder = await self._tree.folder_id(parent)
        stored = self._names.stored(name or _name_of(parts.path) or parts.hostname)
        taken = await self._tree.names_in(folder)
        free, n = stored, 1
        while (Kind.FILE, free) in taken:
            n += 1
            free = numbered(stored, n)
        where = parent
        if parent.node is not None and not parent.parts:
            where = Location(self._account, await self._tree.path_of(folder))
        order = Order(
            id=secrets.token_hex(12),
            url=url,
            server=await fetching.server_of(self._client),
            name=free,
            folder=folder,
            path=[self._names.stored(part) for part in where.parts],
            time=int(self._client.now()),
        )
        await self._send(order)
        return self._shown(order)

    async def _send(self, order: Order) -> None:
        # remembered first: a lost answer leaves an order that can be asked about
        await self._note([order])

        async def arrived() -> bool:
            # the name was free when it was ordered
            return await self._tree.named(order.folder, order.name, Kind.FILE) is not None

        async def known() -> wire.Answer | None:
            taken = await fetching.was_taken(self._client, order.server, order.id, arrived)
            return wire.Answer(result=0) if taken else None

        try:
            await fetching.order(
                self._client,
                order.server,
                order.id,
                url=order.url,
                folder=order.folder,
                name=order.name,
                known=known,
            )
        except CloudError as error:
            if error.retry is not Retry.RECONCILE:
                await self._note([], frozenset({order.id}))
            # else it may have been taken: it stays among those that are asked about
            raise
        failpoint("pcloud.offline.added")

    # --- progress -------------------------------------------------------------------------

    async def _progress(self, order: Order) -> wire.FetchProgress:
        return await fetching.progress(self._client, order.server, order.id)

    async def _ask(self, order: Order) -> bool:
        """Bring an order up to date; whether anything changed."""
        before = msgspec.structs.astuple(order)
        try:
            progress = await self._progress(order)
        except Gone:
            await self._look(order)
        except (Disconnected, ServerTrouble):
            if order.server == self._client.base:
                raise
            await self._look(order)  # that one server may be gone for good
        else:
            self._read(order, progress)
            if progress.finished and not progress.files:
                # not every answer tells which file came of it
                await self._look(order, over=True)
        if order.phase == TaskPhase.DONE and not order.message and await self._is_page(order):
            order.message = _PAGE_INSTEAD
        return msgspec.structs.astuple(order) != before

    def _read(self, order: Order, progress: wire.FetchProgress) -> None:
        told = progress.files[0] if progress.files else None
        if told is None:
            order.phase = TaskPhase.FETCHING
            return
        order.size = told.size if told.size is not None else order.size
        if told.size and told.downloaded is not None:
            order.percent = min(99, told.downloaded * 100 // told.size)
        if told.status == "ready":
            self._finish(order, told.metadata)
        elif told.status == "error":
            order.phase = TaskPhase.FAILED
            order.message = "pCloud could not fetch it."
        else:
            waiting = told.status == "waiting"
            order.phase = TaskPhase.WAITING if waiting else TaskPhase.FETCHING

    def _finish(self, order: Order, item: wire.Item | None) -> None:
        order.phase, order.percent, order.message = TaskPhase.DONE, 100, ""
        if item is None:
            return
        order.name, order.node = item.name, item.node
        order.size = item.size if item.size is not None else order.size
        if _expects_no_page(order) and (item.contenttype or "").startswith("text/html"):
            order.message = _PAGE_INSTEAD

    async def _is_page(self, order: Order) -> bool:
        """Whether a web page came where a file was asked for: a sign-in page with status 200 is
        stored like any file, under the name and so the type that was asked for."""
        if not order.node or not order.size or order.size > _LARGEST_PAGE:
            return False
        if not _expects_no_page(order):
            return False
        try:
            start = await self._links.read_small(order.node, most=_PEEK, head=True)
        except CloudError:
            return False  # only a hint was wanted; the file is there
        return start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGE_BEGINS)

    async def _look(self, order: Order, *, over: bool = False) -> None:
        """The service has forgotten the order, or says of it only that it is over: the folder
        shows what became of it."""
        try:
            item = await self._tree.named(order.folder, order.name, Kind.FILE)
        except NotFound:
            item = None
        if item is not None:
            self._finish(order, item)
        elif over:
            order.phase, order.message = TaskPhase.FAILED, "pCloud could not fetch it."
        elif self._client.now() - order.time > _QUIET:
            order.phase = TaskPhase.FAILED
            order.message = "pCloud no longer knows of it, and no file came of it."

    async def scan(self) -> AsyncIterator[Sequence[OfflineTask]]:
        """All remembered downloads, newest first, with their progress as of now."""
        orders = await self._orders()
        running = [
            order for order in orders if order.phase in (TaskPhase.WAITING, TaskPhase.FETCHING)
        ]
        answers = await each(running, self._ask)
        changed = [order for order, news in zip(running, answers, strict=True) if news]
        if changed:
            await self._note(changed)
        if orders:
            yield [self._shown(order) for order in reversed(orders)]

    async def _find(self, task_id: str) -> Order:
        for order in await self._orders():
            if order.id == task_id:
                return order
        raise NotFound(f"There is no download {display_name(task_id)}.")

    async def retry(self, task_id: str) -> OfflineTask:
        """Order a failed download anew; it gets a new id."""
        old = await self._find(task_id)
        if old.phase != TaskPhase.FAILED:
            raise UsageError("Only a failed download can be tried again.")
        parent = Location(
            self._account,
            tuple(self._names.local(part) for part in old.path),
            f"d{old.folder}",
        )
        fresh = await self.add(old.url, parent, name=self._names.local(old.name))
        await self._note([], frozenset({old.id}))
        return fresh

    async def remove(self, task_ids: Sequence[str], *, files: bool) -> None:
        """Forget downloads; one under way goes on at pCloud. With `files` results are deleted."""
        orders = [await self._find(task_id) for task_id in task_ids]
        if files:
            await each([order.node for order in orders if order.node], self._changes.delete)
        await self._note([], frozenset(task_ids))

    def _shown(self, order: Order) -> OfflineTask:
        name = self._names.local(order.name)
        path = tuple(self._names.local(part) for part in order.path)
        return OfflineTask(
            id=order.id,
            name=name,
            url=order.url,
            phase=TaskPhase(order.phase),
            percent=order.percent,
            message=order.message,
            size=order.size,
            target=Location(self._account, (*path, name), order.node or None),
        )


def _expects_no_page(order: Order) -> bool:
    """Whether the name asked for is not that of a web page or of anything."""
    name = order.name.lower()
    return "." in name and not name.endswith((".html", ".htm", ".xhtml", ".php", ".asp", ".aspx"))


def _name_of(path: str) -> str:
    """A file name from a URL's path; what pCloud cannot store is replaced."""
    name = unquote(path.rstrip("/").rpartition("/")[2])
    name = "".join("_" if char in "/\\\0" else char for char in name)
    return cut_name(name, _MOST_NAME) if name.strip(". ") else ""
