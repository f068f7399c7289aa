"""pCloud's download links, public links, thumbnails, archives and remote fetches."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image

from cloudtui.sandbox import seed
from cloudtui.sandbox.http import Response
from cloudtui.sandbox.listener import Server
from cloudtui.sandbox.seed import ZIP_PASSWORD
from cloudtui.sandbox.world import World
from tests.sandbox.rig import Rig, request

CONTENT = bytes(range(256)) * 1000


def url_of(link: dict[str, object]) -> str:
    hosts = link["hosts"]
    assert isinstance(hosts, list)
    return f"http://{hosts[0]}{link['path']}"


def test_a_link_gives_the_bytes_whole_and_in_part(rig: Rig) -> None:
    file = rig.us.upload("a ü%.bin", CONTENT, folderid=0)
    link = rig.us("getfilelink", fileid=file["fileid"], timeformat="timestamp")
    assert (link["size"], link["hash"]) == (len(CONTENT), file["hash"])
    assert link["expires"] > rig.world.clock() + 3600
    assert unquote(str(link["path"])).endswith("/a ü%.bin")
    assert request(url_of(link)).body == CONTENT
    part = request(url_of(link), headers={"Range": "bytes=100-199"})
    assert (part.status, part.body) == (206, CONTENT[100:200])
    assert request(url_of(link), headers={"Range": "bytes=256000-"}).status == 416
    rig.fault(kind="ignore_range", listener="pcloud.content")
    assert request(url_of(link), headers={"Range": "bytes=100-199"}).status == 200
    assert urlsplit(url_of(link)).path.split("/")[1] in rig.world.secrets()


def test_links_go_stale(rig: Rig) -> None:
    file = rig.us.upload("a.bin", CONTENT, folderid=0)
    number = file["fileid"]

    def fresh() -> str:
        return url_of(rig.us("getfilelink", fileid=number))

    assert request(fresh(), source="127.0.0.2").status == 410
    rig.switch("pcloud.link_ip", value=False)
    assert request(fresh(), source="127.0.0.2").status == 200
    link = fresh()
    rig.world.advance(7 * 3600)
    assert request(link).status == 410
    link = fresh()
    rig.us("renamefile", fileid=number, toname="b.bin")
    assert request(link).status == 410
    link = fresh()
    rig.us.upload("b.bin", b"changed", folderid=0)
    assert request(link).status == 410
    rig.fault(kind="expire_link", match="GET /getfilelink")
    assert request(fresh()).status == 410
    link = fresh()
    assert request(link).status == 200
    rig.fault(kind="expire_link", listener="pcloud.content")
    assert request(link).status == 410
    rig.us("deletefile", fileid=number)
    assert request(link).status == 410
    assert request(link.replace("/c", "/cX")).status == 404


def test_foreign_web_pages_get_no_link(rig: Rig) -> None:
    file = rig.us.upload("a.bin", CONTENT, folderid=0)
    rig.us.headers["Referer"] = "http://evil.example/page"
    assert rig.us("getfilelink", fileid=file["fileid"])["result"] == 7010
    rig.us.headers["Referer"] = "https://my.pcloud.com/"
    assert rig.us("getfilelink", fileid=file["fileid"])["result"] == 0


def test_revisions_are_kept_linked_and_brought_back(rig: Rig) -> None:
    rig.us.upload("a.txt", b"first", folderid=0)
    number = rig.us.upload("a.txt", b"second!", folderid=0)["fileid"]
    old = rig.us("listrevisions", fileid=number)["revisions"][0]
    link = rig.us("getfilelink", fileid=number, revisionid=old["revisionid"])
    assert request(url_of(link)).body == b"first"
    assert rig.us("getfilelink", fileid=number, revisionid=1)["result"] == 2029
    rig.us("copyfile", fileid=number, revisionid=old["revisionid"], tofolderid=0, toname="old.txt")
    assert rig.us("stat", path="/old.txt")["metadata"]["size"] == 5
    rig.us("revertrevision", fileid=number, revisionid=old["revisionid"])
    assert rig.us.download(number).body == b"first"
    assert len(rig.us("listrevisions", fileid=number)["revisions"]) == 3


def test_public_links(rig: Rig) -> None:
    folder = rig.us.folder("f")
    file = rig.us.upload("a.txt", b"public", folderid=folder)["fileid"]
    made = rig.us("getfolderpublink", folderid=folder, maxdownloads=1)
    assert rig.us("getfolderpublink", folderid=0)["result"] == 2015
    assert rig.us("getfolderpublink", folderid=folder)["linkid"] == made["linkid"]
    listed = rig.us("listpublinks")["publinks"]
    assert [(entry["linkid"], entry["metadata"]["folderid"]) for entry in listed] == [
        (made["linkid"], folder)
    ]
    rig.us.token, token = "", rig.us.token
    shown = rig.us("showpublink", code=made["code"])["metadata"]
    assert [entry["name"] for entry in shown["contents"]] == ["a.txt"]
    assert rig.us("getpublinkdownload", code=made["code"])["result"] == 1029
    link = rig.us("getpublinkdownload", code=made["code"], fileid=file)
    assert request(url_of(link)).body == b"public"
    assert rig.us("getpublinkdownload", code=made["code"], fileid=file)["result"] == 7006
    rig.us.token = token
    rig.us("changepublink", linkid=made["linkid"], maxdownloads=0, linkpassword="word")
    assert rig.us("showpublink", code=made["code"])["result"] == 2258
    assert rig.us("showpublink", code=made["code"], linkpassword="word")["result"] == 0
    rig.us("changepublink", linkid=made["linkid"], expire="2020-01-01", linkpassword="")
    assert rig.us("showpublink", code=made["code"])["result"] == 7004
    assert rig.us("deletepublink", linkid=made["linkid"])["result"] == 0
    assert rig.us("deletepublink", linkid=made["linkid"])["result"] == 2027
    assert rig.us("showpublink", code=made["code"])["result"] == 7002
    assert rig.us("showpublink", code="nonsense")["result"] == 7001


def test_thumbnails(rig: Rig) -> None:
    picture = rig.us.upload("a.png", seed.picture(1, 200, 100), folderid=0)["fileid"]
    film = rig.us.upload("a.mp4", b"x", folderid=0)["fileid"]
    text = rig.us.upload("a.txt", b"x", folderid=0)["fileid"]
    image = rig.us.send("GET", "getthumb", None, fileid=picture, size="64x64")
    assert shape_of(image.body) == ("JPEG", (64, 32))
    made = rig.us.send("GET", "getthumb", None, fileid=film, size="64x64", type="png")
    assert shape_of(made.body) == ("PNG", (64, 36))
    cut = rig.us("getthumblink", fileid=picture, size="64x64", crop=1)
    assert cut["size"] == "64x64"
    assert shape_of(request(url_of(cut)).body) == ("JPEG", (64, 64))
    assert rig.us("getthumblink", fileid=picture, size="63x48")["result"] == 1015
    assert rig.us("getthumblink", fileid=text, size="64x48")["result"] == 1014
    thumbs = rig.us("getthumbslinks", fileids=f"{picture},{text}", size="64x64")["thumbs"]
    assert [thumb["result"] for thumb in thumbs] == [0, 1014]
    assert request(url_of(thumbs[0])).body == image.body


def shape_of(body: bytes) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(body)) as shown:
        return shown.format, shown.size


def test_films_come_in_other_forms(rig: Rig) -> None:
    film = rig.us.upload("a.mp4", b"moving pictures" * 10, folderid=0)["fileid"]
    music = rig.us.upload("a.mp3", b"sounds" * 10, folderid=0)["fileid"]
    text = rig.us.upload("a.txt", b"x", folderid=0)["fileid"]
    variants = rig.us("getvideolinks", fileid=film)["variants"]
    assert [(one["height"], one["isoriginal"]) for one in variants] == [
        (1080, True),
        (720, False),
        (360, False),
    ]
    bodies = {request(url_of(one)).body for one in variants}
    assert len(bodies) == 3
    assert b"moving pictures" * 10 in bodies
    playlist = request(url_of(rig.us("gethlslink", fileid=film))).body.decode()
    assert playlist.startswith("#EXTM3U")
    (piece,) = [line for line in playlist.splitlines() if line.startswith("http")]
    assert request(piece).body.startswith(b"piece")
    sound = request(url_of(rig.us("getaudiolink", fileid=music)))
    assert sound.headers["content-type"] == "audio/mpeg"
    for name in ("getvideolink", "getvideolinks", "gethlslink", "getaudiolink"):
        assert rig.us(name, fileid=text)["result"] == 2044
    rig.switch("pcloud.transcodes", value=False)
    assert len(rig.us("getvideolinks", fileid=film)["variants"]) == 1


def test_archives(rig: Rig) -> None:
    rig.sandbox.pcloud.seed("library")
    session = rig.session()
    number = session("stat", path="/Documents/Welcome.txt")["metadata"]["fileid"]
    packed = session.send("GET", "getzip", None, fileids=number).body
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == ["Welcome.txt"]
    target = rig.us.folder("out")
    done = rig.us("extractarchive", path="/Archives/project.zip", tofolderid=target)
    assert done["finished"] is True
    assert rig.us("stat", path="/out/project/readme.txt")["result"] == 0
    locked = {"path": "/Archives/locked.zip", "tofolderid": rig.us.folder("locked")}
    assert rig.us("extractarchive", **locked)["result"] == 7009
    assert rig.us("extractarchive", password="wrong", **locked)["result"] == 7009
    rig.switch("pcloud.slow_extract", value=True)
    slow = rig.us("extractarchive", password=ZIP_PASSWORD, **locked)
    assert (slow["finished"], slow["lines"]) == (False, 1)
    rest = rig.us("extractarchiveprogress", progresshash=slow["progresshash"])
    assert rest["finished"] is True
    assert rig.us("stat", path="/locked/project/picture.png")["result"] == 0
    assert rig.us("extractarchive", path="/Documents/Welcome.txt", tofolderid=0)["result"] == 3006


class Site:
    """A web site of somebody else."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, asked: object) -> Response:
        self.go_on.wait(20)
        return Response(200, CONTENT, [("Content-Disposition", 'attachment; filename="site.bin"')])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Site, str]]:
    handler = Site()
    server = Server("site", handler, World(tmp_path / "site"))
    server.start()
    yield handler, server.url
    server.stop()


