"""Files and folders of pCloud against the sandbox: paths, names, bytes, moves, copies."""

from __future__ import annotations

import os
import socket

import httpx
import pytest

from cloudtui.services.errors import Ambiguous, BadName, Exists, Gone, Mismatch, NotFound
from cloudtui.services.models import Found, HashType, Kind, Location
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.standing import Standing
from cloudtui.services.pcloud.storage import PCloudStorage
from cloudtui.services.way import Way
from tests.pcloud.conftest import Open
from tests.pcloud.rig import (
    asked,
    download,
    facts,
    mark,
    names,
    remote,
    send,
    send_parts,
    tree,
    upload,
)
from tests.sandbox_process import SandboxProcess

ROOT = Location("pc")


async def test_bytes_come_back_with_size_time_and_digests(storage: PCloudStorage) -> None:
    data = os.urandom(100_000)
    entry = await upload(storage, ROOT, "a b.bin", data, mtime=1_600_000_000)
    found = await storage.stat(ROOT.child("a b.bin"))
    assert found.entry == entry
    assert (entry.size, entry.mtime_ns) == (100_000, 1_600_000_000_000_000_000)
    assert len(entry.hash) == 8
    assert await download(storage, found) == data
    assert (await storage.hashes(found))[HashType.SHA1] == facts(data).hashes[HashType.SHA1]
    ticket = await storage.open_read(found)
    assert ticket.size == 100_000
    assert ticket.version == str(int.from_bytes(entry.hash, "big"))
    assert ticket.way == Way(None, socket.AF_INET)  # links are bound to the address that asked


@pytest.mark.parametrize(
    "name",
    [
        "back\\slash",
        "nl\nx",
        "tab\there",
        "del\x7f",
        os.fsdecode(b"bad\xff\xfe"),
        "fullwidth＼bs",
        'quo"te [/b]',
        "日本語 ☂ 😀",
        "..dots",
        " lead and trail ",
        "percent%41&plus+",
        "nfd e\u0301",
    ],
)
@pytest.mark.parametrize("data", [b"", b"x"], ids=["empty", "one byte"])
async def test_names_come_back_as_they_went(storage: PCloudStorage, name: str, data: bytes) -> None:
    assert not set(name) & set(storage.caps.forbidden)  # else no copy would come this far
    await upload(storage, ROOT, name, data)
    await storage.mkdir(ROOT, name)
    assert sorted(await names(storage, ROOT)) == sorted([name, name + "/"])
    found = await storage.stat(ROOT.child(name), want=Kind.FILE)
    assert await download(storage, found) == data


async def test_names_that_cannot_be_are_refused_before_anything_is_sent(opened: Open) -> None:
    raw = await opened(encoding="raw")
    with pytest.raises(BadName):
        await raw.mkdir(ROOT, "a\\b")
    with pytest.raises(BadName):
        await raw.mkdir(ROOT, os.fsdecode(b"\xff"))
    with pytest.raises(BadName):
        await raw.mkdir(ROOT, "é" * 512)
    await raw.mkdir(ROOT, "é" * 511)


async def test_file_and_folder_of_one_name_are_told_apart(storage: PCloudStorage) -> None:
    file = await upload(storage, ROOT, "twin", b"file")
    folder = await storage.mkdir(ROOT, "twin")
    with pytest.raises(Ambiguous) as caught:
        await storage.stat(ROOT.child("twin"))
    assert set(caught.value.ids) == {file.id, folder.id}
    assert (await storage.stat(ROOT.child("twin"), want=Kind.FOLDER)).entry.id == folder.id
    assert (await storage.stat(ROOT.child("twin"), want=Kind.FILE)).entry.id == file.id
    inner = await storage.mkdir(ROOT.child("twin"), "inner")
    by_id = await storage.stat(Location("pc", (), inner.id))
    assert by_id.at.parts == ("twin", "inner")


async def test_an_upload_never_replaces_unasked(storage: PCloudStorage) -> None:
    await upload(storage, ROOT, "a.txt", b"first")
    with pytest.raises(Exists):
        await upload(storage, ROOT, "a.txt", b"second")
    assert await tree(storage, ROOT) == {"a.txt": b"first"}


