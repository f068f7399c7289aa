"""The change feed, and what is remembered of closed methods."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from cloudtui.services.accounts import Account
from cloudtui.services.errors import Denied, LoginNeeded, NotSupported
from cloudtui.services.models import EVERYTHING, Change, Location, News, Secret
from cloudtui.services.network import Network
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import FOLDER_NAME, Names
from cloudtui.services.pcloud.feed import Feed
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.conftest import Open
from tests.pcloud.rig import (
    FAST,
    Script,
    asked,
    fields,
    file_item,
    folder_item,
    keys,
    mark,
    place,
    upload,
)
from tests.sandbox_process import SandboxProcess

ROOT = Location("pc")
API = "https://api.pcloud.com"


@contextlib.asynccontextmanager
async def following(storage: PCloudStorage) -> AsyncIterator[asyncio.Queue[News]]:
    """The storage's changes in a queue; entered once the feed waits."""
    told: asyncio.Queue[News] = asyncio.Queue()

    async def follow() -> None:
        async for changed in storage.changes():
            await told.put(changed)

    begun = asyncio.Event()
    begin = storage.feed._begin

    async def noted() -> tuple[int, News]:
        diffid, _ = await begin()
        begun.set()
        return diffid, ()

    storage.feed._begin = noted  # type: ignore[method-assign]
    task = asyncio.create_task(follow())
    await begun.wait()
    yield told
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def next_of(told: asyncio.Queue[News]) -> News:
    async with asyncio.timeout(30):
        return await told.get()


