"""The `pcloud` package from PyPI against the emulated pCloud, under the real host names."""

from __future__ import annotations

import gc
import hashlib
import http.client
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.conformance.clients import AWKWARD
from tests.conformance.connect_front import ConnectFront
from tests.conformance.foreign import need_module
from tests.sandbox_process import SandboxProcess, start_sandbox

pytestmark = [pytest.mark.conformance, pytest.mark.filterwarnings("ignore::ResourceWarning")]

OAUTH_PORT = 65432

# A client of the given endpoint and kind: ("api" or "eapi", "oauth" or "password").
Connect = Callable[[str, str], Any]


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxProcess]:
    """A sandbox behind the front; this process's environment leads httpx there."""
    need_module("pcloud")
    with (
        start_sandbox(tmp_path / "sandbox", "--seed", "pcloud:trash") as sandbox,
        ConnectFront(sandbox.endpoints, tmp_path) as front,
    ):
        monkeypatch.setenv("HTTPS_PROXY", front.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(front.ca_file))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        yield sandbox
    # The package leaves its sockets to the collector: let that happen while their warnings are
    # muted.
    gc.collect()


@pytest.fixture
def connect(sandbox: SandboxProcess) -> Connect:
    from pcloud import PyCloud

    def connected(endpoint: str, kind: str) -> Any:
        region = "eu" if endpoint == "eapi" else "us"
        if kind == "oauth":
            token = sandbox.endpoints["pcloud"][f"{region}_token"]
            return PyCloud("", token, endpoint=endpoint, oauth2=True)
        email = f"user@{region}.example.com"
        made = sandbox.admin.account("pcloud", region=region, email=email)
        return PyCloud(email, made["password"], endpoint=endpoint)

    return connected


def content_of(client: Any, file_id: int) -> bytes:
    data: bytes = client.file_download(fileid=file_id)
    return data


@pytest.mark.parametrize("endpoint", ["api", "eapi"])
def test_folders_and_files_under_oauth(connect: Connect, endpoint: str) -> None:
    client = connect(endpoint, "oauth")
    assert client.userinfo()["result"] == 0
    made = client.createfolder(folderid=0, name="made")["metadata"]
    assert client.createfolder(folderid=0, name="made")["result"] == 2004
    again = client.createfolderifnotexists(folderid=0, name="made")
    assert (again["created"], again["metadata"]["folderid"]) == (False, made["folderid"])
    for content in (b"", b"1", bytes(range(256)) * 20480):
        name = f"{len(content)}.bin"
        done = client.uploadfile(data=content, filename=name, folderid=made["folderid"])
        assert done["metadata"][0]["size"] == len(content)
        assert done["checksums"][0]["sha1"] == hashlib.sha1(content).hexdigest()
        other = "sha256" if endpoint == "eapi" else "md5"
        sums = client.checksumfile(path=f"/made/{name}")
        assert sums[other] == hashlib.new(other, content).hexdigest()
    listed = client.listfolder(path="/made")["metadata"]["contents"]
    assert sorted(entry["size"] for entry in listed) == [0, 1, 5242880]
    assert client.file_exists(path="/made/1.bin") is True
    assert client.file_exists(path="/made/none.bin") is False
    copied = client.copyfile(path="/made/1.bin", tofolderid=0, toname="copied.bin")["metadata"]
    client.renamefile(fileid=copied["fileid"], toname="renamed.bin")
    assert client.stat(path="/renamed.bin")["metadata"]["fileid"] == copied["fileid"]
    assert client.deletefolder(folderid=made["folderid"])["result"] == 2006
    assert client.deletefile(fileid=copied["fileid"])["metadata"]["isdeleted"] is True
    gone = client.deletefolderrecursive(folderid=made["folderid"])
    assert (gone["deletedfiles"], gone["deletedfolders"]) == (3, 1)


def test_awkward_names(connect: Connect, sandbox: SandboxProcess) -> None:
    client = connect("api", "oauth")
    names = [name for name in AWKWARD if "\\" not in name]
    for name in names:
        answer = client.uploadfile(data=name.encode(), filename=name, folderid=0)
        assert answer["metadata"][0]["name"] == name
    listed = client.listfolder(folderid=0, nofiles=0)["metadata"]["contents"]
    assert set(names) <= {entry["name"] for entry in listed}
    bad = client.uploadfile(data=b"x", filename="back\\slash.txt", folderid=0)
    assert bad["result"] == 2001


