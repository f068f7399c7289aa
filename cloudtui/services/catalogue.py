"""The index of known listings: what search looks through.

One SQLite file in the cache folder, filled with every listing that is read. Names are kept folded;
one text of all of them is scanned in slices, because trigram indexes miss two-character words of
Chinese and Japanese. Losing the file loses nothing but speed. All methods block.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudtui.services.models import Entry, Kind, Location
from cloudtui.services.naming import fold
from cloudtui.services.paths import ensure

_SLICE: Final = 20_000
_SCHEMA: Final = """
create table if not exists folders (
    id integer primary key, account text not null, path blob not null, node text,
    listed_at real not null, unique (account, path)
);
create table if not exists entries (
    folder integer not null references folders (id) on delete cascade,
    name blob not null, folded text not null, node blob not null,
    kind text not null, size integer, mtime_ns integer
);
create index if not exists entries_of on entries (folder);
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found: where it was when its folder was last listed, and when that was."""

    at: Location
    entry: Entry
    listed_at: float


class Catalogue:
    """Known listings of all accounts. Any thread may use it, one at a time."""

    def __init__(self, file: Path) -> None:
        ensure(file.parent)
        self._db = sqlite3.connect(file, timeout=5.0, isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma foreign_keys=on")
        self._db.execute("pragma synchronous=off")
        self._db.executescript(_SCHEMA)
        with contextlib.suppress(OSError):
            file.chmod(0o600)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def keep(self, folder: Location, entries: Sequence[Entry]) -> None:
        """Remember a complete listing in place of the one known before."""
        path = _packed(folder)
        with self._transaction():
            self._db.execute(
                "delete from folders where account = ? and path = ?", (folder.account, path)
            )
            row = self._db.execute(
                "insert into folders (account, path, node, listed_at) values (?, ?, ?, ?)",
                (folder.account, path, folder.node, time.time()),
            )
            self._db.executemany(
                "insert into entries values (?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        row.lastrowid,
                        _bytes(entry.name),
                        fold(entry.name).encode("utf-8", "replace").decode(),
                        _bytes(entry.id),
                        str(entry.kind),
                        entry.size,
                        entry.mtime_ns,
                    )
                    for entry in entries
                ),
            )

    def knows(self, folder: Location) -> bool:
        """Whether this very folder was ever listed."""
        query = "select 1 from folders where account = ? and path = ?"
        return self._db.execute(query, (folder.account, _packed(folder))).fetchone() is not None

    def forget(self, account: str) -> None:
        """Drop all that is known of an account."""
        self._db.execute("delete from folders where account = ?", (account,))

    def search(
        self, words: Sequence[str], *, account: str | None = None, below: Location | None = None
    ) -> Iterator[Hit]:
        """Entries whose names hold every word, blind to case, accents and width. `account` and
        `below` narrow it. In the order the folders were listed."""
        wanted = [fold(word) for word in words if word]
        if not wanted:
            return
        query = (
            "select e.name, e.node, e.kind, e.size, e.mtime_ns, f.account, f.path, f.listed_at "
            "from entries e join folders f on f.id = e.folder where "
            + " and ".join("instr(e.folded, ?)" for _ in wanted)
        )
        values: list[object] = list(wanted)
        narrowed = below.account if below is not None else account
        if narrowed is not None:
            query += " and f.account = ?"
            values.append(narrowed)
        cursor = self._db.execute(query + " order by f.listed_at, f.id", values)
        while rows := cursor.fetchmany(_SLICE):
            for name, node, kind, size, mtime_ns, owner, path, listed_at in rows:
                folder = Location(owner, _unpacked(path))
                if below is not None and not folder.is_inside(below):
                    continue
                entry = Entry(_text(name), _text(node), Kind(kind), size, mtime_ns)
                at = folder.child(entry.name, entry.id if owner else None)
                yield Hit(at, entry, float(listed_at))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")


def _bytes(text: str) -> bytes:
    """Any name as bytes, undecodable ones included."""
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _packed(folder: Location) -> bytes:
    return b"\0".join(_bytes(part) for part in folder.parts)


def _unpacked(path: bytes) -> tuple[str, ...]:
    return tuple(_text(part) for part in path.split(b"\0") if part)
