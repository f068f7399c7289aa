"""Deleting and taking it back, with both things the service is said to do on a restore."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cloudtui.services.errors import NotFound
from cloudtui.services.models import Found, Location, TrashItem
from cloudtui.services.pikpak.storage import PikPakStorage
from cloudtui.services.pikpak.tasks import BATCH
from tests.pikpak.stage import FAST, ROOT, Stage

BOTH = pytest.mark.parametrize("untrash", ["origin", "root"])


def live(stage: Stage) -> dict[str, str]:
    """Path to id of everything outside the trash."""
    account = stage.admin.state("pikpak")["accounts"][stage.username]
    return {node["path"]: node["id"] for node in account["nodes"] if not node["trashed"]}


async def all_trashed(stage: Stage) -> list[TrashItem]:
    return [item async for page in stage.storage.scan_trash() for item in page]


async def planted(stage: Stage, *paths: str) -> list[Found]:
    for path in paths:
        stage.admin.order("pikpak", "put", username=stage.username, path=path, text=path)
    return [
        await stage.storage.stat(Location("pk", tuple(path.strip("/").split("/"))))
        for path in paths
    ]


@BOTH
async def test_three_things_come_back_where_they_were(stage: Stage, untrash: str) -> None:
    stage.switch(untrash=untrash)
    items = await planted(stage, "/a/b/one", "/a/two", "/three")
    before = live(stage)
    trashed = await stage.storage.trash(items)
    assert [str(item.origin) for item in trashed] == ["pk:/a/b/one", "pk:/a/two", "pk:/three"]
    assert await stage.names() == ["a"]
    restored = await stage.storage.restore(trashed)
    assert live(stage) == before
    assert {str(each.at) for each in restored} == {"pk:/a/b/one", "pk:/a/two", "pk:/three"}
    assert [each.note for each in restored] == ["", "", ""]
    assert await all_trashed(stage) == []


@BOTH
async def test_what_the_trash_lists_can_be_restored(stage: Stage, untrash: str) -> None:
    stage.switch(untrash=untrash)
    [item] = await planted(stage, "/deep/down/file")
    before = live(stage)
    await stage.storage.trash([item])
    [listed] = await all_trashed(stage)
    assert listed.key == listed.entry.id
    assert listed.entry.id == item.entry.id
    assert str(listed.origin) == "pk:/deep/down/file"
    assert listed.trashed_ns is not None
    assert listed.ends_ns is not None
    assert listed.ends_ns - listed.trashed_ns == 15 * 86_400 * 10**9
    [restored] = await stage.storage.restore([listed])
    assert live(stage) == before
    assert restored.at.node == item.entry.id


@BOTH
async def test_the_folder_is_meant_by_id_wherever_it_is_now(stage: Stage, untrash: str) -> None:
    stage.switch(untrash=untrash)
    [item] = await planted(stage, "/old/file")
    trashed = await stage.storage.trash([item])
    old = await stage.storage.stat(ROOT.child("old"))
    await stage.storage.mkdir(ROOT, "else")
    await stage.storage.move(old, ROOT.child("else"), "new name")
    [restored] = await stage.storage.restore(trashed)
    assert str(restored.at) == "pk:/else/new name/file"
    assert live(stage)["/else/new name/file"] == item.entry.id


@BOTH
async def test_a_path_that_is_gone_is_made_again(stage: Stage, untrash: str) -> None:
    stage.switch(untrash=untrash)
    [item] = await planted(stage, "/kept/file")
    [trashed] = await stage.storage.trash([item])
    # as if it had been in a folder that was deleted for ever since
    stage.storage._trash._homes[item.entry.id] = "VNgone"
    lost = replace(trashed, origin=Location("pk", ("was", "here", "file")))
    [restored] = await stage.storage.restore([lost])
    assert str(restored.at) == "pk:/was/here/file"
    assert "is gone" in restored.note
    assert "made again" in restored.note
    assert live(stage)["/was/here/file"] == item.entry.id


@BOTH
async def test_a_folder_in_the_trash_is_restored_together(stage: Stage, untrash: str) -> None:
    stage.switch(untrash=untrash)
    item, other = await planted(stage, "/folder/file", "/folder/other")
    first = await stage.storage.trash([item])
    folder = await stage.storage.stat(ROOT.child("folder"))
    second = await stage.storage.trash([folder])
    restored = await stage.storage.restore([*first, *second])
    assert [str(each.at) for each in restored] == ["pk:/folder", "pk:/folder/file"]
    now = live(stage)
    assert now["/folder"] == folder.entry.id
    assert now["/folder/file"] == item.entry.id
    assert now["/folder/other"] == other.entry.id


@BOTH
async def test_the_trash_tells_where_things_were_when_their_folders_follow(
    stage: Stage, untrash: str
) -> None:
    stage.switch(untrash=untrash)
    paths = ("/a/b/c/one", "/a/two", "/a/b/three", "/a/b/four")
    items = await planted(stage, *paths)
    kept = items.pop()
    for item in items:
        await stage.storage.trash([item])
    await stage.storage.trash([await stage.storage.stat(Location("pk", ("a", "b", "c")))])
    await stage.storage.trash([await stage.storage.stat(ROOT.child("a"))])
    listed = {str(item.origin): item for item in await all_trashed(stage)}
    assert set(listed) == {f"pk:{path}" for path in (*paths[:3], "/a/b/c", "/a")}
    # one alone: its folders are made again; all together: everything as it was
    order = ["/a/b/c/one", "/a/two", "/a/b/three", "/a/b/c", "/a"]
    restored = await stage.storage.restore([listed[f"pk:{path}"] for path in order])
    assert {str(each.at) for each in restored} == set(listed)
    assert all(not each.note for each in restored)
    now = live(stage)
    assert now["/a/b/four"] == kept.entry.id
    assert [now[path] for path in paths[:3]] == [item.entry.id for item in items]


@BOTH
async def test_a_folder_left_in_the_trash_is_told(stage: Stage, untrash: str) -> None:
    stage.switch(untrash=untrash)
    [item] = await planted(stage, "/folder/file")
    first = await stage.storage.trash([item])
    await stage.storage.trash([await stage.storage.stat(ROOT.child("folder"))])
    [restored] = await stage.storage.restore(first)
    assert str(restored.at) == "pk:/folder/file"
    assert "trash itself" in restored.note


@BOTH
async def test_a_name_taken_meanwhile_is_told(stage: Stage, untrash: str) -> None:
    stage.switch(untrash=untrash)
    [item] = await planted(stage, "/d/file")
    trashed = await stage.storage.trash([item])
    [other] = await planted(stage, "/d/file")
    [restored] = await stage.storage.restore(trashed)
    assert restored.at.name != "file"
    assert "taken" in restored.note
    assert live(stage)["/d/file"] == other.entry.id


async def test_restoring_elsewhere(stage: Stage) -> None:
    [item] = await planted(stage, "/d/file")
    trashed = await stage.storage.trash([item])
    target = await stage.storage.mkdir(ROOT, "target")
    [restored] = await stage.storage.restore(trashed, ROOT.child("target", target.id))
    assert str(restored.at) == "pk:/target/file"


async def test_a_lost_answer_trashes_and_restores_once(stage: Stage) -> None:
    items = await planted(stage, "/one", "/two")
    for verb in ("batchTrash", "batchUntrash"):
        stage.admin.fault(
            listener="pikpak.drive", match=f"POST /drive/v1/files:{verb}", kind="reset_after"
        )
    trashed = await stage.storage.trash(items)
    assert sorted(each.entry.name for each in await all_trashed(stage)) == ["one", "two"]
    await stage.storage.restore(trashed)
    assert await stage.names() == ["one", "two"]


async def test_slow_tasks_are_waited_for(stage: Stage) -> None:
    stage.switch(batch_seconds=0.2)
    [item] = await planted(stage, "/d/file")
    trashed = await stage.storage.trash([item])
    assert "/d/file" not in live(stage)
    await stage.storage.restore(trashed)
    assert "/d/file" in live(stage)


async def test_all_pages_of_the_trash_and_emptying_it(stage: Stage) -> None:
    stage.switch(list_limit=50)
    for number in range(BATCH + 20):
        stage.admin.order(
            "pikpak", "put", username=stage.username, path=f"/d{number % 30}/{number}", text="x"
        )
    folders = await stage.entries()
    items = [
        Found.of(ROOT.child(folder.name, folder.id), entry)
        for folder in folders
        for entry in await stage.entries(ROOT.child(folder.name, folder.id))
    ]
    await stage.storage.trash(items)
    listed = await all_trashed(stage)
    assert len(listed) == BATCH + 20
    assert all(item.origin is not None for item in listed)
    stage.switch(batch_seconds=600)
    told: list[int] = []

    def tell(percent: int) -> None:
        if percent == 50 and percent not in told:
            stage.admin.age(601)
        told.append(percent)

    await stage.storage.empty_trash(tell)
    assert told == sorted(told)
    assert {50, 100} <= set(told)
    assert await all_trashed(stage) == []


async def test_what_lingers_after_emptying_is_hidden_from_every_process(stage: Stage) -> None:
    stage.switch(trash_lingers=3600)
    [item] = await planted(stage, "/file")
    await stage.storage.trash([item])
    await stage.storage.empty_trash()
    assert await all_trashed(stage) == []
    [later] = await planted(stage, "/later")
    await stage.storage.trash([later])
    assert [each.entry.name for each in await all_trashed(stage)] == ["later"]
    other = PikPakStorage(stage.account, stage.keys, stage.network, FAST)
    seen = [each.entry.name async for page in other.scan_trash() for each in page]
    await other.close()
    assert seen == ["later"]


async def test_deleting_from_the_trash_is_for_ever(stage: Stage) -> None:
    [item] = await planted(stage, "/file")
    [trashed] = await stage.storage.trash([item])
    await stage.storage.delete_forever([trashed])
    assert await all_trashed(stage) == []
    with pytest.raises(NotFound):
        await stage.storage.restore([trashed])


async def test_a_trashed_thing_is_not_found_and_says_why(stage: Stage) -> None:
    [item] = await planted(stage, "/file")
    await stage.storage.trash([item])
    with pytest.raises(NotFound, match="trash") as caught:
        await stage.storage.stat(item.at)
    assert "Restore" in caught.value.hint


@BOTH
async def test_another_process_restores_by_id_alone(stage: Stage, untrash: str) -> None:
    stage.switch(untrash=untrash)
    [item] = await planted(stage, "/deep/down/file")
    await stage.storage.trash([item])
    other = PikPakStorage(stage.account, stage.keys, stage.network, FAST)
    [restored] = await other.restore([TrashItem(item.entry.id, item.entry, None)])
    await other.close()
    assert str(restored.at) == "pk:/deep/down/file"
