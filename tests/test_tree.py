"""Rules that hold over the whole tree, checked on its text and syntax."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from cloudtui.services import failpoints

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cloudtui"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if "benchmarks" not in path.parts]
"""Without the benchmarks: their relay delays on purpose."""


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


def called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name, value=ast.Name(id=owner)):
            return f"{owner}.{name}"
        case ast.Attribute(attr=name):
            return name
        case _:
            return ""


def test_every_failpoint_is_named_and_every_name_is_used() -> None:
    used: set[str] = set()
    for path in SOURCES:
        for call in calls(path):
            if called(call) == "failpoint":
                (name,) = call.args
                assert isinstance(name, ast.Constant), f"{path}: a failpoint needs a literal name"
                used.add(str(name.value))
    assert used == failpoints.NAMES


def test_services_know_no_screen_and_no_servers_of_ours() -> None:
    for path in (PACKAGE / "services").rglob("*.py"):
        text = path.read_text()
        assert "sandbox" not in text.lower(), path
        assert not re.search(r"^\s*(from|import) (textual|rich)\b", text, re.MULTILINE), path


def test_values_that_commands_load_are_structs() -> None:
    """A data class of the standard library takes 0.7 ms to make, and a command loads a hundred."""
    for path in SOURCES:
        if {"sandbox", "screens", "widgets"} & set(path.parts):
            continue  # these start once, and beside much larger things
        assert not re.search(r"^\s*from dataclasses import", path.read_text(), re.MULTILINE), path


def test_only_the_output_module_prints() -> None:
    for path in SOURCES:
        if path.name != "cli_output.py" and "sandbox" not in path.parts:
            assert "print" not in {called(call) for call in calls(path)}, path


def test_tests_wait_for_conditions_not_for_time() -> None:
    for path in TESTS:
        for call in calls(path):
            if called(call) in ("time.sleep", "asyncio.sleep", "anyio.sleep"):
                for delay in call.args:
                    fixed = isinstance(delay, ast.Constant) and delay.value != 0
                    assert not fixed, f"{path}:{call.lineno} sleeps"


@pytest.mark.parametrize("banned", ["utils", "helpers", "misc", "manager"])
def test_modules_are_named_after_what_they_hold(banned: str) -> None:
    assert not [path for path in (*SOURCES, *TESTS) if path.stem == banned]


def test_files_stay_readable() -> None:
    long = {str(path): n for path in SOURCES if (n := len(path.read_text().splitlines())) > 500}
    assert not long


def test_every_style_names_something_that_exists() -> None:
    code = "\n".join(path.read_text() for path in SOURCES)
    for path in (PACKAGE / "styles").glob("*.tcss"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        selectors = " ".join(re.findall(r"([^{};]+)\{", text))
        for name in set(re.findall(r"[#.](-?[a-zA-Z][\w-]*)", selectors)):
            assert re.search(rf"[\"'# .]{re.escape(name)}[\"' ]", code), f"{path.name}: {name}"
        for name in set(re.findall(r"(?<![#.\w:&-])([A-Z]\w+)", selectors)):
            assert re.search(rf"\b{name}\b", code), f"{path.name}: {name}"
