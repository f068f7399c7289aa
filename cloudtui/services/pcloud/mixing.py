"""Playlists out of local ones: their tracks looked for in the music on pCloud.

What commands and screens share. Finding is `services.playlists`, keeping is `Playlists`; nothing
here knows where a local list comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cloudtui.services.errors import NotFound, Refused
from cloudtui.services.models import Found, Kind, Location
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud.library import Shelf
from cloudtui.services.pcloud.playlists import Playlist, Playlists
from cloudtui.services.pcloud.storage import PCloudStorage
from cloudtui.services.playlists import Library, Match, read_playlist, write_playlist


class Mixer:
    """The playlists of one folder's music. Made by `open`, which knows the folder's files too."""

    def __init__(
        self, storage: PCloudStorage, folder: Found, library: Library, stored: dict[str, str]
    ) -> None:
        self.folder = folder
        self._storage = storage
        self._library = library
        self._stored = stored
        self._playlists = Playlists(folder.at.account, storage.client, storage.names)

    @classmethod
    async def open(cls, storage: PCloudStorage, at: Location, cache: Path) -> Mixer:
        """For the music below `at`. The first time lists it, later ones ask for changes only.
        Raises NotFound."""
        shelf = Shelf(at.account, storage.client, storage.names, storage.tree, storage.feed, cache)
        folder, songs = await shelf.songs(at)
        library = Library(song for song, _ in songs)
        return cls(storage, folder, library, {song.id: path for song, path in songs})

    def find(self, data: bytes, folder: str, prefix: tuple[str, ...] = ()) -> list[Match]:
        """The tracks of a list that lies in the local `folder`, each with its song or why there is
        none. `prefix` are the parts of a local folder that stands for the music folder."""
        top = self.folder.at.parts
        tracks = read_playlist(data, folder)
        return [self._library.find(each, top=top, prefix=prefix) for each in tracks]

    async def make(
        self, name: str, matches: Sequence[Match], *, as_file: bool = False, links: bool = False
    ) -> Playlist | None:
        """A playlist of what was found, in place of one of that name; None when nothing was.

        A collection where pCloud lets apps make them, else (or with `as_file`) a file beside the
        music; with `links` a file of public links, which are made for it.
        """
        songs = [(match.track, match.song) for match in matches if match.song is not None]
        if not songs:
            return None
        if not (as_file or links) and await self._playlists.collections() is not None:
            ids = [song.id for _, song in songs]
            made, missed = await self._playlists.make_collection(name, ids)
            if missed:
                raise Refused(
                    f"pCloud did not take {missed} of the tracks of {display_name(name)}."
                )
            return made
        entries: list[tuple[str, str]] = []
        for track, song in songs:
            target = self._stored[song.id]
            if links:
                at = Location(self.folder.at.account, song.parts, song.id)
                target = (await self._storage.share(await self._storage.stat(at))).url
            entries.append((target, track.info))
        text = write_playlist(entries)
        return await self._playlists.make_file(self.folder, name, text, len(entries))


async def playlists_of(storage: PCloudStorage, folder: Location) -> list[Playlist]:
    """The account's own playlists, then the playlist files in a folder. Raises NotFound where
    there are neither playlists nor that folder."""
    playlists = Playlists(folder.account, storage.client, storage.names)
    own = await playlists.collections() or ()
    try:
        found = await storage.stat(folder, want=Kind.FOLDER)
    except NotFound:
        if not own:
            raise
        return [*own]
    return [*own, *await playlists.files(found)]


async def remove_playlist(storage: PCloudStorage, account: str, playlist: Playlist) -> None:
    """Delete one; the music stays. A file goes to the trash."""
    if playlist.file is not None:
        await storage.trash([playlist.file])
    else:
        playlists = Playlists(account, storage.client, storage.names)
        await playlists.delete_collection(int(playlist.id))