def test_remote_fetch_reaches_allowed_hosts_only(rig: Rig, site: tuple[Site, str]) -> None:
    _, base = site
    assert rig.us("downloadfile", url=base + "/x", folderid=0)["result"] == 5001
    assert rig.us("downloadfile", url="file:///etc/passwd", folderid=0)["result"] == 5001
    admin = rig.world.urls["admin"]
    assert rig.us("downloadfile", url=admin + "/secrets", folderid=0)["result"] == 5001
    rig.world.allow_fetch.add(urlsplit(base).netloc)
    stored = rig.us("downloadfile", url=f"{base}/x {base}/y", folderid=0, target="own%20name.bin,")
    assert [entry["name"] for entry in stored["metadata"]] == ["own name.bin", "site.bin"]
    assert rig.us.download(stored["metadata"][0]["fileid"]).body == CONTENT


def test_remote_fetch_in_the_background(rig: Rig, site: tuple[Site, str]) -> None:
    handler, base = site
    rig.world.allow_fetch.add(urlsplit(base).netloc)
    handler.go_on.clear()
    queued = rig.us("downloadfileasync", url=f"{base}/x http://no.example/", progresshash="job")
    assert queued["result"] == 0
    progress = rig.us("uploadprogress", progresshash="job")
    assert (progress["urlcount"], progress["finished"]) == (2, False)
    handler.go_on.set()
    for thread in threading.enumerate():
        if thread.name == "pcloud-fetch":
            thread.join(20)
    progress = rig.us("uploadprogress", progresshash="job")
    assert [entry["status"] for entry in progress["files"]] == ["ready", "error"]
    assert (progress["finished"], progress["urlready"]) == (True, 1)
    assert rig.us.names() == ["site.bin"]


def test_the_other_region_can_fetch_a_signed_link(rig: Rig) -> None:
    file = rig.eu.upload("from eu.bin", CONTENT, folderid=0)
    link = rig.eu("getfilelink", fileid=file["fileid"])
    stored = rig.us("downloadfile", url=url_of(link), folderid=0)["metadata"][0]
    assert (stored["name"], stored["size"]) == ("from eu.bin", len(CONTENT))
    real = url_of({**link, "hosts": ["p-lux1.pcloud.com"]}).replace("http:", "https:")
    assert rig.us("downloadfile", url=real, folderid=0)["result"] == 0
