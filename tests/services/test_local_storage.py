"""The disk as a place: listing, names, folders, moving, removing."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cloudtui.services.errors import (
    BadName,
    CloudError,
    Denied,
    Exists,
    Full,
    NotEmpty,
    NotFound,
    NotSupported,
    Refused,
    UsageError,
)
from cloudtui.services.local import room
from cloudtui.services.local.errors import mapped
from cloudtui.services.local.folder import Folder
from cloudtui.services.local.names import check_name, is_part, location_of, part_name, path_of
from cloudtui.services.local.storage import PAGE, LocalStorage
from cloudtui.services.models import DISK, Flag, Found, Kind, Location
from cloudtui.services.storage import LocalFile


@pytest_asyncio.fixture
async def disk(tmp_path: Path) -> AsyncIterator[LocalStorage]:
    storage = LocalStorage({"HOME": str(tmp_path / "home")})
    yield storage
    await storage.close()


@pytest.fixture
def here(tmp_path: Path) -> Location:
    folder = tmp_path / "here"
    folder.mkdir()
    return location_of(str(folder))


def path(at: Location) -> Path:
    return Path(at.path)


def second_disk(at: Location) -> Path:
    """A folder on another file system."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == path(at).stat().st_dev:
        pytest.skip("there is no second file system at /dev/shm")
    return other


async def names(disk: LocalStorage, at: Location) -> list[str]:
    return sorted([entry.name async for page in disk.scan(at) for entry in page])


# --- looking ---------------------------------------------------------------------------------


