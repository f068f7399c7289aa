"""What a runtime in memory remembers: known names, bookmarks, wishes."""

from __future__ import annotations

from collections.abc import Sequence

from cloudtui.services.catalogue import Hit
from cloudtui.services.errors import CloudError
from cloudtui.services.models import (
    Entry,
    Found,
    Location,
)
from cloudtui.services.wishes import Wish


class FakeKnown:
    """Known listings in memory."""

    def __init__(self) -> None:
        self.folders: dict[Location, Sequence[Entry]] = {}
        self.fail: CloudError | None = None

    def note(self, folder: Location, entries: Sequence[Entry]) -> None:
        self.folders[folder] = list(entries)

    async def keep(self, folder: Location, entries: Sequence[Entry]) -> None:
        self.note(folder, entries)

    async def search(
        self,
        words: Sequence[str],
        *,
        account: str | None = None,
        below: Location | None = None,
        most: int = 500,
    ) -> list[Hit]:
        if self.fail is not None:
            raise self.fail
        return [
            Hit(Found.of(at, entry).at, entry, 1_746_220_440.0)
            for at, entries in self.folders.items()
            for entry in entries
            if all(word in entry.name for word in words)
            and account in (None, at.account)
            and (below is None or at.is_inside(below))
        ][:most]


class FakeBookmarks:
    """Bookmarks in memory."""

    def __init__(self) -> None:
        self.known: list[str] = []

    def all(self) -> list[str]:
        return list(self.known)

    def add(self, address: str) -> bool:
        if address in self.known:
            return False
        self.known.append(address)
        return True

    def remove(self, address: str) -> bool:
        self.known.remove(address)
        return True


class FakeWishes:
    """Wishes in memory, and their lock, which another process may hold."""

    def __init__(self) -> None:
        self.known: list[Wish] = []
        self.carried_elsewhere = False

    def all(self) -> list[Wish]:
        return list(self.known)

    def carrying(self) -> FakeWishes:
        return self

    def try_acquire(self) -> bool:
        return not self.carried_elsewhere

    def release(self) -> None:
        """Nothing is held."""

    def add(self, wish: Wish) -> None:
        self.known.append(wish)

    def remove(self, account: str, *tasks: str) -> None:
        self.known = [w for w in self.known if w.account != account or w.task not in tasks]
