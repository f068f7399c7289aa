"""Other forms of films, and small pictures, as PikPak tells and hands them out."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from cloudtui.sandbox import seed
from cloudtui.services.errors import Gone, NotFound, Refused
from cloudtui.services.media import LARGE, ORIGINAL, SMALL, HasThumbnails, PlaysQualities
from cloudtui.services.models import Found
from tests.pikpak.stage import ROOT, Stage

FILM = b"moving pictures" * 100


async def put(stage: Stage, data: bytes, name: str) -> Found:
    await stage.put(data, name)
    return await stage.storage.stat(ROOT.child(name))


def content(url: str) -> bytes:
    answer = httpx.get(url, trust_env=False)
    assert answer.status_code == 200
    return answer.content


async def test_the_forms_of_a_film_are_told_and_linked_by_their_names(stage: Stage) -> None:
    film = await put(stage, FILM, "a.mp4")
    assert isinstance(stage.storage, PlaysQualities)
    first, second = await stage.storage.qualities(film)
    assert (first.name, first.original, first.words) == (
        "Original",
        True,
        "1920x1080, h264, aac, 131 kbit/s",
    )
    assert (second.name, second.original, second.given, second.duration) == (
        "720P",
        False,
        True,
        61,
    )
    small = content(await stage.storage.quality_link(film, "720p"))
    assert 0 < len(small) < len(FILM)
    for name in (ORIGINAL, "Original", "ORIGINAL"):
        assert content(await stage.storage.quality_link(film, name)) == FILM
    with pytest.raises(NotFound, match=r"no form called 4K.*Original, 720P"):
        await stage.storage.quality_link(film, "4K")


async def test_a_file_without_other_forms_has_none(stage: Stage) -> None:
    text = await put(stage, b"words", "a.txt")
    assert await stage.storage.qualities(text) == []
    with pytest.raises(NotFound, match="no other form"):
        await stage.storage.quality_link(text, "720P")
    stage.switch(media=False)
    film = await put(stage, FILM, "a.mp4")
    assert await stage.storage.qualities(film) == []
    assert content(await stage.storage.quality_link(film, ORIGINAL)) == FILM
    await stage.storage.mkdir(ROOT, "folder")
    with pytest.raises(Refused, match="folder"):
        await stage.storage.qualities(await stage.storage.stat(ROOT.child("folder")))


async def test_a_form_that_wants_a_plan_says_so(stage: Stage) -> None:
    stage.switch(media_locked=["720P"])
    film = await put(stage, FILM, "a.mp4")
    _, locked = await stage.storage.qualities(film)
    assert (locked.given, locked.wants) == (False, "a plan: platinum and more quota")
    assert locked.words.endswith("wants a plan: platinum and more quota")
    with pytest.raises(Refused, match=r"for this account.*platinum"):
        await stage.storage.quality_link(film, "720P")


async def test_odd_answers_about_forms_are_taken(stage: Stage) -> None:
    await put(stage, FILM, "a.mp4")

    def bend(request: httpx.Request, answer: Any) -> Any:
        for media in answer.get("medias") or []:
            if media["is_origin"]:
                media.update(is_origin=None, category="", media_name="720P", vip_types=None)
            else:
                media.update(video=None, need_more_quota="false", resolution_name="")
        return answer

    await stage.next_program(bend)
    film = await stage.storage.stat(ROOT.child("a.mp4"))
    forms = await stage.storage.qualities(film)
    assert [(one.name, one.original) for one in forms] == [
        ("Original", True),
        ("720P", False),
        ("720P (2)", False),
    ]


async def test_blocked_films_are_not_played(stage: Stage) -> None:
    film = await put(stage, FILM, "bad.mp4")
    stage.switch(audit_blocked=["bad.mp4"])
    for work in (
        stage.storage.qualities(film),
        stage.storage.quality_link(film, "720P"),
        stage.storage.thumbnail(film, SMALL),
    ):
        with pytest.raises(Refused, match="does not give out"):
            await work


async def test_pictures_come_small_and_cost_no_download(stage: Stage) -> None:
    assert isinstance(stage.storage, HasThumbnails)
    picture = await put(stage, seed.picture(1, 400, 200), "a.png")
    film = await put(stage, FILM, "a.mp4")
    before = stage.admin.state("pikpak")["counters"]
    for item, side, size in (
        (picture, SMALL, (256, 128)),
        (picture, LARGE, (400, 200)),
        (film, SMALL, (256, 144)),
    ):
        with Image.open(io.BytesIO(await stage.storage.thumbnail(item, side))) as shown:
            assert shown.size == size
    after = stage.admin.state("pikpak")["counters"]
    assert after["thumbnails"] == before.get("thumbnails", 0) + 3
    assert after.get("downloads", 0) == before.get("downloads", 0)
    text = await put(stage, b"words", "a.txt")
    with pytest.raises(NotFound, match="no picture"):
        await stage.storage.thumbnail(text, SMALL)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_before", "times": 2},
        {"kind": "reset_after", "times": 2},
        {"kind": "cut", "bytes": 30, "times": 2},
        {"kind": "status", "code": 503, "times": 2},
        {"kind": "expire_link", "times": 2},
    ],
    ids=lambda fault: str(fault["kind"]),
)
async def test_passing_faults_of_the_picture_host(stage: Stage, fault: dict[str, Any]) -> None:
    picture = await put(stage, seed.picture(1, 40, 20), "a.png")
    stage.admin.fault(listener="pikpak.content", **fault)
    body = await stage.storage.thumbnail(picture, SMALL)
    with Image.open(io.BytesIO(body)) as shown:
        assert shown.size == (40, 20)
    assert not stage.admin.faults()


async def test_a_picture_whose_address_is_always_over_is_one_sentence(stage: Stage) -> None:
    picture = await put(stage, seed.picture(1, 40, 20), "a.png")
    stage.admin.fault(listener="pikpak.content", kind="expire_link", times=-1)
    with pytest.raises(Gone, match="address of the picture"):
        await stage.storage.thumbnail(picture, SMALL)


async def test_the_account_is_not_told_to_the_picture_host(stage: Stage) -> None:
    picture = await put(stage, seed.picture(1, 40, 20), "a.png")
    since = len(stage.admin.log())
    await stage.storage.thumbnail(picture, SMALL)
    (asked,) = [one for one in stage.admin.log(since) if one["listener"] == "pikpak.content"]
    assert (asked["status"], asked["authorization"]) == (200, False)


async def test_an_address_elsewhere_without_encryption_is_refused(stage: Stage) -> None:
    await put(stage, seed.picture(1, 40, 20), "a.png")

    def bend(request: httpx.Request, answer: Any) -> Any:
        if "thumbnail_link" in answer:
            answer["thumbnail_link"] = "http://pictures.example/a.jpg"
        return answer

    await stage.next_program(bend)
    picture = await stage.storage.stat(ROOT.child("a.png"))
    with pytest.raises(Refused, match="without encryption"):
        await stage.storage.thumbnail(picture, SMALL)