async def test_entries_tell_kind_size_time_and_flags(
    disk: LocalStorage, here: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = path(here)
    (folder / "file").write_bytes(b"12345")
    (folder / "file").chmod(0o444)
    os.utime(folder / "file", ns=(1, 1_700_000_000_123_456_789))
    (folder / "run").write_bytes(b"")
    (folder / "run").chmod(0o755)
    (folder / "sub").mkdir()
    (folder / "link").symlink_to("file")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(folder)
        listener.bind("socket")
    found = {entry.name: entry async for page in disk.scan(here) for entry in page}
    assert {name: entry.kind for name, entry in found.items()} == {
        "file": Kind.FILE,
        "run": Kind.FILE,
        "sub": Kind.FOLDER,
        "link": Kind.LINK,
        "fifo": Kind.SPECIAL,
        "socket": Kind.SPECIAL,
    }
    assert found["file"].size == 5
    assert found["file"].mtime_ns == 1_700_000_000_123_456_789
    assert found["file"].flags == Flag.READ_ONLY
    assert found["run"].flags == Flag.EXECUTABLE
    assert found["sub"].size is None
    assert found["file"].id == "file"


async def test_pages_come_before_the_listing_is_complete(
    disk: LocalStorage, here: Location
) -> None:
    for number in range(PAGE + 5):
        (path(here) / f"{number}").touch()
    pages = [len(page) async for page in disk.scan(here)]
    assert pages == [PAGE, 5]
    scan = disk.scan(here)
    first = await anext(scan)
    assert len(first) == PAGE
    await scan.aclose()  # type: ignore[attr-defined]


async def test_names_that_are_no_text_survive(disk: LocalStorage, here: Location) -> None:
    raw = os.fsencode(here.path) + b"/caf\xe9"
    path(here.child("caf\udce9")).write_bytes(b"x")
    assert await names(disk, here) == ["caf\udce9"]
    found = await disk.stat(here.child("caf\udce9"))
    source = await disk.open_read(found)
    assert isinstance(source, LocalFile)
    assert source.path == raw
    entry = await disk.rename(found, "na\udcefve")
    assert os.listdir(os.fsencode(here.path)) == [b"na\xefve"]  # noqa: PTH208 - bytes
    await disk.remove([Found.of(here, entry)])
    assert await names(disk, here) == []


async def test_unfinished_files_of_ours_are_left_out(disk: LocalStorage, here: Location) -> None:
    (path(here) / part_name("a.mkv", "0123abcd99")).touch()
    (path(here) / ".a.cloudtui-part").touch()
    assert await names(disk, here) == [".a.cloudtui-part"]


async def test_a_link_is_a_link_until_a_folder_is_wanted(
    disk: LocalStorage, here: Location
) -> None:
    (path(here) / "real").mkdir()
    (path(here) / "link").symlink_to("real")
    (path(here) / "lost").symlink_to("nothing")
    assert (await disk.stat(here.child("link"))).entry.kind is Kind.LINK
    followed = await disk.stat(here.child("link"), want=Kind.FOLDER)
    assert followed.entry.kind is Kind.FOLDER
    assert followed.at == here.child("real")
    assert (await disk.stat(here.child("lost"), want=Kind.FOLDER)).entry.kind is Kind.LINK


async def test_the_top_can_be_looked_at_but_not_changed(disk: LocalStorage) -> None:
    top = await disk.stat(Location(DISK))
    assert top.entry.is_folder
    for change in (disk.remove([top]), disk.trash([top])):
        with pytest.raises(UsageError):
            await change
    with pytest.raises(UsageError):
        await disk.rename(top, "x")


async def test_what_is_not_there(disk: LocalStorage, here: Location) -> None:
    (path(here) / "file").touch()
    for at in (here.child("no"), here.child("file").child("below")):
        with pytest.raises(NotFound) as caught:
            await disk.stat(at)
        assert at.path in str(caught.value)
    with pytest.raises(NotFound):
        await names(disk, here.child("no"))
    with pytest.raises(NotFound):
        await names(disk, here.child("file"))


async def test_reading_is_for_regular_files(disk: LocalStorage, here: Location) -> None:
    os.mkfifo(path(here) / "fifo")
    (path(here) / "file").write_bytes(b"abc")
    (path(here) / "link").symlink_to("file")
    with pytest.raises(Refused, match="regular"):
        await disk.open_read(await disk.stat(here.child("fifo")))
    with pytest.raises(Refused, match="regular"):
        await disk.open_read(await disk.stat(here))
    source = await disk.open_read(await disk.stat(here.child("link")))
    assert isinstance(source, LocalFile)
    info = (path(here) / "file").stat()
    assert (source.size, source.inode, source.device) == (3, info.st_ino, info.st_dev)
    assert source.path == os.fsencode(here.child("file").path)


async def test_quota_is_of_the_working_folder(disk: LocalStorage) -> None:
    quota = await disk.quota()
    assert quota.total is not None
    assert quota.free is not None
    assert 0 <= quota.free <= quota.total


async def test_the_disk_computes_no_digests(disk: LocalStorage, here: Location) -> None:
    assert await disk.hashes(await disk.stat(here)) == {}


async def test_the_loop_stays_free(disk: LocalStorage, here: Location) -> None:
    seen: set[str] = set()
    await disk._run(lambda: seen.add(threading.current_thread().name))
    assert seen.isdisjoint({threading.main_thread().name})


# --- changing --------------------------------------------------------------------------------


async def test_mkdir_never_takes_what_is_there(disk: LocalStorage, here: Location) -> None:
    entry = await disk.mkdir(here, "new")
    assert entry.is_folder
    (path(here) / "file").touch()
    (path(here) / "link").symlink_to("new")
    (path(here) / "lost").symlink_to("nothing")
    for name in ("new", "file", "link", "lost"):
        with pytest.raises(Exists):
            await disk.mkdir(here, name)
    with pytest.raises(NotFound):
        await disk.mkdir(here.child("no"), "x")


async def test_nothing_is_made_through_a_link(disk: LocalStorage, here: Location) -> None:
    (path(here) / "elsewhere").mkdir()
    (path(here) / "target").mkdir()
    (path(here) / "target" / "sub").symlink_to(path(here) / "elsewhere")
    with pytest.raises(Exists, match="link"):
        await disk.mkdir(here.child("target").child("sub"), "x")
    assert await names(disk, here.child("elsewhere")) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "a\0b", "x" * 256, "\ud800"])
async def test_names_that_lead_elsewhere_or_nowhere(
    disk: LocalStorage, here: Location, name: str
) -> None:
    with pytest.raises(BadName):
        await disk.mkdir(here, name)
    (path(here) / "file").touch()
    with pytest.raises(BadName):
        await disk.rename(await disk.stat(here.child("file")), name)
    assert await names(disk, here) == ["file"]
    if len(name) < 200:
        with pytest.raises(BadName):
            await disk.stat(here.child(name))


