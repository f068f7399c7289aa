"""Folders made one tar file where they lie, and back: once each, whatever gets lost on the way."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudtui.services.errors import NotFound, Refused
from cloudtui.services.known import Known
from cloudtui.services.models import Found, Kind, Location
from cloudtui.services.pikpak import packing, wire
from cloudtui.services.watching import watch
from tests.pikpak.stage import ROOT, Stage
from tests.pikpak.test_begun import Death, another

PACK = "POST /drive/v1/files/pack"
UNPACK = "POST /drive/v1/files/unpack"


async def things(stage: Stage) -> Found:
    """A folder with a file in a folder in it."""
    folder = await stage.storage.mkdir(ROOT, "things")
    deep = await stage.storage.mkdir(ROOT.child("things", folder.id), "deep")
    await stage.put(b"hello", "a.txt", Location("pk", ("things", "deep"), deep.id))
    return await stage.storage.stat(ROOT.child("things"))


def asked(stage: Stage, path: str) -> int:
    """How often an endpoint was called by this account's tests with success."""
    return sum(
        f"{each['method']} {each['path']}" == path and each["status"] == 200
        for each in stage.admin.log()
    )


def running(stage: Stage) -> list[dict[str, Any]]:
    tasks = stage.admin.state("pikpak")["accounts"][stage.username]["tasks"]
    return [task for task in tasks if task["type"] == "pack_files"]


async def test_a_folder_becomes_a_tar_and_a_folder_again(stage: Stage) -> None:
    stage.switch(listing_lag=5)
    folder = await things(stage)
    inside = await stage.storage.stat(ROOT.child("things").child("deep").child("a.txt"))
    told: list[int] = []
    packed = await stage.storage.pack_folder(folder, told.append)
    assert (packed.id, packed.name, packed.kind) == (folder.entry.id, "things.tar", Kind.FILE)
    assert told[-1] == 100
    assert await stage.names() == ["things.tar"]
    with tarfile.open(fileobj=io.BytesIO(await stage.read(ROOT.child("things.tar")))) as tar:
        assert sorted(tar.getnames()) == ["deep", "deep/a.txt"]
    with pytest.raises(NotFound):
        await stage.storage.stat(ROOT.child("things").child("deep"))
    item = await stage.storage.stat(ROOT.child("things.tar"))
    back = await stage.storage.unpack_folder(item)
    assert (back.id, back.name, back.kind) == (folder.entry.id, "things", Kind.FOLDER)
    assert await stage.names() == ["things"]
    again = await stage.storage.stat(inside.at)
    assert again.entry.id == inside.entry.id
    assert await stage.read(inside.at) == b"hello"


async def test_a_name_that_is_taken_is_read_and_not_guessed(stage: Stage) -> None:
    folder = await things(stage)
    await stage.put(b"other", "things.tar")
    packed = await stage.storage.pack_folder(folder)
    assert packed.name == "things(1).tar"
    await stage.storage.mkdir(ROOT, "things")
    back = await stage.storage.unpack_folder(Found.of(ROOT, packed))
    assert back.name == "things(1)"
    assert await stage.names() == ["things", "things(1)", "things.tar"]


async def test_what_cannot_be_packed_or_unpacked_is_told(stage: Stage) -> None:
    empty = await stage.storage.mkdir(ROOT, "empty")
    await stage.put(b"no tar of ours", "a.tar")
    file = await stage.storage.stat(ROOT.child("a.tar"))
    folder = Found.of(ROOT, empty)
    with pytest.raises(Refused, match="does not pack an empty folder"):
        await stage.storage.pack_folder(folder)
    with pytest.raises(Refused, match="is a file: only folders"):
        await stage.storage.pack_folder(file)
    with pytest.raises(Refused, match="top of the account"):
        await stage.storage.pack_folder(await stage.storage.stat(ROOT))
    with pytest.raises(Refused, match="is a folder: nothing"):
        await stage.storage.unpack_folder(folder)
    with pytest.raises(Refused, match="not a folder that PikPak packed"):
        await stage.storage.unpack_folder(file)
    assert await stage.names() == ["a.tar", "empty"]


