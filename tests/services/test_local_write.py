"""Files being written on the disk: parts, commits, replacing, kills."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cloudtui.services.errors import BadName, Exists, Full, Gone, Mismatch, NotFound, NotSupported
from cloudtui.services.local.names import location_of
from cloudtui.services.local.storage import LocalStorage
from cloudtui.services.local.write import LocalWrite
from cloudtui.services.models import Found, Location
from cloudtui.services.storage import SourceFacts

JOB = "0123abcd4567"
PART = ".a.bin.0123abcd.cloudtui-part"
DATA = b"some bytes"
FACTS = SourceFacts(len(DATA), 1_700_000_000_123_456_789)


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


def listing(at: Location) -> list[str]:
    return sorted(entry.name for entry in path(at).iterdir())


async def begin(
    disk: LocalStorage, at: Location, name: str = "a.bin", replace: Found | None = None
) -> LocalWrite:
    write = await disk.open_write(at, name, FACTS, replace=replace, job=JOB)
    assert isinstance(write, LocalWrite)
    return write


async def test_a_file_gets_its_name_last(disk: LocalStorage, here: Location) -> None:
    write = await begin(disk, here)
    assert write.part_name == os.fsencode(PART)
    assert listing(here) == [PART]
    os.pwrite(write.fd(), DATA, 0)
    write.sync()
    entry = write.finish(FACTS)
    assert listing(here) == ["a.bin"]
    assert (path(here) / "a.bin").read_bytes() == DATA
    assert entry == (await disk.stat(here.child("a.bin"))).entry
    assert entry.mtime_ns == FACTS.mtime_ns
    assert not stat.S_IMODE((path(here) / "a.bin").stat().st_mode) & 0o111


async def test_room_is_reserved(disk: LocalStorage, here: Location) -> None:
    facts = SourceFacts(1 << 20)
    write = await disk.open_write(here, "a.bin", facts, replace=None, job=JOB)
    assert isinstance(write, LocalWrite)
    assert os.fstat(write.fd()).st_blocks * 512 >= 1 << 20
    write.abort()
    with pytest.raises(Full):
        await disk.open_write(here, "a.bin", SourceFacts(1 << 43), replace=None, job=JOB)
    assert listing(here) == []


async def test_an_empty_file(disk: LocalStorage, here: Location) -> None:
    write = await disk.open_write(here, "a.bin", SourceFacts(0), replace=None, job=JOB)
    assert isinstance(write, LocalWrite)
    assert write.finish(SourceFacts(0)).size == 0


async def test_a_taken_name_is_told_at_the_start(disk: LocalStorage, here: Location) -> None:
    (path(here) / "a.bin").write_bytes(b"old")
    (path(here) / "link").symlink_to("nothing")
    for name in ("a.bin", "link"):
        with pytest.raises(Exists):
            await begin(disk, here, name)
    assert listing(here) == ["a.bin", "link"]


async def test_a_name_taken_meanwhile_keeps_both(disk: LocalStorage, here: Location) -> None:
    write = await begin(disk, here)
    os.pwrite(write.fd(), DATA, 0)
    (path(here) / "a.bin").write_bytes(b"other")
    with pytest.raises(Exists, match="meanwhile"):
        write.finish(FACTS)
    assert (path(here) / "a.bin").read_bytes() == b"other"
    assert (path(here) / PART).read_bytes() == DATA
    write.close()


async def test_a_part_that_is_taken_away_is_no_missing_target(
    disk: LocalStorage, here: Location
) -> None:
    write = await begin(disk, here)
    os.write(write.fd(), DATA)
    path(here.child(PART)).unlink()
    with pytest.raises(Gone, match=r"unfinished file of .*a\.bin is gone"):
        write.finish(FACTS)
    write.close()
    assert listing(here) == []


async def test_a_short_file_gets_no_name(disk: LocalStorage, here: Location) -> None:
    write = await begin(disk, here)
    os.ftruncate(write.fd(), 3)
    with pytest.raises(Mismatch):
        write.finish(FACTS)
    assert listing(here) == [PART]
    assert write.keep_bad() == "a.bin.bad"
    assert listing(here) == ["a.bin.bad"]


async def test_bad_files_are_numbered(disk: LocalStorage, here: Location) -> None:
    (path(here) / "a.bin.bad").touch()
    write = await begin(disk, here)
    name = write.keep_bad()
    assert name != "a.bin.bad"
    assert listing(here) == sorted(["a.bin.bad", name])


async def test_abort_leaves_nothing_and_may_be_repeated(disk: LocalStorage, here: Location) -> None:
    write = await begin(disk, here)
    write.abort()
    write.abort()
    assert listing(here) == []
    with pytest.raises(Gone):
        await disk.reopen_write(write.state())


async def test_abort_spares_what_others_put_there(disk: LocalStorage, here: Location) -> None:
    write = await begin(disk, here)
    (path(here) / PART).rename(path(here) / "taken-away")
    (path(here) / PART).write_bytes(b"foreign")
    write.abort()
    assert (path(here) / PART).read_bytes() == b"foreign"
    with pytest.raises(Gone):
        await disk.reopen_write(write.state())


async def test_a_part_is_taken_up_by_another_process(disk: LocalStorage, here: Location) -> None:
    write = await begin(disk, here)
    os.pwrite(write.fd(), DATA[:4], 0)
    state = write.state()
    write.close()
    again = await disk.reopen_write(state)
    assert isinstance(again, LocalWrite)
    assert os.pread(again.fd(), 4, 0) == DATA[:4]
    os.pwrite(again.fd(), DATA[4:], 4)
    again.finish(FACTS)
    assert (path(here) / "a.bin").read_bytes() == DATA
    once_more = await disk.reopen_write(state)
    assert isinstance(once_more, LocalWrite)
    assert once_more.finish(FACTS).size == len(DATA)
    assert listing(here) == ["a.bin"]


async def test_a_write_whose_folder_is_gone(disk: LocalStorage, here: Location) -> None:
    sub = path(here) / "sub"
    sub.mkdir()
    write = await begin(disk, here.child("sub"))
    state = write.state()
    write.close()
    (sub / PART).unlink()
    sub.rmdir()
    with pytest.raises(Gone):
        await disk.reopen_write(state)
    write.abort()
    for broken in (b"", b"{}", b"[]", b"\xff"):
        with pytest.raises(Gone):
            await disk.reopen_write(broken)


async def test_a_stale_part_of_the_same_job_is_thrown_away(
    disk: LocalStorage, here: Location
) -> None:
    (path(here) / PART).write_bytes(b"x" * 100)
    write = await begin(disk, here)
    assert os.fstat(write.fd()).st_size == 0
    write.abort()


async def test_a_link_in_the_way_is_a_conflict_not_a_path(
    disk: LocalStorage, here: Location
) -> None:
    (path(here) / "elsewhere").mkdir()
    (path(here) / "link").symlink_to("elsewhere")
    with pytest.raises(Exists, match="link"):
        await begin(disk, here.child("link"))
    victim = path(here) / "victim"
    victim.write_bytes(b"old")
    (path(here) / PART).symlink_to("victim")
    write = await begin(disk, here)
    os.pwrite(write.fd(), DATA, 0)
    write.finish(FACTS)
    assert victim.read_bytes() == b"old"
    assert listing(here.child("elsewhere")) == []


async def test_a_missing_folder_and_a_bad_name(disk: LocalStorage, here: Location) -> None:
    with pytest.raises(NotFound):
        await begin(disk, here.child("no"))
    for name in ("..", "a/b", "x" * 300):
        with pytest.raises(BadName):
            await begin(disk, here, name)
    assert listing(here) == []


# --- replacing -------------------------------------------------------------------------------


async def test_replacing_puts_the_old_one_into_the_trash(
    disk: LocalStorage, here: Location
) -> None:
    (path(here) / "a.bin").write_bytes(b"old")
    old = await disk.stat(here.child("a.bin"))
    write = await begin(disk, here, replace=old)
    assert (path(here) / "a.bin").read_bytes() == b"old"
    os.pwrite(write.fd(), DATA, 0)
    write.finish(FACTS)
    assert (path(here) / "a.bin").read_bytes() == DATA
    items = [item async for page in disk.scan_trash() for item in page]
    mine = [item for item in items if item.origin == here.child("a.bin")]
    assert len(mine) == 1
    assert path(location_of(mine[0].key)).read_bytes() == b"old"


async def test_replacing_what_changed_since_the_question_is_refused(
    disk: LocalStorage, here: Location
) -> None:
    (path(here) / "a.bin").write_bytes(b"old")
    old = await disk.stat(here.child("a.bin"))
    write = await begin(disk, here, replace=old)
    os.pwrite(write.fd(), DATA, 0)
    (path(here) / "a.bin").write_bytes(b"newer")
    with pytest.raises(Exists, match="changed"):
        write.finish(FACTS)
    assert (path(here) / "a.bin").read_bytes() == b"newer"
    assert listing(here) == [PART, "a.bin"]
    write.close()


async def test_replacing_a_folder_is_refused(disk: LocalStorage, here: Location) -> None:
    (path(here) / "a.bin").mkdir()
    folder = await disk.stat(here.child("a.bin"))
    with pytest.raises(Exists, match="folder"):
        await begin(disk, here, replace=folder)


async def test_where_there_is_no_trash_replacing_is_one_step(
    here: Location, tmp_path: Path
) -> None:
    def no_trash(where: str) -> None:
        raise NotSupported("This disk has no trash.")

    disk = LocalStorage({"HOME": str(tmp_path / "home")})
    (path(here) / "a.bin").write_bytes(b"old")
    old = await disk.stat(here.child("a.bin"))
    write = LocalWrite.begin(here.path, "a.bin", FACTS, replace=old, job=JOB, trash=no_trash)
    os.pwrite(write.fd(), DATA, 0)
    write.finish(FACTS)
    assert listing(here) == ["a.bin"]
    assert (path(here) / "a.bin").read_bytes() == DATA
    await disk.close()


# --- kills -----------------------------------------------------------------------------------

WRITER = """
import asyncio, os, sys
from cloudtui.services.local.names import location_of
from cloudtui.services.local.storage import LocalStorage
from cloudtui.services.storage import SourceFacts

