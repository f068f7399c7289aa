"""Deleting and taking back, with the trash closed to apps and with it open."""

from __future__ import annotations

import json

import pytest

from cloudtui.services.emptying import empty
from cloudtui.services.errors import CloudError, Denied, NotFound, UsageError
from cloudtui.services.models import Found, Kind, Location, TrashItem, TrashKind
from cloudtui.services.pcloud.entries import FOLDER_NAME
from cloudtui.services.pcloud.storage import PCloudStorage
from cloudtui.services.storage import HasTrash
from tests.pcloud.conftest import Open
from tests.pcloud.rig import asked, download, mark, names, tree, upload
from tests.sandbox_process import SandboxProcess

ROOT = Location("pc")
BIN = ROOT.child(FOLDER_NAME)


async def items(storage: PCloudStorage) -> list[TrashItem]:
    """All that lies in the trash."""
    return [item async for page in storage.scan_trash() for item in page]


async def planted(storage: PCloudStorage) -> dict[str, object]:
    """A small tree, with its expected picture."""
    await storage.mkdir(ROOT, "d")
    await storage.mkdir(ROOT.child("d"), "e")
    await upload(storage, ROOT.child("d").child("e"), "x", b"deep")
    await upload(storage, ROOT.child("d"), "a", b"in d")
    await upload(storage, ROOT, "a", b"at the top")
    return await tree(storage, ROOT)


async def at(storage: PCloudStorage, *parts: str, want: Kind | None = None) -> Found:
    return await storage.stat(Location("pc", parts), want=want)


@pytest.mark.parametrize("kind", ["oauth", "session"])
async def test_what_was_deleted_comes_back_to_its_place(opened: Open, kind: str) -> None:
    storage = await opened(kind=kind)
    before = await planted(storage)
    gone = [await at(storage, "a"), await at(storage, "d", "a"), await at(storage, "d", "e")]
    trashed = await storage.trash(gone)
    assert storage.caps.trash is (TrashKind.SERVICE if kind == "session" else TrashKind.FOLDER)
    assert [item.origin for item in trashed] == [found.at for found in gone]
    assert await tree(storage, ROOT) == {"d/": {}}
    listed = await items(storage)
    assert {(item.key, item.entry.name, item.origin) for item in listed} == {
        (found.entry.id, found.entry.name, found.at) for found in gone
    }
    restored = await storage.restore(listed)
    assert {each.at for each in restored} == {found.at for found in gone}
    assert [each.note for each in restored] == ["", "", ""]
    assert await tree(storage, ROOT) == before
    assert await items(storage) == []
    if kind == "oauth":
        assert await names(storage, BIN) == []


