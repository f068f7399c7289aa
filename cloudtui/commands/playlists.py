"""`playlist`: local playlists brought to the music on pCloud."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.session import Failures, GeneralGroup, run
from cloudtui.services.errors import CloudError, ExitCode, NotFound, NotSupported, Refused
from cloudtui.services.models import DISK, Found, Kind, Location
from cloudtui.services.naming import display_name
from cloudtui.services.playlists import Library, Match, read_playlist, write_playlist

if TYPE_CHECKING:
    from cloudtui.services.pcloud.playlists import Playlist, Playlists
    from cloudtui.services.pcloud.storage import PCloudStorage
    from cloudtui.services.runtime import Runtime

_MUSIC = "Music"


@click.group(cls=GeneralGroup)
def playlist() -> None:
    """Playlists of music on pCloud."""


async def _account(runtime: Runtime, text: str) -> tuple[PCloudStorage, Location, Playlists]:
    """The account, where its music is (`/Music` when only NAME: was said), its playlists."""
    at = runtime.parse(text).at
    if at.account == DISK or runtime.account(at.account).kind != "pcloud":
        raise NotSupported("Playlists are made on pCloud.", hint="Name an account of it.")
    storage: object = await runtime.storage(at.account)
    from cloudtui.services.pcloud.playlists import Playlists
    from cloudtui.services.pcloud.storage import PCloudStorage

    assert isinstance(storage, PCloudStorage)
    if text.endswith(":"):
        at = Location(at.account, (_MUSIC,))
    if at.node is not None:
        at = (await storage.stat(at, want=Kind.FOLDER)).at
    return storage, at, Playlists(at.account, storage.client, storage.names)


async def _home(runtime: Runtime, text: str) -> tuple[PCloudStorage, Found, Playlists]:
    """The same, with the music folder itself."""
    storage, at, playlists = await _account(runtime, text)
    return storage, await storage.stat(at, want=Kind.FOLDER), playlists


@playlist.command("add")
@click.option("--prefix", metavar="DIR", help="Local folder that stands for the music folder.")
@click.option("--name", help="What it is called; the file's name without it.")
@click.option("--file", "as_file", is_flag=True, help="Always a file beside the music.")
@click.option("--links", is_flag=True, help="A file of public links, which are made for it.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what is found.")
@click.argument("place", metavar="NAME:[/MUSIC]")
@click.argument("lists", nargs=-1, required=True, metavar="M3U...")
@click.pass_context
def playlist_add(
    context: click.Context,
    place: str,
    lists: tuple[str, ...],
    *,
    prefix: str | None,
    name: str | None,
    as_file: bool,
    links: bool,
    dry_run: bool,
) -> None:
    """Find the tracks of local playlists in the music folder and make playlists of them there.

    Tracks are found by path, and by the end of it without --prefix. One that is not found is told
    and left out. A playlist of the same name is replaced. Where pCloud closes its playlists to
    apps, a file is written beside the music.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        from cloudtui.services.pcloud.library import Shelf

        if name and len(lists) > 1:
            raise Refused("One name fits one playlist only.")
        storage, at, playlists = await _account(runtime, place)
        shelf = Shelf(
            at.account,
            storage.client,
            storage.names,
            storage.tree,
            storage.feed,
            runtime.paths.cache_dir,
        )
        folder, songs = await shelf.songs(at)
        library = Library(song for song, _ in songs)
        stored = {song.id: path for song, path in songs}
        local = _absolute(prefix).parts[1:] if prefix else ()
        maker = _Maker(storage, playlists, folder, stored, as_file=as_file, links=links)
        failures, left = Failures(output), False
        for text in lists:
            path = _absolute(text)
            try:
                data = await asyncio.to_thread(_read, path)
                tracks = read_playlist(data, str(path.parent))
                found = [library.find(each, top=folder.at.parts, prefix=local) for each in tracks]
                left = left or any(match.song is None for match in found)
                title = name or path.stem
                made = None if dry_run else await maker.make(title, found)
            except CloudError as error:
                failures.add(error)
                continue
            _tell(output, title, found, made)
        return failures.exit_code or (int(ExitCode.SOME_LEFT) if left else 0)

    run(context, body)


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise NotFound(f"There is no {display_name(str(path))}.") from exc
    except OSError as exc:
        raise Refused(f"{display_name(str(path))} cannot be read ({exc.strerror}).") from exc


