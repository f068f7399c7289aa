"""Signing in with a real browser: Chromium opens the page, the program is signed in."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cloudtui_process import Ended, Home
from tests.e2e.chromium import Chromium, Page
from tests.e2e.signing_in import begin_pcloud, empty_home, link_on
from tests.e2e.terminal import Terminal
from tests.reserved_port import reserved_port
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.e2e

US, EU = "ana@example.com", "bela@example.com"
OPENER: Final = """#!/bin/sh
tr '\\0' '\\n' < /proc/$$/environ > "$0.environ"
printf '%s\\n' "$@" > "$0.new"
mv "$0.new" "$0.asked"
"""
"""Stands where the desktop's opener would: writes down what it was given."""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(autouse=True)
def usual_switches(box: SandboxProcess) -> Iterator[None]:
    yield
    for name, value in {
        "pcloud.redirect_state": True,
        "pcloud.denial": "error",
        "pikpak.captcha_puzzle": "off",
        "pikpak.puzzle_handback": "new",
    }.items():
        box.admin.switch(name, value)


@pytest.fixture
def home(tmp_path: Path, box: SandboxProcess) -> Iterator[Home]:
    """A home without accounts."""
    with reserved_port() as port:
        yield empty_home(tmp_path, box, port)


@pytest.fixture
def app(box: SandboxProcess) -> dict[str, str]:
    """The user's app, for sign-ins by command."""
    known = box.endpoints["pcloud"]
    return {
        "CLOUDTUI_ACCOUNT__PCLOUD__CLIENT_ID": known["client_id"],
        "CLOUDTUI_ACCOUNT__PCLOUD__CLIENT_SECRET": known["client_secret"],
    }


def answer(page: Page, email: str, button: str = "#approve") -> None:
    """What a person does on the page of the sign-in."""
    assert "wants to use your files" in page.text
    page.choose("#account", email)
    page.click(button)


def with_opener(home: Home, folder: Path) -> Callable[[], str]:
    """Give the program a desktop; the function waits for the address it wants opened."""
    folder.mkdir()
    opener = folder / "xdg-open"
    opener.write_text(OPENER)
    opener.chmod(0o755)
    home.environ["PATH"] = f"{folder}:{home.environment()['PATH']}"
    home.environ["DISPLAY"] = ":99"
    return lambda: (folder / "xdg-open.asked").read_text().strip()


# --- pCloud, in the panes --------------------------------------------------------------------


def test_the_panes_are_signed_in_by_a_link_approved_in_the_browser(
    home: Home, box: SandboxProcess, chromium: Chromium, tmp_path: Path
) -> None:
    with Terminal(home.command(str(tmp_path)), home.environment()) as screen:
        begin_pcloud(screen, box, "a")
        link = link_on(screen)
        assert parse_qs(urlsplit(link).query)["response_type"] == ["poll_token"]
        page = chromium.open(link)
        answer(page, EU)
        page.until("document.body.innerText.includes('You can close this page')")
        page.close()
        screen.until("Documents/")
        assert f"Signed in as {EU}." in screen.until("Signed in")
        screen.keys("q")
        assert screen.until_ended() == 0
    # the vault has it: another process needs no page, and knows the region
    assert "Documents" in home.run("ls", "pcloud:/").ok().out
    assert home.run("config", "get", "pcloud.region").ok().out == "eu\n"


def test_the_panes_are_signed_in_by_the_browser_of_this_machine(
    home: Home, box: SandboxProcess, chromium: Chromium, tmp_path: Path
) -> None:
    asked = with_opener(home, tmp_path / "desktop")
    secret = "CLOUDTUI_ACCOUNT__OTHER__TOKEN"
    home.environ[secret] = "some-secret-of-another-account"
    with Terminal(home.command(str(tmp_path)), home.environment(), size=(120, 40)) as screen:
        begin_pcloud(screen, box, "b")
        screen.until("Waiting for the page")
        screen.until(lambda _: (tmp_path / "desktop/xdg-open.asked").exists(), "a browser")
        page = chromium.open(asked())
        assert "client_id" not in asked()  # the opener got a one-time address of this machine
        answer(page, US)
        page.until("document.body.innerText.includes('cloudtui has the answer')")
        assert urlsplit(page.address).hostname == "localhost"
        page.close()
        screen.until("Documents/")
        screen.keys("q")
        assert screen.until_ended() == 0
    given = (tmp_path / "desktop/xdg-open.environ").read_text()
    assert "DISPLAY=:99" in given
    assert secret not in given
    assert "CLOUDTUI_VAULT_PASSPHRASE_FILE" not in given
    assert home.run("config", "get", "pcloud.region").ok().out == "us\n"


