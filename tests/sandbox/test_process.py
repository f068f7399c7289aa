"""The sandbox as a process: its endpoints file, its admin listener, its end."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from cloudtui.sandbox.blobs import Blobs
from cloudtui.sandbox.names import listener_for
from cloudtui.sandbox.seed import ZIP_PASSWORD, entries, parse
from cloudtui.sandbox.server import ORDER, Sandbox
from cloudtui.sandbox.world import World
from tests.sandbox.rig import Api, Rig, connected, request
from tests.sandbox_process import start_sandbox


def test_endpoints_file_admin_and_end(tmp_path: Path) -> None:
    with start_sandbox(tmp_path, "--seed", "pcloud:library", "--seed", "wide=10") as sandbox:
        file = tmp_path / "endpoints.json"
        assert file.stat().st_mode & 0o777 == 0o600
        pikpak, pcloud = sandbox.endpoints["pikpak"], sandbox.endpoints["pcloud"]
        assert {
            "user_url",
            "drive_url",
            "upload_url",
            "content_url",
            "username",
            "password",
        } <= set(pikpak)
        assert {"us_url", "eu_url", "authorize_url", "content_urls", "client_id"} <= set(pcloud)
        api = Api(pcloud["us_url"], pcloud["us_token"])
        assert "Documents" in api.names()
        assert "wide-10" in api.names()
        admin = sandbox.admin
        admin.fault(kind="api_code", match="GET /userinfo", code=5000, times=2)
        assert api("userinfo")["result"] == 5000
        assert admin.faults()[0]["times"] == 1
        admin.clear_faults()
        seen = len(admin.log())
        assert api("userinfo")["result"] == 0
        assert [entry["path"] for entry in admin.log(seen)] == ["/userinfo"]
        assert {pcloud["us_token"], pikpak["password"]} <= set(admin.secrets())
        admin.seed("pcloud:deep=2")
        paths = {node["path"] for node in admin.state("pcloud")["accounts"][0]["nodes"]}
        assert "/deep-2/level 1/at level 2.txt" in paths
        made = admin.token("pcloud", region="eu", kind="session")
        assert Api(pcloud["eu_url"], made["token"])("listtokens")["result"] == 0
        admin.revoke("pcloud", token=made["token"])
        assert Api(pcloud["eu_url"], made["token"])("listtokens")["result"] == 2000
        fresh = admin.account("pcloud", region="us", email="own@example.com", seed="trash")
        assert Api(fresh["url"], fresh["token"]).names() == ["Drafts"]
        assert sandbox.stop() == 0
        assert not file.exists()


def test_it_ends_in_time_though_clients_hang_on(tmp_path: Path) -> None:
    with start_sandbox(tmp_path) as sandbox:
        pcloud = sandbox.endpoints["pcloud"]
        api = Api(pcloud["us_url"], pcloud["us_token"])
        number = api.upload("a.bin", bytes(3_000_000), folderid=0)["fileid"]
        newest = api("diff", last=0)["diffid"]
        link = api("getfilelink", fileid=number)
        sandbox.admin.fault(kind="stall", listener="pcloud.content", seconds=1000)
        polls = [
            (pcloud["us_url"], f"/diff?block=1&diffid={newest}&access_token={api.token}"),
            (pcloud["content_urls"][0], link["path"]),
        ]
        sockets = [connected(url) for url, _ in polls]
        for sock, (_, target) in zip(sockets, polls, strict=True):
            sock.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        sockets[1].recv(10)
        begin = time.monotonic()
        assert sandbox.stop() == 0
        assert time.monotonic() - begin < 8
        for sock in sockets:
            sock.close()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import sys, os; from pathlib import Path; from tests.sandbox_process import start_sandbox;"
        "s = start_sandbox(Path(sys.argv[1])); print(s.process.pid, flush=True); os._exit(0)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=root, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        # Our pipe's other end is inherited by the child: it reads as ended when that one is gone
        # too.
        assert parent.stdout.read() == b""
    assert pid > 0
    assert not (tmp_path / "endpoints.json").exists()


def test_a_wrong_seed_or_a_taken_port_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown seed"):
        Sandbox(data=tmp_path / "a", seeds=["nonsense"])
    with pytest.raises(ValueError, match="number"):
        parse("wide=many")
    with Sandbox(data=tmp_path / "b") as running:
        port = int(running.world.urls["admin"].rpartition(":")[2])
        second = Sandbox(data=tmp_path / "c", port_base=port)
        with pytest.raises(OSError, match="in use"):
            second.start()


def test_a_temporary_folder_goes_with_the_sandbox() -> None:
    with Sandbox() as sandbox:
        folder = sandbox.world.data
        assert folder.exists()
        assert set(sandbox.world.urls) == set(ORDER)
    assert not folder.exists()


def test_the_admin_wants_its_token_a_loopback_host_and_no_web_page(rig: Rig) -> None:
    url = rig.world.urls["admin"] + "/secrets"
    good = {"Authorization": f"Bearer {rig.sandbox.admin_token}"}
    assert request(url, headers=good).status == 200
    assert request(url).status == 401
    assert request(url, headers={"Authorization": "Bearer x"}).status == 401
    assert request(url, headers={**good, "Host": "evil.example"}).status == 403
    refused = request(url, headers={**good, "Origin": "http://evil.example"})
    assert refused.status == 403
    assert not [name for name in refused.headers if name.startswith("access-control")]
    base = rig.world.urls["admin"]
    assert request(base + "/nothing", headers=good).status == 404
    assert request(base + "/faults", "POST", '{"kind":"x"}', good).status == 400
    assert request(base + "/faults", "POST", "not json", good).status == 400


def test_seeds_are_the_same_every_time(tmp_path: Path) -> None:
    first = list(entries("library", Blobs(tmp_path / "1")))
    second = list(entries("pcloud:library", Blobs(tmp_path / "2")))
    assert [(e.path, e.modified) for e in first] == [(e.path, e.modified) for e in second]
    digests = [[e.blob.sha1() for e in found if e.blob] for found in (first, second)]
    assert digests[0] == digests[1]
    assert len(digests[0]) > 25


def test_the_locked_archive_opens_with_its_password_only(tmp_path: Path) -> None:
    found = {e.path[-1]: e.blob for e in entries("library", Blobs(tmp_path))}
    plain, locked = found["project.zip"], found["locked.zip"]
    assert plain is not None
    assert locked is not None
    with zipfile.ZipFile(io.BytesIO(plain.read())) as archive:
        text = archive.read("project/readme.txt")
    with zipfile.ZipFile(io.BytesIO(locked.read())) as archive:
        with pytest.raises(RuntimeError, match="password"):
            archive.read("project/readme.txt")
        assert archive.read("project/readme.txt", ZIP_PASSWORD.encode()) == text


@pytest.mark.parametrize(
    ("host", "listener"),
    [
        ("api.pcloud.com", "pcloud.us"),
        ("EAPI.pcloud.com", "pcloud.eu"),
        ("eapi-lux1.pcloud.com", "pcloud.eu"),
        ("my.pcloud.com", "pcloud.authorize"),
        ("p-par2.pcloud.com", "pcloud.content"),
        ("user.mypikpak.com", "pikpak.user"),
        ("api-drive.mypikpak.net", "pikpak.drive"),
        ("dl-a10b-0001.mypikpak.com", "pikpak.content"),
        ("vip-lixian-07.mypikpak.com", "pikpak.upload"),
        ("pcloud.com.evil.example", None),
        ("notpcloud.com", None),
    ],
)
def test_real_names_find_their_listener(host: str, listener: str | None) -> None:
    assert listener_for(host) == listener


def test_no_secret_looks_like_an_option(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert all(world.new_secret()[0].isalpha() for _ in range(2000))
    assert world.new_secret("M", 18).startswith("M")