async def test_the_manifest_stands_before_the_first_move(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await planted(storage)
    found = [await at(storage, "a"), await at(storage, "d", "a")]
    sandbox.admin.fault(
        kind="api_code", code=2003, listener="pcloud.*", match="POST /renamefile", times=-1
    )
    with pytest.raises(Denied, match="cannot be moved to the trash"):
        await storage.trash(found)
    assert (await tree(storage, ROOT))["a"] == b"at the top"
    (batch,) = await names(storage, BIN)
    folder = BIN.child(batch.rstrip("/"))
    assert await names(storage, folder) == ["batch.json"]
    manifest = json.loads(await download(storage, await storage.stat(folder.child("batch.json"))))
    assert [record["path"] for record in manifest["items"]] == [[], ["d"]]
    # clashing names are told apart inside the batch
    assert [record["put_as"] for record in manifest["items"]] == ["a", "a (2)"]
    assert await items(storage) == []
    # an hour later the empty batch goes
    sandbox.admin.age(4000)
    await storage.quota()
    assert await items(storage) == []
    assert await names(storage, BIN) == []
    sandbox.admin.age(-4000)


async def test_a_folder_that_is_gone_is_made_again(storage: PCloudStorage) -> None:
    await planted(storage)
    await storage.trash([await at(storage, "d", "e")])
    await storage.remove([await at(storage, "d")])
    (restored,) = await storage.restore(await items(storage))
    assert restored.at.parts == ("d", "e")
    assert "made again" in restored.note
    assert await tree(storage, ROOT.child("d")) == {"e/": {"x": b"deep"}}


async def test_a_folder_that_moved_is_found_by_its_id(storage: PCloudStorage) -> None:
    await planted(storage)
    await storage.trash([await at(storage, "d", "a")])
    await storage.rename(await at(storage, "d"), "renamed")
    (restored,) = await storage.restore(await items(storage))
    assert restored.at.parts == ("renamed", "a")
    assert restored.note


async def test_folder_and_content_deleted_one_after_the_other_come_back_together(
    storage: PCloudStorage,
) -> None:
    before = await planted(storage)
    await storage.trash([await at(storage, "d", "e")])
    await storage.trash([await at(storage, "d")])
    restored = await storage.restore(await items(storage))
    assert [each.note for each in restored] == ["", ""]
    assert await tree(storage, ROOT) == before


async def test_a_taken_name_gets_a_number(storage: PCloudStorage) -> None:
    await planted(storage)
    await storage.trash([await at(storage, "a")])
    await upload(storage, ROOT, "a", b"new")
    (restored,) = await storage.restore(await items(storage))
    assert restored.at.name == "a (2)"
    assert restored.note
    assert (await tree(storage, ROOT))["a"] == b"new"
    assert (await tree(storage, ROOT))["a (2)"] == b"at the top"


async def test_restoring_to_another_folder(storage: PCloudStorage) -> None:
    await planted(storage)
    await storage.trash([await at(storage, "a")])
    (restored,) = await storage.restore(await items(storage), ROOT.child("d").child("e"))
    assert restored.at.parts == ("d", "e", "a")
    assert await names(storage, ROOT.child("d").child("e")) == ["a", "x"]


async def test_the_folder_is_hidden_unless_entered(storage: PCloudStorage) -> None:
    await planted(storage)
    await storage.trash([await at(storage, "a")])
    assert await names(storage, ROOT) == ["d/"]
    assert len(await names(storage, BIN)) == 1
    inside = await at(storage, FOLDER_NAME)
    with pytest.raises(UsageError):
        await storage.trash([inside])


async def test_only_what_lies_in_the_trash_is_deleted_for_ever(storage: PCloudStorage) -> None:
    await planted(storage)
    await storage.trash([await at(storage, "a"), await at(storage, "d", "a")])
    first, second = await items(storage)
    (back,) = await storage.restore([first])
    await storage.delete_forever([first, second])
    assert await download(storage, await storage.stat(back.at))
    assert await items(storage) == []
    with pytest.raises(NotFound):
        await storage.restore([second])


async def test_emptying(storage: PCloudStorage) -> None:
    await planted(storage)
    await storage.trash([await at(storage, "a")])
    await storage.trash([await at(storage, "d")])
    told: list[int] = []
    await storage.empty_trash(told.append)
    assert told == [50, 100, 100]
    assert await names(storage, BIN) == []
    await storage.empty_trash()


@pytest.mark.parametrize("seen", [False, True])
async def test_emptying_says_how_far_it_is_without_a_call_more(
    storage: PCloudStorage, sandbox: SandboxProcess, seen: bool
) -> None:
    """A trash that was looked at is counted by things, else by deletes."""
    await planted(storage)
    await storage.trash([await at(storage, "a"), await at(storage, "d", "a")])
    await storage.trash([await at(storage, "d", "e")])
    assert isinstance(storage, HasTrash)
    if not seen:
        storage.trash_can._batches._manifests.clear()
    told: list[tuple[int, int | None]] = []
    since = mark(sandbox)
    await empty(storage, lambda done, total: told.append((done, total)))
    total = 3 if seen else 2
    assert told[-1] == (total, total)
    assert len(told) == 2
    calls = [line.split("?")[0] for line in asked(sandbox, since)]
    assert sorted(calls) == ["/deletefolderrecursive"] * 2 + ["/listfolder"] * 2
    assert await names(storage, BIN) == []


async def test_old_batches_go(opened: Open, sandbox: SandboxProcess) -> None:
    storage = await opened(trash_keep_days=2)
    await planted(storage)
    await storage.trash([await at(storage, "a")])
    sandbox.admin.age(1.5 * 86400)
    try:
        await storage.trash([await at(storage, "d")])
        assert len(await items(storage)) == 2
        sandbox.admin.age(86400)
        await storage.quota()
        assert [item.entry.name for item in await items(storage)] == ["d"]
    finally:
        sandbox.admin.age(-2.5 * 86400)


async def test_the_oldest_go_when_there_is_too_much(opened: Open, sandbox: SandboxProcess) -> None:
    storage = await opened(trash_max=14)
    await planted(storage)
    await storage.trash([await at(storage, "a")])
    sandbox.admin.age(10)
    try:
        await storage.quota()
        await storage.trash([await at(storage, "d")])
        assert [item.entry.name for item in await items(storage)] == ["d"]
    finally:
        sandbox.admin.age(-10)


async def test_public_links_go_with_the_delete(storage: PCloudStorage) -> None:
    await planted(storage)
    await storage.mkdir(ROOT, "d2")
    top, deep = await at(storage, "a"), await at(storage, "d", "e", "x")
    await storage.share(top)
    await storage.share(deep)
    d = await at(storage, "d")
    assert len(await storage.public_links_on([d]) or ()) == 1
    on_both = await storage.links.links_on([top.entry.id, d.entry.id])
    assert on_both is not None
    assert {node: [link.node for link in links] for node, links in on_both.items()} == {
        top.entry.id: [top.entry.id],
        d.entry.id: [deep.entry.id],
    }
    await storage.trash([d])
    left = await storage.links.public_links()
    assert left is not None
    assert [link.node for link in left] == [top.entry.id]
    await storage.trash([await at(storage, "d2")])
    # whoever takes it back is told what did not come back
    notes = {one.at.name: one.note for one in await storage.restore(await items(storage))}
    assert "public link" in notes["d"]
    assert notes["d2"] == ""


async def test_links_are_looked_for_without_a_call_for_each(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await storage.mkdir(ROOT, "d")
    top = ROOT.child("d")
    for number in range(6):
        await storage.mkdir(top, f"in{number}")
        await upload(storage, top.child(f"in{number}"), "x", b"x")
        await storage.share(await at(storage, "d", f"in{number}", "x"))
        await upload(storage, ROOT, f"a{number}", b"a")
    d = await at(storage, "d")
    loose = [await at(storage, f"a{number}") for number in range(6)]

    async def calls(*items: Found) -> tuple[int, list[str]]:
        since = mark(sandbox)
        count = len(await storage.public_links_on(items) or ())
        return count, [line.split("?")[0] for line in asked(sandbox, since)]

    storage.links.forget_links()
    assert await calls(*loose) == (0, ["/listpublinks"])
    # one look from above instead of one into each folder with a link
    assert await calls(d, *loose) == (6, ["/listfolder"])
    assert await calls(*loose) == (0, [])
    # more folders than such: each of these is asked where it lies, and believed for a while
    inner = [await at(storage, "d", f"in{number}") for number in range(6)]
    await storage.unshare([one.id async for page in storage.scan_shares() for one in page][:5])
    count, seen = await calls(d, *inner)
    assert (count, seen) == (1, ["/listpublinks"])
    # what is deleted is looked at anew
    since = mark(sandbox)
    await storage.trash([d])
    lines = [line.split("?")[0] for line in asked(sandbox, since)]
    assert lines.count("/listpublinks") == 1
    assert await storage.links.public_links() == []


async def test_a_subtree_too_large_for_one_look_is_asked_from_below(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await planted(storage)
    d = ROOT.child("d")
    await storage.share(await at(storage, "d", "e", "x"))
    await storage.mkdir(d, "f")
    await upload(storage, d.child("f"), "y", b"y")
    await storage.share(await at(storage, "d", "f", "y"))
    there = await at(storage, "d")
    sandbox.admin.fault(kind="api_code", code=5000, query="*recursive=1*", times=1)
    found = await storage.public_links_on([there])
    assert found is not None
    assert len(found) == 2
    assert sandbox.admin.faults() == []


async def test_calls_of_a_large_delete_and_restore(opened: Open, sandbox: SandboxProcess) -> None:
    """One per item and a few more; the same was measured with ten thousand: 10,007 and 10,009."""
    count = 500
    storage = await opened(seed=f"wide={count}")
    wide = ROOT.child(f"wide-{count}")
    found = [Found.of(wide, entry) async for page in storage.scan(wide) for entry in page]
    start = len(sandbox.admin.log())
    await storage.trash(found)
    assert len(sandbox.admin.log()) - start <= count + 10
    gone = await items(storage)
    assert len(gone) == count
    start = len(sandbox.admin.log())
    await storage.restore(gone)
    assert len(sandbox.admin.log()) - start <= count + 10
    again = [Found.of(wide, entry) async for page in storage.scan(wide) for entry in page]
    assert {each.entry.id: each.at for each in again} == {each.entry.id: each.at for each in found}


async def test_the_service_trash_by_choice_deletes_directly(opened: Open) -> None:
    storage = await opened(trash="service")
    await planted(storage)
    await storage.trash([await at(storage, "a")])
    assert await names(storage, ROOT) == ["d/"]
    with pytest.raises(CloudError, match="does not show its trash"):
        await items(storage)
    with pytest.raises(NotFound):
        await storage.stat(BIN)
