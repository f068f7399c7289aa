"""Many typed addresses to their entries."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cloudtui.commands.listing import wanted_kind
from cloudtui.services.errors import CloudError, NotFound
from cloudtui.services.models import DISK, Entry, Found, Kind, Location

if TYPE_CHECKING:
    from cloudtui.services.addresses import Address
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage

_SEVERAL = 3
"""From so many addresses in one folder on, the folder is listed once for all of them: clouds look
up a path by listing, too, so a thousand names would list it a thousand times."""


class Finder:
    """Finds the entries of one command's words."""

    def __init__(self, runtime: Runtime, words: Sequence[str]) -> None:
        self._runtime = runtime
        self._in: Counter[Location] = Counter()
        self._rows: dict[Location, Mapping[str, list[Entry]]] = {}
        for word in words:
            with contextlib.suppress(CloudError):  # told when the word's turn comes
                at = runtime.parse(word).at
                if at.account != DISK and at.parts and at.node is None:
                    self._in[at.parent] += 1

    async def find(self, word: str) -> tuple[Storage, Found, Address]:
        """The storage and entry a word means. Raises NotFound, Ambiguous, UsageError."""
        address = self._runtime.parse(word)
        storage = await self._runtime.storage(address.at.account)
        want = wanted_kind(address)
        found = await self._listed(storage, address.at, want)
        return storage, found or await storage.stat(address.at, want=want), address

    async def _listed(self, storage: Storage, at: Location, want: Kind | None) -> Found | None:
        """The entry when it is the only one that fits in its folder's listing."""
        if at.node is not None or not at.parts or self._in[at.parent] < _SEVERAL:
            return None
        folder = at.parent
        if folder not in self._rows:
            rows: dict[str, list[Entry]] = {}
            with contextlib.suppress(NotFound):  # told word by word
                async for page in storage.scan(folder):
                    for entry in page:
                        rows.setdefault(entry.name, []).append(entry)
            self._rows[folder] = rows
        fits = [
            entry
            for entry in self._rows[folder].get(at.name, ())
            if want is None or entry.is_folder is (want is Kind.FOLDER)
        ]
        return Found.of(folder, fits[0]) if len(fits) == 1 else None
