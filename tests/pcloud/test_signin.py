"""Signing in to pCloud: poll, redirect, pasted code, token."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from cloudtui.services.accounts import Account
from cloudtui.services.errors import LoginNeeded, Refused, UsageError
from cloudtui.services.models import Location, Secret
from cloudtui.services.network import Network
from cloudtui.services.pcloud import signin
from cloudtui.services.pcloud.redirect import LoopbackReceiver
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.rig import FAST, Script, keys
from tests.reserved_port import reserved_port
from tests.sandbox_process import SandboxProcess

NETWORK = Network(environ={})


@pytest.fixture
def account(sandbox: SandboxProcess) -> Account:
    told = sandbox.endpoints["pcloud"]
    return Account(
        "pc",
        "pcloud",
        {name: told[name] for name in ("us_url", "eu_url", "authorize_url", "client_id")},
    )


@pytest.fixture
def secret(sandbox: SandboxProcess) -> Secret:
    return Secret(sandbox.endpoints["pcloud"]["client_secret"])


async def answer_page(url: str, *, region: str = "us", answer: str = "approve") -> httpx.Response:
    """What a person does on the page."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(url)
        assert page.status_code == 200, page.text
        options = re.findall(r'<option value="(\d+)">[^<]*\((\w+)\)</option>', page.text)
        chosen = next(number for number, where in options if where == region)
        data = {**dict(httpx.URL(url).params), "account": chosen, "answer": answer}
        return await browser.post(url.partition("?")[0], data=data)


# --- poll ------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["us", "eu"])
async def test_a_link_approved_anywhere_signs_in(
    account: Account, sandbox: SandboxProcess, region: str, tmp_path: Path
) -> None:
    request_id = signin.new_request_id()
    url = signin.authorize_url(account, response_type="poll_token", request_id=request_id)
    assert parse_qs(urlsplit(url).query)["response_type"] == ["poll_token"]
    start = len(sandbox.admin.log())
    opened = asyncio.Event()
    waiting = asyncio.create_task(
        signin.poll_token(account, NETWORK, request_id, on_open=opened.set)
    )
    await opened.wait()
    await answer_page(url, region=region)
    signed = await waiting
    assert signed.region == region
    assert signed.api_url == account.text(f"{region}_url")
    assert "@" in signed.email
    # no secret went along, and none stands in a request line
    asked = [entry for entry in sandbox.admin.log(start) if "oauth2_token" in entry["path"]]
    assert len(asked) >= 1
    assert signed.token.reveal() not in repr(signed)
    held = keys(tmp_path)
    await signin.store(held, signed)
    storage = PCloudStorage(account, held, NETWORK, FAST)
    async for _ in storage.scan(Location("pc")):
        break
    assert storage.client.base == signed.api_url
    await storage.close()


async def test_a_denied_link_is_told(account: Account) -> None:
    request_id = signin.new_request_id()
    url = signin.authorize_url(account, response_type="poll_token", request_id=request_id)
    opened = asyncio.Event()
    waiting = asyncio.create_task(
        signin.poll_token(account, NETWORK, request_id, on_open=opened.set)
    )
    await opened.wait()
    await answer_page(url, answer="deny")
    with pytest.raises(LoginNeeded, match="denied"):
        await waiting


async def test_a_link_nobody_approves_ends(account: Account) -> None:
    with pytest.raises(LoginNeeded, match="Nobody approved"):
        await signin.poll_token(account, NETWORK, signin.new_request_id(), minutes=0.002)


async def test_one_dead_region_does_not_matter(account: Account) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
        half = Account("pc", "pcloud", {**account.options, "us_url": dead})
        request_id = signin.new_request_id()
        url = signin.authorize_url(half, response_type="poll_token", request_id=request_id)
        waiting = asyncio.create_task(signin.poll_token(half, NETWORK, request_id))
        await answer_page(url, region="eu")
        assert (await waiting).region == "eu"


# --- codes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["us", "eu"])
async def test_a_pasted_code_works_once_whatever_its_region(
    account: Account, secret: Secret, region: str
) -> None:
    url = signin.authorize_url(account, response_type="code")
    page = await answer_page(url, region=region)
    match = re.search(r'<code id="code">([^<]+)</code>', page.text)
    assert match is not None
    signed = await signin.exchange_code(account, NETWORK, secret, f" {match[1]}\n")
    assert signed.region == region
    with pytest.raises(LoginNeeded, match="code"):
        await signin.exchange_code(account, NETWORK, secret, match[1])


async def test_a_wrong_secret_is_told(account: Account) -> None:
    with pytest.raises(LoginNeeded):
        await signin.exchange_code(account, NETWORK, Secret("wrong"), "code")


async def test_without_an_app_nothing_begins(account: Account) -> None:
    bare = Account("pc", "pcloud")
    with pytest.raises(LoginNeeded, match="app"):
        signin.authorize_url(bare, response_type="code")


async def test_a_code_is_sent_to_no_foreign_host(account: Account, secret: Secret) -> None:
    script = Script(lambda _method, _params: {"result": 0})
    with pytest.raises(Refused):
        await signin.exchange_code(account, script, secret, "code", hostname="evil.example")
    assert script.requests == []


