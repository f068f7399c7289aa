"""What all parts of one sandbox share: bytes, clock, faults, log, secrets, switches.

Owns no tree and no account; those belong to the clouds.
"""

from __future__ import annotations

import secrets
import string
import threading
import time
from pathlib import Path

from cloudtui.sandbox.blobs import Blobs
from cloudtui.sandbox.faults import Faults
from cloudtui.sandbox.requestlog import RequestLog


class World:
    """One per sandbox. `lock` guards all trees; never held while bytes move or a poll waits."""

    def __init__(self, data: Path, allow_fetch: set[str] | None = None) -> None:
        self.data = data
        self.blobs = Blobs(data / "blobs")
        self.faults = Faults()
        self.log = RequestLog()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)  # notified after every change of a tree
        self.stopping = threading.Event()
        self.allow_fetch: set[str] = set(allow_fetch or ())
        self.urls: dict[str, str] = {}
        self.switches: dict[str, object] = {}
        self._secrets: set[str] = set()
        self._offset = 0.0

    def clock(self) -> float:
        """Unix time, moved ahead by what tests asked for."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Let tokens, links and tasks grow older by `seconds` at once."""
        with self.changed:
            self._offset += seconds
            self.changed.notify_all()

    def switch(self, name: str, default: object = None) -> object:
        """The value of a scenario switch, as set through the admin listener."""
        return self.switches.get(name, default)

    def enabled(self, name: str, *, default: bool = False) -> bool:
        """A switch read as yes or no."""
        return bool(self.switches.get(name, default))

    def issue(self, secret: str) -> str:
        """Remember a secret the sandbox handed out (or was told), and return it."""
        with self.lock:
            self._secrets.add(secret)
        return secret

    def new_secret(self, prefix: str = "", size: int = 24) -> str:
        """A fresh random secret, remembered. It begins with a letter where `prefix` does or is
        empty: one with a hyphen in front would be an option to the programs it is handed to.
        """
        first = secrets.choice(string.ascii_letters)
        return self.issue(prefix + first + secrets.token_urlsafe(size)[1:])

    def secrets(self) -> list[str]:
        """Every secret ever issued."""
        with self.lock:
            return sorted(self._secrets)
