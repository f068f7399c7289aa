"""The change feed, and what is remembered of closed methods."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest

from cloudtui.services.accounts import Account
from cloudtui.services.errors import Denied, LoginNeeded, NotSupported
from cloudtui.services.models import EVERYTHING, ChangedFolders, Location, Secret
from cloudtui.services.network import Network
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.feed import Feed, touched
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.conftest import Open
from tests.pcloud.rig import FAST, Script, asked, file_item, folder_item, keys, mark, place, upload
from tests.sandbox_process import SandboxProcess

ROOT = Location("pc")
API = "https://api.pcloud.com"


@contextlib.asynccontextmanager
async def following(storage: PCloudStorage) -> AsyncIterator[asyncio.Queue[ChangedFolders]]:
    """The storage's changes in a queue; entered once the feed waits."""
    told: asyncio.Queue[ChangedFolders] = asyncio.Queue()

    async def follow() -> None:
        async for changed in storage.changes():
            await told.put(changed)

    begun = asyncio.Event()
    newest = storage.feed.newest

    async def noted() -> int:
        found = await newest()
        begun.set()
        return found

    storage.feed.newest = noted  # type: ignore[method-assign]
    task = asyncio.create_task(follow())
    await begun.wait()
    yield told
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def next_of(told: asyncio.Queue[ChangedFolders]) -> ChangedFolders:
    async with asyncio.timeout(10):
        return await told.get()


