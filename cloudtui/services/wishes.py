"""Downloads by a service that are to come to this disk once they are done.

Owns a small file of them, for all processes of a home: a wish outlives the program. Must not look
at services or move anything; whoever carries a wish out holds `carrying` meanwhile, so that no two
processes bring the same thing.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import astuple

from cloudtui.services.book import Book
from cloudtui.services.locks import FileLock
from cloudtui.services.models import DISK, Location
from cloudtui.services.paths import Paths


class Wish(Struct, frozen=True):
    """Bring the result of the task `task` of `account` to the folder `parts` of this disk. `name`
    is what people call the task."""

    account: str
    task: str
    name: str
    parts: tuple[str, ...]

    @property
    def target(self) -> Location:
        """The folder."""
        return Location(DISK, self.parts)


class Wishes:
    """The wishes of one home. Blocks; the file is small."""

    def __init__(self, paths: Paths) -> None:
        self._book = Book(paths.state_dir / "wishes.json", _wish, astuple)
        self._carrying = paths.state_dir / "wishes.carrying.lock"

    def all(self) -> list[Wish]:
        """Oldest first. A file that cannot be read counts as none."""
        return self._book.all()

    def carrying(self) -> FileLock:
        """To be held by whoever turns wishes into jobs."""
        return FileLock(self._carrying)

    def add(self, wish: Wish) -> None:
        """Wish; an older one for the same task gives way. Raises OSError."""
        self._change({(wish.account, wish.task)}, [wish])

    def remove(self, account: str, *tasks: str) -> None:
        """Take wishes back. Raises OSError."""
        self._change({(account, task) for task in tasks}, [])

    def _change(self, gone: set[tuple[str, str]], new: list[Wish]) -> None:
        self._book.change(
            lambda rows: [*(w for w in rows if (w.account, w.task) not in gone), *new]
        )


def _wish(account: str, task: str, name: str, parts: list[str]) -> Wish:
    return Wish(str(account), str(task), str(name), tuple(map(str, parts)))
