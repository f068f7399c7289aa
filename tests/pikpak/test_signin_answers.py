"""Signing in against canned answers: what is sent, and which client is tried next."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from cloudtui.services.accounts import Account
from cloudtui.services.errors import (
    BadReply,
    CaptchaNeeded,
    LoginNeeded,
    Offline,
    Retry,
    TooMany,
    WrongPassword,
)
from cloudtui.services.models import Secret
from cloudtui.services.pikpak.identities import IDENTITIES
from cloudtui.services.pikpak.signin import sign_in, take_refresh_token
from cloudtui.services.pikpak.storage import PikPakStorage
from cloudtui.services.retry import Retries
from tests.pikpak.stage import FAST, Canned, keys_in

PASSWORD = Secret("pass word")

ACCOUNT = Account("pk", "pikpak", {"username": "ana@example.com"})


def answering(*answers: tuple[int, object]) -> tuple[Canned, list[httpx.Request]]:
    """A network that gives these answers in turn, the last one for ever."""
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        status, body = answers[min(len(asked), len(answers)) - 1]
        if isinstance(body, bytes):
            return httpx.Response(status, content=body)
        return httpx.Response(status, json=body)

    return Canned(handler), asked


CAPTCHA: tuple[int, object] = (200, {"captcha_token": "ck0.token", "expires_in": 300})
SIGNED: tuple[int, object] = (
    200,
    {"access_token": "a", "refresh_token": "os.r", "expires_in": 7200, "sub": "U1"},
)


async def test_sign_in_sends_what_rclone_sends(tmp_path: Path) -> None:
    network, asked = answering(CAPTCHA, SIGNED)
    await sign_in(ACCOUNT, keys_in(tmp_path), network, FAST, "ana@example.com", PASSWORD)
    init, signin, _ = asked
    assert str(init.url) == "https://user.mypikpak.com/v1/shield/captcha/init"
    body = json.loads(init.content)
    assert body["action"] == "POST:/v1/auth/signin"
    assert body["meta"] == {"username": "ana@example.com"}
    assert "captcha_token" not in body
    assert str(signin.url) == "https://user.mypikpak.com/v1/auth/signin"
    assert json.loads(signin.content) == {
        "client_id": "YUMx5nI8ZU8Ap8pm",
        "username": "ana@example.com",
        "password": PASSWORD.reveal(),
    }
    assert signin.headers["X-Captcha-Token"] == "ck0.token"
    assert signin.headers["X-Device-Id"] == body["device_id"]


async def test_refresh_is_form_encoded_for_the_web_client(tmp_path: Path) -> None:
    network, asked = answering(SIGNED, CAPTCHA, (200, {"quota": {"limit": "9", "usage": "2"}}))
    keys = keys_in(tmp_path, {"CLOUDTUI_ACCOUNT__PK__TOKEN": "os.seed"})
    storage = PikPakStorage(ACCOUNT, keys, network, FAST)
    quota = await storage.quota()
    assert (quota.total, quota.used, quota.free) == (9, 2, 7)
    refresh, init, about = asked
    assert refresh.content == (
        b"client_id=YUMx5nI8ZU8Ap8pm&grant_type=refresh_token&refresh_token=os.seed"
    )
    assert "X-Device-Id" not in refresh.headers
    assert json.loads(init.content)["meta"]["user_id"] == "U1"
    assert json.loads(init.content)["action"] == "GET:/drive/v1/about"
    assert about.headers["Authorization"] == "Bearer a"
    assert about.headers["X-Captcha-Token"] == "ck0.token"
    assert about.headers["Referer"] == "https://mypikpak.com/"
    await storage.close()


async def test_other_identities_send_their_secret(tmp_path: Path) -> None:
    network, asked = answering(CAPTCHA, SIGNED)
    account = Account("pk", "pikpak", {"username": "ana", "identity": "android-153"})
    await sign_in(account, keys_in(tmp_path), network, FAST, "ana", PASSWORD)
    body = json.loads(asked[1].content)
    assert body["client_secret"]
    assert body["captcha_token"] == "ck0.token"


def picky(*taken: str, strict: str = "") -> tuple[Canned, list[tuple[str, str]]]:
    """A service that knows the clients `taken` only, and among them finds the signs of `strict`
    wrong; with what it was asked, as (path, identity)."""
    names = {each.client_id: each.name for each in reversed(list(IDENTITIES.values()))}
    asked: list[tuple[str, str]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        text = request.content.decode()
        body = json.loads(text) if text.startswith("{") else dict(parse_qsl(text))
        name = names[body.get("client_id") or request.headers["X-Client-Id"]]
        asked.append((path.rpartition("/")[2], name))
        signed = "captcha_sign" in body.get("meta", {})
        if name not in taken or (signed and name == strict):
            refusal = {"error": "invalid_argument", "error_code": 3, "error_description": "client"}
            return httpx.Response(400, json=refusal)
        if path.endswith("/init"):
            return httpx.Response(*CAPTCHA[:1], json=CAPTCHA[1])
        if path.endswith("/token") and body["refresh_token"] != f"os.{name}":
            return httpx.Response(400, json={"error": "invalid_grant", "error_code": 4126})
        if path.endswith(("/signin", "/token")):
            return httpx.Response(200, json=SIGNED[1])
        return httpx.Response(200, json={"quota": {"limit": "9", "usage": "2"}})

    return Canned(handler), asked


@pytest.mark.parametrize(("taken", "strict"), [(("pc",), ""), (("web", "pc"), "web")])
async def test_a_client_that_is_refused_is_left_for_the_next(
    tmp_path: Path, taken: tuple[str, ...], strict: str
) -> None:
    network, asked = picky(*taken, strict=strict)
    keys = keys_in(tmp_path)
    await sign_in(ACCOUNT, keys, network, FAST, "ana@example.com", PASSWORD)
    assert list(dict.fromkeys(name for _, name in asked)) == ["web", "android-153", "pc"]
    # and everybody speaks as the one that was taken from then on
    asked.clear()
    storage = PikPakStorage(ACCOUNT, keys, network, FAST)
    assert (await storage.quota()).total == 9
    assert {name for _, name in asked} == {"pc"}
    await storage.close()


async def test_a_sign_in_that_fails_leaves_the_one_there_is(tmp_path: Path) -> None:
    network, _ = picky("web", "android-153")
    keys = keys_in(tmp_path)
    await sign_in(ACCOUNT, keys, network, FAST, "ana@example.com", PASSWORD)
    wrong: tuple[int, object] = (400, {"error": "invalid_account_or_password", "error_code": 4022})
    closed: tuple[int, object] = (400, {"error": "invalid_argument", "error_code": 3})
    network, _ = answering(closed, CAPTCHA, wrong)
    with pytest.raises(WrongPassword):
        await sign_in(ACCOUNT, keys, network, FAST, "ana@example.com", PASSWORD)
    await keys.delete_sealed("access")
    network, asked = picky("web", "android-153")
    storage = PikPakStorage(ACCOUNT, keys, network, FAST)
    with pytest.raises(LoginNeeded, match="another program may have used"):
        await storage.quota()  # the canned token is of nobody, but it is asked as before
    assert asked == [("token", "web")]
    await storage.close()


async def test_a_puzzle_is_solved_for_the_client_that_asks(tmp_path: Path) -> None:
    closed: tuple[int, object] = (400, {"error": "invalid_argument", "error_code": 3})
    puzzle: tuple[int, object] = (
        200,
        {"captcha_token": "ck0.review", "expires_in": 300, "url": "https://p.example/x?a=1"},
    )
    keys = keys_in(tmp_path)
    network, _ = answering(closed, puzzle)
    with pytest.raises(CaptchaNeeded):
        await sign_in(ACCOUNT, keys, network, FAST, "ana@example.com", PASSWORD)
    network, asked = picky("android-153")
    solved = Secret("ck0.solved")
    await sign_in(ACCOUNT, keys, network, FAST, "ana@example.com", PASSWORD, solved)
    assert asked == [("signin", "android-153"), ("init", "android-153")]


async def test_a_client_that_the_settings_name_stays(tmp_path: Path) -> None:
    network, asked = picky("web")
    account = Account("pk", "pikpak", {"username": "ana", "identity": "pc"})
    with pytest.raises(LoginNeeded, match="sign in as `pc`"):
        await sign_in(account, keys_in(tmp_path), network, FAST, "ana", PASSWORD)
    assert {name for _, name in asked} == {"pc"}


async def test_when_no_client_is_taken_the_first_is_told(tmp_path: Path) -> None:
    network, asked = picky()
    keys = keys_in(tmp_path)
    with pytest.raises(LoginNeeded, match="sign in as `web`"):
        await sign_in(ACCOUNT, keys, network, FAST, "ana@example.com", PASSWORD)
    assert len(asked) == 5


@pytest.mark.parametrize("known", [False, True])
async def test_a_client_refused_later_needs_a_known_password(tmp_path: Path, known: bool) -> None:
    network, asked = picky("web", "android-153")
    environ = {"CLOUDTUI_ACCOUNT__PK__PASSWORD": "pw"} if known else {}
    keys = keys_in(tmp_path, environ)
    await sign_in(ACCOUNT, keys, network, FAST, "ana@example.com", PASSWORD)
    await keys.delete_sealed("captcha")
    network, asked = picky("web", "android-153", strict="web")
    storage = PikPakStorage(ACCOUNT, keys, network, FAST)
    if known:
        assert (await storage.quota()).total == 9
        assert ("about", "android-153") in asked
    else:
        with pytest.raises(LoginNeeded, match="no longer takes programs that sign in as `web`"):
            await storage.quota()
    await storage.close()


async def test_a_token_of_any_client_is_taken(tmp_path: Path) -> None:
    network, asked = picky("web", "android-153", "pc")
    keys = keys_in(tmp_path)
    await take_refresh_token(ACCOUNT, keys, network, Secret("os.pc"), FAST)
    spent = [name for path, name in asked if path == "token"]
    assert spent == ["web", "android-153", "pc"]
    assert keys.recall("identity") == b"pc"


async def test_a_token_is_not_spent_as_another_client(tmp_path: Path) -> None:
    network, asked = picky("web", "pc")
    keys = keys_in(tmp_path)
    await sign_in(ACCOUNT, keys, network, FAST, "ana@example.com", PASSWORD)
    await keys.delete_sealed("access")
    asked.clear()
    account = Account("pk", "pikpak", {"username": "ana@example.com", "identity": "pc"})
    storage = PikPakStorage(account, keys, network, FAST)
    with pytest.raises(LoginNeeded, match="signed in as another program than `pc`"):
        await storage.quota()
    assert asked == []
    await storage.close()


async def test_too_many_tries_stop_without_another(tmp_path: Path) -> None:
    refused: tuple[int, object] = (
        400,
        {"error": "captcha_invalid", "error_code": 4002, "error_description": "too frequent"},
    )
    network, asked = answering(CAPTCHA, refused)
    with pytest.raises(TooMany):
        await sign_in(ACCOUNT, keys_in(tmp_path), network, FAST, "ana", PASSWORD)
    assert len(asked) == 2


async def test_no_captcha_for_now_stops_the_sign_in_at_once(tmp_path: Path) -> None:
    refused: tuple[int, object] = (
        400,
        {"error": "operation_too_frequent", "error_code": 10, "error_description": "too often"},
    )
    network, asked = answering(refused)
    with pytest.raises(TooMany, match="takes no sign-in for now"):
        await sign_in(ACCOUNT, keys_in(tmp_path), network, FAST, "ana", PASSWORD)
    assert len(asked) == 1


@pytest.mark.parametrize("answer", [{"captcha_token": "", "expires_in": 300}, {"expires_in": 0}])
async def test_a_captcha_answer_without_token_is_an_error(
    tmp_path: Path, answer: dict[str, object]
) -> None:
    network, _ = answering((200, answer))
    with pytest.raises(BadReply):
        await sign_in(ACCOUNT, keys_in(tmp_path), network, FAST, "ana", PASSWORD)


async def test_html_in_place_of_pikpak_is_one_sentence(tmp_path: Path) -> None:
    network, _ = answering((200, b"<html>Please log in to the hotel</html>"))
    with pytest.raises(BadReply) as caught:
        await sign_in(
            ACCOUNT, keys_in(tmp_path), network, Retries(2, 0.001, 0.001), "ana", PASSWORD
        )
    assert "hotel" not in str(caught.value)


async def test_no_network_is_one_sentence(tmp_path: Path) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Offline, match="No connection to PikPak") as caught:
        await sign_in(
            ACCOUNT, keys_in(tmp_path), Canned(handler), Retries(2, 0.001, 0.001), "ana", PASSWORD
        )
    assert caught.value.retry is Retry.SOON


async def test_a_drive_call_tries_a_puzzle_token_once_then_asks_a_human(tmp_path: Path) -> None:
    puzzle: tuple[int, object] = (
        200,
        {"captcha_token": "ck0.doubtful", "expires_in": 300, "url": "https://p.example/x?a=1"},
    )
    refused: tuple[int, object] = (400, {"error": "captcha_invalid", "error_code": 9})
    network, _ = answering(SIGNED, puzzle, refused, puzzle, refused)
    keys = keys_in(tmp_path, {"CLOUDTUI_ACCOUNT__PK__TOKEN": "os.seed"})
    storage = PikPakStorage(ACCOUNT, keys, network, FAST)
    with pytest.raises(CaptchaNeeded) as caught:
        await storage.quota()
    assert caught.value.url == "https://p.example/x?a=1"
    await storage.close()
