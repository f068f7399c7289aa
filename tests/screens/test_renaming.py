"""Names of several items in one text: refused as a whole, and never given over a taken name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import TextArea

from cloudtui.screens.renaming import complaint, steps
from cloudtui.services.errors import Denied
from cloudtui.services.models import Found
from tests.screens.driving import opened, press, settle
from tests.screens.fake_runtime import FakePlace, file, sample_runtime
from tests.screens.test_queue import shown


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
def test_no_name_is_ever_taken_on_the_way(order: list[int], renamed: set[int]) -> None:
    entries = [file(f"n{number}") for number in range(6)]
    news = [f"n{order[at]}" if len(renamed) == 6 else f"m{at}" for at in range(6)]
    pairs = [
        (entry, new if at in renamed else entry.name)
        for at, (entry, new) in enumerate(zip(entries, news, strict=True))
    ]
    there = {entry.id: entry.name for entry in entries}
    for key, name in steps(pairs):
        assert name not in there.values()
        there[key] = name
    assert there == {entry.id: name for entry, name in pairs}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["a"], "1 line for 2 items: each needs one line."),
        (["a", "a"], "a would be there twice."),
        (["a", "c"], "c would be there twice."),
        (["a", ""], "An empty line: A name needs at least one character."),
        (["a", "x/y"], "A name cannot hold a slash."),
        (["a", ".."], "Not a name"),
        (["b", "a"], ""),
    ],
)
def test_what_cannot_be_is_told(lines: list[str], words: str) -> None:
    told = complaint(lines, ["a", "b"], ["c"])
    assert words in told
    assert bool(words) == bool(told)


async def test_marked_items_are_renamed_in_one_text_and_get_their_names_back() -> None:
    runtime = sample_runtime()
    rows = runtime.places["pikpak"].tree["Media",]
    rows[:] = [file("one [b].txt"), file("two.txt"), file("three.txt"), file("bad\x1b.txt")]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "ctrl+a", "r")
        await settle(pilot, lambda: "Rename 4 items" in shown(app))
        area = app.screen.query_one("#names", TextArea)
        assert area.text.split("\n") == ["bad<1B>.txt", "one [b].txt", "three.txt", "two.txt"]
        area.text = "bad<1B>.txt\ntwo.txt\nthree.txt"
        await settle(pilot, lambda: "3 lines for 4 items" in shown(app))
        await press(pilot, "tab", "enter")
        assert "Rename 4 items" in shown(app)
        area.text = "bad<1B>.txt\ntwo.txt\nthree.txt\none [b].txt\n"
        await settle(pilot, lambda: "There are" not in shown(app))
        await press(pilot, "enter")
        await settle(pilot, lambda: "Renamed 2 items." in shown(app))
        assert {row.name for row in rows} == {
            "bad\x1b.txt", "one [b].txt", "three.txt", "two.txt",
        }  # fmt: skip
        assert app.main.right.view.marked == 0
        await press(pilot, "u")
        await settle(pilot, lambda: "Old names again: 2 items." in shown(app))
        await press(pilot, "ctrl+a", "r")
        await settle(pilot, lambda: "Rename 4 items" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)


async def test_what_failed_ends_it_and_what_was_done_can_be_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = sample_runtime()
    rows = runtime.places["pikpak"].tree["Media",]
    rows[:] = [file("a"), file("b"), file("c")]
    rename = FakePlace.rename

    async def some(self: FakePlace, item: Found, name: str) -> object:
        if item.entry.name == "b":
            raise Denied("They said no.")
        return await rename(self, item, name)

    monkeypatch.setattr(FakePlace, "rename", some)
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "ctrl+a", "r")
        await settle(pilot, lambda: "Rename 3 items" in shown(app))
        app.screen.query_one("#names", TextArea).text = "x\ny\nz"
        await press(pilot, "tab", "enter")
        await settle(pilot, lambda: "Renamed 1 of 3. They said no." in shown(app))
        assert [row.name for row in rows] == ["x", "b", "c"]
        assert app.main.right.view.marked == 2
        await press(pilot, "u")
        await settle(pilot, lambda: "Old names again: 1 item." in shown(app))
        assert [row.name for row in rows] == ["a", "b", "c"]
