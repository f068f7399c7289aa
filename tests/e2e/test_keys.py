"""The sentences of the first flight, by keys alone, in a real terminal."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.cloudtui_process import Home, make_tree, tree
from tests.e2e.terminal import Terminal
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.e2e

MIB = 1024 * 1024
LISTED = {"pk": "Documents/", "pc": "Documents/"}


def open_panes(home: Home, left: Path, right: str, size: tuple[int, int] = (80, 24)) -> Terminal:
    return Terminal(home.command(str(left), right), home.environment(), size=size, folder=left)


def finished(screen: str) -> bool:
    return "Copied" in screen and "%" not in screen.split("Copied", maxsplit=1)[0].splitlines()[-1]


@pytest.mark.parametrize("account", ["pk", "pc"])
def test_many_and_large_files_go_up_and_come_down_while_browsing(
    home: Home, account: str, tmp_path: Path
) -> None:
    work = make_tree(
        tmp_path / "work",
        {f"many/file {n:03}.bin": os.urandom(500 + n) for n in range(200)}
        | {"large.bin": os.urandom(300 * MIB)},
    )
    with open_panes(home, work, f"{account}:/") as screen:
        screen.until("Documents/")
        screen.keys("C-a", "F5")
        screen.until("Copy to")
        screen.keys("Enter")
        screen.until(lambda text: re.search(r"\d+%", text) is not None, "a bar")
        screen.keys("Tab", "Down", "Down", "Enter")  # browsing goes on meanwhile
        screen.until("../")
        screen.until(finished, "the end of the upload", limit=200)
        screen.keys("BSpace")
        screen.until("large.bin")
    back = tmp_path / "back"
    back.mkdir()
    with open_panes(home, back, f"{account}:/") as screen:
        screen.until("large.bin")
        screen.keys("Tab", "/")
        screen.write("re:^(large|many)")
        screen.until(lambda text: "Documents/" not in text, "the filter")
        screen.keys("Enter", "C-a", "F5")
        screen.until("Copy to")
        screen.keys("Enter")
        screen.until(finished, "the end of the download", limit=200)
    assert tree(back) == tree(work)


@pytest.mark.parametrize("account", ["pk", "pc"])
@pytest.mark.parametrize("how", ["quit", "kill"])
def test_a_job_left_in_the_middle_is_there_again_and_finishes(
    home: Home, box: SandboxProcess, account: str, how: str, tmp_path: Path
) -> None:
    content = os.urandom(40 * MIB)
    work = make_tree(tmp_path / "work", {f"{how}-{account}.bin": content})
    listener = {"pk": "pikpak.upload", "pc": "pcloud.us"}[account]
    box.admin.fault(
        listener=listener, match="PUT *", times=-1, kind="throttle", bytes_per_s=MIB // 4
    )
    with open_panes(home, work, f"{account}:/") as screen:
        screen.until("Documents/")
        screen.keys("C-a", "F5")
        screen.until("Copy to")
        screen.keys("Enter")
        screen.until(lambda text: re.search(r"[1-9]\d?%", text) is not None, "progress")
        if how == "quit":
            screen.keys("q")
            screen.until("Pause and quit")
            screen.keys("Enter")
            assert screen.until_ended() == 0
        else:
            os.kill(screen.pid, signal.SIGKILL)
            screen.until_ended()
    box.admin.clear_faults()
    with open_panes(home, work, f"{account}:/") as screen:
        screen.until("unfinished")
        screen.keys("w")
        screen.until("Transfers")
        screen.keys("P")
        screen.until("done")
    back = tmp_path / "back.bin"
    home.run("cp", f"{account}:/{how}-{account}.bin", back).ok()
    assert back.read_bytes() == content


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_the_panes_fill_the_screen(home: Home, size: tuple[int, int], tmp_path: Path) -> None:
    work = make_tree(
        tmp_path / "work", {"a [/b].txt": b"x", "plain.txt": b"y"} | {"esc\x1b[31m": b""}
    )
    with open_panes(home, work, "pk:/", size) as screen:
        text = screen.until(lambda text: "Documents/" in text and "plain.txt" in text, "both panes")
        assert "<1B>[31m" in text
        assert "10Quit" in text.replace(" ", "")
        assert max(len(line) for line in text.splitlines()) <= size[0]
        screen.keys("?")
        screen.until("Help:")
        screen.keys("Escape")
        screen.until(lambda text: "Help:" not in text, "help is closed")
        screen.keys("q")
        assert screen.until_ended() == 0


def test_trash_and_undo(home: Home, tmp_path: Path) -> None:
    work = make_tree(tmp_path / "work", {"one.txt": b"1", "two.txt": b"2"})
    with open_panes(home, work, "pc:/Documents") as screen:
        screen.until(lambda text: "one.txt" in text and "Reports/" in text, "both panes")
        screen.keys("Down", "F8")
        screen.until("Moved to trash")
        screen.until(lambda text: text.count("one.txt") == 1, "the row is gone")
        screen.keys("u")
        screen.until(lambda text: text.count("one.txt") >= 1 and "Restored" in text, "undo")
    assert tree(work) == {"one.txt": b"1", "two.txt": b"2"}
