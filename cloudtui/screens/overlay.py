"""What was removed by us and may still stand in lists for a while. No drawing, no I/O."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Final

from cloudtui.services.models import DISK, Entry

_LASTS: Final = 30.0
"""Seconds for which our own change wins over a list that does not know it yet."""


class Overlay:
    """Removed entries of the clouds: batches there take effect late, and a list made in between
    still names them. On disk an id is a name, and lists are true at once."""

    def __init__(self) -> None:
        self._gone: dict[tuple[str, str], float] = {}

    def note(self, account: str, ids: Iterable[str], *, gone: bool) -> None:
        """Entries were removed, or are back."""
        if account == DISK:
            return
        for entry_id in ids:
            if gone:
                self._gone[account, entry_id] = time.monotonic() + _LASTS
            else:
                self._gone.pop((account, entry_id), None)

    def without(self, account: str, page: Sequence[Entry]) -> Sequence[Entry]:
        """A page of a list without what is known to be gone."""
        if not self._gone:
            return page
        now = time.monotonic()
        self._gone = {key: end for key, end in self._gone.items() if end > now}
        return [entry for entry in page if (account, entry.id) not in self._gone]
