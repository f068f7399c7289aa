"""pCloud's consent page and token exchange."""

from __future__ import annotations

import base64
import re
import threading
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.sandbox.rig import Answer, Api, Rig, request

REDIRECT = "http://localhost:53682/"


def asked(rig: Rig, **options: str) -> dict[str, str]:
    return {"client_id": rig.client["client_id"], "response_type": "code", **options}


def page(rig: Rig, **options: str) -> Answer:
    return request(f"{rig.authorize}/oauth2/authorize?{urlencode(asked(rig, **options))}")


def answered(rig: Rig, word: str, region: str = "us", **options: str) -> Answer:
    """Open the page, choose the region's account and press a button."""
    text = page(rig, **options).body.decode()
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text)
    hidden = {name: unescape(value) for name, value in fields}
    assert hidden == asked(rig, **options)
    account = re.search(rf'<option value="(\d+)">[^<]*\({region}\)', text)
    assert account is not None
    form = urlencode({**hidden, "account": account[1], "answer": word})
    return request(
        rig.authorize + "/oauth2/authorize",
        "POST",
        form,
        {"Content-Type": "application/x-www-form-urlencoded"},
    )


def landing(answer: Answer) -> dict[str, str]:
    assert answer.status == 302
    assert answer.headers["location"].startswith(REDIRECT)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


def exchange(rig: Rig, api: Api, code: str) -> Any:
    return Api(api.url)("oauth2_token", code=code, **rig.client)


@pytest.mark.parametrize(("region", "location"), [("us", "1"), ("eu", "2")])
def test_code_with_redirect(rig: Rig, region: str, location: str) -> None:
    found = landing(answered(rig, "approve", region, redirect_uri=REDIRECT, state="s+1&"))
    own, other = (rig.us, rig.eu) if region == "us" else (rig.eu, rig.us)
    assert (found["state"], found["locationid"]) == ("s+1&", location)
    assert found["hostname"] == urlsplit(own.url).netloc
    assert exchange(rig, other, found["code"])["result"] == 2012
    token = exchange(rig, own, found["code"])
    assert (token["token_type"], token["locationid"]) == ("bearer", int(location))
    assert Api(own.url, token["access_token"])("userinfo")["userid"] == token["uid"]
    assert exchange(rig, own, found["code"])["result"] == 2012


def test_a_first_attempt_without_client_id_does_not_spend_the_code(rig: Rig) -> None:
    code = landing(answered(rig, "approve", redirect_uri=REDIRECT))["code"]
    basic = base64.b64encode(":".join(rig.client.values()).encode()).decode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    first = request(
        rig.us.url + "/oauth2_token",
        "POST",
        urlencode({"code": code, "grant_type": "authorization_code"}),
        {**form, "Authorization": f"Basic {basic}"},
    ).json()
    assert first["result"] != 0
    assert Api(rig.us.url)("oauth2_token", **{**rig.client, "client_secret": "x"}, code=code)[
        "result"
    ]
    second = request(
        rig.us.url + "/oauth2_token", "POST", urlencode({"code": code, **rig.client}), form
    ).json()
    assert second["access_token"] in rig.world.secrets()


def test_code_without_redirect_is_shown_and_expires(rig: Rig) -> None:
    text = answered(rig, "approve").body.decode()
    code = re.search(r'<code id="code">([^<]+)</code>', text)
    assert code is not None
    rig.world.advance(601)
    assert exchange(rig, rig.us, code[1])["result"] == 2012


def test_denial_in_both_forms(rig: Rig) -> None:
    assert landing(answered(rig, "deny", redirect_uri=REDIRECT, state="x")) == {
        "error": "access_denied",
        "state": "x",
    }
    rig.switch("pcloud.denial", "empty")
    assert landing(answered(rig, "deny", redirect_uri=REDIRECT)) == {}


def test_switches_leave_parts_of_the_redirect_out(rig: Rig) -> None:
    for name in ("state", "hostname", "locationid"):
        rig.switch(f"pcloud.redirect_{name}", value=False)
    found = landing(answered(rig, "approve", redirect_uri=REDIRECT, state="x"))
    assert set(found) == {"code"}
    rig.switch("pcloud.auto_approve", value=True)
    assert set(landing(page(rig, redirect_uri=REDIRECT))) == {"code"}


def test_implicit_token_comes_in_the_fragment(rig: Rig) -> None:
    answer = answered(rig, "approve", redirect_uri=REDIRECT, response_type="token", state="x")
    parts = urlsplit(answer.headers["location"])
    found = parse_qs(parts.fragment)
    assert parts.query == ""
    assert Api(rig.us.url, found["access_token"][0])("userinfo")["result"] == 0


def test_the_page_refuses_what_it_does_not_know(rig: Rig) -> None:
    assert b"Invalid &#x27;client_id&#x27;." in page(rig, client_id="other").body
    for redirect in ("https://evil.example/", "http://evil.example/", "javascript:alert(1)"):
        assert page(rig, redirect_uri=redirect).status == 400
    assert page(rig, response_type="magic").status == 400
    shown = page(rig, state='"><script>alert(1)</script>').body
    assert b"<script>" not in shown


def test_a_poll_waits_in_the_right_region(rig: Rig) -> None:
    rig.switch("pcloud.poll_seconds", 20)
    poll = {**rig.client, "request_id": "r" * 40}
    found: dict[str, Any] = {}

    def ask(region: str, url: str) -> None:
        found[region] = Api(url)("oauth2_token", **poll)

    threads = [
        threading.Thread(target=ask, args=(region, api.url))
        for region, api in (("us", rig.us), ("eu", rig.eu))
    ]
    for thread in threads:
        thread.start()
    answered(rig, "approve", "eu", response_type="poll_token", request_id="r" * 40)
    threads[1].join(100)
    assert Api(rig.eu.url, found["eu"]["access_token"])("userinfo")["result"] == 0
    assert "us" not in found
    rig.world.stopping.set()
    rig.world.advance(0)
    threads[0].join(100)
    assert found["us"]["result"] != 0


def test_a_denied_and_an_unanswered_poll(rig: Rig) -> None:
    answered(rig, "deny", response_type="poll_token", request_id="denied")
    assert Api(rig.us.url)("oauth2_token", **rig.client, request_id="denied")["result"] == 2012
    rig.switch("pcloud.poll_seconds", 0.05)
    assert Api(rig.us.url)("oauth2_token", **rig.client, request_id="none")["result"] == 2013
