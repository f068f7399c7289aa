"""PyPI pcloud 2.0.1, unmodified, under the real host names, in both regions.

Its own tests run with a password; here nearly everything is asked with an OAuth token, and what
the service keeps from those must be refused as it refuses.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import http.client
import inspect
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.conformance.clients import AWKWARD
from tests.conformance.connect_front import ConnectFront
from tests.conformance.foreign import need_module
from tests.conformance.pypi_pcloud import Side, fetched, folder_of, packed, put, unpacked
from tests.sandbox_process import SandboxProcess, start_sandbox

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.xdist_group("pypi-pcloud"),  # it listens on a fixed port
]

OAUTH_PORT = 65432
CLOSED = {"result": 1000, "error": "Log in required."}
PASSWORD = "correct horse 17"

Behind = tuple[SandboxProcess, ConnectFront]


@pytest.fixture(scope="module")
def behind(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[SandboxProcess, ConnectFront]]:
    """A sandbox and the front before it."""
    need_module("pcloud")
    folder = tmp_path_factory.mktemp("pypi-pcloud")
    with (
        start_sandbox(folder / "sandbox") as sandbox,
        ConnectFront(sandbox.endpoints, folder) as front,
    ):
        yield sandbox, front


@pytest.fixture
def sandbox(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxProcess]:
    """The sandbox, where this process's environment leads httpx."""
    sandbox, front = behind
    monkeypatch.setenv("HTTPS_PROXY", front.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(front.ca_file))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    yield sandbox
    # The package leaves its sockets to the collector: let that happen while their warnings are
    # muted.
    gc.collect()


@pytest.fixture(params=["us", "eu"])
def side(sandbox: SandboxProcess, request: pytest.FixtureRequest) -> Side:
    region = str(request.param)
    email = f"{request.node.originalname}@{region}.example.com"
    made = sandbox.admin.account("pcloud", region=region, email=email)
    return Side(sandbox, region, email, made["token"], made["password"])


@pytest.fixture
def app(side: Side) -> Any:
    return side.app()


