"""Listing, reading, making, removing and restoring on both clouds."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Place
from tests.cloudtui_process import Home, make_tree


def test_a_folder_is_made_listed_renamed_and_gone(home: Home, place: Place) -> None:
    home.run("mkdir", "-p", f"{place.top}/a/b c").ok()
    assert home.run("ls", "-R", place.top).ok().out == "a/\na/b c/\n"
    home.run("rename", f"{place.top}/a/b c", "späte").ok()
    (row,) = home.run("ls", "--json", f"{place.top}/a").ok().values
    assert (row["name"], row["type"], row["size"]) == ("späte", "folder", None)
    assert row["path"].endswith("/a/späte")
    assert home.run("rm", f"{place.top}/a").code == 2
    home.run("rm", "-r", "--forever", "--yes", f"{place.top}/a").ok()
    assert home.run("ls", place.top).ok().out == ""


def test_mkdir_of_a_taken_name_is_refused(home: Home, place: Place) -> None:
    home.run("mkdir", f"{place.top}/once").ok()
    ended = home.run("mkdir", f"{place.top}/once")
    assert ended.code == 1
    home.run("mkdir", "-p", f"{place.top}/once").ok()
    assert home.run("ls", place.top).ok().out == "once/\n"


def test_a_missing_path_is_told(home: Home, place: Place) -> None:
    for command in ("ls", "stat", "cat", "rm"):
        ended = home.run(command, f"{place.top}/nothing")
        assert (ended.code, ended.out) == (3, "")
        assert "nothing" in ended.err


def test_delete_and_restore_by_address(home: Home, place: Place, tmp_path: Path) -> None:
    files = {"keep.txt": b"keep", "sub/one.txt": b"1", "sub/two.txt": b"22"}
    source = make_tree(tmp_path / "tree", files)
    home.run("cp", "-r", f"{source}/", f"{place.top}/t").ok()
    home.run("rm", f"{place.top}/t/keep.txt").ok()
    home.run("rm", "-r", f"{place.top}/t/sub").ok()
    assert home.run("ls", "-R", f"{place.top}/t").ok().out == ""
    trashed = home.run("trash", "ls", "--json", f"{place.name}:").ok().values
    mine = [row for row in trashed if (row["trashed_from"] or "").startswith(place.top[3:])]
    assert {row["name"] for row in mine} == {"keep.txt", "sub"}
    home.run("trash", "restore", f"{place.top}/t/keep.txt", f"{place.top}/t/sub").ok()
    listed = home.run("ls", "-R", f"{place.top}/t").ok().out
    assert listed == "sub/\nkeep.txt\nsub/one.txt\nsub/two.txt\n"
    assert home.run("cat", f"{place.top}/t/sub/two.txt").ok().out == "22"


def test_a_folder_in_the_trash_comes_back_with_what_it_held(
    home: Home, place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    home.run("cp", file, f"{place.top}/d/").ok()
    home.run("cp", file, f"{place.top}/d/other").ok()
    home.run("rm", f"{place.top}/d/file").ok()
    home.run("rm", "-r", f"{place.top}/d").ok()
    home.run("trash", "restore", "--with-folders", f"{place.top}/d/file").ok()
    listed = home.run("ls", "-R", place.top).ok().out.split()
    assert sorted(listed) == ["d/", "d/file", "d/other"]


def test_reading_a_part(home: Home, place: Place, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096
    file = tmp_path / "content.bin"
    file.write_bytes(content)
    home.run("cp", file, f"{place.top}/").ok()
    ended = home.run("cat", "--offset", "65", "--count", "26", f"{place.top}/content.bin").ok()
    assert ended.out == content[65:91].decode()
    home.run("cat", "--offset", "99999999", f"{place.top}/content.bin").ok()


def test_quota_tells_numbers(home: Home, place: Place) -> None:
    numbers = home.run("quota", "--json", f"{place.name}:").ok().value
    assert numbers["total"] > 0
    assert numbers["free"] <= numbers["total"]
    if place.name == "pk":
        assert numbers["transfer"]["download"]["total"] > 0
        assert numbers["plan"]["name"] == "platinum"
        assert "plan     platinum until 2" in home.run("quota", "pk:").ok().out


def test_a_digest_the_service_lacks_is_shown_as_missing(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"hello")
    home.run("cp", file, f"pk:/{tmp_path.name}/").ok()
    words = ("stat", "--hash", f"pk:/{tmp_path.name}/file")
    told = home.run(*words, "--json").ok().value
    assert told["hashes"] == {"gcid": "6B4F89A54E2D27ECD7E8DA05B4AB8FD9D1D8B119", "md5": ""}
    assert "md5       (none)" in home.run(*words).ok().out


def test_one_entry_by_id(home: Home, place: Place) -> None:
    home.run("mkdir", f"{place.top}/by id").ok()
    row = home.run("stat", "--json", f"{place.top}/by id").ok().value
    again = home.run("stat", "--json", f"{place.name}:#{row['id']}").ok().value
    assert again["name"] == "by id"


def test_hostile_names_are_harmless(home: Home, place: Place, tmp_path: Path) -> None:
    names = ["a [b][bold]", "esc\x1b[31m", "tab\tname", "-rf", "ünï 漢字 👩‍💻", " lead", "trail."]
    source = make_tree(tmp_path / "hostile", {name: name.encode() for name in names})
    home.run("cp", "-r", f"{source}/", f"{place.top}/h").ok()
    listed = {row["name"] for row in home.run("ls", "--json", f"{place.top}/h").ok().values}
    assert listed == set(names)
    back = tmp_path / "back"
    home.run("cp", "-r", f"{place.top}/h", back).ok()
    assert {path.name: path.read_bytes() for path in back.iterdir()} == {
        name: name.encode() for name in names
    }
    missing = home.run("stat", f"{place.top}/h/no\x1b[31m[/b]")
    assert "\x1b" not in missing.err
