"""Foreign programs that the conformance tests drive, and what to do when one is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


def missing(name: str) -> None:
    """Skip the test, or fail it where CLOUDTUI_REQUIRE names the program."""
    if name in os.environ.get("CLOUDTUI_REQUIRE", "").split(","):
        pytest.fail(f"{name} is required here and is not installed")
    pytest.skip(f"{name} is not installed")


def need_module(name: str) -> None:
    """Skip or fail unless a Python package is there."""
    if importlib.util.find_spec(name) is None:
        missing(name)


def rclone_program() -> str:
    """Path of rclone, the environment's own before the system's."""
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        missing("rclone")
    assert found is not None
    return found


ON_THIS_DISK = {"RCLONE_LOCAL_NO_PREALLOCATE": "true"}
"""How rclone writes here: ext4 under load now and then has no room at hand for a reservation, which
rclone takes for a full disk, while it has for the bytes themselves."""


class Rclone:
    """rclone with its own config file, reaching the clouds through a CONNECT front."""

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        self._program = rclone_program()
        home.mkdir(parents=True, exist_ok=True)
        # Nothing of this process's environment: AWS and RCLONE variables change what is sent.
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(home),
            "RCLONE_CONFIG": str(home / "rclone.conf"),
            **ON_THIS_DISK,
            **settings,
        }

    def run(self, *args: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
        """One command, whatever its exit code; `given` is its input."""
        done = subprocess.run(
            [self._program, *args],
            env=self.environment,
            input=given,
            capture_output=True,
            timeout=300,
        )
        out, err = (os.fsdecode(stream) for stream in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def ok(self, *args: str, given: bytes = b"") -> str:
        """The output of a command that must succeed."""
        done = self.run(*args, given=given)
        assert done.returncode == 0, (args, done.stdout[-2000:], done.stderr[-4000:])
        return done.stdout

    def lines(self, *args: str) -> list[str]:
        """The output's lines, sorted."""
        return sorted(line for line in self.ok(*args).splitlines() if line)
