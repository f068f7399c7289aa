"""Whatever the umask: what is ours is readable by nobody else, what arrives is no program."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess


def run(home: Home, umask: str, *words: str, given: str = "") -> None:
    """A command under a umask."""
    command = ["sh", "-c", f'umask {umask}; exec "$@"', "sh", *home.command(*words)]
    ended = subprocess.run(
        command, input=given, capture_output=True, text=True, env=home.environment(), timeout=200
    )
    assert ended.returncode == 0, ended.stderr


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("umask", ["000", "022", "077"])
def test_the_mask_opens_nothing_of_ours(
    home: Home, box: SandboxProcess, tmp_path: Path, umask: str
) -> None:
    settings = (home.folder / "cloudtui" / "settings.toml").read_text()
    place = tmp_path / "new" / "cloudtui"
    home.environ["CLOUDTUI_HOME"] = str(place)
    home.environ["CLOUDTUI_SECRETS"] = "vault"
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a passphrase for tests\n")
    home.environ["CLOUDTUI_VAULT_PASSPHRASE_FILE"] = str(passphrase)
    for line in settings.splitlines():
        key, found, value = line.partition(" = ")
        if found and key.endswith("_url"):
            account = "PK" if key in ("drive_url", "user_url") else "PC"
            home.environ[f"CLOUDTUI_ACCOUNT__{account}__{key.upper()}"] = value.strip('"')
    user, password = (box.endpoints["pikpak"][key] for key in ("username", "password"))
    words = ("login", "pk", "--kind", "pikpak", "--username", user, "--password-stdin")
    run(home, umask, *words, given=password + "\n")
    program = tmp_path / "program"
    program.write_bytes(b"#!/bin/sh\n")
    program.chmod(0o755)
    name = f"{tmp_path.name}-program"
    run(home, umask, "cp", str(program), f"pk:/{name}")
    run(home, umask, "cp", f"pk:/{name}", str(tmp_path / "arrived"))
    kept = [place, *place.rglob("*")]
    assert {"settings.toml", "vault.json", "journal.sqlite", "cloudtui.log"} <= {
        path.name for path in kept
    }
    assert {path: oct(mode(path)) for path in kept if mode(path) & 0o077} == {}
    assert mode(tmp_path / "arrived") == 0o666 & ~int(umask, 8)
