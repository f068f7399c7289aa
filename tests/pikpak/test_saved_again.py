"""Saves from shares of others that ended half way: made again, they bring what is missing and
nothing twice, whatever the service tells of the first try."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from cloudtui.services.errors import Full, Refused
from cloudtui.services.models import Found, Location, OfflineTask, TaskPhase
from cloudtui.services.pikpak import saving
from cloudtui.services.shares import SharedItem, ShareLink, found_in
from tests.pikpak.stage import ROOT, Stage
from tests.pikpak.test_received import Death, tree

RESTORE = "POST /drive/v1/share/restore"
FILES = ("s1/e1.mkv", "s1/e2.mkv", "s1/more/x.txt", "s1/more/y.txt", "s2/e1.mkv", "s3/e1.mkv")
WHOLE = ["/s1", "/s1/e1.mkv", "/s1/e2.mkv", "/s1/more", "/s1/more/x.txt", "/s1/more/y.txt"]


class Half:
    """A share of somebody else's, and saves of it that end half way."""

    def __init__(self, stage: Stage, link: ShareLink) -> None:
        self.stage = stage
        self.link = link
        self.chosen: list[SharedItem] = []

    async def choose(self, *paths: str) -> None:
        place = self.stage.storage
        found = [await found_in(place, self.link, f"show/{path}") for path in paths]
        self.chosen = [item for item in found if item is not None]
        assert len(self.chosen) == len(paths)

    async def fail(self, after: int | None = None, into: Location = ROOT) -> None:
        """Save, which ends after so many things; the next program finds that."""
        self.stage.switch(save_fails=1, save_fails_after=after)
        with pytest.raises(Refused, match="only what is missing comes"):
            await self.save(into)
        await self.stage.next_program()

    async def save(self, into: Location = ROOT) -> OfflineTask:
        return await self.stage.storage.save_share(self.link, into, self.chosen)


@pytest.fixture(params=[True, False], ids=["told", "untold"])
async def half(stage: Stage, request: pytest.FixtureRequest) -> AsyncIterator[Half]:
    """With and without the service telling what came from where."""
    stage.switch(save_told=request.param, share_ancestors=True)
    other = f"other-{stage.username}"
    stage.admin.account("pikpak", username=other, password="pw")
    for path in FILES:
        stage.admin.order("pikpak", "put", username=other, path=f"/show/{path}", text=path)
    made = stage.admin.order("pikpak", "share", username=other, paths=["/show"], pass_code="c0de")
    link = stage.storage.share_link(f"{made['url']}?pwd=c0de")
    assert link is not None
    yield Half(stage, link)
    stage.admin.clear_faults()


async def test_only_what_is_missing_comes(half: Half) -> None:
    stage = half.stage
    await half.choose("s1/e1.mkv", "s1/e2.mkv", "s2/e1.mkv")
    await half.fail()
    assert await stage.names() == ["e1.mkv"]
    stage.admin.age(3600)  # the service's clock goes on, people take their time
    await half.fail()
    assert await stage.names() == ["e1.mkv", "e2.mkv"]
    saved = await half.save()
    assert (saved.phase, saved.there) == (TaskPhase.DONE, 2)
    assert saved.message == "saved from a share; already there: 2"
    # twice the same name in what was chosen
    assert await stage.names() == ["e1(1).mkv", "e1.mkv", "e2.mkv"]
    assert await stage.read(ROOT.child("e1(1).mkv")) == b"s2/e1.mkv"
    # it is over: the same words are meant anew
    anew = await half.save()
    assert (anew.there, len(await stage.names())) == (0, 6)


