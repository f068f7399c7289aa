"""The settings file, the environment and --set."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import tomlkit

from cloudtui.services import settings as settings_module
from cloudtui.services.errors import Refused, UsageError
from cloudtui.services.options import ACCOUNT, GENERAL, Option, Type, check, parse
from cloudtui.services.paths import Paths
from cloudtui.services.settings import Settings


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find({"CLOUDTUI_HOME": str(tmp_path)})


def load(paths: Paths, text: str = "", *sets: str, **environ: str) -> Settings:
    if text:
        paths.settings_file.write_text(text)
    return Settings(paths, environ=environ, assignments=sets)


def test_every_default_is_allowed() -> None:
    tables = [GENERAL, *ACCOUNT.values()]
    for option in (option for table in tables for option in table.values()):
        assert check(option, option.default) == option.default, option.name
        assert option.doc.endswith(".")


def test_defaults_without_a_file(paths: Paths) -> None:
    settings = load(paths)
    assert settings.text("on_conflict") == "ask"
    assert settings.flag("mouse")
    assert settings.number("timeout") == 30
    assert settings.problems == []
    assert not paths.settings_file.exists()


def test_later_sources_win(paths: Paths) -> None:
    text = 'units = "si"\nretry_wait = 2\nbandwidth = "1M"\n[trash]\nkeep_days = 3\n'
    settings = load(paths, text)
    assert settings.text("units") == "si"
    assert settings.whole("bandwidth") == 1 << 20
    assert settings.whole("trash.keep_days") == 3
    settings = load(paths, text, CLOUDTUI_RETRY_WAIT="0.01", CLOUDTUI_TRASH_KEEP_DAYS="4")
    assert settings.number("retry_wait") == 0.01
    assert settings.whole("trash.keep_days") == 4
    settings = load(paths, text, "retry_wait=5", CLOUDTUI_RETRY_WAIT="0.01")
    assert settings.number("retry_wait") == 5
    assert settings.is_set("retry_wait")
    assert not settings.is_set("mouse")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bandwith = 3", ["bandwith", "bandwidth"]),
        ('units = "metric"', ["units", "one of iec, si"]),
        ('mouse = "yes"', ["mouse", "yes or no"]),
        ("jobs_at_once = 0", ["jobs_at_once", "from 1 to 16"]),
        ("[trash]\nkeep_day = 3", ["trash.keep_day", "trash.keep_days"]),
    ],
)
def test_a_wrong_value_is_told_and_stops_nothing(paths: Paths, line: str, words: list[str]) -> None:
    settings = load(paths, line + "\n")
    assert len(settings.problems) == 1
    told = str(settings.problems[0])
    assert str(paths.settings_file) in told
    for word in words:
        assert word in told
    assert settings.text("units") == "iec"


def test_a_wrong_variable_is_told(paths: Paths) -> None:
    settings = load(paths, CLOUDTUI_TIMEOUT="soon")
    assert settings.number("timeout") == 30
    assert settings.problems[0].where == "CLOUDTUI_TIMEOUT"


@pytest.mark.parametrize("text", ["format = [", "\x00", "format = 'x'"])
def test_an_unreadable_file_is_told_and_never_overwritten(paths: Paths, text: str) -> None:
    settings = load(paths, text)
    assert len(settings.problems) == 1
    with pytest.raises(Refused):
        settings.set("units", "si")
    assert paths.settings_file.read_text() == text


def test_a_newer_format_is_left_alone(paths: Paths) -> None:
    text = 'format = 99\nunits = "si"\n'
    settings = load(paths, text)
    assert "newer" in str(settings.problems[0])
    assert settings.text("units") == "iec"
    with pytest.raises(Refused, match="99"):
        settings.set_account("pc", {"kind": "pcloud"})
    assert paths.settings_file.read_text() == text


def test_an_older_format_is_migrated_after_a_copy(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename_key(document: tomlkit.TOMLDocument) -> None:
        document["units"] = document.pop("sizes")

    monkeypatch.setitem(settings_module.MIGRATIONS, 0, rename_key)
    old = '# mine\nformat = 0\nsizes = "si"\n'
    settings = load(paths, old)
    assert settings.text("units") == "si"
    assert settings.problems == []
    assert paths.settings_file.read_text().startswith("# mine\nformat = 1\n")
    assert paths.settings_file.with_name("settings.toml.format0").read_text() == old


def test_writing_keeps_comments_and_unknown_keys(paths: Paths) -> None:
    settings = load(paths, '# hello\nformat = 1\nfuture = 7 # keep\nunits = "si"\n')
    settings.set("units", "iec")
    settings.set("trash.keep_days", "9")
    settings.set_account("work", {"kind": "pcloud", "region": "eu"})
    settings.set("work.region", "us")
    text = paths.settings_file.read_text()
    assert "# hello" in text
    assert "future = 7 # keep" in text
    assert "[accounts]" not in text
    assert settings.account_tables == {"work": {"kind": "pcloud", "region": "us"}}
    assert settings.whole("trash.keep_days") == 9
    assert stat.S_IMODE(paths.settings_file.stat().st_mode) == 0o600
    settings.unset("trash.keep_days")
    settings.unset("trash.keep_days")
    settings.unset("work.region")
    assert settings.whole("trash.keep_days") == 30
    assert settings.account_tables == {"work": {"kind": "pcloud"}}
    settings.remove_account("work")
    assert settings.account_tables == {}


def test_a_new_file_says_its_format(paths: Paths) -> None:
    load(paths).set("units", "si")
    assert paths.settings_file.read_text() == 'format = 1\nunits = "si"\n'


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("unit", "si", "units"),
        ("units", "metric", "one of"),
        ("pc.regoin", "eu", "region"),
        ("pc.token", "x", "secret"),
        ("pc.api_url", "http://h/path", "address"),
    ],
)
def test_wrong_changes_are_usage_errors(paths: Paths, name: str, value: str, word: str) -> None:
    settings = load(paths, '[accounts.pc]\nkind = "pcloud"\n')
    with pytest.raises(UsageError, match=word):
        settings.set(name, value)


@pytest.mark.parametrize("text", ["units", "=x", "unitz=si", "units=metric", "pc.password=x"])
def test_wrong_assignments_are_usage_errors(paths: Paths, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(paths, "", text)
    assert "=x" not in str(caught.value)


def test_two_processes_do_not_lose_each_others_change(paths: Paths) -> None:
    first, second = load(paths), load(paths)
    first.set("units", "si")
    second.set("mouse", "no")
    settings = load(paths)
    assert settings.text("units") == "si"
    assert not settings.flag("mouse")


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("5", 5), ("2K", 2048), ("1.5 MiB", 3 << 19), ("1g", 1 << 30)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse(Option("x", Type.SIZE, 0, "A."), text) == size


@pytest.mark.parametrize("text", ["", "-1", "2X", "K", "1..2"])
def test_wrong_sizes(paths: Paths, text: str) -> None:
    with pytest.raises(UsageError, match="a size such as"):
        load(paths, "", f"bandwidth={text}")
