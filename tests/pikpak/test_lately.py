"""Listings that run behind: what one program changed the next one knows, and nothing is doubled."""

from __future__ import annotations

import asyncio

import pytest

from cloudtui.services.errors import Exists, NotFound
from cloudtui.services.models import Location
from cloudtui.services.pikpak import lately
from cloudtui.services.pikpak.storage import PikPakStorage
from tests.pikpak.stage import FAST, ROOT, Stage

BEHIND = 3600


def live(stage: Stage) -> list[str]:
    account = stage.admin.state("pikpak")["accounts"][stage.username]
    return sorted(node["path"] for node in account["nodes"] if not node["trashed"] and node["name"])


async def test_a_folder_just_made_is_known_to_the_next_program(stage: Stage) -> None:
    stage.switch(listing_lag=BEHIND)
    made = await stage.storage.mkdir(ROOT, "new")
    await stage.next_program()
    assert await stage.names() == ["new"]
    with pytest.raises(Exists):
        await stage.storage.mkdir(ROOT, "new")
    inside = await stage.storage.mkdir(Location("pk", ("new",)), "inside")
    await stage.put(b"data", "file", ROOT.child("new", made.id))
    await stage.next_program()
    assert await stage.names(Location("pk", ("new",))) == ["file", "inside"]
    assert (await stage.storage.stat(Location("pk", ("new", "inside")))).entry.id == inside.id
    assert await stage.read(Location("pk", ("new", "file"))) == b"data"
    assert live(stage) == ["/new", "/new/file", "/new/inside"]


async def test_renamed_moved_and_copied_things_are_where_they_are_now(stage: Stage) -> None:
    folder = await stage.storage.mkdir(ROOT, "folder")
    await stage.put(b"1", "one")
    await stage.put(b"2", "two")
    stage.switch(listing_lag=BEHIND)
    at = ROOT.child("folder", folder.id)
    await stage.storage.rename(await stage.storage.stat(ROOT.child("one")), "eins")
    await stage.storage.move(await stage.storage.stat(ROOT.child("two")), at, "two")
    await stage.next_program()
    assert await stage.names() == ["eins", "folder"]
    assert await stage.names(Location("pk", ("folder",))) == ["two"]
    with pytest.raises(NotFound):
        await stage.storage.stat(ROOT.child("one"))


async def test_trashed_things_are_in_the_trash_and_come_out_of_it(stage: Stage) -> None:
    await stage.put(b"1", "one")
    await stage.put(b"2", "two")
    stage.switch(listing_lag=BEHIND)
    await stage.storage.trash([await stage.storage.stat(ROOT.child("one"))])
    await stage.storage.remove([await stage.storage.stat(ROOT.child("two"))])
    await stage.next_program()
    assert await stage.names() == []
    (item,) = [item async for page in stage.storage.scan_trash() for item in page]
    assert item.origin is not None
    assert item.origin.parts == ("one",)
    await stage.storage.restore([item])
    await stage.next_program()
    assert await stage.names() == ["one"]
    assert [item async for page in stage.storage.scan_trash() for item in page] == []


async def test_an_emptied_trash_is_empty_for_the_next_program(stage: Stage) -> None:
    await stage.put(b"1", "one")
    stage.switch(listing_lag=BEHIND)
    await stage.storage.trash([await stage.storage.stat(ROOT.child("one"))])
    await stage.storage.empty_trash()
    await stage.next_program()
    assert [item async for page in stage.storage.scan_trash() for item in page] == []


async def test_what_somebody_else_did_meanwhile_counts_more_than_a_note(stage: Stage) -> None:
    """A note is no proof: ids are asked, and a listing that is right stays as it is."""
    made = await stage.storage.mkdir(ROOT, "made")
    await stage.put(b"1", "one")
    await stage.put(b"2", "two")
    item = await stage.storage.stat(ROOT.child("one"))
    await stage.storage.trash([item])
    other = PikPakStorage(stage.account, stage.keys, stage.network, FAST)
    for verb, ids in (("batchUntrash", [item.entry.id]), ("batchDelete", [made.id])):
        await other.api.call(dict, "POST", f"/drive/v1/files:{verb}", body={"ids": ids})
    await other.close()
    assert await stage.names() == ["one", "two"]


async def test_many_disagreements_are_taken_from_the_notes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lately, "_FEW", 2)
    stage.switch(listing_lag=BEHIND)
    for name in ("a", "b", "c", "d"):
        await stage.storage.mkdir(ROOT, name)
    await stage.next_program()
    before = len(stage.admin.log())
    assert await stage.names() == ["a", "b", "c", "d"]
    assert len(stage.admin.log()) - before == 1


async def test_notes_end_after_a_while(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.switch(listing_lag=BEHIND)
    await stage.storage.mkdir(ROOT, "new")
    monkeypatch.setattr(lately, "_LIFE", -1.0)
    await stage.next_program()
    assert await stage.names() == []


@pytest.mark.parametrize("kind", ["reset_after", "truncate_json"])
async def test_nothing_is_made_twice_when_its_answer_is_lost_and_lists_run_behind(
    stage: Stage, kind: str
) -> None:
    """It is looked for over 0.07 s here, so that the last look always comes late enough."""
    folder = await stage.storage.mkdir(ROOT, "folder")
    await stage.put(b"1", "one")
    one = await stage.storage.stat(ROOT.child("one"))
    at = ROOT.child("folder", folder.id)
    stage.switch(listing_lag=0.05)
    for match, act in (
        ("POST /drive/v1/files", stage.storage.mkdir(ROOT, "made")),
        ("POST /drive/v1/files:batchCopy", stage.storage.copy(one, at, "one")),
        ("POST /drive/v1/files", stage.put(b"2", "two")),
    ):
        stage.admin.fault(listener="pikpak.drive", match=match, kind=kind)
        await act
    assert live(stage) == ["/folder", "/folder/one", "/made", "/one", "/two"]


async def test_only_the_first_look_after_lost_answers_is_patient(stage: Stage) -> None:
    """The waits between tries have let enough time pass for the later ones."""
    looks = 0

    async def look() -> None:
        nonlocal looks
        looks += 1

    found = lately.until_listed(stage.storage.api, look)
    await found()
    patient = looks
    await found()
    assert patient > 2
    assert looks == patient + 1


async def test_two_programs_that_make_a_folder_at_once_make_one(stage: Stage) -> None:
    """Both have looked before either made it, and the listings tell of it much later."""
    stage.switch(listing_lag=BEHIND)
    other = PikPakStorage(stage.account, stage.keys, stage.network, FAST)
    try:
        both = (stage.storage, other)
        for each in both:
            with pytest.raises(NotFound):
                await each.stat(ROOT.child("new"))
        made = await asyncio.gather(
            *(each.mkdir(ROOT, "new") for each in both), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in made) == ["Entry", "Exists"]
        assert [entry.name async for page in other.scan(ROOT) for entry in page] == ["new"]
    finally:
        await other.close()
    assert live(stage) == ["/new"]


async def test_many_files_do_not_drive_out_the_notes_of_folders(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lately, "_MOST", 2)
    stage.switch(listing_lag=BEHIND)
    await stage.storage.mkdir(ROOT, "new")
    for name in ("a", "b", "c"):
        await stage.put(name.encode(), name)
    await stage.next_program()
    with pytest.raises(Exists):
        await stage.storage.mkdir(ROOT, "new")
    assert await stage.names() == ["b", "c", "new"]
