"""Bookmarks: kept, found again by the next process, forgotten."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cloudtui.services.bookmarks import Bookmarks
from cloudtui.services.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find({"CLOUDTUI_HOME": str(tmp_path)})


def test_addresses_are_kept_in_order_and_once(paths: Paths) -> None:
    marks = Bookmarks(paths)
    assert marks.all() == []
    assert marks.add("pikpak:/a [/b]\n\x1b")
    assert marks.add("/home/\udcff")
    assert not marks.add("pikpak:/a [/b]\n\x1b")
    assert Bookmarks(paths).all() == ["pikpak:/a [/b]\n\x1b", "/home/\udcff"]
    assert marks.remove("/home/\udcff")
    assert not marks.remove("/home/\udcff")
    assert marks.all() == ["pikpak:/a [/b]\n\x1b"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'[1, "a"]'])
def test_a_file_that_holds_something_else_is_no_trouble(paths: Paths, content: bytes) -> None:
    paths.state_dir.mkdir(parents=True, exist_ok=True)
    (paths.state_dir / "bookmarks.json").write_bytes(content)
    marks = Bookmarks(paths)
    assert marks.all() in ([], ["a"])
    assert marks.add("b")
    assert marks.all()[-1] == "b"


def test_nobody_else_can_read_them(paths: Paths) -> None:
    Bookmarks(paths).add("a")
    mode = (paths.state_dir / "bookmarks.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
