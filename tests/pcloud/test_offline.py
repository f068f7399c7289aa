"""Downloads made by pCloud itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from cloudtui.services.errors import NotFound, Offline, UsageError
from cloudtui.services.models import Location, OfflineTask, TaskPhase
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.rig import Script, file_item, folder_item, names, place, tree, upload
from tests.sandbox_process import SandboxProcess

ROOT = Location("pc")
API = "https://api.pcloud.com"


async def tasks(storage: PCloudStorage) -> list[OfflineTask]:
    return [task async for page in storage.scan_offline() for task in page]


async def ended(storage: PCloudStorage, task_id: str) -> OfflineTask:
    """Ask until it ended; the sandbox needs milliseconds."""
    for _ in range(2000):
        (found,) = [task for task in await tasks(storage) if task.id == task_id]
        if found.phase in (TaskPhase.DONE, TaskPhase.FAILED):
            return found
    raise AssertionError("it never ended")


async def test_a_url_becomes_a_file(storage: PCloudStorage) -> None:
    data = b"fetched by itself"
    await upload(storage, ROOT, "origin.bin", data)
    await storage.mkdir(ROOT, "in")
    link = await storage.direct_link(await storage.stat(ROOT.child("origin.bin")))
    task = await storage.add_offline(link, ROOT.child("in"))
    assert task.name == "origin.bin"
    done = await ended(storage, task.id)
    assert (done.phase, done.percent, done.message) == (TaskPhase.DONE, 100, "")
    assert done.target is not None
    assert done.target.parts == ("in", "origin.bin")
    assert await tree(storage, ROOT.child("in")) == {"origin.bin": data}
    # a second one gets another name, a given name is used
    second = await storage.add_offline(link, ROOT.child("in"))
    third = await storage.add_offline(link, ROOT.child("in"), name="named, so: 100%.bin")
    assert (await ended(storage, second.id)).name == "origin (2).bin"
    assert (await ended(storage, third.id)).phase is TaskPhase.DONE
    assert await names(storage, ROOT.child("in")) == [
        "named, so: 100%.bin",
        "origin (2).bin",
        "origin.bin",
    ]
    assert [each.id for each in await tasks(storage)] == [third.id, second.id, task.id]
    await storage.remove_offline([task.id, third.id], files=True)
    assert await names(storage, ROOT.child("in")) == ["origin (2).bin"]
    assert [each.id for each in await tasks(storage)] == [second.id]


async def test_a_failed_one_can_be_tried_again(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await upload(storage, ROOT, "origin.bin", b"later")
    link = await storage.direct_link(await storage.stat(ROOT.child("origin.bin")))
    dead = await storage.add_offline("http://127.0.0.1:9/x.iso", ROOT)
    failed = await ended(storage, dead.id)
    assert failed.phase is TaskPhase.FAILED
    assert failed.message
    again = await storage.retry_offline(dead.id)
    assert again.id != dead.id
    assert (await ended(storage, again.id)).phase is TaskPhase.FAILED
    with pytest.raises(NotFound):
        await storage.retry_offline(dead.id)
    good = await storage.add_offline(link, ROOT, name="copy")
    await ended(storage, good.id)
    with pytest.raises(UsageError):
        await storage.retry_offline(good.id)


@pytest.mark.parametrize(
    "url", ["magnet:?xt=urn:btih:abc", "file:///etc/passwd", "nonsense", "http://", ""]
)
async def test_what_is_no_web_address_is_refused(storage: PCloudStorage, url: str) -> None:
    with pytest.raises(UsageError):
        await storage.add_offline(url, ROOT)
    assert await tasks(storage) == []


async def test_a_lost_answer_orders_nothing_twice(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await upload(storage, ROOT, "origin.bin", b"once")
    link = await storage.direct_link(await storage.stat(ROOT.child("origin.bin")))
    sandbox.admin.fault(
        kind="reset_after", listener="pcloud.*", match="POST /downloadfileasync", times=1
    )
    task = await storage.add_offline(link, ROOT, name="copy.bin")
    assert (await ended(storage, task.id)).phase is TaskPhase.DONE
    assert await names(storage, ROOT) == ["copy.bin", "origin.bin"]


async def test_a_web_page_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        if method == "currentserver":
            return {"result": 0, "hostname": "api9.pcloud.com"}
        if method == "uploadprogress":
            page = file_item(9, "a.iso", 0, contenttype="text/html; charset=utf-8")
            ready = {"url": "u", "status": "ready", "size": 5, "downloaded": 5, "metadata": page}
            return {"result": 0, "finished": True, "files": [ready]}
        return {"result": 0, "metadata": folder_item(0, "/", None, [])}

    script = Script(respond)
    storage = await place(tmp_path, API, network=script)
    await storage.add_offline("https://example.org/a.iso", ROOT)
    (task,) = await tasks(storage)
    assert task.phase is TaskPhase.DONE
    assert "web page" in task.message
    # the order and the question go to the server that was named, with the token
    there = [request for request in script.requests if request.url.host == "api9.pcloud.com"]
    assert [request.url.path for request in there] == ["/downloadfileasync", "/uploadprogress"]


async def test_a_server_that_is_gone_for_good_holds_nothing_up(tmp_path: Path) -> None:
    there: list[dict[str, object]] = []

    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object] | Exception:
        if script.requests[-1].url.host == "api9.pcloud.com" and method == "uploadprogress":
            return httpx.ConnectError("no such host")
        if method == "currentserver":
            return {"result": 0, "hostname": "api9.pcloud.com"}
        return {"result": 0, "metadata": folder_item(0, "/", None, there)}

    script = Script(respond)
    storage = await place(tmp_path, API, network=script)
    await storage.add_offline("https://example.org/a.iso", ROOT)
    (task,) = await tasks(storage)
    assert task.phase is TaskPhase.WAITING
    there.append(file_item(5, "a.iso", 0))
    (task,) = await tasks(storage)
    assert task.phase is TaskPhase.DONE


async def test_an_order_that_may_have_been_taken_stays_among_those_asked_about(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await upload(storage, ROOT, "origin.bin", b"once")
    link = await storage.direct_link(await storage.stat(ROOT.child("origin.bin")))
    sandbox.admin.fault(
        kind="reset_after", listener="pcloud.*", match="POST /downloadfileasync", times=-1
    )
    sandbox.admin.fault(
        kind="reset_before", listener="pcloud.*", match="GET /uploadprogress", times=-1
    )
    with pytest.raises(Offline):
        await storage.add_offline(link, ROOT, name="copy.bin")
    sandbox.admin.clear_faults()
    (task,) = await tasks(storage)
    assert (await ended(storage, task.id)).phase is TaskPhase.DONE
    assert await names(storage, ROOT) == ["copy.bin", "origin.bin"]


async def test_a_server_that_is_not_pclouds_is_not_asked(tmp_path: Path) -> None:
    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        if method == "currentserver":
            return {"result": 0, "hostname": "evil.example"}
        return {"result": 0, "metadata": folder_item(0, "/", None, [])}

    script = Script(respond)
    storage = await place(tmp_path, API, network=script)
    await storage.add_offline("https://example.org/a.iso", ROOT)
    assert {request.url.host for request in script.requests} == {"api.pcloud.com"}


async def test_a_page_under_the_name_of_a_file_is_told_by_its_content(
    storage: PCloudStorage,
) -> None:
    await upload(storage, ROOT, "page.bin", b"\n<!DOCTYPE html><title>Sign in</title>")
    await upload(storage, ROOT, "real.bin", b"\x00\x01<html>")
    found = {}
    for name in ("page.bin", "real.bin"):
        link = await storage.direct_link(await storage.stat(ROOT.child(name)))
        for wanted in ("a.iso", "a.html"):
            task = await storage.add_offline(link, ROOT, name=wanted)
            found[name, wanted] = (await ended(storage, task.id)).message
    pages = {key for key, message in found.items() if "web page" in message}
    assert pages == {("page.bin", "a.iso")}
