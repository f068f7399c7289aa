"""Standard streams that are closed, full or a terminal somebody stops the program at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from tests.cloudtui_process import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def by_shell(home: Home, words: str, streams: str) -> subprocess.CompletedProcess[str]:
    """A run with redirections as a shell writes them."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", *home.command(*words.split())],
        capture_output=True,
        text=True,
        env=home.environment(),
        timeout=100,
    )


@pytest.mark.parametrize("streams", ["2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_copy_does_not_care_who_listens(home: Home, tmp_path: Path, streams: str) -> None:
    (tmp_path / "a").write_bytes(b"1")
    ended = by_shell(home, f"cp {tmp_path}/a {tmp_path}/b", streams)
    assert ended.returncode == 0, ended
    assert (tmp_path / "b").read_bytes() == b"1"
    assert "Traceback" not in ended.stderr
    missing = by_shell(home, f"ls --json {tmp_path}/missing", streams)
    assert missing.returncode == 3, missing


@pytest.mark.parametrize("words", ["ls /", "cat /etc/passwd", "--help"])
def test_output_that_finds_no_room_is_told(home: Home, words: str) -> None:
    ended = by_shell(home, words, ">/dev/full")
    assert (ended.returncode, ended.stderr) == (
        5,
        "The output could not be written (No space left on device). It is not complete.\n",
    )


def test_wrong_options_are_told_in_json_too(home: Home) -> None:
    ended = home.run("ls", "--json", "--nonsense")
    assert ended.code == 2
    error = json.loads(ended.out)["error"]
    assert error["code"] == "usage"
    assert "--nonsense" in error["message"]
    assert "cloudtui ls --help" in error["hint"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_question_ends_by_a_signal_and_leaves_the_terminal_as_it_was(
    home: Home, number: signal.Signals, code: int
) -> None:
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        home.command("login", "neu", "--kind", "pikpak", "--username", "ana"),
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=home.environment(),
        start_new_session=True,  # no other terminal to ask at
    )
    with process:
        assert process.stderr is not None
        asked = b""
        while b"Password" not in asked:
            asked += os.read(process.stderr.fileno(), 1000)
        process.send_signal(number)
        assert process.wait(60) == code
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def test_the_end_of_input_is_no_answer(home: Home) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        home.command("login", "neu", "--kind", "pikpak"),
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=home.environment(),
        start_new_session=True,  # no other terminal to ask at
    )
    with process:
        os.write(ours, b"\x04")
        assert process.stderr is not None
        told = process.stderr.read().decode()
        assert process.wait(60) == 130
    assert told.endswith("Nobody answered.\n")
    os.close(ours)
    os.close(theirs)


def test_what_is_named_and_left_alone_is_no_success(home: Home, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "link").symlink_to("a")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        ended = home.run("cp", tmp_path / name, tmp_path / "a", f"{tmp_path}/to-{name}/")
        assert ended.code == 1, ended
        assert (tmp_path / f"to-{name}/a").exists()
    assert home.run("cp", "--follow", "files", tmp_path / "link", tmp_path / "b").code == 0


def test_a_move_that_leaves_something_behind_is_no_success(home: Home, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/inner").symlink_to("nowhere")
    (tmp_path / "target/folder").mkdir(parents=True)  # the two are merged, file by file
    assert home.run("cp", "-r", tmp_path / "folder", tmp_path / "copy").code == 0
    assert home.run("mv", tmp_path / "folder", f"{tmp_path}/target/").code == 1
    assert (tmp_path / "folder/inner").is_symlink()


@pytest.mark.parametrize(
    "words",
    [
        ("cp", "--bwlimit", "1e400", "a", "b"),
        ("--timeout", "nan", "ls", "/"),
        ("config", "set", "redraw", "nan"),
        ("rename", "/", "top"),
    ],
)
def test_numbers_and_places_that_are_none_are_refused(home: Home, words: tuple[str, ...]) -> None:
    ended = home.run(*words)
    assert ended.code == 2, ended
    assert "unexpected" not in ended.err


def test_the_top_folder_is_there_already(home: Home) -> None:
    home.run("mkdir", "-p", "/").ok()
    assert home.run("mkdir", "/").code == 1


def test_a_device_has_no_digest(home: Home) -> None:
    told = home.run("stat", "--hash", "--json", "/dev/zero").ok().value
    assert not told["hashes"]


@pytest.mark.parametrize("words", [("config", "set", "units", "si"), ("cp", "/etc/passwd", "b")])
def test_a_home_that_takes_nothing_is_told(home: Home, words: tuple[str, ...]) -> None:
    ended = home.run(*words, extra={"CLOUDTUI_HOME": "/sys/cloudtui"})
    assert ended.code == 8, ended
    assert "unexpected" not in ended.err
    assert "Traceback" not in ended.err
