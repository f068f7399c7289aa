"""Public links and archives against the sandbox."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import pytest

from cloudtui.services.errors import (
    Denied,
    Full,
    NotFound,
    NotSupported,
    PasswordNeeded,
    Refused,
)
from cloudtui.services.models import Kind, Location, Secret, Share
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.shares import SHARE
from tests.pikpak.stage import ROOT, Stage


async def shares(stage: Stage) -> list[Share]:
    return [share async for page in stage.storage.scan_shares() for share in page]


async def test_links_are_made_listed_and_taken_back(stage: Stage) -> None:
    await stage.put(b"x", "file: a")
    item = await stage.storage.stat(ROOT.child("file: a"))
    plain = await stage.storage.share(item)
    assert "/s/" in plain.url
    assert not plain.protected
    assert plain.expires_ns is None
    guarded = await stage.storage.share(item, days=7, password=Secret("code"))
    assert guarded.password == Secret("code")
    assert guarded.created_ns is not None
    assert guarded.expires_ns == guarded.created_ns + 7 * 86_400 * 1_000_000_000
    listed = {share.id: share for share in await shares(stage)}
    assert set(listed) == {plain.id, guarded.id}
    assert listed[guarded.id].protected
    assert listed[guarded.id].expires_ns
    assert not listed[plain.id].protected
    assert listed[plain.id].name == "file: a"
    await stage.storage.unshare([guarded.id])
    await stage.storage.unshare([guarded.id])
    assert [share.id for share in await shares(stage)] == [plain.id]


async def test_what_a_link_cannot_be_limited_by_is_said(stage: Stage) -> None:
    await stage.put(b"x", "file")
    item = await stage.storage.stat(ROOT.child("file"))
    with pytest.raises(NotSupported):
        await stage.storage.share(item, most_downloads=3)
    assert await shares(stage) == []


# --- changing a link that is there -----------------------------------------------------------


async def link(stage: Stage, password: str = "", days: int | None = None) -> Share:
    await stage.put(b"x", "file")
    item = await stage.storage.stat(ROOT.child("file"))
    made = await stage.storage.share(item, days=days, password=Secret(password))
    return next(share for share in await shares(stage) if share.id == made.id)


async def opens(stage: Stage, share: Share, code: str = "") -> bool:
    """Whether the page opens for others."""
    query = (("share_id", share.id), ("pass_code", code))
    page = await stage.storage.api.call(wire.OpenedShare, "GET", SHARE, query=query)
    return page.share_status == "OK"


@pytest.mark.parametrize("hidden", [False, True])
async def test_another_pass_code(stage: Stage, hidden: bool) -> None:
    stage.switch(share_codes_hidden=hidden)
    share = await link(stage, "first1", days=7)
    changed = await stage.storage.change_share(share, password=Secret("second2"))
    assert (changed.id, changed.url, changed.protected) == (share.id, share.url, True)
    assert changed.password == Secret("second2")
    assert changed.expires_ns == share.expires_ns
    assert not await opens(stage, share, "first1")
    assert await opens(stage, share, "second2")
    free = await stage.storage.change_share(share, password=Secret(""))
    assert (free.protected, free.password) == (False, None)
    assert await opens(stage, share)
    guarded = await stage.storage.change_share(share, password=Secret("third3"))
    assert guarded.protected
    assert not await opens(stage, share)


async def test_another_end(stage: Stage) -> None:
    share = await link(stage, "code", days=7)
    longer = await stage.storage.change_share(share, days=30)
    assert longer.created_ns is not None
    assert longer.expires_ns == longer.created_ns + 30 * 86_400 * 1_000_000_000
    assert longer.password == Secret("code")
    assert (await stage.storage.change_share(share, days=0)).expires_ns is None
    with pytest.raises(NotSupported):
        await stage.storage.change_share(share, most_downloads=3)


@pytest.mark.parametrize(
    "wish", [{"password": Secret("new1")}, {"password": Secret("")}, {"days": 3}]
)
async def test_a_change_that_was_not_made_is_told(stage: Stage, wish: dict[str, Any]) -> None:
    share = await link(stage, "code")
    stage.switch(share_edit="ignored")
    with pytest.raises(Refused, match="left the link to file as it was") as caught:
        await stage.storage.change_share(share, **wish)
    assert "new1" not in f"{caught.value} {caught.value.hint}"
    assert await opens(stage, share, "code")
    stage.switch(share_codes_hidden=True)
    with pytest.raises(Refused, match="left the link"):
        await stage.storage.change_share(share, **wish)
    stage.switch(share_edit="refused")
    with pytest.raises(Denied):
        await stage.storage.change_share(share, **wish)


async def test_where_links_cannot_be_changed_nobody_is_told_they_are_gone(stage: Stage) -> None:
    share = await link(stage)
    stage.admin.fault(listener="pikpak.drive", match=f"PATCH {SHARE}", kind="status", code=404)
    with pytest.raises(NotSupported, match="does not change the link to file"):
        await stage.storage.change_share(share, days=3)


async def test_a_link_that_is_gone_is_not_changed(stage: Stage) -> None:
    share = await link(stage)
    await stage.storage.unshare([share.id])
    with pytest.raises(NotFound):
        await stage.storage.change_share(share, password=Secret("code"))


async def test_what_is_told_of_a_link(stage: Stage) -> None:
    share = await link(stage, "code", days=7)
    assert (share.views, share.downloads, share.files, share.size) == (0, 0, 1, 1)
    assert await opens(stage, share, "code")
    [again] = await shares(stage)
    assert again.views == 1
    assert "code" not in repr(again)


def archive() -> str:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        packed.writestr("a.txt", "hello")
        packed.writestr("sub/b.txt", "world")
    return base64.b64encode(raw.getvalue()).decode()


async def planted(stage: Stage, path: str = "/stuff.zip", content: str = "") -> None:
    stage.admin.order(
        "pikpak", "put", username=stage.username, path=path, base64=content or archive()
    )


async def test_looking_into_an_archive(stage: Stage) -> None:
    await planted(stage)
    item = await stage.storage.stat(ROOT.child("stuff.zip"))
    top = {entry.path: entry for entry in await stage.storage.list_archive(item)}
    assert set(top) == {"a.txt", "sub"}
    assert top["sub"].kind is Kind.FOLDER
    assert top["a.txt"].size == 5
    inner = await stage.storage.list_archive(item, inside="sub")
    assert [entry.path for entry in inner] == ["sub/b.txt"]


@pytest.mark.parametrize("delete", [False, True])
async def test_unpacking_waits_for_the_end(stage: Stage, delete: bool) -> None:
    stage.switch(decompress_seconds=0.2)
    await planted(stage)
    item = await stage.storage.stat(ROOT.child("stuff.zip"))
    told: list[int] = []
    done = await stage.storage.extract(item, delete_source=delete, on_progress=told.append)
    assert (done.decompressed, done.source_deleted, done.errors) == (1, int(delete), 0)
    assert told[-1] == 100
    assert done.into is not None
    assert await stage.read(Location("pk", ("stuff", "sub", "b.txt"))) == b"world"
    assert ("stuff.zip" in await stage.names()) is not delete


async def test_unpacking_elsewhere(stage: Stage) -> None:
    stage.switch(decompress_seconds=0)
    await planted(stage)
    folder = await stage.storage.mkdir(ROOT, "there")
    item = await stage.storage.stat(ROOT.child("stuff.zip"))
    done = await stage.storage.extract(item, ROOT.child("there", folder.id))
    assert done.into is not None
    assert done.into.parts[0] == "there"
    assert await stage.read(Location("pk", ("there", "stuff", "a.txt"))) == b"hello"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("PASS_WORD_EMPTY", PasswordNeeded),
        ("PASS_WORD_ERROR", PasswordNeeded),
        ("NEED_MORE_QUOTA", Full),
        ("INVALID_FILE_FORMAT", Refused),
        ("E_INVALID_FORMAT", Refused),
    ],
)
async def test_what_goes_wrong_is_told(stage: Stage, status: str, kind: type) -> None:
    await planted(stage)
    stage.switch(decompress_status=status)
    item = await stage.storage.stat(ROOT.child("stuff.zip"))
    with pytest.raises(kind):
        await stage.storage.extract(item, delete_source=True)
    assert await stage.names() == ["stuff.zip"]


async def test_no_archive_and_tar_are_refused(stage: Stage) -> None:
    await planted(stage, "/not.zip", base64.b64encode(b"no archive").decode())
    await planted(stage, "/a.tar.gz")
    with pytest.raises(Refused):
        await stage.storage.extract(await stage.storage.stat(ROOT.child("not.zip")))
    with pytest.raises(NotSupported, match="tar"):
        await stage.storage.extract(await stage.storage.stat(ROOT.child("a.tar.gz")))
