"""rclone on PikPak for the modules that drive it: one sign-in for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.rclone_on_pikpak import Setup, signed_in


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    """A sandbox, a front and a signed-in rclone of the module's own."""
    with signed_in(tmp_path_factory.mktemp("rclone-pikpak")) as made:
        yield made


@pytest.fixture
def usual_switches(setup: Setup) -> Iterator[None]:
    """Each test begins without faults and with the default switches."""
    yield
    setup.usual()