async def test_rename_never_replaces(disk: LocalStorage, here: Location) -> None:
    (path(here) / "a").write_bytes(b"a")
    (path(here) / "b").write_bytes(b"b")
    (path(here) / "folder").mkdir()
    item = await disk.stat(here.child("a"))
    for name in ("b", "folder", "a"):
        with pytest.raises(Exists):
            await disk.rename(item, name)
    assert (await disk.rename(item, "c")).name == "c"
    assert (path(here) / "c").read_bytes() == b"a"
    assert (path(here) / "b").read_bytes() == b"b"
    with pytest.raises(NotFound):
        await disk.rename(item, "d")


async def test_move_takes_files_folders_and_links(disk: LocalStorage, here: Location) -> None:
    (path(here) / "folder" / "deep").mkdir(parents=True)
    (path(here) / "link").symlink_to("nothing")
    (path(here) / "goal").mkdir()
    goal = here.child("goal")
    await disk.move(await disk.stat(here.child("folder")), goal, "moved")
    await disk.move(await disk.stat(here.child("link")), goal, "link")
    assert await names(disk, goal) == ["link", "moved"]
    assert await names(disk, goal.child("moved")) == ["deep"]
    with pytest.raises(UsageError, match="itself"):
        await disk.move(await disk.stat(goal), goal.child("moved"), "x")
    with pytest.raises(UsageError, match="itself"):
        await disk.move(await disk.stat(goal), goal, "x")


async def test_move_to_another_disk_is_not_supported(disk: LocalStorage, here: Location) -> None:
    other = second_disk(here)
    (path(here) / "file").touch()
    with pytest.raises(NotSupported, match="another disk"):
        await disk.move(
            await disk.stat(here.child("file")), location_of(str(other)), "cloudtui-test-no"
        )
    assert await names(disk, here) == ["file"]


async def test_remove_takes_trees_and_never_follows(disk: LocalStorage, here: Location) -> None:
    kept = path(here) / "kept"
    kept.mkdir()
    (kept / "file").touch()
    tree = path(here) / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "file").touch()
    (tree / "link").symlink_to(kept)
    (path(here) / "link").symlink_to(kept)
    await disk.remove([await disk.stat(here.child("tree")), await disk.stat(here.child("link"))])
    assert await names(disk, here) == ["kept"]
    assert await names(disk, here.child("kept")) == ["file"]
    with pytest.raises(NotFound):
        await disk.remove([Found(here.child("tree"), (await disk.stat(here)).entry)])


@pytest.mark.parametrize("way", ["_move_at_once", "_move_by_link", "_move_over_placeholder"])
def test_every_way_of_giving_a_name_refuses_to_replace(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_here(self: Folder, old: str, target: Folder, new: str) -> bool:
        return False

    for other in ("_move_at_once", "_move_by_link"):
        if other != way:
            monkeypatch.setattr(Folder, other, not_here)
    (tmp_path / "file").write_bytes(b"new")
    (tmp_path / "taken").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner").touch()
    with Folder(str(tmp_path)) as folder:
        for name in ("taken", "folder"):
            with pytest.raises(FileExistsError):
                folder.move("file", folder, name)
        with pytest.raises(FileExistsError):
            folder.move("folder", folder, "taken")
        folder.move("file", folder, "free")
        folder.move("folder", folder, "moved")
    assert (tmp_path / "taken").read_bytes() == b"old"
    assert (tmp_path / "free").read_bytes() == b"new"
    assert (tmp_path / "moved" / "inner").exists()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["free", "moved", "taken"]


def test_a_folder_that_is_a_link_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="symbolic") as caught:
        Folder(str(tmp_path / "link"))
    assert caught.value.errno == errno.ELOOP
    with pytest.raises(NotADirectoryError):
        Folder(str(tmp_path / "file"))


