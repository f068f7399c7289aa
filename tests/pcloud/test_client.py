"""The pCloud client's conduct on the wire, against scripted answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from cloudtui.services.accounts import Account
from cloudtui.services.errors import (
    BadReply,
    CloudError,
    Denied,
    Exists,
    Full,
    LoginNeeded,
    NotFound,
    NotSupported,
    Offline,
    Refused,
    ServerTrouble,
    TooMany,
)
from cloudtui.services.models import Found, Location, Secret
from cloudtui.services.network import Network
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import SLOW, Client
from cloudtui.services.pcloud.regions import EU_API, US_API, regions
from cloudtui.services.pcloud.storage import PCloudStorage
from cloudtui.services.retry import Retries
from tests.pcloud.rig import FAST, TOKEN, Script, fields, file_item, folder_item, keys, place

API = "https://api.pcloud.com"
ROOT = Location("pc")


async def client(tmp_path: Path, script: Network, **options: object) -> Client:
    held = keys(tmp_path)
    await held.write("token", API, TOKEN)
    made = Client(Account("pc", "pcloud", options), held, script, FAST)
    made.pace.rate = 1000.0
    return made


async def scripted(tmp_path: Path, script: Script) -> PCloudStorage:
    return await place(tmp_path, API, network=script)


async def test_headers_of_a_call(tmp_path: Path) -> None:
    script = Script(lambda _method, _params: {"result": 0, "email": "a@b", "quota": "12"})
    pc = await client(tmp_path, script)
    info = await pc.call("userinfo", {}, wire.UserInfo)
    assert info.quota == 12
    (request,) = script.requests
    assert str(request.url).startswith(f"{API}/userinfo")
    assert request.headers["authorization"] == f"Bearer {TOKEN.reveal()}"
    assert request.headers["connection"] == "keep-alive"
    assert "referer" not in request.headers
    assert "origin" not in request.headers
    assert TOKEN.reveal() not in str(request.url)
    await pc.close()


async def test_changes_are_asked_for_as_rclone_does(tmp_path: Path) -> None:
    """By POST with everything in the query: not every server looks for parameters in a form."""
    script = Script(
        lambda _method, _params: {"result": 0, "metadata": folder_item(7, _params["name"], 0)}
    )
    storage = await scripted(tmp_path, script)
    await storage.mkdir(ROOT, "new name")
    (request,) = script.requests
    assert request.method == "POST"
    assert request.url.params["name"] == "new name"
    assert request.headers["content-length"] == "0"


@pytest.mark.parametrize("hidden", ["url", "password", "linkpassword"])
async def test_what_is_private_of_a_change_stays_out_of_the_request_line(
    tmp_path: Path, hidden: str
) -> None:
    script = Script(lambda _method, _params: {"result": 0})
    storage = await scripted(tmp_path, script)
    await storage.client.call("x", {hidden: "private", "a": 1}, wire.Answer, change=True)
    (request,) = script.requests
    assert "private" not in str(request.url)
    assert request.content == f"{hidden}=private".encode()
    assert request.url.params["a"] == "1"


async def test_a_request_line_never_gets_too_long(tmp_path: Path) -> None:
    script = Script(lambda _method, _params: {"result": 0})
    storage = await scripted(tmp_path, script)
    ids = ",".join(str(number) for number in range(3000))
    await storage.client.call("x", {"fileids": ids}, wire.Answer, change=True)
    (request,) = script.requests
    assert len(str(request.url)) < 200
    assert fields(request)["fileids"] == ids


async def test_no_sign_in_asks_for_one(tmp_path: Path) -> None:
    script = Script(lambda _method, _params: {"result": 0})
    pc = Client(Account("pc", "pcloud"), keys(tmp_path), script, FAST)
    with pytest.raises(LoginNeeded):
        await pc.call("userinfo", {}, wire.UserInfo)
    assert script.requests == []


async def test_a_token_of_another_server_is_never_sent(tmp_path: Path) -> None:
    script = Script(lambda _method, _params: {"result": 0})
    held = keys(tmp_path)
    await held.write("token", "http://127.0.0.1:1", TOKEN)
    pc = Client(Account("pc", "pcloud"), held, script, FAST)
    with pytest.raises(LoginNeeded):
        await pc.call("userinfo", {}, wire.UserInfo)
    assert script.requests == []


@pytest.mark.parametrize("code", [2094, 2000])
async def test_the_other_region_is_tried_once_and_remembered(tmp_path: Path, code: int) -> None:
    class Regional(Script):
        def __init__(self) -> None:
            super().__init__(self.answer)

        def answer(self, method: str, params: Mapping[str, str]) -> Mapping[str, object]:
            if self.requests[-1].url.host == "eapi.pcloud.com":
                return {"result": 0, "email": "in@europe"}
            return {"result": code, "error": "no"}

    script = Regional()
    pc = await client(tmp_path, script)
    assert (await pc.call("userinfo", {}, wire.UserInfo)).email == "in@europe"
    assert pc.base == EU_API
    assert await pc._keys.read("token", EU_API) == TOKEN
    before = len(script.requests)
    await pc.call("userinfo", {}, wire.UserInfo)
    assert [request.url.host for request in script.requests[before:]] == ["eapi.pcloud.com"]


async def test_an_account_that_was_moved_is_found_in_its_new_region(tmp_path: Path) -> None:
    home = "api.pcloud.com"

    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        there = script.requests[-1].url.host == home
        return {"result": 0, "email": home} if there else {"result": 2094, "error": "no"}

    script = Script(respond)
    pc = await client(tmp_path, script)
    assert (await pc.call("userinfo", {}, wire.UserInfo)).email == home
    home = "eapi.pcloud.com"
    assert (await pc.call("userinfo", {}, wire.UserInfo)).email == home
    assert pc.base == EU_API
    # taken back everywhere: the other region is tried once, then the sign-in is lost
    home = "nowhere"
    before = len(script.requests)
    with pytest.raises(LoginNeeded):
        await pc.call("userinfo", {}, wire.UserInfo)
    hosts = [request.url.host for request in script.requests[before:]]
    assert hosts == ["eapi.pcloud.com", "api.pcloud.com"]


async def test_a_token_known_nowhere_asks_for_a_new_sign_in(tmp_path: Path) -> None:
    script = Script(lambda _method, _params: {"result": 2094, "error": "Invalid"})
    pc = await client(tmp_path, script)
    with pytest.raises(LoginNeeded):
        await pc.call("listfolder", {"folderid": 0}, wire.Listing)
    hosts = [request.url.host for request in script.requests]
    assert hosts == ["api.pcloud.com", "eapi.pcloud.com"]
    # a new sign-in is taken up without a new object
    await pc._keys.write("token", US_API, Secret("fresh"))
    script._respond = lambda _method, _params: {"result": 0, "metadata": folder_item(0, "/", None)}
    await pc.call("listfolder", {"folderid": 0}, wire.Listing)
    assert script.requests[-1].headers["authorization"] == "Bearer fresh"


async def test_log_in_required_means_closed_when_the_token_works(tmp_path: Path) -> None:
    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        return {"result": 0} if method == "userinfo" else {"result": 1000, "error": "Log in"}

    script = Script(respond)
    pc = await client(tmp_path, script)
    for _ in range(2):
        with pytest.raises(NotSupported):
            await pc.call("trash_list", {}, wire.TreeListing)
    assert script.methods == ["trash_list", "userinfo"]
    assert pc.refusals.methods == {"trash_list"}


async def test_log_in_required_means_signed_out_when_nothing_works(tmp_path: Path) -> None:
    script = Script(lambda _method, _params: {"result": 1000, "error": "Log in required."})
    pc = await client(tmp_path, script)
    with pytest.raises(LoginNeeded):
        await pc.call("trash_list", {}, wire.TreeListing)
    assert pc.refusals.methods == set()


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (2095, LoginNeeded),
        (2055, NotFound),
        (2009, NotFound),
        (2004, Exists),
        (2008, Full),
        (2003, Denied),
        (2043, Refused),
        (1101, NotSupported),
        (9999, Refused),
    ],
)
async def test_final_refusals_are_asked_once(
    tmp_path: Path, result: int, expected: type[CloudError]
) -> None:
    script = Script(lambda _method, _params: {"result": result, "error": "a \x1b[31m text"})
    pc = await client(tmp_path, script)
    with pytest.raises(expected) as caught:
        await pc.call("stat", {"fileid": 1}, wire.One)
    assert len(script.requests) == 1
    assert "\x1b" not in str(caught.value) + caught.value.detail


@pytest.mark.parametrize("result", [4000, 4006, 4010, 5000, 5001, 5002, 5003])
async def test_passing_trouble_is_waited_out(tmp_path: Path, result: int) -> None:
    answers: list[dict[str, object]] = [
        {"result": result},
        {"result": result},
        {"result": 0, "email": "x"},
    ]
    script = Script(lambda _method, _params: answers[len(script.requests) - 1])
    pc = await client(tmp_path, script)
    assert (await pc.call("userinfo", {}, wire.UserInfo)).email == "x"
    assert len(script.requests) == 3


@pytest.mark.parametrize("result", [4006, 5000])
async def test_lasting_trouble_ends_in_its_sentence(tmp_path: Path, result: int) -> None:
    script = Script(lambda _method, _params: {"result": result})
    pc = await client(tmp_path, script)
    with pytest.raises(TooMany if result < 5000 else ServerTrouble):
        await pc.call("userinfo", {}, wire.UserInfo)
    assert len(script.requests) == FAST.attempts


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, html="<html>Sign in to the hotel</html>"),
        httpx.Response(200, content=b'{"result":0,"email":"cut'),
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"[]"),
        httpx.Response(200, content=b'{"email":"no result"}'),
        httpx.Response(302, headers={"location": "https://hotel.example"}),
    ],
    ids=["html", "cut", "empty", "list", "no result", "redirect"],
)
async def test_answers_that_are_none(tmp_path: Path, reply: httpx.Response) -> None:
    script = Script(
        lambda _method, _params: httpx.Response(
            reply.status_code, headers=reply.headers, content=reply.content
        )
    )
    pc = await client(tmp_path, script)
    with pytest.raises(BadReply):
        await pc.call("userinfo", {}, wire.UserInfo)
    assert {request.url.host for request in script.requests} == {"api.pcloud.com"}


async def test_a_lost_answer_is_looked_up_before_the_call_is_repeated(tmp_path: Path) -> None:
    made: list[dict[str, object]] = []

    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object] | Exception:
        if method == "listfolder":
            return {"result": 0, "metadata": folder_item(0, "/", None, list(made))}
        made.append(folder_item(70 + len(made), params["name"], 0))
        return httpx.ReadError("gone") if len(made) == 1 else {"result": 2004}

    script = Script(respond)
    storage = await scripted(tmp_path, script)
    entry = await storage.mkdir(ROOT, "new")
    assert entry.id == "d70"
    assert script.methods == ["createfolder", "listfolder"]


async def test_a_replacing_rename_is_told(tmp_path: Path) -> None:
    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        if method == "stat":
            return {"result": 0, "metadata": file_item(5, "a", 0)}
        if method == "listfolder":
            return {"result": 0, "metadata": folder_item(0, "/", None, [file_item(5, "a", 0)])}
        return {"result": 0, "metadata": file_item(5, "b", 0, deletedfileid="9")}

    storage = await scripted(tmp_path, Script(respond))
    found = await storage.stat(ROOT.child("a"))
    with pytest.raises(Exists, match="older version"):
        await storage.rename(found, "b")


async def test_links_keep_the_token_and_name_only_trusted_hosts(tmp_path: Path) -> None:
    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        return {
            "result": 0,
            "hosts": [
                "evil.example",
                "c1.pcloud.com",
                "c2.pcloud.com@evil.example",
                "p2.pcloud.com",
            ],
            "path": "/x/My%20pic ture.jpg",
            "expires": "Tue, 01 Sep 2026 12:30:00 +0000",
            "size": 5,
            "hash": 15241578750190521001,
        }

    script = Script(respond)
    storage = await scripted(tmp_path, script)
    entry = storage.names.entry(wire.Item(name="a", fileid=5, size=5))
    ticket = await storage.open_read(Found.of(ROOT, entry))
    assert ticket.urls == (
        "https://c1.pcloud.com/x/My%20pic%20ture.jpg",
        "https://p2.pcloud.com/x/My%20pic%20ture.jpg",
    )
    assert ticket.headers == ()
    assert ticket.version == "15241578750190521001"
    assert ticket.expires_at == 1788265800
    assert "pcloud" not in repr(ticket).replace("account='pc'", "")


@pytest.mark.parametrize(
    ("options", "candidates"),
    [
        ({}, (US_API, EU_API)),
        ({"region": "eu"}, (EU_API, US_API)),
        ({"api_url": EU_API}, (EU_API, US_API)),
        ({"api_url": "http://127.0.0.1:9"}, ("http://127.0.0.1:9",)),
        ({"us_url": "http://127.0.0.1:9"}, ("http://127.0.0.1:9",)),
        (
            {"us_url": "http://127.0.0.1:9", "eu_url": "http://[::1]:8", "region": "eu"},
            ("http://[::1]:8", "http://127.0.0.1:9"),
        ),
    ],
)
def test_regions_to_try(options: dict[str, object], candidates: tuple[str, ...]) -> None:
    assert regions(Account("pc", "pcloud", options)).candidates == candidates


@pytest.mark.parametrize(
    ("api", "hostname", "expected"),
    [
        (US_API, "eapi.pcloud.com", EU_API),
        (US_API, "api7.pcloud.com", "https://api7.pcloud.com"),
        ("http://127.0.0.1:9", "127.0.0.1:8", "http://127.0.0.1:8"),
        (US_API, "127.0.0.1:8", None),
        (US_API, "evil.example", None),
        (US_API, "evilpcloud.com", None),
        (US_API, "x@evil.example:443/.pcloud.com", None),
        ("http://127.0.0.1:9", "evil.example", None),
        ("http://127.0.0.1:9", "api7.pcloud.com", None),
    ],
)
def test_hosts_a_redirect_may_name(api: str, hostname: str, expected: str | None) -> None:
    known = regions(Account("pc", "pcloud", {"api_url": api}))
    if expected is None:
        with pytest.raises(Refused):
            known.of_hostname(hostname)
    else:
        assert known.of_hostname(hostname) == expected


@pytest.mark.parametrize(
    ("options", "hostname", "expected"),
    [
        ({"us_url": "http://127.0.0.1:9", "eu_url": "http://127.0.0.1:8"}, "eapi", 8),
        ({"us_url": "http://127.0.0.1:9", "eu_url": "http://127.0.0.1:8"}, "api", 9),
        ({"api_url": "http://127.0.0.1:7"}, "eapi", 7),
    ],
)
def test_a_regions_public_name_means_the_address_configured_for_it(
    options: dict[str, object], hostname: str, expected: int
) -> None:
    known = regions(Account("pc", "pcloud", options))
    assert known.of_hostname(f"{hostname}.pcloud.com") == f"http://127.0.0.1:{expected}"


def test_a_location_never_leads_away_from_a_configured_address() -> None:
    known = regions(Account("pc", "pcloud", {"api_url": "http://127.0.0.1:7"}))
    assert known.of_location(2) is None


def test_every_fixture_shape_is_read() -> None:
    big = wire.decode(
        json.dumps({"result": "0", "metadata": file_item(1, "x", 0, hash=str(2**64 - 1))}).encode(),
        wire.One,
    )
    assert big.metadata is not None
    assert big.metadata.hash == 2**64 - 1
    assert wire.seconds("Thu, 21 Mar 2013 18:31:45 +0000") == 1363890705
    assert wire.seconds("1363890705") == wire.seconds(1363890705) == 1363890705
    assert wire.seconds("Thu, 21 Mar 2013 18:31:45 +0100") == 1363890705 - 3600
    assert wire.seconds("nonsense") is None
    assert wire.seconds(None) is None


class Lacking:
    """A pCloud without a method: it closes the connection, as on anything it does not know."""

    def __init__(self, *methods: str) -> None:
        self.script = Script(self._respond)
        self._methods = methods

    def _respond(self, method: str, _params: Mapping[str, str]) -> Mapping[str, object] | Exception:
        if method in self._methods:
            return httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return {"result": 0, "metadata": folder_item(0, "/", None, [])}


async def test_a_method_that_is_not_there_is_done_without(tmp_path: Path) -> None:
    lacking = Lacking("listpublinks", "trash_list", "currentserver")
    storage = await scripted(tmp_path, lacking.script)
    storage.client.retries = Retries(attempts=8, first_wait=0.001, longest=0.01)
    assert await storage.links.public_links() is None
    assert [page async for page in storage.scan_trash()] == []
    # as patient as with a line that fails, but not to the end of all tries: that is a minute
    assert lacking.script.methods.count("listpublinks") == 5
    asked = len(lacking.script.methods)
    assert await storage.links.public_links() is None
    assert len(lacking.script.methods) == asked


async def test_a_broken_line_is_no_lacking_method(tmp_path: Path) -> None:
    storage = await scripted(tmp_path, Lacking("listpublinks", "userinfo").script)
    with pytest.raises(Offline):
        await storage.links.public_links()
    assert not storage.client.refusals.methods


@pytest.mark.parametrize("result", [1, 2, 1000, 2003, 2999, 3000])
async def test_links_that_cannot_be_listed_hold_nothing_up(tmp_path: Path, result: int) -> None:
    def respond(method: str, _params: Mapping[str, str]) -> Mapping[str, object]:
        return {"result": result if method == "listpublinks" else 0}

    storage = await scripted(tmp_path, Script(respond))
    assert await storage.links.public_links() is None


@pytest.mark.parametrize(("patience", "slow"), [(30.0, 180.0), (2.0, 12.0), (100.0, 180.0)])
async def test_who_waits_less_waits_less_for_whole_trees(
    tmp_path: Path, patience: float, slow: float
) -> None:
    script = Script(lambda _method, _params: {"result": 0})
    storage = await place(tmp_path, "http://127.0.0.1:1", network=script)
    script.timeout = patience
    await storage.client.call("stat", {}, wire.Answer)
    await storage.client.call("listfolder", {}, wire.Answer, timeout=SLOW)
    waits = [request.extensions["timeout"]["read"] for request in script.requests]
    assert waits == [patience, slow]