async def test_changes_are_told_without_listing(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    made = await storage.mkdir(ROOT, "d")
    async with following(storage) as told:
        since = mark(sandbox)
        who = await storage.client.call("userinfo", {}, wire.UserInfo)
        sandbox.admin.order("pcloud", "put", email=who.email, path="/d/new.txt", base64="eA==")
        (change,) = changes(await next_of(told))
        assert (change.folder, change.entry and change.entry.name) == (made.id, "new.txt")
        assert change.entry is not None
        assert change.entry.size == 1
        assert not any("listfolder" in line for line in asked(sandbox, since))


async def test_moves_name_the_entry_and_the_new_folder(storage: PCloudStorage) -> None:
    d = await storage.mkdir(ROOT, "d")
    await upload(storage, ROOT, "a", b"a")
    a = await storage.stat(ROOT.child("a"))
    async with following(storage) as told:
        await storage.move(a, ROOT.child("d"), "a")
        (change,) = changes(await next_of(told))
        assert (change.id, change.folder) == (a.entry.id, d.id)
        assert change.entry is not None
        await storage.remove([await storage.stat(ROOT.child("d").child("a"))])
        (change,) = changes(await next_of(told))
        assert (change.id, change.folder, change.entry) == (a.entry.id, d.id, None)
        await storage.trash([await storage.stat(ROOT.child("d"))])
        told_of = {change.id: change for change in changes(await next_of(told))}
        while d.id not in told_of:  # our trash folder itself is not spoken of
            told_of |= {change.id: change for change in changes(await next_of(told))}
        assert told_of[d.id].folder != "d0"
        assert all(change.folder != "d0" for change in told_of.values())


def changes(news: News) -> tuple[Change, ...]:
    assert news is not EVERYTHING
    return news


async def feed_of(tmp_path: Path, script: Network, waits: list[float]) -> Feed:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    held = keys(tmp_path)
    await held.write("token", API, Secret("t"))
    client = Client(Account("pc", "pcloud", {"api_url": API}), held, script, FAST)
    client.pace.rate = 1000.0
    # every answer comes at once, however busy the machine is
    return Feed(client, Names(), sleep=sleep, clock=lambda: 0.0)


async def collect(feed: Feed, told: list[News]) -> None:
    async for changed in feed.changes():
        told.append(changed)


async def test_nothing_is_missed_over_broken_connections(tmp_path: Path) -> None:
    calls: list[Mapping[str, str]] = []
    answers: list[Mapping[str, object] | Exception] = [
        {"result": 0, "diffid": 10, "entries": [created(4, when="Tue, 03 Mar 2026 09:15:00")]},
        *[httpx.ReadTimeout("quiet")] * FAST.attempts,  # one whole patience of the client
        *[{"result": 5000}] * FAST.attempts,
        {"result": 0, "diffid": 10, "entries": []},
        {"result": 0, "diffid": 12, "entries": [created(5)]},
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
    told: list[News] = []
    with pytest.raises(LoginNeeded):
        await collect(feed, told)
    assert told[1:] == [EVERYTHING, EVERYTHING]
    (change,) = changes(told[0])
    assert (change.id, change.folder) == ("f5", "d7")
    assert waits == [2.0, 4.0, 2.0, 2.0]  # the third: an empty answer that came at once
    ids = [params.get("diffid", "last") for params in calls]
    assert ids == ["last", *["10"] * (2 * FAST.attempts + 2), "12", "last", "99", "100"]
    assert all(params["block"] == "1" for params in calls if "diffid" in params)


async def test_a_service_that_does_not_hold_the_question_is_asked_now_and_then(
    tmp_path: Path,
) -> None:
    answers: list[Mapping[str, object]] = [
        *[{"result": 0, "diffid": 10, "entries": []}] * 6,
        {"result": 0, "diffid": 11, "entries": [created(5)]},
        {"result": 0, "diffid": 11, "entries": []},
        {"result": 2095},
    ]
    waits: list[float] = []
    feed = await feed_of(tmp_path, Script(lambda _method, _params: answers.pop(0)), waits)
    told: list[News] = []
    with pytest.raises(LoginNeeded):
        await collect(feed, told)
    assert len(told) == 1
    assert waits == [2.0, 4.0, 8.0, 10.0, 10.0, 2.0]


def created(number: int, when: str = "") -> dict[str, object]:
    """An event about a new file in folder 7."""
    item = file_item(number, "a", 7)
    return {"event": "createfile", "time": when or formatdate(usegmt=True), "metadata": item}


@pytest.mark.parametrize("count", [3, 100])
async def test_what_happened_just_before_is_told_too(tmp_path: Path, count: int) -> None:
    """A listing made while the feed began may lack it."""
    old = [created(number, "Tue, 03 Mar 2026 09:15:00 +0000") for number in range(count, 100)]
    answers: list[Mapping[str, object]] = [
        {"result": 0, "diffid": 10, "entries": [*old, *map(created, range(count))]},
        {"result": 2095},
    ]
    feed = await feed_of(tmp_path, Script(lambda _method, _params: answers.pop(0)), [])
    told: list[News] = []
    with pytest.raises(LoginNeeded):
        await collect(feed, told)
    (news,) = told
    if count == 100:  # there may be more than was told
        assert news is EVERYTHING
    else:
        assert [change.id for change in changes(news)] == ["f0", "f1", "f2"]


async def test_a_service_that_does_not_look_back_is_followed_all_the_same(tmp_path: Path) -> None:
    def respond(_method: str, params: dict[str, str]) -> Mapping[str, object]:
        if params.get("last") == "100":
            return {"result": 1029}
        if "last" in params:
            return {"result": 0, "diffid": 10, "entries": []}
        if params["diffid"] == "10":
            return {"result": 0, "diffid": 11, "entries": [created(5)]}
        return {"result": 2095}

    feed = await feed_of(tmp_path, Script(respond), [])
    told: list[News] = []
    with pytest.raises(LoginNeeded):
        await collect(feed, told)
    ((change,),) = [changes(news) for news in told]
    assert change.id == "f5"


@pytest.mark.parametrize("ways", ["last", "last after"])
async def test_a_service_that_takes_no_last_at_all_is_followed_all_the_same(
    tmp_path: Path, ways: str
) -> None:
    asked_for: list[str] = []

    def respond(_method: str, params: dict[str, str]) -> Mapping[str, object]:
        asked_for.append(next(name for name in ("last", "after", "diffid") if name in params))
        if asked_for[-1] in ways.split():
            return {"result": 1029}
        if "after" in params:
            return {"result": 0, "diffid": 10, "entries": []}
        if params["diffid"] == "0":  # as many as were asked for: there is more
            entries = [created(number, "Tue, 03 Mar 2026 09:15:00") for number in range(5000)]
            return {"result": 0, "diffid": 7, "entries": entries}
        if params["diffid"] == "7":
            return {"result": 0, "diffid": 10, "entries": []}
        if params["diffid"] == "10":
            return {"result": 0, "diffid": 11, "entries": [created(5)]}
        return {"result": 2095}

    feed = await feed_of(tmp_path, Script(respond), [])
    told: list[News] = []
    with pytest.raises(LoginNeeded):
        await collect(feed, told)
    ((change,),) = [changes(news) for news in told]
    assert change.id == "f5"
    whole = ["diffid", "diffid"] if "after" in ways else []
    assert asked_for == ["last", "last", "after", *whole, "diffid", "diffid"]


@pytest.mark.parametrize("count", [2, 101])
async def test_a_service_that_does_not_heed_last_tells_everything_once(
    tmp_path: Path, count: int
) -> None:
    entries = [created(number, "Tue, 03 Mar 2026 09:15:00") for number in range(count)]
    if count == 2:
        entries.insert(0, {"event": "reset", "time": "Tue, 03 Mar 2026 09:15:00"})
    answers: list[Mapping[str, object]] = [
        {"result": 0, "diffid": 10, "entries": entries},
        {"result": 0, "diffid": 11, "entries": [created(5)]},
        {"result": 2095},
    ]
    script = Script(lambda _method, _params: answers.pop(0))
    feed = await feed_of(tmp_path, script, [])
    told: list[News] = []
    with pytest.raises(LoginNeeded):
        await collect(feed, told)
    assert told[0] is EVERYTHING
    (change,) = changes(told[1])
    assert change.id == "f5"
    assert [fields(request).get("diffid") for request in script.requests] == [None, "10", "11"]


async def test_what_events_tell(tmp_path: Path) -> None:
    def event(kind: str, **more: object) -> wire.Event:
        item = wire.Item(**more) if more else None  # type: ignore[arg-type]
        return wire.Event(event=kind, time=60, metadata=item)

    feed = await feed_of(tmp_path, Script(lambda _method, _params: {}), [])
    moved = event("modifyfile", name="a", fileid=5, parentfolderid=7, deletedfileid=6)
    gone = event("deletefolder", name="b", isfolder=True, folderid=8, parentfolderid=0)
    ours = event("createfolder", name=FOLDER_NAME, isfolder=True, folderid=9, parentfolderid=0)
    first, second, third = changes(feed._told([moved, gone, ours]))
    assert first == Change("f6", "d7", None, 60_000_000_000)
    assert (second.id, second.folder, second.entry and second.entry.name) == ("f5", "d7", "a")
    assert third == Change("d8", "d0", None, 60_000_000_000)
    assert feed._told([event("modifyuserinfo"), event("somethingnew", fileid=1)]) == ()
    assert feed._told([event("acceptedsharein")]) is EVERYTHING
    assert feed._told([event("modifyfile", fileid=5, parentfolderid=7)]) is EVERYTHING


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
