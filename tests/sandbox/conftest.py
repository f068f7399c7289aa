"""Fixtures of the sandbox's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtui.sandbox.server import Sandbox
from tests.sandbox.rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """An empty sandbox in this process."""
    with Sandbox(data=tmp_path / "sandbox") as sandbox:
        yield Rig(sandbox)
