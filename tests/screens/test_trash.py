"""The trash screen: many rows, filters, marks, and folders that lie in the trash themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace
from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.screens.trash import TrashScreen, parents_in_trash
from cloudtui.services.models import Entry, Location, TrashItem, TrashKind
from tests.screens.driving import opened, picture, press, rows_drawn, settle
from tests.screens.fake_runtime import (
    MAY_2025,
    FakePlace,
    FakeRuntime,
    file,
    folder,
    job,
    sample_runtime,
)


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


def item(entry: Entry, path: str, *, second: int = 0) -> TrashItem:
    """Something that was at a path, trashed some seconds after all began."""
    origin = Location("pikpak", tuple(path.strip("/").split("/")), entry.id)
    return TrashItem(entry.id, entry, origin, MAY_2025 + second * 1_000_000_000)


def many(count: int) -> list[TrashItem]:
    return [item(file(f"f{n:05}"), f"/Media/f{n:05}", second=n) for n in range(count)]


@asynccontextmanager
async def in_trash(
    *items: TrashItem, wait: str = "item"
) -> AsyncIterator[tuple[CloudApp, Pilot[int], FakePlace]]:
    runtime: FakeRuntime = sample_runtime()
    place = runtime.places["pikpak"]
    place.trashed = list(items)
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "t")
        await settle(pilot, lambda: "Trash of PikPak" in shown(app) and wait in shown(app))
        yield app, pilot, place


async def test_ten_thousand_items_are_counted_and_any_key_draws_a_screen_of_them() -> None:
    async with in_trash(*many(10_000), wait="10,000 items") as (app, pilot, place):
        screen = app.screen
        assert isinstance(screen, TrashScreen)
        drawn = rows_drawn(screen.list)
        await press(pilot, "end", "pageup", "up", "home")
        assert len(drawn) < 24 * 6
        assert "f09999" in shown(app)  # newest first
        await press(pilot, "slash", *"00042")
        await settle(pilot, lambda: "filter: 00042_  1 of 10,000" in shown(app))
        await press(pilot, "enter", "ctrl+a", "r")
        await settle(pilot, lambda: len(place.trashed) == 9_999)
        await settle(pilot, lambda: "Restored f00042 to /Media." in shown(app))


async def test_pages_that_come_slowly_are_shown_and_counted_meanwhile() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]

    async def slow() -> AsyncIterator[Sequence[TrashItem]]:
        yield many(500)
        import asyncio

        await asyncio.Event().wait()

    place.scan_trash = slow  # type: ignore[method-assign]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "t")
        await settle(pilot, lambda: "500+ items  loading" in shown(app))
        assert "f00499" in shown(app)
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_only_visible_marks_are_taken_and_hidden_ones_are_told() -> None:
    async with in_trash(*many(4)) as (app, pilot, place):
        await press(pilot, "ctrl+a", "slash", *"f00003", "enter")
        await settle(pilot, lambda: "filter: f00003  1 of 4" in shown(app))
        await press(pilot, "r")
        await settle(pilot, lambda: len(place.trashed) == 3)
        await press(pilot, "escape", "space")
        await settle(pilot, lambda: "1 marked" in shown(app))


async def test_marks_by_range_and_pattern_and_other_orders() -> None:
    big = replace(file("big"), size=10**9)
    async with in_trash(*many(4), item(big, "/big")) as (app, pilot, _):
        assert isinstance(app.screen, TrashScreen)
        rows = app.screen.list
        await press(pilot, "v", "down", "down", "v")
        assert rows.marked == 3
        await press(pilot, "plus")
        await settle(pilot, lambda: "Mark by pattern" in shown(app))
        await press(pilot, "backspace", *"big", "enter")
        await settle(pilot, lambda: "Marked 1 row." in shown(app))
        assert rows.is_marked(rows.all[-1])
        await press(pilot, "asterisk", "comma", "comma")
        assert rows.order.startswith("size")
        assert rows.rows[0].key == "big"
        await press(pilot, "home", "i")
        await settle(pilot, lambda: "In the trash" in shown(app))
        assert "954 MiB" in shown(app)


async def test_a_folder_that_lies_in_the_trash_itself_is_offered_along() -> None:
    inner = item(file("S01E01.mkv"), "/Media/Series/S01E01.mkv")
    outer = item(folder("Series"), "/Media/Series", second=1)
    async with in_trash(inner, outer) as (app, pilot, place):
        place.tree.setdefault(("Media", "Series"), [])
        await press(pilot, "down", "r")
        await settle(pilot, lambda: "Its folder is in the trash" in shown(app))
        assert "came out of /Media/Series" in shown(app)
        await press(pilot, "escape")
        await settle(pilot, lambda: isinstance(app.screen, TrashScreen))
        assert len(place.trashed) == 2
        await press(pilot, "r")
        await settle(pilot, lambda: "Its folder is in the trash" in shown(app))
        await press(pilot, "r")
        await settle(pilot, lambda: place.trashed == [])
        await settle(pilot, lambda: "Restored 2 items." in shown(app))


async def test_without_its_folder_a_thing_comes_back_alone_when_that_is_wanted() -> None:
    inner = item(file("S01E01.mkv"), "/Media/Series/S01E01.mkv")
    outer = item(folder("Series"), "/Media/Series", second=1)
    async with in_trash(inner, outer) as (app, pilot, place):
        await press(pilot, "down", "r")
        await settle(pilot, lambda: "Its folder is in the trash" in shown(app))
        await press(pilot, "m")
        await settle(pilot, lambda: [one.key for one in place.trashed] == ["Series"])


def test_of_folders_with_one_path_the_one_that_held_the_thing_is_offered() -> None:
    thing = item(file("a"), "/x/y/a", second=5)
    before = replace(item(folder("y"), "/x/y", second=1), key="before")
    after = replace(item(folder("y"), "/x/y", second=7), key="after")
    later = replace(item(folder("y"), "/x/y", second=9), key="later")
    top = item(folder("x"), "/x", second=8)
    unknown = TrashItem("u", file("u"), None, None)
    trash = [thing, before, after, later, top, unknown]
    found = parents_in_trash([thing, unknown], trash)
    assert {one.key for one in found} == {"after", "x"}
    assert parents_in_trash([thing, top, after], trash) == []
    assert parents_in_trash([top], trash) == []


async def test_a_trash_of_ours_says_what_the_service_keeps_besides() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    page = "https://web.example/#trash"
    place._caps = replace(place.caps, trash=TrashKind.FOLDER, trash_page=page)
    place.trashed = many(1)
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "tab", "t")
        await settle(pilot, lambda: "shows that trash only in its web app" in shown(app))
        assert "c copies its address" in shown(app)
        await press(pilot, "c")
        await settle(pilot, lambda: page in shown(app))
        assert app.clipboard == page
        await press(pilot, "E")
        await settle(pilot, lambda: "keeps them in its own trash, on the web only" in shown(app))
        await press(pilot, *"empty 1", "enter")
        await settle(pilot, lambda: "Emptied: 1 item is gone." in shown(app))


async def test_how_far_an_emptying_is_shows_and_stays_out_of_the_log() -> None:
    go_on, over = asyncio.Event(), asyncio.Event()

    async def empty_counted(on_progress: Callable[[int, int], None]) -> None:
        on_progress(1200, 4000)
        await go_on.wait()
        on_progress(4000, 4000)
        over.set()

    async with in_trash(*many(2)) as (app, pilot, place):
        place.empty_counted = empty_counted  # type: ignore[attr-defined]
        await press(pilot, "E", *"empty 2", "enter")
        await settle(pilot, lambda: "Emptying...  1,200 of 4,000" in shown(app))
        go_on.set()
        await over.wait()
        await settle(pilot, lambda: "Emptied: 2 items are gone." in shown(app))
        assert not any("1,200" in line for line in app.remembered())


async def test_a_service_that_empties_by_itself_is_shown_per_cent() -> None:
    """As PikPak does: one task that says how far it is."""
    go_on = [asyncio.Event(), asyncio.Event()]

    async def empty_trash(on_progress: Callable[[int], None] | None = None) -> None:
        assert on_progress is not None
        for percent, event in zip((0, 42), go_on, strict=True):
            on_progress(percent)
            await event.wait()
        on_progress(100)

    async with in_trash(*many(2)) as (app, pilot, place):
        place.empty_trash = empty_trash  # type: ignore[method-assign]
        await press(pilot, "E", *"empty 2", "enter")
        await settle(pilot, lambda: "Emptying...  0%" in shown(app))
        go_on[0].set()
        await settle(pilot, lambda: "Emptying...  42%" in shown(app))
        go_on[1].set()
        await settle(pilot, lambda: "Emptied: 2 items are gone." in shown(app))


async def test_when_the_service_deletes_it_for_good_is_told() -> None:
    thing = replace(item(file("x"), "/x"), ends_ns=1_800_000_000 * 10**9)
    async with in_trash(thing, item(file("y"), "/y", second=-1)) as (app, pilot, _):
        await press(pilot, "home", "i")
        await settle(pilot, lambda: "deleted" in shown(app))
        assert "2027-01-1" in shown(app)
        assert "PikPak deletes it for ever then" in shown(app)
        await press(pilot, "escape", "down", "i")
        await settle(pilot, lambda: "name     y" in shown(app))
        assert "for ever then" not in shown(app)


async def test_jobs_are_told_of_on_every_list() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("film.mkv"), job("other.bin")]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "t")
        await settle(pilot, lambda: picture(app)[-1].endswith("2 jobs  16M/s"))
        runtime.transfers.jobs = []
        app.bridge.wake()
        await settle(pilot, lambda: "jobs" not in picture(app)[-1])


async def test_a_wide_screen_tells_of_the_row_beside_the_list() -> None:
    runtime = sample_runtime()
    runtime.places[""].trashed = [item(file("a [/b]", 3_277), "old/a [/b]")]
    async with opened(runtime, size=(200, 60)) as (app, pilot):
        await press(pilot, "t")
        await settle(pilot, lambda: "Properties" in shown(app) and "from /old" in shown(app))
        assert "3,277 bytes" in shown(app)
        await pilot.resize_terminal(120, 40)
        await settle(pilot, lambda: "Properties" not in shown(app))
        assert "a [/b]" in shown(app)
