"""The real rclone against the emulated pCloud: over loopback TLS, and under the real host names."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.conformance.clients import Rclone, make_tree, read_tree
from tests.conformance.connect_front import ConnectFront, TlsFiles
from tests.reserved_port import reserved_port
from tests.sandbox_process import SandboxProcess, start_sandbox

pytestmark = pytest.mark.conformance


OAUTH_PORT = 53682


def token_json(token: str) -> str:
    return json.dumps(
        {"access_token": token, "token_type": "bearer", "expiry": "0001-01-01T00:00:00Z"}
    )


class Stage:
    """A sandbox, an rclone that reaches it, and the account it works in."""

    def __init__(self, sandbox: SandboxProcess, rclone: Rclone, region: str) -> None:
        self.sandbox = sandbox
        self.rclone = rclone
        self.region = region

    def nodes(self, *, trashed: bool = False) -> dict[str, dict[str, object]]:
        """Nodes of the account by path."""
        accounts = self.sandbox.admin.state("pcloud")["accounts"]
        account = next(a for a in accounts if a["region"] == self.region)
        return {node["path"]: node for node in account["nodes"] if node["trashed"] is trashed}


@pytest.fixture(params=["loopback", "us", "eu"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Loopback TLS by address, or the real names of either region through the front."""
    options = {"type": "pcloud"}
    if request.param == "loopback":
        tls = TlsFiles.make(tmp_path / "tls")
        arguments = ("--tls-cert", str(tls.cert), "--tls-key", str(tls.key))
        with start_sandbox(tmp_path / "sandbox", *arguments) as sandbox:
            pcloud = sandbox.endpoints["pcloud"]
            options |= {
                "hostname": urlsplit(pcloud["us_url"]).netloc,
                "token": token_json(pcloud["us_token"]),
            }
            yield Stage(sandbox, Rclone("pc", options, tls.ca), "us")
        return
    region = str(request.param)
    with (
        start_sandbox(tmp_path / "sandbox") as sandbox,
        ConnectFront(sandbox.endpoints, tmp_path) as front,
    ):
        host = "api.pcloud.com" if region == "us" else "eapi.pcloud.com"
        options["token"] = token_json(sandbox.endpoints["pcloud"][f"{region}_token"])
        options["hostname"] = host
        yield Stage(sandbox, Rclone("pc", options, front.ca_file, front.url), region)
        assert host in front.seen


def test_a_tree_goes_up_is_checked_and_comes_back_byte_equal(stage: Stage, tmp_path: Path) -> None:
    rclone = stage.rclone
    contents = make_tree(tmp_path / "source")
    rclone.run("mkdir", "pc:made/by hand")
    rclone.run("copy", str(tmp_path / "source"), "pc:made/tree")
    rclone.run("check", str(tmp_path / "source"), "pc:made/tree")
    rclone.run("check", "--download", str(tmp_path / "source"), "pc:made/tree")
    listed = rclone.run("lsf", "-R", "--files-only", "pc:made/tree").splitlines()
    assert sorted(listed) == sorted(contents)
    assert rclone.run("lsf", "pc:made").splitlines() == ["by hand/", "tree/"]
    rclone.run("copy", "pc:made/tree", str(tmp_path / "back"))
    assert read_tree(tmp_path / "back") == contents
    # rclone stores a backslash as its full-width twin; the rest is as on disk.
    stored = {path.replace("\uff3c", "\\") for path in stage.nodes()}
    assert {f"/made/tree/{name}" for name in contents} <= stored


def test_server_side_copies_moves_and_deletions(stage: Stage, tmp_path: Path) -> None:
    rclone = stage.rclone
    (tmp_path / "note.txt").write_text("a note")
    rclone.run("copyto", str(tmp_path / "note.txt"), "pc:dir/note.txt")
    rclone.run("copyto", "pc:dir/note.txt", "pc:dir/copy of note.txt")
    rclone.run("moveto", "pc:dir/copy of note.txt", "pc:other/moved note.txt")
    rclone.run("moveto", "pc:dir", "pc:renamed")
    assert rclone.run("cat", "pc:renamed/note.txt") == "a note"
    assert rclone.run("cat", "pc:other/moved note.txt") == "a note"
    assert {path for path in stage.nodes() if path.endswith(".txt")} == {
        "/renamed/note.txt",
        "/other/moved note.txt",
    }
    rclone.run("delete", "pc:other/moved note.txt")
    rclone.run("rmdir", "pc:other")
    rclone.run("purge", "pc:renamed")
    assert rclone.run("lsf", "-R", "pc:") == ""
    assert "/other/moved note.txt" in stage.nodes(trashed=True)


