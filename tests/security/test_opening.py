"""What other programs are given: no secret in arguments or environment, no text browser."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Final

import httpx
import pytest

from cloudtui.services.accounts import child_environment
from cloudtui.services.browser import open_url, opener

OPENER: Final = """#!/bin/sh
tr '\\0' '\\n' < /proc/$$/environ > "$0.environ"
printf '%s\\n' "$@" > "$0.new"
mv "$0.new" "$0.asked"
"""
SECRETS: Final = {
    "CLOUDTUI_ACCOUNT__PK__PASSWORD": "secret-1",
    "CLOUDTUI_ACCOUNT__PK__TOKEN": "secret-2",
    "CLOUDTUI_ACCOUNT__PC__CLIENT_SECRET": "secret-3",
    "CLOUDTUI_ACCOUNT__MY_CLOUD__CAPTCHA_TOKEN": "secret-4",
    "CLOUDTUI_VAULT_PASSPHRASE_FILE": "/secret-5",
}
LINK: Final = "https://example.com/page?token=secret-6"
_PACE = threading.Event()


@pytest.fixture
def desktop(tmp_path: Path) -> dict[str, str]:
    """An environment with a display, an opener that writes down what it gets, and secrets."""
    program = tmp_path / "bin" / "xdg-open"
    program.parent.mkdir()
    program.write_text(OPENER)
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    return {"PATH": path, "DISPLAY": ":99", "HARMLESS": "yes", **SECRETS}


def given(desktop: dict[str, str]) -> tuple[str, str]:
    """The opener's argument and environment, once it was started."""
    folder = Path(desktop["PATH"].partition(":")[0])
    asked = folder / "xdg-open.asked"
    end = time.monotonic() + 100
    while not asked.exists():
        assert time.monotonic() < end, "the opener never ran"
        _PACE.wait(0.02)
    return asked.read_text().strip(), (folder / "xdg-open.environ").read_text()


def test_the_opener_learns_no_secret(desktop: dict[str, str]) -> None:
    assert open_url(LINK, desktop)
    address, environ = given(desktop)
    assert address.startswith("http://127.0.0.1:")
    assert "secret" not in address + environ
    assert "HARMLESS=yes" in environ
    with httpx.Client(trust_env=False, timeout=60) as browser:
        assert browser.get(address + "x").status_code == 404
        answer = browser.get(address)
        assert (answer.status_code, answer.headers["location"]) == (302, LINK)
        # once: nobody else learns the link from the process list later
        with pytest.raises(httpx.HTTPError):
            browser.get(address)


@pytest.mark.parametrize("link", ["file:///etc/passwd", "javascript:alert(1)", "-x", "", "ftp://h"])
def test_only_web_addresses_are_opened(desktop: dict[str, str], link: str) -> None:
    assert not open_url(link, desktop)


def test_without_a_desktop_nothing_is_started(desktop: dict[str, str]) -> None:
    del desktop["DISPLAY"]
    desktop["BROWSER"] = "lynx"
    assert opener(desktop) == []
    assert not open_url(LINK, desktop)


def test_children_get_everything_but_secrets() -> None:
    environ = {"PATH": "/bin", "CLOUDTUI_ACCOUNT__PK__USERNAME": "ana", **SECRETS}
    assert child_environment(environ) == {"PATH": "/bin", "CLOUDTUI_ACCOUNT__PK__USERNAME": "ana"}
