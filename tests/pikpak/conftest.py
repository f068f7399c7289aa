"""One sandbox for the folder's tests; every test has an account of its own in it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cloudtui.sandbox.pikpak.switches import DEFAULTS
from cloudtui.services.pikpak import channel
from tests.pikpak.stage import Stage, staged
from tests.sandbox_process import SandboxProcess, start_sandbox

_count = itertools.count(1)


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with start_sandbox(tmp_path_factory.mktemp("pikpak")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    """The shared sandbox without faults; switches set by a test are put back."""
    shared_sandbox.admin.clear_faults()
    yield shared_sandbox
    shared_sandbox.admin.clear_faults()
    for name in shared_sandbox.admin.call("GET", "/switches"):
        cloud, _, switch = name.partition(".")
        if cloud == "pikpak":
            shared_sandbox.admin.switch(name, DEFAULTS[switch])


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real service's pace would make minutes of these tests; the sandbox has none."""
    monkeypatch.setattr(channel, "RATE", 1000.0)
    monkeypatch.setattr(channel, "CEILING", 1000.0)


@pytest.fixture
def username() -> str:
    return f"user{next(_count)}@example.com"


@pytest.fixture
async def stage(sandbox: SandboxProcess, tmp_path: Path, username: str) -> AsyncIterator[Stage]:
    async with staged(sandbox, tmp_path / "home", username) as stage:
        yield stage