async def test_names_taken_by_other_content_are_no_arrivals(half: Half) -> None:
    stage = half.stage
    await stage.put(b"not s1/e1", "e1.mkv")
    await stage.put(b"not s1/e2", "e2.mkv")
    await half.choose("s1/e1.mkv", "s1/e2.mkv")
    await half.fail()
    assert await stage.names() == ["e1(1).mkv", "e1.mkv", "e2.mkv"]
    saved = await half.save()
    assert (saved.phase, saved.there) == (TaskPhase.DONE, 1)
    assert await stage.names() == ["e1(1).mkv", "e1.mkv", "e2(1).mkv", "e2.mkv"]
    assert await stage.read(ROOT.child("e1.mkv")) == b"not s1/e1"
    assert await stage.read(ROOT.child("e2(1).mkv")) == b"s1/e2.mkv"


async def test_what_was_there_long_before_counts_when_it_is_the_same_beyond_doubt(
    half: Half,
) -> None:
    stage = half.stage
    await stage.put(b"s1/e2.mkv", "e2.mkv")
    await stage.put(b"S3/E1.MKV", "s3.mkv")
    stage.admin.age(7200)
    await stage.names()  # an answer tells the time
    await half.choose("s1/e1.mkv", "s1/e2.mkv")
    await half.fail()
    saved = await half.save()
    assert (saved.phase, saved.there) == (TaskPhase.DONE, 2)
    assert await stage.names() == ["e1.mkv", "e2.mkv", "s3.mkv"]


@pytest.mark.parametrize("after", range(1, 6))
async def test_a_folder_that_came_in_part_is_filled(half: Half, after: int) -> None:
    stage = half.stage
    await stage.storage.mkdir(ROOT, "s2")  # another one, and it stays as it is
    stage.admin.age(60)
    await stage.names()
    await half.choose("s1", "s2")
    await half.fail(after)
    assert len(await tree(stage)) == after + 1
    await half.fail(1)
    saved = await half.save()
    assert saved.phase is TaskPhase.DONE
    assert saved.there == after + 1
    assert await tree(stage) == [*WHOLE, "/s2", "/s2(1)", "/s2(1)/e1.mkv"]
    assert await stage.read(ROOT.child("s1").child("more").child("y.txt")) == b"s1/more/y.txt"


async def test_one_folder_that_came_in_part_is_filled_where_it_is(half: Half) -> None:
    stage = half.stage
    here = ROOT.child("here", (await stage.storage.mkdir(ROOT, "here")).id)
    await half.choose("s1")
    await half.fail(2, here)
    saved = await half.save(here)
    assert (saved.phase, saved.there) == (TaskPhase.DONE, 2)
    assert saved.target is not None
    assert saved.target.parts == ("here", "s1")
    assert await tree(stage, here) == [f"/here{path}" for path in WHOLE]


@pytest.mark.parametrize("inside", [True, False])
async def test_what_comes_up_in_lists_late_is_waited_for(half: Half, *, inside: bool) -> None:
    stage = half.stage
    await half.choose("s1")
    await half.fail(3)
    hidden = 2

    def behind(request: httpx.Request, answer: Any) -> Any:
        nonlocal hidden
        listed = request.url.path == "/drive/v1/files" and answer["files"] and hidden
        if listed and bool(request.url.params["parent_id"]) is inside:
            hidden -= 1
            answer["files"] = answer["files"][:-1]
        return answer

    await stage.next_program(behind)
    saved = await half.save()
    assert (saved.phase, saved.there, hidden) == (TaskPhase.DONE, 3, 0)
    assert await tree(stage) == WHOLE


async def test_all_of_a_share_comes_into_the_folder_of_the_first_try(half: Half) -> None:
    stage = half.stage
    other = f"other-{stage.username}"
    tops = ["/show/s1", "/show/s2", "/show/s1/e1.mkv"]
    url = stage.admin.order("pikpak", "share", username=other, paths=tops)["url"]
    stage.switch(save_fails=1, save_fails_after=3)
    with pytest.raises(Refused):
        await stage.storage.add_offline(url, ROOT)
    await stage.next_program()
    saved = await stage.storage.add_offline(url, ROOT)
    assert (saved.phase, saved.there) == (TaskPhase.DONE, 3)
    assert await stage.names() == ["s1"]
    paths = [*WHOLE, "/e1.mkv", "/s2", "/s2/e1.mkv"]
    assert await tree(stage) == sorted(["/s1", *(f"/s1{path}" for path in paths)])


