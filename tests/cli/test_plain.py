"""The program itself: versions, imports, help, paths, keys."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from cloudtui.commands.transfer import summary
from cloudtui.services.transfers.orders import Direction, JobState, JobView, Verb
from tests.cloudtui_process import Home


def loaded_by(*words: str) -> set[str]:
    """Top-level packages in `sys.modules` after a command."""
    program = (
        "import sys, atexit\n"
        "loaded = lambda: {n.split('.')[0] for n, m in sys.modules.items() if m is not None}\n"
        "atexit.register(lambda: print('LOADED', *loaded()))\n"
        "from cloudtui.cli import main\n"
        f"sys.argv = ['cloudtui', *{list(words)!r}]\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return set(ended.stdout.rpartition("LOADED ")[2].split())


@pytest.mark.parametrize("words", [("--version",), ("ls", "/"), ("paths",), ("keys",)])
def test_commands_load_no_screen(words: tuple[str, ...]) -> None:
    loaded = loaded_by(*words)
    assert "cloudtui" in loaded
    assert not loaded & {"textual", "rich"}


def test_version_loads_next_to_nothing() -> None:
    assert not loaded_by("--version") & {"httpx", "ssl", "sqlite3", "msgspec", "keyring"}


def test_the_local_listing_needs_no_network() -> None:
    spared = {"httpx", "http", "email", "authlib", "keyring", "sqlite3"}
    assert not loaded_by("ls", "/") & spared


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = Home(tmp_path).run("--help").ok().out
    for command in (
        *("ls", "cp", "mv", "rm", "trash", "login", "jobs", "offline", "demo", "doctor"),
        *("check", "sync", "share", "revisions", "playlist", "token", "import"),
    ):
        assert f"\n  {command} " in shown


def test_paths_lie_below_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path)
    named = home.run("paths", "--json").ok().value
    assert named["settings"] == str(tmp_path / "cloudtui" / "settings.toml")
    assert all(path.startswith(str(tmp_path)) for path in named.values())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("ls", "nope:/x"), 2),
        (("ls", "/nonexistent"), 3),
        (("ls", "--nonsense"), 2),
        (("stat",), 2),
        (("config", "set", "layuot", "ru"), 2),
        (("quota", "nope:"), 2),
        (("cp", "/nonexistent", "/tmp/x"), 3),
        (("cp", "one"), 2),
    ],
)
def test_bad_input_gives_a_sentence_and_a_code(
    tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    ended = Home(tmp_path).run(*words)
    assert ended.code == code
    assert ended.err.strip()
    assert "Traceback" not in ended.err + ended.out


def test_errors_are_json_too(tmp_path: Path) -> None:
    ended = Home(tmp_path).run("--json", "ls", "/nonexistent")
    assert ended.value["error"]["code"] == "not_found"
    assert ended.value["error"]["message"]


def test_completion_is_printed(tmp_path: Path) -> None:
    assert "_CLOUDTUI_COMPLETE" in Home(tmp_path).run("completion", "zsh").ok().out


def test_settings_are_written_and_read(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run("config", "set", "units", "si").ok()
    assert home.run("config", "get", "units").ok().out == "si\n"
    home.run("config", "unset", "units").ok()
    assert home.run("config", "get", "units").ok().out != "si\n"


def test_sizes_are_written_as_the_settings_say(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "file").write_bytes(b"x" * 3_100)
    words = ("--set", "units=si", "--set", "thousands=.", "--set", "decimal=,")
    assert "3,1 kB" in home.run(*words, "du", tmp_path / "file").ok().out
    assert "3.0 KiB" in home.run("du", tmp_path / "file").ok().out
    odd = home.run("--set", "decimal=xx", "du", tmp_path / "file").ok()
    assert "decimal must be one mark" in odd.err


def test_what_the_settings_say_about_transfers_holds(tmp_path: Path) -> None:
    """Words of the command line win."""
    home = Home(tmp_path / "home")
    (tmp_path / "a").write_bytes(b"content")
    home.run("config", "set", "verify", "strict").ok()
    extra = {"CLOUDTUI_SERVER_SIDE": "only"}
    refused = home.run("cp", tmp_path / "a", tmp_path / "b", extra=extra)
    assert refused.code == 8, refused.err
    home.run("cp", "--server-side", "auto", tmp_path / "a", tmp_path / "c", extra=extra).ok()
    journal = home.folder / "cloudtui" / "state" / "journal.sqlite"
    with contextlib.closing(sqlite3.connect(journal)) as db:
        (raw,) = db.execute("SELECT options FROM jobs ORDER BY created_ns DESC").fetchone()
    options = json.loads(raw)
    assert (options["verify"], options["server_side"]) == ("strict", "auto")


def test_the_last_line_says_when_a_copy_was_cancelled() -> None:
    view = JobView("1", Verb.COPY, Direction.DOWN, "a", ("a",), "b", JobState.CANCELLED, 8, 9)
    assert summary(view) == "Copied 8 of 9, 0 B. It was cancelled."


def test_keys_are_those_of_the_settings(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run("config", "set", "keys", "mc").ok()
    settings = Path(home.run("config", "path").ok().out.strip())
    written = settings.read_text()
    settings.write_text(f'{written}\n[keymap]\n"browser.mkdir" = "F11"\n"browser.nothing" = "x"\n')
    ended = home.run("keys").ok()
    lines = {line[34:].strip(): line[:34].split() for line in ended.out.splitlines()}
    assert lines["new folder"] == ["F11"]
    assert "Ctrl+U" in lines["swap the panes"]
    assert 'there is no action "browser.nothing"' in ended.err


def test_the_way_to_the_panes_has_no_name_of_its_own(tmp_path: Path) -> None:
    ended = Home(tmp_path).run("/", "/", "/")
    assert ended.code == 2
    assert "Usage: cloudtui [OPTIONS] [LEFT] [RIGHT]" in ended.err


def test_one_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "file").write_bytes(b"x")
    told = Home(tmp_path).run("du", tmp_path / "one").ok().out
    assert told == "1 file, 0 folders, 1 byte (1 B)\n"


def test_a_failure_is_told_once() -> None:
    told = "1 of 9 failed."
    view = JobView("1", Verb.COPY, Direction.DOWN, "a", ("a",), "b", JobState.FAILED, 8, 9, 1)
    assert summary(view) == "Copied 8 of 9, 0 B. 1 failed."
    assert summary(replace(view, message=told)) == f"Copied 8 of 9, 0 B. {told}"
