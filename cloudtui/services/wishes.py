"""Downloads by a service that are to come to this disk once they are done.

Owns a small file of them, for all processes of a home: a wish outlives the program. Must not look
at services or move anything; whoever carries a wish out holds `carrying` meanwhile, so that no two
processes bring the same thing.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Final

from cloudtui.services.locks import FileLock
from cloudtui.services.models import DISK, Location
from cloudtui.services.paths import Paths, replacing

_log = logging.getLogger(__name__)
_MOST: Final = 2000


@dataclass(frozen=True, slots=True)
class Wish:
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
        self._file = paths.state_dir / "wishes.json"
        self._lock = paths.state_dir / "wishes.lock"
        self._carrying = paths.state_dir / "wishes.carrying.lock"

    def all(self) -> list[Wish]:
        """Oldest first. A file that cannot be read counts as none."""
        try:
            rows = json.loads(self._file.read_bytes())
            return [_wish(*row) for row in rows]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError):
            _log.warning("the wishes cannot be read")
            return []

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
        with FileLock(self._lock):
            kept = [wish for wish in self.all() if (wish.account, wish.task) not in gone]
            with replacing(self._file) as file:
                # names of this disk that are no text have escapes in JSON, and only there
                rows = [[each.account, each.task, each.name, each.parts] for each in kept + new]
                file.write(json.dumps(rows[-_MOST:]).encode())


def _wish(account: str, task: str, name: str, parts: list[str]) -> Wish:
    return Wish(str(account), str(task), str(name), tuple(map(str, parts)))
