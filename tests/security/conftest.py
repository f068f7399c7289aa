"""The sandbox, and a home with an account on each of its clouds."""

from __future__ import annotations

from collections.abc import Iterator
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
def home(tmp_path: Path, box: SandboxProcess) -> Home:
    """A home with the accounts `pk` and `pc`."""
    return home_with_accounts(tmp_path / "home", box)
