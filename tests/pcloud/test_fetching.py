"""Fetches and orders whose servers tell less than is documented, or name files their own way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from cloudtui.services.errors import Exists, Refused
from cloudtui.services.models import Location, TaskPhase
from cloudtui.services.pcloud.regions import server_named
from cloudtui.services.storage import SourceFacts
from tests.pcloud.rig import Script, file_item, folder_item, place

ROOT = Location("pc")
API = "https://api.pcloud.com"
LONG_AGO = "Tue, 03 Mar 2026 09:15:00 +0000"
LATER = "Tue, 03 Mar 2099 09:15:00 +0000"


class Server:
    """A pCloud that answers questions about one fetch; `there` is what its top folder holds."""

    def __init__(self, progress: Mapping[str, object], *there: dict[str, object]) -> None:
        self.progress = progress
        self.there = list(there)
        self.script = Script(self._respond)

    def _respond(self, method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        if method == "uploadprogress":
            return {"result": 0, **self.progress}
        if method in ("listfolder", "currentserver", "downloadfileasync"):
            return {"result": 0, "metadata": folder_item(0, "/", None, self.there)}
        (item,) = [each for each in self.there if str(each["fileid"]) == params["fileid"]]
        if method == "renamefile":
            item["name"] = params["toname"]
        if method == "deletefile":
            self.there.remove(item)
        return {"result": 0, "metadata": item}


@pytest.mark.parametrize(
    ("there", "phase"),
    [([file_item(9, "a.iso", 0)], TaskPhase.DONE), ([], TaskPhase.FAILED)],
)
async def test_an_end_without_files_is_looked_up_in_the_folder(
    tmp_path: Path, there: list[dict[str, object]], phase: TaskPhase
) -> None:
    server = Server({"finished": True, "urlready": 1})
    storage = await place(tmp_path, API, network=server.script)
    await storage.add_offline("https://example.org/a.iso", ROOT)
    server.there += there
    (task,) = [task async for page in storage.scan_offline() for task in page]
    assert task.phase is phase
    await storage.close()


@pytest.mark.parametrize(
    "progress",
    [
        {"finished": True},
        {"finished": True, "files": []},
        {"finished": True, "files": [{"url": "u", "status": "ready"}]},
        {"finished": False, "files": [{"url": "u", "status": "ready", "metadata": {}}]},
    ],
)
async def test_a_fetch_without_metadata_is_found_by_its_name(
    tmp_path: Path, progress: Mapping[str, object]
) -> None:
    server = Server(progress)
    storage = await place(tmp_path, API, network=server.script)
    write = await storage.open_fetch(ROOT, "a.iso", SourceFacts(size=5))
    await write.order(["https://example.org/x"])
    server.there.append(file_item(9, "a.iso", 0, created=LATER))
    assert (await write.progress()).finished
    assert (await write.finish(SourceFacts(size=5))).id == "f9"
    await storage.close()


async def test_an_old_file_is_not_taken_for_what_was_fetched(tmp_path: Path) -> None:
    server = Server({"finished": True}, file_item(9, "a.iso", 0, created=LONG_AGO))
    storage = await place(tmp_path, API, network=server.script)
    write = await storage.open_fetch(ROOT, "a.iso", SourceFacts(size=5))
    await write.order(["https://example.org/x"])
    with pytest.raises(Refused):
        await write.progress()
    await storage.close()


async def test_a_fetch_called_as_its_source_gets_its_name(tmp_path: Path) -> None:
    """A service that does not read `target` calls the file as the link does."""
    mine = file_item(9, "x", 0)
    server = Server({"files": [{"url": "u", "status": "ready", "metadata": mine}]}, mine)
    storage = await place(tmp_path, API, network=server.script)
    write = await storage.open_fetch(ROOT, "a.iso", SourceFacts(size=5))
    await write.order(["https://example.org/x"])
    await write.progress()
    entry = await write.finish(SourceFacts(size=5))
    assert (entry.id, entry.name) == ("f9", "a.iso")
    assert [item["name"] for item in server.there] == ["a.iso"]
    await storage.close()


async def test_a_fetch_never_takes_a_name_from_another_file(tmp_path: Path) -> None:
    mine, theirs = file_item(9, "a (2).iso", 0), file_item(4, "a.iso", 0, created=LONG_AGO)
    server = Server({"files": [{"url": "u", "status": "ready", "metadata": mine}]}, mine, theirs)
    storage = await place(tmp_path, API, network=server.script)
    write = await storage.open_fetch(ROOT, "a.iso", SourceFacts(size=5))
    await write.order(["https://example.org/x"])
    await write.progress()
    with pytest.raises(Exists):
        await write.finish(SourceFacts(size=5))
    assert [item["fileid"] for item in server.there] == [4]
    await storage.close()


async def test_a_service_that_reads_no_forms_is_told_the_address_in_the_query(
    tmp_path: Path,
) -> None:
    orders: list[bool] = []

    def respond(method: str, _params: Mapping[str, str]) -> Mapping[str, object]:
        if method == "downloadfileasync":
            orders.append("url" in script.requests[-1].url.params)
            return {"result": 0 if orders[-1] else 1040}
        return {"result": 0, "metadata": folder_item(0, "/", None, [])}

    script = Script(respond)
    storage = await place(tmp_path, API, network=script)
    await storage.add_offline("https://example.org/a.iso", ROOT)
    await storage.add_offline("https://example.org/b.iso", ROOT)
    assert orders == [False, True, True]
    await storage.close()


@pytest.mark.parametrize("told", ["progress", "folder"])
async def test_an_order_known_only_later_is_not_given_twice(tmp_path: Path, told: str) -> None:
    """Its answer was lost, and the server needs a moment to know of it."""
    orders: list[str] = []
    asked: list[str] = []

    def respond(
        method: str, params: Mapping[str, str]
    ) -> Mapping[str, object] | httpx.RemoteProtocolError:
        if method == "downloadfileasync":
            orders.append(params["progresshash"])
            return httpx.RemoteProtocolError("Server disconnected without sending a response.")
        if method == "uploadprogress":
            asked.append(params["progresshash"])
            known = told == "progress" and len(asked) > 3
            return {"result": 0 if known else 1900, "files": []}
        there = [file_item(9, "a.iso", 0)] if told == "folder" and len(asked) > 3 else []
        return {"result": 0, "metadata": folder_item(0, "/", None, there)}

    storage = await place(tmp_path, API, network=Script(respond))
    task = await storage.add_offline("https://example.org/a.iso", ROOT)
    assert orders == [task.id]
    assert len(asked) == 4
    await storage.close()


@pytest.mark.parametrize(
    ("hostname", "base", "origin"),
    [
        ("api7.pcloud.com", API, "https://api7.pcloud.com"),
        ("API7.pcloud.com", API, "https://api7.pcloud.com"),
        ("", API, API),
        ("evil.example", API, API),
        ("api.pcloud.com", "http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("127.0.0.1", "http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("localhost", "https://localhost:9", "https://localhost:9"),
        ("localhost:8", "http://127.0.0.1:9", "http://localhost:8"),
        ("127.0.0.1:x", "http://127.0.0.1:9", "http://127.0.0.1:9"),
    ],
)
def test_servers_that_an_answer_names(hostname: str, base: str, origin: str) -> None:
    assert server_named(hostname, base) == origin
