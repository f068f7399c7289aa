"""Extractions that outlive the program: noted, found by the next process, seen through once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cloudtui.services.errors import CloudError, LoginNeeded, Offline, PasswordNeeded, Refused
from cloudtui.services.models import (
    ArchiveEntry,
    Entry,
    Extracted,
    Found,
    Kind,
    Location,
    Secret,
)
from cloudtui.services.paths import Paths
from cloudtui.services.unpacking import Unpacking, Unpackings, inside, see_through, unpack

ARCHIVE = Found(Location("pk", ("z", "a.zip"), "n1"), Entry("a.zip", "n1", Kind.FILE))
NOTE = Unpacking(ARCHIVE.at, Location("pk", ("there",), "n9"), "t1")
DONE = Extracted(1, 1, 0)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find({"CLOUDTUI_HOME": str(tmp_path)})


class Place:
    """A service that unpacks what it is asked to; `fails` is raised at the step of that name."""

    def __init__(self, **fails: BaseException) -> None:
        self.fails = fails
        self.done = DONE
        self.levels: dict[str, list[ArchiveEntry]] = {}
        self.begun: list[tuple[str, str]] = []
        self.ended: list[tuple[str, str]] = []

    def _fail(self, step: str) -> None:
        if step in self.fails:
            raise self.fails[step]

    async def list_archive(
        self, item: Found, password: Secret | None = None, *, inside: str = ""
    ) -> Sequence[ArchiveEntry]:
        return self.levels[inside]

    async def extract(
        self,
        item: Found,
        into: Location | None = None,
        password: Secret | None = None,
        *,
        only: Sequence[ArchiveEntry] = (),
        delete_source: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Extracted:
        assert not delete_source, "that would not outlive the program"
        return Extracted(1)

    async def begin_extract(
        self, item: Found, into: Location | None, password: Secret | None
    ) -> str:
        self._fail("begin")
        self.begun.append((item.entry.id, "" if into is None else str(into)))
        return "t1"

    async def end_extract(
        self,
        item: Found,
        task: str,
        *,
        delete_source: bool,
        on_progress: Callable[[int], None] | None = None,
    ) -> Extracted:
        self._fail("end")
        assert delete_source
        self.ended.append((item.entry.id, task))
        return self.done


def test_what_a_process_waits_for_is_nobody_elses(paths: Paths) -> None:
    one, two = Unpackings(paths), Unpackings(paths)
    one.own(NOTE)
    assert [each.archive for each in two.all()] == [ARCHIVE.at]
    assert two.left() == []
    (noted,) = two.all()
    assert two.take(noted) is None
    one.close()  # as the end of the process does
    (left,) = two.left()
    assert (left.archive, left.into, left.task) == (ARCHIVE.at, NOTE.into, "t1")
    third = Unpackings(paths)
    mine = two.take(left)
    assert mine is not None
    assert third.take(left) is None
    assert third.left() == []
    two.give_back(mine)
    (again,) = third.left()
    third.remove(again)
    assert third.all() == two.all() == []


def test_the_same_archive_is_noted_once(paths: Paths) -> None:
    book = Unpackings(paths)
    book.own(Unpacking(ARCHIVE.at))
    book.own(NOTE)
    book.own(Unpacking(Location("other", ("a.zip",), "n1")))
    assert [(each.account, each.task) for each in book.all()] == [("pk", "t1"), ("other", "")]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'[["a"]]', b"\xff"])
def test_a_file_that_holds_something_else_is_no_trouble(paths: Paths, content: bytes) -> None:
    paths.state_dir.mkdir(parents=True)
    (paths.state_dir / "unpackings.json").write_bytes(content)
    book = Unpackings(paths)
    assert book.left() == []
    book.own(NOTE)
    assert len(book.all()) == 1


async def test_all_of_an_archive_is_shown_folders_first() -> None:
    def folder(path: str) -> ArchiveEntry:
        return ArchiveEntry(path, Kind.FOLDER)

    place = Place()
    place.levels = {
        "": [folder("b"), folder("a"), ArchiveEntry("c.txt", Kind.FILE, 3)],
        "a": [ArchiveEntry("a/x", Kind.FILE, 1)],
        "b": [folder("b/deep"), ArchiveEntry("b/y", Kind.FILE, 2)],
        "b/deep": [folder("b")],  # in circles
    }
    shown = [row.path async for row in inside(place, ARCHIVE)]
    assert shown == ["b", "a", "c.txt", "b/deep", "b/y", "a/x"]


async def test_nothing_stays_noted_of_what_was_seen_through(paths: Paths) -> None:
    book, place = Unpackings(paths), Place()
    done = await unpack(book, place, ARCHIVE, None, None, delete_source=True)
    assert (done, place.ended, book.all()) == (DONE, [("n1", "t1")], [])
    assert (await unpack(book, place, ARCHIVE, None, None, delete_source=False)).decompressed == 1


async def test_whoever_comes_next_sees_it_through(paths: Paths) -> None:
    book, place = Unpackings(paths), Place(end=asyncio.CancelledError())
    into = Location("pk", ("there",), "n9")
    with pytest.raises(asyncio.CancelledError):
        await unpack(book, place, ARCHIVE, into, Secret("pw"), delete_source=True)
    assert b"pw" not in (paths.state_dir / "unpackings.json").read_bytes()
    book.close()
    following, place = Unpackings(paths), Place()
    (left,) = following.left()
    mine = following.take(left)
    assert mine is not None
    assert await see_through(following, place, mine) == DONE
    assert (place.begun, place.ended, following.all()) == ([], [("n1", "t1")], [])


async def test_one_whose_beginning_was_not_heard_is_begun_by_the_same_words(paths: Paths) -> None:
    book, place = Unpackings(paths), Place(begin=asyncio.CancelledError())
    into = Location("pk", ("there",), "n9")
    with pytest.raises(asyncio.CancelledError):
        await unpack(book, place, ARCHIVE, into, None, delete_source=True)
    book.close()
    following, place = Unpackings(paths), Place()
    mine = following.take(following.left()[0])
    assert mine is not None
    await see_through(following, place, mine)
    assert place.begun == [("n1", "pk:/there")]


@pytest.mark.parametrize("step", ["begin", "end"])
@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (Offline("x"), True),
        (LoginNeeded("x"), True),
        (Refused("x"), False),
        (PasswordNeeded("x"), False),
    ],
)
async def test_what_failed_is_forgotten_and_what_may_go_on_is_not(
    paths: Paths, step: str, error: CloudError, kept: bool
) -> None:
    book = Unpackings(paths)
    place = Place(**{step: error})
    with pytest.raises(type(error)):
        await unpack(book, place, ARCHIVE, None, None, delete_source=True)
    assert len(book.all()) == kept
    book.close()
    for left in Unpackings(paths).left():
        following = Unpackings(paths)
        mine = following.take(left)
        assert mine is not None
        with pytest.raises(type(error)):
            await see_through(following, place, mine)
        assert len(Unpackings(paths).left()) == 1  # given back


async def test_an_archive_that_stayed_is_tried_once_more(paths: Paths) -> None:
    book, place = Unpackings(paths), Place()
    place.done = Extracted(1, 0, 1, ("a.zip is unpacked but stayed",))
    await unpack(book, place, ARCHIVE, None, None, delete_source=True)
    book.close()
    following = Unpackings(paths)
    mine = following.take(following.left()[0])
    assert mine is not None
    assert (await see_through(following, place, mine)).errors == 1
    assert following.all() == []


async def test_a_folder_that_cannot_be_written_is_no_reason_not_to_unpack(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    paths = Paths.find({"CLOUDTUI_HOME": str(tmp_path)})
    done = await unpack(Unpackings(paths), Place(), ARCHIVE, None, None, delete_source=True)
    assert done == DONE