async def test_a_folder_the_share_no_longer_shows_is_left_and_told(half: Half) -> None:
    stage = half.stage
    await half.choose("s1", "s2", "s3")
    await half.fail(2)
    detail = "GET /drive/v1/share/detail"
    stage.admin.fault(listener="pikpak.drive", match=detail, kind="refuse", times=-1)
    for _ in range(2):
        with pytest.raises(Refused, match=r"s1.* came to pk:/ before, perhaps not") as caught:
            await half.save()
        assert "Move it away" in caught.value.hint
        assert await tree(stage) == ["/s1", "/s1/e1.mkv", "/s2", "/s2/e1.mkv", "/s3", "/s3/e1.mkv"]
        await stage.next_program()
    stage.admin.clear_faults()
    assert (await half.save()).phase is TaskPhase.DONE
    assert [path for path in await tree(stage) if path.startswith("/s1")] == WHOLE


async def test_what_was_taken_away_in_between_comes_again(half: Half) -> None:
    stage = half.stage
    await half.choose("s1/e1.mkv", "s1/e2.mkv")
    await half.fail()
    await stage.storage.trash([Found.of(ROOT, entry) for entry in await stage.entries()])
    saved = await half.save()
    assert (saved.phase, saved.there) == (TaskPhase.DONE, 0)
    assert await stage.names() == ["e1.mkv", "e2.mkv"]


@pytest.mark.parametrize("after", [1, 3])
async def test_answers_lost_of_calls_that_end_half_way_end_well(half: Half, after: int) -> None:
    stage = half.stage
    await half.choose("s1", "s2", "s3")
    stage.switch(save_fails=3, save_fails_after=after)
    stage.admin.fault(listener="pikpak.drive", match=RESTORE, kind="reset_after", times=3)
    saved = await half.save()
    assert (saved.phase, saved.there) == (TaskPhase.DONE, 0)
    assert await tree(stage) == [*WHOLE, "/s2", "/s2/e1.mkv", "/s3", "/s3/e1.mkv"]


async def test_a_second_try_that_is_refused_forgets_nothing(half: Half) -> None:
    stage = half.stage
    await half.choose("s1/e1.mkv", "s1/e2.mkv")
    await half.fail()
    stage.switch(quota=1)
    with pytest.raises(Full):
        await half.save()
    stage.switch(quota=None)
    await stage.next_program()
    assert (await half.save()).there == 1
    assert await stage.names() == ["e1.mkv", "e2.mkv"]


async def test_where_tasks_are_not_told_nothing_is_asked_for_twice(half: Half) -> None:
    stage = half.stage
    await half.choose("s1/e1.mkv", "s1/e2.mkv")
    await half.fail()
    tasks = {"listener": "pikpak.drive", "match": "GET /drive/v1/tasks", "kind": "refuse"}
    stage.admin.fault(**tasks, times=-1)
    going = await half.save()  # it may be at it still
    assert (going.phase, await stage.names()) == (TaskPhase.FETCHING, ["e1.mkv"])
    stage.admin.clear_faults()
    assert (await half.save()).phase is TaskPhase.DONE
    assert await stage.names() == ["e1.mkv", "e2.mkv"]


async def test_deaths_while_it_is_made_again_double_nothing(
    half: Half, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = half.stage
    await half.choose("s1", "s2", "s3")
    await half.fail(2)

    def die(name: str) -> None:
        raise Death(name)

    for _ in range(2):  # one for what is missing at the top, one in the folder
        with monkeypatch.context() as patch:
            patch.setattr(saving, "failpoint", die)
            with pytest.raises(Death):
                await half.save()
        await stage.next_program()
    assert (await half.save()).phase is TaskPhase.DONE
    assert await tree(stage) == [*WHOLE, "/s2", "/s2/e1.mkv", "/s3", "/s3/e1.mkv"]
