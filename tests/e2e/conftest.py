"""Servers and homes for the runs in a real terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloudtui_process import Home, home_with_accounts
from tests.sandbox_process import SandboxProcess, start_sandbox


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Both clouds, seeded."""
    with start_sandbox(tmp_path_factory.mktemp("box"), "--seed", "library") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, box: SandboxProcess) -> Iterator[Home]:
    """A home with the accounts `pk` and `pc`."""
    made = home_with_accounts(tmp_path / "home", box)
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a passphrase for tests\n")
    passphrase.chmod(0o600)
    made.environ["CLOUDTUI_SECRETS"] = "vault"
    made.environ["CLOUDTUI_VAULT_PASSPHRASE_FILE"] = str(passphrase)
    yield made
    box.admin.clear_faults()
