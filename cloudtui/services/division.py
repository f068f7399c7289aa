"""How the panes divided the room in the last run, in a small file of ours.

Owns that file and nothing else; what a share means on a screen is the screen's. Programs that run
at once have their own divisions, and the file holds what was changed last.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Final

from cloudtui.services.paths import Paths, replacing

_log = logging.getLogger(__name__)

_REST: Final = 1.0
"""Seconds without a change before one is written: a border that is dragged changes with every
cell."""


class Division:
    """The division of one home."""

    def __init__(self, paths: Paths) -> None:
        self._file = paths.state_dir / "panes.json"
        self._wanted: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writer: asyncio.Task[None] | None = None

    def read(self) -> int | None:
        """Hundredths of the room that were the left pane's; None when nobody changed them. A file
        that holds something else counts as none. Blocks; the file is small."""
        try:
            found = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            _log.warning("the division of the panes cannot be read")
            return None
        left = found.get("left") if isinstance(found, dict) else None
        return left if type(left) is int and 0 < left < 100 else None

    def note(self, left: int) -> None:
        """Keep this share for later runs, once it stays as it is; the latest counts."""
        self._wanted = left
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_REST, self._rested)

    async def close(self) -> None:
        """Write what is not yet."""
        if self._timer is not None:
            self._timer.cancel()
        self._rested()
        if self._writer is not None:
            await self._writer

    def _rested(self) -> None:
        if self._wanted is not None and (self._writer is None or self._writer.done()):
            self._writer = asyncio.get_running_loop().create_task(self._write(), name="division")

    async def _write(self) -> None:
        while self._wanted is not None:
            left, self._wanted = self._wanted, None
            await asyncio.to_thread(self._replace, left)

    def _replace(self, left: int) -> None:
        try:
            with replacing(self._file, lasting=False) as file:
                file.write(json.dumps({"left": left}).encode())
        except OSError:
            _log.warning("the division of the panes was not kept", exc_info=True)
