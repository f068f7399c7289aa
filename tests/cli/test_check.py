"""`check` and `sync`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Place
from tests.cloudtui_process import Home, make_tree, tree
from tests.sandbox_process import SandboxProcess

FILES = {"a.txt": b"aaa", "d/b.bin": b"b" * 1000, "d/e/empty": b"", "same size": b"12345"}


def results(home: Home, *words: str | Path, code: int) -> dict[str, str]:
    ended = home.run("check", "--json", *words)
    assert ended.code == code, ended.err
    return {each["path"]: each["result"] for each in ended.values if "path" in each}


def test_equal_trees_and_every_kind_of_difference(home: Home, place: Place, tmp_path: Path) -> None:
    here = make_tree(tmp_path / "here", FILES)
    home.run("cp", "-r", f"{here}/", place.top).ok()
    same = results(home, here, place.top, code=0)
    assert set(same.values()) == {"same"}
    assert set(same) == set(FILES)
    (here / "a.txt").write_bytes(b"longer than before")
    (here / "same size").write_bytes(b"54321")
    (here / "d" / "b.bin").unlink()
    (here / "new").mkdir()
    (here / "new" / "x").write_bytes(b"x")
    found = results(home, here, place.top, code=7)
    assert {path: word for path, word in found.items() if word != "same"} == {
        "a.txt": "different",
        "same size": "different",
        "d/b.bin": "extra",
        "new": "missing",
        "new/x": "missing",
    }
    text = home.run("check", "--one-way", here, place.top)
    assert "only in the source: new/x\n" in text.out
    assert "b.bin" not in text.out
    words = ("--exclude", "new/", "--include", "e*", here, place.top)
    assert results(home, *words, code=0) == {"d/e/empty": "same"}


def test_one_file_and_nonsense(home: Home, tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": b"1", "b": b"1", "c": b"2", "d/x": b""})
    assert results(home, tmp_path / "a", tmp_path / "b", code=0) == {"a": "same"}
    assert results(home, tmp_path / "a", tmp_path / "c", code=7) == {"a": "different"}
    assert home.run("check", tmp_path / "a", tmp_path / "d").code in (2, 3)
    assert home.run("check", tmp_path / "a", tmp_path / "nothing").code == 3


def test_clouds_are_compared_with_one_another(home: Home, tmp_path: Path) -> None:
    here = make_tree(tmp_path / "here", {"a": b"1" * 100, "b": b"2" * 200})
    tops = [f"{name}:/{tmp_path.name}-across" for name in ("pk", "pc")]
    for top in tops:
        home.run("cp", "-r", f"{here}/", f"{top}/").ok()
    # PikPak knows GCID, pCloud does not: no digest in common
    assert results(home, *tops, code=0) == {"a": "size only", "b": "size only"}
    (here / "a").write_bytes(b"1" * 101)
    home.run("cp", "--on-conflict", "overwrite", here / "a", f"{tops[0]}/").ok()
    assert results(home, *tops, code=7) == {"a": "different", "b": "size only"}


def test_a_mirror_ends_equal(home: Home, place: Place, tmp_path: Path) -> None:
    here = make_tree(tmp_path / "here", FILES)
    stale = make_tree(tmp_path / "stale", {"old": b"o", "gone/x": b"x", "a.txt": b"other words"})
    home.run("cp", "-r", f"{stale}/", place.top).ok()
    shown = home.run("sync", "-n", here, place.top, "--json").ok().values
    deeds = {(each["action"], each["path"].rpartition("/")[2]) for each in shown}
    assert {("trash", "old"), ("trash", "gone"), ("replace", "a.txt")} <= deeds
    assert results(home, here, place.top, code=7)
    home.run("sync", here, place.top, timeout=150).ok()
    assert set(results(home, here, place.top, code=0)) == set(FILES)
    back = tmp_path / "back"
    home.run("sync", place.top, back).ok()
    assert tree(back) == tree(here)
    # what was removed can be taken back
    listed = home.run("trash", "ls", f"{place.name}:", "--json").ok().values
    names = {
        each["name"] for each in listed if str(each["trashed_from"]).startswith("/" + tmp_path.name)
    }
    assert {"old", "gone"} <= names


def test_a_mirror_leaves_what_the_patterns_leave_out(home: Home, tmp_path: Path) -> None:
    here = make_tree(tmp_path / "here", {"a.mp3": b"1", "note.txt": b"n"})
    there = make_tree(
        tmp_path / "there",
        {"old.mp3": b"o", "keep.txt": b"k", "sub/x.mp3": b"x", "sub/y.txt": b"y"},
    )
    home.run("sync", "--include", "*.mp3", here, there).ok()
    assert {path for path, data in tree(there).items() if data is not None} == {
        "a.mp3",
        "keep.txt",
        "sub/y.txt",
    }


def test_kinds_that_clash_and_links(home: Home, tmp_path: Path) -> None:
    here = make_tree(tmp_path / "here", {"x/inner": b"1", "y": b"2"})
    there = make_tree(tmp_path / "there", {"x": b"a file", "y/inner": b"3"})
    (here / "link").symlink_to("y")
    (there / "link").symlink_to("elsewhere")
    home.run("sync", here, there).ok()
    assert (there / "x" / "inner").read_bytes() == b"1"
    assert (there / "y").read_bytes() == b"2"
    assert (there / "link").is_symlink()


@pytest.mark.parametrize(("one", "other"), [("a", "a/b"), ("a/b", "a"), ("a", "a")])
def test_folders_inside_one_another_are_refused(
    home: Home, tmp_path: Path, one: str, other: str
) -> None:
    make_tree(tmp_path, {"a/b/x": b"x", "a/y": b"y"})
    before = tree(tmp_path / "a")
    ended = home.run("sync", tmp_path / one, tmp_path / other)
    assert ended.code == 2
    assert tree(tmp_path / "a") == before


def test_nothing_goes_when_not_everything_has_come(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    top = f"pc:/{tmp_path.name}"
    here = make_tree(tmp_path / "here", {"a": b"a"})
    old = make_tree(tmp_path / "old", {"extra": b"e"})
    home.run("cp", "-r", f"{old}/", f"{top}/").ok()
    box.admin.fault(kind="api_code", code=2008, match="PUT /uploadfile")
    ended = home.run("sync", here, top)
    assert ended.code == 5
    assert "Nothing was removed" in ended.err
    assert [each["name"] for each in home.run("ls", top, "--json").ok().values] == ["extra"]
    box.admin.clear_faults()
    home.run("sync", here, top).ok()
    assert [each["name"] for each in home.run("ls", top, "--json").ok().values] == ["a"]
