"""Shares of other people: what lies behind one is saved, whole or in part, and once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from cloudtui.services.errors import CloudError, NotFound, PasswordNeeded, Refused
from cloudtui.services.models import Location, Secret, TaskPhase
from cloudtui.services.pikpak import saving, wire
from cloudtui.services.pikpak.shares import SHARE
from cloudtui.services.shares import SharedItem, ShareLink, found_in
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


async def test_a_share_is_previewed_like_any_link(stage: Stage, other: Stage) -> None:
    one = await stage.storage.preview_link(await link_to(other, "film.mkv"))
    assert (one.name, one.size, one.count) == ("film.mkv", 6, 1)
    url = await link_to(other, "series", "k3ys")
    with pytest.raises(PasswordNeeded):
        await stage.storage.preview_link(url)
    whole = await stage.storage.preview_link(f"{url}?pwd=k3ys")
    assert (whole.url, whole.name, whole.size) == (url, "series", None)
    assert [each.path for each in whole.files] == ["series/"]
    assert whole.message == "a share with folders in it"


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
    with pytest.raises(NotFound, match="never a link"):
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


# --- parts -----------------------------------------------------------------------------------


@pytest.fixture
async def nested(other: Stage) -> ShareLink:
    """A link to `series`, which holds two seasons."""
    top = (await other.storage.stat(ROOT.child("series"))).at
    for season in ("s1", "s2"):
        made = await other.storage.mkdir(top, season)
        for episode in ("e1.mkv", "e2.mkv"):
            await other.put(f"{season}{episode}".encode(), episode, top.child(season, made.id))
    link = other.storage.share_link(await link_to(other, "series", code="c0de"))
    assert link is not None
    return replace(link, code=Secret("c0de"))


async def items(stage: Stage, link: ShareLink, *paths: str) -> list[SharedItem]:
    found = [await found_in(stage.storage, link, path) for path in paths]
    assert None not in found
    return [item for item in found if item is not None]


async def tree(stage: Stage, folder: Location = ROOT) -> list[str]:
    paths = []
    for entry in await stage.entries(folder):
        at = folder.child(entry.name, entry.id)
        paths += [at.path, *(await tree(stage, at) if entry.is_folder else [])]
    return sorted(paths)


async def test_only_what_is_chosen_is_saved(stage: Stage, nested: ShareLink) -> None:
    stage.switch(share_ancestors=True)
    here = ROOT.child("here", (await stage.storage.mkdir(ROOT, "here")).id)
    chosen = await items(stage, nested, "series/s1/e2.mkv", "series/s2", "series/s2/e1.mkv")
    saved = await stage.storage.save_share(nested, here, chosen)
    assert (saved.phase, saved.name, saved.target) == (TaskPhase.DONE, "e2.mkv and 1 more", here)
    # what lies in a folder that was chosen comes with it, not twice
    assert await tree(stage, here) == [
        "/here/e2.mkv",
        "/here/s2",
        "/here/s2/e1.mkv",
        "/here/s2/e2.mkv",
    ]
    assert await stage.read(here.child("e2.mkv")) == b"s1e2.mkv"
    assert "c0de" not in repr(saved)


async def test_one_thing_from_deep_inside(stage: Stage, nested: ShareLink) -> None:
    stage.switch(share_ancestors=True, batch_seconds=0.2)
    [chosen] = await items(stage, nested, "series/s1/e1.mkv")
    saved = await stage.storage.save_share(nested, ROOT, [chosen])
    assert (saved.phase, saved.size) == (TaskPhase.DONE, 8)
    assert saved.target is not None
    assert await stage.read(saved.target) == b"s1e1.mkv"


async def test_where_one_thing_is_is_seen_in_the_folder_when_nothing_else_tells(
    stage: Stage, nested: ShareLink
) -> None:
    stage.switch(save_told=False)
    here = ROOT.child("here", (await stage.storage.mkdir(ROOT, "here")).id)
    file, season = await items(stage, nested, "series/s1/e1.mkv", "series/s2")
    other_one = await stage.put(b"something else", "e1.mkv", here)
    for number in (1, 2):
        saved = await stage.storage.save_share(nested, here, [file])
        assert saved.phase is TaskPhase.DONE
        assert saved.target is not None
        assert saved.target.parts == ("here", f"e1({number}).mkv")
        assert await stage.read(saved.target) == b"s1e1.mkv"
        stage.admin.age(60)
        await stage.names()  # an answer tells the time
    assert other_one.id in {entry.id for entry in await stage.entries(here)}
    whole = await stage.storage.save_share(nested, here, [season])
    assert whole.target is not None
    assert whole.target.parts == ("here", "s2")


async def test_what_comes_up_in_the_folder_a_little_later_is_waited_for(
    stage: Stage, nested: ShareLink
) -> None:
    stage.switch(save_told=False)
    [file] = await items(stage, nested, "series/s1/e1.mkv")
    late = 2

    def behind(request: httpx.Request, answer: Any) -> Any:
        nonlocal late
        if request.url.path == "/drive/v1/files" and answer["files"] and late:
            late -= 1
            answer["files"] = []
        return answer

    await stage.next_program(behind)
    saved = await stage.storage.save_share(nested, ROOT, [file])
    assert saved.target is not None
    assert saved.target.parts == ("e1.mkv",)
    assert late == 0


async def test_a_link_to_a_folder_in_a_share_saves_that_folder(
    stage: Stage, nested: ShareLink
) -> None:
    stage.switch(share_ancestors=True)
    [season] = await items(stage, nested, "series/s2")
    saved = await stage.storage.add_offline(f"{nested.shown}/{season.entry.id}?pwd=c0de", ROOT)
    assert saved.name == "s2"
    assert await tree(stage) == ["/s2", "/s2/e1.mkv", "/s2/e2.mkv"]


async def test_a_page_that_was_open_too_long_is_opened_again(
    stage: Stage, nested: ShareLink
) -> None:
    stage.switch(share_token_seconds=60)
    chosen = await items(stage, nested, "series/s1/e1.mkv")
    stage.admin.age(61)
    assert await items(stage, nested, "series/s1/e1.mkv") == chosen
    stage.admin.age(61)
    await stage.storage.save_share(nested, ROOT, chosen)
    assert await stage.names() == ["e1.mkv"]


@pytest.mark.parametrize("kind", ["reset_after", "reset_before", "truncate_json"])
@pytest.mark.parametrize("skip", [0, 1])
async def test_parts_are_saved_once_whatever_answer_is_lost(
    stage: Stage, nested: ShareLink, kind: str, skip: int
) -> None:
    chosen = await items(stage, nested, "series/s1/e1.mkv", "series/s2/e2.mkv")
    restore = "POST /drive/v1/share/restore"
    stage.admin.fault(listener="pikpak.drive", match=restore, kind=kind, times=1, skip=skip)
    saved = await stage.storage.save_share(nested, ROOT, chosen)
    assert saved.phase is TaskPhase.DONE
    assert await tree(stage) == ["/e1.mkv", "/e2.mkv"]


async def test_more_than_one_call_takes_all(stage: Stage, other: Stage, nested: ShareLink) -> None:
    """The second call must not be taken for the first when its answer is lost."""
    many = await other.storage.mkdir(ROOT, "many")
    at = ROOT.child("many", many.id)
    for number in range(3):
        await other.put(b"%d" % number, f"{number}", at)
    link = stage.storage.share_link(await link_to(other, "many"))
    assert link is not None
    chosen = await items(stage, link, *(f"many/{number}" for number in range(3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cloudtui.services.pikpak.tasks.BATCH", 2)
        for number, kind in enumerate(("reset_before", "reset_after", "reset_before")):
            restore = "POST /drive/v1/share/restore"
            stage.admin.fault(listener="pikpak.drive", match=restore, kind=kind, times=1, skip=1)
            made = await stage.storage.mkdir(ROOT, f"into {number}")
            into = ROOT.child(made.name, made.id)
            await stage.storage.save_share(link, into, chosen)
            assert await stage.names(into) == ["0", "1", "2"]


async def test_a_save_that_takes_long_is_found_again(
    stage: Stage, nested: ShareLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "_PATIENCE", 0.0)
    stage.switch(batch_seconds=3600)
    chosen = await items(stage, nested, "series/s1/e1.mkv", "series/s1/e2.mkv")
    going = await stage.storage.save_share(nested, ROOT, chosen)
    assert (going.phase, going.percent) == (TaskPhase.FETCHING, 0)
    await stage.next_program()
    assert (await stage.storage.save_share(nested, ROOT, chosen)).phase is TaskPhase.FETCHING
    stage.admin.age(3600)
    monkeypatch.undo()
    assert (await stage.storage.save_share(nested, ROOT, chosen)).phase is TaskPhase.DONE
    assert await stage.names() == ["e1.mkv", "e2.mkv"]


async def test_what_is_there_tells_where_tasks_are_not_told(
    stage: Stage, nested: ShareLink
) -> None:
    chosen = await items(stage, nested, "series/s1/e1.mkv", "series/s1/e2.mkv")
    restore, tasks = "POST /drive/v1/share/restore", "GET /drive/v1/tasks"
    stage.admin.fault(listener="pikpak.drive", match=restore, kind="reset_after", times=1)
    stage.admin.fault(listener="pikpak.drive", match=tasks, kind="refuse", times=-1)
    saved = await stage.storage.save_share(nested, ROOT, chosen)
    assert saved.phase is TaskPhase.DONE
    assert await stage.names() == ["e1.mkv", "e2.mkv"]


async def test_what_was_saved_before_is_not_taken_for_what_is_saved_now(
    stage: Stage, nested: ShareLink
) -> None:
    chosen = await items(stage, nested, "series/s1/e1.mkv")
    await stage.storage.save_share(nested, ROOT, chosen)
    stage.admin.age(3600)
    await stage.names()  # an answer tells the time
    task = "GET /drive/v1/tasks/*"  # the service does not tell how far it is, nor what it made
    stage.admin.fault(listener="pikpak.drive", match=task, kind="status", code=404, times=-1)
    again = await stage.storage.save_share(nested, ROOT, chosen)
    assert again.target is not None
    assert again.target.parts == ("e1(1).mkv",)
    stage.admin.age(3600)
    await stage.names()
    stage.switch(batch_seconds=3600)
    going = await stage.storage.save_share(nested, ROOT, chosen)
    assert (going.phase, going.target) == (TaskPhase.FETCHING, None)
    stage.admin.age(3600)
    await stage.next_program()
    taken_up = await stage.storage.save_share(nested, ROOT, chosen)
    assert taken_up.target is not None
    assert taken_up.target.parts == ("e1(2).mkv",)
    assert await stage.names() == ["e1(1).mkv", "e1(2).mkv", "e1.mkv"]


class Death(BaseException):
    """Ends a call as a kill would."""


@contextmanager
def dying() -> Iterator[None]:
    """The first call that the service took is the last thing this program does."""

    def die(name: str) -> None:
        raise Death(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "failpoint", die)
        yield


async def test_after_a_death_parts_are_there_once(stage: Stage, nested: ShareLink) -> None:
    chosen = await items(stage, nested, "series/s1/e1.mkv", "series/s2/e2.mkv", "series/s2/e1.mkv")
    for _ in range(2):  # it dies after each call that the service took
        with dying(), pytest.raises(Death):
            await stage.storage.save_share(nested, ROOT, chosen)
        await stage.next_program()
    await stage.storage.save_share(nested, ROOT, chosen)
    assert len(await stage.names()) == 3


async def test_after_a_death_several_come_into_one_folder(stage: Stage, other: Stage) -> None:
    ids = [(await other.storage.stat(ROOT.child(name))).entry.id for name in ("film.mkv", "series")]
    body = {"file_ids": ids, "share_to": "publiclink", "expiration_days": -1}
    made = await other.storage.api.call(wire.ShareReply, "POST", SHARE, body=body)
    with dying(), pytest.raises(Death):
        await stage.storage.add_offline(made.share_url, ROOT)
    await stage.next_program()
    saved = await stage.storage.add_offline(made.share_url, ROOT)
    assert saved.target is not None
    assert await tree(stage) == [
        "/film.mkv",
        "/film.mkv/film.mkv",
        "/film.mkv/series",
        "/film.mkv/series/one.mkv",
    ]
