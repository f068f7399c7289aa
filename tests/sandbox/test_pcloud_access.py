"""pCloud's credentials, envelopes and parameters."""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

from tests.sandbox.rig import Rig, request


def test_token_classes_and_their_refusals(rig: Rig) -> None:
    us, eu = rig.us, rig.eu
    assert us("userinfo")["email"] == "ana@example.com"
    assert eu("userinfo")["email"] == "bela@example.com"
    us.token, eu.token = eu.token, us.token
    assert us("userinfo")["result"] == 2094
    us.token = ""
    assert us("userinfo") == {"result": 1000, "error": "Log in required."}
    assert us("userinfo", access_token="nonsense")["result"] == 2094
    assert us("userinfo", auth="nonsense")["result"] == 2000
    assert us("userinfo", access_token=eu.token)["result"] == 0


def test_revoked_read_only_and_expired_tokens(rig: Rig) -> None:
    readonly = rig.api(write=False)
    assert readonly("listfolder", folderid=0)["result"] == 0
    assert readonly("createfolder", folderid=0, name="x")["result"] == 2003
    rig.fault(kind="expire_token", listener="pcloud.us")
    assert readonly("userinfo")["result"] == 2094
    rig.sandbox.pcloud.admin("remove_tokens", {"token": readonly.token})
    assert readonly("userinfo")["result"] == 2095
    session = rig.session()
    assert session("logout")["auth_deleted"] is True
    assert session("userinfo")["result"] == 2000


def test_methods_closed_to_oauth_tokens(rig: Rig) -> None:
    closed = ("trash_list", "trash_clear", "trash_restore", "listtokens", "deletetoken", "getzip")
    for name in (*closed, "collection_list", "collection_create"):
        assert rig.us(name, folderid=0)["result"] == 1000, name
        assert rig.us("listfolder", folderid=0)["result"] == 0
        assert rig.session()(name if name != "getzip" else "trash_list")["result"] != 1000, name
    for client in (rig.us, rig.session()):
        assert client("file_open", path="/x")["result"] == 2003
        assert client("savezip", folderid=0)["result"] == 2003
    assert "auth" not in rig.us("userinfo", getauth=1)
    assert rig.session()("userinfo", getauth=1)["auth"]
    rig.switch("pcloud.open", ["trash_list"])
    rig.switch("pcloud.closed", ["search"])
    assert rig.us("trash_list")["result"] == 0
    assert rig.us("search", query="x")["result"] == 1000
    rig.fault(kind="refuse", match="* /stat", code=2003)
    assert rig.us("stat", path="/")["result"] == 2003


def test_password_sign_in_by_digest(rig: Rig) -> None:
    made = rig.sandbox.pcloud.admin("add_accounts", {"region": "eu", "email": "Eva@example.com"})
    assert isinstance(made, dict)
    rig.eu.token = ""
    digest = rig.eu("getdigest")["digest"]
    user = hashlib.sha1(b"eva@example.com").hexdigest()
    answer = hashlib.sha1((str(made["password"]) + user + digest).encode()).hexdigest()
    sign_in = {"username": "Eva@example.com", "digest": digest, "passworddigest": answer}
    token = rig.eu("userinfo", getauth=1, **sign_in)["auth"]
    assert rig.eu("listtokens", auth=token)["result"] == 0
    assert rig.eu("userinfo", getauth=1, **sign_in)["result"] == 2000
    assert token in rig.world.secrets()


def test_parameters_from_query_form_and_cookie_in_that_order(rig: Rig) -> None:
    folder = rig.us.folder("a")
    url = f"{rig.us.url}/listfolder?folderid=77&access_token={rig.us.token}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = request(url, "POST", urlencode({"folderid": folder}), form)
    assert answer.json()["metadata"]["name"] == "a"
    cookie = {**form, "Cookie": f"folderid={folder}; timeformat=timestamp"}
    answer = request(url, "POST", urlencode({"folderid": 88}), cookie)
    assert answer.json()["metadata"]["folderid"] == folder
    assert isinstance(answer.json()["metadata"]["created"], int)


