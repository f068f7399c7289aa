"""Pictures beside the panes and on the whole screen; films played in another quality."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from PIL import Image
from rich.style import Style
from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.commands.demo import runtime_of
from cloudtui.demo import Demo, demonstration
from cloudtui.ports import Door
from cloudtui.services.decoding import Picture
from cloudtui.services.errors import NotFound, Offline
from cloudtui.services.media import LARGE, SMALL, Quality
from cloudtui.widgets import facts
from cloudtui.widgets.half_blocks import half_blocks
from tests.screens.driving import opened, panes_ready, picture, press, rush, settle
from tests.screens.fake_runtime import FakeRuntime, file, sample_runtime

WIDE = (200, 60)


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of many colours, and a cursor that rests at once."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(facts, "REST", 0.001)


def encoded(size: tuple[int, int], colour: str, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def gallery() -> FakeRuntime:
    """A red and a blue picture and a text on disk, the same in the cloud."""
    runtime = sample_runtime()
    for place in runtime.places.values():
        place.tree["gallery",] = [file("a-red.png"), file("b-blue.jpg"), file("c.txt")]
    runtime.pictures = {
        "a-red.png": encoded((64, 32), "#ff0000"),
        "b-blue.jpg": encoded((60, 60), "#0000ff", "JPEG"),
    }
    return runtime


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


def blocks(app: CloudApp) -> int:
    return shown(app).count("▀")


def both(
    runtime: FakeRuntime, size: tuple[int, int] = WIDE
) -> AbstractAsyncContextManager[tuple[CloudApp, Pilot[int]]]:
    """The app with the gallery in both panes."""
    return opened(runtime, size=size, left="/gallery", right="pikpak:/gallery")


async def test_the_row_on_which_the_cursor_rests_is_pictured() -> None:
    runtime = gallery()
    async with both(runtime) as (app, pilot):
        await press(pilot, "home", "down")
        await settle(pilot, lambda: "PNG picture, 64 x 32" in shown(app))
        assert blocks(app) == 48 * 12
        colours = {
            segment.style.color.name
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if "▀" in segment.text and segment.style and segment.style.color
        }
        assert colours == {"#fc0000"}
        await press(pilot, "down")
        await settle(pilot, lambda: "JPEG picture, 60 x 60" in shown(app))
        await press(pilot, "down")
        await settle(pilot, lambda: not blocks(app) and "picture," not in shown(app))
        assert runtime.looked_at == [("a-red.png", SMALL), ("b-blue.jpg", SMALL)]
        await press(pilot, "up")
        await settle(pilot, lambda: "JPEG picture, 60 x 60" in shown(app))
        assert len(runtime.looked_at) == 2, "it was kept"
        await press(pilot, "tab", "home", "down")
        await settle(pilot, lambda: "PNG picture, 64 x 32, made by PikPak" in shown(app))


async def test_nothing_is_fetched_before_the_cursor_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "REST", 3600.0)
    runtime = gallery()
    async with both(runtime) as (app, pilot):
        await press(pilot, "home", "down", "down", "up")
        await settle(pilot, lambda: getattr(app.main.facts.entry, "name", "") == "a-red.png")
        assert runtime.looked_at == []
        app.main.facts._rested()
        await settle(pilot, lambda: "PNG picture" in shown(app))
        assert runtime.looked_at == [("a-red.png", SMALL)]


async def test_a_picture_that_comes_late_is_not_shown_for_another_row() -> None:
    runtime = gallery()
    runtime.picture_gate = asyncio.Event()
    async with both(runtime) as (app, pilot):
        await press(pilot, "home", "down")
        await settle(pilot, lambda: runtime.looked_at == [("a-red.png", SMALL)])
        looking = [one for one in app.workers if one.group == "picture"]
        await press(pilot, "end")
        await settle(pilot, lambda: all(one.is_cancelled for one in looking))
        runtime.picture_gate.set()
        await settle(pilot, lambda: all(one.is_finished for one in looking))
        assert "PNG picture" not in shown(app)


async def test_a_rest_that_is_over_before_it_is_heard_of_fetches_nothing() -> None:
    runtime = gallery()
    async with both(runtime) as (app, pilot):
        await press(pilot, "end")
        app.main.glances.look(file("a-red.png"))
        await pilot.pause()
        assert runtime.looked_at == []


async def test_no_picture_is_a_line_of_words() -> None:
    runtime = gallery()
    runtime.pictures["a-red.png"] = b"no picture at all"
    runtime.pictures["b-blue.jpg"] = NotFound("There is no picture of it.")
    async with both(runtime) as (app, pilot):
        await press(pilot, "home", "down")
        await settle(pilot, lambda: "The picture cannot be drawn" in shown(app))
        await press(pilot, "down")
        await settle(pilot, lambda: runtime.looked_at[-1][0] == "b-blue.jpg")
        assert "There is no picture" not in shown(app), "most files have none"
        runtime.pictures["a-red.png"] = Offline("No connection to a [/b].")
        await press(pilot, "up")
        await settle(pilot, lambda: "No connection to a [/b]." in shown(app))
        runtime.pictures["a-red.png"] = encoded((4, 4), "#00ff00")
        await press(pilot, "down", "up")
        await settle(pilot, lambda: "PNG picture, 4 x 4" in shown(app))


@pytest.mark.parametrize("why", ["NO_COLOR", "sixteen", "ascii", "mono"])
async def test_without_colours_there_are_words_alone(
    monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    runtime = gallery()
    if why == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    elif why == "sixteen":
        monkeypatch.delenv("COLORTERM")
        monkeypatch.setenv("TERM", "xterm")
    elif why == "ascii":
        runtime.settings.words["borders"] = "ascii"
    else:
        runtime.settings.words["theme"] = "mono"
    async with both(runtime) as (app, pilot):
        await press(pilot, "home", "down")
        await settle(pilot, lambda: "PNG picture, 64 x 32" in shown(app))
        assert blocks(app) == 0
        await press(pilot, "f3")
        await settle(pilot, lambda: "PNG picture, 64 x 32. x shows its bytes." in shown(app))
        assert blocks(app) == 0


async def test_a_screen_that_is_listened_to_tells_of_a_picture_and_draws_none() -> None:
    runtime = gallery()
    runtime.settings.flags["accessible"] = True
    async with both(runtime) as (app, pilot):
        await press(pilot, "home", "down", "f3")
        await settle(pilot, lambda: "PNG picture, 64 x 32. x shows its bytes." in shown(app))
        assert blocks(app) == 0
        assert runtime.looked_at == [("a-red.png", LARGE)]


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_narrow_screens_fetch_nothing(size: tuple[int, int]) -> None:
    runtime = gallery()
    async with both(runtime, size) as (app, pilot):
        await press(pilot, "home", "down", "down")
        assert app.main.facts.entry is None
        assert runtime.looked_at == []


async def test_a_picture_is_viewed_on_the_whole_screen() -> None:
    runtime = gallery()
    runtime.content["a-red.png"] = b"\x89PNG\0and so on"
    async with both(runtime, (80, 24)) as (app, pilot):
        await press(pilot, "home", "down", "f3")
        await settle(pilot, lambda: blocks(app) > 0)
        assert runtime.looked_at == [("a-red.png", LARGE)]
        assert blocks(app) == 64 * 16
        assert "PNG picture, 64 x 32" in picture(app)[0]
        assert "x bytes   Esc closes" in picture(app)[-1]
        await press(pilot, "x")
        await settle(pilot, lambda: "00000000  89 50 4e 47 00" in shown(app))
        assert "x picture" in shown(app)
        await press(pilot, "x")
        await settle(pilot, lambda: blocks(app) == 64 * 16)
        await pilot.resize_terminal(60, 20)
        await settle(pilot, lambda: blocks(app) == 58 * 14 + 58)
        assert len(runtime.looked_at) == 1, "the bytes are kept while it is open"
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_a_picture_that_cannot_be_viewed_says_why_and_shows_its_bytes() -> None:
    runtime = gallery()
    runtime.pictures["a-red.png"] = NotFound("PikPak has no picture of a-red.png.")
    runtime.content["a-red.png"] = b"\x89PNG\0and so on"
    async with both(runtime, (80, 24)) as (app, pilot):
        await press(pilot, "home", "down", "f3")
        await settle(pilot, lambda: "PikPak has no picture of a-red.png." in shown(app))
        assert "x shows the first 64 KiB of the file." in shown(app)
        await press(pilot, "x")
        await settle(pilot, lambda: "00000000  89 50 4e 47 00" in shown(app))


def test_two_rows_of_pixels_make_a_line_and_an_odd_one_ends_in_the_middle() -> None:
    red, green, blue = b"\xff\x00\x00", b"\x00\xff\x00", b"\x00\x00\xff"
    pixels = red + red + green + blue + blue + blue
    around = Style(bgcolor="#101010")
    first, last = half_blocks(Picture(2, 3, pixels, "PNG", (2, 3)), 6, around)
    assert (first.text, last.text) == ("  ▀▀  ", "  ▀▀  ")
    assert [one.cell_length for one in (first, last)] == [6, 6]
    _, one, two, _ = first
    assert one.style is not None
    assert two.style is not None
    assert (str(one.style.color), str(one.style.bgcolor)) == (
        str(Style(color="#fc0000").color),
        str(Style(bgcolor="#00fc00").bgcolor),
    )
    assert two.style.bgcolor != one.style.bgcolor
    _, below, _ = last
    assert below.style is not None
    assert below.style.bgcolor == around.bgcolor


FORMS = [
    Quality("Original", original=True, width=1920, height=1080, codecs=("h264", "aac")),
    Quality("720P", width=1280, height=720, bit_rate=90_000),
    Quality("1080P [/b]", wants="a plan: platinum", given=False),
]


async def test_a_film_is_played_in_another_quality() -> None:
    runtime = sample_runtime()
    runtime.places["pikpak"].forms = FORMS
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "end", "up", "c", "q")
        await settle(pilot, lambda: "Play " in shown(app))
        assert "2 720P           1280x720, 90 kbit/s" in shown(app)
        assert "3 1080P [/b]     wants a plan: platinum" in shown(app)
        await press(pilot, "down", "enter")
        await settle(pilot, lambda: "https://content.example/720P/" in shown(app))
        assert app.clipboard.startswith("https://content.example/720P/")
        assert not any("https" in line for line in app.remembered())
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        await press(pilot, "c", "q")
        await settle(pilot, lambda: "Play " in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_without_other_forms_the_message_line_says_so() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "tab", "end", "c", "q")
        await settle(pilot, lambda: "PikPak has no other form of" in shown(app))
        await press(pilot, "home", "down", "c", "q")
        await settle(pilot, lambda: "only files are played" in shown(app))
        await press(pilot, "tab", "end", "c", "q")
        await settle(pilot, lambda: "disk plays no other form" in shown(app))


async def test_the_menu_of_a_row_offers_it() -> None:
    async with opened(sample_runtime(), size=(120, 60)) as (app, pilot):
        await press(pilot, "f2", *"another quality")
        await settle(pilot, lambda: "play in another quality" in shown(app))


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with demonstration(("library",)) as running:
        yield running


@pytest.mark.parametrize("account", ["pikpak", "pcloud"])
async def test_the_clouds_own_pictures_come_to_the_side_panel(
    demo: Demo, account: str, tmp_path: Path
) -> None:
    door = Door(lambda: runtime_of(demo))
    app = CloudApp(door, str(tmp_path), f"{account}:/Films")
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await settle(pilot, lambda: panes_ready(app))
        await press(pilot, "tab", "home", "down")
        await settle(pilot, lambda: "JPEG picture, 256 x 144" in shown(app))
        assert blocks(app) > 100
        await to_pictures(pilot, app)
        await settle(pilot, lambda: "JPEG picture, 224 x 160" in shown(app))
        # many looks are given up on the way, at whatever point they have got to
        for _ in range(2):
            await press(pilot, "up", "up", "up")
            await rush(pilot, "up", "up", "down", "down")
            await press(pilot, "down", "down", "down")
        await settle(pilot, lambda: "JPEG picture, 224 x 160" in shown(app))
    await door.close()


async def to_pictures(pilot: Pilot[int], app: CloudApp) -> None:
    """Go to the folder of pictures, onto the first of them."""
    await press(pilot, "backspace")
    await settle(pilot, lambda: panes_ready(app))
    for _ in range(20):
        entry = app.main.right.view.current
        if entry is not None and entry.name == "Pictures":
            break
        await press(pilot, "down" if entry is None or entry.name < "Pictures" else "up")
    await press(pilot, "enter")
    await settle(pilot, lambda: panes_ready(app) and app.main.right.place.endswith("/Pictures"))
    await press(pilot, "end")