def test_no_public_method_is_called_nowhere() -> None:
    """Every public method of the installed package is called by a test below."""
    need_module("pcloud")
    from pcloud import PyCloud

    public = {
        name
        for name, value in inspect.getmembers(PyCloud)
        if callable(value) and not name.startswith("_")
    }
    tests = [
        node
        for node in ast.parse(Path(__file__).read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    called = {
        call.func.attr
        for test in tests
        for call in ast.walk(test)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    }
    assert len(public) > 60
    assert public - called == set()


def test_folders_and_files(side: Side, app: Any) -> None:
    made = app.createfolder(folderid=0, name="made")["metadata"]
    assert app.createfolder(folderid=0, name="made")["result"] == 2004
    again = app.createfolderifnotexists(folderid=0, name="made")
    assert (again["created"], again["metadata"]["folderid"]) == (False, made["folderid"])
    for content in (b"", b"1", bytes(range(256)) * 4096):
        name = f"{len(content)}.bin"
        done = app.uploadfile(data=content, filename=name, folderid=made["folderid"])
        assert done["metadata"][0]["size"] == len(content)
        assert done["checksums"][0]["sha1"] == hashlib.sha1(content).hexdigest()
        other = "sha256" if side.name == "eu" else "md5"
        sums = app.checksumfile(path=f"/made/{name}")
        assert sums[other] == hashlib.new(other, content).hexdigest()
    listed = app.listfolder(path="/made")["metadata"]["contents"]
    assert sorted(entry["size"] for entry in listed) == [0, 1, 1 << 20]
    assert app.file_exists(path="/made/1.bin") is True
    assert app.file_exists(path="/made/none.bin") is False
    copied = app.copyfile(path="/made/1.bin", tofolderid=0, toname="copied.bin")["metadata"]
    app.renamefile(fileid=copied["fileid"], toname="renamed.bin")
    assert app.stat(path="/renamed.bin")["metadata"]["fileid"] == copied["fileid"]
    app.renamefolder(folderid=made["folderid"], toname="other")
    assert app.listfolder(path="/other")["metadata"]["folderid"] == made["folderid"]
    assert app.listfolder(folderid=made["folderid"], recursive=1)["result"] == 0
    assert app.listfolder(folderid=0, recursive=1)["result"] == 1101
    assert app.deletefolder(folderid=made["folderid"])["result"] == 2006
    assert app.deletefile(fileid=copied["fileid"])["metadata"]["isdeleted"] is True
    gone = app.deletefolderrecursive(folderid=made["folderid"])
    assert (gone["deletedfiles"], gone["deletedfolders"]) == (3, 1)


def test_awkward_names(app: Any) -> None:
    names = [name for name in AWKWARD if "\\" not in name]
    for name in names:
        answer = app.uploadfile(data=name.encode(), filename=name, folderid=0)
        assert answer["metadata"][0]["name"] == name
    listed = app.listfolder(folderid=0, nofiles=0)["metadata"]["contents"]
    assert {entry["name"] for entry in listed} == set(names)
    bad = app.uploadfile(data=b"x", filename="back\\slash.txt", folderid=0)
    assert bad["result"] == 2001


def test_several_files_at_once_and_their_progress(app: Any, tmp_path: Path) -> None:
    paths = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for path in paths:
        path.write_text(path.stem)
    stored = app.uploadfile(files=[str(path) for path in paths], folderid=0, progresshash="several")
    assert [entry["name"] for entry in stored["metadata"]] == ["one.txt", "two.txt"]
    told = app.uploadprogress(progresshash="several")
    assert (told["finished"], told["uploaded"]) == (True, told["total"])
    assert [entry["fileid"] for entry in told["files"]] == stored["fileids"]
    assert app.uploadprogress(progresshash="never heard of")["result"] == 1900


def test_the_service_fetches_for_it(side: Side, app: Any) -> None:
    number = put(app, "origin.txt", b"from afar")
    link = app._do_request("getfilelink", fileid=number)
    url = side.sandbox.endpoints["pcloud"]["content_urls"][0] + link["path"]
    folder = folder_of(app, "fetched")
    done = app.downloadfile(url=url, folderid=folder, target="at once.txt")
    assert [(file["name"], file["size"]) for file in done["metadata"]] == [("at once.txt", 9)]
    queued = app.downloadfileasync(
        url=url, folderid=folder, target="later.txt", progresshash="later"
    )
    assert queued["result"] == 0
    told: dict[str, Any] = {"finished": False}
    while not told["finished"]:
        told = app.uploadprogress(progresshash="later")
    assert (told["urlready"], told["files"][0]["status"]) == (1, "ready")
    sums = app.checksumfile(path="/fetched/later.txt")
    assert sums["sha1"] == hashlib.sha1(b"from afar").hexdigest()


def test_servers_and_the_account(side: Side, app: Any) -> None:
    host = "eapi-lux1.pcloud.com" if side.name == "eu" else "api7.pcloud.com"
    assert app.currentserver()["hostname"] == host
    assert app.getapiserver()["api"] == [host]
    # It asks the US region whatever it was made for.
    assert app.getnearestendpoint() == "https://api7.pcloud.com/"
    assert app.getip()["ip"] == "127.0.0.1"
    languages = app.supportedlanguages()["languages"]
    assert app.setlanguage(language="tlh")["result"] == 1021
    assert (languages["de"], app.setlanguage(language="de")["result"]) == ("Deutsch", 0)
    told = app.userinfo()
    assert (told["email"], told["language"], told["emailverified"]) == (side.email, "de", True)
    assert app.feedback(mail="no address", reason="a", message="b")["result"] == 2018
    assert app.feedback(mail=side.email, reason="praise", message="well done")["result"] == 0
    letters = side.sandbox.admin.state("pcloud")["letters"]
    assert (side.email, "praise: well done") in [(each["mail"], each["text"]) for each in letters]
    invitation = app.invite()
    assert [each["url"] for each in app.userinvites()["invites"]] == [invitation["url"]]


def test_the_nearest_server_cannot_be_chosen(side: Side) -> None:
    from pcloud import PyCloud

    # A bug of the package: it asks for the server over the connection it makes only afterwards.
    with pytest.raises(AttributeError, match="connection"):
        PyCloud("", side.token, endpoint="nearest", oauth2=True)


def test_registering_verifying_and_passwords(side: Side, app: Any) -> None:
    mail = f"new@{side.name}.example.com"
    new = {"mail": mail, "password": PASSWORD}
    assert app.register(**new)["result"] == 2037
    assert app.register(termsaccepted="yes", mail=mail, password="aaaaaaa")["result"] == 2034
    assert app.register(termsaccepted="yes", mail=mail, password="qwerty")["result"] == 2035
    assert app.register(termsaccepted="yes", **new)["result"] == 0
    assert app.register(termsaccepted="yes", **new)["result"] == 2038
    user = side.user(mail, PASSWORD)
    folder = folder_of(user, "mine")
    assert user.getfolderpublink(folderid=folder)["result"] == 2014
    assert user.sendverificationemail()["result"] == 0
    assert app.verifyemail(code="wrong")["result"] == 2012
    assert app.verifyemail(code=side.letter("verify"))["email"] == mail
    assert user.sendverificationemail()["result"] == 2013
    assert user.getfolderpublink(folderid=folder)["result"] == 0
    assert user.changepassword(oldpassword="x", newpassword="another 1")["result"] == 2031
    assert user.changepassword(oldpassword=PASSWORD, newpassword="another 1")["result"] == 0
    assert side.user(mail, "another 1").userinfo()["email"] == mail
    assert app.lostpassword(mail=mail)["result"] == 0
    code = side.letter("reset")
    assert app.resetpassword(code=code, newpassword="short")["result"] == 2032
    assert app.resetpassword(code=code, newpassword="a third one")["result"] == 0
    assert app.resetpassword(code=code, newpassword="a fourth one")["result"] == 2012
    assert side.user(mail, "a third one").userinfo()["email"] == mail


def test_signing_in_and_out(side: Side, app: Any) -> None:
    from pcloud.api import AuthenticationError

    assert len(app.getdigest()) == 32
    # Made for a password: with a token there is no user name to send, so nobody is signed in.
    with pytest.raises(AuthenticationError, match="2000"):
        app.get_auth_token()
    with pytest.raises(AuthenticationError, match="2000"):
        side.user(password="wrong")
    user = side.user()
    assert user.get_auth_token() != user.auth_token
    before = user.listtokens()["tokens"]
    other = side.user()
    added = {token["tokenid"] for token in user.listtokens()["tokens"]}
    (number,) = added - {token["tokenid"] for token in before}
    assert user.deletetoken(tokenid=number)["result"] == 0
    assert user.deletetoken(tokenid=number)["result"] == 2102
    assert other.userinfo()["result"] == 2000
    assert app.logout()["auth_deleted"] is True
    assert app.userinfo()["result"] == 2095


def test_what_is_closed_to_oauth(app: Any) -> None:
    number = put(app, "a.txt", b"some bytes")
    app.deletefile(fileid=number)
    assert app.trash_list(folderid=0) == CLOSED
    assert app.trash_restorepath(fileid=number) == CLOSED
    assert app.trash_restore(fileid=number) == CLOSED
    assert app.trash_clear(fileid=number) == CLOSED
    assert app.listtokens() == CLOSED
    assert app.deletetoken(tokenid=1) == CLOSED
    kept = put(app, "b.txt", b"other bytes")
    assert b'"result":1000' in app.getzip(fileids=kept).replace(b" ", b"")
    with pytest.raises(OSError, match="Log in required"):
        app.file_download(fileid=kept)
    assert app.savezip(fileids=kept, tofolderid=0, toname="b.zip")["result"] == 2003
    assert app.savezipprogress(progresshash="b")["result"] == 1901
    # The token is as good as before.
    listed = app.listfolder(folderid=0)["metadata"]["contents"]
    assert [entry["name"] for entry in listed] == ["b.txt"]


def test_what_a_password_opens(side: Side) -> None:
    user = side.user()
    first, second = put(user, "a.txt", b"some bytes"), put(user, "b.txt", b"other bytes")
    assert user.file_download(fileid=first) == b"some bytes"
    both = unpacked(user.getzip(fileids=f"{first},{second}"))
    assert both == {"a.txt": b"some bytes", "b.txt": b"other bytes"}
    user.deletefile(fileid=first)
    user.deletefile(fileid=second)
    trash = user.trash_list(folderid=0)["metadata"]["contents"]
    origins = sorted((entry["name"], entry["origparentfolderid"]) for entry in trash)
    assert origins == [("a.txt", 0), ("b.txt", 0)]
    assert user.trash_restorepath(fileid=first)["destination"]["folderid"] == 0
    assert user.trash_restore(fileid=first)["metadata"]["isdeleted"] is False
    assert user.file_download(fileid=first) == b"some bytes"
    assert user.trash_clear(fileid=second)["result"] == 0
    assert user.trash_list(folderid=0)["metadata"]["contents"] == []
    assert user.savezip(fileids=first, tofolderid=0, toname="a.zip")["result"] == 2003


def test_what_the_package_does_not_send(side: Side, app: Any) -> None:
    """It takes the service's rule about web pages for a rule about programs; the methods work."""
    from pcloud.api import OnlyPcloudError

    folder = folder_of(app, "folder")
    number = put(app, "note.txt", b"plain text", folder)
    refusals: list[Callable[[], object]] = [
        lambda: app.getfilelink(fileid=number),
        lambda: app.getvideolink(fileid=number),
        lambda: app.getvideolinks(fileid=number),
        lambda: app.getaudiolink(fileid=number),
        lambda: app.gethlslink(fileid=number),
        lambda: app.gettextfile(fileid=number),
        lambda: app.getfilepublink(fileid=number),
        lambda: app.getpublinkdownload(code="any"),
    ]
    for refused in refusals:
        with pytest.raises(OnlyPcloudError):
            refused()
    assert fetched(app._do_request("getfilelink", fileid=number)) == b"plain text"
    film = put(app, "film.mp4", b"moving pictures", folder)
    for name in ("getvideolink", "getaudiolink", "gethlslink"):
        assert app._do_request(name, fileid=number)["result"] == 2044
        assert fetched(app._do_request(name, fileid=film)) not in (b"", b"moving pictures")
    assert app._do_request("gettextfile", json=False, fileid=number) == b"plain text"
    code = app._do_request("getfilepublink", fileid=number)["code"]
    assert (
        fetched(app._do_request("getpublinkdownload", authenticate=False, code=code))
        == b"plain text"
    )
    # Written as not there yet.
    with pytest.raises(NotImplementedError):
        app.copyfolder(folderid=folder, tofolderid=0)
    with pytest.raises(NotImplementedError):
        app.gettreepublink(folderid=folder, name="tree")


def test_archives(side: Side, app: Any) -> None:
    number = put(app, "two.zip", packed(a=b"first", b=b"second"))
    folder = folder_of(app, "unpacked")
    done = app.extractarchive(fileid=number, tofolderid=folder)
    assert done["finished"] is True
    inside = app.listfolder(folderid=folder)["metadata"]["contents"]
    assert sorted(entry["name"] for entry in inside) == ["a.txt", "b.txt"]
    assert app.extractarchiveprogress(progresshash="unknown")["result"] == 1900
    side.sandbox.admin.switch("pcloud.slow_extract", value=True)
    slow = app.extractarchive(fileid=number, tofolderid=folder)
    side.sandbox.admin.switch("pcloud.slow_extract", value=False)
    assert slow["finished"] is False
    told = app.extractarchiveprogress(progresshash=slow["progresshash"], lines=slow["lines"])
    assert (told["finished"], told["output"][-1]) == (True, "Done.")
    names = {entry["name"] for entry in app.listfolder(folderid=folder)["metadata"]["contents"]}
    assert len(names) == 4
    link = app.getziplink(folderid=folder, excludefileids=inside[0]["fileid"])
    assert set(unpacked(fetched(link))) == names - {inside[0]["name"]}


def test_shares(side: Side, app: Any) -> None:
    folder = folder_of(app, "ours")
    asked = {"folderid": folder, "mail": "guest@example.com", "permissions": 3}
    assert app.sharefolder(**asked)["result"] == 2003
    admin, region = side.sandbox.admin, side.name
    guest = admin.account("pcloud", region=region, email="guest@example.com")
    told = {"region": region, "email": side.email, "permissions": "manageshares"}
    allowed = side.app(admin.token("pcloud", **told)["token"])
    assert allowed.sharefolder(**asked)["result"] == 0
    assert allowed.sharefolder(**asked)["result"] == 2019
    assert allowed.sharefolder(folderid=0, mail="x@example.com", permissions=0)["result"] == 2015
    (request,) = app.listshares()["requests"]["outgoing"]
    rights = [request[f"can{name}"] for name in ("create", "modify", "delete")]
    assert (request["tomail"], rights) == ("guest@example.com", [True, True, False])
    (request,) = side.app(guest["token"]).listshares()["requests"]["incoming"]
    assert (request["sharename"], request["frommail"]) == ("ours", side.email)
    assert app.deletefolder(folderid=folder)["result"] == 2028


def test_public_links(side: Side, app: Any) -> None:
    folder = folder_of(app, "shared")
    number = put(app, "note.txt", b"for others", folder)
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    link = app.getfolderpublink(folderid=folder, expire=expires)
    (listed,) = app.listpublinks()["publinks"]
    assert (listed["linkid"], listed["metadata"]["folderid"]) == (link["linkid"], folder)
    assert datetime.strptime(listed["expires"], "%a, %d %b %Y %H:%M:%S %z") == expires
    (short,) = app.listplshort()["publinks"]
    assert (short["folderid"], short["isfolder"], "metadata" in short) == (folder, True, False)
    code = link["code"]
    shown = app.showpublink(code=code)["metadata"]["contents"]
    assert [entry["name"] for entry in shown] == ["note.txt"]
    assert unpacked(app.getpubzip(code=code)) == {"shared/note.txt": b"for others"}
    assert app.getpubzip(code=code, unzip=True) == b"for others"
    copied = app.copypubfile(code=code, fileid=number, tofolderid=0, toname="copy.txt")
    assert copied["metadata"]["parentfolderid"] == 0
    assert app.changepublink(linkid=link["linkid"], linkpassword="hidden")["result"] == 0
    assert app.showpublink(code=code)["result"] == 2258
    with pytest.warns(DeprecationWarning, match="warn"):  # the package calls `log.warn`
        assert app.getpubzip(code=code, unzip=True) == ""
    assert app.deletepublink(linkid=link["linkid"])["result"] == 0
    assert app.showpublink(code=code)["result"] == 7002
    assert app.listpublinks()["publinks"] == []


def test_search_history_and_changes(app: Any) -> None:
    number = put(app, "note.txt", b"one")
    put(app, "note.txt", b"two!")
    revisions = app._do_request("listrevisions", fileid=number)["revisions"]
    assert [entry["size"] for entry in revisions] == [3, 4]
    app._do_request("revertrevision", fileid=number, revisionid=revisions[0]["revisionid"])
    assert app.stat(fileid=number)["metadata"]["size"] == 3
    assert [entry["name"] for entry in app.search(query="note")["items"]] == ["note.txt"]
    assert app.diff(last=1)["entries"][0]["metadata"]["fileid"] == number
    events = [entry["event"] for entry in app.getfilehistory(fileid=number)["entries"]]
    assert (events[0], set(events[1:])) == ("createfile", {"modifyfile"})


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
