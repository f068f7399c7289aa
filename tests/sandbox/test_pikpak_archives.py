"""The inside of archives, and archives that cannot be read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudtui.sandbox.seed import ZIP_PASSWORD, archive
from tests.sandbox.pikpak_rig import Rig

FILES = "/drive/v1/files"
DECOMPRESS = "/decompress/v1/decompress"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        made.switch(decompress_seconds=0)
        yield made


def zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return target.getvalue()


def extract(rig: Rig, node: str, **fields: object) -> dict[str, Any]:
    body = {"file_id": node, "default_parent": True, **fields}
    answer: dict[str, Any] = rig.good("POST", DECOMPRESS, body)
    return answer


def below(rig: Rig, parent: str) -> dict[str, str]:
    found = rig.good("GET", FILES, None, {"parent_id": parent})["files"]
    return {item["name"]: item["id"] for item in found}


class Inside:
    """Calls with the token of an extracted archive."""

    def __init__(self, rig: Rig, node: str, password: str = "") -> None:
        assert extract(rig, node, password=password)["status"] == "OK"
        params = rig.good("GET", f"{FILES}/{node}")["params"]
        self.rig = rig
        self.root = params["global_file_root"]
        self.headers = {"X-Global-File-Token": params["global_file_token"]}
        self.query = {"unzip_password": password} if password else {}

    def call(self, method: str, path: str, body: object = None, **query: str) -> Any:
        return self.rig.drive(method, path, body, {**self.query, **query}, self.headers).json()

    def names(self, parent: str, **query: str) -> dict[str, dict[str, Any]]:
        answer = self.call("GET", FILES, parent_id=parent, **query)
        return {item["name"]: item for item in answer["files"]}


def test_an_extracted_archive_can_be_walked_like_a_drive(rig: Rig) -> None:
    inside = Inside(rig, rig.put("project.zip", archive()))
    assert inside.root.startswith("G__")
    top = inside.names(inside.root)["project"]
    assert (top["kind"], top["parent_id"]) == ("drive#folder", inside.root)
    shown = inside.names(top["id"])
    assert set(shown) == {"readme.txt", "data", "picture.png"}
    only = json.dumps({"kind": {"eq": "drive#folder"}, "trashed": {"eq": False}})
    assert set(inside.names(top["id"], filters=only)) == {"data"}
    page = inside.call("GET", FILES, parent_id=top["id"], limit="2")
    assert (len(page["files"]), page["next_page_token"]) == (2, "2")
    text = inside.call("GET", f"{FILES}/{shown['readme.txt']['id']}")
    content = zipfile.ZipFile(io.BytesIO(archive())).read("project/readme.txt")
    assert rig.send("GET", text["web_content_link"]).body == content
    assert inside.call("GET", f"{FILES}/{top['id']}")["name"] == "project"


def test_entries_inside_are_copied_into_the_drive(rig: Rig) -> None:
    inside = Inside(rig, rig.put("project.zip", archive()))
    target = rig.mkdir("target")
    top = inside.names(inside.root)["project"]["id"]
    ids = [inside.names(top)[name]["id"] for name in ("data", "readme.txt")]
    body = {"ids": ids, "to": {"parent_id": target}}
    task = inside.call("POST", f"{FILES}:batchCopy", body)["task_id"]
    assert rig.good("GET", f"/drive/v1/tasks/{task}")["phase"] == "PHASE_TYPE_COMPLETE"
    found = below(rig, target)
    assert set(found) == {"data", "readme.txt"}
    assert set(below(rig, found["data"])) == {"numbers.csv"}


def test_the_inside_asks_for_token_and_password(rig: Rig) -> None:
    inside = Inside(rig, rig.put("locked.zip", archive(ZIP_PASSWORD)), ZIP_PASSWORD)
    assert set(inside.names(inside.root)) == {"project"}

    def refused(**query: str) -> tuple[int, str]:
        answer = rig.drive("GET", FILES, None, {"parent_id": inside.root, **query}, inside.headers)
        return answer.status, answer.json()["error"]

    assert refused() == (400, "unzip_password_required")
    assert refused(unzip_password="wrong") == (400, "unzip_password_incorrect")
    assert rig.refused("GET", FILES, parent_id=inside.root) == (9, "global_file_token_invalid")
    other = f"{FILES}/{inside.root}x"
    assert inside.call("GET", other)["error"] == "file_not_found"


def test_a_folder_is_taken_with_and_without_its_slash(rig: Rig) -> None:
    node = rig.put("project.zip", archive())
    for path in ("project/data", "project/data/"):
        assert extract(rig, node, files=[{"path": path}])["files_num"] == 1
    assert extract(rig, node, files=[{"path": "project/dat"}])["files_num"] == 0


def test_what_cannot_be_read_is_a_word_and_never_a_breakdown(rig: Rig) -> None:
    whole = zipped({"a.txt": b"hello" * 100})
    damaged = whole[:45] + bytes([whole[45] ^ 0xFF]) + whole[46:]
    # Method 99 marks the newer encryption, in both headers.
    newer = whole.replace(b"\x14\x00\x00\x00\x08\x00", b"\x14\x00\x00\x00\x63\x00")
    assert damaged != whole
    assert newer != whole
    for name, content in (("damaged", damaged), ("newer", newer), ("no", b"PK nothing")):
        assert extract(rig, rig.put(f"{name}.zip", content))["status"] == "E_INVALID_FORMAT"
    assert below(rig, "").keys() == {"damaged.zip", "newer.zip", "no.zip"}


def test_an_extraction_may_fail_after_it_has_begun(rig: Rig) -> None:
    rig.switch(decompress_fails=1, decompress_seconds=10)
    node = rig.put("project.zip", archive())
    task = extract(rig, node)["task_id"]
    rig.world.advance(10)
    shown = rig.good("GET", "/decompress/v1/progress", None, {"task_id": task})
    assert (shown["phase"], bool(shown["error_description"])) == ("PHASE_TYPE_ERROR", True)
    assert below(rig, "").keys() == {"project.zip"}
    assert extract(rig, node)["status"] == "OK"
