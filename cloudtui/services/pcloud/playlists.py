"""Playlists on pCloud: collections where the sign-in is allowed to them, else files beside the
music that any player reads.

Collections are closed to OAuth tokens (measured on the real service). Nothing is replaced before
its successor is whole.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import Denied, Mismatch, NotFound, NotSupported
from cloudtui.services.models import Entry, Found, Kind, Location
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import Names, number
from cloudtui.services.pcloud.form import file_form
from cloudtui.services.pcloud.listing import children

ENDING: Final = ".m3u8"
_AT_A_TIME: Final = 100
"""Tracks in one call; more than 300 drop the connection, says who tried."""
_PAUSE: Final = 0.25
"""Seconds between calls that add tracks; without it the service reports internal errors, says the
same."""
_AUDIO: Final = 1

Sleep = Callable[[float], Awaitable[None]]


class Playlist(Struct, frozen=True):
    """A playlist. `id` is the collection's number, or the id of the file; `tracks` is None where
    it is not known; `file` is where it lies when it is a file."""

    id: str
    name: str
    tracks: int | None = None
    file: Found | None = None


class Playlists:
    """The playlists of one account."""

    def __init__(
        self, account: str, client: Client, names: Names, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._account = account
        self._client = client
        self._names = names
        self._sleep = sleep

    async def collections(self) -> list[Playlist] | None:
        """The service's own playlists; None when pCloud closes them to apps."""
        found = await self._collections()
        if found is None:
            return None
        return [Playlist(str(one.id), one.name, one.items) for one in found if not one.system]

    async def _collections(self) -> list[wire.Collection] | None:
        try:
            answer = await self._client.call("collection_list", {"type": _AUDIO}, wire.Collections)
        except (NotSupported, Denied):
            return None
        return answer.collections

    # --- collections ----------------------------------------------------------------------

    async def make_collection(self, name: str, files: Sequence[str]) -> tuple[Playlist, int]:
        """A collection of these files in their order, in place of one of the same name; with how
        many the service did not take. The old one goes when the new one is whole."""
        old = [one for one in await self._collections() or () if one.name == name]
        old = [one for one in old if not one.system]
        draft = f"{name} (new)" if old else name
        for one in await self._collections() or ():
            if one.name == draft and not one.system and one.id is not None:
                await self.delete_collection(one.id)  # left by a run that was cut off
        numbers = [number(node, Kind.FILE) for node in files]
        made = await self._create(draft, numbers[:_AT_A_TIME])
        assert made.one is not None
        missed = _missed(made)
        for start in range(_AT_A_TIME, len(numbers), _AT_A_TIME):
            await self._sleep(_PAUSE)
            missed += await self._add(made.one.id or 0, numbers, start)
        for one in old:
            await self.delete_collection(one.id or 0)
        if draft != name:
            await self._client.call(
                "collection_rename",
                {"collectionid": made.one.id or 0, "name": name},
                wire.CollectionAnswer,
                change=True,
            )
        return Playlist(str(made.one.id), name, len(numbers) - missed), missed

    async def _create(self, name: str, files: Sequence[int]) -> wire.CollectionAnswer:
        async def look() -> wire.CollectionAnswer | None:
            for one in await self._collections() or ():
                if one.name == name and not one.system:
                    return wire.CollectionAnswer(result=0, collection=one)
            return None

        answer = await self._client.call(
            "collection_create",
            {"name": name, "type": _AUDIO, "fileids": _joined(files)},
            wire.CollectionAnswer,
            change=True,
            safe=False,
            reconcile=look,
        )
        if answer.one is None or answer.one.id is None:
            raise NotSupported("pCloud did not make the playlist.")
        return answer

    async def _add(self, collection: int, files: Sequence[int], start: int) -> int:
        """Add the tracks from `start` on, one call's worth; how many were not taken."""

        async def look() -> wire.CollectionAnswer | None:
            for one in await self._collections() or ():
                if one.id == collection and one.items > start:
                    return wire.CollectionAnswer(result=0, collection=one)
            return None

        answer = await self._client.call(
            "collection_linkfiles",
            {
                "collectionid": collection,
                "fileids": _joined(files[start : start + _AT_A_TIME]),
                "noitems": 1,
            },
            wire.CollectionAnswer,
            change=True,
            safe=False,
            reconcile=look,
        )
        return _missed(answer)

    async def delete_collection(self, collection: int) -> None:
        """Delete a collection; the tracks stay. That it is gone already is fine."""
        try:
            await self._client.call(
                "collection_delete", {"collectionid": collection}, wire.Answer, change=True
            )
        except NotFound:
            return

    # --- files ----------------------------------------------------------------------------

    async def files(self, folder: Found) -> list[Playlist]:
        """The playlist files that lie in a folder."""
        found: list[Playlist] = []
        for item in await children(self._client, number(folder.entry.id)):
            entry = self._names.entry(item)
            if not entry.is_folder and entry.name.lower().endswith((ENDING, ".m3u")):
                found.append(self._file(folder.at, entry))
        return found

    def _file(self, folder: Location, entry: Entry) -> Playlist:
        name = entry.name.rpartition(".")[0]
        return Playlist(entry.id, name, None, Found.of(folder, entry))

    async def make_file(self, folder: Found, name: str, text: str, tracks: int) -> Playlist:
        """A playlist file in a folder. What a file of the name held stays as a version of it.
        Raises Mismatch when what arrived is not what was sent."""
        content = text.encode()
        stored = self._names.stored(name + ENDING)
        fields: dict[str, str | int] = {
            "folderid": number(folder.entry.id),
            "filename": stored,
            "nopartial": 1,
        }
        form = file_form(fields, stored)

        async def send() -> wire.Uploaded:
            # sent again it replaces itself with the same words
            return await self._client.post_form("uploadfile", form, content, wire.Uploaded)

        answer = await self._client.retry(send)
        entry = self._names.entry(answer.metadata[0]) if answer.metadata else None
        sums = [one.sha1.lower() for one in answer.checksums if one.sha1]
        if entry is None or sums != [hashlib.sha1(content).hexdigest()]:
            raise Mismatch(
                f"The playlist {display_name(name)} did not arrive as it was sent.",
                hint="Make it again.",
            )
        made = self._file(folder.at, entry)
        return Playlist(made.id, name, tracks, made.file)


def _joined(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _missed(answer: wire.CollectionAnswer) -> int:
    return sum(1 for one in answer.linkresult if one.result != 0)
