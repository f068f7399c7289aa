"""The index of known listings: what search looks through.

One SQLite file in the cache folder, filled with every listing that is read. Names are kept folded;
one text of all of them is scanned in slices, because trigram indexes miss two-character words of
Chinese and Japanese. Losing the file loses nothing but speed. All methods block.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from cloudtui.services.models import Entry, Found, Kind, Location
from cloudtui.services.naming import fold
from cloudtui.services.paths import ensure
from cloudtui.services.watching import Change

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
create index if not exists entries_with on entries (node);
"""


class Hit(Struct, frozen=True):
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
            self._add(row.lastrowid, entries)

    def _add(self, folder: int | None, entries: Iterable[Entry]) -> None:
        self._db.executemany(
            "insert into entries values (?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    folder,
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

    def change(self, changes: Iterable[Change]) -> None:
        """Know what was moved, renamed or deleted, folders with all below them."""
        with self._transaction():
            for each in changes:
                self._drop_entry(each.was)
                if each.now is None:
                    self._drop_below(each.was)
                else:
                    self._move_below(each.was, each.now.at)
                    self._put(each.now)

    def _drop_entry(self, at: Location) -> None:
        node = _bytes(at.node or at.name)
        gone = self._db.execute(
            "delete from entries where node = ? and folder in "
            "(select id from folders where account = ? and path = ?)",
            (node, at.account, _packed(at.parent)),
        ).rowcount
        if not gone and at.node is not None:  # known below another path, or only by its id
            self._db.execute(
                "delete from entries where node = ? and folder in "
                "(select id from folders where account = ?)",
                (node, at.account),
            )

    def _listed(self, at: Location) -> bytes | None:
        """The path under which a folder was listed; None when it was not, or when it was another
        one of that name."""
        row = self._db.execute(
            "select path from folders where account = ? and ((node is null or ? is null) "
            "and path = ? or node = ?) order by node is null",
            (at.account, at.node, _packed(at), at.node),
        ).fetchone()
        return bytes(row[0]) if row is not None and row[0] else None

    def _drop_below(self, at: Location) -> None:
        path = self._listed(at)
        if path is not None:
            self._db.execute(
                "delete from folders where account = ? and (path = ? or path >= ? and path < ?)",
                (at.account, path, path + b"\0", path + b"\1"),
            )

    def _move_below(self, was: Location, now: Location) -> None:
        path = self._listed(was)
        if path is not None:
            self._db.execute(
                "update or replace folders set path = cast(? || substr(path, ?) as blob) "
                "where account = ? and (path = ? or path >= ? and path < ?)",
                (_packed(now), len(path) + 1, was.account, path, path + b"\0", path + b"\1"),
            )

    def _put(self, now: Found) -> None:
        """Into its folder, where that was listed."""
        folder = self._db.execute(
            "select id from folders where account = ? and path = ?",
            (now.at.account, _packed(now.at.parent)),
        ).fetchone()
        if folder is not None:
            self._db.execute(
                "delete from entries where folder = ? and node = ?",
                (folder[0], _bytes(now.entry.id)),
            )
            self._add(folder[0], [now.entry])

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
