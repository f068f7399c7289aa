"""The trash of the disk, as file managers of desktops keep it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from cloudtui.services.errors import Denied, NotFound, NotSupported, Refused
from cloudtui.services.local import freedesktop
from cloudtui.services.local.folder import Folder
from cloudtui.services.local.freedesktop import FreedesktopTrash
from cloudtui.services.local.mounts import mount_points
from cloudtui.services.local.names import location_of
from cloudtui.services.local.storage import LocalStorage
from cloudtui.services.models import Kind, Location, TrashItem


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of our own, and no other disks."""
    monkeypatch.setattr(freedesktop, "mount_points", list)
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest_asyncio.fixture
async def disk(home: Path) -> AsyncIterator[LocalStorage]:
    storage = LocalStorage({"HOME": str(home)})
    yield storage
    await storage.close()


@pytest.fixture
def here(tmp_path: Path) -> Location:
    folder = tmp_path / "here"
    folder.mkdir()
    return location_of(str(folder))


def path(at: Location) -> Path:
    return Path(at.path)


async def trashed(disk: LocalStorage) -> list[TrashItem]:
    return [item async for page in disk.scan_trash() for item in page]


def content(item: TrashItem) -> str:
    return Path(item.key).read_text()


async def put(disk: LocalStorage, at: Location) -> TrashItem:
    return (await disk.trash([await disk.stat(at)]))[0]


async def test_there_and_back(disk: LocalStorage, here: Location, home: Path) -> None:
    (path(here) / "a b%ü\n.txt").write_bytes(b"text")
    (path(here) / "tree" / "deep").mkdir(parents=True)
    (path(here) / "link").symlink_to("nothing")
    names = ["a b%ü\n.txt", "tree", "link"]
    items = await disk.trash([await disk.stat(here.child(name)) for name in names])
    assert list(path(here).iterdir()) == []
    listed = await trashed(disk)
    assert {item.key for item in listed} == {item.key for item in items}
    assert {item.entry.name for item in listed} == set(names)
    assert {item.origin for item in listed} == {here.child(name) for name in names}
    assert all(item.trashed_ns is not None for item in listed)
    kinds = {item.entry.name: item.entry.kind for item in listed}
    assert kinds == {names[0]: Kind.FILE, "tree": Kind.FOLDER, "link": Kind.LINK}
    restored = await disk.restore(listed)
    assert {one.at for one in restored} == {here.child(name) for name in names}
    assert all(one.note == "" for one in restored)
    assert (path(here) / "a b%ü\n.txt").read_bytes() == b"text"
    assert (path(here) / "tree" / "deep").is_dir()
    assert (path(here) / "link").is_symlink()
    assert await trashed(disk) == []
    assert list((home / ".local/share/Trash/info").iterdir()) == []


async def test_the_files_are_as_the_specification_says(
    disk: LocalStorage, here: Location, home: Path
) -> None:
    (path(here) / "caf\udce9 1").touch()
    await put(disk, here.child("caf\udce9 1"))
    trash = home / ".local/share/Trash"
    info = (trash / "info" / "caf\udce9 1.trashinfo").read_bytes()
    lines = info.split(b"\n")
    assert lines[0] == b"[Trash Info]"
    assert lines[1] == b"Path=" + os.fsencode(here.path) + b"/caf%E9%201"
    assert lines[2].startswith(b"DeletionDate=20")
    assert trash.stat().st_mode & 0o777 == 0o700
    assert (await trashed(disk))[0].origin == here.child("caf\udce9 1")


async def test_xdg_data_home_is_honoured(home: Path, here: Location, tmp_path: Path) -> None:
    disk = LocalStorage({"HOME": str(home), "XDG_DATA_HOME": str(tmp_path / "data")})
    (path(here) / "a").touch()
    item = await put(disk, here.child("a"))
    assert item.key == str(tmp_path / "data/Trash/files/a")
    await disk.close()


async def test_equal_names_stand_side_by_side(disk: LocalStorage, here: Location) -> None:
    for text in ("one", "two", "three"):
        (path(here) / "a.txt").write_text(text)
        await put(disk, here.child("a.txt"))
    items = await trashed(disk)
    assert {content(item) for item in items} == {"one", "two", "three"}
    assert {item.entry.name for item in items} == {"a.txt"}


