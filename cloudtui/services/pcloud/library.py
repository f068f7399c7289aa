"""The files below one folder by path, kept in the cache and brought up to date by the change feed.

The first use lists the folder; later ones ask only what has changed since. Blocking file work is
left to a thread.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Final

import msgspec

from cloudtui.services.models import Entry, Found, Kind, Location, Secret
from cloudtui.services.paths import replacing
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.below import everything_below
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import Names, is_trash_folder, number
from cloudtui.services.pcloud.feed import Feed
from cloudtui.services.pcloud.tree import Tree
from cloudtui.services.playlists import Song

_FORMAT: Final = 2


class Index(msgspec.Struct):
    """What lies below a folder as of the event `diffid`: number to parent and stored name. `chain`
    are the numbers of the folders on the way to it, `top` its own."""

    top: int
    diffid: int
    chain: list[int] = []
    folders: dict[int, tuple[int, str]] = {}
    files: dict[int, tuple[int, str]] = {}
    format: int = _FORMAT


class Shelf:
    """The indexes of one account's folders."""

    def __init__(
        self, account: str, client: Client, names: Names, tree: Tree, feed: Feed, cache: Path
    ) -> None:
        self._account = account
        self._client = client
        self._names = names
        self._tree = tree
        self._root = number(tree.root)
        self._feed = feed
        self._cache = cache

    async def songs(self, at: Location) -> tuple[Found, list[tuple[Song, str]]]:
        """The folder at `at` and every file below it, with its stored path relative to the folder.
        Raises NotFound. What cannot be reached from there any more is left out."""
        index = await self._current(at)
        paths: dict[int, tuple[str, ...] | None] = {index.top: ()}
        found: list[tuple[Song, str]] = []
        for fileid, (parent, name) in index.files.items():
            path = _path(index, parent, paths)
            if path is not None:
                stored = (*path, name)
                local = tuple(self._names.local(part) for part in stored)
                found.append((Song(f"f{fileid}", (*at.parts, *local)), "/".join(stored)))
        node = f"d{index.top}"
        here = Location(self._account, at.parts, node)
        return Found(here, Entry(at.name, node, Kind.FOLDER)), found

    async def _current(self, at: Location) -> Index:
        file = self._file(at, await self._client.token())
        index = await asyncio.to_thread(_read, file)
        if index is not None:
            events, newest = await self._feed.since(index.diffid)
            if await self._apply(index, events):
                if newest != index.diffid:
                    index.diffid = newest
                    await asyncio.to_thread(_write, file, index)
                return index
        # what happens while the folder is listed is told by the feed next time
        diffid = await self._feed.newest()
        ways = [Location(at.account, at.parts[:depth]) for depth in range(1, len(at.parts) + 1)]
        chain = [await self._tree.folder_id(way) for way in ways]
        top = chain[-1] if chain else await self._tree.folder_id(at)
        index = Index(top, diffid, chain)
        for item in await everything_below(self._client, top, self._root):
            _put(index, item)
        await asyncio.to_thread(_write, file, index)
        return index

    async def _apply(self, index: Index, events: list[wire.Event]) -> bool:
        """Work events into the index; False when it must be made anew."""
        for event in events:
            item = event.metadata
            if event.event == "reset" or "share" in event.event:
                return False
            if item is None or not event.event.endswith(("file", "folder")):
                continue
            if item.isfolder and item.folderid in index.chain:
                return False  # it may have another place or name now
            if item.deletedfileid is not None:
                index.files.pop(item.deletedfileid, None)
            outside = is_trash_folder(item, self._root) or not self._inside(index, item)
            if event.event.startswith("delete") or outside:
                _drop(index, item)
                continue
            arrived = item.isfolder and item.folderid not in index.folders
            _put(index, item)
            if arrived and event.event == "modifyfolder" and item.folderid is not None:
                # moved here from elsewhere, with all it holds
                for below in await everything_below(self._client, item.folderid, self._root):
                    _put(index, below)
        return True

    @staticmethod
    def _inside(index: Index, item: wire.Item) -> bool:
        parent = item.parentfolderid
        return parent == index.top or parent in index.folders

    def _file(self, at: Location, token: Secret) -> Path:
        # another sign-in under the same name may be another account
        who = f"cloudtui index {self._client.base} {token.reveal()} {at.path}"
        mark = hashlib.sha256(who.encode(errors="surrogatepass")).hexdigest()[:16]
        return self._cache / f"{self._account}-{mark}.index"


def _put(index: Index, item: wire.Item) -> None:
    place = (item.parentfolderid or 0, item.name)
    if item.isfolder and item.folderid is not None:
        index.folders[item.folderid] = place
    elif item.fileid is not None:
        index.files[item.fileid] = place


def _drop(index: Index, item: wire.Item) -> None:
    if item.isfolder and item.folderid is not None:
        index.folders.pop(item.folderid, None)
    elif item.fileid is not None:
        index.files.pop(item.fileid, None)


def _path(
    index: Index, folder: int, known: dict[int, tuple[str, ...] | None]
) -> tuple[str, ...] | None:
    """The stored path of a folder below the top, None when it hangs on nothing."""
    chain: list[int] = []
    here = folder
    while here not in known:
        if here not in index.folders or here in chain:
            known[here] = None
            break
        chain.append(here)
        here = index.folders[here][0]
    path = known[here]
    for each in reversed(chain):
        path = None if path is None else (*path, index.folders[each][1])
        known[each] = path
    return known[folder]


def _read(file: Path) -> Index | None:
    try:
        index = msgspec.msgpack.decode(file.read_bytes(), type=Index)
    except (OSError, msgspec.DecodeError):
        return None
    return index if index.format == _FORMAT else None


def _write(file: Path, index: Index) -> None:
    with replacing(file) as target:
        target.write(msgspec.msgpack.encode(index))
