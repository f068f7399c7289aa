"""Where the program keeps its files.

Owns the names of every folder and file of ours and how they are created (folders 0700, files
0600, replaced in one step). It must not know what is written into them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from msgspec import Struct

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


class Paths(Struct, frozen=True):
    """Every place of ours. Nothing exists before `ensure` or a writer makes it."""

    settings_file: Path
    state_dir: Path
    cache_dir: Path
    log_dir: Path

    @classmethod
    def find(
        cls, environ: Mapping[str, str] | None = None, *, settings_file: Path | None = None
    ) -> Paths:
        """The places for this user: below `CLOUDTUI_HOME` when set, else the platform's own.

        `settings_file` (the command line's `--config`) replaces the settings file alone.
        """
        environ = os.environ if environ is None else environ
        home = environ.get("CLOUDTUI_HOME", "")
        if home:
            root = Path(home).expanduser().absolute()
            found = cls(root / "settings.toml", root / "state", root / "cache", root / "log")
        else:
            import platformdirs  # 20 ms, not needed under CLOUDTUI_HOME

            place = platformdirs.PlatformDirs("cloudtui", appauthor=False)
            found = cls(
                place.user_config_path / "settings.toml",
                place.user_state_path,
                place.user_cache_path,
                place.user_log_path,
            )
        if settings_file is None:
            return found
        return cls(settings_file.absolute(), found.state_dir, found.cache_dir, found.log_dir)

    @property
    def journal_file(self) -> Path:
        """The transfer journal (SQLite)."""
        return self.state_dir / "journal.sqlite"

    @property
    def runners_dir(self) -> Path:
        """One lock file for each process that moves bytes."""
        return self.state_dir / "runners"

    @property
    def accounts_dir(self) -> Path:
        """Per account: its lock and its sealed short-lived tokens."""
        return self.state_dir / "accounts"

    @property
    def spool_dir(self) -> Path:
        """Files on their way from one cloud to another that must lie on this disk meanwhile."""
        return self.state_dir / "spool"

    @property
    def vault_file(self) -> Path:
        """Secrets under a passphrase, where there is no keyring."""
        return self.state_dir / "vault.json"

    @property
    def log_file(self) -> Path:
        """The log of all processes."""
        return self.log_dir / "cloudtui.log"

    def named(self) -> dict[str, Path]:
        """Every place under the name that `cloudtui paths` shows."""
        return {
            "settings": self.settings_file,
            "state": self.state_dir,
            "cache": self.cache_dir,
            "logs": self.log_dir,
            "journal": self.journal_file,
            "runners": self.runners_dir,
            "accounts": self.accounts_dir,
            "spool": self.spool_dir,
            "vault": self.vault_file,
            "log": self.log_file,
        }


def ensure(folder: Path) -> Path:
    """Make a folder of ours with whatever is missing above it, all readable by the owner alone."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    except FileNotFoundError:
        # not `parents=True`: that makes what lies between with the mode of ordinary folders
        ensure(folder.parent)
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return folder


@contextmanager
def replacing(target: Path, *, lasting: bool = True) -> Iterator[IO[bytes]]:
    """Write a file of ours in one step: the old content stays until the new one is on the disk.
    What need not outlive a loss of power (not `lasting`) does not wait for the disk.

    The file gets mode 0600. A symbolic link is followed, so that a settings file kept elsewhere
    stays there. Nothing changes when the block raises.
    """
    target = target.resolve()
    ensure(target.parent)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell
            draft.unlink()
        raise
