"""An API that sends us elsewhere is not followed: tokens go to one origin only."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cloudtui_process import Home


@contextmanager
def answering(status: int, location: str) -> Iterator[tuple[str, list[str]]]:
    """A server that answers everything with one redirect; its origin and what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(f"{self.command} {self.path} {self.headers}")
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PUT = do_PATCH = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    ("place", "options"), [("pc:/", ("PC__US_URL", "PC__EU_URL")), ("pk:/", ("PK__DRIVE_URL",))]
)
def test_an_api_cannot_send_a_token_elsewhere(
    home: Home, status: int, place: str, options: tuple[str, ...]
) -> None:
    with answering(200, "") as (other, stolen), answering(status, f"{other}/x") as (api, asked):
        extra = {f"CLOUDTUI_ACCOUNT__{option}": api for option in options}
        ended = home.run("ls", place, extra=extra | {"CLOUDTUI_RETRIES": "2"})
    assert ended.code not in (0, 130)
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) == 1, ended.err
    assert any("authorization" in each.lower() for each in asked)
    assert stolen == []


def test_a_sign_in_cannot_be_sent_elsewhere(home: Home) -> None:
    with answering(200, "") as (other, stolen), answering(307, f"{other}/x") as (api, asked):
        extra = {"CLOUDTUI_ACCOUNT__PK__USER_URL": api, "CLOUDTUI_RETRIES": "2"}
        words = ("login", "pk", "--password-stdin")
        ended = home.run(*words, given="a password\n", extra=extra)
    assert ended.code not in (0, 130)
    assert "Traceback" not in ended.err
    assert asked
    assert stolen == []


@pytest.mark.parametrize(("option", "place"), [("PC__US_URL", "pc:/"), ("PK__DRIVE_URL", "pk:/")])
def test_a_token_of_one_origin_is_sent_to_no_other(
    home: Home, option: str, place: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A stored token stays where it belongs when the settings change their mind."""
    passphrase = tmp_path_factory.mktemp("vault") / "passphrase"
    passphrase.write_text("a passphrase for tests\n")
    home.environ["CLOUDTUI_SECRETS"] = "vault"
    home.environ["CLOUDTUI_VAULT_PASSPHRASE_FILE"] = str(passphrase)
    token = home.environ.pop("CLOUDTUI_ACCOUNT__PC__TOKEN")
    password = home.environ.pop("CLOUDTUI_ACCOUNT__PK__PASSWORD")
    if place == "pc:/":
        home.run("login", "pc", "--token-stdin", given=token).ok()
    else:
        home.run("login", "pk", "--password-stdin", given=password + "\n").ok()
    home.run("ls", place).ok()
    with answering(200, "") as (other, stolen):
        moved = {f"CLOUDTUI_ACCOUNT__{option}": other, "CLOUDTUI_RETRIES": "2"}
        if place == "pc:/":
            moved["CLOUDTUI_ACCOUNT__PC__EU_URL"] = other
        ended = home.run("ls", place, extra=moved)
    assert ended.code == 4, ended.err
    assert token not in "".join(stolen)
    assert "bearer" not in "".join(stolen).lower()
