"""Listing, resolving, naming and moving, against the sandbox."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudtui.services.errors import (
    Ambiguous,
    BadName,
    Exists,
    NotFound,
    Refused,
)
from cloudtui.services.models import Flag, Found, HashType, Kind, Location, Plan
from cloudtui.services.storage import (
    HasAllowances,
    HasQuota,
    HasShares,
    HasTrash,
    MakesLinks,
    OfflineTasks,
    ReadTicket,
    ServerCopy,
    ServerMove,
    Storage,
)
from cloudtui.services.unpackers import Archives
from tests.pikpak.stage import ROOT, Stage, staged
from tests.sandbox_process import SandboxProcess

AWKWARD = [
    'a<b>c"d:e?f*g|h\\i',
    "tab\tnew\nline",
    " lead",
    "trail ",
    "dot.",
    ".",
    "..",
    " ",
    "a：b",
    "a‛b",
    "a．",
    "emoji 👩‍👩‍👧 é",
    "a [/b] \x1b[31m",
    "nicht \udcff utf-8",
    "del\x7f",
]


def nodes(stage: Stage) -> list[dict[str, Any]]:
    """The truth: what the account really holds."""
    account = stage.admin.state("pikpak")["accounts"][stage.username]
    found: list[dict[str, Any]] = account["nodes"]
    return found


async def test_it_offers_every_protocol(stage: Stage) -> None:
    storage: Storage = stage.storage
    for protocol in (
        ServerCopy,
        ServerMove,
        HasTrash,
        HasQuota,
        HasAllowances,
        OfflineTasks,
        MakesLinks,
        HasShares,
        Archives,
    ):
        assert isinstance(storage, protocol), protocol
    assert storage.caps.upload_hash is HashType.GCID


@pytest.mark.parametrize("name", AWKWARD)
async def test_names_come_back_as_they_were(stage: Stage, name: str) -> None:
    made = await stage.storage.mkdir(ROOT, name)
    assert made.name == name
    assert await stage.names() == [name]
    found = await stage.storage.stat(ROOT.child(name))
    assert found.entry.id == made.id
    put = await stage.put(b"x", name, ROOT.child(name))
    assert put.name == name
    assert await stage.read(ROOT.child(name).child(name)) == b"x"


async def test_raw_encoding_shows_stored_names(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    async with staged(sandbox, tmp_path, username, encoding="raw") as stage:
        made = await stage.storage.mkdir(ROOT, "a：b")
        assert made.name == "a：b"
        assert [node["name"] for node in nodes(stage) if node["name"]] == ["a：b"]


async def test_raw_encoding_takes_text_only(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    async with staged(sandbox, tmp_path, username, encoding="raw") as stage:
        with pytest.raises(BadName, match="takes text only"):
            await stage.storage.mkdir(ROOT, "bytes \udcff")
        assert await stage.names() == []


async def test_a_name_no_disk_could_hold_is_refused(stage: Stage) -> None:
    with pytest.raises(BadName, match="too long"):
        await stage.storage.mkdir(ROOT, "é" * 128)
    made = await stage.storage.mkdir(ROOT, "é" * 127)
    item = Found.of(ROOT, made)
    with pytest.raises(BadName, match="too long"):
        await stage.storage.rename(item, "n" * 256)
    assert await stage.names() == ["é" * 127]


async def test_all_pages_come(stage: Stage) -> None:
    stage.switch(list_limit=7)
    for number in range(16):
        stage.admin.order(
            "pikpak", "put", username=stage.username, path=f"/many/{number:02}", text=str(number)
        )
    pages = [len(page) async for page in stage.storage.scan(ROOT.child("many"))]
    assert pages == [7, 7, 2]


async def test_twins_are_refused_with_their_ids_unless_the_kind_tells(stage: Stage) -> None:
    for text in ("one", "two"):
        stage.admin.order("pikpak", "put", username=stage.username, path="/twin", text=text)
    folder = await stage.storage.mkdir(ROOT, "pair")
    stage.admin.order("pikpak", "put", username=stage.username, path="/x/pair", text="file")
    with pytest.raises(Ambiguous) as caught:
        await stage.storage.stat(ROOT.child("twin"))
    assert len(caught.value.ids) == 2
    contents = set()
    for each in caught.value.ids:
        found = await stage.storage.stat(Location("pk", (f"#{each}",), each))
        assert found.at.parts == ("twin",)
        ticket = await stage.storage.open_read(found)
        assert isinstance(ticket, ReadTicket)
        contents.add(ticket.hashes[HashType.GCID])
    assert len(contents) == 2
    found = await stage.storage.stat(ROOT.child("pair"), want=Kind.FOLDER)
    assert found.entry.id == folder.id


async def test_an_id_deep_down_gets_its_path(stage: Stage) -> None:
    stage.admin.order("pikpak", "put", username=stage.username, path="/a/b/c.txt", text="x")
    there = await stage.storage.stat(ROOT.child("a").child("b").child("c.txt"))
    by_id = await stage.storage.stat(Location("pk", ("#",), there.entry.id))
    assert by_id.at.parts == ("a", "b", "c.txt")


async def test_root_folder_id_is_the_top(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    async with staged(sandbox, tmp_path / "1", username) as stage:
        top = await stage.storage.mkdir(ROOT, "top")
        await stage.put(b"inner", "inner.txt", ROOT.child("top", top.id))
        async with staged(sandbox, tmp_path / "2", username, root_folder_id=top.id) as inside:
            assert await inside.names() == ["inner.txt"]
            assert await inside.read(ROOT.child("inner.txt")) == b"inner"
            found = (await inside.entries())[0]
            by_id = await inside.storage.stat(Location("pk", ("#",), found.id))
            assert by_id.at.parts == ("inner.txt",)


async def test_missing_things_are_not_found(stage: Stage) -> None:
    with pytest.raises(NotFound, match="no entry"):
        await stage.storage.stat(ROOT.child("nope"))
    with pytest.raises(NotFound):
        await stage.names(ROOT.child("nope"))
    with pytest.raises(NotFound):
        await stage.names(Location("pk", ("nope",), "VNunknown"))
    with pytest.raises(NotFound):
        await stage.storage.mkdir(Location("pk", ("nope",)), "x")


async def test_an_empty_folder_is_empty_and_a_file_is_none(stage: Stage) -> None:
    made = await stage.storage.mkdir(ROOT, "empty")
    assert await stage.names(ROOT.child("empty", made.id)) == []
    await stage.put(b"x", "file")
    with pytest.raises(NotFound):
        await stage.names(ROOT.child("file"))


@pytest.mark.parametrize("behaviour", ["double", "refuse"])
async def test_mkdir_never_makes_a_twin(stage: Stage, behaviour: str) -> None:
    stage.switch(mkdir_duplicates=behaviour)
    await stage.storage.mkdir(ROOT, "one")
    with pytest.raises(Exists):
        await stage.storage.mkdir(ROOT, "one")
    assert await stage.names() == ["one"]


@pytest.mark.parametrize("kind", ["reset_after", "reset_before", "truncate_json", "html"])
async def test_a_lost_answer_makes_nothing_twice(stage: Stage, kind: str) -> None:
    await stage.names()
    stage.admin.fault(listener="pikpak.drive", match="POST /drive/v1/files", kind=kind)
    made = await stage.storage.mkdir(ROOT, "one")
    assert [(node["id"], node["name"]) for node in nodes(stage) if node["name"]] == [
        (made.id, "one")
    ]


async def test_rename_reads_back_and_never_replaces(stage: Stage) -> None:
    await stage.put(b"1", "one")
    await stage.put(b"2", "two")
    one = await stage.storage.stat(ROOT.child("one"))
    with pytest.raises(Exists):
        await stage.storage.rename(one, "two")
    renamed = await stage.storage.rename(one, "three: 3")
    assert (renamed.id, renamed.name) == (one.entry.id, "three: 3")
    assert (await stage.storage.rename(Found(ROOT.child("three: 3"), renamed), "three: 3")) == (
        renamed
    )
    assert await stage.names() == ["three: 3", "two"]


@pytest.mark.parametrize("seconds", [0, 0.05])
async def test_move_and_copy_end_under_the_asked_name(stage: Stage, seconds: float) -> None:
    stage.switch(batch_seconds=seconds, listing_lag=seconds)
    target = await stage.storage.mkdir(ROOT, "target")
    at = ROOT.child("target", target.id)
    await stage.put(b"taken", "file", at)
    await stage.put(b"mine", "file")
    item = await stage.storage.stat(ROOT.child("file"))
    with pytest.raises(Exists):
        await stage.storage.move(item, at, "file")
    copied = await stage.storage.copy(item, at, "copied")
    moved = await stage.storage.move(item, at, "moved")
    assert moved.id == item.entry.id
    assert copied.id != item.entry.id
    live = {node["path"]: node["id"] for node in nodes(stage) if node["kind"] == "file"}
    assert live["/target/copied"] == copied.id
    assert live["/target/moved"] == moved.id
    assert len(live) == 3


async def test_copies_under_another_name_and_inside_one_folder(stage: Stage) -> None:
    await stage.put(b"1", "one")
    item = await stage.storage.stat(ROOT.child("one"))
    second = await stage.storage.copy(item, ROOT, "two")
    assert second.name == "two"
    with pytest.raises(Exists):
        await stage.storage.copy(item, ROOT, "two")
    folder = await stage.storage.mkdir(ROOT, "folder")
    at = ROOT.child("folder", folder.id)
    await stage.storage.copy(item, at, "three")
    tree = await stage.storage.stat(at)
    await stage.storage.copy(tree, ROOT, "folder again")
    assert sorted(node["path"] for node in nodes(stage) if node["name"]) == [
        "/folder",
        "/folder again",
        "/folder again/three",
        "/folder/three",
        "/one",
        "/two",
    ]


async def test_a_folder_is_not_copied_into_itself(stage: Stage) -> None:
    outer = await stage.storage.mkdir(ROOT, "outer")
    at = ROOT.child("outer", outer.id)
    with pytest.raises(Refused):
        await stage.storage.copy(await stage.storage.stat(at), at, "inner")
    assert [node["path"] for node in nodes(stage) if node["name"]] == ["/outer"]


async def test_a_folder_does_not_move_into_itself(stage: Stage) -> None:
    outer = await stage.storage.mkdir(ROOT, "outer")
    inner = await stage.storage.mkdir(ROOT.child("outer", outer.id), "inner")
    item = await stage.storage.stat(ROOT.child("outer"))
    with pytest.raises(Refused):
        await stage.storage.move(item, Location("pk", ("outer", "inner"), inner.id), "outer")


@pytest.mark.parametrize("verb", ["move", "copy"])
async def test_lost_answers_of_batches_are_reconciled(stage: Stage, verb: str) -> None:
    target = await stage.storage.mkdir(ROOT, "target")
    await stage.put(b"mine", "file")
    item = await stage.storage.stat(ROOT.child("file"))
    path = f"POST /drive/v1/files:batch{verb.capitalize()}"
    stage.admin.fault(listener="pikpak.drive", match=path, kind="reset_after")
    made = await getattr(stage.storage, verb)(item, ROOT.child("target", target.id), "file")
    live = [node["path"] for node in nodes(stage) if node["kind"] == "file"]
    assert sorted(live) == (["/target/file"] if verb == "move" else ["/file", "/target/file"])
    assert made.name == "file"


async def test_removing_many_goes_in_batches_and_skips_what_is_gone(stage: Stage) -> None:
    stage.switch(batch_limit=100)
    for number in range(130):
        stage.admin.order(
            "pikpak", "put", username=stage.username, path=f"/{number:03}", text=str(number)
        )
    items = [Found.of(ROOT, entry) for entry in await stage.entries()]
    await stage.storage.remove(items[5:6])
    await stage.storage.remove(items)
    assert [node for node in nodes(stage) if node["kind"] == "file"] == []


async def test_a_failed_task_is_told(stage: Stage) -> None:
    await stage.put(b"x", "file")
    item = await stage.storage.stat(ROOT.child("file"))
    stage.switch(batch_fails=1)
    with pytest.raises(Refused, match="could not"):
        await stage.storage.remove([item])
    assert await stage.names() == ["file"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "code": 429},
        {"kind": "status", "code": 429, "headers": {"Retry-After": "0"}},
        {"kind": "status", "code": 500},
        {"kind": "status", "code": 502},
        {"kind": "status", "code": 503},
        {"kind": "reset_before"},
        {"kind": "reset_after"},
        {"kind": "truncate_json"},
        {"kind": "html"},
        {"kind": "expire_token"},
        {"kind": "expire_captcha"},
        {"kind": "api_code", "code": {"error": "captcha_invalid", "error_code": 9, "status": 400}},
    ],
)
async def test_finite_faults_of_a_listing_pass_unseen(stage: Stage, fault: dict[str, Any]) -> None:
    await stage.put(b"x", "file")
    stage.admin.fault(listener="pikpak.drive", match="GET /drive/v1/files", times=2, **fault)
    assert await stage.names() == ["file"]


async def test_a_blocked_file_is_flagged_and_refused(stage: Stage) -> None:
    await stage.put(b"x", "file")
    stage.switch(audit_blocked=["file"])
    found = await stage.storage.stat(ROOT.child("file"))
    assert Flag.BLOCKED in found.entry.flags
    with pytest.raises(Refused, match="does not give out"):
        await stage.storage.open_read(found)


async def test_links_hold_what_the_service_claims(stage: Stage) -> None:
    stage.switch(md5="detail", link_delay=0)
    await stage.put(b"hello", "file.mp4")
    found = await stage.storage.stat(ROOT.child("file.mp4"))
    ticket = await stage.storage.open_read(found)
    assert isinstance(ticket, ReadTicket)
    assert ticket.size == 5
    assert ticket.connections == 8
    assert ticket.hashes[HashType.GCID] == "6B4F89A54E2D27ECD7E8DA05B4AB8FD9D1D8B119"
    assert ticket.hashes[HashType.MD5] == "5d41402abc4b2a76b9719d911017c592"
    assert ticket.expires_at
    assert len(ticket.urls) == 2
    assert "Authorization" not in dict(ticket.headers)
    assert ticket.urls[0] not in repr(ticket)
    assert await stage.storage.hashes(found) == ticket.hashes
    assert (await stage.storage.direct_link(found)).startswith(
        stage.sandbox.endpoints["pikpak"]["content_url"]
    )


async def test_what_may_still_be_moved_is_told(stage: Stage) -> None:
    stage.switch(instant=False)
    await stage.put(b"x" * 1000, "file")
    told = {each.name: each for each in await stage.storage.allowances()}
    assert set(told) == {"download", "upload", "offline"}
    assert told["download"].total > told["upload"].total > told["upload"].used >= 0
    stage.switch(vip=False)
    assert [each.name for each in await stage.storage.allowances()] == ["download today"]


async def test_the_plan_is_told_while_it_lasts(stage: Stage) -> None:
    plan = await stage.storage.plan()
    assert plan.name == "platinum"
    assert plan.until_ns is not None
    assert plan.until_ns > time.time_ns()
    stage.switch(vip=False)
    assert await stage.storage.plan() == Plan("free")


@pytest.fixture
async def binned(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> AsyncIterator[tuple[Stage, Stage]]:
    """A drive with a file and a whole folder in its trash, seen as usual and by `trashed_only`."""
    async with staged(sandbox, tmp_path / "1", username) as stage:
        folder = await stage.storage.mkdir(ROOT, "folder")
        at = ROOT.child("folder", folder.id)
        await stage.put(b"1", "kept", at)
        await stage.put(b"2", "gone", at)
        tree = await stage.storage.mkdir(at, "tree")
        inner = await stage.storage.mkdir(at.child("tree", tree.id), "inner")
        deep = at.child("tree", tree.id).child("inner", inner.id)
        await stage.put(b"deep", "deep.bin", deep)
        await stage.storage.mkdir(deep, "empty")
        await stage.storage.trash(
            [await stage.storage.stat(at.child(name)) for name in ("gone", "tree")]
        )
        async with staged(sandbox, tmp_path / "2", username, trashed_only=True) as trashed:
            yield stage, trashed


@pytest.mark.parametrize("marks", [False, True])
async def test_trashed_only_shows_the_trash_in_its_folders(
    binned: tuple[Stage, Stage], marks: bool
) -> None:
    stage, trashed = binned
    stage.switch(trash_marks_children=marks)
    assert await stage.names(ROOT.child("folder")) == ["kept"]
    assert await trashed.names() == ["folder"]
    assert await trashed.names(ROOT.child("folder")) == ["gone", "tree"]
    inner = Location("pk", ("folder", "tree", "inner"))
    assert await trashed.names(inner) == ["deep.bin", "empty"]
    assert await trashed.names(inner.child("empty")) == []
    # the same with the ids that a pane goes by
    for place in (Location("pk", ("folder", "gone")), inner, inner.child("deep.bin")):
        found = await trashed.storage.stat(place)
        assert (await trashed.storage.stat(found.at)).entry == found.entry
        if found.entry.is_folder:
            assert await trashed.names(found.at) == ["deep.bin", "empty"]


async def test_trashed_only_tells_digests_but_gives_no_bytes(
    binned: tuple[Stage, Stage],
) -> None:
    _, trashed = binned
    gone = await trashed.storage.stat(Location("pk", ("folder", "gone")))
    assert (await trashed.storage.hashes(gone))[HashType.GCID] == gone.entry.hash.hex().upper()
    by_id = await trashed.storage.stat(ROOT.child(f"#{gone.entry.id}", gone.entry.id))
    assert by_id.entry == gone.entry
    with pytest.raises(NotFound, match=r"trash, which gives out no content\. Restore it first"):
        await trashed.storage.open_read(gone)


async def test_trashed_only_deletes_nothing_twice(binned: tuple[Stage, Stage]) -> None:
    _, trashed = binned
    for parts in (("folder", "gone"), ("folder", "tree", "inner", "deep.bin")):
        item = await trashed.storage.stat(Location("pk", parts))
        with pytest.raises(Refused, match="in the trash already"):
            await trashed.storage.trash([item])
    await trashed.storage.remove([await trashed.storage.stat(Location("pk", ("folder", "gone")))])
    assert await trashed.names(ROOT.child("folder")) == ["tree"]
