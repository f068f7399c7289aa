"""The journal's tables and its format number.

Owns the shape of the file alone; who writes what is in `ledger`. Names and paths are BLOB because
local names need not be text; digests and 64-bit file numbers are TEXT because SQLite's integers
are signed.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from cloudtui.services.errors import Refused

FORMAT: Final = 1
"""Written into `PRAGMA user_version`. A higher one belongs to a newer program."""

_TABLES: Final = (
    """CREATE TABLE runners (
        id TEXT PRIMARY KEY, pid INTEGER NOT NULL, host TEXT NOT NULL, started_ns INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE jobs (
        id TEXT PRIMARY KEY, created_ns INTEGER NOT NULL, finished_ns INTEGER,
        runner TEXT, state TEXT NOT NULL, hold TEXT NOT NULL DEFAULT '',
        verb TEXT NOT NULL, direction TEXT NOT NULL, title TEXT NOT NULL,
        fingerprint TEXT NOT NULL, options BLOB NOT NULL,
        target_account TEXT NOT NULL, target_path BLOB NOT NULL, target_node TEXT,
        rooted INTEGER NOT NULL DEFAULT 0, counted INTEGER NOT NULL DEFAULT 0,
        files_total INTEGER NOT NULL DEFAULT 0, files_done INTEGER NOT NULL DEFAULT 0,
        files_failed INTEGER NOT NULL DEFAULT 0, files_skipped INTEGER NOT NULL DEFAULT 0,
        files_asking INTEGER NOT NULL DEFAULT 0,
        bytes_total INTEGER NOT NULL DEFAULT 0, bytes_done INTEGER NOT NULL DEFAULT 0,
        speed REAL, time_left REAL, current TEXT NOT NULL DEFAULT '',
        message TEXT NOT NULL DEFAULT '', codes TEXT NOT NULL DEFAULT '',
        answer BLOB, volatile INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID""",
    """CREATE TABLE sources (
        job TEXT NOT NULL, position INTEGER NOT NULL, account TEXT NOT NULL, path BLOB NOT NULL,
        node TEXT, contents INTEGER NOT NULL, name BLOB, PRIMARY KEY (job, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE frontier (
        id INTEGER PRIMARY KEY, job TEXT NOT NULL, root INTEGER NOT NULL, walk INTEGER NOT NULL,
        state TEXT NOT NULL, made INTEGER NOT NULL, fresh INTEGER NOT NULL, keep INTEGER NOT NULL,
        source_account TEXT NOT NULL, source_path BLOB NOT NULL, source_node TEXT,
        target_account TEXT NOT NULL, target_path BLOB NOT NULL, target_node TEXT,
        inner BLOB NOT NULL
    )""",
    "CREATE INDEX frontier_by_state ON frontier (job, state, id)",
    "CREATE UNIQUE INDEX frontier_once ON frontier "
    "(job, root, walk, source_path, ifnull(source_node, ''))",
    # ids never come back: a window that passed one must not miss another item of that number
    """CREATE TABLE items (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL, folder INTEGER NOT NULL, tree INTEGER NOT NULL,
        state TEXT NOT NULL, name BLOB NOT NULL, node TEXT NOT NULL, size INTEGER,
        mtime_ns INTEGER, hash BLOB NOT NULL, flags INTEGER NOT NULL,
        target_name BLOB NOT NULL, existing BLOB, action TEXT NOT NULL,
        done INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
        code TEXT NOT NULL DEFAULT '', handle BLOB, version TEXT NOT NULL DEFAULT '',
        spooled INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE UNIQUE INDEX items_once ON items (job, folder, name, node)",
    "CREATE INDEX items_by_state ON items (job, state, id)",
    # within a job by number: a page of a million items costs what a page of a hundred costs
    "CREATE INDEX items_by_job ON items (job)",
    """CREATE TABLE receipts (
        item INTEGER NOT NULL, number INTEGER NOT NULL, offset INTEGER NOT NULL,
        length INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (item, number)
    ) WITHOUT ROWID""",
    """CREATE TABLE intents (
        id INTEGER PRIMARY KEY, job TEXT NOT NULL, item INTEGER, action TEXT NOT NULL,
        parent TEXT NOT NULL, name BLOB NOT NULL, size INTEGER, digest TEXT NOT NULL,
        created_ns INTEGER NOT NULL
    )""",
    "CREATE INDEX intents_by_job ON intents (job, item)",
    """CREATE TABLE requests (
        id INTEGER PRIMARY KEY, job TEXT NOT NULL, action TEXT NOT NULL, detail BLOB NOT NULL,
        created_ns INTEGER NOT NULL
    )""",
    "CREATE INDEX requests_by_job ON requests (job)",
    """CREATE TABLE digests (
        device TEXT NOT NULL, inode TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        kind TEXT NOT NULL, value TEXT NOT NULL, used_ns INTEGER NOT NULL,
        PRIMARY KEY (device, inode, size, mtime_ns, kind)
    ) WITHOUT ROWID""",
)


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables of an empty journal; check the format of another.

    Raises Refused, touching nothing, when a newer program wrote it.
    """
    if check(connection) == FORMAT:
        return
    connection.execute("BEGIN IMMEDIATE")
    if check(connection) == 0:  # another process may have been first
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def check(connection: sqlite3.Connection) -> int:
    """The journal's format, 0 for an empty one. Raises Refused for one newer than ours."""
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > FORMAT:
        raise Refused(
            f"The journal of transfers has format {found}, this program knows {FORMAT}.",
            hint="It was left untouched; use the newer cloudtui that wrote it.",
        )
    return found
