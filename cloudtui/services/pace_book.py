"""What was learned of each account's limits, for the next run: one small file per account.

A limit is believed for a day. Files are replaced whole; the last process to end wins, since each
has seen the service itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Final

from cloudtui.services.pace import Pace
from cloudtui.services.paths import PRIVATE_FILE, ensure

BELIEVED: Final = 24 * 3600.0
"""Seconds."""


class PaceBook:
    """The paces of this process, by account. `folder` None keeps nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._paces: dict[str, Pace] = {}

    def of(self, account: str, *, rate: float, ceiling: float, concurrency: int) -> Pace:
        """The account's pace, beginning with what an earlier run learned."""
        if account not in self._paces:
            self._paces[account] = Pace(
                rate=rate, ceiling=ceiling, concurrency=concurrency, limit=self._read(account)
            )
        return self._paces[account]

    def save(self) -> None:
        """Write down what was learned in this run. Blocks; never raises."""
        for account, pace in self._paces.items():
            if self._folder is None or pace.limit is None or not pace.rejections:
                continue
            path = self._path(self._folder, account)
            temporary = path.with_suffix(f".{os.getpid()}")
            told = {"limit": round(pace.limit, 3), "at": int(time.time())}
            with contextlib.suppress(OSError):  # the next run learns it again
                ensure(self._folder)
                with open(temporary, "w", opener=_private) as file:
                    json.dump(told, file)
                temporary.replace(path)

    def _read(self, account: str) -> float | None:
        if self._folder is None:
            return None
        try:
            told = json.loads(self._path(self._folder, account).read_bytes())
            limit, at = float(told["limit"]), float(told["at"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return limit if limit > 0 and 0 <= time.time() - at <= BELIEVED else None

    @staticmethod
    def _path(folder: Path, account: str) -> Path:
        return folder / f"{account}.json"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)
