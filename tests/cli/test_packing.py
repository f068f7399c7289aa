"""Parts of archives, and folders packed into one file, from the command line."""

from __future__ import annotations

import base64
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from cloudtui.sandbox.seed import ZIP_PASSWORD, archive
from tests.cli.conftest import Place
from tests.cloudtui_process import Home, make_tree, tree
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def top(home: Home, box: SandboxProcess, tmp_path: Path) -> str:
    """A folder that holds a locked archive."""
    content = base64.b64encode(archive(ZIP_PASSWORD)).decode()
    box.admin.order("pikpak", "put", path=f"{tmp_path.name}/locked.zip", base64=content)
    return f"pk:/{tmp_path.name}"


def listed(home: Home, folder: str) -> list[str]:
    return sorted(home.run("ls", "-R", folder).ok().out.splitlines())


def test_only_what_is_named_is_unpacked_with_the_password_given_once(home: Home, top: str) -> None:
    words = ("extract", "--json", "--password-stdin", "--to", f"{top}/there")
    ended = home.run(
        *(*words, "--only", "project/data/", "--only", "project/readme.txt"),
        f"{top}/locked.zip",
        given=f"{ZIP_PASSWORD}\n",
    )
    assert ended.ok().value == {"Decompressed": 1, "SourceDeleted": 0, "Errors": 0}
    files = [path for path in listed(home, f"{top}/there/locked") if not path.endswith("/")]
    assert files == ["project/data/numbers.csv", "project/readme.txt"]
    assert "locked.zip" in home.run("ls", top).ok().out


def test_a_wrong_path_begins_nothing(home: Home, top: str) -> None:
    words = ("extract", "--password-stdin", "--to", f"{top}/there", f"{top}/locked.zip")
    ended = home.run(
        *(*words, "--only", "project/data", "--only", "project/x"), given=f"{ZIP_PASSWORD}\n"
    )
    assert (ended.code, "locked.zip does not hold project/x." in ended.err) == (3, True)
    folder = home.run("extract", top, "--only", "project")
    assert (folder.code, "is a folder: --only takes an archive" in folder.err) == (2, True)
    missing = home.run("extract", f"{top}/locked.zip", "--only", "project")
    assert (missing.code, "A password is needed" in missing.err) == (8, True)
    assert listed(home, top) == ["locked.zip"]  # not even the folder it was to go to


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--delete-source",), "the rest would be lost"),
        (("--list",), "--list unpacks nothing"),
        (("pk:/other.zip",), "takes one archive at a time"),
    ],
)
def test_what_makes_no_sense_for_a_part_is_refused(
    home: Home, top: str, words: tuple[str, ...], told: str
) -> None:
    ended = home.run("extract", f"{top}/locked.zip", "--only", "project", *words)
    assert (ended.code, told in ended.err) == (2, True)


def test_places_that_unpack_all_or_nothing_say_so(home: Home, tmp_path: Path) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        packed.writestr("a.txt", "A")
    source = make_tree(tmp_path / "src", {"one.zip": raw.getvalue()})
    home.run("cp", "-r", f"{source}/", f"pc:/{tmp_path.name}").ok()
    cloud = home.run("extract", f"pc:/{tmp_path.name}/one.zip", "--only", "a.txt")
    assert (cloud.code, "pCloud unpacks archives whole" in cloud.err) == (8, True)
    disk = home.run("extract", str(source / "one.zip"), "--only", "a.txt")
    assert (disk.code, "disk does not unpack archives" in disk.err) == (8, True)
    assert tree(source).keys() == {"one.zip"}


def test_a_folder_is_packed_and_comes_back(home: Home, place: Place, tmp_path: Path) -> None:
    source = make_tree(tmp_path / "src", {"deep/a.txt": b"A", "b.txt": b"B"})
    home.run("cp", "-r", f"{source}/", f"{place.top}/things").ok()
    packed = home.run("pack", f"{place.top}/things")
    if place.name == "pc":
        assert (packed.code, "pCloud does not pack folders" in packed.err) == (8, True)
        assert home.run("unpack", f"{place.top}/things").code == 8
        return
    assert packed.ok().out == "things.tar\n"
    assert listed(home, place.top) == ["things.tar"]
    home.run("cp", f"{place.top}/things.tar", f"{tmp_path}/down.tar").ok()
    with tarfile.open(tmp_path / "down.tar") as tar:
        assert sorted(tar.getnames()) == ["b.txt", "deep", "deep/a.txt"]
    back = home.run("unpack", "--json", f"{place.top}/things.tar").ok().value
    assert (back["name"], back["type"]) == ("things", "folder")
    assert back["path"] == f"{place.top.partition(':')[2]}/things"
    assert listed(home, place.top) == ["things/", "things/b.txt", "things/deep/",
                                       "things/deep/a.txt"]  # fmt: skip


def test_what_cannot_be_packed_is_told_and_the_rest_is_done(home: Home, tmp_path: Path) -> None:
    top = f"pk:/{tmp_path.name}"
    source = make_tree(tmp_path / "src", {"full/a.txt": b"A"}, ["empty"])
    home.run("cp", "-r", f"{source}/", top).ok()
    ended = home.run("pack", "--json", f"{top}/empty", f"{top}/nope", f"{top}/full")
    assert (ended.code, "does not pack an empty folder" in ended.err) == (8, True)
    assert [value["name"] for value in ended.values if "name" in value] == ["full.tar"]
    assert listed(home, top) == ["empty/", "full.tar"]
    assert "does not pack folders" in home.run("pack", str(source / "full")).err
    ended = home.run("unpack", f"{top}/empty")
    assert (ended.code, "nothing is to be unpacked" in ended.err) == (8, True)
