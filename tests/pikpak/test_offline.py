"""Downloads the service makes: adding, following, trying again, forgetting."""

from __future__ import annotations

import pytest

from cloudtui.services.errors import NotFound, Refused, UsageError
from cloudtui.services.models import Location, OfflineTask, TaskPhase
from cloudtui.services.pikpak.offline import checked_url
from tests.pikpak.stage import ROOT, Stage

HASH = "0123456789abcdef0123456789abcdef01234567"
MAGNET = f"magnet:?xt=urn:btih:{HASH}&dn=things"


async def tasks(stage: Stage) -> list[OfflineTask]:
    return [task async for page in stage.storage.scan_offline() for task in page]


def magnet(stage: Stage, **more: object) -> None:
    stage.switch(magnets={HASH: {"name": "things", "files": {"a.txt": 5}, **more}})


async def test_a_magnet_becomes_a_file_in_the_folder(stage: Stage) -> None:
    magnet(stage)
    folder = await stage.storage.mkdir(ROOT, "here")
    added = await stage.storage.add_offline(MAGNET, ROOT.child("here", folder.id))
    assert added.url == MAGNET
    assert added.phase in (TaskPhase.WAITING, TaskPhase.FETCHING)
    stage.admin.age(10)
    [task] = await tasks(stage)
    assert (task.id, task.phase, task.percent) == (added.id, TaskPhase.DONE, 100)
    assert task.target is not None
    assert task.target.parts[0] == "here"
    found = await stage.storage.stat(task.target)
    assert found.at == task.target


async def test_the_top_is_a_place_too(stage: Stage) -> None:
    magnet(stage)
    await stage.storage.add_offline(MAGNET, ROOT)
    stage.admin.age(10)
    [task] = await tasks(stage)
    assert task.target is not None
    assert len(task.target.parts) == 1


async def test_a_failed_one_is_told_and_tried_again(stage: Stage) -> None:
    magnet(stage)
    stage.switch(offline="error")
    added = await stage.storage.add_offline(MAGNET, ROOT)
    stage.admin.age(10)
    [task] = await tasks(stage)
    assert task.phase is TaskPhase.FAILED
    assert task.message
    stage.switch(offline="ok")
    again = await stage.storage.retry_offline(added.id)
    assert again.id == added.id
    stage.admin.age(10)
    assert (await tasks(stage))[0].phase is TaskPhase.DONE


@pytest.mark.parametrize("files", [False, True])
async def test_forgetting_with_and_without_files(stage: Stage, files: bool) -> None:
    magnet(stage)
    added = await stage.storage.add_offline(MAGNET, ROOT)
    stage.admin.age(10)
    assert len(await stage.names()) == 1
    await stage.storage.remove_offline([added.id], files=files)
    assert await tasks(stage) == []
    assert len(await stage.names()) == (0 if files else 1)


async def test_a_lost_answer_adds_one_task(stage: Stage) -> None:
    magnet(stage)
    stage.admin.fault(listener="pikpak.drive", match="POST /drive/v1/files", kind="reset_after")
    added = await stage.storage.add_offline(MAGNET, ROOT)
    assert [task.id for task in await tasks(stage)] == [added.id]


async def test_a_folder_that_is_gone_falls_back_to_my_pack(stage: Stage) -> None:
    magnet(stage)
    folder = await stage.storage.mkdir(ROOT, "here")
    await stage.storage.remove([await stage.storage.stat(ROOT.child("here"))])
    stage.admin.fault(
        listener="pikpak.drive",
        match="POST /drive/v1/files",
        kind="api_code",
        code={"error": "space_folder_not_exist", "error_code": 5, "status": 404},
    )
    added = await stage.storage.add_offline(MAGNET, Location("pk", ("here",), folder.id))
    assert "My Pack" in added.message
    stage.admin.age(10)
    [task] = await tasks(stage)
    assert task.target is not None
    assert task.target.parts[0] == "My Pack"


async def test_all_pages_come(stage: Stage) -> None:
    magnet(stage)
    stage.switch(list_limit=4, offline="stuck")
    for number in range(10):
        await stage.storage.add_offline(f"{MAGNET}{number}", ROOT)
    assert len(await tasks(stage)) == 10


async def test_limits_are_told(stage: Stage) -> None:
    magnet(stage)
    stage.switch(daily_tasks=0)
    with pytest.raises(Refused, match="for today"):
        await stage.storage.add_offline(MAGNET, ROOT)


async def test_an_unknown_task_is_not_found(stage: Stage) -> None:
    with pytest.raises(NotFound):
        await stage.storage.retry_offline("VNunknown")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hello",
        "ftp://x.example/a",
        "magnet:?dn=nothing",
        "magnet:?xt=urn:btih:short",
        "https://",
        "file:///etc/passwd",
        "https://x.example/a b",
    ],
)
def test_what_is_no_link_is_said_so(url: str) -> None:
    with pytest.raises(UsageError, match="no link"):
        checked_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://x.example/a.iso", " http://x.example ", MAGNET, "ed2k://|file|a|5|0|/"],
)
def test_links_are_taken(url: str) -> None:
    assert checked_url(url) == url.strip()
