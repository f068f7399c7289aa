"""Looking into the shares of others: folders, sizes, pages, pass codes, single files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from cloudtui.services.errors import Ambiguous, CloudError, NotFound, PasswordNeeded, Refused
from cloudtui.services.models import Kind, Secret
from cloudtui.services.pikpak import opened, wire
from cloudtui.services.pikpak.client import FILES
from cloudtui.services.pikpak.opened import share_link
from cloudtui.services.shares import SharedItem, ShareLink, found_in, without_code
from tests.pikpak.stage import ROOT, Stage, staged
from tests.sandbox_process import SandboxProcess


@pytest.fixture
async def other(sandbox: SandboxProcess, tmp_path: Path, username: str) -> AsyncIterator[Stage]:
    """Somebody else, who shows `top/sub/deep.txt`, `top/a.txt` and a twin of it."""
    async with staged(sandbox, tmp_path / "other", f"other-{username}") as stage:
        at = ROOT.child("top", (await stage.storage.mkdir(ROOT, "top")).id)
        sub = await stage.storage.mkdir(at, "sub")
        await stage.put(b"deep: one", "deep: one", at.child("sub", sub.id))
        await stage.put(b"first", "a.txt", at)
        yield stage


async def link_to(other: Stage, code: str = "") -> ShareLink:
    item = await other.storage.stat(ROOT.child("top"))
    made = await other.storage.share(item, password=Secret(code) if code else None)
    link = other.storage.share_link(made.url)
    assert link is not None
    return link


async def look(stage: Stage, link: ShareLink, folder: SharedItem | None = None) -> list[SharedItem]:
    return [item async for page in stage.storage.scan_share(link, folder) for item in page]


async def test_folders_are_entered(stage: Stage, other: Stage) -> None:
    link = await link_to(other)
    [top] = await look(stage, link)
    assert (top.entry.name, top.entry.kind, top.parts) == ("top", Kind.FOLDER, ("top",))
    inner = {item.entry.name: item for item in await look(stage, link, top)}
    assert set(inner) == {"sub", "a.txt"}
    assert inner["a.txt"].entry.size == 5
    assert inner["a.txt"].entry.hash
    assert inner["sub"].above == (top.entry.id,)
    [deep] = await look(stage, link, inner["sub"])
    assert deep.parts == ("top", "sub", "deep: one")
    assert deep.above == (top.entry.id, inner["sub"].entry.id)
    assert await look(stage, link, deep) == [deep]


async def test_a_path_leads_inside(stage: Stage, other: Stage) -> None:
    link = await link_to(other)
    assert await found_in(stage.storage, link, "/") is None
    deep = await found_in(stage.storage, link, "top/sub/deep: one")
    assert deep is not None
    assert deep.entry.size == 9
    assert await found_in(stage.storage, link, f"/top/sub/#{deep.entry.id}/") == deep
    with pytest.raises(NotFound, match="no nothing in top"):
        await found_in(stage.storage, link, "top/nothing")
    with pytest.raises(NotFound, match="is a file"):
        await found_in(stage.storage, link, "top/a.txt/more")
    top = (await other.storage.stat(ROOT.child("top"))).at
    twin = {"kind": wire.FOLDER, "parent_id": top.node, "name": "a.txt"}
    await other.storage.api.call(wire.Created, "POST", FILES, body=twin)
    with pytest.raises(Ambiguous) as caught:
        await found_in(stage.storage, link, "top/a.txt")
    assert len(caught.value.ids) == 2
    one = await found_in(stage.storage, link, f"top/#{caught.value.ids[0]}")
    assert one is not None
    assert one.entry.name == "a.txt"


async def test_all_pages_are_shown(
    stage: Stage, other: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "_PAGE", 2)
    link = await link_to(other)
    at = (await other.storage.stat(ROOT.child("top"))).at
    for name in "bcd":
        await other.storage.mkdir(at, name)
    [top] = await look(stage, link)
    assert [item.entry.name for item in await look(stage, link, top)] == [
        "sub",
        "a.txt",
        "b",
        "c",
        "d",
    ]


async def test_a_pass_code_is_asked_for(stage: Stage, other: Stage) -> None:
    link = await link_to(other, code="c0de")
    with pytest.raises(PasswordNeeded, match="A pass code is needed"):
        await look(stage, link)
    with pytest.raises(PasswordNeeded, match="Another pass code") as caught:
        await look(stage, replace(link, code=Secret("wrong")))
    assert "wrong" not in f"{caught.value} {caught.value.hint}"
    right = replace(link, code=Secret("c0de"))
    [top] = await look(stage, right)
    assert len(await look(stage, right, top)) == 2
    # a code changed since is asked for anew, whatever the page handed out before
    [share] = [one async for page in other.storage.scan_shares() for one in page]
    await other.storage.change_share(share, password=Secret("an0ther"))
    stage.switch(share_token_seconds=1)
    stage.admin.age(2)
    with pytest.raises(PasswordNeeded, match="Another"):
        await look(stage, right, top)


@pytest.mark.parametrize(
    ("status", "kind", "words", "hint"),
    [
        ("EXPIRED", NotFound, "{} shows nothing any more: its time is over.", "another link"),
        ("DELETED", NotFound, "{} shows nothing any more: it was taken back.", "another link"),
        (
            "NOT_FOUND",
            NotFound,
            "{} shows nothing: what it showed is gone, or it was never a link.",
            "another link",
        ),
        ("AUDITING", Refused, "PikPak is still looking at what {} shows.", "in a while"),
        (
            "SENSITIVE_RESOURCE",
            Refused,
            "PikPak does not show the content behind {}.",
            "another way",
        ),
        ("SENSITIVE_WORD", Refused, "PikPak does not show {} because of its name.", "anew"),
        ("PROHIBITED", Refused, "PikPak has closed {} to everybody.", "another way"),
        ("SOMETHING_NEW", Refused, "PikPak does not open {}: SOMETHING_NEW.", "another link"),
    ],
)
async def test_why_it_is_closed(
    stage: Stage, other: Stage, status: str, kind: type[CloudError], words: str, hint: str
) -> None:
    """One sentence says what happened, another one what to do next."""
    link = await link_to(other)
    [top] = await look(stage, link)
    stage.switch(share_status=status)
    for folder in (None, top):
        with pytest.raises(kind) as caught:
            await look(stage, link, folder)
        assert caught.value.text == words.format(link.shown)
        assert hint in caught.value.hint


async def test_one_file_has_a_direct_link(stage: Stage, other: Stage) -> None:
    link = await link_to(other, code="c0de")
    link = replace(link, code=Secret("c0de"))
    file = await found_in(stage.storage, link, "top/a.txt")
    assert file is not None
    url = await stage.storage.shared_content(link, file)
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).content == b"first"
    top = await found_in(stage.storage, link, "top")
    assert top is not None
    with pytest.raises(Refused, match="is a folder"):
        await stage.storage.shared_content(link, top)
    stage.switch(audit_blocked=["a.txt"])
    with pytest.raises(Refused, match="does not give out"):
        await stage.storage.shared_content(link, file)


async def test_a_link_to_something_inside_leads_there(stage: Stage, other: Stage) -> None:
    link = await link_to(other)
    [top] = await look(stage, link)
    inner = {item.entry.name: item for item in await look(stage, link, top)}
    [deep] = await look(stage, link, inner["sub"])
    for item in (top, inner["sub"], deep):
        address = stage.storage.share_link(f"{link.shown}/{item.entry.id}?act=play")
        assert address is not None
        assert address.shown == f"{link.shown}/{item.entry.id}"
        led = await stage.storage.led_to(address)
        assert led is not None
        assert (led.parts, led.above) == (item.parts, item.above)
    assert await stage.storage.led_to(link) is None
    strange = stage.storage.share_link(f"{link.shown}/VNnothing")
    assert strange is not None
    led = await stage.storage.led_to(strange)
    with pytest.raises(NotFound):
        await look(stage, strange, led)


async def test_looking_changes_nothing(stage: Stage, other: Stage) -> None:
    link = await link_to(other)
    since = len(stage.admin.log())
    [top] = await look(stage, link)
    await look(stage, link, top)
    assert await stage.names() == []
    methods = {each["method"] for each in stage.admin.log(since) if "/share" in each["path"]}
    assert methods == {"GET"}


@pytest.mark.parametrize(
    ("link", "share", "inner", "code"),
    [
        ("https://mypikpak.com/s/VNabc-1_x", "VNabc-1_x", "", None),
        ("https://www.mypikpak.com/s/VN1/VNinner?pwd=a%20b", "VN1", "VNinner", Secret("a b")),
        ("https://pikpak.me/s/VN1?pass_code=xyz", "VN1", "", Secret("xyz")),
        (" https://mypikpak.com/s/VN1/#top", "VN1", "", None),
        ("https://mypikpak.com/drive/all", None, "", None),
        ("https://example.com/s/VN1", None, "", None),
        ("https://notmypikpak.com/s/VN1", None, "", None),
        ("magnet:?xt=urn:btih:00", None, "", None),
        ("http://[x", None, "", None),
    ],
)
async def test_links_to_shares_are_known(
    stage: Stage, link: str, share: str | None, inner: str, code: Secret | None
) -> None:
    found = share_link(link, stage.storage.api.profile)
    assert (found.share if found else None) == share
    assert (found.inner if found else "") == inner
    assert (found.code if found else None) == code
    assert found is None or "pwd" not in found.shown


def test_a_pass_code_is_left_out_of_what_is_shown() -> None:
    assert without_code("https://x/s/1?a=b&pwd=c0de#t") == "https://x/s/1?a=b&pwd=…#t"
    assert without_code("https://x/s/1?pass_code=c0de&z=1") == "https://x/s/1?pass_code=…&z=1"
    assert without_code("https://x/upwd=c0de") == "https://x/upwd=c0de"