async def main(folder, state_file, data):
    disk = LocalStorage()
    at = location_of(folder)
    old = None
    if os.path.exists(folder + "/a.bin"):
        old = await disk.stat(at.child("a.bin"))
    facts = SourceFacts(len(data), 1)
    write = await disk.open_write(at, "a.bin", facts, replace=old, job="0123abcd")
    with open(state_file, "wb") as file:
        file.write(write.state())
    os.pwrite(write.fd(), data, 0)
    write.finish(facts)

asyncio.run(main(sys.argv[1], sys.argv[2], b"new data"))
"""


def write_in_child(at: Location, state: Path, environ: dict[str, str]) -> int:
    command = [sys.executable, "-c", WRITER, at.path, str(state)]
    return subprocess.run(command, env=environ, check=False).returncode


@pytest.mark.parametrize(
    ("point", "replaced"),
    [
        ("disk.part_created", False),
        ("disk.part_created", True),
        ("disk.before_commit", False),
        ("disk.before_commit", True),
        ("disk.replace_trashed", True),
        ("disk.after_commit", False),
        ("disk.after_commit", True),
    ],
)
async def test_a_kill_leaves_nothing_half(
    disk: LocalStorage, here: Location, tmp_path: Path, point: str, replaced: bool
) -> None:
    name, state = path(here) / "a.bin", tmp_path / "state"
    if replaced:
        name.write_bytes(b"old")
    environ = os.environ | {"CLOUDTUI_FAILPOINT": point, "HOME": str(tmp_path / "home")}
    environ.pop("XDG_DATA_HOME", None)
    assert write_in_child(here, state, environ) == -signal.SIGKILL
    if "a.bin" in listing(here):
        assert name.read_bytes() == (b"new data" if point == "disk.after_commit" else b"old")
    facts = SourceFacts(8, 1)
    if point == "disk.part_created":
        # nothing was noted yet: the job begins again and throws the stale part away
        old = await disk.stat(here.child("a.bin")) if replaced else None
        write = await disk.open_write(here, "a.bin", facts, replace=old, job="0123abcd")
        assert isinstance(write, LocalWrite)
        os.pwrite(write.fd(), b"new data", 0)
    else:
        again = await disk.reopen_write(state.read_bytes())
        assert isinstance(again, LocalWrite)
        write = again
    write.finish(facts)
    assert name.read_bytes() == b"new data"
    assert listing(here) == ["a.bin"]
    trashed = [item async for page in disk.scan_trash() for item in page]
    old_ones = [item for item in trashed if item.origin == here.child("a.bin")]
    assert len(old_ones) == (1 if replaced else 0)
