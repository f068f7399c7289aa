"""Foreign clients as pCloud's tests run them, and files with awkward names to give them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.foreign import ON_THIS_DISK, rclone_program

# Names that need care in queries, headers, shells and encodings.
AWKWARD = (
    "with space.txt",
    " leading.txt",
    "漢字の名前.txt",
    "emoji 😀 👩\u200d👧.png",
    'quote\'s "double".txt',
    "percent%41 #amp&plus+eq=.txt",
    "semi;colon,comma.txt",
    "nfd e\u0301.txt",
    "back\\slash.txt",
    "[bold] markup [x].txt",
)


@dataclass(slots=True)
class Rclone:
    """rclone with one remote configured by its environment alone.

    `options` are the remote's settings; `ca` is the authority it trusts; `proxy` the CONNECT front,
    if any.
    """

    remote: str
    options: dict[str, str]
    ca: Path
    proxy: str = ""
    flags: tuple[str, ...] = ()
    binary: str = field(default_factory=rclone_program)

    def environment(self) -> dict[str, str]:
        """Nothing of the caller's rclone or proxy settings, only ours."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        prefix = f"RCLONE_CONFIG_{self.remote.upper()}_"
        kept |= {prefix + name.upper(): value for name, value in self.options.items()}
        kept |= {"RCLONE_CONFIG": os.devnull, **ON_THIS_DISK}
        if self.proxy:
            kept |= {"HTTPS_PROXY": self.proxy, "https_proxy": self.proxy}
        return kept

    def command(self, *arguments: str) -> list[str]:
        return [
            self.binary,
            "--ca-cert",
            str(self.ca),
            "--low-level-retries",
            "3",
            "--retries",
            "1",
            *self.flags,
            *arguments,
        ]

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run to the end; its output, after checking the exit code."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=250,
        )
        said = f"rclone {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.returncode == code, said
        return done.stdout


def make_tree(folder: Path) -> dict[str, bytes]:
    """Files of 0 B, 1 B, 5 MiB, 60 MiB and the awkward names, on disk; returns their contents."""
    contents = {
        "empty.bin": b"",
        "one.bin": b"1",
        "five.bin": os.urandom(5 << 20),
        "sixty.bin": os.urandom(60 << 20),
        **{f"names/{name}": name.encode() for name in AWKWARD},
    }
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return contents


def read_tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
