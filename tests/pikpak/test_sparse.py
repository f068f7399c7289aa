"""Answers that leave out what other clients do without, or word it in another way."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from cloudtui.services.errors import Exists
from cloudtui.services.models import Location, TaskPhase
from cloudtui.services.pikpak import wire
from cloudtui.services.storage import PartReply
from tests.pikpak.stage import ROOT, Bend, Stage, facts_of, send
from tests.pikpak.test_shares import planted

TICKET = ("POST", "/drive/v1/files")


def bends(method: str, path: str, *keys: str) -> Bend:
    """Leaves the keys (`a.b` for b within a, `*` for each of a list) out of answers to a call."""

    def bend(request: httpx.Request, answer: Any) -> Any:
        asked = request.url.path
        if request.method == method and (asked == path or (path[-1] == "/" and path in asked)):
            for key in keys:
                _drop(answer, key.split("."))
        return answer

    return bend


def _drop(value: Any, keys: list[str]) -> None:
    if isinstance(value, list):
        for each in value:
            _drop(each, keys[1:])
    elif isinstance(value, dict) and len(keys) == 1:
        value.pop(keys[0], None)
    elif isinstance(value, dict) and keys[0] in value:
        _drop(value[keys[0]], keys[1:])


@pytest.mark.parametrize("cutoff", [1, 1 << 20])
async def test_an_upload_whose_answer_names_no_phase_sends_its_bytes(
    stage: Stage, cutoff: int
) -> None:
    """rclone does without the phase as well; parts that nobody completes were lost here."""
    stage.account = type(stage.account)(
        "pk", "pikpak", {**stage.account.options, "upload_cutoff": cutoff, "chunk_size": 1 << 20}
    )
    await stage.next_program(bends(*TICKET, "file.phase", "task.phase"))
    data = bytes(range(256)) * 2048
    entry = await stage.put(data, "data.bin")
    (node,) = (
        node
        for node in stage.admin.state("pikpak")["accounts"][stage.username]["nodes"]
        if node["id"] == entry.id
    )
    assert (node["phase"], node["size"]) == (wire.COMPLETE, len(data))
    assert await stage.read(ROOT.child("data.bin")) == data


async def test_a_task_that_does_not_say_how_far_it_is_is_not_waited_for(stage: Stage) -> None:
    folder = await stage.storage.mkdir(ROOT, "folder")
    await stage.put(b"1", "one")
    await stage.next_program(bends("GET", "/drive/v1/tasks/", "phase", "progress"))
    at = ROOT.child("folder", folder.id)
    await stage.storage.move(await stage.storage.stat(ROOT.child("one")), at, "eins")
    assert await stage.names(at) == ["eins"]
    await stage.storage.trash([await stage.storage.stat(at)])
    assert await stage.names() == []


async def test_an_extraction_whose_phase_is_a_number_ends(stage: Stage) -> None:
    await planted(stage, "/a.zip")

    def bend(request: httpx.Request, answer: Any) -> Any:
        if request.url.path.endswith("/progress"):
            answer["phase"] = 3
        return answer

    await stage.next_program(bend)
    stage.switch(decompress_seconds=0)
    done = await stage.storage.extract(await stage.storage.stat(ROOT.child("a.zip")))
    assert (done.decompressed, done.errors) == (1, 0)


async def test_a_folder_whose_answer_names_only_its_id(stage: Stage) -> None:
    await stage.next_program(bends(*TICKET, "file.name", "file.parent_id", "file.phase"))
    made = await stage.storage.mkdir(ROOT, "made")
    assert made.name == "made"
    assert await stage.names() == ["made"]


async def test_copies_are_found_in_listings_without_sizes_and_digests(stage: Stage) -> None:
    folder = await stage.storage.mkdir(ROOT, "folder")
    at = ROOT.child("folder", folder.id)
    await stage.put(b"1", "one", at)
    await stage.next_program(bends("GET", "/drive/v1/files", "files.*.size", "files.*.hash"))
    one = await stage.storage.stat(Location("pk", ("folder", "one")))
    assert (await stage.storage.copy(one, ROOT, "one")).name == "one"
    assert (await stage.storage.copy(one, at, "two")).name == "two"
    tree = await stage.storage.stat(ROOT.child("folder"))
    assert (await stage.storage.copy(tree, ROOT, "again")).name == "again"
    assert await stage.names(ROOT.child("again")) == ["one", "two"]


async def test_a_link_that_was_taken_without_a_word_is_found_among_the_tasks(stage: Stage) -> None:
    await stage.next_program(bends(*TICKET, "task", "file"))
    url = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=Quiet"
    task = await stage.storage.add_offline(url, ROOT)
    assert task.id
    assert task.phase is not TaskPhase.FAILED


async def test_links_that_live_for_seconds_are_used(stage: Stage) -> None:
    """Ten seconds are the margin from which a link is renewed; a fresh one is used all the same."""
    await stage.put(b"brief", "file")
    item = await stage.storage.stat(ROOT.child("file"))
    stage.switch(link_seconds=9)
    before = len(stage.admin.log())
    ticket: Any = await stage.storage.open_read(item)
    assert ticket.urls
    assert len(stage.admin.log()) - before == 1


async def test_links_that_look_over_are_given_out_in_the_end(stage: Stage) -> None:
    """With clocks that disagree the host of the content is the one to say no."""
    await stage.put(b"late", "file")
    stage.switch(link_seconds=-5)
    ticket: Any = await stage.storage.open_read(await stage.storage.stat(ROOT.child("file")))
    assert ticket.urls


async def test_a_store_may_leave_out_the_tag_of_a_file_sent_at_once(stage: Stage) -> None:
    data = b"at once"
    facts = facts_of(data)
    handle: Any = await stage.storage.open_write(ROOT, "file", facts, replace=None, job="0a1b2c3d")
    request = await handle.part_request(0, 0, len(data))
    reply = send(request, data)
    bare = PartReply(reply.status, {}, b"")
    await handle.finish([handle.receipt(request, 0, bare)], facts)
    assert await stage.read(ROOT.child("file")) == data


async def test_a_public_link_is_known_by_its_id_alone(stage: Stage) -> None:
    await stage.put(b"1", "one")
    await stage.next_program(bends("POST", "/drive/v1/share", "share_url"))
    share = await stage.storage.share(await stage.storage.stat(ROOT.child("one")))
    listed = [each async for page in stage.storage.scan_shares() for each in page]
    assert share.url.endswith(f"/s/{share.id}")
    assert [each.id for each in listed] == [share.id]


def test_numbers_with_a_fraction_count_as_whole() -> None:
    reply = wire.decode(wire.CaptchaReply, b'{"captcha_token": "ck0", "expires_in": 299.5}')
    assert reply.expires_in == 299


@pytest.mark.parametrize("key", ["id", "name", "parent_id"])
async def test_details_may_leave_out_what_the_call_itself_tells(stage: Stage, key: str) -> None:
    """What was asked for is known: its id, and its name and folder where a listing showed them."""
    folder = await stage.storage.mkdir(ROOT, "folder")
    at = ROOT.child("folder", folder.id)
    await stage.put(b"1", "one", at)
    await stage.next_program(bends("GET", "/drive/v1/files/", key))
    one = await stage.storage.stat(Location("pk", ("folder", "one")))
    by_id = await stage.storage.stat(one.at)
    assert (by_id.entry.id, by_id.entry.name) == (one.entry.id, "one")
    assert (await stage.storage.rename(by_id, "eins")).name == "eins"
    assert await stage.names(at) == ["eins"]
    made = await stage.storage.mkdir(at, "inside")
    assert await stage.names(Location("pk", ("folder", "inside"), made.id)) == []
    with pytest.raises(Exists):
        await stage.storage.rename(
            await stage.storage.stat(Location("pk", ("folder", "eins"))), "inside"
        )
    assert await stage.names() == ["folder"]


async def test_a_move_to_the_top_is_made_where_details_name_no_folder(stage: Stage) -> None:
    """They would look like those of a thing that is at the top already."""
    folder = await stage.storage.mkdir(ROOT, "folder")
    await stage.put(b"1", "one", ROOT.child("folder", folder.id))
    await stage.next_program(bends("GET", "/drive/v1/files/", "parent_id"))
    one = await stage.storage.stat(Location("pk", ("folder", "one")))
    assert (await stage.storage.move(one, ROOT, "one")).name == "one"
    await stage.next_program()
    assert await stage.names() == ["folder", "one"]


async def test_what_has_no_name_is_listed_under_its_id(stage: Stage) -> None:
    await stage.put(b"1", "one")
    await stage.put(b"2", "two")
    one = await stage.storage.stat(ROOT.child("one"))

    def bend(request: httpx.Request, answer: Any) -> Any:
        for row in answer.get("files") or [answer]:
            if row.get("id") == one.entry.id:
                row.pop("name", None)
        return answer

    await stage.next_program(bend)
    called = f"(no name) {one.entry.id}"
    assert await stage.names() == [called, "two"]
    found = await stage.storage.stat(ROOT.child(called))
    assert found.entry.id == one.entry.id
    assert await stage.read(found.at) == b"1"
    await stage.storage.trash([found])
    assert await stage.names() == ["two"]
