"""Calls of the C library."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from cloudtui.services import linux


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own")
def test_a_file_system_of_this_machine_is_synced() -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir():
        pytest.skip("no disk in memory here")
    with tempfile.TemporaryFile(dir=memory) as file:
        assert linux.filesystem(file.fileno()) == linux.TMPFS
        assert linux.sync_filesystem(file.fileno())
    assert not linux.sync_filesystem(-1)


def test_what_only_passes_bytes_on_is_not_relied_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "filesystem", lambda _fd: 0x6969)  # NFS
    assert not linux.sync_filesystem(0)


@pytest.mark.parametrize(
    ("release", "tells"),
    [("5.8.0-generic", True), ("6.18.44", True), ("5.7.19", False), ("odd", False)],
)
def test_only_a_sync_that_tells_of_failures_is_relied_on(
    monkeypatch: pytest.MonkeyPatch, release: str, tells: bool
) -> None:
    linux.tells_failures.cache_clear()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "", release, "", "")))
    assert linux.tells_failures() is tells
    linux.tells_failures.cache_clear()