async def test_restoring_never_replaces(disk: LocalStorage, here: Location) -> None:
    (path(here) / "a.txt").write_text("old")
    item = await put(disk, here.child("a.txt"))
    (path(here) / "a.txt").write_text("new")
    [restored] = await disk.restore([item])
    assert restored.at == here.child("a (1).txt")
    assert "taken" in restored.note
    assert (path(here) / "a.txt").read_text() == "new"
    assert (path(here) / "a (1).txt").read_text() == "old"


async def test_a_missing_folder_is_made_again(disk: LocalStorage, here: Location) -> None:
    folder = path(here) / "x" / "y"
    folder.mkdir(parents=True)
    (folder / "a").touch()
    item = await put(disk, here.child("x").child("y").child("a"))
    folder.rmdir()
    folder.parent.rmdir()
    [restored] = await disk.restore([item])
    assert "made again" in restored.note
    assert (folder / "a").exists()


async def test_restoring_elsewhere(disk: LocalStorage, here: Location) -> None:
    (path(here) / "a").touch()
    item = await put(disk, here.child("a"))
    [restored] = await disk.restore([item], here.child("other"))
    assert restored.at == here.child("other").child("a")
    assert (path(here) / "other" / "a").exists()


async def test_restoring_to_another_disk_copies(
    disk: LocalStorage, here: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_disk(self: object, old: str, target: object, new: str) -> bool:
        if ".cloudtui-restore" not in old:
            raise OSError(18, "Invalid cross-device link")
        return False

    (path(here) / "tree").mkdir()
    (path(here) / "tree" / "a").write_text("text")
    item = await put(disk, here.child("tree"))
    monkeypatch.setattr(Folder, "_move_at_once", other_disk)
    await disk.restore([item])
    assert (path(here) / "tree" / "a").read_text() == "text"
    assert [entry.name for entry in path(here).iterdir()] == ["tree"]
    assert await trashed(disk) == []


async def test_deleting_for_ever_and_emptying(
    disk: LocalStorage, here: Location, home: Path
) -> None:
    for name in ("a", "b", "c"):
        (path(here) / name).mkdir()
        (path(here) / name / "file").touch()
    one, _, _ = [await put(disk, here.child(name)) for name in ("a", "b", "c")]
    await disk.delete_forever([one])
    assert {item.entry.name for item in await trashed(disk)} == {"b", "c"}
    with pytest.raises(NotFound):
        await disk.delete_forever([one])
    with pytest.raises(NotFound):
        await disk.restore([one])
    trash = home / ".local/share/Trash"
    (trash / "info" / "orphan.trashinfo").write_text("[Trash Info]\n")
    await disk.empty_trash()
    assert await trashed(disk) == []
    assert list((trash / "files").iterdir()) == []
    assert list((trash / "info").iterdir()) == []


async def test_keys_lead_nowhere_else(disk: LocalStorage, here: Location, home: Path) -> None:
    (path(here) / "precious").touch()
    (path(here) / "a").touch()
    item = await put(disk, here.child("a"))
    for key in (here.child("precious").path, f"{home}/.local/share/Trash/files/..", "", "x"):
        with pytest.raises(NotFound):
            await disk.delete_forever([TrashItem(key, item.entry, None)])
    assert (path(here) / "precious").exists()


async def test_things_without_information_are_listed(
    disk: LocalStorage, here: Location, home: Path
) -> None:
    (path(here) / "a").touch()
    item = await put(disk, here.child("a"))
    (home / ".local/share/Trash/info/a.trashinfo").unlink()
    [listed] = await trashed(disk)
    assert listed.key == item.key
    assert listed.origin is None
    with pytest.raises(NotSupported, match="not known"):
        await disk.restore([listed])
    [restored] = await disk.restore([listed], here)
    assert restored.at == here.child("a")


async def test_what_is_in_the_trash_is_not_trashed_again(
    disk: LocalStorage, here: Location
) -> None:
    (path(here) / "a").touch()
    item = await put(disk, here.child("a"))
    with pytest.raises(Refused, match="already"):
        await put(disk, location_of(item.key))
    with pytest.raises(NotFound):
        await put(disk, here.child("a"))


# --- other disks -----------------------------------------------------------------------------


@pytest.fixture
def second(here: Location) -> Iterator[Path]:
    """Another file system, left as it was."""
    top = Path("/dev/shm")
    if not top.is_dir() or top.stat().st_dev == path(here).stat().st_dev:
        pytest.skip("there is no second file system at /dev/shm")
    trash = top / f".Trash-{os.getuid()}"
    was_there = trash.exists()
    yield top
    if not was_there:
        shutil.rmtree(trash, ignore_errors=True)


def test_every_disk_has_its_own_trash(
    second: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freedesktop, "mount_points", lambda: [str(second)])
    trash = FreedesktopTrash({"HOME": str(home)})
    file = second / f"cloudtui-test-{os.getpid()}"
    file.write_text("text")
    item = trash.put(str(file))
    try:
        assert item.key.startswith(f"{second}/.Trash")
        assert not (home / ".local").exists()
        listed = [one for one in trash.items() if one.key == item.key]
        assert [one.origin for one in listed] == [location_of(str(file))]
        trash.empty()  # a home that is not ours: other disks are left alone
        restored = trash.restore(item, None)
        assert restored.at == location_of(str(file))
        assert file.read_text() == "text"
    finally:
        file.unlink(missing_ok=True)


def test_a_disk_that_takes_no_trash(
    second: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(top: str) -> list[freedesktop.Bin]:
        return []

    monkeypatch.setattr(freedesktop, "_bins_at", none)
    file = second / f"cloudtui-test-{os.getpid()}"
    file.touch()
    try:
        with pytest.raises(NotSupported, match=r"This disk has no trash\."):
            FreedesktopTrash({"HOME": str(home)}).put(str(file))
        assert file.exists()
    finally:
        file.unlink()


def test_a_disk_is_not_trashed(second: Path, home: Path) -> None:
    with pytest.raises(Denied, match="top of a disk"):
        FreedesktopTrash({"HOME": str(home)}).put(str(second))


def test_a_planted_trash_folder_is_not_used(tmp_path: Path, home: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    planted = tmp_path / ".Trash-1"
    planted.symlink_to("elsewhere")
    with pytest.raises(PermissionError):
        freedesktop._make_bin(freedesktop.Bin(str(planted), str(tmp_path)))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    # in one's own home a link is one's own decision
    freedesktop._make_bin(freedesktop.Bin(str(planted), None))
    assert (tmp_path / "elsewhere" / "files").is_dir()


def test_a_hostile_disk_names_only_places_of_its_own(tmp_path: Path) -> None:
    bin_ = freedesktop.Bin(str(tmp_path / ".Trash-1"), str(tmp_path))
    (tmp_path / ".Trash-1" / "info").mkdir(parents=True)
    for text in ("../../etc/passwd", "/etc/passwd", "a/../../x", "", "a%00b"):
        info = f"[Trash Info]\nPath={text}\nDeletionDate=never\n"
        (tmp_path / ".Trash-1/info/a.trashinfo").write_text(info)
        assert freedesktop._read(bin_, "a") == (None, None)
    (tmp_path / ".Trash-1/info/a.trashinfo").write_text("Path=sub/b%20c\n")
    assert freedesktop._read(bin_, "a")[0] == location_of(f"{tmp_path}/sub/b c")


def test_mount_points_are_read_with_their_escapes(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "22 21 0:5 / /proc rw - proc proc rw\n"
        "23 21 8:2 / /mnt/my\\040disk rw shared:2 master:3 - vfat /dev/sdb1 rw\n"
        "broken\n"
    )
    assert mount_points(table) == ["/", "/mnt/my disk"]
    assert mount_points(tmp_path / "no") == ["/"]


# --- kills -----------------------------------------------------------------------------------

CHILD = """
import sys
from cloudtui.services.local.folder import Folder
from cloudtui.services.local.freedesktop import FreedesktopTrash
import os
trash = FreedesktopTrash(os.environ)
item = trash.put(sys.argv[1])
trash.restore(item, None)
"""


@pytest.mark.parametrize("point", ["disk.trash.noted", "disk.trash.moved", "disk.restore.moved"])
async def test_a_kill_leaves_a_thing_in_one_place(
    disk: LocalStorage, here: Location, home: Path, point: str
) -> None:
    file = path(here) / "a"
    file.write_text("text")
    environ = os.environ | {"CLOUDTUI_FAILPOINT": point, "HOME": str(home)}
    environ.pop("XDG_DATA_HOME", None)
    assert run_child(file, environ) == -signal.SIGKILL
    items = await trashed(disk)
    assert len(items) + len(list(path(here).iterdir())) == 1
    if items:
        await disk.restore(items)
    assert file.read_text() == "text"
    # what the kill left behind is in nobody's way
    again = await put(disk, here.child("a"))
    assert (await disk.restore([again]))[0].at == here.child("a")


def run_child(file: Path, environ: dict[str, str]) -> int:
    command = [sys.executable, "-c", CHILD, str(file)]
    return subprocess.run(command, env=environ, check=False).returncode