async def test_changes_are_told_without_listing(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    made = await storage.mkdir(ROOT, "d")
    async with following(storage) as told:
        since = mark(sandbox)
        who = await storage.client.call("userinfo", {}, wire.UserInfo)
        began = asyncio.get_running_loop().time()
        sandbox.admin.order("pcloud", "put", email=who.email, path="/d/new.txt", base64="eA==")
        changed = await next_of(told)
        assert asyncio.get_running_loop().time() - began < 2
        assert changed is not EVERYTHING
        assert made.id in changed
        assert not any("listfolder" in line for line in asked(sandbox, since))


async def test_moves_name_the_entry_and_the_new_folder(storage: PCloudStorage) -> None:
    d = await storage.mkdir(ROOT, "d")
    await upload(storage, ROOT, "a", b"a")
    a = await storage.stat(ROOT.child("a"))
    async with following(storage) as told:
        await storage.move(a, ROOT.child("d"), "a")
        changed = await next_of(told)
        assert isinstance(changed, frozenset)
        assert {a.entry.id, d.id} <= changed
        await storage.remove([await storage.stat(ROOT.child("d").child("a"))])
        changed = await next_of(told)
        assert isinstance(changed, frozenset)
        assert d.id in changed


async def feed_of(tmp_path: Path, script: Network, waits: list[float]) -> Feed:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    held = keys(tmp_path)
    await held.write("token", API, Secret("t"))
    client = Client(Account("pc", "pcloud", {"api_url": API}), held, script, FAST)
    client.pace.rate = 1000.0
    return Feed(client, sleep=sleep)


async def collect(feed: Feed, told: list[ChangedFolders]) -> None:
    async for changed in feed.changes():
        told.append(changed)


async def test_nothing_is_missed_over_broken_connections(tmp_path: Path) -> None:
    calls: list[Mapping[str, str]] = []
    answers: list[Mapping[str, object] | Exception] = [
        {"result": 0, "diffid": 10, "entries": []},
        *[httpx.ReadTimeout("quiet")] * FAST.attempts,  # one whole patience of the client
        {"result": 0, "diffid": 10, "entries": []},
        {
            "result": 0,
            "diffid": 12,
            "entries": [{"event": "createfile", "metadata": file_item(5, "a", 7)}],
        },
        {"result": 2000 + 9},  # the id is not taken any more
        {"result": 0, "diffid": 99, "entries": []},
        {"result": 0, "diffid": 100, "entries": [{"event": "reset"}]},
        {"result": 2095},
    ]

    def respond(method: str, params: dict[str, str]) -> Mapping[str, object] | Exception:
        calls.append(params)
        return answers[len(calls) - 1]

    waits: list[float] = []
    feed = await feed_of(tmp_path, Script(respond), waits)
    told: list[ChangedFolders] = []
    with pytest.raises(LoginNeeded):
        await collect(feed, told)
    assert told == [frozenset({"f5", "d7"}), EVERYTHING, EVERYTHING]
    assert waits == [2.0, 2.0]
    ids = [params.get("diffid", "last") for params in calls]
    assert ids == ["last", *["10"] * (FAST.attempts + 2), "12", "last", "99", "100"]
    assert all(params["block"] == "1" for params in calls if "diffid" in params)


def test_what_events_touch() -> None:
    def event(name: str, **more: object) -> wire.Event:
        item = wire.Item(**more) if more else None  # type: ignore[arg-type]
        return wire.Event(event=name, metadata=item)

    moved = event("modifyfile", fileid=5, parentfolderid=7, deletedfileid=6)
    gone = event("deletefolder", isfolder=True, folderid=8, parentfolderid=0)
    assert touched([moved, gone]) == frozenset({"f5", "d7", "f6", "d8", "d0"})
    assert touched([event("modifyuserinfo"), event("somethingnew", fileid=1)]) == frozenset()
    assert touched([event("acceptedsharein")]) is EVERYTHING


def list_of(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


# --- what is closed to apps ------------------------------------------------------------------


async def test_refusals_are_remembered_by_the_next_run(
    opened: Open, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    storage = await opened()
    with pytest.raises(NotSupported):
        await storage.client.call("trash_list", {"folderid": 0}, wire.TreeListing)
    token = await storage.client.token()
    (home,) = list_of(tmp_path, "*")

    async def again(secret: Secret) -> PCloudStorage:
        return await place(home, storage.client.base, token=secret)

    later = await again(token)
    since = mark(sandbox)
    with pytest.raises(NotSupported):
        await later.client.call("trash_list", {"folderid": 0}, wire.TreeListing)
    assert mark(sandbox) == since
    # another sign-in may be allowed more, and asking again is possible
    other = await again(Secret("another token"))
    with pytest.raises(LoginNeeded):
        await other.client.call("trash_list", {"folderid": 0}, wire.TreeListing)
    third = await again(token)
    await third.client.token()
    third.client.refusals.forget()
    with pytest.raises(NotSupported):
        await third.client.call("trash_list", {"folderid": 0}, wire.TreeListing)
    assert any("trash_list" in line for line in asked(sandbox, since))
    (kept,) = [file.read_text() for file in list_of(home, "**/*.learned.json")]
    assert token.reveal() not in kept
    for each in (later, other, third):
        await each.close()


async def test_a_closed_ability_is_greyed_with_its_reason(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await upload(storage, ROOT, "a", b"a")
    assert storage.caps.allows("revisions")
    sandbox.admin.switch("pcloud.closed", ["listrevisions"])
    try:
        with pytest.raises(NotSupported):
            async for _ in storage.scan_revisions(await storage.stat(ROOT.child("a"))):
                pass
    finally:
        sandbox.admin.switch("pcloud.closed", [])
    assert not storage.caps.allows("revisions")
    assert "apps" in storage.caps.refused["revisions"]


# --- shares of other people ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ({}, {"ismine": False, "cancreate": False}, "put nothing there"),
        ({"ismine": False, "candelete": False}, {}, "does not let you move"),
        ({}, {"ismine": False, "cancreate": True}, "between your own files and a share"),
    ],
)
async def test_refused_moves_into_shares_are_explained(
    tmp_path: Path, source: dict[str, object], target: dict[str, object], words: str
) -> None:
    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        if method == "stat":
            return {"result": 0, "metadata": file_item(5, "a", 0, **source)}
        if method == "renamefile":
            return {"result": 2003, "error": "Access denied."}
        if params.get("folderid") == "8":
            return {"result": 0, "metadata": {**folder_item(8, "theirs", 0, []), **target}}
        contents = [file_item(5, "a", 0, **source), {**folder_item(8, "theirs", 0), **target}]
        return {"result": 0, "metadata": folder_item(0, "/", None, contents)}

    storage = await place(tmp_path, API, network=Script(respond))
    with pytest.raises(Denied, match=words) as caught:
        await storage.move(await storage.stat(ROOT.child("a")), ROOT.child("theirs"), "a")
    assert caught.value.hint
