"""Uploads against the sandbox: every way in, every way they break off, and what is left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cloudtui.services.errors import (
    Exists,
    Full,
    Gone,
    Mismatch,
    Refused,
    ServerTrouble,
    UsageError,
)
from cloudtui.services.living import Living
from cloudtui.services.models import Found, HashType
from cloudtui.services.pikpak import tickets
from cloudtui.services.pikpak.storage import PikPakStorage
from cloudtui.services.pikpak.upload import State, Upload
from cloudtui.services.storage import Receipt, SourceFacts
from tests.pikpak.stage import FAST, ROOT, Stage, facts_of, send, staged, switch
from tests.sandbox_process import SandboxProcess

KIB = 1 << 10
DATA = bytes(range(251)) * 1200  # 301,200 bytes: three parts of 100 KiB, the last one short


@pytest.fixture(autouse=True)
def unknown_content(sandbox: SandboxProcess) -> None:
    """What one test sent must not be known to the next."""
    switch(sandbox, instant=False)


@pytest.fixture
async def parts(sandbox: SandboxProcess, tmp_path: Path, username: str) -> AsyncIterator[Stage]:
    """A stage on which everything from 100 KiB on goes in parts of 100 KiB."""
    async with staged(
        sandbox, tmp_path / "home", username, upload_cutoff=100 * KIB, chunk_size=100 * KIB
    ) as stage:
        yield stage


def nodes(stage: Stage) -> list[dict[str, Any]]:
    account = stage.admin.state("pikpak")["accounts"][stage.username]
    return [node for node in account["nodes"] if node["kind"] == "file"]


def tasks(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.admin.state("pikpak")["accounts"][stage.username]["tasks"]
    return found


async def begin(
    stage: Stage, name: str, data: bytes = DATA, replace: Found | None = None
) -> Upload:
    handle = await stage.storage.open_write(
        ROOT, name, facts_of(data), replace=replace, job="0a1b2c3d-rest"
    )
    assert isinstance(handle, Upload)
    return handle


async def part(handle: Upload, number: int, data: bytes = DATA) -> Receipt:
    offset = number * handle.part_size
    length = min(handle.part_size, len(data) - offset)
    request = await handle.part_request(number, offset, length)
    return handle.receipt(request, number, send(request, data))


@pytest.mark.parametrize("size", [1, 1000, 61441, 102399, 102400, 102401, 204800, 301200])
async def test_every_size_arrives(parts: Stage, size: int) -> None:
    data = DATA[:size]
    entry = await parts.put(data, "file")
    assert entry.size == size
    assert entry.hash == bytes.fromhex(facts_of(data).hashes[HashType.GCID])
    [node] = nodes(parts)
    assert node["gcid"] == node["gcid_of_bytes"]
    assert node["phase"].upper().endswith("COMPLETE")
    assert await parts.read(ROOT.child("file")) == data


async def test_an_empty_file_arrives(stage: Stage) -> None:
    entry = await stage.put(b"", "empty")
    assert entry.size == 0
    assert await stage.read(ROOT.child("empty")) == b""


async def test_known_content_is_not_sent(stage: Stage) -> None:
    stage.switch(instant=True)
    await stage.put(DATA, "first")
    handle = await begin(stage, "second")
    assert handle.instant
    entry = await handle.finish([], facts_of(DATA))
    assert entry.name == "second"
    assert await stage.read(ROOT.child("second")) == DATA


async def test_equal_samples_do_not_make_files_equal(stage: Stage) -> None:
    """Two files of one size whose beginnings, thirds and ends agree: what PikPak's own clients
    look a file up by. Both are sent, and both come back as they were."""
    stage.switch(instant=True)
    sample, size = 0x5000, 400_000
    first = bytearray(random.Random(1).randbytes(size))
    second = bytearray(random.Random(2).randbytes(size))
    for start in (0, size // 3, size - sample):
        second[start : start + sample] = first[start : start + sample]
    assert first != second
    await stage.put(bytes(first), "first")
    await stage.put(bytes(second), "second")
    assert await stage.read(ROOT.child("first")) == bytes(first)
    assert await stage.read(ROOT.child("second")) == bytes(second)


async def test_the_digest_is_asked_for_first(stage: Stage) -> None:
    with pytest.raises(UsageError, match="GCID"):
        await stage.storage.open_write(ROOT, "x", SourceFacts(5), replace=None, job="j")


async def test_a_taken_name_is_left_alone(stage: Stage) -> None:
    await stage.put(b"theirs", "file")
    with pytest.raises(Exists):
        await begin(stage, "file")
    assert await stage.names() == ["file"]
    assert len(nodes(stage)) == 1
    assert await stage.read(ROOT.child("file")) == b"theirs"


async def test_parts_in_any_order_and_again_in_another_process(parts: Stage) -> None:
    first = await begin(parts, "file")
    assert (first.part_size, first.parts_at_once, first.resumable) == (100 * KIB, 4, True)
    await part(first, 2)
    await part(first, 0)
    written = first.state()
    other = PikPakStorage(parts.account, parts.keys, parts.network, FAST)
    second = await other.reopen_write(written)
    assert isinstance(second, Upload)
    held = await second.probe()
    assert [(each.number, each.length) for each in held] == [(0, 102400), (2, 96400)]
    assert all(len(each.tag) == 32 for each in held)
    receipts = [*held, await part(second, 1)]
    entry = await second.finish(receipts, facts_of(DATA))
    assert entry.size == len(DATA)
    assert await parts.read(ROOT.child("file")) == DATA
    await other.close()


async def test_state_holds_its_secrets_but_never_shows_them(parts: Stage) -> None:
    handle = await begin(parts, "file")
    state = msgspec.json.decode(handle.state(), type=State)
    assert state.secret
    assert state.secret not in repr(state)
    request = await handle.part_request(0, 0, 10)
    assert state.token not in repr(request)


async def test_ended_credentials_are_gone(parts: Stage) -> None:
    parts.switch(credential_seconds=30)
    handle = await begin(parts, "file")
    with pytest.raises(Gone, match="time"):
        await handle.part_request(0, 0, 10)
    with pytest.raises(Gone):
        await parts.storage.reopen_write(handle.state())


async def test_a_removed_entry_is_gone(parts: Stage) -> None:
    handle = await begin(parts, "file")
    state = handle.state()
    await handle.abort()
    with pytest.raises(Gone):
        await parts.storage.reopen_write(state)
    with pytest.raises(Gone):
        await handle.probe()


async def test_abort_leaves_nothing_and_can_be_repeated(parts: Stage) -> None:
    handle = await begin(parts, "file")
    await part(handle, 0)
    await handle.abort()
    await handle.abort()
    assert nodes(parts) == []
    assert [task for task in tasks(parts) if task["type"] == "upload"] == []


@pytest.mark.parametrize("kind", ["reset_after", "truncate_json", "reset_before"])
async def test_a_lost_answer_to_the_start_leaves_one_entry(parts: Stage, kind: str) -> None:
    await parts.names()
    parts.admin.fault(listener="pikpak.drive", match="POST /drive/v1/files", kind=kind)
    await parts.put(DATA, "file")
    assert [node["name"] for node in nodes(parts)] == ["file"]
    assert await parts.read(ROOT.child("file")) == DATA


async def test_a_lost_answer_to_an_instant_upload_is_adopted(stage: Stage) -> None:
    stage.switch(instant=True)
    await stage.put(DATA, "first")
    stage.admin.fault(listener="pikpak.drive", match="POST /drive/v1/files", kind="reset_after")
    await stage.put(DATA, "second")
    assert sorted(node["name"] for node in nodes(stage)) == ["first", "second"]


async def test_the_entry_of_a_dead_process_is_cleared_away(parts: Stage) -> None:
    dead = await begin(parts, "file")
    await part(dead, 0)
    del dead  # as its process ends, so does the mark that it is being filled
    gc.collect()
    assert await parts.names() == []
    entry = await parts.put(DATA, "file")
    assert entry.name == "file"
    assert [node["name"] for node in nodes(parts)] == ["file"]


@pytest.mark.parametrize("answer", ["xml", "json"])
@pytest.mark.parametrize("kind", ["", "reset_after", "status"])
async def test_completing_survives_a_lost_answer(parts: Stage, kind: str, answer: str) -> None:
    parts.switch(complete_answer=answer)
    handle = await begin(parts, "file")
    receipts = [await part(handle, number) for number in range(3)]
    if kind:
        parts.admin.fault(listener="pikpak.upload", match="POST *", kind=kind, code=500)
    entry = await handle.finish(receipts, facts_of(DATA))
    again = await handle.finish(receipts, facts_of(DATA))
    assert entry == again
    assert await parts.read(ROOT.child("file")) == DATA


async def test_a_whole_file_answers_a_probe_with_everything(parts: Stage) -> None:
    handle = await begin(parts, "file")
    receipts = [await part(handle, number) for number in range(3)]
    await handle.finish(receipts, facts_of(DATA))
    held = await handle.probe()
    assert sum(each.length for each in held) == len(DATA)
    assert (await handle.finish(held, facts_of(DATA))).name == "file"


async def test_a_single_put_whose_answer_was_lost_is_found(stage: Stage) -> None:
    handle = await begin(stage, "file", b"small")
    request = await handle.part_request(0, 0, 5)
    send(request, b"small")
    held = await handle.probe()
    assert [(each.offset, each.length) for each in held] == [(0, 5)]
    assert (await handle.finish(held, facts_of(b"small"))).size == 5


async def test_it_waits_until_the_service_has_the_file(stage: Stage) -> None:
    stage.switch(upload_seconds=0.2)
    entry = await stage.put(b"slow", "file")
    assert entry.size == 4
    assert nodes(stage)[0]["phase"].upper().endswith("COMPLETE")


async def test_other_bytes_than_promised_are_removed(stage: Stage) -> None:
    facts = facts_of(b"truth")
    handle = await begin(stage, "file", b"truth")
    request = await handle.part_request(0, 0, 5)
    handle.receipt(request, 0, send(request, b"truth"))
    lying = SourceFacts(5, hashes={HashType.GCID: "0" * 40})
    with pytest.raises(Mismatch, match="removed"):
        await handle.finish([], lying)
    assert nodes(stage) == []
    assert facts.size == 5


async def test_a_full_account_is_told_before_bytes_move(stage: Stage) -> None:
    stage.switch(quota=100)
    with pytest.raises(Full):
        await begin(stage, "file")
    assert nodes(stage) == []


async def test_a_wrong_clock_is_learned_and_the_part_signed_again(stage: Stage) -> None:
    handle = await begin(stage, "file", b"small")
    stage.switch(s3_skew=3600)
    request = await handle.part_request(0, 0, 5)
    with pytest.raises(ServerTrouble):
        handle.receipt(request, 0, send(request, b"small"))
    request = await handle.part_request(0, 0, 5)
    receipts = [handle.receipt(request, 0, send(request, b"small"))]
    assert (await handle.finish(receipts, facts_of(b"small"))).size == 5


async def test_replacing_trashes_the_old_one_last(stage: Stage) -> None:
    old = await stage.put(b"old", "file")
    found = await stage.storage.stat(ROOT.child("file"))
    handle = await begin(stage, "file", b"newer", replace=found)
    assert await stage.names() == ["file"]  # the newcomer stays hidden
    request = await handle.part_request(0, 0, 5)
    receipts = [handle.receipt(request, 0, send(request, b"newer"))]
    assert await stage.read(ROOT.child("file")) == b"old"
    entry = await handle.finish(receipts, facts_of(b"newer"))
    assert entry.name == "file"
    assert await stage.read(ROOT.child("file")) == b"newer"
    trashed = {node["id"] for node in nodes(stage) if node["trashed"]}
    assert trashed == {old.id}
    assert await handle.finish(receipts, facts_of(b"newer")) == entry
    await handle.abort()  # nothing of a committed replacement is taken back
    assert await stage.read(ROOT.child("file")) == b"newer"


async def test_an_aborted_replacement_keeps_the_old_one(stage: Stage) -> None:
    await stage.put(b"old", "file")
    found = await stage.storage.stat(ROOT.child("file"))
    handle = await begin(stage, "file", b"newer", replace=found)
    await handle.abort()
    assert [(node["name"], node["trashed"]) for node in nodes(stage)] == [("file", False)]


async def test_what_is_asked_for_is_what_rclone_asks_for(stage: Stage) -> None:
    handle = await begin(stage, "name", b"hello")
    assert json.loads(handle.state())["gcid"] == "6B4F89A54E2D27ECD7E8DA05B4AB8FD9D1D8B119"
    request = await handle.part_request(0, 0, 5)
    assert request.url.endswith("?x-id=PutObject")
    headers = {name.lower(): value for name, value in request.headers}
    assert headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert "content-length" not in headers


async def test_what_another_job_is_sending_is_waited_for(
    parts: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await begin(parts, "file")
    facts = facts_of(DATA)
    monkeypatch.setattr(tickets, "_OTHERS", 0.0)
    with pytest.raises(Refused, match="Another cloudtui is sending"):
        await parts.storage.open_write(ROOT, "file", facts, replace=None, job="ffffffff")
    monkeypatch.setattr(tickets, "_OTHERS", 60.0)
    other = asyncio.create_task(
        parts.storage.open_write(ROOT, "file", facts, replace=None, job="ffffffff")
    )
    receipts = [await part(handle, number) for number in range(3)]
    assert not other.done()
    await handle.finish(receipts, facts)
    with pytest.raises(Exists):
        await other
    assert [node["name"] for node in nodes(parts)] == ["file"]


async def test_what_another_program_is_sending_is_seen_until_it_dies(parts: Stage) -> None:
    """The mark is the kernel's: here another open file stands for another program."""
    handle = await begin(parts, "file")
    state = msgspec.json.decode(handle.state(), type=State)
    theirs, ours = Living(parts.keys), Living(parts.keys)
    del handle
    gc.collect()
    assert not ours.is_anothers(state.file_id, state.job)
    owner = Living(parts.keys)
    theirs.begin(state.file_id, state.job, owner)
    assert ours.is_anothers(state.file_id, state.job)
    assert not theirs.is_anothers(state.file_id, state.job)
    del owner
    gc.collect()
    assert not ours.is_anothers(state.file_id, state.job)
    assert not parts.keys.lock_of(f"upload {state.file_id}").path.exists()


async def test_only_what_is_unfinished_is_dropped(parts: Stage) -> None:
    unfinished, whole = await begin(parts, "unfinished"), await begin(parts, "whole")
    await part(unfinished, 0)
    receipts = [await part(whole, number) for number in range(3)]
    await whole.finish(receipts, facts_of(DATA))
    for each in (unfinished, whole, unfinished, whole):
        await each.drop_unfinished()
    assert [node["name"] for node in nodes(parts)] == ["whole"]


async def test_what_can_not_be_gone_on_with_leaves_nothing(parts: Stage) -> None:
    parts.switch(credential_seconds=30)
    handle = await begin(parts, "file")
    assert len(nodes(parts)) == 1
    with pytest.raises(Gone):
        await parts.storage.reopen_write(handle.state())
    assert nodes(parts) == []
