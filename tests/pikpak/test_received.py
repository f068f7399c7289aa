"""Shares of other people: what lies behind one is saved, whole and once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudtui.services.errors import CloudError, NotFound, PasswordNeeded, Refused
from cloudtui.services.models import Secret, TaskPhase
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.received import share_link
from cloudtui.services.pikpak.shares import SHARE
from tests.pikpak.stage import ROOT, Stage, staged
from tests.sandbox_process import SandboxProcess


@pytest.fixture
async def other(sandbox: SandboxProcess, tmp_path: Path, username: str) -> AsyncIterator[Stage]:
    """Somebody else, with something to show."""
    async with staged(sandbox, tmp_path / "other", f"other-{username}") as stage:
        await stage.put(b"a film", "film.mkv")
        await stage.put(b"another", "more.mkv")
        folder = await stage.storage.mkdir(ROOT, "series")
        await stage.put(b"deep", "one.mkv", ROOT.child("series", folder.id))
        yield stage


async def link_to(other: Stage, name: str, code: str = "") -> str:
    item = await other.storage.stat(ROOT.child(name))
    return (await other.storage.share(item, password=Secret(code) if code else None)).url


async def test_a_file_is_saved_into_the_folder(stage: Stage, other: Stage) -> None:
    folder = await stage.storage.mkdir(ROOT, "here")
    saved = await stage.storage.add_offline(
        await link_to(other, "film.mkv"), ROOT.child("here", folder.id)
    )
    assert (saved.phase, saved.name, saved.size) == (TaskPhase.DONE, "film.mkv", 6)
    assert saved.target is not None
    assert saved.target.parts == ("here", "film.mkv")
    assert await stage.read(saved.target) == b"a film"


async def test_a_folder_comes_with_all_it_holds(stage: Stage, other: Stage) -> None:
    stage.switch(batch_seconds=0.2)
    saved = await stage.storage.add_offline(await link_to(other, "series"), ROOT)
    assert saved.target is not None
    assert await stage.read(ROOT.child("series").child("one.mkv")) == b"deep"


async def test_several_come_into_a_folder_of_their_own(stage: Stage, other: Stage) -> None:
    ids = [(await other.storage.stat(ROOT.child(name))).entry.id for name in ("film.mkv", "series")]
    body = {"file_ids": ids, "share_to": "publiclink", "expiration_days": -1}
    made = await other.storage.api.call(wire.ShareReply, "POST", SHARE, body=body)
    await stage.storage.mkdir(ROOT, "film.mkv")  # the share's own title
    saved = await stage.storage.add_offline(made.share_url, ROOT)
    assert saved.target is not None
    assert saved.target.parts == ("film (2).mkv",)
    assert await stage.names(saved.target) == ["film.mkv", "series"]
    assert await stage.names() == ["film (2).mkv", "film.mkv"]


async def test_a_pass_code_stands_behind_the_link(stage: Stage, other: Stage) -> None:
    link = await link_to(other, "film.mkv", code="c0de")
    with pytest.raises(PasswordNeeded, match="A pass code is needed"):
        await stage.storage.add_offline(link, ROOT)
    with pytest.raises(PasswordNeeded, match="Another pass code") as caught:
        await stage.storage.add_offline(f"{link}?pwd=wrong", ROOT)
    assert "wrong" not in str(caught.value)
    saved = await stage.storage.add_offline(f"{link}?pwd=c0de", ROOT)
    assert saved.url == link
    assert await stage.names() == ["film.mkv"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [("EXPIRED", NotFound), ("AUDITING", Refused), ("SENSITIVE_RESOURCE", Refused)],
)
async def test_what_is_not_open_is_told(
    stage: Stage, other: Stage, status: str, kind: type[CloudError]
) -> None:
    link = await link_to(other, "film.mkv")
    stage.switch(share_status=status)
    with pytest.raises(kind) as caught:
        await stage.storage.add_offline(link, ROOT)
    assert status not in str(caught.value)
    stage.switch(share_status=None)
    with pytest.raises(Refused, match="share of your own"):
        await other.storage.add_offline(link, ROOT)
    with pytest.raises(NotFound, match="shows nothing any more"):
        await stage.storage.add_offline(f"{link}gone", ROOT)
    assert await stage.names() == []


@pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
async def test_after_a_lost_answer_it_is_there_once(stage: Stage, other: Stage, kind: str) -> None:
    link = await link_to(other, "film.mkv")
    stage.admin.fault(
        listener="pikpak.drive", match="POST /drive/v1/share/restore", kind=kind, times=1
    )
    saved = await stage.storage.add_offline(link, ROOT)
    assert saved.target is not None
    assert await stage.names() == ["film.mkv"]
    # the same words again are meant anew
    await stage.storage.add_offline(link, ROOT)
    assert len(await stage.names()) == 2


@pytest.mark.parametrize(
    ("link", "share", "code"),
    [
        ("https://mypikpak.com/s/VNabc-1_x", "VNabc-1_x", None),
        ("https://www.mypikpak.com/s/VN1/VNinner?pwd=a%20b", "VN1", Secret("a b")),
        ("https://pikpak.me/s/VN1?pass_code=xyz", "VN1", Secret("xyz")),
        ("https://mypikpak.com/drive/all", None, None),
        ("https://example.com/s/VN1", None, None),
        ("https://notmypikpak.com/s/VN1", None, None),
        ("magnet:?xt=urn:btih:00", None, None),
    ],
)
async def test_links_to_shares_are_known(
    stage: Stage, link: str, share: str | None, code: Secret | None
) -> None:
    found = share_link(link, stage.storage.api.profile)
    assert (found.share if found else None) == share
    assert (found.code if found else None) == code
