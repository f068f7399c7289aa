"""What lies behind links before they are fetched, and how far the files of a task are."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from cloudtui.services.errors import NotFound, Refused, ServerTrouble, UsageError
from cloudtui.services.models import HashType, TaskPhase
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.tasks import phase_of
from cloudtui.services.previews import LinkFile, Preview, Room, TaskFile, needed, room_of
from tests.pikpak.stage import ROOT, Stage

HASH = "0123456789abcdef0123456789abcdef01234567"
MAGNET = f"magnet:?xt=urn:btih:{HASH}"
SIZES = {"film.mkv": 700, "subs/en.srt": 20, "subs/nl.srt": 30}


def torrent(stage: Stage, files: dict[str, int] = SIZES, **more: object) -> None:
    stage.switch(magnets={HASH: {"name": "film set", "files": files, **more}})


async def added(stage: Stage, seconds: float) -> str:
    """A task of the torrent that ran for so long, of 10,000 seconds in all: the time that the test
    takes itself is next to nothing of it."""
    stage.switch(offline_seconds=10_000)
    task = await stage.storage.add_offline(MAGNET, ROOT)
    stage.admin.age(seconds)
    return task.id


async def files_of(stage: Stage, task: str) -> list[TaskFile]:
    found = await stage.storage.task_files(task)
    assert found is not None
    return found


async def test_a_torrent_is_shown_with_its_files_and_makes_no_task(stage: Stage) -> None:
    torrent(stage)
    seen = await stage.storage.preview_link(f" {MAGNET} ")
    assert (seen.url, seen.name, seen.size, seen.count) == (MAGNET, "film set", 750, 3)
    assert {each.path: each.size for each in seen.files} == SIZES
    digests = {each.path: each.hashes[HashType.GCID] for each in seen.files}
    assert [task async for page in stage.storage.scan_offline() for task in page] == []
    # the digests are those that the files have once they are fetched
    await added(stage, 11_000)
    film = await stage.storage.stat(ROOT.child("film set").child("film.mkv"))
    assert film.entry.hash.hex().upper() == digests["film.mkv"]


async def test_a_magnet_that_nobody_knows_is_not_empty_but_unknown(stage: Stage) -> None:
    seen = await stage.storage.preview_link(MAGNET)
    assert (seen.name, seen.size, seen.count) == (HASH, None, None)
    assert seen.message == ""

    def bend(request: httpx.Request, answer: Any) -> Any:
        row = {"name": HASH, "file_size": "0", "file_count": 1, "meta": {}}
        return {"list": {"resources": [row]}} if "/resource/list" in request.url.path else answer

    await stage.next_program(bend)
    assert (await stage.storage.preview_link(f"{MAGNET}&dn=A%20film")).name == "A film"


async def test_a_single_file_and_one_without_content(stage: Stage) -> None:
    torrent(stage, {"one.iso": 4096})
    one = await stage.storage.preview_link(MAGNET)
    assert (one.name, one.size, one.count) == ("one.iso", 4096, 1)
    torrent(stage, {"nothing.txt": 0})
    nothing = await stage.storage.preview_link(MAGNET)
    assert (nothing.name, nothing.size, nothing.count) == ("nothing.txt", 0, 1)


async def test_more_files_than_are_listed_are_counted(stage: Stage) -> None:
    torrent(stage, {f"{number:04}.txt": 2 for number in range(620)})
    seen = await stage.storage.preview_link(MAGNET)
    assert (seen.size, seen.count, len(seen.files)) == (1240, 620, 500)


async def test_odd_answers_are_read_leniently(stage: Stage) -> None:
    """Numbers for texts, nulls, folders in folders, and a word of the service on a bad link."""
    answers: list[Any] = [
        {
            "list": {
                "resources": [
                    {
                        "name": "top",
                        "is_dir": True,
                        "file_size": "",
                        "file_count": "0",
                        "meta": None,
                        "dir": {
                            "resources": [
                                {
                                    "name": "in",
                                    "is_dir": True,
                                    "dir": {
                                        "resources": [{"name": "a", "file_size": 5, "meta": []}]
                                    },
                                },
                                {"name": "b", "file_size": "7"},
                            ]
                        },
                    }
                ]
            }
        },
        {"list": {"resources": [{"name": "big", "is_dir": True, "file_size": "9"}]}},
        {"list": None},
        {"list": {"resources": [{"name": "x", "meta": {"error": "403:E_PARSE_BT\x1b[2J"}}]}},
    ]

    def bend(request: httpx.Request, answer: Any) -> Any:
        return answers.pop(0) if request.url.path.endswith("/resource/list") else answer

    await stage.next_program(bend)
    nested = await stage.storage.preview_link(MAGNET)
    assert nested == Preview(MAGNET, "top", 12, 2, (LinkFile("in/a", 5), LinkFile("b", 7)))
    assert await stage.storage.preview_link(MAGNET) == Preview(MAGNET, "big", 9)
    assert await stage.storage.preview_link(MAGNET) == Preview(MAGNET, "")
    bad = await stage.storage.preview_link(MAGNET)
    assert bad.size is None
    assert bad.message == "PikPak could not read it: 403:E_PARSE_BT<1B>[2J"


async def test_what_is_no_link_is_refused_before_it_is_asked(stage: Stage) -> None:
    before = len(stage.admin.log())
    with pytest.raises(UsageError, match="no link"):
        await stage.storage.preview_link("hello")
    assert len(stage.admin.log()) == before
    with pytest.raises(Refused, match="behind this link"):
        await stage.storage.preview_link("ed2k://|file|")


async def test_room_is_what_is_free_and_what_may_still_be_fetched(stage: Stage) -> None:
    stage.switch(quota=1000)
    room = await room_of(stage.storage)
    assert room.free == 1000
    assert room.fetchable is not None
    assert room.fits(1000) is True
    assert room.fits(1001) is False
    assert Room(None, 5).fits(6) is False
    assert Room().fits(1) is None
    stage.admin.fault(listener="pikpak.drive", match="*about*", kind="status", code=403)
    assert (await room_of(stage.storage)).free is None
    assert await room_of(object()) == Room()


def test_what_several_links_need_is_a_lower_bound_while_one_is_unknown() -> None:
    known, unknown = Preview("a", "a", 5), Preview("b", "b")
    assert needed([known, known]) == (10, True)
    assert needed([known, unknown]) == (5, False)


async def test_the_files_of_a_task_come_one_after_the_other(stage: Stage) -> None:
    torrent(stage, {"a.mkv": 500, "b.mkv": 400, "c.srt": 100})
    task = await added(stage, 0)
    waiting = await files_of(stage, task)
    assert [(each.name, each.size) for each in waiting] == [
        ("a.mkv", 500),
        ("b.mkv", 400),
        ("c.srt", 100),
    ]
    assert {each.phase for each in waiting} <= {TaskPhase.WAITING, TaskPhase.FETCHING}
    stage.admin.age(7_000)
    running = {each.name: each for each in await files_of(stage, task)}
    assert running["a.mkv"].phase is TaskPhase.DONE
    assert running["a.mkv"].percent == 100
    assert running["b.mkv"].phase is TaskPhase.FETCHING
    stage.admin.age(10_000)
    assert {each.phase for each in await files_of(stage, task)} == {TaskPhase.DONE}


async def test_files_that_nobody_has_are_told_beside_those_that_came(stage: Stage) -> None:
    torrent(stage, {"a.mkv": 300, "b.srt": 700}, state="stuck")
    task = await added(stage, 60_000)
    stuck = {each.name: each.phase for each in await files_of(stage, task)}
    assert stuck == {"a.mkv": TaskPhase.DONE, "b.srt": TaskPhase.FETCHING}


async def test_files_of_a_failed_task(stage: Stage) -> None:
    torrent(stage, state="error")
    failed = await files_of(stage, await added(stage, 60_000))
    assert {each.phase for each in failed} == {TaskPhase.FAILED}


async def test_all_pages_of_files_come(stage: Stage) -> None:
    torrent(stage, {f"{number:04}.txt": 2 for number in range(250)})
    assert len(await files_of(stage, await added(stage, 0))) == 250


@pytest.mark.parametrize("code", [400, 403, 404])
async def test_a_service_that_does_not_tell_of_files_is_no_error(stage: Stage, code: int) -> None:
    torrent(stage)
    task = await added(stage, 0)
    stage.admin.fault(listener="pikpak.drive", match="*/statuses*", kind="status", code=code)
    assert await stage.storage.task_files(task) is None


async def test_trouble_of_the_service_is_an_error_all_the_same(stage: Stage) -> None:
    stage.admin.fault(
        listener="pikpak.drive", match="*/statuses*", kind="status", code=500, times=50
    )
    with pytest.raises(ServerTrouble):
        await stage.storage.task_files("VNx")
    stage.admin.clear_faults()
    assert await stage.storage.task_files("VNx") is None
    with pytest.raises(NotFound):
        await stage.storage.retry_offline("VNx")


async def test_the_state_of_files_may_be_worded_in_other_ways(stage: Stage) -> None:
    rows = [
        {"name": "a", "file_size": 5, "phase": 3, "progress": "100"},
        {"file_name": "b", "file_size": "", "phase": "", "progress": 40, "message": "Saving"},
        {"name": "c", "phase": "PHASE_TYPE_NEW"},
        {},
    ]

    def bend(request: httpx.Request, answer: Any) -> Any:
        return {"statuses": rows} if request.url.path.endswith("/statuses") else answer

    torrent(stage)
    task = await added(stage, 0)
    await stage.next_program(bend)
    assert await stage.storage.task_files(task) == [
        TaskFile("a", TaskPhase.DONE, 5, 100),
        TaskFile("b", TaskPhase.FETCHING, None, 40, "fetching"),
        TaskFile("c", TaskPhase.WAITING),
        TaskFile("", TaskPhase.WAITING),
    ]


@pytest.mark.parametrize(
    ("phase", "progress", "read"),
    [
        (wire.COMPLETE, 0, wire.COMPLETE),
        (wire.RUNNING, 100, wire.RUNNING),
        ("3", 100, wire.COMPLETE),
        ("3", 99, ""),
        ("", 0, ""),
    ],
)
def test_a_phase_is_a_known_word_or_none(phase: str, progress: int, read: str) -> None:
    assert phase_of(phase, progress) == read


async def test_phases_that_are_numbers_neither_hang_a_change_nor_a_download(stage: Stage) -> None:
    def bend(request: httpx.Request, answer: Any) -> Any:
        if "/tasks" in request.url.path and isinstance(answer, dict):
            for row in [answer, *answer.get("tasks", [])]:
                if "phase" in row:
                    row["phase"] = 2
        return answer

    torrent(stage)
    folder = await stage.storage.mkdir(ROOT, "folder")
    await stage.put(b"1", "one")
    await stage.next_program(bend)
    at = ROOT.child("folder", folder.id)
    await stage.storage.move(await stage.storage.stat(ROOT.child("one")), at, "one")
    assert await stage.names(at) == ["one"]
    await added(stage, 5_000)

    async def phase() -> TaskPhase:
        [task] = [task async for page in stage.storage.scan_offline() for task in page]
        return task.phase

    assert await phase() is TaskPhase.FETCHING
    stage.admin.age(10_000)
    assert await phase() is TaskPhase.DONE
