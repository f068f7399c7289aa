"""Public links of the sandbox: changed by their owner, read by others by token and ancestors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.pikpak_rig import Rig

SHARE = "/drive/v1/share"
OTHER = "other@example.com"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def share(rig: Rig, node: str, **fields: object) -> dict[str, Any]:
    body = {"file_ids": [node], "share_to": "publiclink", "expiration_days": -1, **fields}
    made: dict[str, Any] = rig.good("POST", SHARE, body)
    return made


def row(rig: Rig) -> dict[str, Any]:
    """The only link of the account, as its list tells it."""
    (found,) = rig.good("GET", f"{SHARE}/list")["data"]
    assert isinstance(found, dict)
    return found


def status(rig: Rig, share_id: str, **query: str) -> str:
    opened = rig.good("GET", SHARE, None, {"share_id": share_id, **query})
    return str(opened["share_status"])


def somebody_else(rig: Rig) -> None:
    """From now on calls come from another account."""
    rig.service.account(OTHER, "pw")
    granted = rig.service.admin("add_tokens", {"username": OTHER})
    assert isinstance(granted, dict)
    rig.token = granted["access_token"]


def test_a_link_gets_another_pass_code_and_end(rig: Rig) -> None:
    key = {"share_id": share(rig, rig.put("a", "x"))["share_id"]}
    rig.good("PATCH", SHARE, {**key, "pass_code_option": "REQUIRED", "custom_pass_code": "c0de"})
    told = row(rig)
    assert (told["pass_code"], told["share_to"]) == ("c0de", "encryptedlink")
    assert status(rig, key["share_id"]) == "PASS_CODE_EMPTY"
    assert status(rig, key["share_id"], pass_code="c0de") == "OK"
    rig.good("PATCH", SHARE, {**key, "expiration_days": 3})
    told = row(rig)
    assert (told["pass_code"], told["expiration_days"]) == ("c0de", "3")
    assert told["expiration_at"]
    made_up = rig.good("PATCH", SHARE, {**key, "pass_code_option": "REQUIRED"})["pass_code"]
    assert len(made_up) == 4
    rig.switch(share_codes_hidden=True)
    assert row(rig)["pass_code"] == ""
    rig.good("PATCH", SHARE, {**key, "pass_code_option": "NOT_REQUIRED"})
    assert row(rig)["share_to"] == "publiclink"
    assert status(rig, key["share_id"]) == "OK"


def test_a_change_is_ignored_or_refused_by_switch_and_for_others(rig: Rig) -> None:
    key = {"share_id": share(rig, rig.put("a", "x"))["share_id"]}
    wish = {**key, "pass_code_option": "REQUIRED", "custom_pass_code": "c0de"}
    rig.switch(share_edit="ignored")
    rig.good("PATCH", SHARE, wish)
    assert row(rig)["pass_code"] == ""
    rig.switch(share_edit="refused")
    assert rig.refused("PATCH", SHARE, wish) == (7, "permission_denied")
    rig.switch(share_edit="ok")
    somebody_else(rig)
    assert rig.refused("PATCH", SHARE, wish) == (5, "not_found")


def test_the_token_of_a_page_ends(rig: Rig) -> None:
    folder = rig.mkdir("folder")
    rig.put("folder/a", "x")
    key = {"share_id": share(rig, folder)["share_id"]}
    rig.switch(share_token_seconds=60)
    token = rig.good("GET", SHARE, None, key)["pass_code_token"]
    inside = {**key, "parent_id": folder, "pass_code_token": token}
    assert rig.good("GET", f"{SHARE}/detail", None, inside)["share_status"] == "OK"
    rig.world.advance(61)
    for path in ("detail", "file_info"):
        query = {**inside, "file_id": folder}
        assert rig.good("GET", f"{SHARE}/{path}", None, query)["share_status"] == "PASS_CODE_ERROR"
    fresh = rig.good("GET", SHARE, None, key)["pass_code_token"]
    assert fresh != token
    inside["pass_code_token"] = fresh
    assert rig.good("GET", f"{SHARE}/detail", None, inside)["share_status"] == "OK"


def test_parts_are_saved_with_their_ancestors_by_switch(rig: Rig) -> None:
    folder, node = rig.mkdir("folder"), rig.put("folder/sub/a", "x")
    made = rig.service.admin("share", {"paths": ["/folder"], "pass_code": "c0de"})
    assert isinstance(made, dict)
    sub = rig.good("GET", f"/drive/v1/files/{node}")["parent_id"]
    assert rig.send("GET", f"{made['url']}/{sub}").status == 200
    somebody_else(rig)
    key = {"share_id": made["id"]}
    token = rig.good("GET", SHARE, None, {**key, "pass_code": "c0de"})["pass_code_token"]
    wish = {**key, "pass_code_token": token, "file_ids": [node], "parent_id": ""}
    wish["specify_parent_id"] = True
    rig.switch(share_ancestors=True)
    for wrong in ([], [sub], [sub, folder]):
        refused = rig.refused("POST", f"{SHARE}/restore", {**wish, "ancestor_ids": wrong})
        assert refused == (5, "file_not_found")
    right = {**wish, "ancestor_ids": [folder, sub]}
    assert rig.good("POST", f"{SHARE}/restore", right)["restore_status"] == "RESTORE_START"
    assert rig.names() == ["a"]


def test_a_save_fails_half_way_by_switch(rig: Rig) -> None:
    rig.put("a", "x")
    rig.put("b", "y")
    made = rig.service.admin("share", {"paths": ["/a", "/b"]})
    assert isinstance(made, dict)
    somebody_else(rig)
    rig.switch(save_fails=1)
    token = rig.good("GET", SHARE, None, {"share_id": made["id"]})["pass_code_token"]
    wish = {"share_id": made["id"], "pass_code_token": token}
    wish |= {"parent_id": "", "specify_parent_id": "true"}
    started = rig.good("POST", f"{SHARE}/restore", wish)["restore_task_id"]
    assert rig.good("GET", f"/drive/v1/tasks/{started}")["phase"] == "PHASE_TYPE_ERROR"
    assert rig.names() == ["a"]
    with pytest.raises(LookupError):
        rig.service.admin("share", {"paths": ["/nothing"]})
