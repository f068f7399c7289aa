"""Playlist files, and finding their tracks in a library by path.

Pure, but for what its callers read. Knows no service.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

_BOM: Final = "\ufeff"
_INFO: Final = "#EXTINF:"


class Track(Struct, frozen=True):
    """One entry of a playlist.

    `text` is the line as it stands, `parts` its path with the playlist's own folder in front of
    relative ones, `own` how many of those stand in the line itself; empty for web addresses. `info`
    is the line of the file that described it.
    """

    text: str
    parts: tuple[str, ...]
    own: int
    info: str = ""


class Song(Struct, frozen=True):
    """A file of a library: the service's id and the path from the top of the place."""

    id: str
    parts: tuple[str, ...]


class Match(Struct, frozen=True):
    """What was found for a track: a song, or why there is none."""

    track: Track
    song: Song | None
    why: str = ""


def read_playlist(data: bytes, folder: str) -> list[Track]:
    """The tracks of an m3u or m3u8 file that lies in the local `folder`.

    UTF-8 where it is that, else the Windows encoding that old players write.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    tracks: list[Track] = []
    info = ""
    for line in text.lstrip(_BOM).splitlines():
        entry = line.strip()
        if entry.startswith(_INFO):
            info = entry
        if not entry or entry.startswith("#"):
            continue
        tracks.append(_track(entry, folder, info))
        info = ""
    return tracks


def _track(entry: str, folder: str, info: str) -> Track:
    path = entry
    if "://" in entry:
        address = urlsplit(entry)
        if address.scheme.lower() != "file":
            return Track(entry, (), 0, info)
        path = unquote(address.path)
    windows = "\\" in path and "/" not in path
    drive = len(path) > 2 and path[0].isalpha() and path[1] == ":" and path[2] in "\\/"
    if drive:
        path = path[2:]
    if windows or drive:
        path = path.replace("\\", "/")
    whole = path if path.startswith("/") else f"{folder}/{path}"
    parts = tuple(part for part in os.path.normpath(whole).split("/") if part)
    own = len([part for part in path.split("/") if part not in ("", ".", "..")])
    return Track(entry, parts, own, info)


def write_playlist(entries: Iterable[tuple[str, str]]) -> str:
    """An m3u8 from paths or links, each with its description line (or an empty one)."""
    lines = ["#EXTM3U"]
    for target, info in entries:
        if info:
            lines.append(info)
        # a name that begins like a comment would be taken for one
        lines.append(f"./{target}" if target.startswith("#") else target)
    return "\n".join(lines) + "\n"


def _fold(part: str) -> str:
    """Disks differ in how they keep accents and case; playlists travel between them."""
    return unicodedata.normalize("NFC", part).casefold()


class Library:
    """Songs by path. Built once, asked per track."""

    def __init__(self, songs: Iterable[Song]) -> None:
        self._by_name: dict[str, list[tuple[tuple[str, ...], Song]]] = {}
        for song in songs:
            folded = tuple(_fold(part) for part in song.parts)
            self._by_name.setdefault(folded[-1], []).append((folded, song))

    def find(self, track: Track, *, top: tuple[str, ...], prefix: tuple[str, ...] = ()) -> Match:
        """The song of a track.

        With `prefix`, a local folder, the rest of the path must be that below `top`. Without, the
        song whose path agrees longest from its end: two parts at least, unless the playlist gives
        a bare name. Several that agree as well are none.
        """
        if not track.parts:
            return Match(track, None, "a web address, not a file")
        parts = tuple(_fold(part) for part in track.parts)
        candidates = self._by_name.get(parts[-1], [])
        if not candidates:
            return Match(track, None, "no file of this name")
        if prefix and track.parts[: len(prefix)] == prefix:
            wanted = tuple(map(_fold, (*top, *track.parts[len(prefix) :])))
            exact = [song for folded, song in candidates if folded == wanted]
            return _only(track, exact, track.parts)
        best = max(_agreeing(folded, parts) for folded, _ in candidates)
        if best < min(2, len(parts)) and track.own > 1:
            return Match(track, None, "a file of this name, but in other folders")
        same = [song for folded, song in candidates if _agreeing(folded, parts) == best]
        return _only(track, same, track.parts[-best:])


def _only(track: Track, songs: Sequence[Song], tail: tuple[str, ...]) -> Match:
    if len(songs) > 1:
        # spelled exactly alike beats alike but for case and accents
        exact = [song for song in songs if song.parts[-len(tail) :] == tail]
        songs = exact or songs
    if len(songs) == 1:
        return Match(track, songs[0])
    return Match(track, None, "several files fit" if songs else "no file at this path")


def _agreeing(left: Sequence[str], right: Sequence[str]) -> int:
    count = 0
    for one, other in zip(reversed(left), reversed(right), strict=False):
        if one != other:
            break
        count += 1
    return count
