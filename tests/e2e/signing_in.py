"""Signing in by keys, from a home that holds nothing, and what people do on the services' pages."""

from __future__ import annotations

import html
import http.client
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.cloudtui_process import Home
from tests.e2e.terminal import Terminal
from tests.sandbox_process import SandboxProcess


def empty_home(folder: Path, box: SandboxProcess, port: int) -> Home:
    """A home without accounts below `folder`: the sandbox stands where the services would, and
    answers come to a port of this machine."""
    made = Home(folder / "home")
    passphrase = folder / "passphrase"
    passphrase.write_text("a passphrase for tests\n")
    passphrase.chmod(0o600)
    made.environ["CLOUDTUI_SECRETS"] = "vault"
    made.environ["CLOUDTUI_VAULT_PASSPHRASE_FILE"] = str(passphrase)
    for option in ("us_url", "eu_url", "authorize_url"):
        name = f"CLOUDTUI_ACCOUNT__PCLOUD__{option.upper()}"
        made.environ[name] = box.endpoints["pcloud"][option]
    made.environ["CLOUDTUI_ACCOUNT__PCLOUD__REDIRECT_PORT"] = str(port)
    for option in ("user_url", "drive_url"):
        name = f"CLOUDTUI_ACCOUNT__PIKPAK__{option.upper()}"
        made.environ[name] = box.endpoints["pikpak"][option]
    return made


def link_on(terminal: Terminal) -> str:
    """The address shown on several lines of a box, once it is there."""

    def rows(screen: str) -> list[str]:
        return [line.strip().strip("║│| ") for line in screen.splitlines()]

    def starts(screen: str) -> list[int]:
        return [number for number, row in enumerate(rows(screen)) if row.startswith("http")]

    screen = terminal.until(lambda screen: bool(starts(screen)), "a link")
    link = ""
    for row in rows(screen)[starts(screen)[0] :]:
        if not row or " " in row:
            break
        link += row
    return link


def begin_pcloud(screen: Terminal, box: SandboxProcess, way: str) -> None:
    """From the empty screen to the way in."""
    screen.until("No account yet")
    screen.keys("Tab", "@")
    screen.until("Add a pCloud account")
    screen.keys("3")
    screen.until("Client ID")
    screen.write(box.endpoints["pcloud"]["client_id"])
    screen.keys("Enter")
    screen.write(box.endpoints["pcloud"]["client_secret"])
    screen.keys("Enter")
    screen.until("How do you want to approve it?")
    screen.keys(way)


def begin_pikpak(screen: Terminal, box: SandboxProcess, row: str = "2") -> None:
    """From the panes to the password sent; `row` is the key of the source list's entry."""
    known = box.endpoints["pikpak"]
    screen.keys("@")
    screen.until("Add a PikPak account")
    screen.keys(row)
    screen.until("Sign in: PikPak")
    screen.write(known["username"])
    screen.keys("Enter")
    screen.write(known["password"])
    screen.keys("Enter")


def page(method: str, link: str, form: dict[str, str] | None = None) -> tuple[str, str]:
    """One page of a service, as a browser without scripts has it: its text, and where it sends
    one."""
    parts = urlsplit(link)
    connection = http.client.HTTPConnection(parts.netloc, timeout=100)
    body = urlencode(form) if form is not None else None
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status < 400, text
    return text, answer.headers.get("Location", "")


def solved(box: SandboxProcess, link: str) -> str:
    """The address that the puzzle's page ends at."""
    text, _ = page("GET", link)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', text))
    form = {name: html.unescape(value) for name, value in fields.items()}
    return page("POST", box.endpoints["pikpak"]["user_url"] + "/captcha/v2/solved", form)[1]


def approved(link: str, region: str) -> None:
    """Approve a link of pCloud's for the account of a region."""
    text, _ = page("GET", link)
    options = re.findall(r'<option value="(\d+)">[^<]*\((\w+)\)</option>', text)
    account = next(number for number, name in options if name == region)
    asked = dict(parse_qsl(urlsplit(link).query))
    page("POST", link.partition("?")[0], {**asked, "account": account, "answer": "approve"})
