"""Every capability a place claims is exercised; every one it denies is refused cleanly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from cloudtui.services.change_feed import ChangeFeed
from cloudtui.services.errors import CloudError, Exists, NotFound, NotSupported, Refused
from cloudtui.services.history import Deed, KeepsHistory
from cloudtui.services.media import SMALL, HasThumbnails, PlaysQualities
from cloudtui.services.models import (
    EVERYTHING,
    Entry,
    Flag,
    Found,
    Location,
    Secret,
    TaskPhase,
    TrashItem,
    TrashKind,
)
from cloudtui.services.previews import PreviewsLinks, TellsTaskFiles
from cloudtui.services.shares import ChangesShares, OpensShares
from cloudtui.services.starring import KeepsStars
from cloudtui.services.storage import (
    HasQuota,
    HasShares,
    HasTrash,
    MakesLinks,
    OfflineTasks,
    ReadTicket,
    Revisions,
    ServerCopy,
    ServerMove,
)
from cloudtui.services.unpackers import Archives, PacksFolders
from tests.contract.conftest import Place, content, needs
from tests.contract.executor import get, read, write


def test_claims_and_methods_agree(place: Place) -> None:
    storage = place.storage
    caps = storage.caps
    pairs: tuple[tuple[str, type], ...] = (
        ("server_copy", ServerCopy),
        ("server_move", ServerMove),
        ("offline_tasks", OfflineTasks),
        ("previews", PreviewsLinks),
        ("task_files", TellsTaskFiles),
        ("links", MakesLinks),
        ("qualities", PlaysQualities),
        ("thumbnails", HasThumbnails),
        ("shares", HasShares),
        ("share_changes", ChangesShares),
        ("opens_shares", OpensShares),
        ("revisions", Revisions),
        ("archives", Archives),
        ("archive_parts", Archives),
        ("packs", PacksFolders),
        ("change_feed", ChangeFeed),
        ("stars", KeepsStars),
        ("history", KeepsHistory),
    )
    for capability, shape in pairs:
        assert isinstance(storage, shape) or not getattr(caps, capability), capability
    assert isinstance(storage, HasTrash) == (caps.trash is not TrashKind.NONE)
    assert isinstance(storage, HasQuota)
    assert caps.magnets <= caps.offline_tasks
    assert caps.share_changes <= caps.share_limits
    assert caps.previews <= caps.offline_tasks
    assert caps.task_files <= caps.offline_tasks
    assert storage.kind in ("disk", "pikpak", "pcloud")
    assert storage.title


# --- server side -----------------------------------------------------------------------------


async def tree(place: Place) -> Found:
    """`tree/inner/file`."""
    top = await place.folder("tree")
    inner = await place.folder("inner", top.at)
    await write(place.storage, inner.at, "file", b"content")
    return top


async def test_copies_inside_the_account(place: Place) -> None:
    top = await tree(place)
    if not needs(place, "server_copy", ServerCopy):
        assert not isinstance(place.storage, ServerCopy)
        return
    storage = cast("ServerCopy", place.storage)
    goal = await place.folder("goal")
    copied = await storage.copy(top, goal.at, "twin")
    assert copied.name == "twin"
    assert copied.id != top.entry.id
    assert await content(place, "goal", "twin", "inner", "file") == b"content"
    assert await content(place, "tree", "inner", "file") == b"content"
    file = await write(place.storage, place.top, "one", b"1")
    await storage.copy(file, goal.at, "two")
    assert await content(place, "goal", "two") == b"1"
    with pytest.raises(Exists):
        await storage.copy(file, goal.at, "two")
    with pytest.raises(Exists):
        await storage.copy(top, goal.at, "twin")
    assert await place.names(goal.at) == ["twin", "two"]


async def test_copies_inside_a_folder_are_made_or_refused(place: Place) -> None:
    if not needs(place, "server_copy", ServerCopy):
        return
    file = await write(place.storage, place.top, "one", b"1")
    try:
        await cast("ServerCopy", place.storage).copy(file, place.top, "two")
    except NotSupported:
        assert await place.names() == ["one"]
        return
    assert await place.names() == ["one", "two"]
    assert await content(place, "two") == b"1"


async def test_moves_inside_the_account(place: Place) -> None:
    assert needs(place, "server_move", ServerMove)
    storage = cast("ServerMove", place.storage)
    top = await tree(place)
    goal = await place.folder("goal")
    moved = await storage.move(top, goal.at, "elsewhere")
    if place.storage.account:
        assert moved.id == top.entry.id
    assert await place.names() == ["goal"]
    assert await content(place, "goal", "elsewhere", "inner", "file") == b"content"
    file = await write(place.storage, place.top, "file", b"1")
    await write(place.storage, goal.at, "taken", b"2")
    with pytest.raises(Exists):
        await storage.move(file, goal.at, "taken")
    assert await content(place, "goal", "taken") == b"2"
    assert await content(place, "file") == b"1"
    inside = Found.of(goal.at, moved)
    with pytest.raises(CloudError):
        await storage.move(goal, inside.at, "x")
    assert await place.names() == ["file", "goal"]


# --- trash -----------------------------------------------------------------------------------


async def in_trash(place: Place) -> list[TrashItem]:
    storage = cast("HasTrash", place.storage)
    return [item async for page in storage.scan_trash() for item in page]


async def put(place: Place, items: Sequence[Found]) -> list[TrashItem]:
    assert isinstance(place.storage, HasTrash)
    return await place.storage.trash(items)


async def test_deleted_things_come_back_to_their_place(place: Place) -> None:
    storage = cast("HasTrash", place.storage)
    top = await tree(place)
    sub = await place.folder("sub")
    one = await write(place.storage, place.top, "one", b"1")
    two = await write(place.storage, sub.at, "two", b"2")
    items = await put(place, [top, one, two])
    assert len(items) == 3
    assert await place.names() == ["sub"]
    assert await place.names(sub.at) == []
    listed = {item.key: item for item in await in_trash(place)}
    for item in items:
        assert item.key in listed
    origins = {item.origin.parts for item in items if item.origin is not None}
    assert origins == {found.at.parts for found in (top, one, two)}
    restored = await storage.restore([listed[item.key] for item in items])
    assert {one.at.parts for one in restored} == origins
    assert await place.names() == ["one", "sub", "tree"]
    assert await content(place, "tree", "inner", "file") == b"content"
    assert await content(place, "one") == b"1"
    assert await content(place, "sub", "two") == b"2"
    assert [item.key for item in await in_trash(place) if item.key in listed] == []


async def test_restoring_never_replaces(place: Place) -> None:
    storage = cast("HasTrash", place.storage)
    old = await write(place.storage, place.top, "file", b"old")
    items = await put(place, [old])
    await write(place.storage, place.top, "file", b"new")
    [restored] = await storage.restore(items)
    assert restored.at.name != "file"
    assert restored.note
    assert await content(place, "file") == b"new"
    assert await content(place, restored.at.name) == b"old"


async def test_restoring_elsewhere(place: Place) -> None:
    storage = cast("HasTrash", place.storage)
    goal = await place.folder("goal")
    items = await put(place, [await write(place.storage, place.top, "file", b"x")])
    [restored] = await storage.restore(items, goal.at)
    assert restored.at.parts == goal.at.child("file").parts
    assert await place.names(goal.at) == ["file"]
    assert await place.names() == ["goal"]


async def test_restoring_to_a_folder_that_is_gone(place: Place) -> None:
    storage = cast("HasTrash", place.storage)
    folder = await place.folder("folder")
    file = await write(place.storage, folder.at, "file", b"x")
    items = await put(place, [file])
    await place.storage.remove([folder])
    if items[0].key not in {item.key for item in await in_trash(place)}:
        # the service deletes for ever what was trashed from a folder that is deleted for ever
        with pytest.raises(NotFound):
            await storage.restore(items)
        return
    [restored] = await storage.restore(items)
    assert restored.note
    assert restored.at.name == "file"
    assert await read(place.storage, await place.storage.stat(restored.at)) == b"x"


async def test_equal_names_in_the_trash(place: Place) -> None:
    storage = cast("HasTrash", place.storage)
    keys = []
    for text in (b"1", b"22"):
        made = await write(place.storage, place.top, "file", text)
        keys.append((await put(place, [made]))[0].key)
    assert len(set(keys)) == 2
    items = [item for item in await in_trash(place) if item.key == keys[0]]
    await storage.restore(items)
    assert await content(place, "file") == b"1"


async def test_deleting_for_ever(place: Place) -> None:
    storage = cast("HasTrash", place.storage)
    one, two = [await write(place.storage, place.top, name, b"x") for name in ("one", "two")]
    first, second = await put(place, [one, two])
    await storage.delete_forever([first])
    keys = {item.key for item in await in_trash(place)}
    assert first.key not in keys
    assert second.key in keys
    with pytest.raises(CloudError):
        await storage.restore([first])
    await storage.empty_trash()
    assert not {item.key for item in await in_trash(place)} & {first.key, second.key}
    assert await place.names() == []


# --- the rest --------------------------------------------------------------------------------


async def test_quota_adds_up(place: Place) -> None:
    quota = await cast("HasQuota", place.storage).quota()
    assert quota.total is not None
    assert quota.used is not None
    assert quota.free is not None
    assert 0 <= quota.free <= quota.total
    assert 0 <= quota.used <= quota.total


async def test_pictures_and_other_forms_are_given_or_denied(place: Place) -> None:
    film = await write(place.storage, place.top, "a.mp4", b"film" * 100)
    if needs(place, "qualities", PlaysQualities):
        player = cast("PlaysQualities", place.storage)
        names = [one.name for one in await player.qualities(film)]
        assert "720P" in names
        link = await player.quality_link(film, "720P")
        status, small = await asyncio.to_thread(get, link)
        assert status == 200
        assert 0 < len(small) < 400
    else:
        assert not isinstance(place.storage, PlaysQualities)
    if needs(place, "thumbnails", HasThumbnails):
        body = await cast("HasThumbnails", place.storage).thumbnail(film, SMALL)
        assert body.startswith(b"\xff\xd8\xff")
    else:
        assert not isinstance(place.storage, HasThumbnails)


async def test_direct_links_give_the_bytes(place: Place) -> None:
    made = await write(place.storage, place.top, "file", b"content")
    if not needs(place, "links", MakesLinks):
        assert not isinstance(place.storage, MakesLinks)
        return
    link = await cast("MakesLinks", place.storage).direct_link(made)
    assert get(link) == (200, b"content")


async def test_shares_are_public_links(place: Place) -> None:
    made = await write(place.storage, place.top, "file", b"content")
    if not needs(place, "shares", HasShares):
        if isinstance(place.storage, HasShares):
            with pytest.raises(Refused):
                await place.storage.share(made)
        return
    storage = cast("HasShares", place.storage)
    share = await storage.share(made)
    assert share.url.startswith("http")
    assert share.name == "file"
    listed = [one async for page in storage.scan_shares() for one in page]
    (found,) = [one for one in listed if one.id == share.id]
    assert found.url == share.url
    await storage.unshare([share.id])
    await storage.unshare([share.id])
    listed = [one async for page in storage.scan_shares() for one in page]
    assert share.id not in {one.id for one in listed}


async def test_limits_of_links_are_kept_or_refused(place: Place) -> None:
    if not needs(place, "shares", HasShares):
        return
    made = await write(place.storage, place.top, "file", b"content")
    storage = cast("HasShares", place.storage)
    wanted: dict[str, dict[str, Any]] = {
        "days": {"days": 7},
        "password": {"password": Secret("pass42")},
        "downloads": {"most_downloads": 3},
    }
    for limit, given in wanted.items():
        if limit not in place.storage.caps.share_limits:
            with pytest.raises(NotSupported):
                await storage.share(made, **given)
            continue
        share = await storage.share(made, **given)
        listed = [one async for page in storage.scan_shares() for one in page]
        (found,) = [one for one in listed if one.id == share.id]
        kept = {
            "days": found.expires_ns is not None,
            "password": found.protected,
            "downloads": found.most_downloads == 3,
        }
        assert kept[limit]


async def test_links_that_are_there_are_changed(place: Place) -> None:
    changes: object = place.storage
    if not place.storage.caps.share_changes:
        assert not isinstance(changes, ChangesShares)
        return
    assert isinstance(changes, ChangesShares)
    made = await write(place.storage, place.top, "file", b"content")
    share = await cast("HasShares", changes).share(made)
    guarded = await changes.change_share(share, password=Secret("pass42"))
    assert (guarded.id, guarded.url, guarded.protected) == (share.id, share.url, True)
    ends = await changes.change_share(share, days=7)
    assert ends.protected
    assert ends.expires_ns is not None
    free = await changes.change_share(share, days=0, password=Secret(""))
    assert (free.protected, free.expires_ns) == (False, None)
    if "downloads" not in place.storage.caps.share_changes:
        with pytest.raises(NotSupported):
            await changes.change_share(share, most_downloads=3)
    await cast("HasShares", changes).unshare([share.id])
    with pytest.raises(CloudError):
        await changes.change_share(share, days=7)


async def test_versions_come_back(place: Place) -> None:
    made = await write(place.storage, place.top, "file", b"first")
    if not needs(place, "revisions", Revisions):
        assert not isinstance(place.storage, Revisions)
        return
    now = await write(place.storage, place.top, "file", b"second", replace=made)
    storage = cast("Revisions", place.storage)
    rows = [one async for page in storage.scan_revisions(now) for one in page]
    assert [(row.size, row.is_current) for row in rows] == [(6, True), (5, False)]
    old = await storage.open_revision(now, rows[1].id)
    assert isinstance(old, ReadTicket)
    assert get(old.urls[0]) == (200, b"first")
    entry = await storage.restore_revision(now, rows[1].id)
    assert entry.size == 5
    assert await content(place, "file") == b"first"
    with pytest.raises(NotFound):
        await storage.restore_revision(now, "1")


async def test_stars_are_kept_where_they_can_be(place: Place) -> None:
    if not needs(place, "stars", KeepsStars):
        assert not isinstance(place.storage, KeepsStars)
        return
    storage = cast("KeepsStars", place.storage)
    file = await write(place.storage, place.top, "file", b"content")

    async def starred() -> list[Location]:
        return [one.at async for page in storage.scan_starred() for one in page]

    await storage.star([file, Found.of(place.top.parent, await top_of(place))], on=True)
    assert sorted(await starred(), key=str) == [place.top, file.at]
    assert (await place.storage.stat(file.at)).entry.flags & Flag.STARRED
    await storage.star([file], on=False)
    assert await starred() == [place.top]


async def top_of(place: Place) -> Entry:
    """The folder of the test itself."""
    return (await place.storage.stat(place.top)).entry


async def test_a_history_is_told_and_forgotten_where_there_is_one(place: Place) -> None:
    if not needs(place, "history", KeepsHistory):
        assert not isinstance(place.storage, KeepsHistory)
        return
    storage = cast("KeepsHistory", place.storage)
    for name in ("one", "two", "three"):
        await write(place.storage, place.top, name, b"content")
    lines = [line async for page in storage.scan_history((Deed.UPLOADED,)) for line in page]
    assert [line.name for line in lines] == ["three", "two", "one"]
    assert lines[1].at is not None
    assert (await place.storage.stat(lines[1].at)).at.parts == place.top.child("two").parts
    await storage.forget_history([lines[1].id])
    left = [line.name async for page in storage.scan_history() for line in page]
    assert left == ["three", "one"]
    await storage.clear_history()
    assert not [line async for page in storage.scan_history() for line in page]
    assert await place.names() == ["one", "three", "two"]


async def test_changes_are_told_as_they_happen(place: Place) -> None:
    if not needs(place, "change_feed", ChangeFeed):
        assert not isinstance(place.storage, ChangeFeed)
        return
    storage = cast("ChangeFeed", place.storage)
    feed = storage.changes()
    top = await storage.id_of(place.top)

    async def told() -> None:
        """Until there is news of what lies in the folder; what came before it may be told first."""
        async for news in feed:
            if news is EVERYTHING or top in {change.folder for change in news}:
                return

    listening = asyncio.ensure_future(told())
    count = 0
    async with asyncio.timeout(100):
        while not listening.done():  # also until the feed has begun
            await place.folder(f"new {count}")
            count += 1
            await asyncio.wait([listening], timeout=0.2)
    await listening
    assert count
    await feed.aclose()  # type: ignore[attr-defined]


async def test_the_service_fetches_by_itself(place: Place) -> None:
    made = await write(place.storage, place.top, "source.txt", b"from afar")
    goal = await place.folder("goal")
    if not needs(place, "offline_tasks", OfflineTasks):
        assert not isinstance(place.storage, OfflineTasks)
        return
    storage = cast("OfflineTasks", place.storage)
    link = await cast("MakesLinks", place.storage).direct_link(made)
    task = await storage.add_offline(link, goal.at)
    assert place.sandbox is not None
    async with asyncio.timeout(100):
        while task.phase not in (TaskPhase.DONE, TaskPhase.FAILED):
            place.sandbox.admin.age(1)
            tasks = [one async for page in storage.scan_offline() for one in page]
            task = next(one for one in tasks if one.id == task.id)
    assert task.phase is TaskPhase.DONE, task.message
    [name] = await place.names(goal.at)
    assert await content(place, "goal", name) == b"from afar"
    await storage.remove_offline([task.id], files=False)
    assert [one.id async for page in storage.scan_offline() for one in page if one == task] == []
    assert await place.names(goal.at) == [name]
    with pytest.raises(CloudError):
        await storage.add_offline("no address", goal.at)


async def test_a_change_of_what_is_gone_is_told(place: Place) -> None:
    made = await write(place.storage, place.top, "file", b"x")
    await place.storage.remove([made])
    with pytest.raises(NotFound):
        await place.storage.rename(made, "other")
