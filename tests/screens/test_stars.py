"""Stars in the panes and their list, the history, and what is known of an account."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.screens import history
from cloudtui.screens.accounts import SourceScreen
from cloudtui.screens.history import HistoryScreen
from cloudtui.screens.starred import StarredScreen
from cloudtui.services.errors import ServerTrouble
from cloudtui.services.history import Deed
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_stars import StarryPlace, happened, starry_runtime

UNTITLED = ("end", "up", "up")
"""Keys to that row of /Media."""


def row_of(app: CloudApp, name: str) -> str:
    """The first line of the screen that shows a name."""
    return next((line for line in picture(app) if name in line), "")


async def see(app: CloudApp, pilot: Pilot[int], *words: str) -> None:
    """Wait until the screen shows all these words."""
    await settle(pilot, lambda: all(word in "\n".join(picture(app)) for word in words))


def starred(place: StarryPlace) -> set[str]:
    return {entry.id for rows in place.tree.values() for entry in rows if entry.is_starred}


def rows_of(app: CloudApp) -> int:
    """How many rows the list of stars shows."""
    assert isinstance(app.screen, StarredScreen)
    return len(app.screen.list.rows)


async def test_a_star_goes_on_and_off_without_listing_again() -> None:
    runtime, place = starry_runtime()
    async with opened(runtime, size=(120, 40), left="pikpak:/Media") as (app, pilot):
        scans = place.scans
        await press(pilot, *UNTITLED, "S")
        await see(app, pilot, "Starred: untitled    u undo")
        assert starred(place) == {"untitled"}
        assert "untitled  *" in row_of(app, "untitled")
        current = app.main.left.view.current
        assert current is not None
        assert current.is_starred
        assert picture(app)[-2].count("starred") == 1
        assert [each.is_starred for each in app.main.right.view.entries].count(True) == 1
        await press(pilot, "S")
        await see(app, pilot, "Star taken off: untitled    u undo")
        assert starred(place) == set()
        await press(pilot, "u")
        await see(app, pilot, "Starred: untitled")
        await press(pilot, "u")
        await see(app, pilot, "Star taken off: untitled")
        assert "  *" not in row_of(app, "untitled")
        assert place.scans == scans


async def test_several_rows_get_their_stars_together() -> None:
    runtime, place = starry_runtime()
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "tab", "down", "S")
        await see(app, pilot, "Starred: My Pack")
        assert "My Pack/  *" in row_of(app, "My Pack")
        await press(pilot, "space", "space", "S")
        await see(app, pilot, "Starred: Series    u undo")
        assert place.asked[-1] == (["Series"], True)  # the other one has a star
        assert app.main.right.view.marked == 0
        await press(pilot, "up", "up", "space", "space", "S")
        await see(app, pilot, "Star taken off: 2 items")
        assert starred(place) == set()


async def test_places_without_stars_say_so() -> None:
    runtime, _ = starry_runtime()
    async with opened(runtime) as (app, pilot):
        for keys, words in (
            ("S", "disk keeps no stars."),
            ("gf", "disk keeps no stars."),
            ("ge", "disk keeps no history."),
        ):
            await press(pilot, *keys)
            await see(app, pilot, words)


async def test_a_star_that_could_not_be_put_on_is_not_shown() -> None:
    runtime, place = starry_runtime()
    place.star_fails = ServerTrouble("PikPak has trouble of its own.", hint="Try again.")
    async with opened(runtime) as (app, pilot):
        scans = place.scans
        await press(pilot, "tab", *UNTITLED, "S")
        await see(app, pilot, "PikPak has trouble of its own.")
        await settle(pilot, lambda: place.scans > scans and not app.main.right.loading)
        assert "untitled  *" not in row_of(app, "untitled")
        await press(pilot, "u")
        await see(app, pilot, "Nothing to undo.")


async def test_the_list_of_stars_leads_there_and_takes_them_off() -> None:
    runtime, place = starry_runtime()
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "tab", "g", "f")
        await see(app, pilot, "With a star on PikPak", "0 items", "Nothing has a star. S puts one")
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        await press(pilot, "down", "down", "space", *UNTITLED, "space", "S")
        await see(app, pilot, "Starred: 2 items")
        await press(pilot, "home", "down", "down", "enter")
        await settle(pilot, lambda: app.main.right.path == "/Media/Series")
        await settle(pilot, lambda: not app.main.right.loading)
        await press(pilot, "end", "S")
        await see(app, pilot, "Starred: S01E24.mkv")
        await press(pilot, "g", "f")
        await see(app, pilot, "With a star on PikPak", "3 items", "/Media/Series", "Series/")
        await press(pilot, *"/untit", "enter")
        await see(app, pilot, "1 of 3")
        await press(pilot, "enter")
        await settle(pilot, lambda: app.screen is app.main and not app.main.right.loading)
        current = app.main.right.view.current
        assert (app.main.right.path, current and current.id) == ("/Media", "untitled")
        await press(pilot, "g", "f")
        await see(app, pilot, "3 items")
        await press(pilot, "ctrl+a", "x")
        await see(app, pilot, "Star taken off: 3 items.", "0 items")
        assert starred(place) == set()
        await press(pilot, "u")
        await see(app, pilot, "Starred: 3 items.")
        await settle(pilot, lambda: rows_of(app) == 3)
        await press(pilot, "u")
        await see(app, pilot, "Nothing to undo here.")
        await press(pilot, "home", "x")
        await see(app, pilot, "2 items")
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        await press(pilot, "u")
        await settle(pilot, lambda: len(starred(place)) == 3)


async def test_a_history_leads_to_what_is_there_and_forgets() -> None:
    runtime, place = starry_runtime()
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "tab", "g", "e")
        await see(app, pilot, "History of PikPak", "4 lines", "hand over", "bad<1B>[31m")
        assert "saved     gone.bin" in row_of(app, "gone.bin")
        assert "640K" in row_of(app, "report.pdf")
        assert "trash" in row_of(app, "untitled")
        await press(pilot, "home", "enter")
        await see(app, pilot, "Show gone.bin: That is no longer on PikPak.")
        assert isinstance(app.screen, HistoryScreen)
        await press(pilot, "end", "enter")
        await see(app, pilot, "does not tell which file that was")
        await press(pilot, *"/report", "enter", "enter")
        await settle(pilot, lambda: app.screen is app.main and not app.main.right.loading)
        current = app.main.right.view.current
        assert (app.main.right.path, current and current.id) == ("/Media", "report.pdf")
        await press(pilot, "g", "e")
        await see(app, pilot, "4 lines")
        await press(pilot, "end", "space", "up", "up", "space", "x")
        await see(app, pilot, "Forget what was done", "2 lines of the history", "The files stay.")
        await press(pilot, "f")
        await see(app, pilot, "Forgotten: 2 lines.", "2 lines")
        assert len(place.happened) == 2
        await press(pilot, "E")
        await see(app, pilot, "Forget all that was done", "This cannot be undone.")
        await press(pilot, "escape")
        await settle(pilot, lambda: isinstance(app.screen, HistoryScreen))
        assert len(place.happened) == 2
        await press(pilot, "E")
        await see(app, pilot, "Forget all that was done")
        await press(pilot, "f")
        await see(app, pilot, "The history is empty.", "PikPak remembers nothing.")
        assert place.happened == []
        await press(pilot, "E")
        await see(app, pilot, "PikPak remembers nothing.")


async def test_a_long_history_is_listed_from_its_newest_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 2)
    runtime, place = starry_runtime()
    place.happened = [happened(str(number), Deed.UPLOADED, "untitled") for number in range(10)]
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "tab", "g", "e")
        await see(app, pilot, "2+ lines ", "m older ones")
        await press(pilot, "m")
        await see(app, pilot, "8+ lines ", "m older ones")
        await press(pilot, "m")
        await see(app, pilot, " 10 lines ")
        await press(pilot, "m")
        await see(app, pilot, "These are all lines.")
        assert "m older ones" not in "\n".join(picture(app))


async def test_stars_are_spoken_of() -> None:
    runtime, _ = starry_runtime()
    runtime.settings.flags["accessible"] = True
    async with opened(runtime, size=(120, 40), left="pikpak:/Media") as (app, pilot):
        await press(pilot, *UNTITLED, "S")
        await see(app, pilot, "untitled, file, size unknown, starred")
        await press(pilot, "g", "f")
        await settle(pilot, lambda: isinstance(app.screen, StarredScreen))
        await see(app, pilot, "1 item")


async def test_what_is_known_of_an_account_has_the_code_to_invite_with() -> None:
    runtime, _ = starry_runtime()
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "at")
        await see(app, pilot, "signed in", "i more")
        await press(pilot, "down", "i")
        await see(app, pilot, "Account", "ana@example.com", "invite  JOIN42")
        await press(pilot, "escape")
        await settle(pilot, lambda: isinstance(app.screen, SourceScreen))
        await press(pilot, "up", "i")  # of the disk there is nothing to tell
        assert isinstance(app.screen, SourceScreen)
