"""The first lines of a text beside the panes of a wide screen."""

from __future__ import annotations

import pytest

from cloudtui.screens.first_lines import LOOKED_AT, is_text
from cloudtui.services.errors import Offline
from tests.screens.driving import opened, press, settle
from tests.screens.fake_runtime import file, sample_runtime
from tests.screens.test_queue import shown

WIDE = (200, 60)


@pytest.mark.parametrize(
    ("name", "size", "text"),
    [
        ("a.txt", 10, True),
        ("README", 10, True),
        ("b.JSON", 10, True),
        ("empty.txt", 0, False),
        ("part.ts", 10, True),
        ("film.ts", 1 << 30, False),
        ("film.mkv", 10, False),
    ],
)
def test_names_promise_text(name: str, size: int, *, text: bool) -> None:
    assert is_text(file(name, size)) is text


async def test_the_first_lines_of_a_text_are_beside_the_panes() -> None:
    runtime = sample_runtime()
    lines = ["a [/b] \x1b[31m", *(f"line {number}" for number in range(2, 500))]
    runtime.content["README.md"] = "\n".join(lines).encode()
    async with opened(runtime, size=WIDE) as (app, pilot):
        await press(pilot, "end")
        await settle(pilot, lambda: "line 2 " in shown(app))
        text = shown(app)
        assert "a [/b] <1B>[31m" in text
        assert "line 30 " in text
        assert "line 400 " not in text
        await press(pilot, "up")
        await settle(pilot, lambda: "line 2 " not in shown(app))
        await press(pilot, "I", "end")
        assert "line 2 " not in shown(app)


async def test_what_is_no_text_or_cannot_be_read_is_told_in_words() -> None:
    runtime = sample_runtime()
    runtime.content["README.md"] = b"\0" * LOOKED_AT
    runtime.content["notes.txt"] = Offline("No connection to a [/b].")
    async with opened(runtime, size=WIDE) as (app, pilot):
        await press(pilot, "end")
        await settle(pilot, lambda: "bytes that are no text" in shown(app))
        await press(pilot, "slash", *"notes", "enter", "end")
        await settle(pilot, lambda: "No connection to a [/b]." in shown(app))


async def test_narrow_screens_read_nothing() -> None:
    runtime = sample_runtime()
    runtime.content["README.md"] = b"first line"
    read: list[str] = []
    real = runtime.first_bytes

    async def counted(item, count):  # type: ignore[no-untyped-def]
        read.append(item.entry.name)
        return await real(item, count)

    runtime.first_bytes = counted  # type: ignore[method-assign]
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "end")
        app.main.facts._rested()
        await press(pilot, "up")
        assert read == []
