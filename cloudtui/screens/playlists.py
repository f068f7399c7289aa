"""The playlists of an account, and making them out of local ones.

Tracks are looked for in the folder of music that a pane shows; what was not found is listed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.screens.list_screen import ListScreen
from cloudtui.services.addresses import local_path
from cloudtui.services.models import Found, Location
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud.mixing import Mixer, playlists_of, remove_playlist
from cloudtui.services.pcloud.playlists import Playlist
from cloudtui.services.pcloud.storage import PCloudStorage
from cloudtui.services.playlists import Match
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_middle, pad, pad_left

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen

ENDINGS = (".m3u", ".m3u8")
_MISSES = 12


def lists_among(items: Sequence[Found]) -> list[Path]:
    """The playlist files among items of this disk."""
    return [
        Path(local_path(item.at))
        for item in items
        if not item.entry.is_folder and item.entry.name.lower().endswith(ENDINGS)
    ]


def found_words(name: str, found: Sequence[Match], made: Playlist | None) -> list[str]:
    """What became of a local list: the counts, where it is now, and what was not found."""
    missed = [match for match in found if match.song is None]
    lines = [
        f"{display_name(name)}: {present.exact(len(found) - len(missed))} of "
        f"{present.count(len(found), 'track')} found."
    ]
    if made is not None and made.file is not None:
        lines.append(f"Written to {display_name(made.file.at.path)}")
    elif made is None:
        lines.append("Nothing was made of it.")
    lines += [
        f"not found: {display_name(match.track.text, edges=False)} ({match.why})"
        for match in missed[:_MISSES]
    ]
    if len(missed) > _MISSES:
        lines.append(f"and {present.exact(len(missed) - _MISSES)} more")
    return lines


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()


class PlaylistList(RowList):
    """Playlists of the service first, then files."""

    def __init__(self) -> None:
        super().__init__(id="playlists")
        self.playlists: list[Playlist] = []

    def row_count(self) -> int:
        return len(self.playlists)

    def head_text(self, width: int) -> str:
        return f" {pad('Name', width // 2)} {pad_left('Tracks', 7)}  Where"

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        one = self.playlists[row]
        where = "playlist of the account" if one.file is None else "file beside the music"
        tracks = "?" if one.tracks is None else present.exact(one.tracks)
        name = pad(cut_middle(display_name(one.name), width // 2), width // 2)
        text = f"{'>' if cursor else ' '}{name} {pad_left(tracks, 7)}  {where}"
        return Strip([Segment(pad(text, width), self.style("cursor" if cursor else "row"))])


class PlaylistsScreen(ListScreen[PlaylistList]):
    """Playlists of one account and of one folder of music."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.PLAYLISTS)

    def __init__(
        self,
        storage: PCloudStorage,
        music: Location,
        local: Sequence[Path],
        cache: Path,
        main: MainScreen,
    ) -> None:
        """`music` is where tracks are looked for; `local` are the lists that `a` brings."""
        super().__init__(PlaylistList(), main)
        self._storage = storage
        self._music = music
        self._local = local
        self._cache = cache

    def words(self) -> None:
        count = len(self.list.playlists)
        title = f"{present.exact(count)} {'playlist' if count == 1 else 'playlists'}"
        music = display_name(self._music.path)
        self.list.set_title(f"Playlists of {self._storage.title} {music}", title)
        self.list.set_foot("a from a local list   o show the file   d delete   Esc")

    async def scan(self) -> None:
        fresh = await playlists_of(self._storage, self._music)
        self.list.playlists = fresh
        self.list.cursor = max(0, min(self.list.cursor, len(fresh) - 1))
        none = ["No playlists here. a makes them out of .m3u files of a disk pane."]
        self.list.set_notice(*([] if fresh else none))
        self.list.keep_visible()
        self.list.refresh()

    @property
    def _current(self) -> Playlist | None:
        rows = self.list.playlists
        return rows[self.list.cursor] if 0 <= self.list.cursor < len(rows) else None

    def action_add(self) -> None:
        """`a`: playlists out of the local lists marked or under the cursor, else of one typed."""

        async def work() -> None:
            from cloudtui.screens.dialogs import Prompt, Tell

            lists = list(self._local)
            if not lists:
                box = Prompt(
                    "Make a playlist", ["Path of a local .m3u or .m3u8 file:"], yes="Make it"
                )
                typed = await self.app.push_screen_wait(box)
                if not typed:
                    return
                lists = [_absolute(typed)]
            self.say(f"Looking at the music in {display_name(self._music.path)}...")
            mixer = await Mixer.open(self._storage, self._music, self._cache)
            lines: list[str] = []
            for path in lists:
                data = await asyncio.to_thread(path.read_bytes)
                found = mixer.find(data, str(path.parent))
                lines += found_words(path.stem, found, await mixer.make(path.stem, found))
            self._main.folder_changed(self._music)
            self.say(lines[0])
            await self.app.push_screen_wait(Tell("Playlists", lines))

        self.act("Playlist", work)

    def action_show(self) -> None:
        """`o`: the file in the pane with focus."""
        one = self._current
        if one is None:
            return
        if one.file is None:
            self.say("A playlist of the account is no file: pCloud's apps show it.")
            return
        self.dismiss(None)
        self._main.active.open(one.file.at.parent, want=one.file.entry.id)

    def action_delete(self) -> None:
        """`d`."""
        one = self._current
        if one is None:
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import Confirm

            goes = "It goes to the trash." if one.file is not None else "It cannot be brought back."
            box = Confirm(
                "Delete a playlist",
                [display_name(one.name), f"{goes} The music stays."],
                yes="Delete",
            )
            if not await self.app.push_screen_wait(box):
                return
            await remove_playlist(self._storage, self._music.account, one)
            self._main.folder_changed(self._music)
            self.say(f"Deleted the playlist {display_name(one.name)}; the music stays.")

        self.act("Delete", work)
