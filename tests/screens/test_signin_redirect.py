"""What may go wrong on the way back from pCloud's page: each a plain sentence in the panes."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.services.secrets import MemoryStore
from tests.reserved_port import reserved_port
from tests.sandbox_process import SandboxProcess, start_sandbox
from tests.screens.driving import press, settle
from tests.screens.test_signin import empty_home, fill, link_of, shown

pytestmark = pytest.mark.program


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with start_sandbox(tmp_path_factory.mktemp("clouds")) as running:
        yield running


@pytest.fixture
def port() -> Iterator[int]:
    """Nobody else is given it meanwhile."""
    with reserved_port() as kept:
        yield kept


@asynccontextmanager
async def at_the_ways(
    box: SandboxProcess, here: Path, port: int, **environ: str
) -> AsyncIterator[tuple[CloudApp, Pilot[int]]]:
    """The panes, asked how the sign-in is to be approved."""
    known = box.endpoints["pcloud"]
    options = {"CLOUDTUI_ACCOUNT__PCLOUD__REDIRECT_PORT": str(port), **environ}
    async with empty_home(box, here, MemoryStore(), **options) as (app, pilot):
        await press(pilot, "tab", "at", "3")
        await see(app, pilot, "Client ID")
        fill(app, "client-id", known["client_id"])
        fill(app, "client-secret", known["client_secret"])
        await press(pilot, "enter", "enter")
        await see(app, pilot, "How do you want to approve it?")
        yield app, pilot


async def see(app: CloudApp, pilot: Pilot[int], words: str) -> None:
    await settle(pilot, lambda: words in " ".join(shown(app).split()), limit=60)


async def told(app: CloudApp, pilot: Pilot[int], words: str) -> None:
    """The list of sources says why nobody is signed in, whole words on several lines."""

    def text() -> str:
        lines = [line.strip(" ║│╔╚═") for line in shown(app).splitlines()]
        return " ".join(" ".join(lines).split())

    await settle(pilot, lambda: "Not signed in:" in text() and words in text(), limit=60)
    assert "> 2 pCloud" in shown(app)  # Enter tries again


async def landing(link: str, region: str = "eu") -> str:
    """Approve the page; the address of this machine it then goes to."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = (await browser.get(link)).text
        options = re.findall(r'<option value="(\d+)">[^<]*\((\w+)\)</option>', page)
        chosen = next(number for number, name in options if name == region)
        form = {**dict(httpx.URL(link).params), "account": chosen, "answer": "approve"}
        return str(
            (await browser.post(link.partition("?")[0], data=form)).headers["location"]
        ).replace("localhost", "127.0.0.1")


async def waiting(app: CloudApp, pilot: Pilot[int]) -> str:
    """The link of the box that waits for the browser."""
    await press(pilot, "b")
    await see(app, pilot, "Waiting for the page")
    await settle(pilot, lambda: link_of(app).startswith("http"), limit=60)
    return link_of(app)


async def visit(address: str, **headers: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as browser:
        return (await browser.get(address, headers=headers)).status_code


async def test_a_port_that_is_taken(box: SandboxProcess, here: Path, port: int) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        async with at_the_ways(box, here, port) as (app, pilot):
            await press(pilot, "b")
            await told(app, pilot, f"Port {port} on this machine is taken")


async def test_an_answer_of_another_sign_in(box: SandboxProcess, here: Path, port: int) -> None:
    async with at_the_ways(box, here, port) as (app, pilot):
        link = await waiting(app, pilot)
        address = await landing(re.sub(r"state=[^&]+", "state=another", link))
        assert await visit(address) >= 400
        await told(app, pilot, "belongs to another sign-in")


async def test_strangers_change_nothing_and_the_right_answer_signs_in(
    box: SandboxProcess, here: Path, port: int
) -> None:
    async with at_the_ways(box, here, port) as (app, pilot):
        link = await waiting(app, pilot)
        assert parse_qs(urlsplit(link).query)["response_type"] == ["code"]
        address = await landing(link)
        assert await visit(address, Host="evil.example") == 404
        assert await visit(address.replace("/?", "/elsewhere?")) == 404
        assert "Waiting for the page" in shown(app)
        assert await visit(address) == 200
        await settle(pilot, lambda: app.screen is app.main, limit=60)
        await settle(pilot, lambda: not app.main.right.loading, limit=60)
        assert app.main.right.error is None


async def test_nobody_comes_back(box: SandboxProcess, here: Path, port: int) -> None:
    brief = {"CLOUDTUI_ACCOUNT__PCLOUD__APPROVE_MINUTES": "0.01"}
    async with at_the_ways(box, here, port, **brief) as (app, pilot):
        await press(pilot, "b")
        await told(app, pilot, "within 0.01 minutes")


async def test_the_page_was_answered_with_no(box: SandboxProcess, here: Path, port: int) -> None:
    async with at_the_ways(box, here, port) as (app, pilot):
        state = parse_qs(urlsplit(await waiting(app, pilot)).query)["state"][0]
        await visit(f"http://127.0.0.1:{port}/?error=access_denied&state={state}")
        await told(app, pilot, "was not approved in the browser; nothing was kept")


async def test_a_code_works_once(box: SandboxProcess, here: Path, port: int) -> None:
    known = box.endpoints["pcloud"]
    async with at_the_ways(box, here, port) as (app, pilot):
        await press(pilot, "p")
        await see(app, pilot, "Paste the code")
        link = link_of(app).replace("response_type=code", "response_type=code&redirect_uri=x")
        async with httpx.AsyncClient(trust_env=False) as browser:
            page = (await browser.get(link_of(app))).text
            options = re.findall(r'<option value="(\d+)">[^<]*\((\w+)\)</option>', page)
            form = {**dict(httpx.URL(link_of(app)).params), "account": options[0][0]}
            done = await browser.post(link.partition("?")[0], data={**form, "answer": "approve"})
            code = re.findall(r'id="code"[^>]*>([^<]+)<', done.text)[0]
            used = await browser.get(
                f"{known['us_url']}/oauth2_token",
                params={
                    "client_id": known["client_id"],
                    "client_secret": known["client_secret"],
                    "code": code,
                },
            )
            assert used.json()["result"] == 0
        fill(app, "text", code)
        app.screen.query_one("#text").focus()
        await press(pilot, "enter")
        await told(app, pilot, "took this neither as a code nor as a token")
        assert code not in shown(app)
