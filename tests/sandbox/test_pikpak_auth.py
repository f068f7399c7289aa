"""Captcha tokens, the puzzle, sign-in, refresh and what drive calls ask for."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from cloudtui.sandbox.pikpak.identities import IDENTITIES, captcha_sign
from cloudtui.sandbox.pikpak.service import PASSWORD, USERNAME
from tests.sandbox.pikpak_rig import DEVICE, WEB, Answer, Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def signed_meta(timestamp: str = "1700000000000", sign: str | None = None) -> dict[str, str]:
    web = IDENTITIES[0]
    return {
        "captcha_sign": sign or captcha_sign(web, DEVICE, timestamp),
        "client_version": web.version,
        "package_name": web.package,
        "timestamp": timestamp,
    }


def code(answer: Answer) -> tuple[int, int, str]:
    told = answer.json()
    return answer.status, told["error_code"], told["error"]


def test_sign_in_gives_a_token_whose_middle_names_the_user(rig: Rig) -> None:
    told = rig.sign_in().json()
    middle = told["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    assert claims["sub"] == told["sub"]
    assert told["expires_in"] == 7200
    assert "error" not in told
    assert {told["access_token"], told["refresh_token"]} <= set(rig.world.secrets())


def test_pikpakapi_sends_json_called_a_form_and_the_captcha_in_the_body(rig: Rig) -> None:
    answer = rig.user(
        "POST",
        "/v1/auth/signin",
        {
            "client_id": WEB,
            "client_secret": "",
            "username": USERNAME,
            "password": PASSWORD,
            "captcha_token": rig.captcha(meta={"email": USERNAME})["captcha_token"],
        },
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status == 200


def test_wrong_password_is_4022(rig: Rig) -> None:
    assert code(rig.sign_in(password="no")) == (400, 4022, "invalid_account_or_password")


def test_sign_in_without_captcha_is_4001(rig: Rig) -> None:
    assert code(rig.sign_in(captcha="")) == (400, 4001, "captcha_required")


def test_a_captcha_token_expires_after_five_minutes(rig: Rig) -> None:
    token = rig.captcha()["captcha_token"]
    rig.world.advance(301)
    assert code(rig.sign_in(captcha=token)) == (400, 4002, "captcha_invalid")


def test_a_token_made_with_a_sign_does_not_sign_in(rig: Rig) -> None:
    token = rig.captcha(action="GET:/drive/v1/files", meta=signed_meta())["captcha_token"]
    answer = rig.sign_in(captcha=token)
    assert code(answer) == (400, 4002, "captcha_invalid")
    assert "meta.username expect" in answer.json()["error_description"]


def test_a_wrong_sign_is_refused_unless_the_switch_is_off(rig: Rig) -> None:
    meta = signed_meta(sign="1.00000000000000000000000000000000")
    told = rig.captcha(action="GET:/drive/v1/files", meta=meta)
    assert told["error"] == "captcha_invalid"
    rig.switch(strict_sign=False)
    assert rig.captcha(action="GET:/drive/v1/files", meta=meta)["captcha_token"]


def test_salts_that_are_out_of_date(rig: Rig) -> None:
    rig.switch(signs_refused=["web"])
    told = rig.captcha(action="GET:/drive/v1/files", meta=signed_meta())
    assert (told["error"], told["error_code"]) == ("captcha_invalid", 4002)
    assert rig.sign_in().status == 200  # that needs no sign
    rig.switch(signs_refused=["pc"])
    assert rig.captcha(action="GET:/drive/v1/files", meta=signed_meta())["captcha_token"]


def test_a_client_that_is_no_longer_let_in(rig: Rig) -> None:
    first, token = rig.sign_in().json(), rig.captcha()["captcha_token"]
    rig.switch(clients_refused=["web"])
    assert rig.captcha()["error_description"] == "currently not supported"
    assert code(rig.sign_in(captcha=token)) == (400, 3, "invalid_argument")
    assert code(refresh(rig, first["refresh_token"])) == (400, 3, "invalid_argument")
    assert rig.captcha(client_id="YNxT9w7GMdWvEOKa")["captcha_token"]
    # what it had lives on, and nothing was spent
    rig.token = first["access_token"]
    assert rig.drive("GET", "/drive/v1/about").status == 200
    rig.switch(clients_refused=[])
    assert refresh(rig, first["refresh_token"]).status == 200


def test_data_centre_refusal_leaves_refresh_working(rig: Rig) -> None:
    first = rig.sign_in().json()
    rig.switch(signin_prohibited=True)
    answer = rig.sign_in()
    assert code(answer) == (400, 4126, "invalid_grant")
    assert answer.json()["error_description"] == "AccessProhibited"
    assert refresh(rig, first["refresh_token"]).status == 200


def refresh(rig: Rig, token: str, client: str = WEB, *, form: bool = False) -> Answer:
    fields = {"client_id": client, "grant_type": "refresh_token", "refresh_token": token}
    if form:
        return rig.send(
            "POST",
            rig.world.urls["pikpak.user"] + "/v1/auth/token",
            urlencode(fields).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
    return rig.user("POST", "/v1/auth/token", fields)


@pytest.mark.parametrize("form", [True, False])
def test_a_refresh_token_is_good_once(rig: Rig, form: bool) -> None:
    first = rig.sign_in().json()
    second = refresh(rig, first["refresh_token"], form=form)
    assert second.headers.get_content_type() == "application/json"
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert code(refresh(rig, first["refresh_token"], form=form)) == (400, 4126, "invalid_grant")
    # The first access token goes on working: several clients share an account.
    for token in (first["access_token"], second.json()["access_token"]):
        rig.token = token
        assert rig.drive("GET", "/drive/v1/about").status == 200


def test_a_refresh_token_belongs_to_its_client(rig: Rig) -> None:
    token = rig.sign_in().json()["refresh_token"]
    assert code(refresh(rig, token, "YNxT9w7GMdWvEOKa")) == (400, 4126, "invalid_grant")


def test_access_tokens_age(rig: Rig) -> None:
    assert rig.drive("GET", "/drive/v1/about").status == 200
    rig.world.advance(7201)
    assert code(rig.drive("GET", "/drive/v1/about")) == (401, 16, "unauthenticated")


def test_a_stale_bearer_does_not_stand_in_the_way_of_a_new_one(rig: Rig) -> None:
    first = rig.sign_in().json()
    rig.world.advance(7201)
    fields = {"client_id": WEB, "refresh_token": first["refresh_token"]}
    stale = {"Authorization": f"Bearer {first['access_token']}", "X-Captcha-Token": "ck0.stale"}
    assert rig.user("POST", "/v1/auth/token", fields, stale).status == 200
    # the profile is a call like any other
    assert rig.user("GET", "/v1/user/me", None, stale).status == 401


def test_drive_calls_without_any_token_are_refused(rig: Rig) -> None:
    answer = rig.send("GET", rig.world.urls["pikpak.drive"] + "/drive/v1/about")
    assert code(answer) == (401, 16, "unauthenticated")


def test_a_doubtful_captcha_token_is_worse_than_none(rig: Rig) -> None:
    assert rig.drive("GET", "/drive/v1/about").status == 200
    answer = rig.drive("GET", "/drive/v1/about", headers={"X-Captcha-Token": "ck0.stale"})
    assert code(answer) == (400, 9, "captcha_invalid")


def test_captcha_scopes(rig: Rig) -> None:
    for_sign_in = rig.captcha()["captcha_token"]
    for_list = rig.captcha(action="GET:/drive/v1/files", meta=signed_meta())["captcha_token"]

    def status(token: str) -> int:
        return rig.drive("GET", "/drive/v1/about", headers={"X-Captcha-Token": token}).status

    assert [status(for_sign_in), status(for_list)] == [200, 200]
    rig.switch(captcha_scope="split")
    assert [status(for_sign_in), status(for_list)] == [400, 200]
    rig.switch(captcha_scope="action")
    assert [status(for_sign_in), status(for_list)] == [400, 400]
    fields = {"X-Captcha-Token": for_list}
    assert rig.drive("GET", "/drive/v1/files", headers=fields).status == 200


def test_the_captcha_can_be_demanded_of_clients_that_name_themselves(rig: Rig) -> None:
    rig.switch(captcha_required=True)
    assert rig.drive("GET", "/drive/v1/about").status == 200
    answer = rig.drive("GET", "/drive/v1/about", headers={"X-Client-Id": WEB})
    assert code(answer) == (400, 9, "captcha_required")


def solve(rig: Rig, url: str) -> Answer:
    page = rig.send("GET", url)
    assert page.status == 200
    found = re.findall(r'name="(\w+)" value="([^"]*)"', page.body.decode())
    fields = {name: unescape(value) for name, value in found}
    return rig.send(
        "POST",
        rig.world.urls["pikpak.user"] + "/captcha/v2/solved",
        urlencode(fields).encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )


def test_a_demanded_puzzle_makes_its_token_good_when_solved(rig: Rig) -> None:
    rig.switch(captcha_puzzle="demand")
    told = rig.captcha(redirect_uri="xlaccsdk01://xbase.cloud/callback?state=harbor")
    assert code(rig.sign_in(captcha=told["captcha_token"])) == (400, 4002, "captcha_invalid")
    shown = solve(rig, told["url"]).body.decode()
    address = unescape(re.search(r'id="address">([^<]*)', shown)[1])  # type: ignore[index]
    given = parse_qs(urlsplit(address).query)["captcha_token"][0]
    assert address.startswith("xlaccsdk01://xbase.cloud/callback?state=harbor&captcha_token=")
    assert rig.sign_in(captcha=given).status == 200
    assert rig.sign_in(captcha=told["captcha_token"]).status == 200


def test_a_solved_puzzle_goes_back_to_a_web_address(rig: Rig) -> None:
    rig.switch(captcha_puzzle="demand")
    told = rig.captcha(redirect_uri="https://mypikpak.com/loading?state=getcaptcha1")
    answer = solve(rig, told["url"])
    assert answer.status == 302
    location = urlsplit(answer.headers["Location"])
    assert parse_qs(location.query)["state"] == ["getcaptcha1"]
    token = parse_qs(location.query)["captcha_token"][0]
    assert rig.sign_in(captcha=token).status == 200


def test_an_ignorable_puzzle_is_only_decoration(rig: Rig) -> None:
    rig.switch(captcha_puzzle="ignorable")
    told = rig.captcha()
    assert told["url"]
    assert rig.sign_in(captcha=told["captcha_token"]).status == 200


def test_profile_and_plan(rig: Rig) -> None:
    rig.drive("GET", "/drive/v1/about")
    me = rig.user("GET", "/v1/user/me", headers={"Authorization": f"Bearer {rig.token}"}).json()
    assert me["password"] == "SET"
    assert me["email"] == "d***o@example.com"
    assert rig.good("GET", "/drive/v1/privilege/vip")["data"]["type"] == "platinum"
    allowances = rig.good("GET", "/vip/v1/quantity/list", None, {"type": "transfer"})
    assert allowances["base"]["upload"]["total_assets"] == 1024**4


def test_planned_refusals(rig: Rig) -> None:
    rig.drive("GET", "/drive/v1/about")
    rig.world.faults.add(
        {
            "kind": "api_code",
            "listener": "pikpak.drive",
            "code": {"error_code": 9, "error": "captcha_invalid", "status": 400},
        }
    )
    rig.world.faults.add({"kind": "expire_token", "listener": "pikpak.drive", "skip": 1})
    assert code(rig.drive("GET", "/drive/v1/about")) == (400, 9, "captcha_invalid")
    assert code(rig.drive("GET", "/drive/v1/about")) == (401, 16, "unauthenticated")
    assert code(rig.drive("GET", "/drive/v1/about")) == (401, 16, "unauthenticated")