def test_a_denied_page_is_told_in_the_panes(
    home: Home, box: SandboxProcess, chromium: Chromium, tmp_path: Path
) -> None:
    with Terminal(home.command(str(tmp_path)), home.environment()) as screen:
        begin_pcloud(screen, box, "a")
        page = chromium.open(link_on(screen))
        answer(page, US, "#deny")
        screen.until("it was denied on")
        page.close()
    assert home.run("ls", "pcloud:/").code == 4


@pytest.mark.parametrize("mine", [True, False])
def test_an_answer_without_state_asks_whose_account_it_is(
    home: Home, box: SandboxProcess, chromium: Chromium, tmp_path: Path, *, mine: bool
) -> None:
    box.admin.switch("pcloud.redirect_state", value=False)
    with Terminal(home.command(str(tmp_path)), home.environment()) as screen:
        begin_pcloud(screen, box, "b")
        page = chromium.open(link_on(screen))
        answer(page, EU)
        assert EU in screen.until("Is this your account?")
        page.close()
        screen.keys("y" if mine else "c")
        screen.until("Documents/" if mine else "Choose a source")
    assert home.run("ls", "pcloud:/").code == (0 if mine else 4)


# --- pCloud, by command ----------------------------------------------------------------------


def test_login_waits_for_a_link_approved_in_the_browser(
    home: Home, app: dict[str, str], chromium: Chromium
) -> None:
    with home.talk("login", "pcloud", "--kind", "pcloud", "--poll", extra=app) as login:
        page = chromium.open(login.line())
        answer(page, EU)
        ended = login.ended().ok()
    page.close()
    assert EU in ended.err
    assert "Documents" in home.run("ls", "pcloud:/").ok().out


def test_login_takes_the_redirect_and_nobody_elses_request(
    home: Home, app: dict[str, str], chromium: Chromium
) -> None:
    with home.talk("login", "pcloud", "--kind", "pcloud", "--browser", extra=app) as login:
        link = login.line()
        port = int(home.environ["CLOUDTUI_ACCOUNT__PCLOUD__REDIRECT_PORT"])
        for path, host in (
            ("/?code=x&state=y", "evil.example"),
            ("/?code=x&state=y", f"evil.example:{port}"),
            ("/elsewhere?code=x", f"localhost:{port}"),
        ):
            stranger = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
            stranger.request("GET", path, headers={"Host": host})
            assert stranger.getresponse().status == 404
            stranger.close()
        page = chromium.open(link)
        answer(page, EU)
        ended = login.ended().ok()
        page.until("document.body.innerText.includes('cloudtui has the answer')")
    # once it has its answer, nobody listens any more
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    page.close()
    assert EU in ended.err
    assert "No browser could be opened" in ended.err
    assert "Documents" in home.run("ls", "pcloud:/").ok().out


@pytest.mark.parametrize("denial", ["error", "empty"])
@pytest.mark.parametrize("way", ["--poll", "--browser"])
def test_a_denied_page_ends_login(
    home: Home,
    app: dict[str, str],
    box: SandboxProcess,
    chromium: Chromium,
    way: str,
    denial: str,
) -> None:
    box.admin.switch("pcloud.denial", denial)
    with home.talk("login", "pcloud", "--kind", "pcloud", way, extra=app) as login:
        page = chromium.open(login.line())
        answer(page, US, "#deny")
        ended = login.ended()
    page.close()
    assert ended.code == 4
    assert re.search("denied on the page|not approved in the browser", ended.err)
    assert_plain(ended)


@pytest.mark.parametrize("way", ["--poll", "--browser"])
def test_a_closed_tab_ends_login_when_the_time_is_over(
    home: Home, app: dict[str, str], chromium: Chromium, way: str
) -> None:
    brief = ("--set", "pcloud.approve_minutes=0.1")
    with home.talk("login", "pcloud", "--kind", "pcloud", way, *brief, extra=app) as login:
        chromium.open(login.line()).close()
        ended = login.ended()
    assert ended.code == 4
    assert "within 0.1 minutes" in ended.err
    assert_plain(ended)


def test_an_answer_of_another_sign_in_ends_login(
    home: Home, app: dict[str, str], chromium: Chromium
) -> None:
    with home.talk("login", "pcloud", "--kind", "pcloud", "--browser", extra=app) as login:
        page = chromium.open(re.sub(r"state=[^&]+", "state=another", login.line()))
        answer(page, US)
        page.until("document.body.innerText.includes('another sign-in')")
        ended = login.ended()
    page.close()
    assert ended.code == 4
    assert "belongs to another sign-in" in ended.err
    assert_plain(ended)