def test_room_that_is_not_there_is_told_before_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "file").open("wb") as file:
        room.reserve(file.fileno(), 1 << 20)
        assert os.fstat(file.fileno()).st_size == 1 << 20
        assert os.fstat(file.fileno()).st_blocks * 512 >= 1 << 20
        with pytest.raises(OSError, match=r"space|large"):
            room.reserve(file.fileno(), 1 << 60)
        monkeypatch.setattr(room, "_fallocate", lambda: None)
        room.reserve(file.fileno(), 2 << 20)
        assert os.fstat(file.fileno()).st_size == 2 << 20
        # a disk that has the room and does not find it: written to it will
        monkeypatch.setattr(room, "_fallocate", lambda: lambda *_: errno.ENOSPC)
        room.reserve(file.fileno(), 3 << 20)
        assert os.fstat(file.fileno()).st_size == 3 << 20
        with pytest.raises(OSError, match="space"):
            room.reserve(file.fileno(), 1 << 60)


def test_what_there_is_no_room_for_takes_none_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for more than there is, ext4 takes all of it first: nobody else could write then."""
    asked: list[int] = []

    def allocate(_fd: int, size: int) -> int:
        asked.append(size)
        return 0

    monkeypatch.setattr(room, "_fallocate", lambda: allocate)
    facts = os.statvfs(tmp_path)
    with (tmp_path / "file").open("wb") as file:
        with pytest.raises(OSError, match="space"):
            room.reserve(file.fileno(), facts.f_blocks * facts.f_frsize + 1)
        room.reserve(file.fileno(), 1)
    assert asked == [1]


def test_a_disk_in_memory_is_asked_for_room_and_not_cleared() -> None:
    """Clearing 1 GiB of pages takes a quarter of a second before the first byte."""
    memory = Path("/dev/shm")  # the one place that is known to be in memory
    if not memory.is_dir():
        pytest.skip("no disk in memory here")
    size = 8 << 20
    with tempfile.TemporaryFile(dir=memory) as file:
        assert room.in_memory(file.fileno())
        room.reserve(file.fileno(), size)
        facts = os.fstat(file.fileno())
        assert (facts.st_size, facts.st_blocks) == (size, 0)
        with pytest.raises(OSError, match="space"):
            room.reserve(file.fileno(), 1 << 60)


# --- names and errors ------------------------------------------------------------------------


def test_part_names() -> None:
    assert part_name("a.mkv", "0123ABCD99") == ".a.mkv.0123abcd.cloudtui-part"
    assert is_part(part_name("a.mkv", "job-1"))
    assert part_name("a", "job-1") != part_name("a", "job-2")
    long = "x" * 250
    one, two = part_name(long + "1.mkv", "0123abcd"), part_name(long + "2.mkv", "0123abcd")
    assert one != two
    for name in (one, two, part_name("日" * 85, "0123abcd")):
        assert is_part(name)
        assert check_name(name) == name


def test_paths_and_locations_are_each_others_inverse() -> None:
    for text in ("/", "/a", "/a b/ü/caf\udce9", "/a:b/-x"):
        assert path_of(location_of(text)) == text


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOENT, NotFound),
        (errno.ENOTDIR, NotFound),
        (errno.EACCES, Denied),
        (errno.EPERM, Denied),
        (errno.EROFS, Denied),
        (errno.EBUSY, Denied),
        (errno.ENOSPC, Full),
        (errno.EDQUOT, Full),
        (errno.EEXIST, Exists),
        (errno.EISDIR, Exists),
        (errno.ELOOP, Exists),
        (errno.ENOTEMPTY, NotEmpty),
        (errno.ENAMETOOLONG, BadName),
        (errno.EILSEQ, BadName),
        (errno.EXDEV, NotSupported),
        (errno.EFBIG, Refused),
        (errno.EMFILE, Refused),
        (errno.EIO, Refused),
    ],
)
def test_errors_of_the_system_become_sentences(number: int, kind: type[CloudError]) -> None:
    error = mapped(OSError(number, os.strerror(number)), b"/a\x1b[31m/caf\xe9")
    assert type(error) is kind
    assert "\x1b" not in str(error)
    assert "Errno" not in str(error)
    assert str(error).endswith(".")