def test_what_is_closed_to_oauth_and_open_to_a_session(connect: Connect) -> None:
    app = connect("api", "oauth")
    for closed in (app.trash_list, app.listtokens):
        answer = closed(folderid=0) if closed == app.trash_list else closed()
        assert answer == {"result": 1000, "error": "Log in required."}
    assert app.listfolder(folderid=0)["result"] == 0
    user = connect("api", "password")
    assert user.listtokens()["tokens"]
    stored = user.uploadfile(data=b"some bytes", filename="a.txt", folderid=0)
    number = stored["fileids"][0]
    assert content_of(user, number) == b"some bytes"
    user.deletefile(fileid=number)
    trash = user.trash_list(folderid=0)["metadata"]["contents"]
    assert [(entry["name"], entry["origparentfolderid"]) for entry in trash] == [("a.txt", 0)]
    assert user.trash_restore(fileid=number)["metadata"]["isdeleted"] is False
    assert content_of(user, number) == b"some bytes"


def test_links_search_and_revisions(connect: Connect) -> None:
    client = connect("eapi", "oauth")
    folder = client.createfolder(folderid=0, name="shared")["metadata"]["folderid"]
    client.uploadfile(data=b"one", filename="note.txt", folderid=folder)
    second = client.uploadfile(data=b"two!", filename="note.txt", folderid=folder)
    link = client.getfolderpublink(folderid=folder)
    assert [entry["linkid"] for entry in client.listpublinks()["publinks"]] == [link["linkid"]]
    shown = client.showpublink(code=link["code"])["metadata"]["contents"]
    assert [entry["name"] for entry in shown] == ["note.txt"]
    assert client.deletepublink(linkid=link["linkid"])["result"] == 0
    assert client.showpublink(code=link["code"])["result"] == 7002
    number = second["fileids"][0]
    revisions = client._do_request("listrevisions", fileid=number)["revisions"]
    assert [entry["size"] for entry in revisions] == [3, 4]
    client._do_request("revertrevision", fileid=number, revisionid=revisions[0]["revisionid"])
    assert client.stat(fileid=number)["metadata"]["size"] == 3
    assert [e["name"] for e in client.search(query="note")["items"]] == ["note.txt"]
    newest = client.diff(last=1)["entries"][0]
    assert newest["metadata"]["fileid"] == number


@pytest.mark.xdist_group("pcloud-oauth")  # the package listens on a fixed port
@pytest.mark.parametrize("region", ["us", "eu"])
def test_sign_in_through_the_consent_page(sandbox: SandboxProcess, region: str) -> None:
    from pcloud import PyCloud
    from pcloud.oauth2 import TokenHandler

    pcloud = sandbox.endpoints["pcloud"]
    authorize = urlsplit(pcloud["authorize_url"]).netloc

    class Scripted(TokenHandler):  # type: ignore[misc]
        def open_browser(self) -> None:
            """Do what a browser does: open the page, approve, follow the redirect."""
            asked = dict(parse_qsl(urlsplit(self.auth_url).query))
            head = {"Host": "my.pcloud.com", "Content-Type": "application/x-www-form-urlencoded"}
            browser = http.client.HTTPConnection(authorize, timeout=30)
            browser.request("GET", "/oauth2/authorize?" + urlencode(asked), headers=head)
            page = browser.getresponse().read().decode()
            account = re.search(rf'<option value="(\d+)">[^<]*\({region}\)', page)
            assert account is not None
            form = urlencode({**asked, "account": account[1], "answer": "approve"})
            browser.request("POST", "/oauth2/authorize", form, head)
            answer = browser.getresponse()
            answer.read()
            browser.close()
            parts = urlsplit(answer.headers["Location"])
            back = http.client.HTTPConnection("localhost", OAUTH_PORT, timeout=30)
            back.request("GET", f"/?{parts.query}")
            back.getresponse().read()
            back.close()

    client = PyCloud.oauth2_authorize(
        pcloud["client_id"], pcloud["client_secret"], tokenhandler=Scripted
    )
    expected = {"us": "ana@example.com", "eu": "bela@example.com"}[region]
    assert client.userinfo()["email"] == expected