def test_an_answer_without_state_needs_somebody_to_ask(
    home: Home, app: dict[str, str], box: SandboxProcess, chromium: Chromium
) -> None:
    box.admin.switch("pcloud.redirect_state", value=False)
    words = ("login", "pcloud", "--kind", "pcloud", "--browser")
    with home.talk("login", *words[1:], extra=app) as login:
        page = chromium.open(login.line())
        answer(page, EU)
        ended = login.ended()
    page.close()
    assert ended.code == 4
    assert_plain(ended)
    assert home.run("ls", "pcloud:/").code != 0
    with Terminal(home.command(*words), home.environment(app), size=(250, 24)) as screen:
        page = chromium.open(link_on(screen))
        answer(page, EU)
        assert EU in screen.until("Is this your account?")
        screen.keys("y", "Enter")
        assert screen.until_ended() == 0
        page.close()
    assert "Documents" in home.run("ls", "pcloud:/").ok().out


def test_a_code_shown_by_the_page_works_once(
    home: Home, app: dict[str, str], chromium: Chromium
) -> None:
    with home.talk("login", "pcloud", "--kind", "pcloud", "--paste", extra=app) as login:
        page = chromium.open(login.line())
        answer(page, EU)
        code = page.until("document.querySelector('#code')?.textContent")
        page.close()
        login.say(code)
        login.ended().ok()
    assert "Documents" in home.run("ls", "pcloud:/").ok().out
    again = home.run("login", "pcloud", "--paste", given=f"{code}\n", extra=app)
    assert again.code == 4
    assert "code" in again.err
    assert_plain(again)
    assert "Documents" in home.run("ls", "pcloud:/").ok().out  # the first one was kept


def test_a_taken_port_is_told(home: Home, app: dict[str, str]) -> None:
    port = int(home.environ["CLOUDTUI_ACCOUNT__PCLOUD__REDIRECT_PORT"])
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        ended = home.run("login", "pcloud", "--kind", "pcloud", "--browser", extra=app)
    assert ended.code == 2
    assert f"Port {port} on this machine is taken" in ended.err
    assert_plain(ended)


# --- PikPak's puzzle -------------------------------------------------------------------------


def solve(chromium: Chromium, link: str) -> str:
    """Solve the puzzle; the address it ends at, empty when it hands nothing back."""
    page = chromium.open(link)
    page.click("#solve")
    page.leaves(link)
    address = page.address
    page.close()
    return address if "captcha_token=" in address else ""


@pytest.mark.parametrize("handback", ["new", "same", "nowhere"])
def test_a_puzzle_solved_in_the_browser_signs_the_panes_in(
    home: Home, box: SandboxProcess, chromium: Chromium, tmp_path: Path, handback: str
) -> None:
    box.admin.switch("pikpak.captcha_puzzle", "demand")
    box.admin.switch("pikpak.puzzle_handback", handback)
    known = box.endpoints["pikpak"]
    with Terminal(home.command(str(tmp_path)), home.environment()) as screen:
        screen.until("No account yet")
        screen.keys("Tab", "@")
        screen.until("Add a PikPak account")
        screen.keys("2")
        screen.until("Sign in: PikPak")
        screen.write(known["username"])
        screen.keys("Enter")
        screen.write(known["password"])
        screen.keys("Enter")
        link = link_on(screen)
        address = solve(chromium, link)
        assert bool(address) is (handback != "nowhere")
        if address:
            screen.paste(address)
            screen.until(address[-20:])
        screen.keys("Enter")
        screen.until("Documents/")
        assert known["password"] not in screen.screen
        screen.keys("q")
        assert screen.until_ended() == 0
    assert "Documents" in home.run("ls", "pikpak:/").ok().out


def test_a_puzzle_solved_in_the_browser_signs_login_in(
    home: Home, box: SandboxProcess, chromium: Chromium
) -> None:
    box.admin.switch("pikpak.captcha_puzzle", "demand")
    known = box.endpoints["pikpak"]
    words = ("pikpak", "--kind", "pikpak", "--username", known["username"])
    with home.talk("login", *words, "--password-stdin", "--paste") as login:
        login.say(known["password"])
        login.say(solve(chromium, login.line()))
        ended = login.ended().ok()
    assert known["username"] in ended.err
    assert "Documents" in home.run("ls", "pikpak:/").ok().out


def assert_plain(ended: Ended) -> None:
    """One sentence for people, nothing of the machine's."""
    assert "Traceback" not in ended.out + ended.err
    assert "code=" not in ended.err
