"""The program as people start it: a child process with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sandbox_process import SandboxProcess


@dataclass(frozen=True)
class Ended:
    """What a run left: its exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def values(self) -> list[dict[str, Any]]:
        """The JSON values on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def value(self) -> dict[str, Any]:
        """The only JSON value on stdout."""
        (value,) = self.values
        return value

    def ok(self) -> Ended:
        """Itself, after checking that the run succeeded."""
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        return self


class Talk:
    """A run that is spoken with, line by line. Use as a context manager."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(environ),
        )

    def line(self) -> str:
        """The next line of stdout, empty at its end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def say(self, text: str) -> None:
        """A line on its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def ended(self) -> Ended:
        """Wait for the end."""
        out, err = self.process.communicate(timeout=200)
        return Ended(self.process.returncode, out, err)

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


@dataclass
class Home:
    """A home folder and the environment runs get."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """A clean environment: nothing of this machine's settings, proxies or secrets."""
        kept = {
            key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR", "TZ") if key in os.environ
        }
        return {
            **kept,
            "HOME": str(self.folder),
            "XDG_DATA_HOME": str(self.folder / "share"),
            "CLOUDTUI_HOME": str(self.folder / "cloudtui"),
            "CLOUDTUI_RETRY_WAIT": "0.01",
            "CLOUDTUI_SECRETS": "memory",
            "PYTHONWARNINGS": "error",
            **self.environ,
            **(extra or {}),
        }

    def command(self, *words: str) -> list[str]:
        """The command line for these words."""
        return [sys.executable, "-m", "cloudtui", *words]

    def run(
        self,
        *words: str | Path,
        given: str | bytes | None = None,
        extra: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 200,
    ) -> Ended:
        """Run to the end. Output is decoded with surrogates for bytes that are no text."""
        data = given.encode() if isinstance(given, str) else given
        ended = subprocess.run(
            self.command(*(str(word) for word in words)),
            input=data if data is not None else b"",
            capture_output=True,
            env=self.environment(extra),
            cwd=cwd,
            timeout=timeout,
        )
        return Ended(
            ended.returncode,
            ended.stdout.decode(errors="surrogateescape"),
            ended.stderr.decode(errors="surrogateescape"),
        )

    def talk(self, *words: str | Path, extra: Mapping[str, str] | None = None) -> Talk:
        """Start a run to speak with."""
        return Talk(self.command(*(str(word) for word in words)), self.environment(extra))

    def start(
        self, *words: str | Path, extra: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start in the background; the caller waits and closes."""
        return subprocess.Popen(
            self.command(*(str(word) for word in words)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(extra),
        )


def home_with_accounts(folder: Path, box: SandboxProcess) -> Home:
    """A home in which `pk` is a PikPak account and `pc` a pCloud one, signed in by environment."""
    home = Home(folder)
    settings = folder / "cloudtui" / "settings.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    pikpak, pcloud = box.endpoints["pikpak"], box.endpoints["pcloud"]
    settings.write_text(
        f"""format = 1
[accounts.pk]
kind = "pikpak"
username = "{pikpak["username"]}"
drive_url = "{pikpak["drive_url"]}"
user_url = "{pikpak["user_url"]}"
[accounts.pc]
kind = "pcloud"
region = "us"
us_url = "{pcloud["us_url"]}"
eu_url = "{pcloud["eu_url"]}"
"""
    )
    home.environ["CLOUDTUI_ACCOUNT__PK__PASSWORD"] = pikpak["password"]
    home.environ["CLOUDTUI_ACCOUNT__PC__TOKEN"] = pcloud["us_token"]
    return home


def tree(folder: Path) -> dict[str, bytes | None]:
    """Relative path → content of everything below; folders are None."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def make_tree(folder: Path, files: Mapping[str, bytes], folders: Sequence[str] = ()) -> Path:
    """Write files (relative path → content) and empty folders."""
    for name in folders:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
