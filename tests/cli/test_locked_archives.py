"""Archives with a password, unpacked by PikPak from the command line."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path

import pytest

from cloudtui.sandbox.seed import ZIP_PASSWORD, archive
from tests.cloudtui_process import Home, tree
from tests.sandbox_process import SandboxProcess


def plain() -> dict[str, bytes | None]:
    """What lies in the seeds' archive, locked or not."""
    with zipfile.ZipFile(io.BytesIO(archive())) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.fixture
def top(home: Home, box: SandboxProcess, tmp_path: Path) -> str:
    """A folder that holds a locked archive and an open one."""
    name = tmp_path.name
    for file, password in (("locked.zip", ZIP_PASSWORD), ("open.zip", "")):
        content = base64.b64encode(archive(password)).decode()
        box.admin.order("pikpak", "put", path=f"{name}/{file}", base64=content)
    return f"pk:/{name}"


def unpacked(home: Home, folder: str, tmp_path: Path) -> dict[str, bytes]:
    """The files of an unpacked archive."""
    home.run("cp", "-r", folder, tmp_path / "down").ok()
    return {name: data for name, data in tree(tmp_path / "down").items() if data is not None}


def test_a_locked_archive_is_unpacked_with_its_password_alone(
    home: Home, top: str, tmp_path: Path
) -> None:
    missing = home.run("extract", "--json", "--delete-source", f"{top}/locked.zip")
    wrong = home.run(
        *("extract", "--json", "--delete-source", "--password-stdin", f"{top}/locked.zip"),
        given="not this\n",
    )
    for ended in (missing, wrong):
        assert (ended.code, "password is needed" in ended.err) == (8, True)
        assert ended.values[-1] == {"Decompressed": 0, "SourceDeleted": 0, "Errors": 1}
    assert sorted(home.run("ls", top).ok().out.split()) == ["locked.zip", "open.zip"]
    done = home.run(
        *("extract", "--json", "--delete-source", "--password-stdin", f"{top}/locked.zip"),
        given=f"{ZIP_PASSWORD}\n",
    )
    assert done.ok().values[-1] == {"Decompressed": 1, "SourceDeleted": 1, "Errors": 0}
    assert unpacked(home, f"{top}/locked", tmp_path) == plain()
    assert sorted(home.run("ls", top).ok().out.split()) == ["locked/", "open.zip"]


def test_a_folder_with_a_locked_archive_and_an_open_one(home: Home, top: str) -> None:
    ended = home.run("extract", "--json", top)
    assert ended.values[-1] == {"Decompressed": 1, "SourceDeleted": 0, "Errors": 1}
    assert ended.code == 8
    both = home.run("extract", "--json", "--password-stdin", top, given=f"{ZIP_PASSWORD}\n")
    assert both.ok().values[-1] == {"Decompressed": 2, "SourceDeleted": 0, "Errors": 0}


def test_an_archive_that_breaks_down_on_the_way_stays(
    home: Home, box: SandboxProcess, top: str
) -> None:
    box.admin.switch("pikpak.decompress_fails", 1)
    ended = home.run("extract", "--json", "--delete-source", f"{top}/open.zip")
    assert ended.values[-1] == {"Decompressed": 0, "SourceDeleted": 0, "Errors": 1}
    assert (ended.code, "left as it is" in ended.err) == (8, True)
    assert "open.zip" in home.run("ls", top).ok().out
