"""One sandbox per worker; a fresh home with fresh accounts per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud_stage import Stage
from tests.crash.scenarios import OPTIONS
from tests.sandbox_process import SandboxProcess, start_sandbox


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The servers."""
    with start_sandbox(tmp_path_factory.mktemp("box")) as running:
        yield running


@pytest.fixture
def stage(box: SandboxProcess, tmp_path: Path) -> Iterator[Stage]:
    """Secrets outlive a process, so what it had begun at a service is known to the next one; files
    of 300 KB go in parts."""
    made = Stage(box, tmp_path, vault=True, options=OPTIONS)
    yield made
    made.close()