class _Maker:
    """Makes playlists of one folder's music."""

    def __init__(
        self,
        storage: PCloudStorage,
        playlists: Playlists,
        folder: Found,
        stored: dict[str, str],
        *,
        as_file: bool,
        links: bool,
    ) -> None:
        self._storage = storage
        self._playlists = playlists
        self._folder = folder
        self._stored = stored
        self._as_file = as_file or links
        self._links = links

    async def make(self, name: str, matches: Sequence[Match]) -> Playlist | None:
        """A playlist of what was found; None when nothing was."""
        songs = [(match.track, match.song) for match in matches if match.song is not None]
        if not songs:
            return None
        if not self._as_file and await self._playlists.collections() is not None:
            ids = [song.id for _, song in songs]
            made, missed = await self._playlists.make_collection(name, ids)
            if missed:
                raise Refused(f"pCloud did not take {missed} of the tracks of {name}.")
            return made
        entries: list[tuple[str, str]] = []
        for track, song in songs:
            target = self._stored[song.id]
            if self._links:
                found = await self._storage.stat(
                    Location(self._folder.at.account, song.parts, song.id)
                )
                target = (await self._storage.share(found)).url
            entries.append((target, track.info))
        text = write_playlist(entries)
        return await self._playlists.make_file(self._folder, name, text, len(entries))


def _tell(output: Output, name: str, found: Sequence[Match], made: Playlist | None) -> None:
    missed = [match for match in found if match.song is None]
    if output.as_json:
        output.value(
            {
                "name": name,
                "id": made.id if made else None,
                "path": made.file.at.path if made and made.file else None,
                "tracks": len(found) - len(missed),
                "missed": [{"track": match.track.text, "why": match.why} for match in missed],
            }
        )
    elif made is not None:
        where = str(made.file.at) if made.file else f"playlist {made.id}"
        output.line(f"{output.name(where)}  {len(found) - len(missed)} tracks")
    for match in missed:
        output.say(f"Not found: {display_name(match.track.text)} ({match.why}).")
    if not output.as_json and made is None:
        output.say(f"{display_name(name)}: {len(found) - len(missed)} of {len(found)} found.")


@playlist.command("ls")
@click.argument("place", metavar="NAME:[/MUSIC]")
@click.pass_context
def playlist_ls(context: click.Context, place: str) -> None:
    """List the account's playlists and the playlist files in the music folder."""

    async def body(runtime: Runtime, output: Output) -> int:
        _, folder, playlists = await _home(runtime, place)
        for one in await _all(playlists, folder):
            path = one.file.at.path if one.file else None
            if output.as_json:
                output.value({"id": one.id, "name": one.name, "path": path, "tracks": one.tracks})
                continue
            tracks = f"{one.tracks} tracks" if one.tracks is not None else output.name(path or "")
            output.line(f"{one.id}  {output.name(one.name)}  {tracks}")
        return 0

    run(context, body)


async def _all(playlists: Playlists, folder: Found) -> list[Playlist]:
    return [*(await playlists.collections() or ()), *await playlists.files(folder)]


@playlist.command("rm")
@click.argument("place", metavar="NAME:[/MUSIC]")
@click.argument("words", nargs=-1, required=True, metavar="ID|NAME...")
@click.pass_context
def playlist_rm(context: click.Context, place: str, words: tuple[str, ...]) -> None:
    """Delete playlists; the music stays. Files of them go to the trash."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        storage, folder, playlists = await _home(runtime, place)
        known = await _all(playlists, folder)
        for word in words:
            fits = [one for one in known if word in (one.id, one.name)]
            try:
                if not fits:
                    raise NotFound(f"There is no playlist {display_name(word)}.")
                if len(fits) > 1:
                    ids = ", ".join(one.id for one in fits)
                    raise Refused(f"Several playlists are called {display_name(word)}: {ids}.")
                if fits[0].file is not None:
                    await storage.trash([fits[0].file])
                else:
                    await playlists.delete_collection(int(fits[0].id))
            except CloudError as error:
                failures.add(error)
        return failures.exit_code

    run(context, body)
