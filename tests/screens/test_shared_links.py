"""Links that others share: entered from the box of links, parts of them marked and saved. And what
is told of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from cloudtui.app import CloudApp
from cloudtui.screens.links import LinkDialog
from cloudtui.screens.pasting import PasteBox
from cloudtui.screens.shared import SharedScreen
from cloudtui.screens.shares import SharesScreen
from cloudtui.services.errors import Full, NotFound, PasswordNeeded, Refused
from cloudtui.services.models import Entry, Kind, Location, OfflineTask, Secret, Share, TaskPhase
from cloudtui.services.shares import SharedItem, ShareLink
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import MAY_2025, FakePlace, FakeRuntime, sample_runtime

LINK = "https://share.example/s/S1"
CODE = "c0de77"


def entry(name: str, size: int | None = None) -> Entry:
    return Entry(name, f"id {name}", Kind.FILE if size else Kind.FOLDER, size, MAY_2025)


TREE = {
    "": [entry("show"), entry("note [/b].txt", 12_288)],
    "show": [entry("s1"), entry("s2"), entry("cover.jpg", 4_096)],
    "s1": [entry("e1.mkv", 1 << 30), entry("e2.mkv", 1 << 30)],
    "s2": [],
}


class Sharing(FakePlace):
    """A place that opens one locked link, and changes links of its own."""

    saved: list[tuple[list[str], Location]]
    known: list[Share]
    changes: list[tuple[int | None, Secret | None]]
    full: bool
    held: asyncio.Event | None

    def share_link(self, text: str) -> ShareLink | None:
        plain, _, code = text.strip().partition("?pwd=")
        return ShareLink("S1", plain, Secret(code) if code else None) if plain == LINK else None

    async def led_to(self, link: ShareLink) -> SharedItem | None:
        return None

    async def scan_share(
        self, link: ShareLink, folder: SharedItem | None = None
    ) -> AsyncIterator[Sequence[SharedItem]]:
        if link.code is None or link.code.reveal() != CODE:
            raise PasswordNeeded(f"A pass code is needed for {link.shown}.")
        for each in TREE[folder.entry.name if folder is not None else ""]:
            yield [folder.child(each) if folder is not None else SharedItem(each)]

    async def save_share(
        self, link: ShareLink, parent: Location, items: Sequence[SharedItem] | None = None
    ) -> OfflineTask:
        if self.held is not None:
            await self.held.wait()
        if self.full:
            raise Full("PikPak is full.")
        assert items is not None
        there = len(self.saved)
        self.saved.append((["/".join(item.parts) for item in items], parent))
        return OfflineTask("", "it", link.shown, TaskPhase.DONE, 100, target=parent, there=there)

    async def shared_content(self, link: ShareLink, item: SharedItem) -> str:
        if item.entry.is_folder:
            raise Refused(f"{item.entry.name} is a folder.")
        return f"https://content.example/{item.entry.name}"

    async def scan_shares(self) -> AsyncIterator[Sequence[Share]]:
        yield list(self.known)

    async def change_share(
        self,
        share: Share,
        *,
        days: int | None = None,
        password: Secret | None = None,
        most_downloads: int | None = None,
    ) -> Share:
        if share not in self.known:
            raise NotFound("The link is no longer there.")
        self.changes.append((days, password))
        return replace(share, password=password, protected=bool(password))


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


async def see(app: CloudApp, pilot: Pilot[int], *words: str) -> str:
    await settle(pilot, lambda: all(word in shown(app) for word in words))
    return shown(app)


def sharing() -> tuple[FakeRuntime, Sharing]:
    runtime = sample_runtime()
    place = Sharing("pikpak", "pikpak", "PikPak", runtime.places["pikpak"].tree)
    place.saved, place.known, place.changes = [], [], []
    place.full, place.held = False, None
    limits = frozenset({"days", "password"})
    place._caps = replace(place.caps, opens_shares=True, share_limits=limits, share_changes=limits)
    runtime.places["pikpak"] = place
    return runtime, place


@asynccontextmanager
async def pasted(*lines: str) -> AsyncIterator[tuple[CloudApp, Pilot[int], Sharing]]:
    """The box of links with some in it, the cursor on the last."""
    runtime, place = sharing()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "m")
        await see(app, pilot, "F4 shows what is inside")
        field = app.screen.query_one("#links", TextArea)
        field.text = "\n".join(lines)
        field.move_cursor(field.document.end)
        yield app, pilot, place


async def at(app: CloudApp, pilot: Pilot[int], path: str) -> None:
    """Wait until a folder of the share is listed."""

    def there() -> bool:
        screen = app.screen
        return (
            isinstance(screen, SharedScreen)
            and screen.list.title_text == f"Shared by others{f': {path}' if path else ''}"
            and screen.list.title_right != "loading"
        )

    await settle(pilot, there)


async def test_a_link_is_entered_and_only_what_is_marked_is_saved() -> None:
    async with pasted("http://x/other", f"{LINK}?pwd={CODE}") as (app, pilot, place):
        await press(pilot, "f4")
        await at(app, pilot, "")
        text = await see(app, pilot, "show/", " 12K", "note [/b].txt", "F5 saves this to /Media")
        assert CODE not in text
        await press(pilot, "enter")
        await at(app, pilot, "/show")
        await press(pilot, "home", "l")
        await at(app, pilot, "/show/s1")
        await press(pilot, "end", "space", "backspace")
        await at(app, pilot, "/show")
        await press(pilot, "end", "space")
        await see(app, pilot, "2 marked", "F5 saves them to /Media")
        await press(pilot, "f5")
        await see(app, pilot, "Save from the link", "2 items, 1.0 GiB: cover.jpg   e2.mkv")
        assert app.screen.query_one(Input).value == "pikpak:/Media"
        await press(pilot, *"/in", "enter")
        await see(app, pilot, "Saved it: /Media/in")
        [(paths, to)] = place.saved
        assert sorted(paths) == ["show/cover.jpg", "show/s1/e2.mkv"]
        assert to.parts == ("Media", "in")
        assert place.tasks == []
        await press(pilot, "f5")
        await see(app, pilot, "Save from the link")
        await press(pilot, "enter")
        await see(app, pilot, "Saved it: /Media/in. Already there from before: 1")
        await press(pilot, "escape")
        await settle(pilot, lambda: isinstance(app.screen, PasteBox))
        assert CODE not in "\n".join(app.remembered())


async def test_what_is_said_of_a_link_leaves_its_pass_code_out() -> None:
    async with pasted(f"{LINK}?pwd={CODE}") as (app, pilot, place):

        async def refused(url: str, parent: Location) -> OfflineTask:
            raise Full("PikPak is full.")

        place.add_offline = refused  # type: ignore[method-assign]
        await press(pilot, "f5")
        text = await see(app, pilot, f"refused: {LINK}?pwd=…: PikPak is full.")
        # where it was typed it stays
        assert text.count(CODE) == 1


async def test_a_pass_code_is_asked_for_until_it_is_right() -> None:
    async with pasted(LINK) as (app, pilot, _):
        await press(pilot, "f4")
        await see(app, pilot, "Pass code of the link", "A pass code is needed")
        await press(pilot, *"nope", "enter")
        await settle(
            pilot,
            lambda: (
                "A pass code is needed" in shown(app) and app.screen.query_one(Input).value == ""
            ),
        )
        assert CODE not in shown(app)
        await press(pilot, *CODE)
        assert CODE not in shown(app)
        await press(pilot, "enter")
        await at(app, pilot, "")
        await see(app, pilot, "show/")
        await press(pilot, "escape", "f4")
        await see(app, pilot, "Pass code of the link")
        await press(pilot, "escape")
        await see(app, pilot, "A pass code is needed for", "Ctrl+R tries again")


async def test_what_lies_in_a_folder_that_is_marked_goes_with_it() -> None:
    async with pasted(f"{LINK}?pwd={CODE}") as (app, pilot, place):
        await press(pilot, "f4")
        await at(app, pilot, "")
        await press(pilot, "home", "space", "home", "enter")
        await at(app, pilot, "/show")
        await press(pilot, "ctrl+a", "f5")
        await see(app, pilot, "1 item: show/")
        await press(pilot, "enter")
        await settle(pilot, lambda: [paths for paths, _ in place.saved] == [["show"]])


async def test_a_save_goes_on_behind_the_screen_and_tells_its_end() -> None:
    async with pasted(f"{LINK}?pwd={CODE}") as (app, pilot, place):
        place.held, place.full = asyncio.Event(), True
        await press(pilot, "f4")
        await at(app, pilot, "")
        await press(pilot, "f5")
        await see(app, pilot, "Save from the link")
        await press(pilot, "enter")
        await see(app, pilot, "it goes on when you leave")
        await press(pilot, "escape")
        await settle(pilot, lambda: isinstance(app.screen, PasteBox))
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        place.held.set()
        await see(app, pilot, "Save: PikPak is full.")


async def test_a_shared_file_has_a_link_and_properties() -> None:
    async with pasted(f"{LINK}?pwd={CODE}") as (app, pilot, place):
        await press(pilot, "f4")
        await at(app, pilot, "")
        await press(pilot, "home", "c")
        await see(app, pilot, "show is a folder.")
        await press(pilot, "end", "c")
        await settle(pilot, lambda: isinstance(app.screen, LinkDialog))
        assert isinstance(app.screen, LinkDialog)
        assert app.screen.link == "https://content.example/note [/b].txt"
        await press(pilot, "escape", "i")
        await see(app, pilot, "Properties", "note [/b].txt", "12,288")
        await press(pilot, "escape", "f5")
        await see(app, pilot, "Save from the link")
        app.screen.query_one(Input).value = "/tmp"
        await press(pilot, "enter")
        await see(app, pilot, "only into the account that looks into it")
        assert place.saved == []


async def test_what_is_told_of_ones_own_link_and_another_password_for_it() -> None:
    runtime, place = sharing()
    place.known = [
        Share(
            "S9",
            LINK,
            "series [/b]",
            Kind.FOLDER,
            password=Secret(CODE),
            protected=True,
            created_ns=MAY_2025,
            downloads=3,
            views=1_200,
            files=2,
        )
    ]
    async with opened(runtime, right="pikpak:/Media") as (app, pilot):
        await press(pilot, "tab", "g", "s")
        await see(app, pilot, "series [/b]/", "password", "e limits", "i more")
        await press(pilot, "i")
        text = await see(app, pilot, "Public link", "seen      1,200 times", "used      3 times")
        assert "2 things" in text
        assert "ends      never" in text
        assert CODE not in text
        await press(pilot, "escape", "e")
        await see(app, pilot, "Limits of a public link", "Make one up")
        app.screen.query_one("#answer-2").focus()
        await press(pilot, "enter")
        await see(app, pilot, "It asks for the password")
        [(days, password)] = place.changes
        assert days is None
        assert password is not None
        assert len(password.reveal()) == 8
        assert password.reveal() in shown(app)
        assert password.reveal() not in "\n".join(app.remembered())
        await press(pilot, "escape")
        await settle(pilot, lambda: isinstance(app.screen, SharesScreen))
        place.known = []
        await press(pilot, "e")
        await see(app, pilot, "Limits of a public link")
        app.screen.query_one("#days", Input).value = "3"
        app.screen.query_one("#answer-0").focus()
        await press(pilot, "enter")
        await see(app, pilot, "Change: The link is no longer there.")
