"""Every list of PikPak is followed to its end; one that has none is told, not cut."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudtui.services.accounts import Account
from cloudtui.services.errors import BadReply
from cloudtui.services.pikpak.storage import PikPakStorage
from tests.pikpak.stage import FAST, ROOT, Canned, keys_in

Scan = Callable[[PikPakStorage], AsyncIterator[Sequence[Any]]]
LISTS: dict[str, tuple[str, dict[str, Any], Scan]] = {
    "folder": (
        "files",
        {"kind": "drive#file", "phase": "PHASE_TYPE_COMPLETE"},
        lambda storage: storage.scan(ROOT),
    ),
    "trash": ("files", {"trashed": True}, lambda storage: storage.scan_trash()),
    "tasks": ("tasks", {"phase": "PHASE_TYPE_ERROR"}, lambda storage: storage.scan_offline()),
    "shares": ("data", {"share_url": "https://x/s/1"}, lambda storage: storage.scan_shares()),
}


def place(tmp_path: Path, which: str, following: dict[str, str], empty: str) -> PikPakStorage:
    """An account whose list `which` goes from token to token as told; the page of the token `empty`
    holds nothing."""
    key, row, _ = LISTS[which]

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "a", "expires_in": 7200})
        if request.url.path.endswith("/init"):
            return httpx.Response(200, json={"captcha_token": "ck", "expires_in": 300})
        token = request.url.params["page_token"]
        one = {**row, "id": f"id{token}", "name": f"name{token}", "share_id": f"id{token}"}
        rows = [] if token == empty else [one]
        return httpx.Response(200, json={key: rows, "next_page_token": following[token]})

    keys = keys_in(tmp_path, {"CLOUDTUI_ACCOUNT__PK__TOKEN": "os.seed"})
    return PikPakStorage(Account("pk", "pikpak", {}), keys, Canned(handler), FAST)


@pytest.mark.parametrize("which", LISTS)
async def test_an_empty_page_does_not_end_a_list(tmp_path: Path, which: str) -> None:
    storage = place(tmp_path, which, {"": "1", "1": "2", "2": ""}, empty="1")
    rows = [row async for page in LISTS[which][2](storage) for row in page]
    assert len(rows) == 2
    await storage.close()


@pytest.mark.parametrize("which", LISTS)
async def test_a_list_in_circles_is_told(tmp_path: Path, which: str) -> None:
    storage = place(tmp_path, which, {"": "1", "1": "2", "2": "1"}, empty="none")
    with pytest.raises(BadReply, match="in circles"):
        async for _ in LISTS[which][2](storage):
            pass
    await storage.close()
