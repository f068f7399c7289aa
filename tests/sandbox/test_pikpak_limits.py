"""Limits of the service, and how late it tells the truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.pikpak_rig import DEVICE, WEB, Rig

FILES = "/drive/v1/files"
HASH = "0123456789abcdef0123456789abcdef01234567"
MAGNET = f"magnet:?xt=urn:btih:{HASH}&dn=Long%20ferry"
MIB = 1024 * 1024


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def upload(name: str, size: int = 5) -> dict[str, object]:
    return {
        "kind": "drive#file",
        "name": name,
        "size": size,
        "upload_type": "UPLOAD_TYPE_RESUMABLE",
    }


def offline(url: str) -> dict[str, object]:
    return {"kind": "drive#file", "upload_type": "UPLOAD_TYPE_URL", "url": {"url": url}}


def test_uploads_of_a_day_have_a_limit_too(rig: Rig) -> None:
    rig.switch(daily_uploads=1)
    rig.good("POST", FILES, upload("a"))
    assert rig.refused("POST", FILES, upload("b")) == (11, "task_daily_create_limit_vip")
    rig.world.advance(86401)
    rig.token = ""
    rig.good("POST", FILES, upload("b"))


def test_a_magnet_of_too_many_files_is_refused(rig: Rig) -> None:
    files = {f"{number}.txt": 1 for number in range(3)}
    rig.switch(sub_tasks=2, magnets={HASH: {"name": "many", "files": files}})
    assert rig.refused("POST", FILES, offline(MAGNET)) == (11, "task_sub_task_num_limit")
    rig.switch(sub_tasks=3)
    rig.good("POST", FILES, offline(MAGNET))


def test_running_downloads_have_a_limit(rig: Rig) -> None:
    rig.switch(running_tasks=1)
    rig.good("POST", FILES, offline(MAGNET))
    assert rig.refused("POST", FILES, offline(MAGNET)) == (11, "task_run_nums_limit")
    rig.world.advance(10)
    rig.good("POST", FILES, offline(MAGNET))


def test_lives_of_what_is_handed_out(rig: Rig) -> None:
    rig.switch(access_seconds=60, captcha_seconds=30, link_seconds=40, trash_days=1)
    captcha = rig.captcha()
    assert (captcha["expires_in"], rig.sign_in().json()["expires_in"]) == (30, 60)
    link = rig.link(rig.put("a", "hello"))
    rig.good("POST", f"{FILES}:batchTrash", {"ids": [rig.put("b", "x")]})
    rig.world.advance(31)
    assert rig.sign_in(captcha=captcha["captcha_token"]).json()["error_code"] == 4002
    assert rig.send("GET", link).status == 200
    rig.world.advance(10)
    assert rig.send("GET", link).status == 403
    rig.world.advance(20)
    assert rig.refused("GET", "/drive/v1/about") == (16, "unauthenticated")
    rig.world.advance(86400)
    rig.token = ""
    assert rig.names("*", trashed={"eq": True}) == []


def test_a_closed_method_and_a_captcha_token_that_ends_early(rig: Rig) -> None:
    rig.good("GET", "/drive/v1/about")
    captcha = {"X-Captcha-Token": rig.captcha()["captcha_token"]}
    assert rig.drive("GET", "/drive/v1/about", headers=captcha).status == 200
    rig.world.faults.add({"kind": "expire_captcha", "listener": "pikpak.drive"})
    rig.world.faults.add({"kind": "refuse", "match": "GET /drive/v1/privilege/*", "times": -1})
    for _ in range(2):
        answer = rig.drive("GET", "/drive/v1/about", headers=captcha)
        assert answer.json()["error"] == "captcha_invalid"
        refused = rig.refused("GET", "/drive/v1/privilege/vip")
        assert refused == (7, "permission_denied")


def test_a_share_in_any_state(rig: Rig) -> None:
    body = {"file_ids": [rig.put("a", "x")], "share_to": "publiclink"}
    key = {"share_id": rig.good("POST", "/drive/v1/share", body)["share_id"]}
    for status in ("AUDITING", "SENSITIVE_RESOURCE", "PROHIBITED"):
        rig.switch(share_status=status)
        opened = rig.good("GET", "/drive/v1/share", None, key)
        assert (opened["share_status"], opened["files"]) == (status, [])
    rig.switch(share_status=None)
    assert rig.good("GET", "/drive/v1/share", None, key)["share_status"] == "OK"


def test_an_archive_that_is_still_on_its_way(rig: Rig) -> None:
    node = rig.good("POST", FILES, upload("a.zip"))["file"]["id"]
    body = {"file_id": node, "default_parent": True}
    assert rig.refused("POST", "/decompress/v1/decompress", body) == (9, "file_not_complete")


def test_what_is_known_may_come_without_a_task(rig: Rig) -> None:
    rig.switch(offline_task=False)
    answer = rig.good("POST", FILES, offline(MAGNET))
    assert (answer["task"], answer["file"]["name"]) == (None, "Long ferry")
    assert rig.names() == ["Long ferry"]
    assert rig.good("GET", "/drive/v1/tasks")["tasks"] == []
    unknown = rig.good("POST", FILES, offline(f"magnet:?xt=urn:btih:{HASH[::-1]}"))
    assert unknown["task"]["phase"] == "PHASE_TYPE_PENDING"


def test_signing_in_too_often(rig: Rig) -> None:
    token = rig.captcha()["captcha_token"]
    rig.switch(too_frequent="signin")
    refused = rig.sign_in(captcha=token).json()
    assert (refused["error_code"], "too frequent" in refused["error_description"]) == (4002, True)
    rig.switch(too_frequent="init")
    assert rig.captcha()["error_code"] == 10


def test_all_links_of_an_account_share_a_number_of_connections(rig: Rig) -> None:
    links = [
        rig.link(rig.put(name, content)) for name, content in (("a", b"a" * 4 * MIB), ("b", b"b"))
    ]
    rig.switch(account_connections=1)
    with rig.held(links[0]):
        assert rig.send("GET", links[1]).status == 503
        rig.switch(account_connections=2)
        assert rig.send("GET", links[1]).status == 200


def test_downloads_count(rig: Rig) -> None:
    link = rig.link(rig.put("a", "hello world"))
    rig.send("HEAD", link)
    rig.send("GET", link, None, {"Range": "bytes=6-"})
    base = rig.good("GET", "/vip/v1/quantity/list", None, {"type": "transfer"})["base"]
    assert base["download"]["assets"] == 5


def test_space_may_be_told_late(rig: Rig) -> None:
    def used() -> str:
        return str(rig.good("GET", "/drive/v1/about")["quota"]["usage"])

    rig.put("a", "12345")
    assert used() == "5"
    rig.switch(usage_lag=600)
    node = rig.put("b", "123")
    assert used() == "5"
    rig.world.advance(601)
    assert used() == "8"
    rig.good("DELETE", f"{FILES}/{node}")
    assert used() == "8"
    rig.switch(usage_lag=0)
    assert used() == "5"


def test_a_hash_may_change_later(rig: Rig) -> None:
    node = rig.put("a", "hello")
    told = rig.good("GET", f"{FILES}/{node}")["hash"]
    rig.switch(hash_drift=600)
    assert rig.good("GET", f"{FILES}/{node}")["hash"] == told
    rig.world.advance(600)
    drifted = rig.good("GET", f"{FILES}/{node}")["hash"]
    assert drifted != told
    assert len(drifted) == 40


def test_an_init_without_who_or_sign_is_refused(rig: Rig) -> None:
    body = {"action": "GET:/drive/v1/files", "client_id": WEB, "device_id": DEVICE, "meta": {}}
    answer = rig.user("POST", "/v1/shield/captcha/init", body)
    assert (answer.status, answer.json()["error_code"]) == (400, 4002)
