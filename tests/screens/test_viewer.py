"""Looking at files: text, bytes, hostile content; links made on request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from cloudtui.app import CloudApp
from cloudtui.commands.demo import runtime_of
from cloudtui.demo import Demo, demonstration
from cloudtui.screens.viewer import SHOWN, byte_rows, decoded, text_rows
from cloudtui.services.addresses import local_location
from cloudtui.services.errors import Denied, NotFound, Refused
from cloudtui.services.models import Kind, Location
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import FakeRuntime, sample_runtime


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with demonstration(("library",)) as running:
        yield running


@pytest.mark.parametrize("account", ["pikpak", "pcloud"])
async def test_the_beginning_of_a_cloud_file_comes_through_the_pump(
    demo: Demo, account: str
) -> None:
    async with runtime_of(demo) as runtime:
        storage = await runtime.storage(account)
        film = await storage.stat(Location(account, ("Films", "Harbour at dawn.mp4")))
        assert film.entry.size is not None
        assert film.entry.size > SHOWN
        data = await runtime.first_bytes(film, SHOWN)
        assert len(data) == SHOWN
        assert data[4:8] == b"ftyp"
        text = await storage.stat(Location(account, ("Documents", "Welcome.txt")))
        assert (await runtime.first_bytes(text, SHOWN)).startswith(b"welcome\n")
        empty = Location(account, ("Documents", "Reports", "Drafts", "empty.txt"))
        assert await runtime.first_bytes(await storage.stat(empty), SHOWN) == b""
        there = await storage.stat(Location(account, ("Films",)), want=Kind.FOLDER)
        with pytest.raises(Refused):
            await runtime.first_bytes(there, SHOWN)


async def test_the_beginning_of_a_disk_file(demo: Demo, tmp_path: Path) -> None:
    data = os.urandom(SHOWN + 5)
    (tmp_path / "a").write_bytes(data)
    async with runtime_of(demo) as runtime:
        storage = await runtime.storage("")
        found = await storage.stat(local_location(str(tmp_path / "a")))
        assert await runtime.first_bytes(found, SHOWN) == data[:SHOWN]
        (tmp_path / "a").unlink()
        with pytest.raises((NotFound, Refused, Denied)):
            await runtime.first_bytes(found, SHOWN)


def viewed(data: bytes) -> FakeRuntime:
    runtime = sample_runtime()
    runtime.content["README.md"] = data
    return runtime


async def test_text_is_shown_wrapped_and_scrolled() -> None:
    text = "\n".join(f"line {number}" for number in range(100)) + "\n" + "long " * 40 + "end"
    async with opened(viewed(text.encode())) as (app, pilot):
        await press(pilot, "end", "f3")
        await settle(pilot, lambda: "line 0" in shown(app))
        assert "disk /videos  README.md" in picture(app)[0]
        await press(pilot, "pagedown")
        assert "line 21" in shown(app)
        assert "line 3 " not in shown(app)
        await press(pilot, "end")
        assert "end " in shown(app)
        await press(pilot, "g")
        assert "line 0" in shown(app)
        await press(pilot, "x")
        assert "00000000  6c 69 6e 65 20 30" in shown(app)
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_hostile_content_is_harmless() -> None:
    hostile = b"\x1b[2J\x1b]0;title\x07 a [/b] [red]\x9b31m \xe2\x80\xae \tx\r\nb\x7f"
    async with opened(viewed(hostile)) as (app, pilot):
        await press(pilot, "end", "enter")
        await settle(pilot, lambda: "a [/b] [red]" in shown(app))
        text = shown(app)
        assert "<1B>[2J<1B>]0;title<07>" in text
        assert "<202E>" in text
        assert not any(char in text for char in "\x1b\x07\x9b\x7f\u202e\t")


async def test_bytes_that_are_no_text_are_shown_as_numbers() -> None:
    async with opened(viewed(bytes(range(256)))) as (app, pilot):
        await press(pilot, "end", "o")
        await settle(pilot, lambda: "00000040  40 41 42" in shown(app))
        assert "@ABCDEFGHIJKLMNO" in shown(app)
        assert "x text" in shown(app)


async def test_an_empty_file_and_one_that_cannot_be_read_say_so() -> None:
    runtime = viewed(b"")
    async with opened(runtime) as (app, pilot):
        await press(pilot, "end", "f3")
        await settle(pilot, lambda: "The file is empty." in shown(app))
        await press(pilot, "escape")
        runtime.content["README.md"] = Refused("The file cannot be read (permission denied).")
        await press(pilot, "f3")
        await settle(pilot, lambda: "permission denied" in shown(app))
        await press(pilot, "q", "home", "down", "f3")
        assert "Only files can be viewed." in shown(app)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        ("caf\u00e9".encode(), "caf\u00e9"),
        (b"\xef\xbb\xbfmark", "mark"),
        ("wide \u6620".encode("utf-16"), "wide \u6620"),
        (b"a\0b", None),
        (b"mostly latin \xe9", "mostly latin \ufffd"),
        (b"\x80\x81\x82\x83" * 50, None),
    ],
)
def test_text_is_told_from_bytes(data: bytes, text: str | None) -> None:
    assert decoded(data, whole=True) == text


def test_a_character_cut_off_at_the_end_is_no_reason_to_show_bytes() -> None:
    data = "\u6620".encode() * 10
    assert decoded(data[:-1], whole=False) == "\u6620" * 9


@pytest.mark.parametrize("width", [9, 20, 77])
def test_rows_are_never_wider_than_the_screen(width: int) -> None:
    rows = text_rows("a" * 100 + "\n\n" + "\u6620\u753b" * 30 + "\n\tx\n", width)
    assert all(cell_len(row) <= width for row in rows)
    assert "" in rows
    assert len(byte_rows(bytes(33))) == 3


async def test_a_direct_link_is_shown_and_sent_to_the_clipboard_but_not_kept() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "tab", "end", "c", "l")
        await settle(pilot, lambda: "https://content.example/映画 予告編.mp4" in shown(app))
        assert "Sent to the terminal's clipboard." in shown(app)
        assert app.clipboard == "https://content.example/映画 予告編.mp4"
        assert not any("https" in line for line in app.remembered())
        await press(pilot, "escape", "home", "down", "c", "l")
        assert "only files have direct links" in shown(app)
        await press(pilot, "tab", "end", "c", "l")
        assert "makes no direct links" in shown(app)


async def test_a_public_link_is_asked_about_before_it_is_made() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "end", "c", "s")
        await settle(pilot, lambda: "Everybody who has the link" in shown(app))
        await press(pilot, "escape")
        assert place.shared == []
        await press(pilot, "c", "s")
        await settle(pilot, lambda: "Everybody who has the link" in shown(app))
        await press(pilot, "enter")
        await settle(pilot, lambda: "https://share.example/映画 予告編.mp4" in shown(app))
        assert place.shared == ["映画 予告編.mp4"]
        assert "password pass1" in shown(app)
