"""Download links: how long they live, how many read through them, whom they are handed out to."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from cloudtui.sandbox import seed
from tests.sandbox.pikpak_rig import Rig

FILES = "/drive/v1/files"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "sandbox") as made:
        yield made


def test_links_expire_and_cannot_be_changed(rig: Rig) -> None:
    node = rig.put("a.txt", "hello world")
    link = rig.link(node)
    part = rig.send("GET", link, None, {"Range": "bytes=6-"})
    assert (part.status, part.body) == (206, b"world")
    assert part.headers["Content-Range"] == "bytes 6-10/11"
    assert rig.send("HEAD", link).headers["Content-Length"] == "11"
    assert rig.send("GET", link, None, {"Range": "bytes=11-"}).status == 416
    assert rig.send("GET", link, None, {"Accept": "application/json"}).status == 406
    changed = rig.send("GET", link.replace("&f=11", "&f=12"))
    assert (changed.status, changed.body) == (403, b"")
    # A link outlives its file.
    rig.good("DELETE", f"{FILES}/{node}")
    assert rig.send("GET", link).body == b"hello world"
    rig.world.advance(86401)
    old = rig.send("GET", link)
    assert (old.status, old.body) == (403, b"")


def test_a_ninth_connection_of_a_link_is_refused(rig: Rig) -> None:
    rig.switch(link_connections=1)
    link = rig.link(rig.put("a.txt", "hello"))
    with rig.held(link):
        assert rig.send("HEAD", link).status == 503
        other = rig.link(rig.put("b.txt", "other"))
        assert rig.send("HEAD", other).status == 200


def test_videos_have_a_media_link_of_the_same_content_and_a_smaller_one(rig: Rig) -> None:
    node = rig.put("clip.mp4", "movie" * 100)
    shown = rig.good("GET", f"{FILES}/{node}")
    origin, small = shown["medias"]
    fid = re.search(r"fid=(\w+)", shown["web_content_link"])
    assert fid is not None
    assert fid[0] in origin["link"]["url"]
    assert fid[0] not in small["link"]["url"]
    assert rig.send("GET", origin["link"]["url"]).body == b"movie" * 100
    assert len(rig.send("GET", small["link"]["url"]).body) == 125
    assert shown["params"]["duration"] == "61"


def test_a_form_that_is_locked_has_no_link_and_names_a_plan(rig: Rig) -> None:
    node = rig.put("clip.mp4", "movie" * 100)
    rig.switch(media_locked=["720P"])
    origin, small = rig.good("GET", f"{FILES}/{node}")["medias"]
    assert origin["link"]["url"]
    assert (small["link"], small["vip_types"]) == (None, ["platinum"])


def test_pictures_are_made_smaller_and_count_as_no_download(rig: Rig) -> None:
    content = base64.b64encode(seed.picture(3, 300, 150)).decode()
    made = rig.service.admin("put", {"path": "/a.png", "base64": content})
    assert isinstance(made, dict)
    node = made["id"]
    film = rig.put("clip.mp4", "movie")
    sizes = {"": (256, 128), "SIZE_SMALL": (128, 64), "SIZE_LARGE": (300, 150)}
    for name, size in sizes.items():
        link = rig.good("GET", f"{FILES}/{node}?thumbnail_size={name}")["thumbnail_link"]
        with Image.open(io.BytesIO(rig.send("GET", link).body)) as shown:
            assert (shown.format, shown.size) == ("JPEG", size)
    link = rig.good("GET", f"{FILES}/{film}")["thumbnail_link"]
    with Image.open(io.BytesIO(rig.send("GET", link).body)) as shown:
        assert shown.size == (256, 144)
    assert rig.send("GET", link + "1").status == 403
    counters = rig.service.state()["counters"]
    assert isinstance(counters, dict)
    assert (counters.get("downloads", 0), counters["thumbnails"]) == (0, 4)
    rig.switch(thumbnails=False)
    assert rig.good("GET", f"{FILES}/{film}")["thumbnail_link"] == ""


def test_blocked_content_has_no_links(rig: Rig) -> None:
    node = rig.put("bad.mp4", "x")
    rig.switch(audit_blocked=["bad.mp4"])
    shown = rig.good("GET", f"{FILES}/{node}")
    assert shown["audit"]["status"] != "STATUS_OK"
    assert (shown["links"], shown["web_content_link"]) == ({}, "")


def test_under_real_names_real_names_are_handed_out(rig: Rig) -> None:
    node = rig.put("a.txt", "hello")
    host = {"Host": "api-drive.mypikpak.net"}
    shown = rig.drive("GET", f"{FILES}/{node}", headers=host).json()
    link = urlsplit(shown["web_content_link"])
    assert re.fullmatch(r"dl-a10b-000\d\.mypikpak\.net", link.netloc)
    body = {
        "kind": "drive#file",
        "name": "b",
        "size": 5,
        "upload_type": "UPLOAD_TYPE_RESUMABLE",
    }
    params = rig.drive("POST", FILES, body, headers=host).json()["resumable"]["params"]
    assert params["endpoint"] == "mypikpak.net"
    address = f"{rig.world.urls['pikpak.content']}{link.path}?{link.query}"
    assert rig.send("GET", address, None, {"Host": link.netloc}).body == b"hello"
    other = link.netloc.replace(".net", ".com")
    assert rig.send("GET", address, None, {"Host": other}).status == 404
