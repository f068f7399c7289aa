"""What every test stands on: a clean environment, loopback only, no silent skips where they are
forbidden."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "the same each time",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("the same each time")  # `--hypothesis-profile default` looks further

_REQUIRED = [name for name in os.environ.get("CLOUDTUI_REQUIRE", "").split(",") if name]
_HEAVY = ("conformance", "crash", "e2e", "program")
_HEAVY_SECONDS = 600

_PROGRAM_FOLDERS = ("faults", "routes", "security")
_QUICK_COMMANDS = ("test_plain.py", "test_files.py", "test_demo.py")
"""Of the commands' tests these stay in the quick run: it has four minutes, and each start of the
program costs most of a second."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts the program again and again, unless it has a heavier mark already. All that
    is heavy gets time enough for a machine that is slow and busy."""
    for item in items:
        folder, name = item.path.parent.name, item.path.name
        if not any(item.get_closest_marker(mark) for mark in _HEAVY):
            if folder in _PROGRAM_FOLDERS or (folder == "cli" and name not in _QUICK_COMMANDS):
                item.add_marker(pytest.mark.program)
            else:
                continue
        item.add_marker(pytest.mark.timeout(_HEAVY_SECONDS))


@pytest.fixture(autouse=True)
def clean_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No settings, secrets, proxies or desktop of this machine reach a test."""
    for name in list(os.environ):
        if name.startswith(("CLOUDTUI_", "XDG_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CLOUDTUI_HOME", str(home / "cloudtui"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "share"))
    monkeypatch.setenv("CLOUDTUI_RETRY_WAIT", "0.01")


@pytest.fixture(autouse=True, scope="session")
def one_time_zone() -> Iterator[None]:
    """Dates look alike wherever the tests run."""
    patch = pytest.MonkeyPatch()
    patch.setenv("TZ", "UTC")
    time.tzset()
    yield
    patch.undo()
    time.tzset()


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """A connection to any other machine is a failure, not a slow test."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6) and not (
            str(host).startswith("127.") or host in ("::1", "localhost")
        ):
            msg = f"a test tried to reach {host}"
            raise AssertionError(msg)
        real(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", connect)
    yield
    patch.undo()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CLOUDTUI_REQUIRE names what must be there, a skip of a heavy test is a failure."""
    report = yield
    if _REQUIRED and report.skipped and any(item.get_closest_marker(mark) for mark in _HEAVY):
        report.outcome = "failed"
        report.longrepr = f"skipped although required: {report.longrepr}"
    return report


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