def test_an_overwrite_replaces_and_a_touch_sets_the_time(stage: Stage, tmp_path: Path) -> None:
    rclone = stage.rclone
    source = tmp_path / "text.txt"
    source.write_text("first")
    rclone.run("copyto", str(source), "pc:text.txt")
    source.write_text("second, longer")
    rclone.run("copyto", str(source), "pc:text.txt")
    assert rclone.run("cat", "pc:text.txt") == "second, longer"
    rclone.run("touch", "--timestamp", "2024-02-29T12:34:56", "pc:text.txt")
    assert rclone.run("lsf", "--format", "t", "--time-format", "2006-01-02T15:04:05", "pc:")
    assert stage.nodes()["/text.txt"]["modified"] == 1_709_210_096
    rclone.run("touch", "pc:new and empty.txt")
    assert stage.nodes()["/new and empty.txt"]["size"] == 0


def test_quota_ranges_hashes_and_public_links(stage: Stage, tmp_path: Path) -> None:
    rclone = stage.rclone
    (tmp_path / "data.bin").write_bytes(bytes(range(256)) * 64)
    rclone.run("copy", str(tmp_path / "data.bin"), "pc:data")
    about = json.loads(rclone.run("about", "--json", "pc:"))
    assert about["used"] == 16384
    assert about["free"] == about["total"] - 16384
    piece = subprocess.run(
        rclone.command("cat", "--offset", "250", "--count", "12", "pc:data/data.bin"),
        env=rclone.environment(),
        capture_output=True,
        check=True,
    )
    assert piece.stdout == bytes(range(250, 256)) + bytes(range(6))
    assert any(entry["range"] for entry in stage.sandbox.admin.log())
    local = rclone.run("hashsum", "sha1", str(tmp_path / "data.bin"))
    assert rclone.run("hashsum", "sha1", "pc:data/data.bin").split()[0] == local.split()[0]
    other = "sha256" if stage.region == "eu" else "md5"
    local = rclone.run("hashsum", other, str(tmp_path / "data.bin"))
    assert rclone.run("hashsum", other, "pc:data/data.bin").split()[0] == local.split()[0]
    assert "code=" in rclone.run("link", "pc:data/data.bin")
    assert "code=" in rclone.run("link", "pc:data")


def test_temporary_errors_are_ridden_out(stage: Stage, tmp_path: Path) -> None:
    rclone = stage.rclone
    (tmp_path / "note.txt").write_text("a note")
    admin = stage.sandbox.admin
    admin.fault(kind="api_code", listener="pcloud.*", match="* /createfolder", code=4006)
    admin.fault(kind="api_code", listener="pcloud.*", match="* /renamefile", code=5000)
    admin.fault(kind="status", listener="pcloud.*", match="* /listfolder", code=503)
    rclone.run("copy", str(tmp_path / "note.txt"), "pc:folder")
    assert rclone.run("cat", "pc:folder/note.txt") == "a note"
    assert admin.faults() == []
    assert set(stage.nodes()) == {"/folder", "/folder/note.txt"}