def test_formats_filters_and_echo(rig: Rig) -> None:
    rig.us.upload("song.mp3", b"x", folderid=0, mtime=1_700_000_000)
    plain = rig.us("listfolder", folderid=0)["metadata"]["contents"][0]
    assert plain["modified"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert len(plain["modified"]) == 31
    assert (plain["icon"], plain["category"], plain["contenttype"]) == ("audio", 3, "audio/mpeg")
    stamped = rig.us("stat", path="/song.mp3", timeformat="timestamp", iconformat="id", id=42)
    assert stamped["metadata"]["modified"] == 1_700_000_000
    assert stamped["metadata"]["icon"] == 3
    assert (stamped["id"], rig.us("stat", path="/none", id="x-1")["id"]) == (42, "x-1")
    few = rig.us("listfolder", folderid=0, filtermeta="name,contents,size")["metadata"]
    assert few["contents"] == [{"name": "song.mp3", "size": 1}]


def test_errors_are_http_200_with_a_number_in_x_error(rig: Rig) -> None:
    missing = rig.us.send("GET", "listfolder", None, folderid=12345)
    assert (missing.status, missing.headers["x-error"]) == (200, "2005")
    assert missing.headers["connection"] == "close"
    assert missing.headers["server"].startswith("CloudHTTPd")
    unknown = rig.us.send("GET", "nosuchmethod", None)
    assert (unknown.status, unknown.headers["connection"]) == (404, "close")
    rig.fault(kind="api_code", match="GET /userinfo", code=4006)
    assert rig.us("userinfo")["result"] == 4006
    assert rig.us("userinfo")["result"] == 0
    assert [entry["result"] for entry in rig.world.log.entries()] == [2005, None, 4006, None]


def test_a_rate_limit_and_compressed_answers(rig: Rig) -> None:
    rig.switch("pcloud.rate", 3)
    results = [rig.us("userinfo")["result"] for _ in range(5)]
    assert results == [0, 0, 0, 4006, 4006]
    rig.world.advance(1.1)
    assert rig.us("userinfo")["result"] == 0
    rig.switch("pcloud.rate", 0)
    rig.switch("pcloud.gzip", value=True)
    for number in range(10):
        rig.us.folder(f"folder {number}")
    rig.us.headers["Accept-Encoding"] = "gzip"
    packed = rig.us.send("GET", "listfolder", None, folderid=0)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.body[:2] == b"\x1f\x8b"


def test_the_two_regions_name_themselves_and_real_names_get_real_names(rig: Rig) -> None:
    for client, hashes in ((rig.us, {"sha1", "md5"}), (rig.eu, {"sha1", "sha256"})):
        file = client.upload("a.bin", b"abc", folderid=0)
        sums = client("checksumfile", fileid=file["fileid"])
        assert set(sums) == {"result", "metadata"} | hashes
        assert all(sums[name] == hashlib.new(name, b"abc").hexdigest() for name in hashes)
    assert rig.us("currentserver")["hostname"] == rig.us.url.removeprefix("http://")
    rig.eu.headers["Host"] = "eapi.pcloud.com"
    assert rig.eu("currentserver")["hostname"].endswith(".pcloud.com")
    link = rig.eu("getfilelink", path="/a.bin")
    assert link["hosts"] == ["p-lux1.pcloud.com", "p-par2.pcloud.com"]


def test_ids_and_change_marks_are_too_large_for_careless_parsers(rig: Rig) -> None:
    files = [rig.us.upload(f"{number}.txt", b"x", folderid=0) for number in range(20)]
    assert all(file["fileid"] > 2**32 for file in files)
    assert any(file["hash"] > 2**63 for file in files)
    assert all(file["hash"] != int(float(file["hash"])) for file in files)
