"""Wishes for what a service fetches: kept, found by the next process, taken back."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cloudtui.services.models import Location
from cloudtui.services.paths import Paths
from cloudtui.services.wishes import Wish, Wishes

FIRST = Wish("pikpak", "t1", "a [/b]", ("home", "\udcff"))
SECOND = Wish("pikpak", "t2", "b", ())


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find({"CLOUDTUI_HOME": str(tmp_path)})


def test_the_next_process_finds_them(paths: Paths) -> None:
    Wishes(paths).add(FIRST)
    Wishes(paths).add(SECOND)
    assert Wishes(paths).all() == [FIRST, SECOND]
    assert FIRST.target == Location("", ("home", "\udcff"))
    mode = (paths.state_dir / "wishes.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_newer_one_for_the_same_task_counts_and_both_can_be_taken_back(paths: Paths) -> None:
    wishes = Wishes(paths)
    wishes.add(FIRST)
    wishes.add(SECOND)
    wishes.add(Wish("pikpak", "t1", "a", ("elsewhere",)))
    assert [wish.parts for wish in wishes.all()] == [(), ("elsewhere",)]
    wishes.remove("pcloud", "t1", "t2")
    assert len(wishes.all()) == 2
    wishes.remove("pikpak", "t1", "t2")
    assert wishes.all() == []


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[1]", b'[["a"]]', b'[["a","b","c",1]]'])
def test_a_file_that_holds_something_else_is_no_trouble(paths: Paths, content: bytes) -> None:
    paths.state_dir.mkdir(parents=True, exist_ok=True)
    (paths.state_dir / "wishes.json").write_bytes(content)
    wishes = Wishes(paths)
    assert wishes.all() == []
    wishes.add(FIRST)
    assert wishes.all() == [FIRST]
