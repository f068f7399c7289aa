"""An extraction that outlives the program: the archive goes once all of it is unpacked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cloudtui.services.errors import Refused
from cloudtui.services.paths import Paths
from cloudtui.services.unpacking import Unpackings, see_through, unpack
from tests.pikpak.stage import ROOT, Stage
from tests.pikpak.test_begun import another
from tests.pikpak.test_shares import planted


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find({"CLOUDTUI_HOME": str(tmp_path / "home")})


async def left_running(stage: Stage, paths: Paths) -> None:
    """Begun, and nobody waits for the end."""
    stage.switch(decompress_seconds=100)
    await planted(stage)
    item = await stage.storage.stat(ROOT.child("stuff.zip"))
    book = Unpackings(paths)
    seen = asyncio.Event()
    unpacking = asyncio.create_task(
        unpack(
            book, stage.storage, item, None, None,
            delete_source=True, on_progress=lambda _: seen.set(),
        )
    )  # fmt: skip
    async with asyncio.timeout(60):
        await seen.wait()
    unpacking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await unpacking
    book.close()


async def test_the_archive_goes_when_all_is_unpacked(stage: Stage, paths: Paths) -> None:
    await left_running(stage, paths)
    book = Unpackings(paths)
    mine = book.take(book.left()[0])
    assert mine is not None
    seen = asyncio.Event()
    async with another(stage) as storage:
        going = asyncio.create_task(
            see_through(book, storage, mine, lambda percent: seen.set() if percent < 100 else None)
        )
        async with asyncio.timeout(60):
            await seen.wait()
        assert await stage.names() == ["stuff.zip"]
        stage.admin.age(200)
        done = await going
    assert (done.decompressed, done.source_deleted, done.errors) == (1, 1, 0)
    assert done.into is not None
    assert await stage.names() == ["stuff"]
    assert book.all() == []
    # and nothing of it is thought unfinished: the same words unpack anew
    trashed = [item async for page in stage.storage.scan_trash() for item in page]
    assert [item.entry.name for item in trashed] == ["stuff.zip"]


async def test_an_archive_that_is_gone_already_counts_as_deleted(
    stage: Stage, paths: Paths
) -> None:
    """By a process that died after it had been deleted."""
    await left_running(stage, paths)
    stage.admin.age(200)
    await stage.storage.trash([await stage.storage.stat(ROOT.child("stuff.zip"))])
    book = Unpackings(paths)
    mine = book.take(book.left()[0])
    assert mine is not None
    done = await see_through(book, stage.storage, mine)
    assert (done.decompressed, done.source_deleted, done.errors) == (1, 1, 0)


async def test_one_that_failed_keeps_its_archive(stage: Stage, paths: Paths) -> None:
    stage.switch(decompress_fails=1)
    await left_running(stage, paths)
    stage.admin.age(200)
    book = Unpackings(paths)
    mine = book.take(book.left()[0])
    assert mine is not None
    with pytest.raises(Refused, match="could not unpack"):
        await see_through(book, stage.storage, mine)
    assert book.all() == []
    assert await stage.names() == ["stuff.zip"]
