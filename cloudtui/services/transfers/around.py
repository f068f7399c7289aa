"""What the journal says of all jobs, looked at no more often than a screen can use.

Owns the newest look and how old it may be. Writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from cloudtui.services.transfers import ledger
from cloudtui.services.transfers.journal import Journal
from cloudtui.services.transfers.rows import JobRow

_FRESH: Final = 0.25
"""Seconds a look at other processes' jobs stays good."""


class Around:
    """The jobs of all processes, as written down."""

    def __init__(self) -> None:
        self.rows: list[JobRow] = []
        self.living: set[str | None] = set()
        """Runners that are alive, of those that have jobs."""
        self._jobs = ledger.Jobs()
        self._at = -1.0

    def forget(self) -> None:
        """Something was written: the next look is a new one."""
        self._at = -1.0

    def look(self, journal: Journal, lives: Callable[[str | None], bool]) -> None:
        """Take a new look when the last one is too old."""
        now = time.monotonic()
        if now - self._at <= _FRESH:
            return
        rows = journal.look(self._jobs)
        self.living = {row.runner for row in rows if lives(row.runner)}
        if any(not row.state.is_final and row.runner not in self.living for row in rows):
            # its runner may have ended between the two looks: what it wrote last counts
            rows = journal.look(self._jobs)
        self.rows, self._at = rows, now
