"""Which services fetch from which: learned by trying once, remembered for a week.

Owns one small file in the state folder. The first fetch between two accounts is a trial that
others wait for, so that a refusal costs one call and not one for every file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from cloudtui.services.paths import PRIVATE_FILE, ensure

_GOOD_FOR: Final = 7 * 24 * 3600
"""Seconds after which a refusal is no longer taken for granted."""

Pair = tuple[str, str]
"""Accounts: where the file lies, and who fetches it."""


class Routes:
    """What is known of fetching between accounts."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._refused: dict[Pair, float] | None = None
        self._proven: set[Pair] = set()
        self._trials: dict[Pair, asyncio.Lock] = {}

    def refused(self, pair: Pair) -> bool:
        """Whether this is known not to work."""
        return self._known().get(pair, 0.0) > time.time()

    def prove(self, pair: Pair) -> None:
        """Bytes arrived: it works."""
        self._proven.add(pair)

    def is_proven(self, pair: Pair) -> bool:
        """Whether bytes arrived this way."""
        return pair in self._proven

    def refuse(self, pair: Pair) -> None:
        """It does not work: nobody tries again in this process."""
        self._known()[pair] = time.time() + _GOOD_FOR

    def forgive(self, pair: Pair) -> None:
        """It was the file's fault after all."""
        self._known().pop(pair, None)

    @asynccontextmanager
    async def trial(self, pair: Pair) -> AsyncIterator[None]:
        """Alone with an untried pair."""
        async with self._trials.setdefault(pair, asyncio.Lock()):
            yield

    def _known(self) -> dict[Pair, float]:
        if self._refused is None:
            self._refused = _read(self._file)
        return self._refused

    def remember(self) -> None:
        """Write refusals down for other processes. Blocking; what others wrote meanwhile stays."""
        known = {**_read(self._file), **self._known()}
        now = time.time()
        rows = [[source, target, until] for (source, target), until in known.items() if until > now]
        ensure(self._file.parent)
        part = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):  # not knowing costs one refused call next time
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
            with os.fdopen(fd, "w", encoding="utf-8") as out:
                json.dump(rows, out)
            part.replace(self._file)


def _read(file: Path) -> dict[Pair, float]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        return {(str(source), str(target)): float(until) for source, target, until in rows}
    except (OSError, ValueError, TypeError):
        return {}  # never written, or by something else: everything is tried again
