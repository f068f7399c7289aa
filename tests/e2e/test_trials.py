"""Whole visits by keys alone, in a terminal without a desktop, from a home that holds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloudtui_process import Home
from tests.e2e.signing_in import (
    approved,
    begin_pcloud,
    begin_pikpak,
    empty_home,
    link_on,
    page,
    solved,
)
from tests.e2e.terminal import Terminal
from tests.reserved_port import reserved_port
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.e2e

MAGNET = "0123456789abcdef0123456789abcdef01234567"
FILM, FERRY = "Harbour at dawn.mp4", "The long ferry.mp4"
SLOW = 60_000
"""Bytes in a second: the film would take two minutes."""


@pytest.fixture
def home(tmp_path: Path, box: SandboxProcess) -> Iterator[Home]:
    with reserved_port() as port:
        yield empty_home(tmp_path, box, port)
    box.admin.clear_faults()
    box.admin.switch("pikpak.captcha_puzzle", "off")
    box.admin.switch("pikpak.fetch_seconds", 0)


def nodes(box: SandboxProcess, cloud: str) -> list[dict[str, Any]]:
    """All entries of a cloud that are not in its trash."""
    accounts = box.admin.state(cloud)["accounts"]
    each = accounts.values() if isinstance(accounts, dict) else accounts
    return [node for account in each for node in account["nodes"] if not node["trashed"]]


def direct_link(box: SandboxProcess, path: str) -> str:
    """A link to a file on pCloud, as its page would give one."""
    import json

    known = box.endpoints["pcloud"]
    token = known["us_token"]
    text, _ = page("GET", f"{known['us_url']}/getfilelink?path={path}&access_token={token}")
    told = json.loads(text)
    return f"http://{told['hosts'][0]}{told['path']}"


def leave(screen: Terminal, words: str) -> None:
    """Esc, and wait until a box or screen is gone: the next key right behind it would make a
    sequence of the two."""
    screen.keys("Escape")
    screen.until(lambda text: words not in text, f"the end of {words}")


def test_pikpak_puzzle_links_to_the_disk_delete_and_restore(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    desk = tmp_path / "desk"
    desk.mkdir()
    box.admin.switch("pikpak.captcha_puzzle", "demand")
    box.admin.switch("pikpak.fetch_seconds", 600)
    box.admin.switch("pikpak.magnets", {MAGNET: {"name": "things", "files": {"a.txt": 5000}}})
    links = [
        direct_link(box, "/Documents/Welcome.txt"),
        direct_link(box, "/Documents/Budget 2026.csv".replace(" ", "%20")),
        f"magnet:?xt=urn:btih:{MAGNET}&dn=things",
        "magnet:?xt=urn:btih:nonsense",
    ]
    with Terminal(home.command(str(desk)), home.environment(), size=(120, 40)) as screen:
        screen.until("No account yet")
        screen.keys("Tab")
        begin_pikpak(screen, box)
        screen.until("wants a puzzle solved")
        screen.paste(solved(box, link_on(screen)))
        screen.until("getcaptcha")
        screen.keys("Enter")
        screen.until("Documents/")
        screen.keys("m")
        screen.until("Links, one per line")
        screen.paste("\n".join(links))
        screen.until("nonsense")
        screen.keys("F3")
        screen.until("When done: comes to")
        screen.keys("F5")
        told = screen.until("refused: magnet:?xt=urn:btih:nonsense is no link PikPak could fetch")
        for name in ("added: Welcome.txt", "added: Budget 2026.csv", "added: things"):
            assert name in told
        leave(screen, "Links, one per line")
        screen.keys("O")
        screen.until("3 tasks")
        screen.until(lambda text: text.count("then to disk") >= 2, "wishes")
        box.admin.age(700)
        screen.keys("C-r")
        screen.until(lambda _: (desk / "a.txt").exists(), "the third result")
        screen.until(lambda text: text.count("100%") == 3, "three done")
        leave(screen, "Offline downloads")
        screen.until(lambda _: (desk / "Budget 2026.csv").exists(), "the second result")
        screen.until(lambda _: (desk / "Welcome.txt").exists(), "the first result")
        screen.until(lambda text: text.count(" Welcome.txt  ") >= 2, "both panes with the first")
        assert (desk / "Welcome.txt").stat().st_size == 883
        screen.keys("End", "F8")
        # not its message: that of a copy that ends just then takes its place at once
        screen.until(lambda text: text.count(" Welcome.txt  ") == 1, "the row is gone")
        screen.until(
            lambda _: "/Welcome.txt" not in {node["path"] for node in nodes(box, "pikpak")},
            "it is in the trash",
        )
        screen.keys("t")
        screen.until("Trash of PikPak")
        screen.until("Welcome.txt")
        screen.keys("r")
        screen.until("Restored Welcome.txt to /.")
        leave(screen, "Trash of")
        screen.until(lambda text: text.count(" Welcome.txt  ") >= 2, "it is back")
        assert "/Welcome.txt" in {node["path"] for node in nodes(box, "pikpak")}
        screen.keys("q")
        assert screen.until_ended() == 0


def test_pcloud_poll_link_copy_from_pikpak_quit_in_the_middle_and_finish(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    environment = home.environment()
    assert "DISPLAY" not in environment
    with Terminal(home.command(str(tmp_path)), environment) as screen:
        begin_pcloud(screen, box, "a")
        approved(link_on(screen), "eu")
        screen.until("Signed in as bela@example.com.")
        screen.until("Documents/")
        screen.keys("End", "Home", "Down", "Enter")
        screen.until("Welcome.txt")
        screen.keys("BSpace")
        screen.until("Archives/")
        screen.keys("Tab")
        begin_pikpak(screen, box, "3")
        screen.until(lambda text: text.count("Archives/") == 2, "both clouds")
        screen.keys("Home", "Down", "Down", "Enter")
        screen.until(FILM)
        since = box.admin.log()[-1]["seq"]
        box.admin.fault(
            kind="throttle", listener="pikpak.content", match="GET *", times=-1, bytes_per_s=SLOW
        )
        screen.keys("C-a", "F5")
        screen.until("Copy to pCloud")
        screen.keys("Enter")
        screen.until("Copying 3 items.")
        screen.until("w shows jobs")
        screen.keys("q")
        screen.until("1 job is running.")
        screen.keys("p")
        assert screen.until_ended() == 0
    assert f"/{FILM}" not in {node["path"] for node in nodes(box, "pcloud")}
    with Terminal(home.command(str(tmp_path)), environment) as screen:
        screen.until("1 unfinished job from before.")
        box.admin.clear_faults()
        screen.keys("w")
        screen.until("Transfers")
        screen.keys("P")
        screen.until("done", limit=120)
        leave(screen, "Transfers")
        screen.keys("q")
        assert screen.until_ended() == 0
    copied = {node["path"]: node for node in nodes(box, "pcloud")}
    (source,) = [node for node in nodes(box, "pikpak") if node["path"] == f"/Films/{FILM}"]
    assert copied[f"/{FILM}"]["size"] == source["size"]
    assert copied[f"/{FILM}"]["sha1"] == source["sha1"]
    assert f"/{FERRY}" in copied
    # pCloud fetched them itself: what came to this program names a program
    ours = [
        row
        for row in box.admin.log(since)
        if row["listener"] == "pikpak.content" and row["user_agent"]
    ]
    assert ours == []
