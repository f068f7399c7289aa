"""Whole trees: in one call where pCloud gives one, else taken apart, several folders at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from cloudtui.services.errors import CloudError, NotFound, Offline
from cloudtui.services.models import Found, Location
from cloudtui.services.pcloud.below import everything_below
from cloudtui.services.pcloud.entries import FOLDER_NAME
from cloudtui.services.pcloud.storage import PCloudStorage
from cloudtui.services.walking import walk, walk_in_order
from tests.pcloud.conftest import Open
from tests.pcloud.rig import Script, asked, file_item, folder_item, mark, names, place, upload
from tests.sandbox_process import SandboxProcess

ROOT = Location("pc")
API = "https://api.pcloud.com"


async def planted(storage: PCloudStorage) -> list[str]:
    """A few folders and files, one of them in the trash; paths in display order."""
    for parts in (("a",), ("a", "b"), ("a", "b", "c"), ("d",), (FOLDER_NAME,)):
        await storage.mkdir(Location("pc", parts[:-1]), parts[-1])
        await upload(storage, Location("pc", parts), "x", b"x")
    await storage.mkdir(ROOT.child("d"), "empty")
    return ["/a", "/d", "/a/b", "/a/x", "/a/b/c", "/a/b/x", "/a/b/c/x", "/d/empty", "/d/x"]


async def in_order(storage: PCloudStorage, top: Location) -> list[str]:
    found: list[str] = []
    async for _, rows in walk_in_order(storage, top):
        assert not isinstance(rows, CloudError)
        found += [row.at.path for row in rows]
    return found


def lists(sandbox: SandboxProcess, since: int) -> int:
    return sum("listfolder" in line for line in asked(sandbox, since))


async def test_the_top_is_taken_apart_and_the_rest_comes_in_one_call_each(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    paths = await planted(storage)
    since = mark(sandbox)
    assert await in_order(storage, ROOT) == paths
    assert lists(sandbox, since) == 3  # the top, /a, /d
    a = await storage.stat(ROOT.child("a"))
    since = mark(sandbox)
    assert await in_order(storage, a.at) == [path for path in paths if path.startswith("/a/")]
    assert lists(sandbox, since) == 1
    # ids and all else are what a listing of the folder gives
    async for at, entries in walk(storage, ROOT):
        assert not isinstance(entries, CloudError)
        alone = [entry async for page in storage.scan(at) for entry in page]
        assert sorted(entries, key=lambda entry: entry.id) == sorted(
            alone, key=lambda entry: entry.id
        )
    below = await everything_below(storage.client, 0, 0)
    assert len(below) == len(paths)
    assert all(item.parentfolderid is not None for item in below)
    # entered on purpose it is shown
    assert await names(storage, ROOT.child(FOLDER_NAME)) == ["x"]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "api_code", "code": 5000}, {"kind": "truncate_json"}, {"kind": "html"}],
    ids=["refused", "cut", "html"],
)
async def test_a_tree_that_does_not_come_whole_is_taken_apart(
    storage: PCloudStorage, sandbox: SandboxProcess, fault: Mapping[str, object]
) -> None:
    paths = await planted(storage)
    sandbox.admin.fault(
        **fault, listener="pcloud.*", match="GET /listfolder", query="*recursive=1*", times=-1
    )
    assert await in_order(storage, ROOT) == paths
    below = await everything_below(storage.client, 0, 0)
    assert len(below) == len(paths)


async def test_a_tree_too_deep_for_one_call(opened: Open, sandbox: SandboxProcess) -> None:
    storage = await opened(seed="deep=45")
    since = mark(sandbox)
    found = await in_order(storage, ROOT)
    assert max(path.count("/") for path in found) >= 45
    assert lists(sandbox, since) <= 13  # of 46, four of them refused
    assert len(await everything_below(storage.client, 0, 0)) == len(found)


async def test_folders_are_listed_several_at_a_time_when_one_by_one(tmp_path: Path) -> None:
    gate = asyncio.Event()
    under_way = 0
    highest = 0

    class Slow(PCloudStorage):
        async def list_tree(self, folder: Location, *, most: int | None = None) -> None:
            nonlocal under_way, highest
            if folder.parts:
                under_way += 1
                highest = max(highest, under_way)
                if highest == 8:
                    gate.set()
                await gate.wait()
                under_way -= 1

    def respond(_method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        below = (
            [folder_item(n, f"d{n}", 0) for n in range(1, 21)] if params["folderid"] == "0" else []
        )
        return {"result": 0, "metadata": folder_item(int(params["folderid"]), "x", None, below)}

    storage = await place(tmp_path, API, network=Script(respond))
    storage.__class__ = Slow
    async with asyncio.timeout(30):
        assert len([at async for at, _ in walk(storage, ROOT)]) == 21
    assert highest == 8


async def test_a_folder_that_cannot_be_listed_is_told_and_the_others_come(tmp_path: Path) -> None:
    def respond(_method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        match params["folderid"]:
            case "0":
                below = [folder_item(7, "gone", 0), folder_item(8, "there", 0)]
                return {"result": 0, "metadata": folder_item(0, "/", None, below)}
            case "7":
                return {"result": 2005}
            case _:
                below = [file_item(9, "x", 8)]
                return {"result": 0, "metadata": folder_item(8, "there", 0, below)}

    storage = await place(tmp_path, API, network=Script(respond))
    found = {at.path: listed async for at, listed in walk(storage, ROOT)}
    assert isinstance(found["/gone"], NotFound)
    assert len(found) == 3
    # what is deleted meanwhile is no failure of the whole
    assert len(await everything_below(storage.client, 0, 0)) == 3
    with pytest.raises(NotFound):
        await everything_below(storage.client, 7, 0)


async def test_no_connection_ends_it(storage: PCloudStorage, sandbox: SandboxProcess) -> None:
    await planted(storage)
    sandbox.admin.fault(kind="reset_before", listener="pcloud.*", times=-1)
    with pytest.raises(Offline):
        await everything_below(storage.client, 0, 0)
    ((at, listed),) = [found async for found in walk(storage, ROOT)]
    assert (at, isinstance(listed, Offline)) == (ROOT, True)


async def test_the_twin_of_a_folder_is_not_entered(storage: PCloudStorage) -> None:
    await upload(storage, ROOT, "twin", b"file")
    folder = await storage.mkdir(ROOT, "twin")
    await upload(storage, Found.of(ROOT, folder).at, "x", b"x")
    found = {at.node: listed async for at, listed in walk(storage, ROOT)}
    assert set(found) == {None, folder.id}
