"""Processes killed right after each call that changes something on PikPak: the same command given
again ends with what was asked for, and nothing is doubled or left behind."""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloudtui_process import Home, home_with_accounts, make_tree, tree
from tests.sandbox_process import SandboxProcess, start_sandbox

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("pikpak-crashes")]

_count = itertools.count(1)
KIB = 1 << 10


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with start_sandbox(tmp_path_factory.mktemp("crashes")) as sandbox:
        yield sandbox


@pytest.fixture
def home(box: SandboxProcess, tmp_path: Path) -> Home:
    """A home of its own account, with a vault that outlives the killed process."""
    username = f"crash{next(_count)}@example.com"
    made = box.admin.account("pikpak", username=username, password="crash test")
    box.endpoints["pikpak"] |= {"username": made["username"], "password": made["password"]}
    home = home_with_accounts(tmp_path / "home", box)
    phrase = tmp_path / "phrase"
    phrase.write_text("a long enough passphrase\n")
    phrase.chmod(0o600)
    home.environ |= {
        "CLOUDTUI_SECRETS": "vault",
        "CLOUDTUI_VAULT_PASSPHRASE_FILE": str(phrase),
        "CLOUDTUI_ACCOUNT__PK__UPLOAD_CUTOFF": "300K",
        "CLOUDTUI_ACCOUNT__PK__CHUNK_SIZE": "200K",
    }
    return home


def nodes(box: SandboxProcess) -> list[dict[str, Any]]:
    state = box.admin.state("pikpak")["accounts"][box.endpoints["pikpak"]["username"]]
    return [node for node in state["nodes"] if node["name"]]


def live(box: SandboxProcess) -> list[str]:
    """Paths outside the trash, pending entries too, folders with a slash."""
    return sorted(
        node["path"] + ("/" if node["kind"] == "folder" else "")
        for node in nodes(box)
        if not node["trashed"]
    )


def die(home: Home, failpoint: str, *words: str | Path) -> None:
    """Run a command that is killed at a failpoint."""
    ended = home.run(*words, extra={"CLOUDTUI_FAILPOINT": failpoint})
    assert ended.code == -signal.SIGKILL, (failpoint, ended.out, ended.err)


def content(seed: str, size: int) -> bytes:
    """Bytes that no other test sends."""
    block = hashlib.sha256(f"{seed}{os.getpid()}".encode()).digest()
    return (block * (size // 32 + 1))[:size]


@pytest.mark.parametrize(
    "failpoint",
    [
        "pikpak.signin.answered",
        "pikpak.refresh.stored",
        "pikpak.mkdir.made",
        "pikpak.mkdir.made:2",
        "pikpak.upload.begun",
        "pikpak.upload.begun:2",
        "pikpak.upload.parts",
        "pikpak.upload.completed",
        "pikpak.upload.finished",
        "pikpak.upload.finished:2",
    ],
)
def test_a_copy_up(box: SandboxProcess, home: Home, tmp_path: Path, failpoint: str) -> None:
    up = make_tree(
        tmp_path / "up",
        {
            "small": content(failpoint + "s", 1000),
            "sub/large": content(failpoint + "l", 900 * KIB),
            "empty": b"",
        },
        ["hollow"],
    )
    command = ("cp", "-r", f"{up}/", "pk:/up")
    die(home, failpoint, *command)
    home.run(*command).ok()
    below = ["", "empty", "hollow/", "small", "sub/", "sub/large"]
    assert live(box) == [f"/up/{each}" for each in below]
    home.run("cp", "-r", "pk:/up/", tmp_path / "down").ok()
    assert tree(tmp_path / "down") == tree(up)


@pytest.mark.parametrize(
    "failpoint",
    [
        "pikpak.upload.begun",
        "pikpak.upload.completed",
        "pikpak.replace.checked",
        "pikpak.batch.started",
        "pikpak.replace.trashed",
        "pikpak.rename.done",
        "pikpak.replace.named",
        "pikpak.upload.finished",
    ],
)
def test_a_replacement(box: SandboxProcess, home: Home, tmp_path: Path, failpoint: str) -> None:
    old, new = content(failpoint + "o", 500), content(failpoint + "n", 700)
    make_tree(tmp_path, {"old": old, "new": new})
    home.run("cp", tmp_path / "old", "pk:/file").ok()
    [first] = nodes(box)
    command = ("cp", "--on-conflict", "overwrite", tmp_path / "new", "pk:/file")
    die(home, failpoint, *command)
    home.run(*command).ok()
    assert live(box) == ["/file"]
    assert [node["id"] for node in nodes(box) if node["trashed"]] == [first["id"]]
    home.run("cp", "pk:/file", tmp_path / "back").ok()
    assert (tmp_path / "back").read_bytes() == new


@pytest.mark.parametrize("failpoint", ["pikpak.batch.started", "pikpak.move.done"])
def test_a_move_inside(box: SandboxProcess, home: Home, tmp_path: Path, failpoint: str) -> None:
    make_tree(tmp_path, {"file": content(failpoint, 500)})
    home.run("cp", tmp_path / "file", "pk:/a/file").ok()
    home.run("mkdir", "pk:/b").ok()
    command = ("mv", "pk:/a/file", "pk:/b/other")
    die(home, failpoint, *command)
    # the source is gone from its place already, so the job is what goes on
    [job] = [job for job in home.run("--json", "jobs", "ls").ok().values if job["verb"] == "move"]
    home.run("jobs", "resume", job["id"]).ok()
    assert live(box) == ["/a/", "/b/", "/b/other"]


@pytest.mark.parametrize(
    "failpoint",
    [
        "pikpak.mkdir.made",
        "pikpak.copy.hidden",
        "pikpak.copy.started",
        "pikpak.copy.named",
        "pikpak.copy.placed",
        "pikpak.copy.done",
    ],
)
def test_a_copy_inside(box: SandboxProcess, home: Home, tmp_path: Path, failpoint: str) -> None:
    make_tree(tmp_path, {"file": content(failpoint, 500)})
    home.run("cp", tmp_path / "file", "pk:/a/file").ok()
    home.run("mkdir", "pk:/b").ok()
    command = ("cp", "pk:/a/file", "pk:/b/other")
    die(home, failpoint, *command)
    home.run(*command).ok()
    hidden = [path for path in live(box) if path.endswith(".cloudtui-part/")]
    shown = [path for path in live(box) if path not in hidden]
    assert shown == ["/a/", "/a/file", "/b/", "/b/other"]
    # killed between the last two steps an empty hidden folder stays, for the next copy to sweep
    assert len(hidden) == (1 if failpoint == "pikpak.copy.placed" else 0)


def test_a_killed_upload_goes_on_with_the_parts_it_has(
    box: SandboxProcess, home: Home, tmp_path: Path
) -> None:
    size = 40 * 200 * KIB
    make_tree(tmp_path, {"large": content("resumed", size)})
    command = ("cp", tmp_path / "large", "pk:/large")
    since = box.admin.log()[-1]["seq"] if box.admin.log() else 0
    die(home, "engine.receipt:24", *command)
    home.run(*command).ok()
    sent = sum(
        entry["bytes_in"]
        for entry in box.admin.log(since)
        if entry["listener"] == "pikpak.upload" and entry["method"] == "PUT"
    )
    in_flight = 4 * 200 * KIB
    assert size <= sent <= size + in_flight
    home.run("cp", "pk:/large", tmp_path / "back").ok()
    assert (tmp_path / "back").read_bytes() == (tmp_path / "large").read_bytes()
