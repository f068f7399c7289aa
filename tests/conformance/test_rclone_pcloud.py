"""The real rclone against the emulated pCloud: over loopback TLS, and under the real host names."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.conformance.clients import Rclone, make_tree, read_tree, wait_until_free
from tests.conformance.connect_front import ConnectFront, TlsFiles
from tests.sandbox_process import SandboxProcess, start_sandbox

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]


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


@pytest.mark.xdist_group("rclone-oauth")  # rclone listens on a fixed port
@pytest.mark.parametrize("region", ["us", "eu"])
def test_sign_in_through_the_consent_page(region: str, tmp_path: Path) -> None:
    with (
        start_sandbox(tmp_path / "sandbox") as sandbox,
        ConnectFront(sandbox.endpoints, tmp_path) as front,
    ):
        pcloud = sandbox.endpoints["pcloud"]
        rclone = Rclone("pc", {"type": "pcloud"}, front.ca_file, front.url)
        wait_until_free(OAUTH_PORT)
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
                fetch(landing)
                said, errors = process.communicate(timeout=60)
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
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
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
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": "my.pcloud.com"})
    text = connection.getresponse().read().decode()
    connection.close()
    account = re.search(rf'<option value="(\d+)">[^<]*\({region}\)', text)
    assert account is not None
    form = urlencode({**asked, "account": account[1], "answer": "approve"})
    location = fetch(authorize_url + "/oauth2/authorize", "POST", form, "my.pcloud.com")["Location"]
    return str(location).replace("http://localhost:", "http://127.0.0.1:")