async def test_an_empty_upload_never_replaces_unasked(storage: PCloudStorage) -> None:
    await upload(storage, ROOT, "a.txt", b"first")
    with pytest.raises(Exists):
        await upload(storage, ROOT, "a.txt", b"")
    assert await tree(storage, ROOT) == {"a.txt": b"first"}


@pytest.mark.parametrize("size", [0, 10, 300_000])
async def test_a_replacement_is_conditional(opened: Open, size: int) -> None:
    storage = await opened(upload_cutoff=100_000, chunk_size=65_536)
    data = os.urandom(size)
    await upload(storage, ROOT, "a", b"shown")
    shown = await storage.stat(ROOT.child("a"))
    await upload(storage, ROOT, "a", data, replace=shown)
    assert await tree(storage, ROOT) == {"a": data}
    with pytest.raises(Exists, match="changed"):
        await upload(storage, ROOT, "a", b"other", replace=shown)
    assert await tree(storage, ROOT) == {"a": data}


async def test_a_session_goes_on_where_it_was(opened: Open) -> None:
    storage = await opened(upload_cutoff=65_536, chunk_size=65_536)
    data = os.urandom(200_000)
    told = facts(data)
    handle = remote(await storage.open_write(ROOT, "big", told, replace=None, job="job"))
    request = await handle.part_request(0, 0, 65_536)
    handle.receipt(request, 0, await send(request, data))
    again = remote(await storage.reopen_write(handle.state()))
    held = await again.probe()
    assert [(receipt.number, receipt.offset, receipt.length) for receipt in held] == [
        (0, 0, 65_536)
    ]
    receipts = await send_parts(again, data, held)
    entry = await again.finish(receipts, told)
    assert entry.size == 200_000
    assert await tree(storage, ROOT) == {"big": data}
    # finished twice is finished once
    third = remote(await storage.reopen_write(handle.state()))
    assert await third.finish(receipts, told) == entry
    assert await names(storage, ROOT) == ["big"]


async def test_wrong_bytes_never_become_a_file(opened: Open) -> None:
    storage = await opened(upload_cutoff=65_536, chunk_size=65_536)
    for size in (1000, 100_000):
        data = os.urandom(size)
        told = facts(os.urandom(size))
        handle = remote(await storage.open_write(ROOT, "x", told, replace=None, job="job"))
        receipts = await send_parts(handle, data, [])
        with pytest.raises(Mismatch):
            await handle.finish(receipts, told)
        assert await names(storage, ROOT) == []
        if handle.resumable:
            with pytest.raises(Gone):
                await handle.probe()


