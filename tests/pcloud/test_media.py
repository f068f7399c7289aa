"""Other forms of films and music, and small pictures, as pCloud makes them."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from cloudtui.sandbox import seed
from cloudtui.services.errors import NotFound, Refused
from cloudtui.services.media import LARGE, ORIGINAL, SMALL, HasThumbnails, PlaysQualities
from cloudtui.services.models import Found, Location
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.rig import upload
from tests.sandbox_process import SandboxProcess

ROOT = Location("pc")
FILM = b"moving pictures" * 100


async def put(storage: PCloudStorage, data: bytes, name: str) -> Found:
    await upload(storage, ROOT, name, data)
    return await storage.stat(ROOT.child(name))


def content(url: str) -> bytes:
    answer = httpx.get(url, trust_env=False)
    assert answer.status_code == 200
    return answer.content


async def test_the_forms_of_a_film(storage: PCloudStorage) -> None:
    assert isinstance(storage, PlaysQualities)
    film = await put(storage, FILM, "a.mp4")
    forms = await storage.qualities(film)
    assert [one.name for one in forms] == ["original", "720P", "360P", "audio", "hls"]
    assert [one.original for one in forms] == [True, False, False, False, False]
    assert forms[1].words == "1280x720, h264, mp3, 2564 kbit/s"
    assert forms[1].duration == pytest.approx(61.44)
    assert content(await storage.quality_link(film, ORIGINAL)) == FILM
    assert content(await storage.quality_link(film, "720p")).startswith(b"720P")
    assert content(await storage.quality_link(film, "audio")).startswith(b"audio")
    assert content(await storage.quality_link(film, "HLS")).startswith(b"#EXTM3U")
    with pytest.raises(NotFound, match=r"no form called 4K.*original, 720P"):
        await storage.quality_link(film, "4K")


async def test_music_comes_as_it_is_or_as_mp3_and_the_rest_only_as_it_is(
    storage: PCloudStorage,
) -> None:
    music = await put(storage, b"sounds", "a.wav")
    assert [one.name for one in await storage.qualities(music)] == ["original", "audio"]
    assert content(await storage.quality_link(music, "audio")).startswith(b"audio")
    assert await storage.qualities(await put(storage, b"words", "a.txt")) == []
    await storage.mkdir(ROOT, "d")
    with pytest.raises(Refused, match="folder"):
        await storage.qualities(await storage.stat(ROOT.child("d")))


async def test_pictures_come_small(storage: PCloudStorage, sandbox: SandboxProcess) -> None:
    assert isinstance(storage, HasThumbnails)
    picture = await put(storage, seed.picture(1, 400, 200), "a.png")
    film = await put(storage, FILM, "a.mp4")
    for item, side, size in (
        (picture, SMALL, (256, 128)),
        (picture, LARGE, (400, 200)),
        (film, SMALL, (256, 144)),
    ):
        with Image.open(io.BytesIO(await storage.thumbnail(item, side))) as shown:
            assert shown.size == size
    text = await put(storage, b"words", "a.txt")
    with pytest.raises(NotFound, match="no picture"):
        await storage.thumbnail(text, SMALL)


async def test_earlier_versions_are_neither_played_nor_pictured(storage: PCloudStorage) -> None:
    old = await put(storage, seed.picture(1, 40, 20), "a.png")
    await upload(storage, ROOT, "a.png", seed.picture(2, 40, 20), replace=old)
    rows = [row async for page in storage.scan_revisions(old) for row in page]
    version = storage.as_file(old, rows[-1])
    with pytest.raises(NotFound, match="only as they are now"):
        await storage.thumbnail(version, SMALL)


PASSING: list[dict[str, Any]] = [
    {"kind": "reset_before", "match": "GET /getthumblink*"},
    {"kind": "truncate_json", "match": "GET /getthumblink*"},
    {"kind": "expire_link", "match": "GET /getthumblink*"},
    {"kind": "reset_before", "listener": "pcloud.content"},
    {"kind": "reset_after", "listener": "pcloud.content"},
    {"kind": "cut", "bytes": 30, "listener": "pcloud.content"},
    {"kind": "expire_link", "listener": "pcloud.content"},
    {"kind": "status", "code": 503, "listener": "pcloud.content"},
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda one: f"{one['kind']} {one.get('match', '')}")
async def test_passing_faults_of_pictures(
    storage: PCloudStorage, sandbox: SandboxProcess, fault: dict[str, Any]
) -> None:
    picture = await put(storage, seed.picture(1, 40, 20), "a.png")
    sandbox.admin.fault(**{"listener": "pcloud.*", **fault}, times=2)
    with Image.open(io.BytesIO(await storage.thumbnail(picture, SMALL))) as shown:
        assert shown.size == (40, 20)
    assert not sandbox.admin.faults()


@pytest.mark.parametrize("name", ["720P", "audio", "hls"])
async def test_passing_faults_of_links_to_forms(
    storage: PCloudStorage, sandbox: SandboxProcess, name: str
) -> None:
    film = await put(storage, FILM, "a.mp4")
    for kind in ("reset_before", "truncate_json", "html"):
        sandbox.admin.fault(kind=kind, listener="pcloud.*", match="GET /get*", times=2)
        assert content(await storage.quality_link(film, name))
        assert not sandbox.admin.faults()