@pytest.mark.parametrize("seconds", [0, 0.3])
async def test_a_lost_answer_packs_once(stage: Stage, seconds: float) -> None:
    """The folder is a file already, or a task that packs it is running."""
    stage.switch(batch_seconds=seconds)
    folder = await things(stage)
    before = asked(stage, PACK)
    stage.admin.fault(listener="pikpak.drive", match=PACK, kind="reset_after", times=1)
    assert (await stage.storage.pack_folder(folder)).kind is Kind.FILE
    assert asked(stage, PACK) == before + 1
    assert len(running(stage)) == 1


async def test_a_lost_answer_unpacks_once_and_packs_nothing(stage: Stage) -> None:
    packed = await stage.storage.pack_folder(await things(stage))
    before = (asked(stage, PACK), asked(stage, UNPACK))
    stage.admin.fault(listener="pikpak.drive", match=UNPACK, kind="reset_after", times=1)
    assert (await stage.storage.unpack_folder(Found.of(ROOT, packed))).kind is Kind.FOLDER
    assert (asked(stage, PACK), asked(stage, UNPACK)) == (before[0], before[1] + 1)


async def test_who_comes_after_a_death_waits_for_the_same_task(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        raise Death(name)

    stage.switch(batch_seconds=100)
    folder = await things(stage)
    monkeypatch.setattr(packing, "failpoint", die)
    with pytest.raises(Death):
        await stage.storage.pack_folder(folder)
    monkeypatch.undo()
    seen = asyncio.Event()
    async with another(stage) as storage:
        work = asyncio.create_task(storage.pack_folder(folder, lambda _: seen.set()))
        async with asyncio.timeout(60):
            await seen.wait()
        stage.admin.age(200)
        assert (await work).name == "things.tar"
        assert len(running(stage)) == 1
        # and what is done already is done
        assert (await storage.pack_folder(folder)).name == "things.tar"


async def test_two_at_once_make_one_file(stage: Stage) -> None:
    """The task of the slower one fails, since there is no folder any more."""
    stage.switch(batch_seconds=0.2)
    folder = await things(stage)
    async with another(stage) as storage:
        both = await asyncio.gather(stage.storage.pack_folder(folder), storage.pack_folder(folder))
    assert [entry.name for entry in both] == ["things.tar", "things.tar"]
    assert await stage.names() == ["things.tar"]


async def test_a_folder_that_goes_meanwhile_is_told(stage: Stage) -> None:
    stage.switch(batch_seconds=1000)
    folder = await things(stage)
    seen = asyncio.Event()
    work = asyncio.create_task(stage.storage.pack_folder(folder, lambda _: seen.set()))
    async with asyncio.timeout(60):
        await seen.wait()
    await stage.storage.api.call(wire.Nothing, "DELETE", f"/drive/v1/files/{folder.entry.id}")
    stage.admin.age(2000)
    with pytest.raises(NotFound):
        await work


async def test_tasks_that_are_not_listed_and_odd_answers(stage: Stage) -> None:
    """A service that lists no such tasks, and one that unpacks in a task after all."""
    folder = await things(stage)
    seen: list[str] = []

    def bend(request: httpx.Request, body: Any) -> Any:
        path = request.url.path
        if path.endswith("/tasks") and request.url.params["type"] == "pack_files":
            return {"error": "invalid_argument", "error_code": 3}
        if path.endswith("/files/unpack"):
            seen.append(json.loads(request.content)["folderId"])
            return {"task_id": "VNnobodyknows"}
        return body

    await stage.next_program(bend)
    packed = await stage.storage.pack_folder(folder)
    assert (await stage.storage.unpack_folder(Found.of(ROOT, packed))).kind is Kind.FOLDER
    assert seen == [folder.entry.id]


async def test_search_knows_what_was_packed(stage: Stage, tmp_path: Path) -> None:
    known = Known(tmp_path / "catalogue.sqlite")
    watch(stage.storage, known.changed)
    folder = await things(stage)
    known.note(ROOT, await stage.entries())
    known.note(folder.at, await stage.entries(folder.at))

    async def names() -> list[str]:
        hits = [*await known.search(["things"]), *await known.search(["deep"])]
        return sorted(hit.at.path for hit in hits)

    assert await names() == ["/things", "/things/deep"]
    packed = await stage.storage.pack_folder(folder)
    assert await names() == ["/things.tar"]
    await stage.storage.unpack_folder(Found.of(ROOT, packed))
    assert await names() == ["/things"]
    await known.close()