async def test_a_put_whose_answer_was_lost_is_found_again(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    data = b"twelve bytes"
    told = facts(data)
    handle = remote(await storage.open_write(ROOT, "a", told, replace=None, job="job"))
    assert await handle.probe() == []
    sandbox.admin.fault(kind="reset_after", listener="pcloud.*", match="PUT /uploadfile")
    request = await handle.part_request(0, 0, len(data))
    with pytest.raises(httpx.HTTPError):
        await send(request, data)
    again = remote(await storage.reopen_write(handle.state()))
    held = await again.probe()
    assert [receipt.length for receipt in held] == [len(data)]
    await again.finish(held, told)
    assert await tree(storage, ROOT) == {"a": data}


async def test_a_save_whose_answer_was_lost_is_found_again(
    opened: Open, sandbox: SandboxProcess
) -> None:
    storage = await opened(upload_cutoff=65_536, chunk_size=65_536)
    data = os.urandom(100_000)
    await upload(storage, ROOT, "old", b"old")
    old = await storage.stat(ROOT.child("old"))
    for replace, name in ((None, "new"), (old, "old")):
        sandbox.admin.fault(kind="reset_after", listener="pcloud.*", match="POST /upload_save")
        await upload(storage, ROOT, name, data, replace=replace)
    assert await tree(storage, ROOT) == {"new": data, "old": data}


async def test_a_name_taken_while_a_session_ran_is_a_conflict(opened: Open) -> None:
    storage = await opened(upload_cutoff=65_536, chunk_size=65_536)
    data = os.urandom(100_000)
    told = facts(data)
    handle = remote(await storage.open_write(ROOT, "x", told, replace=None, job="job"))
    receipts = await send_parts(handle, data, [])
    await upload(storage, ROOT, "x", b"faster")
    with pytest.raises(Exists):
        await handle.finish(receipts, told)
    assert await tree(storage, ROOT) == {"x": b"faster"}
    with pytest.raises(Exists):
        await storage.open_write(ROOT, "x", told, replace=None, job="job")


async def test_a_numbered_neighbour_is_never_taken_for_our_twin(storage: PCloudStorage) -> None:
    """Two files of one content, one called like pCloud's word for a clash of the other."""
    for name in ("a (2).txt", "a.txt"):
        await upload(storage, ROOT, name, b"same")
    again = facts(b"same")
    handle = remote(await storage.open_write(ROOT, "a.txt", again, replace=None, job="job"))
    receipts = await send_parts(handle, b"same", [])
    with pytest.raises(Exists):
        await handle.finish(receipts, again)
    assert await tree(storage, ROOT) == {"a (2).txt": b"same", "a.txt": b"same"}


async def test_aborting_a_session_leaves_nothing(opened: Open, sandbox: SandboxProcess) -> None:
    storage = await opened(upload_cutoff=65_536, chunk_size=65_536)
    data = os.urandom(100_000)
    handle = remote(await storage.open_write(ROOT, "x", facts(data), replace=None, job="job"))
    await send_parts(handle, data, [])
    await handle.abort()
    await handle.abort()
    assert await names(storage, ROOT) == []
    who = await storage.client.call("userinfo", {}, wire.UserInfo)
    accounts = sandbox.admin.state("pcloud")["accounts"]
    assert [each["uploads"] for each in accounts if each["userid"] == who.userid] == [[]]


async def test_folders_are_made_once(storage: PCloudStorage) -> None:
    made = await storage.mkdir(ROOT, "d")
    with pytest.raises(Exists):
        await storage.mkdir(ROOT, "d")
    with pytest.raises(NotFound):
        await storage.mkdir(ROOT.child("missing"), "e")
    assert (await storage.stat(ROOT.child("d"))).entry.id == made.id


async def test_a_remembered_folder_that_was_replaced_is_found_anew(
    opened: Open, storage: PCloudStorage
) -> None:
    old = await storage.mkdir(ROOT, "d")
    await storage.mkdir(ROOT.child("d"), "one")
    # somebody else removes it and makes another of that name
    await storage.client.call("deletefolderrecursive", {"folderid": int(old.id[1:])}, wire.Answer)
    await storage.client.call("createfolder", {"folderid": 0, "name": "d"}, wire.Answer)
    await storage.mkdir(ROOT.child("d"), "two")
    assert await tree(storage, ROOT) == {"d/": {"two/": {}}}


async def test_rename_and_move_never_replace(storage: PCloudStorage) -> None:
    await storage.mkdir(ROOT, "d")
    await upload(storage, ROOT, "a", b"a")
    await upload(storage, ROOT, "b", b"b")
    await upload(storage, ROOT.child("d"), "a", b"other")
    a = await storage.stat(ROOT.child("a"))
    with pytest.raises(Exists):
        await storage.rename(a, "b")
    with pytest.raises(Exists):
        await storage.move(a, ROOT.child("d"), "a")
    renamed = await storage.rename(a, "c")
    assert renamed.id == a.entry.id
    moved = await storage.move(Found.of(ROOT, renamed), ROOT.child("d"), "e")
    assert (moved.id, moved.name) == (a.entry.id, "e")
    assert await tree(storage, ROOT) == {"b": b"b", "d/": {"a": b"other", "e": b"a"}}


async def test_many_moves_look_into_their_folder_once(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await storage.mkdir(ROOT, "d")
    d = ROOT.child("d")
    for name in ("a", "b", "c"):
        await upload(storage, ROOT, name, name.encode())
    a, b, c = [await storage.stat(ROOT.child(name)) for name in ("a", "b", "c")]
    since = mark(sandbox)
    await storage.move(a, d, "a")
    await storage.move(b, d, "b")
    assert sum("listfolder" in line for line in asked(sandbox, since)) <= 2  # the path, the names
    # what was moved there is known, and what was moved on from there
    with pytest.raises(Exists):
        await storage.move(c, d, "a")
    await storage.move(await storage.stat(d.child("a")), ROOT, "elsewhere")
    await storage.move(c, d, "a")
    # so is what came another way
    await upload(storage, d, "late", b"late")
    with pytest.raises(Exists):
        await storage.move(await storage.stat(ROOT.child("elsewhere")), d, "late")
    await storage.remove([await storage.stat(d.child("late"))])
    await storage.move(await storage.stat(ROOT.child("elsewhere")), d, "late")
    assert await tree(storage, ROOT) == {"d/": {"a": b"c", "b": b"b", "late": b"a"}}


async def test_copies_keep_time_and_content_and_never_replace(storage: PCloudStorage) -> None:
    await storage.mkdir(ROOT, "d")
    await storage.mkdir(ROOT.child("d"), "deep")
    await upload(storage, ROOT.child("d").child("deep"), "x", b"deep")
    await upload(storage, ROOT, "a", b"a", mtime=1_500_000_000)
    a = await storage.stat(ROOT.child("a"))
    copied = await storage.copy(a, ROOT.child("d"), "b")
    assert (copied.mtime_ns, copied.name) == (a.entry.mtime_ns, "b")
    assert copied.id != a.entry.id
    with pytest.raises(Exists):
        await storage.copy(a, ROOT.child("d"), "b")
    folder = await storage.stat(ROOT.child("d"))
    await storage.copy(folder, ROOT, "d2")
    with pytest.raises(Exists):
        await storage.copy(folder, ROOT, "d2")
    there = await tree(storage, ROOT)
    assert there["d2/"] == there["d/"] == {"b": b"a", "deep/": {"x": b"deep"}}


async def test_removing_takes_folders_with_all_they_hold(storage: PCloudStorage) -> None:
    await storage.mkdir(ROOT, "d")
    await upload(storage, ROOT.child("d"), "x", b"x")
    await upload(storage, ROOT, "a", b"a")
    items = [await storage.stat(ROOT.child(name)) for name in ("a", "d")]
    await storage.remove(items)
    await storage.remove(items)
    assert await names(storage, ROOT) == []


async def test_quota_and_shares(storage: PCloudStorage) -> None:
    await upload(storage, ROOT, "a", b"12345")
    quota = await storage.quota()
    assert quota.used == 5
    assert quota.total is not None
    assert quota.free == quota.total - 5
    a = await storage.stat(ROOT.child("a"))
    link = (await storage.share(a)).url
    assert (await storage.share(a)).url == link
    direct = await storage.direct_link(a)
    assert direct.startswith("http")
    assert direct != link


async def test_digests_of_the_other_region(opened: Open) -> None:
    storage = await opened(region="eu")
    await upload(storage, ROOT, "a", b"12345")
    sums = await storage.hashes(await storage.stat(ROOT.child("a")))
    assert set(sums) == {HashType.SHA1, HashType.SHA256}


# --- what stands in the way of large uploads --------------------------------------------------


def listings(sandbox: SandboxProcess, since: int) -> int:
    return sum("listfolder" in line for line in asked(sandbox, since))


async def test_a_folder_is_looked_at_once_for_all_large_uploads(
    opened: Open, sandbox: SandboxProcess
) -> None:
    storage = await opened(upload_cutoff=1000, chunk_size=65_536)
    there = await storage.mkdir(ROOT, "there")
    folder = ROOT.child("there", there.id)
    since = mark(sandbox)
    for name in "abc":
        await upload(storage, folder, name, name.encode() * 2000)
    assert listings(sandbox, since) == 0  # it was made just now
    storage._standing = Standing()  # as in another process
    since = mark(sandbox)
    for name in "def":
        await upload(storage, folder, name, name.encode() * 2000)
    assert listings(sandbox, since) == 1
    storage._standing = Standing()
    assert await names(storage, folder) == ["a", "b", "c", "d", "e", "f"]
    since = mark(sandbox)
    await upload(storage, folder, "g", b"g" * 2000)
    assert listings(sandbox, since) == 0  # the job, or a pane, has listed it


async def test_a_name_that_was_taken_is_looked_at_again(
    opened: Open, sandbox: SandboxProcess
) -> None:
    storage = await opened(upload_cutoff=1000, chunk_size=65_536)
    large = b"x" * 2000
    entry = await upload(storage, ROOT, "a", large)
    since = mark(sandbox)
    with pytest.raises(Exists, match="nothing was sent"):
        await upload(storage, ROOT, "a", large)
    assert not any("upload_" in line for line in asked(sandbox, since))
    await storage.remove([Found.of(ROOT, entry)])
    assert (await upload(storage, ROOT, "a", large)).name == "a"
    # one that came from elsewhere meanwhile is met at the end, when nothing is replaced
    who = await storage.client.call("userinfo", {}, wire.UserInfo)
    sandbox.admin.order("pcloud", "put", email=who.email, path="/b", base64="eA==")
    with pytest.raises(Exists):
        await upload(storage, ROOT, "b", large)
    assert await tree(storage, ROOT) == {"a": large, "b": b"x"}


def test_what_is_known_of_folders_is_bounded() -> None:
    known = Standing(most=10)
    known.learn(1, ["a", "b", "c"])
    known.learn(2, ["d", "e"])
    assert set(known.names(1) or ()) == {"a", "b", "c"}
    known.learn(3, ["f", "g", "h"])  # the one asked for least lately goes
    assert [known.names(number) is None for number in (1, 2, 3)] == [False, True, False]
    known.learn(1, [str(number) for number in range(20)])
    assert known.names(1) is None
    known.add(1, "x")
    known.add(3, "x")
    assert (known.names(1), set(known.names(3) or ())) == (None, {"f", "g", "h", "x"})


@pytest.mark.parametrize("size", [10, 2000, 0])
async def test_a_service_that_turns_fullwidth_backslashes_into_plain_ones(
    opened: Open, sandbox: SandboxProcess, size: int
) -> None:
    """rclone's authors have seen it; a backslash is stored as a fullwidth one."""
    storage = await opened(upload_cutoff=1000, chunk_size=65_536)
    name, data = "back\\slash.txt", b"x" * size
    sandbox.admin.switch("pcloud.fold_backslash", value=True)
    try:
        entry = await upload(storage, ROOT, name, data)
        assert entry.name == name
        assert (await storage.tree.item(entry.id)).name == name  # as the service keeps it
        assert await names(storage, ROOT) == [name]
        found = await storage.stat(ROOT.child(name))
        assert await download(storage, found) == data
        with pytest.raises(Exists):
            await upload(storage, ROOT, name, data + b"other")
        again = await upload(storage, ROOT, name, data + b"more", replace=found)
        assert (again.id, again.size) == (entry.id, size + 4)
        await storage.mkdir(ROOT, "in\\ner")
        with pytest.raises(Exists):
            await storage.mkdir(ROOT, "in\\ner")
        other = await upload(storage, ROOT, "plain", b"plain")
        with pytest.raises(Exists):
            await storage.rename(Found.of(ROOT, other), name)
        (gone,) = await storage.trash([Found.of(ROOT, again)])
        await upload(storage, ROOT, name, b"successor")
        (back,) = await storage.restore([gone])
        assert back.at.name == "back\\slash (2).txt"
        assert await tree(storage, ROOT) == {
            name: b"successor",
            "back\\slash (2).txt": data + b"more",
            "in\\ner/": {},
            "plain": b"plain",
        }
    finally:
        sandbox.admin.switch("pcloud.fold_backslash", value=False)
