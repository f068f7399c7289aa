"""What a runtime in memory remembers: known names, bookmarks, the division of the room, wishes,
extractions."""

from __future__ import annotations

from collections.abc import Sequence

from cloudtui.services.catalogue import Hit
from cloudtui.services.errors import CloudError
from cloudtui.services.models import (
    Entry,
    Found,
    Location,
)
from cloudtui.services.unpacking import Unpacking, Unpackings
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


class FakeDivision:
    """The division of the room in memory."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.writes = 0

    def read(self) -> int | None:
        return self.left

    def note(self, left: int) -> None:
        self.left = left
        self.writes += 1


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


class FakeUnpackings(Unpackings):
    """Extractions in memory; those in `abandoned` have no process that waits for them."""

    def __init__(self) -> None:
        self.known: list[Unpacking] = []
        self.abandoned: list[Unpacking] = []

    def all(self) -> list[Unpacking]:
        return [*self.abandoned, *self.known]

    def left(self) -> list[Unpacking]:
        return list(self.abandoned)

    def own(self, wanted: Unpacking) -> None:
        self.remove(wanted)
        self.known.append(wanted)

    def take(self, wanted: Unpacking) -> Unpacking | None:
        if wanted not in self.abandoned:
            return None
        self.abandoned.remove(wanted)
        self.known.append(wanted)
        return wanted

    def give_back(self, mine: Unpacking) -> None:
        self.remove(mine)
        self.abandoned.append(mine)

    def remove(self, over: Unpacking) -> None:
        self.known = [each for each in self.known if each.archive != over.archive]
