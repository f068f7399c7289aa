"""Folders packed into one file and back, and what time does to the trash."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtui.sandbox.seed import archive
from tests.sandbox.pikpak_rig import Rig

FILES = "/drive/v1/files"
DAY = 86400


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def phase(rig: Rig, task: str) -> str:
    return str(rig.good("GET", f"/drive/v1/tasks/{task}")["phase"])


def test_a_packed_folder_is_a_file_of_the_same_id_and_comes_back_whole(rig: Rig) -> None:
    folder = rig.mkdir("things")
    rig.mkdir("empty", folder)
    deep = rig.put("things/deep/a.txt", "hello")
    rig.switch(batch_seconds=5)
    task = rig.good("POST", f"{FILES}/pack", {"folderId": folder})["task_id"]
    assert rig.good("GET", f"/drive/v1/tasks/{task}")["type"] == "pack_files"
    assert rig.names() == ["things"]
    rig.world.advance(5)
    assert phase(rig, task) == "PHASE_TYPE_COMPLETE"
    shown = rig.good("GET", f"{FILES}/{folder}")
    assert (shown["kind"], shown["name"]) == ("drive#file", "things.tar")
    assert rig.names(folder) == []
    assert rig.refused("GET", f"{FILES}/{deep}") == (5, "file_not_found")
    content = rig.send("GET", shown["web_content_link"]).body
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert sorted(archive.getnames()) == ["deep", "deep/a.txt", "empty"]
        inner = archive.extractfile("deep/a.txt")
        assert inner is not None
        assert inner.read() == b"hello"
    rig.mkdir("things")
    assert rig.good("POST", f"{FILES}/unpack", {"folderId": folder}) == {"task_id": ""}
    assert rig.names() == ["things", "things(1)"]
    assert sorted(rig.names(folder)) == ["deep", "empty"]
    assert rig.good("GET", f"{FILES}/{deep}")["size"] == "5"
    assert rig.good("GET", "/drive/v1/about")["quota"]["usage"] == "5"


def test_what_cannot_be_packed_or_unpacked(rig: Rig) -> None:
    empty, file = rig.mkdir("empty"), rig.put("a.txt", "x")
    for verb, node, name in (
        ("pack", empty, "cannot_pack_empty_folder"),
        ("pack", file, "invalid_argument"),
        ("unpack", file, "invalid_argument"),
        ("unpack", empty, "invalid_argument"),
    ):
        assert rig.refused("POST", f"{FILES}/{verb}", {"folderId": node}) == (3, name)
    assert rig.refused("POST", f"{FILES}/pack", {"folderId": "VNnone"}) == (5, "file_not_found")


def test_a_folder_that_goes_while_it_is_packed_ends_the_task(rig: Rig) -> None:
    folder = rig.mkdir("things")
    rig.put("things/a.txt", "x")
    rig.switch(batch_seconds=5)
    task = rig.good("POST", f"{FILES}/pack", {"folderId": folder})["task_id"]
    rig.good("DELETE", f"{FILES}/{folder}")
    rig.world.advance(5)
    assert phase(rig, task) == "PHASE_TYPE_ERROR"
    assert rig.names() == []


def test_the_trash_empties_itself_when_its_days_are_over(rig: Rig) -> None:
    rig.mkdir("kept")
    old, young = rig.put("old/a.txt", "12345"), rig.put("young.txt", "1")
    folder = next(item["id"] for item in rig.good("GET", FILES)["files"] if item["name"] == "old")
    rig.good("POST", f"{FILES}:batchTrash", {"ids": [folder]})
    trashed = {"parent_id": "*", "filters": json.dumps({"trashed": {"eq": True}})}
    (shown,) = rig.good("GET", FILES, None, trashed)["files"]
    rig.world.advance(10 * DAY)
    rig.token = ""
    rig.good("POST", f"{FILES}:batchTrash", {"ids": [young]})
    rig.world.advance(5 * DAY + 1)
    rig.token = ""
    (left,) = rig.good("GET", FILES, None, trashed)["files"]
    assert (shown["name"], left["name"]) == ("old", "young.txt")
    assert left["delete_time"] > shown["delete_time"]
    assert rig.refused("GET", f"{FILES}/{old}") == (5, "file_not_found")
    assert rig.good("GET", "/drive/v1/about")["quota"]["usage"] == "1"
    rig.world.advance(10 * DAY)
    rig.token = ""
    assert rig.good("GET", FILES, None, trashed)["files"] == []
    assert rig.names() == ["kept"]


def test_what_is_used_is_counted_along(rig: Rig) -> None:
    """Whatever happened, it is the sum of what is there."""
    rig.switch(offline_seconds=0, decompress_seconds=0)
    folder, other = rig.mkdir("folder"), rig.mkdir("other")
    rig.put("folder/deep/a.bin", b"a" * 1000)
    node = rig.put("folder/b.bin", b"b" * 200)
    archived = rig.put("folder/c.zip", archive())
    magnet = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=Long%20ferry"
    offline = {"kind": "drive#file", "upload_type": "UPLOAD_TYPE_URL", "url": {"url": magnet}}
    steps: list[tuple[str, str, object]] = [
        ("POST", f"{FILES}:batchCopy", {"ids": [folder], "to": {"parent_id": other}}),
        ("POST", f"{FILES}:batchMove", {"ids": [node], "to": {"parent_id": other}}),
        ("PATCH", f"{FILES}/{node}", {"name": "renamed"}),
        ("POST", FILES, offline),
        ("POST", "/decompress/v1/decompress", {"file_id": archived, "default_parent": True}),
        ("POST", f"{FILES}:batchTrash", {"ids": [other]}),
        ("POST", f"{FILES}/pack", {"folderId": folder}),
        ("POST", f"{FILES}/unpack", {"folderId": folder}),
        ("POST", f"{FILES}:batchUntrash", {"ids": [other]}),
        ("POST", f"{FILES}:batchTrash", {"ids": [folder]}),
        ("PATCH", f"{FILES}/trash:empty", None),
        ("DELETE", f"{FILES}/{other}", None),
    ]
    for method, path, body in steps:
        rig.good(method, path, body)
        (account,) = rig.service.state()["accounts"].values()  # type: ignore[attr-defined]
        quota = rig.good("GET", "/drive/v1/about")["quota"]
        sizes = [entry["size"] for entry in account["nodes"] if entry["kind"] == "file"]
        assert quota["usage"] == str(sum(sizes))


def test_what_was_restored_is_not_emptied(rig: Rig) -> None:
    node = rig.put("a.txt", "x")
    rig.good("POST", f"{FILES}:batchTrash", {"ids": [node]})
    rig.good("POST", f"{FILES}:batchUntrash", {"ids": [node]})
    rig.world.advance(16 * DAY)
    rig.token = ""
    assert rig.names() == ["a.txt"]
