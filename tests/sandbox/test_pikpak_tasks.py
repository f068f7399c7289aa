"""Offline tasks, shares, archives, events and lookups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cloudtui.sandbox.pikpak.node import ROOT
from cloudtui.sandbox.seed import ZIP_PASSWORD, archive
from tests.sandbox.pikpak_rig import DEVICE, WEB, Rig

FILES = "/drive/v1/files"
TASKS = "/drive/v1/tasks"
HASH = "0123456789abcdef0123456789abcdef01234567"
MAGNET = f"magnet:?xt=urn:btih:{HASH}&dn=Long%20ferry"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def offline(rig: Rig, url: str, **fields: object) -> dict[str, Any]:
    body = {"kind": "drive#file", "upload_type": "UPLOAD_TYPE_URL", "url": {"url": url}, **fields}
    answer = rig.good("POST", FILES, body)
    task: dict[str, Any] = answer["task"]
    assert answer["file"] is None
    return task


def task_of(rig: Rig, task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = rig.good("GET", f"{TASKS}/{task_id}")
    return found


def fetched(rig: Rig, task_id: str) -> dict[str, Any]:
    """The task once its thread has ended."""
    rig.fetched()
    return task_of(rig, task_id)


def listing(rig: Rig, parent: str) -> dict[str, dict[str, Any]]:
    found = rig.good("GET", FILES, None, {"parent_id": parent})["files"]
    return {item["name"]: item for item in found}


def test_a_magnet_becomes_a_folder_over_time(rig: Rig) -> None:
    rig.switch(offline_seconds=10)
    task = offline(rig, MAGNET, name=None, parent_id=None, folder_type="DOWNLOAD")
    assert (task["phase"], task["file_id"]) == ("PHASE_TYPE_PENDING", "")
    rig.world.advance(5)
    running = task_of(rig, task["id"])
    assert running["phase"] == "PHASE_TYPE_RUNNING"
    assert 45 <= running["progress"] <= 60
    pack = listing(rig, "")["My Pack"]
    placeholder = listing(rig, pack["id"])["Long ferry"]
    assert placeholder["phase"] == "PHASE_TYPE_RUNNING"
    rig.world.advance(5)
    done = task_of(rig, task["id"])
    assert (done["phase"], done["message"], done["progress"]) == (
        "PHASE_TYPE_COMPLETE",
        "Saved",
        100,
    )
    inside = listing(rig, placeholder["id"])
    assert set(inside) == {"Long ferry.mp4", "readme.txt", "extras"}
    assert set(listing(rig, inside["extras"]["id"])) == {"cover.png"}
    statuses = rig.good("GET", f"/drive/v1/task/{task['id']}/statuses")["statuses"]
    assert [item["file_name"] for item in statuses] == ["Long ferry.mp4", "readme.txt", "cover.png"]


def test_placement(rig: Rig) -> None:
    rig.switch(offline_seconds=0)
    folder = rig.mkdir("folder")
    single = f"magnet:?xt=urn:btih:{HASH}&dn=one.iso"
    for fields in ({"parent_id": folder, "folder_type": ""}, {}, {"folder_type": "DOWNLOAD"}):
        task_of(rig, offline(rig, single, **fields)["id"])
    assert set(listing(rig, folder)) == {"one.iso"}
    assert set(listing(rig, "")) == {"folder", "one.iso", "My Pack"}
    body = {
        "kind": "drive#file",
        "upload_type": "UPLOAD_TYPE_URL",
        "url": {"url": single},
        "parent_id": "VNnone",
    }
    assert rig.refused("POST", FILES, body) == (5, "space_folder_not_exist")


def test_http_addresses_are_really_fetched(rig: Rig) -> None:
    content = b"from the content host " * 1000
    link = rig.link(rig.put("origin.txt", content))
    folder = rig.mkdir("target")
    done = fetched(rig, offline(rig, link, parent_id=folder)["id"])
    assert (done["phase"], done["file_name"]) == ("PHASE_TYPE_COMPLETE", "origin.txt")
    assert rig.good("GET", f"{FILES}/{done['file_id']}")["size"] == str(len(content))
    named = fetched(rig, offline(rig, link, parent_id=folder, name="other.txt")["id"])
    assert set(listing(rig, folder)) == {"origin.txt", "other.txt"}
    again = rig.good("GET", f"{FILES}/{named['file_id']}")["web_content_link"]
    assert rig.send("GET", again).body == content


def test_foreign_and_failing_addresses_end_in_an_error(rig: Rig) -> None:
    foreign = fetched(rig, offline(rig, "http://192.0.2.1/secret.txt")["id"])
    missing = fetched(rig, offline(rig, rig.world.urls["pikpak.content"] + "/nothing")["id"])
    for task in (foreign, missing):
        assert (task["phase"], task["message"]) == ("PHASE_TYPE_ERROR", "Save failed, retry please")
    assert listing(rig, "") == {}


def test_refused_addresses(rig: Rig) -> None:
    for url, name in (
        ("ftp://example.org/x", "task_url_unsupported"),
        ("magnet:?xt=urn:btih:zzz", "task_url_resolve_error"),
        ("http://", "task_url_resolve_error"),
    ):
        body = {"kind": "drive#file", "upload_type": "UPLOAD_TYPE_URL", "url": {"url": url}}
        assert rig.refused("POST", FILES, body)[1] == name


def test_stuck_failed_and_retried(rig: Rig) -> None:
    rig.switch(offline="stuck")
    task = offline(rig, MAGNET)["id"]
    rig.world.advance(3600)
    stuck = task_of(rig, task)
    assert (stuck["phase"], stuck["progress"]) == ("PHASE_TYPE_RUNNING", 40)
    rig.switch(offline="error")
    assert task_of(rig, task)["phase"] == "PHASE_TYPE_ERROR"
    assert listing(rig, "") == {}
    rig.switch(offline="ok")
    retry = {"type": "offline", "create_type": "RETRY", "id": task}
    again = rig.good("POST", "/drive/v1/task", retry)["task"]
    assert (again["id"], again["phase"], again["params"]["retry_times"]) == (
        task,
        "PHASE_TYPE_PENDING",
        "1",
    )
    rig.world.advance(10)
    done = task_of(rig, task)
    assert done["phase"] == "PHASE_TYPE_COMPLETE"
    assert done["file_id"] not in ("", stuck["file_id"])
    assert rig.refused("POST", "/drive/v1/task", retry) == (3, "invalid_argument")


def test_configured_magnets(rig: Rig) -> None:
    rig.switch(
        offline_seconds=0,
        magnets={HASH: {"name": "mine", "files": {"a/b.txt": 10, "c.txt": 0}, "state": "ok"}},
    )
    node = task_of(rig, offline(rig, f"magnet:?xt=urn:btih:{HASH.upper()}")["id"])["file_id"]
    inside = listing(rig, node)
    assert (inside["c.txt"]["size"], list(listing(rig, inside["a"]["id"]))) == ("0", ["b.txt"])


def test_lists_of_tasks(rig: Rig) -> None:
    rig.switch(offline_seconds=10)
    first = offline(rig, MAGNET)["id"]
    rig.world.advance(11)
    second = offline(rig, MAGNET)["id"]
    query = {
        "type": "offline",
        "limit": "10000",
        "page_token": "",
        "filters": '{"phase": {"in": "PHASE_TYPE_PENDING,PHASE_TYPE_RUNNING,PHASE_TYPE_ERROR"}}',
        "with": "reference_resource",
    }
    assert [task["id"] for task in rig.good("GET", TASKS, None, query)["tasks"]] == [second]
    query["filters"] = "{}"
    shown = rig.good("GET", TASKS, None, query)["tasks"]
    assert [task["id"] for task in shown] == [second, first]
    assert shown[1]["reference_resource"]["name"] == "Long ferry"
    rig.good("DELETE", f"{FILES}/{shown[1]['file_id']}")
    gone = rig.good("GET", TASKS, None, query)["tasks"][1]
    assert (gone["phase"], gone["message"]) == ("PHASE_TYPE_ERROR", "File deleted")
    page = rig.good("GET", TASKS, None, {"limit": "1"})
    assert page["next_page_token"] == "1"
    assert rig.refused("GET", TASKS, filters='{"id":{"eq":"x"}}') == (3, "invalid_argument")


@pytest.mark.parametrize("way", ["repeated", "commas", "single"])
def test_tasks_are_deleted_in_every_form(rig: Rig, way: str) -> None:
    rig.switch(offline_seconds=10)
    ids = [offline(rig, MAGNET)["id"] for _ in range(2)]
    rig.world.advance(5)
    assert len(listing(rig, "")) == 2
    flag = ("delete_files", "false")
    if way == "repeated":
        rig.good("DELETE", TASKS, None, [*(("task_ids", item) for item in ids), flag])
    elif way == "commas":
        rig.good("DELETE", TASKS, None, [("task_ids", ",".join(ids)), flag])
    else:
        for item in ids:
            rig.good("DELETE", TASKS, None, [("task_ids", item), flag])
    assert rig.good("GET", TASKS)["tasks"] == []
    # Unfinished ones lose their placeholder whatever the flag says.
    assert listing(rig, "") == {}


def test_deleting_a_finished_task_keeps_or_trashes_its_files(rig: Rig) -> None:
    rig.switch(offline_seconds=0)
    for flag, left in (("false", {"Long ferry"}), ("true", {"Long ferry"})):
        task = task_of(rig, offline(rig, MAGNET)["id"])
        rig.good("DELETE", TASKS, None, {"task_ids": task["id"], "delete_files": flag})
        assert set(rig.names()) == left
    body = {"type": "offline", "phases": ["PHASE_TYPE_COMPLETE"], "delete_files": False}
    task_of(rig, offline(rig, MAGNET)["id"])
    rig.good("POST", f"{TASKS}:clear", body)
    assert rig.good("GET", TASKS)["tasks"] == []


def test_daily_limit(rig: Rig) -> None:
    rig.switch(daily_tasks=1, vip=False)
    offline(rig, MAGNET)
    shown = rig.good("GET", "/drive/v1/about")["quotas"]["cloud_download"]
    assert (shown["limit"], shown["usage"]) == ("1", "1")
    body = {"kind": "drive#file", "upload_type": "UPLOAD_TYPE_URL", "url": {"url": MAGNET}}
    assert rig.refused("POST", FILES, body) == (11, "task_daily_create_limit")
    rig.switch(vip=True)
    assert rig.refused("POST", FILES, body) == (11, "task_daily_create_limit_vip")
    rig.world.advance(86401)
    rig.token = ""
    offline(rig, MAGNET)


def test_previews(rig: Rig) -> None:
    def look(url: str) -> dict[str, Any]:
        body = {"urls": url, "page_size": 500, "thumbnail_type": "FROM_HASH"}
        found = rig.good("POST", "/drive/v1/resource/list", body)["list"]["resources"]
        row: dict[str, Any] = found[0]
        return row

    unknown = look(f"magnet:?xt=urn:btih:{HASH}")
    assert (unknown["name"], unknown["file_size"], unknown["meta"]) == (HASH, "0", {})
    known = look(MAGNET)
    assert known["is_dir"]
    rig.switch(offline_seconds=0)
    folder = task_of(rig, offline(rig, MAGNET)["id"])["file_id"]
    told = {row["name"]: row["meta"]["hash"] for row in known["dir"]["resources"]}
    assert told["readme.txt"] == listing(rig, folder)["readme.txt"]["hash"]


def test_lookup_by_samples(rig: Rig) -> None:
    rig.put("hello", "hello")
    query = {"cid": "AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D", "file_size": "5"}
    gcid = "6B4F89A54E2D27ECD7E8DA05B4AB8FD9D1D8B119"
    assert rig.good("GET", "/drive/v1/resource/cid", None, query) == {"gcid": gcid}
    query["file_size"] = "6"
    assert rig.good("GET", "/drive/v1/resource/cid", None, query) == {"gcid": ""}
    assert rig.refused("GET", "/drive/v1/resource/cid", cid="A", file_size="0")[0] == 400


def share(rig: Rig, ids: list[str], **fields: object) -> dict[str, Any]:
    body = {
        "file_ids": ids,
        "share_to": "publiclink",
        "expiration_days": -1,
        "pass_code_option": "NOT_REQUIRED",
        **fields,
    }
    made: dict[str, Any] = rig.good("POST", "/drive/v1/share", body)
    return made


def test_a_share_is_read_without_an_account_and_saved_by_another(rig: Rig) -> None:
    folder = rig.mkdir("folder")
    node = rig.put("folder/a.txt", "hello")
    made = share(rig, [folder], pass_code_option="REQUIRED", share_to="encryptedlink")
    base = rig.world.urls["pikpak.drive"] + "/drive/v1/share"
    who = {"X-Device-Id": DEVICE, "X-Client-Id": WEB}
    key = f"?share_id={made['share_id']}"
    assert rig.send("GET", base + key).json()["error"] == "captcha_invalid"
    assert rig.send("GET", base + key, None, who).json()["share_status"] == "PASS_CODE_EMPTY"
    wrong = rig.send("GET", f"{base}{key}&pass_code=nope", None, who).json()
    assert wrong["share_status"] == "PASS_CODE_ERROR"
    opened = rig.send("GET", f"{base}{key}&pass_code={made['pass_code']}", None, who).json()
    assert [item["name"] for item in opened["files"]] == ["folder"]
    token = opened["pass_code_token"]
    inside = f"{base}/detail{key}&parent_id={folder}&pass_code_token={quote(token)}"
    assert [item["name"] for item in rig.send("GET", inside, None, who).json()["files"]] == [
        "a.txt"
    ]
    info = f"{base}/file_info{key}&file_id={node}&pass_code_token={quote(token)}"
    link = rig.send("GET", info, None, who).json()["file_info"]["web_content_link"]
    assert rig.send("GET", link).body == b"hello"
    save = {"share_id": made["share_id"], "pass_code_token": token, "file_ids": [node]}
    path = "/drive/v1/share/restore"
    assert rig.refused("POST", path, save) == (9, "file_restore_own")

    rig.service.account("other@example.com", "pw")
    granted = rig.service.admin("add_tokens", {"username": "other@example.com"})
    assert isinstance(granted, dict)
    rig.token = granted["access_token"]
    target = rig.mkdir("mine")
    started = rig.good("POST", path, {**save, "parent_id": target, "specify_parent_id": True})
    assert task_of(rig, started["restore_task_id"])["phase"] == "PHASE_TYPE_COMPLETE"
    saved = listing(rig, target)["a.txt"]
    assert saved["params"]["original_file_id"] == node
    rig.good("POST", path, save)
    assert "Pack From Shared" in listing(rig, "")
    events = rig.good("GET", "/drive/v1/events", None, {"limit": "1"})
    assert events["events"][0]["type"] == "TYPE_RESTORE"
    more = {"limit": "1", "page_token": events["next_page_token"]}
    assert len(rig.good("GET", "/drive/v1/events", None, more)["events"]) == 1


def test_shares_expire_and_are_revoked(rig: Rig) -> None:
    node = rig.put("a.txt", "hello")
    made = share(rig, [node], expiration_days=2)
    other = share(rig, [node])
    rows = rig.good("GET", "/drive/v1/share/list", None, {"limit": "1"})
    assert (rows["data"][0]["share_id"], rows["next_page_token"]) == (other["share_id"], "1")
    rig.world.advance(2 * 86400 + 1)
    rig.token = ""
    key = {"share_id": made["share_id"]}
    assert rig.good("GET", "/drive/v1/share", None, key)["share_status"] == "EXPIRED"
    rig.good("POST", "/drive/v1/share:batchDelete", {"ids": [other["share_id"]]})
    key = {"share_id": other["share_id"]}
    assert rig.good("GET", "/drive/v1/share", None, key)["share_status"] == "DELETED"
    page = rig.send("GET", other["share_url"])
    assert page.status == 404


def extract(rig: Rig, node: str, **fields: object) -> dict[str, Any]:
    shown = rig.good("GET", f"{FILES}/{node}")
    body = {"gcid": shown["hash"], "file_id": node, "default_parent": True, **fields}
    answer: dict[str, Any] = rig.good("POST", "/decompress/v1/decompress", body)
    return answer


def test_zip_files_are_extracted_beside_themselves(rig: Rig) -> None:
    folder = rig.mkdir("folder")
    node = rig.put("folder/project.zip", archive())
    rig.switch(decompress_seconds=10)
    answer = extract(rig, node)
    assert (answer["status"], answer["files_num"]) == ("OK", 3)
    rig.world.advance(4)
    query = {"task_id": answer["task_id"]}
    half = rig.good("GET", "/decompress/v1/progress", None, query)
    assert (half["phase"], half["progress"]) == ("PHASE_TYPE_RUNNING", 40)
    rig.world.advance(6)
    done = rig.good("GET", "/decompress/v1/progress", None, query)
    assert (done["phase"], done["expires_in"]) == ("PHASE_TYPE_COMPLETE", 999)
    top = listing(rig, folder)["project"]
    inside = listing(rig, listing(rig, top["id"])["project"]["id"])
    assert set(inside) == {"readme.txt", "data", "picture.png"}
    assert rig.refused("GET", "/decompress/v1/progress", task_id="x") == (3, "invalid_argument")


def test_selected_entries_go_where_they_are_told(rig: Rig) -> None:
    rig.switch(decompress_seconds=0)
    node = rig.put("project.zip", archive())
    target = rig.mkdir("target")
    chosen = {"files": [{"path": "project/data/"}], "default_parent": False, "parent_id": target}
    assert extract(rig, node, **chosen)["files_num"] == 1
    top = listing(rig, target)["project"]
    inner = listing(rig, listing(rig, top["id"])["project"]["id"])
    assert set(inner) == {"data"}


def test_passwords_of_archives(rig: Rig) -> None:
    rig.switch(decompress_seconds=0)
    node = rig.put("locked.zip", archive(ZIP_PASSWORD))
    assert extract(rig, node)["status"] == "PASS_WORD_EMPTY"
    assert extract(rig, node, password="wrong")["status"] == "PASS_WORD_ERROR"
    assert extract(rig, node, password=ZIP_PASSWORD)["status"] == "OK"
    assert "locked" in rig.names(ROOT)


def test_looking_into_an_archive(rig: Rig) -> None:
    node = rig.put("project.zip", archive())
    gcid = rig.good("GET", f"{FILES}/{node}")["hash"]

    def look(path: str) -> list[tuple[str, str]]:
        body = {"gcid": gcid, "path": path, "file_id": node, "password": ""}
        found = rig.good("POST", "/decompress/v1/list", body)
        return [(item["path"], item["kind"]) for item in found["files"]]

    assert look("") == [("project/", "drive#folder")]
    assert look("project/data/") == [("project/data/numbers.csv", "drive#file")]


def test_unreadable_formats(rig: Rig) -> None:
    for name, status in (("a.rar", "E_INVALID_FORMAT"), ("a.part1.zip", "INVALID_FILE_FORMAT")):
        assert extract(rig, rig.put(name, "no archive"))["status"] == status
    node = rig.put("a.tar", "x")
    gcid = rig.good("GET", f"{FILES}/{node}")["hash"]
    body = {"gcid": gcid, "file_id": node, "default_parent": True}
    assert rig.drive("POST", "/decompress/v1/decompress", body).status == 500
