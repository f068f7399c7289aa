"""Both clouds for the commands' tests: one sandbox per worker, a folder per test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cloudtui_process import Home, home_with_accounts
from tests.sandbox_process import SandboxProcess, start_sandbox


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The servers."""
    with start_sandbox(tmp_path_factory.mktemp("box")) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, box: SandboxProcess) -> Iterator[Home]:
    """A home with the accounts `pk` and `pc`."""
    yield home_with_accounts(tmp_path / "home", box)
    box.admin.clear_faults()


@dataclass(frozen=True)
class Place:
    """A cloud as the commands see it; `top` is an empty folder of this test's own."""

    name: str
    cloud: str
    top: str


@pytest.fixture(params=["pk", "pc"])
def place(request: pytest.FixtureRequest, home: Home, tmp_path: Path) -> Place:
    """Each cloud in turn."""
    name: str = request.param
    top = f"{name}:/{tmp_path.name}-{name}"
    home.run("mkdir", "-p", top).ok()
    return Place(name, {"pk": "pikpak", "pc": "pcloud"}[name], top)
