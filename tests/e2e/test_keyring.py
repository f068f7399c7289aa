"""Secrets in a real keyring: gnome-keyring on a D-Bus session of its own.

The daemon and the program run inside `dbus-run-session`, so that the keyring of whoever runs the
tests is neither seen nor touched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

_NEEDED = ("dbus-run-session", "gnome-keyring-daemon")

SESSION = """
set -e
printf 'test' | gnome-keyring-daemon --unlock --components=secrets >/dev/null
"$1" -c "$2" write
"$1" -c "$2" read
"$1" -c "$2" forget
"$1" -c "$2" read
"""
"""Each step is a process of its own, so that only the keyring can carry the secret over."""

PROGRAM = """
import asyncio, json, sys
from cloudtui.services import secrets
from cloudtui.services.models import Secret

secrets.KEYRING_LIMIT = 60.0  # on a busy machine a keyring is late, not broken

from cloudtui.services.runtime import open_runtime

ORIGIN = "https://api.example.com"

async def main(step):
    async with open_runtime() as runtime:
        keys = runtime.keys("pc")
        store = await runtime.secrets.store()
        told = {"step": step, "store": store and store.kind, "reason": runtime.secrets.reason}
        if step == "write":
            await keys.write("token", ORIGIN, Secret("a-very-odd-token"))
            await keys.write_sealed("access", ORIGIN, Secret("a-short-lived-one"))
        elif step == "forget":
            await keys.forget()
        else:
            token = await keys.read("token", ORIGIN)
            access = await keys.read_sealed("access", ORIGIN)
            told["token"] = token is not None and token.reveal() == "a-very-odd-token"
            told["access"] = access is not None and access.reveal() == "a-short-lived-one"
            told["elsewhere"] = await keys.read("token", "https://example.org") is not None
        print(json.dumps(told), flush=True)

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def needs_keyring() -> None:
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        # with CLOUDTUI_REQUIRE set the suite turns every skip of a heavy test into a failure
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.fixture
def run() -> Iterator[Path]:
    """Where the daemon's socket lies: its path must be short, and a test's folder may not be."""
    with tempfile.TemporaryDirectory(prefix="cloudtui-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.usefixtures("needs_keyring")
def test_a_secret_outlives_the_process_in_the_keyring_alone(tmp_path: Path, run: Path) -> None:
    home = tmp_path / "home"
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(run),
        "CLOUDTUI_HOME": str(home / "cloudtui"),
        "LANG": "C.UTF-8",
    }
    home.mkdir()
    ended = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", SESSION, "sh", sys.executable, PROGRAM],
        env=environ,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ended.returncode == 0, ended.stderr
    steps = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [step["step"] for step in steps] == ["write", "read", "forget", "read"]
    assert {step["store"] for step in steps} == {"keyring"}, steps
    before, after = steps[1], steps[3]
    assert (before["token"], before["access"], before["elsewhere"]) == (True, True, False)
    assert (after["token"], after["access"]) == (False, False)
    for file in (home / "cloudtui").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"a-very-odd-token" not in content, file
            assert b"a-short-lived-one" not in content, file
