"""Unpacking by the service, and search."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Place
from tests.cloudtui_process import Home, make_tree


def zipped(**files: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.txt", content)
    return data.getvalue()


@pytest.fixture
def packed(home: Home, place: Place, tmp_path: Path) -> Place:
    source = make_tree(
        tmp_path / "src", {"one.zip": zipped(a=b"A"), "two.zip": zipped(b=b"B"), "no.txt": b"-"}
    )
    home.run("cp", "-r", f"{source}/", f"{place.top}/z").ok()
    return place


def test_a_folder_of_archives_is_unpacked_at_once(home: Home, packed: Place) -> None:
    ended = home.run("extract", "--json", "--delete-source", f"{packed.top}/z")
    assert ended.ok().value == {"Decompressed": 2, "SourceDeleted": 2, "Errors": 0}
    listed = home.run("ls", "-R", f"{packed.top}/z").ok().out.splitlines()
    assert "a.txt" in {line.rpartition("/")[2] for line in listed}
    assert "b.txt" in {line.rpartition("/")[2] for line in listed}
    assert "one.zip" not in listed


def test_what_is_no_archive_is_refused(home: Home, packed: Place) -> None:
    ended = home.run("extract", "--json", f"{packed.top}/z/no.txt")
    assert ended.code == 8
    assert ended.values[-1] == {"Decompressed": 0, "SourceDeleted": 0, "Errors": 1}
    assert "no.txt" in home.run("ls", f"{packed.top}/z").ok().out


def test_what_is_inside_is_shown_without_unpacking(home: Home, packed: Place) -> None:
    ended = home.run("extract", "--list", "--json", f"{packed.top}/z/one.zip")
    if packed.top.startswith("pc"):
        assert ended.code == 8  # only PikPak shows that
        return
    (row,) = ended.ok().values
    assert (row["path"], row["type"], row["size"]) == ("a.txt", "file", 1)
    assert home.run("extract", "--list", f"{packed.top}/z").ok().out.split() == [
        "1", "B", "a.txt", "1", "B", "b.txt",
    ]  # fmt: skip
    assert "a" not in home.run("ls", f"{packed.top}/z").ok().out.split()


def test_nothing_is_left_to_be_seen_through(home: Home, packed: Place) -> None:
    home.run("extract", "--delete-source", f"{packed.top}/z/one.zip").ok()
    ended = home.run("extract", "--resume", "--json")
    assert ended.ok().value == {"Decompressed": 0, "SourceDeleted": 0, "Errors": 0}
    assert "No archive was named" in home.run("extract").err
    assert home.run("extract", "--resume", f"{packed.top}/z").code == 2


def test_search_finds_names_by_words(home: Home, packed: Place) -> None:
    rows = home.run("search", "--json", "--in", packed.top, "zip", "ONE").ok().values
    assert [row["path"] for row in rows] == [f"{packed.top.partition(':')[2]}/z/one.zip"]
    assert home.run("search", "--in", packed.top, "nothing-like-this").code == 3
    home.run("cp", f"{packed.top}/z/no.txt", f"{packed.top}/z/later.txt").ok()
    assert home.run("search", "--in", packed.top, "later").code == 3
    home.run("ls", f"{packed.top}/z").ok()
    assert "later.txt" in home.run("search", "later").ok().out
    # our own changes are known without a new listing
    home.run("rm", f"{packed.top}/z/later.txt").ok()
    assert home.run("search", "--in", packed.top, "later").code == 3
    home.run("rename", f"{packed.top}/z", "renamed").ok()
    (row,) = home.run("search", "--json", "--in", packed.top, "one.zip").ok().values
    assert row["path"].endswith("/renamed/one.zip")