# --- redirect --------------------------------------------------------------------------------


async def get(url: str, *, host: str | None = None, method: str = "GET") -> httpx.Response:
    headers = {"Host": host} if host else {}
    async with httpx.AsyncClient(trust_env=False) as browser:
        return await browser.request(method, url, headers=headers)


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
async def test_a_redirect_signs_in(account: Account, secret: Secret, address: str) -> None:
    state = signin.new_state()
    async with LoopbackReceiver(state=state, port=0) as receiver:
        url = signin.authorize_url(
            account, response_type="code", state=state, redirect_uri=receiver.uri
        )
        there = (await answer_page(url, region="eu")).headers["location"]
        assert there.startswith(receiver.uri)
        await get(there.replace("localhost", address))
        answer = await receiver.wait()
    assert answer.state_seen
    signed = await signin.exchange_code(
        account, NETWORK, secret, answer.code, hostname=answer.hostname
    )
    assert signed.region == "eu"


async def test_strangers_do_not_end_the_wait() -> None:
    async with LoopbackReceiver(state="right", port=0) as receiver:
        port = urlsplit(receiver.uri).port
        good = f"http://127.0.0.1:{port}/?code=abc&state=right&locationid=2"
        assert (await get(good, host="evil.example")).status_code == 404
        assert (await get(good, host=f"evil.example:{port}")).status_code == 404
        assert (await get(good, method="POST")).status_code == 404
        assert (await get(f"http://127.0.0.1:{port}/favicon.ico")).status_code == 404
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01 not http\r\n\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()
        assert (await get(good)).status_code == 200
        answer = await receiver.wait()
        assert (answer.code, answer.locationid, answer.state_seen) == ("abc", 2, True)
        # one answer only
        assert (await get(good)).status_code == 404


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("code=abc&state=wrong", "another sign-in"),
        ("error=access_denied&state=right", "not approved"),
        ("", "not approved"),
    ],
)
async def test_bad_answers_end_in_a_sentence(query: str, sentence: str) -> None:
    async with LoopbackReceiver(state="right", port=0) as receiver:
        port = urlsplit(receiver.uri).port
        await get(f"http://127.0.0.1:{port}/?{query}")
        with pytest.raises(LoginNeeded, match=sentence):
            await receiver.wait()


async def test_an_answer_without_state_says_so() -> None:
    async with LoopbackReceiver(state="right", port=0) as receiver:
        port = urlsplit(receiver.uri).port
        await get(f"http://127.0.0.1:{port}/?code=abc&hostname=eapi.pcloud.com")
        answer = await receiver.wait()
        assert not answer.state_seen
        assert answer.hostname == "eapi.pcloud.com"


async def test_no_browser_ends_in_a_sentence() -> None:
    async with LoopbackReceiver(state="right", port=0, minutes=0.0005) as receiver:
        with pytest.raises(LoginNeeded, match="No answer"):
            await receiver.wait()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_taken_port_is_told_and_the_other_address_left_free(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with reserved_port() as port, socket.socket(family) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((address, port))
        taken.listen()
        with pytest.raises(UsageError, match=str(port)):
            async with LoopbackReceiver(state="s", port=port):
                pass
        other = "127.0.0.1" if ":" in address else "::1"
        with socket.create_server(
            (other, port), family=socket.AF_INET6 if ":" in other else socket.AF_INET
        ) as free:
            assert free.getsockname()[1] == port


# --- tokens ----------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["us", "eu"])
async def test_a_token_tells_its_region(
    account: Account, sandbox: SandboxProcess, region: str
) -> None:
    token = Secret(sandbox.endpoints["pcloud"][f"{region}_token"])
    signed = await signin.check_token(account, NETWORK, token)
    assert (signed.region, signed.api_url) == (region, account.text(f"{region}_url"))
    with pytest.raises(LoginNeeded):
        await signin.check_token(account, NETWORK, Secret("nonsense"))


def test_tokens_as_people_have_them() -> None:
    rclone = '{"access_token":"abc","token_type":"bearer","expiry":"0001-01-01T00:00:00Z"}'
    assert signin.parse_token(rclone) == Secret("abc")
    assert signin.parse_token(" abc\n") == Secret("abc")
    for wrong in ("", "two words", "{}", '{"access_token": 3}', "{broken", "tok\u00e9n"):
        with pytest.raises(UsageError):
            signin.parse_token(wrong)


async def test_the_secret_goes_in_a_form_not_in_a_request_line() -> None:
    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        if method == "oauth2_token":
            return {"result": 0, "access_token": "tok", "locationid": 2, "userid": 3}
        return {"result": 0, "email": "a@b", "userid": 3}

    script = Script(respond)
    account = Account("pc", "pcloud", {"client_id": "app"})
    signed = await signin.exchange_code(account, script, Secret("hush"), "code")
    assert (signed.region, signed.email, signed.uid) == ("eu", "a@b", 3)
    assert all("hush" not in str(request.url) for request in script.requests)
    assert script.requests[-1].url.host == "eapi.pcloud.com"
