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
from cloudtui.services.models import DISK, Kind, Location
from cloudtui.services.naming import display_name

if TYPE_CHECKING:
    from cloudtui.services.pcloud.playlists import Playlist
    from cloudtui.services.pcloud.storage import PCloudStorage
    from cloudtui.services.playlists import Match
    from cloudtui.services.runtime import Runtime

_MUSIC = "Music"


@click.group(cls=GeneralGroup)
def playlist() -> None:
    """Playlists of music on pCloud."""


async def _account(runtime: Runtime, text: str) -> tuple[PCloudStorage, Location]:
    """The account, and where its music is (`/Music` when only NAME: was said)."""
    at = runtime.parse(text).at
    if at.account == DISK or runtime.account(at.account).kind != "pcloud":
        raise NotSupported("Playlists are made on pCloud.", hint="Name an account of it.")
    storage: object = await runtime.storage(at.account)
    from cloudtui.services.pcloud.storage import PCloudStorage

    assert isinstance(storage, PCloudStorage)
    if text.endswith(":"):
        at = Location(at.account, (_MUSIC,))
    if at.node is not None:
        at = (await storage.stat(at, want=Kind.FOLDER)).at
    return storage, at


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
        from cloudtui.services.pcloud.mixing import Mixer

        if name and len(lists) > 1:
            raise Refused("One name fits one playlist only.")
        storage, at = await _account(runtime, place)
        mixer = await Mixer.open(storage, at, runtime.paths.cache_dir)
        local = _absolute(prefix).parts[1:] if prefix else ()
        failures, left = Failures(output), False
        for text in lists:
            path = _absolute(text)
            try:
                data = await asyncio.to_thread(_read, path)
                found = mixer.find(data, str(path.parent), local)
                left = left or any(match.song is None for match in found)
                title = name or path.stem
                made = None
                if not dry_run:
                    made = await mixer.make(title, found, as_file=as_file, links=links)
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
        from cloudtui.services.pcloud.mixing import playlists_of

        storage, at = await _account(runtime, place)
        for one in await playlists_of(storage, at):
            path = one.file.at.path if one.file else None
            if output.as_json:
                output.value({"id": one.id, "name": one.name, "path": path, "tracks": one.tracks})
                continue
            tracks = f"{one.tracks} tracks" if one.tracks is not None else output.name(path or "")
            output.line(f"{one.id}  {output.name(one.name)}  {tracks}")
        return 0

    run(context, body)


@playlist.command("rm")
@click.argument("place", metavar="NAME:[/MUSIC]")
@click.argument("words", nargs=-1, required=True, metavar="ID|NAME...")
@click.pass_context
def playlist_rm(context: click.Context, place: str, words: tuple[str, ...]) -> None:
    """Delete playlists; the music stays. Files of them go to the trash."""

    async def body(runtime: Runtime, output: Output) -> int:
        from cloudtui.services.pcloud.mixing import playlists_of, remove_playlist

        failures = Failures(output)
        storage, at = await _account(runtime, place)
        known = await playlists_of(storage, at)
        for word in words:
            fits = [one for one in known if word in (one.id, one.name)]
            try:
                if not fits:
                    raise NotFound(f"There is no playlist {display_name(word)}.")
                if len(fits) > 1:
                    ids = ", ".join(one.id for one in fits)
                    raise Refused(f"Several playlists are called {display_name(word)}: {ids}.")
                await remove_playlist(storage, at.account, fits[0])
            except CloudError as error:
                failures.add(error)
        return failures.exit_code

    run(context, body)