def test_a_full_account_refuses(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes(bytes(100_000))
    stage.sandbox.admin.order("pcloud", "quota", region=stage.region, bytes=50_000)
    stage.rclone.run("copy", str(tmp_path / "big.bin"), "pc:", code=1)
    assert stage.nodes() == {}


FEATURES = {
    *("About", "CanHaveEmptyDirectories", "ChangeNotify", "Copy", "DirCacheFlush", "DirMove"),
    *("ListP", "ListR", "Move", "PartialUploads", "PublicLink", "Purge", "Shutdown"),
}
"""What the backend can do; with a password it can clean up, too. All of it is used below."""


def features(rclone: Rclone) -> set[str]:
    told = json.loads(rclone.run("backend", "features", "pc:"))["Features"]
    return {name for name, there in told.items() if there}


def test_nothing_the_backend_can_do_is_left_out(stage: Stage) -> None:
    assert features(stage.rclone) == FEATURES
    obscured = stage.rclone.run("obscure", "a password").strip()
    user = {"username": "ana@example.com", "password": obscured}
    with_password = replace(stage.rclone, options=stage.rclone.options | user)
    assert features(with_password) == FEATURES | {"CleanUp"}
    assert with_password.run("lsf", "pc:") == ""


def test_the_trash_is_cleaned_up_with_a_password(stage: Stage, tmp_path: Path) -> None:
    email, password = f"clean@{stage.region}.example.com", "a password"
    order = {"region": stage.region, "email": email, "password": password}
    told = stage.sandbox.admin.order("pcloud", "add_accounts", **order)
    options = {
        **stage.rclone.options,
        "token": token_json(told["token"]),
        "username": email,
        "password": stage.rclone.run("obscure", password).strip(),
    }
    rclone = replace(stage.rclone, options=options)
    rclone.run("touch", "pc:dir/note.txt")
    rclone.run("touch", "pc:kept.txt")
    rclone.run("purge", "pc:dir")
    assert {node["path"] for node in nodes_of(stage, email) if node["trashed"]}
    rclone.run("cleanup", "pc:")
    left = nodes_of(stage, email)
    assert [(node["path"], node["trashed"]) for node in left] == [("/kept.txt", False)]


def nodes_of(stage: Stage, email: str) -> list[dict[str, Any]]:
    """All nodes but the root of an account, those in the trash as well."""
    accounts = stage.sandbox.admin.state("pcloud")["accounts"]
    (account,) = (each for each in accounts if each["email"] == email)
    return [node for node in account["nodes"] if node["path"] != "/"]


def test_lists_of_all_kinds_agree(stage: Stage, tmp_path: Path) -> None:
    rclone = stage.rclone
    for path in ("a.txt", "one/b.txt", "one/two/c.txt", "one/two/three/d.txt", "e/f.txt"):
        file = tmp_path / "up" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    (tmp_path / "up" / "empty" / "inside").mkdir(parents=True)
    rclone.run("copy", "--create-empty-src-dirs", str(tmp_path / "up"), "pc:")
    slow = sorted(rclone.run("lsf", "-R", "--disable", "ListR,ListP", "pc:").splitlines())
    assert "empty/inside/" in slow
    assert len(slow) == 11
    for options in ([], ["--fast-list"], ["--disable", "ListR"]):
        assert sorted(rclone.run("lsf", "-R", *options, "pc:").splitlines()) == slow
    assert sorted(rclone.run("lsf", "-R", "--fast-list", "pc:one/two").splitlines()) == [
        "c.txt",
        "three/",
        "three/d.txt",
    ]
    size = json.loads(rclone.run("size", "--json", "pc:"))
    assert (size["count"], size["bytes"]) == (5, sum(len(path) for path in slow if path[-1] != "/"))
    # another folder as the root
    top = rclone.run("lsf", "--format", "i", "--dirs-only", "pc:one").strip()
    inside = replace(rclone, options=rclone.options | {"root_folder_id": top})
    assert inside.run("lsf", "pc:").splitlines() == ["c.txt", "three/"]
    inside.run("rmdirs", "pc:three", code=0)
    assert inside.run("cat", "pc:three/d.txt") == "one/two/three/d.txt"


def test_sync_deletes_moves_and_streams(stage: Stage, tmp_path: Path) -> None:
    rclone = stage.rclone
    source = tmp_path / "source"
    source.mkdir()
    for name in ("same.txt", "gone.txt", "moved.txt"):
        (source / name).write_text(name)
    rclone.run("sync", str(source), "pc:mirror")
    ids = {name: stage.nodes()[f"/mirror/{name}"]["id"] for name in ("same.txt", "moved.txt")}
    (source / "gone.txt").unlink()
    (source / "sub").mkdir()
    (source / "moved.txt").rename(source / "sub" / "moved.txt")
    rclone.run("sync", "--track-renames", str(source), "pc:mirror")
    assert sorted(rclone.run("lsf", "-R", "--files-only", "pc:mirror").splitlines()) == [
        "same.txt",
        "sub/moved.txt",
    ]
    # one was left alone, one moved by the service
    assert stage.nodes()["/mirror/same.txt"]["id"] == ids["same.txt"]
    assert stage.nodes()["/mirror/sub/moved.txt"]["id"] == ids["moved.txt"]
    done = subprocess.run(
        rclone.command("rcat", "pc:mirror/piped.txt"),
        env=rclone.environment(),
        input=b"from a pipe" * 20_000,
        check=True,
    )
    assert done.returncode == 0
    assert stage.nodes()["/mirror/piped.txt"]["size"] == 220_000
    rclone.run("deletefile", "pc:mirror/piped.txt")
    rclone.run("rmdir", "pc:mirror", code=1)  # it is not empty
    rclone.run("purge", "pc:mirror")
    assert "/mirror" not in stage.nodes()


def test_a_served_folder_shows_what_others_add(stage: Stage, tmp_path: Path) -> None:
    """rclone keeps listings for an hour here: only the change feed can tell it of a new file."""
    rclone = stage.rclone
    rclone.run("touch", "pc:watched/first.txt")
    with reserved_port() as port:
        words = ("--addr", f"127.0.0.1:{port}", "--poll-interval", "100ms")
        command = rclone.command(
            *("serve", "http", "pc:watched", *words, "--dir-cache-time", "1h"),
        )
        with subprocess.Popen(
            command, env=rclone.environment(), stderr=subprocess.DEVNULL
        ) as server:
            try:
                page = served(port, "first.txt")
                assert "second.txt" not in page
                rclone.run("touch", "pc:watched/second.txt")
                served(port, "second.txt")
            finally:
                server.kill()


def served(port: int, name: str) -> str:
    """The list that rclone serves, once it names a file."""
    pause = threading.Event()
    deadline = time.monotonic() + 200
    page = ""
    while name not in page:
        assert time.monotonic() < deadline, f"{name} never came: {page[-2000:]}"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
        try:
            connection.request("GET", "/")
            page = connection.getresponse().read().decode()
        except ConnectionRefusedError:
            page = ""  # it is not up yet
        finally:
            connection.close()
        pause.wait(0.1)
    return page


@pytest.mark.xdist_group("rclone-oauth")  # rclone listens on a fixed port
@pytest.mark.parametrize("region", ["us", "eu"])
def test_sign_in_through_the_consent_page(region: str, tmp_path: Path) -> None:
    with (
        start_sandbox(tmp_path / "sandbox") as sandbox,
        ConnectFront(sandbox.endpoints, tmp_path) as front,
        reserved_port(OAUTH_PORT),
    ):
        pcloud = sandbox.endpoints["pcloud"]
        rclone = Rclone("pc", {"type": "pcloud"}, front.ca_file, front.url)
        with subprocess.Popen(
            rclone.command(
                *("authorize", "pcloud", pcloud["client_id"], pcloud["client_secret"]),
                "--auth-no-open-browser",
            ),
            env=rclone.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stderr is not None
                link = heard = ""
                while not link:
                    line = process.stderr.readline()
                    heard += line
                    assert line, f"rclone ended before it printed its link: {heard}"
                    found = re.search(r"http://127\.0\.0\.1:\d+/auth\?state=\S+", line)
                    link = found[0] if found else ""
                consent = located(link)
                landing = approve(pcloud["authorize_url"], consent, region)
                assert "hostname=" + ("eapi" if region == "eu" else "api") in landing
                # rclone ends once it has the code, maybe before its page is out
                with contextlib.suppress(http.client.RemoteDisconnected, ConnectionResetError):
                    fetch(landing)
                said, errors = process.communicate(timeout=200)
            finally:
                process.kill()
        assert process.returncode == 0, errors
        token = json.loads(re.search(r"\{.*\}", said)[0])  # type: ignore[index]
        issued = sandbox.admin.state("pcloud")["tokens"]
        assert sum(entry["region"] == region for entry in issued) == 2
        assert token["access_token"] in sandbox.admin.secrets()


def fetch(url: str, method: str = "GET", body: str = "", host: str = "") -> http.client.HTTPMessage:
    """One request without following redirects; the answer's headers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=100)
    headers = {"Host": host or parts.netloc}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, f"{parts.path or '/'}?{parts.query}", body or None, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status < 400, answer.status
    return answer.headers


def located(url: str) -> str:
    location = fetch(url)["Location"]
    assert location
    return str(location)


def approve(authorize_url: str, consent: str, region: str) -> str:
    """Do what a browser does on the consent page; the address it is sent to."""
    asked = dict(parse_qsl(urlsplit(consent).query))
    assert consent.startswith("https://my.pcloud.com/oauth2/authorize?")
    page = authorize_url + "/oauth2/authorize?" + urlencode(asked)
    parts = urlsplit(page)
    connection = http.client.HTTPConnection(parts.netloc, timeout=100)
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": "my.pcloud.com"})
    text = connection.getresponse().read().decode()
    connection.close()
    account = re.search(rf'<option value="(\d+)">[^<]*\({region}\)', text)
    assert account is not None
    form = urlencode({**asked, "account": account[1], "answer": "approve"})
    location = fetch(authorize_url + "/oauth2/authorize", "POST", form, "my.pcloud.com")["Location"]
    return str(location).replace("http://localhost:", "http://127.0.0.1:")
