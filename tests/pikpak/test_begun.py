"""A process that dies right after the service took a link, an archive or the wish for a public
link: whoever asks for the same again gets what there is, and nothing is made twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cloudtui.services.errors import Offline, PasswordNeeded, Refused
from cloudtui.services.models import OfflineTask, Secret, TaskPhase
from cloudtui.services.network import Network
from cloudtui.services.pikpak import archives, offline, shares
from cloudtui.services.pikpak.storage import PikPakStorage
from cloudtui.services.retry import Retries
from tests.pikpak.stage import FAST, ROOT, Stage
from tests.pikpak.test_shares import planted

MAGNET = f"magnet:?xt=urn:btih:{'ab' * 20}"


class Death(BaseException):
    """Ends a call as a kill would: nothing behind it runs."""


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Every failpoint of these modules kills, until it is undone."""

    def die(name: str) -> None:
        raise Death(name)

    for module in (archives, offline, shares):
        monkeypatch.setattr(module, "failpoint", die)
    return monkeypatch


@asynccontextmanager
async def another(stage: Stage, retries: Retries = FAST) -> AsyncIterator[PikPakStorage]:
    """What the next process has: the same account, nothing in memory."""
    storage = PikPakStorage(stage.account, stage.keys, Network(environ={}), retries)
    try:
        yield storage
    finally:
        await storage.close()


async def tasks(storage: PikPakStorage) -> list[OfflineTask]:
    return [task async for page in storage.scan_offline() for task in page]


async def test_a_link_is_added_once(stage: Stage, deadly: pytest.MonkeyPatch) -> None:
    with pytest.raises(Death):
        await stage.storage.add_offline(MAGNET, ROOT)
    deadly.undo()
    async with another(stage) as storage:
        added = await storage.add_offline(MAGNET, ROOT)
        assert [task.id for task in await tasks(storage)] == [added.id]
        # seen through: the same words are meant anew now
        again = await storage.add_offline(MAGNET, ROOT)
        assert {task.id for task in await tasks(storage)} == {added.id, again.id}


async def test_another_link_and_another_folder_are_others(
    stage: Stage, deadly: pytest.MonkeyPatch
) -> None:
    folder = await stage.storage.mkdir(ROOT, "there")
    with pytest.raises(Death):
        await stage.storage.add_offline(MAGNET, ROOT)
    deadly.undo()
    async with another(stage) as storage:
        await storage.add_offline(MAGNET, ROOT.child("there", folder.id))
        await storage.add_offline(MAGNET + "&dn=other", ROOT)
        assert len(await tasks(storage)) == 3


async def test_a_link_that_never_arrived_is_added(stage: Stage) -> None:
    stage.admin.fault(
        listener="pikpak.drive", match="POST /drive/v1/files", kind="reset_before", times=1
    )
    async with another(stage, Retries(attempts=1, first_wait=0)) as hasty:
        with pytest.raises(Offline):
            await hasty.add_offline(MAGNET, ROOT)
    added = await stage.storage.add_offline(MAGNET, ROOT)
    assert [task.id for task in await tasks(stage.storage)] == [added.id]


async def test_what_was_refused_is_asked_again(stage: Stage) -> None:
    stage.switch(daily_tasks=0)
    with pytest.raises(Refused):
        await stage.storage.add_offline(MAGNET, ROOT)
    stage.switch(daily_tasks=None)
    since = len(stage.admin.log())
    await stage.storage.add_offline(MAGNET, ROOT)
    looked = [each for each in stage.admin.log(since) if each["path"].endswith("/tasks")]
    assert looked == []


@pytest.mark.parametrize("delete", [False, True])
async def test_an_archive_is_unpacked_once(
    stage: Stage, deadly: pytest.MonkeyPatch, delete: bool
) -> None:
    stage.switch(decompress_seconds=0.1)
    await planted(stage)
    item = await stage.storage.stat(ROOT.child("stuff.zip"))
    with pytest.raises(Death):
        await stage.storage.extract(item, delete_source=delete)
    deadly.undo()
    async with another(stage) as storage:
        done = await storage.extract(item, delete_source=delete)
    assert (done.decompressed, done.source_deleted, done.errors) == (1, int(delete), 0)
    assert await stage.names() == (["stuff"] if delete else ["stuff", "stuff.zip"])


async def test_an_archive_unpacked_elsewhere_is_another_wish(
    stage: Stage, deadly: pytest.MonkeyPatch
) -> None:
    stage.switch(decompress_seconds=0)
    await planted(stage)
    folder = await stage.storage.mkdir(ROOT, "there")
    item = await stage.storage.stat(ROOT.child("stuff.zip"))
    with pytest.raises(Death):
        await stage.storage.extract(item)
    deadly.undo()
    async with another(stage) as storage:
        there = await storage.extract(item, ROOT.child("there", folder.id))
        assert there.into is not None
        assert there.into.parts == ("there", "stuff")
        await storage.extract(item)
        assert await stage.names() == ["stuff", "stuff.zip", "there"]
        await storage.extract(item)
        assert await stage.names() == ["stuff", "stuff(1)", "stuff.zip", "there"]


async def test_an_extraction_that_failed_begins_anew(
    stage: Stage, deadly: pytest.MonkeyPatch
) -> None:
    stage.switch(decompress_seconds=0)
    await planted(stage)
    item = await stage.storage.stat(ROOT.child("stuff.zip"))
    stage.switch(decompress_status="PASS_WORD_ERROR")
    with pytest.raises(PasswordNeeded):
        await stage.storage.extract(item, password=Secret("wrong"))
    deadly.undo()
    stage.switch(decompress_status=None)
    assert (await stage.storage.extract(item)).decompressed == 1
    assert await stage.names() == ["stuff", "stuff.zip"]


@pytest.mark.parametrize("password", [None, Secret("code")])
async def test_a_public_link_is_made_once(
    stage: Stage, deadly: pytest.MonkeyPatch, password: Secret | None
) -> None:
    await stage.put(b"x", "file")
    item = await stage.storage.stat(ROOT.child("file"))
    with pytest.raises(Death):
        await stage.storage.share(item, days=3, password=password)
    deadly.undo()
    async with another(stage) as storage:
        made = await storage.share(item, days=3, password=password)
        assert made.password == password
        listed = [share async for page in storage.scan_shares() for share in page]
        assert [share.url for share in listed] == [made.url]
        # other limits are another link
        assert (await storage.share(item, days=4, password=password)).id != made.id


@pytest.mark.parametrize("lost", [False, True])
async def test_what_is_there_at_once_is_there_once(
    stage: Stage, deadly: pytest.MonkeyPatch, lost: bool
) -> None:
    known = "magnet:?xt=urn:btih:" + "cd" * 20
    stage.switch(offline_task=False, magnets={"cd" * 20: {"name": "k", "files": {"k.txt": 5}}})
    folder = await stage.storage.mkdir(ROOT, "there")
    at = ROOT.child("there", folder.id)
    if lost:
        deadly.undo()
        stage.admin.fault(listener="pikpak.drive", match="POST /drive/v1/files", kind="reset_after")
    else:
        with pytest.raises(Death):
            await stage.storage.add_offline(known, at)
        deadly.undo()
    async with another(stage) as storage:
        added = await storage.add_offline(known, at)
        assert added.phase is TaskPhase.DONE
        assert added.target is not None
        assert await tasks(storage) == []
        assert len(await stage.names(at)) == 1
