"""An archive on a service: its folders are entered, things in them marked, only those unpacked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace
from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.screens.inside import InsideScreen
from cloudtui.services.errors import CloudError, Offline, PasswordNeeded
from cloudtui.services.models import ArchiveEntry, Extracted, Found, Kind, Location, Secret
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import FakePlace, sample_runtime

TITLE = "Inside 映画 予告編.mp4"


def file(path: str, size: int = 12_288) -> ArchiveEntry:
    return ArchiveEntry(path, Kind.FILE, size)


def folder(path: str) -> ArchiveEntry:
    return ArchiveEntry(path, Kind.FOLDER)


LEVELS: Mapping[str, Sequence[ArchiveEntry]] = {
    "": [file("readme [b].txt"), folder("sub"), file("a.txt"), folder("empty")],
    "sub": [folder("sub/deep"), file("sub/x.txt"), file("sub/y.txt")],
    "sub/deep": [file("sub/deep/z\x1b[31m.txt")],
    "empty": [],
}


class Unpacker(FakePlace):
    """A place whose only archive is locked with `open`."""

    asked: list[str]
    began: list[tuple[list[str], Location | None, bool]]
    fails: list[CloudError]

    async def list_archive(
        self, item: Found, password: Secret | None = None, *, inside: str = ""
    ) -> Sequence[ArchiveEntry]:
        self.asked.append(inside)
        if password is None or password.reveal() != "open":
            raise PasswordNeeded("A password is needed.")
        if inside and self.fails:
            raise self.fails.pop()
        return LEVELS[inside]

    async def extract(
        self,
        item: Found,
        into: Location | None = None,
        password: Secret | None = None,
        *,
        only: Sequence[ArchiveEntry] = (),
        delete_source: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Extracted:
        assert password == Secret("open")
        self.began.append(([each.path for each in only], into, delete_source))
        return Extracted(1)


@asynccontextmanager
async def looking(*before: str) -> AsyncIterator[tuple[CloudApp, Pilot[int], Unpacker]]:
    """The box of an archive with some keys pressed in it, then F4 and the password."""
    runtime = sample_runtime()
    old = runtime.places["pikpak"]
    place = Unpacker("pikpak", "pikpak", "PikPak", old.tree)
    place.asked, place.began, place.fails = [], [], []
    place._caps = replace(place.caps, archives=True, archive_parts=True)
    runtime.places["pikpak"] = place
    async with opened(runtime, left="pikpak:/Media/My Pack") as (app, pilot):
        await press(pilot, "tab", "end", "X")
        await settle(pilot, lambda: "F4 shows what is inside" in shown(app))
        await press(pilot, *before, "f4")
        await settle(pilot, lambda: "Password of the archive" in shown(app))
        await press(pilot, *"open", "enter")
        await at(app, pilot, "")
        yield app, pilot, place


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


async def at(app: CloudApp, pilot: Pilot[int], path: str) -> None:
    """Wait until a folder of the archive is shown."""
    title = TITLE + (f": /{path}" if path else "")

    def there() -> bool:
        return (
            isinstance(app.screen, InsideScreen)
            and app.screen.list.title_text == title
            and app.screen.list.title_right != "loading"
            and bool(app.screen.list.all or app.screen.list.notice)
        )

    await settle(pilot, there)


async def test_marks_of_several_folders_are_unpacked_and_nothing_else() -> None:
    async with looking("f2") as (app, pilot, place):
        text = shown(app)
        assert " sub/" in text
        assert " 12K" in text
        assert "readme [b].txt" in text
        assert "X unpacks this into /Media/My Pack" in text
        await press(pilot, "down", "enter")  # folders first: empty, sub
        await at(app, pilot, "sub")
        await press(pilot, "down", "space")
        await settle(pilot, lambda: "1 marked" in shown(app))
        await press(pilot, "home", "l")
        await at(app, pilot, "sub/deep")
        assert "z<1B>[31m.txt" in shown(app)
        await press(pilot, "ctrl+a", "backspace")
        await at(app, pilot, "sub")
        await press(pilot, "h")
        await at(app, pilot, "")
        assert isinstance(app.screen, InsideScreen)
        assert app.screen.list.cursor == 1  # on the folder that was left
        await press(pilot, "end", "insert")
        await settle(pilot, lambda: "3 marked   Space mark   X unpacks them" in shown(app))
        await press(pilot, "X")
        await settle(pilot, lambda: "Decompressed 1   SourceDeleted 0" in shown(app))
        wanted, into, _ = place.began[0]
        assert sorted(wanted) == ["readme [b].txt", "sub/deep/z\x1b[31m.txt", "sub/x.txt"]
        assert into is not None
        assert into.parts == ("Media", "My Pack")
        # each folder was asked for once; the password was asked for once, too
        assert place.asked == ["", "", "sub", "sub/deep"]


async def test_the_row_under_the_cursor_stands_for_itself_and_the_archive_stays() -> None:
    async with looking("f3") as (app, pilot, place):
        assert "The archive stays, since only a part of it is unpacked." in shown(app)
        await press(pilot, "down", "X")
        await settle(pilot, lambda: "The archive stays" in shown(app) and bool(place.began))
        assert place.began == [(["sub"], None, False)]


async def test_patterns_inverting_and_the_filter_choose() -> None:
    async with looking() as (app, pilot, place):
        await press(pilot, "plus")
        await settle(pilot, lambda: "Mark by pattern" in shown(app))
        await press(pilot, *".txt", "enter")
        await settle(pilot, lambda: "2 marked" in shown(app))
        await press(pilot, "minus")
        await settle(pilot, lambda: "Unmark by pattern" in shown(app))
        await press(pilot, "backspace", *"readme*", "enter")
        await settle(pilot, lambda: "1 marked" in shown(app))
        await press(pilot, "asterisk")
        await settle(pilot, lambda: "3 marked" in shown(app))
        await press(pilot, "slash", *"e", "enter", "X")  # hides sub/
        await settle(pilot, lambda: bool(place.began))
        assert sorted(place.began[0][0]) == ["empty", "readme [b].txt"]


async def test_what_lies_in_a_marked_folder_is_not_named_again() -> None:
    async with looking() as (app, pilot, place):
        await press(pilot, "down", "space", "up", "enter")
        await at(app, pilot, "sub")
        await press(pilot, "ctrl+a", "f5")
        await settle(pilot, lambda: bool(place.began))
        assert place.began[0][0] == ["sub"]


async def test_escape_takes_back_step_by_step_and_begins_nothing() -> None:
    async with looking() as (app, pilot, place):
        await press(pilot, "enter")
        await at(app, pilot, "empty")
        assert "Nothing is in it. Backspace goes up." in shown(app)
        await press(pilot, "X")
        await settle(pilot, lambda: "Nothing to unpack here" in shown(app))
        await press(pilot, "backspace")
        await at(app, pilot, "")
        await press(pilot, "backspace")
        await settle(pilot, lambda: "That is the top of the archive." in shown(app))
        await press(pilot, "end", "enter")
        await settle(pilot, lambda: "A file: Space marks it" in shown(app))
        await press(pilot, "space", "escape")
        await settle(pilot, lambda: "marked" not in shown(app).splitlines()[-2])
        assert isinstance(app.screen, InsideScreen)
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        assert place.began == []


async def test_a_folder_that_cannot_be_listed_is_asked_for_again() -> None:
    async with looking() as (app, pilot, place):
        place.fails = [Offline("No connection to PikPak.")]
        await press(pilot, "down", "enter")
        await settle(pilot, lambda: "No connection to PikPak." in shown(app))
        await press(pilot, "ctrl+r")
        await settle(pilot, lambda: "x.txt" in shown(app))
        assert place.asked == ["", "", "sub", "sub"]


async def test_a_place_that_unpacks_all_or_nothing_offers_no_choice() -> None:
    runtime = sample_runtime()
    place = Unpacker("pikpak", "pikpak", "PikPak", runtime.places["pikpak"].tree)
    place.asked, place.began, place.fails = [], [], []
    place._caps = replace(place.caps, archives=True)
    runtime.places["pikpak"] = place
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "end", "X")
        await settle(pilot, lambda: "F3 archive stays or goes" in shown(app))
        assert "F4" not in shown(app)
        await press(pilot, "f4")
        await settle(pilot, lambda: "PikPak unpacks archives whole, not parts" in shown(app))
        assert (place.asked, place.began) == ([], [])
