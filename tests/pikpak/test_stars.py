"""Stars and the history of an account against the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudtui.services.accounts import Account
from cloudtui.services.errors import BadReply, NotFound, NotSupported, Refused, UsageError
from cloudtui.services.history import Deed, Happened
from cloudtui.services.models import Entry, Flag, Found, Kind
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.history import newest_first
from cloudtui.services.pikpak.storage import PikPakStorage
from tests.pikpak.stage import FAST, ROOT, Stage, staged
from tests.sandbox_process import SandboxProcess


async def found(stage: Stage, *names: str) -> list[Found]:
    return [await stage.storage.stat(ROOT.child(name)) for name in names]


async def starred(stage: Stage) -> list[Found]:
    return [item async for page in stage.storage.scan_starred() for item in page]


async def history(stage: Stage, *deeds: Deed) -> list[Happened]:
    return [line async for page in stage.storage.scan_history(deeds) for line in page]


async def play(stage: Stage, node: str) -> None:
    """What a player tells; cloudtui never does."""
    event = {"type": "TYPE_PLAY", "file_id": node, "params": {}}
    body = {"event": event}
    await stage.storage.api.call(wire.Nothing, "POST", "/drive/v1/events", body=body, safe=True)


# --- stars -----------------------------------------------------------------------------------


async def test_stars_are_put_on_shown_listed_and_taken_off(stage: Stage) -> None:
    inner = await stage.storage.mkdir(ROOT, "fol: der")
    at = ROOT.child("fol: der", inner.id)
    await stage.put(b"x", "a.txt", at)
    item = await stage.storage.stat(at.child("a.txt"))
    folder = await stage.storage.stat(at)
    assert not item.entry.flags & Flag.STARRED
    await stage.storage.star([item, folder], on=True)
    await stage.storage.star([item], on=True)
    (shown,) = await stage.entries(at)
    assert shown.flags & Flag.STARRED
    assert (await stage.storage.stat(at.child("a.txt"))).entry.flags & Flag.STARRED
    listed = {one.at.parts: one for one in await starred(stage)}
    assert set(listed) == {("fol: der",), ("fol: der", "a.txt")}
    assert listed["fol: der",].entry.is_folder
    assert listed["fol: der", "a.txt"].at.node == item.entry.id
    assert all(one.entry.flags & Flag.STARRED for one in listed.values())
    await stage.storage.star([item], on=False)
    await stage.storage.star([item], on=False)
    assert [one.entry.id for one in await starred(stage)] == [inner.id]


async def test_many_stars_go_in_batches_and_come_in_one_list(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    stage.switch(batch_limit=2, list_limit=2)
    for name in "abcde":
        await stage.put(b"x", name)
    items = await found(stage, *"abcde")
    await stage.storage.star(items, on=True)
    assert sorted(one.entry.name for one in await starred(stage)) == [*"abcde"]


async def test_what_is_gone_is_told_after_the_rest_was_done(stage: Stage) -> None:
    await stage.put(b"x", "here")
    (here,) = await found(stage, "here")
    gone = Found.of(ROOT, Entry("was \x1b[31mhere", "VNgone", Kind.FILE))
    with pytest.raises(NotFound, match=r"<1B>.* Reload") as told:
        await stage.storage.star([gone], on=True)
    assert "The others" not in told.value.text
    stage.admin.fault(
        kind="api_code",
        code={"error": "file_not_found", "error_code": 5, "status": 404},
        listener="pikpak.drive",
        match="POST /drive/v1/files:star",
        times=1,
    )
    with pytest.raises(NotFound, match=r"The others were done\."):
        await stage.storage.star([gone, here], on=True)
    assert [one.entry.name for one in await starred(stage)] == ["here"]


async def test_the_top_carries_no_star(stage: Stage) -> None:
    with pytest.raises(UsageError):
        await stage.storage.star([await stage.storage.stat(ROOT)], on=True)


async def test_the_list_leaves_out_what_lies_in_the_trash(stage: Stage) -> None:
    inner = await stage.storage.mkdir(ROOT, "folder")
    at = ROOT.child("folder", inner.id)
    await stage.put(b"x", "deep", at)
    await stage.put(b"x", "top")
    deep = await stage.storage.stat(at.child("deep"))
    top, folder = await found(stage, "top", "folder")
    await stage.storage.star([deep, top], on=True)
    await stage.storage.trash([top])
    assert [one.entry.name for one in await starred(stage)] == ["deep"]
    await stage.storage.trash([folder])
    assert await starred(stage) == []


async def test_the_list_leaves_out_what_lies_outside_of_the_top(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    async with staged(sandbox, tmp_path / "home", username) as whole:
        top = await whole.storage.mkdir(ROOT, "top")
        inner = await whole.storage.mkdir(ROOT.child("top", top.id), "inner")
        await whole.put(b"x", "in", ROOT.child("top", top.id).child("inner", inner.id))
        await whole.put(b"x", "out")
        items = [
            await whole.storage.stat(ROOT.child("out")),
            await whole.storage.stat(ROOT.child("top").child("inner").child("in")),
        ]
        await whole.storage.star(items, on=True)
        assert len(await starred(whole)) == 2
        options = {**whole.account.options, "root_folder_id": top.id}
        below = PikPakStorage(Account("pk", "pikpak", options), whole.keys, whole.network, FAST)
        listed = [item async for page in below.scan_starred() for item in page]
        await below.close()
    assert [item.at.parts for item in listed] == [("inner", "in")]


async def test_a_list_that_ignores_the_filter_shows_no_stars(stage: Stage) -> None:
    for name in "ab":
        await stage.put(b"x", name)
    await stage.storage.star(await found(stage, "a"), on=True)

    def everything(request: httpx.Request, answer: Any) -> Any:
        for row in answer.get("files", []) if isinstance(answer, dict) else ():
            sparse = request.url.params.get("parent_id") == "*"
            if sparse and row["name"] == "b":
                row["tags"] = None
        return answer

    assert [one.entry.name for one in await starred(stage)] == ["a"]
    await stage.next_program(everything)
    await stage.storage.star(await found(stage, "b"), on=True)
    assert [one.entry.name for one in await starred(stage)] == ["a", "b"]


# --- history ---------------------------------------------------------------------------------


async def test_a_history_tells_what_was_done_and_leads_to_it(stage: Stage) -> None:
    entry = await stage.put(b"content", "file: a")
    await play(stage, entry.id)
    await stage.put(b"other", "b")
    # two things in one millisecond have no order
    lines = {(one.words, one.name): one for one in await history(stage)}
    assert set(lines) == {("uploaded", "b"), ("played", "file: a"), ("uploaded", "file: a")}
    assert all(one.when_ns for one in lines.values())
    played = lines["played", "file: a"]
    assert played.at is not None
    assert (await stage.storage.stat(played.at)).at.parts == ("file: a",)
    assert played.entry is not None
    assert played.entry.size == 7
    assert [one.name for one in await history(stage, Deed.PLAYED)] == ["file: a"]
    assert [one.name for one in await history(stage, Deed.UPLOADED)] == ["b", "file: a"]
    assert await history(stage, Deed.SAVED, Deed.FETCHED) == []


async def test_what_was_deleted_stays_in_the_history(stage: Stage) -> None:
    await stage.put(b"x", "trashed")
    await stage.put(b"x", "gone")
    trashed, gone = await found(stage, "trashed", "gone")
    await stage.storage.trash([trashed])
    await stage.storage.remove([gone])
    lines = {one.name: one for one in await history(stage)}
    assert lines["trashed"].in_trash
    assert lines["gone"].entry is None
    for line in lines.values():
        assert line.at is not None
        with pytest.raises(NotFound):
            await stage.storage.stat(line.at)


@pytest.mark.parametrize("tokens", ["any", "encoded", "decoded"])
async def test_all_pages_come_however_the_token_is_wanted_back(stage: Stage, tokens: str) -> None:
    stage.switch(events_limit=2, event_tokens=tokens)
    names = [str(number) for number in range(7)]
    for name in names:
        entry = await stage.put(b"x", name)
        await play(stage, entry.id)
    for _ in range(2):
        lines = await history(stage)
        for words in ("uploaded", "played"):
            assert [one.name for one in lines if one.words == words] == names[::-1]
        times = [one.when_ns or 0 for one in lines]
        assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("tokens", ["any", "encoded", "decoded"])
@pytest.mark.parametrize("code", [0, 3], ids=["broken", "broken-blaming-the-call"])
async def test_pages_come_although_the_service_breaks(stage: Stage, tokens: str, code: int) -> None:
    stage.switch(events_limit=1, event_tokens=tokens)
    for name in "abc":
        await stage.put(b"x", name)
    kind = {"kind": "api_code", "code": {"status": 500, "error_code": code}}
    for skip in (0, 1):
        call = {"match": "GET /drive/v1/events", "query": "*page_token=2*"}
        stage.admin.fault(listener="pikpak.drive", **kind, **call, times=3, skip=skip)
        assert [one.name for one in await history(stage, Deed.UPLOADED)] == ["c", "b", "a"]
        assert stage.admin.faults() == []


async def test_a_form_of_token_that_breaks_the_service_is_not_insisted_on(stage: Stage) -> None:
    stage.switch(events_limit=1)
    for name in "abc":
        await stage.put(b"x", name)
    call = {"match": "GET /drive/v1/events", "query": "*page_token=*%25*"}
    stage.admin.fault(listener="pikpak.drive", kind="status", code=500, **call, times=-1)
    since = len(stage.admin.log())
    assert [one.name for one in await history(stage, Deed.UPLOADED)] == ["c", "b", "a"]
    assert len([each for each in stage.admin.log(since) if "/events" in each["path"]]) == 4


@pytest.mark.parametrize("tokens", ["any", "encoded", "decoded"])
async def test_a_list_that_is_not_gone_on_with_is_begun_again(stage: Stage, tokens: str) -> None:
    stage.switch(events_limit=1, event_tokens=tokens)
    for name in "abc":
        await stage.put(b"x", name)
    call = {"match": "GET /drive/v1/events", "query": "*page_token=2*"}
    refusal = {"kind": "api_code", "code": {"error": "invalid_argument", "error_code": 3}}
    stage.admin.fault(listener="pikpak.drive", **refusal, **call, times=3, skip=1)
    assert [one.name for one in await history(stage, Deed.UPLOADED)] == ["c", "b", "a"]
    assert stage.admin.faults() == []
    stage.admin.fault(listener="pikpak.drive", **refusal, **call, times=-1)
    with pytest.raises(Refused):
        await history(stage, Deed.UPLOADED)


async def test_a_list_that_goes_in_circles_is_told(stage: Stage) -> None:
    for name in "ab":
        await stage.put(b"x", name)
    stage.switch(events_limit=1)

    def circling(request: httpx.Request, answer: Any) -> Any:
        if request.url.path == "/drive/v1/events":
            answer["next_page_token"] = "x%23999"
        return answer

    await stage.next_program(circling)
    with pytest.raises(BadReply, match="in circles"):
        await history(stage, Deed.UPLOADED)


async def test_lines_are_forgotten_and_files_stay(stage: Stage) -> None:
    for name in "abc":
        await stage.put(b"x", name)
    lines = await history(stage)
    await stage.storage.forget_history([lines[0].id])
    await stage.storage.forget_history([lines[0].id])
    assert [one.name for one in await history(stage)] == ["b", "a"]
    await stage.storage.clear_history()
    assert await history(stage) == []
    assert await stage.names() == ["a", "b", "c"]


async def test_sparse_and_strange_lines_are_read(stage: Stage) -> None:
    await stage.put(b"x", "a")

    def strange(request: httpx.Request, answer: Any) -> Any:
        if request.url.path == "/drive/v1/events" and answer["events"]:
            row = answer["events"][0]
            answer["events"] = [
                {"id": "1", "type": "TYPE_HAND_OVER", "file_name": "x", "created_time": ""},
                {"id": "2", "type": "", "type_name": "k\x1b[31m", "file_id": row["file_id"]},
                {**row, "id": "3", "file_name": "", "reference_resource": {"id": "", "name": "q"}},
            ]
        return answer

    await stage.next_program(strange)
    lines = {one.id: one for one in await history(stage)}
    assert lines["1"].words == "hand over"
    assert (lines["1"].at, lines["1"].when_ns, lines["1"].entry) == (None, None, None)
    assert lines["2"].words == "k<1B>[31m"
    assert (lines["3"].deed, lines["3"].name, lines["3"].entry) == (Deed.UPLOADED, "", None)


async def test_a_code_to_invite_others_with(stage: Stage) -> None:
    code = await stage.storage.invite_code()
    assert code.isalnum()
    await stage.next_program(lambda request, answer: {} if "invite" in str(request.url) else answer)
    with pytest.raises(NotSupported):
        await stage.storage.invite_code()


async def pages(*rows: list[int]) -> AsyncIterator[list[int]]:
    for page in rows:
        yield page


@pytest.mark.parametrize(
    ("lists", "woven"),
    [
        ([[[9, 7], [3]], [[8, 2], [1]]], [9, 8, 7, 3, 2, 1]),
        ([[], [[2], [1]]], [2, 1]),
        ([[[5], [4]], []], [5, 4]),
        ([[[1]], [[9], [8], [7]]], [9, 8, 7, 1]),
        ([[], []], []),
    ],
)
async def test_lists_that_are_newest_first_become_one(
    lists: list[list[list[int]]], woven: list[int]
) -> None:
    made = newest_first([pages(*each) for each in lists], lambda number: number)
    assert [number async for page in made for number in page] == woven
