"""Calls that create or remove, written down before they are made.

Owns the `intents` rows; functions over a connection inside a transaction of `Journal`. What is
found here after a kill was begun and perhaps took effect: whoever goes on looks first.
"""

from __future__ import annotations

import sqlite3
import time

from msgspec import Struct

from cloudtui.services.models import Location
from cloudtui.services.transfers.rows import pack_name, pack_parts


class Intent(Struct, frozen=True):
    """A call that creates or removes, written down before it is made."""

    job: str
    item: int | None
    action: str
    parent: Location
    name: str
    size: int | None = None
    digest: str = ""


def add(db: sqlite3.Connection, intent: Intent) -> int:
    """Write an intent down."""
    account = intent.parent.account
    cursor = db.execute(
        "INSERT INTO intents (job, item, action, parent, name, size, digest, created_ns) "
        "VALUES (?,?,?,?,?,?,?,?)",
        (
            intent.job,
            intent.item,
            intent.action,
            intent.parent.node or pack_parts(account, intent.parent.parts).hex(),
            pack_name(account, intent.name),
            intent.size,
            intent.digest,
            time.time_ns(),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def drop(db: sqlite3.Connection, id_: int) -> None:
    """The call took effect and that is written down."""
    db.execute("DELETE FROM intents WHERE id = ?", (id_,))


def drop_all(db: sqlite3.Connection, item_id: int) -> None:
    """All calls for an item are over."""
    db.execute("DELETE FROM intents WHERE item = ?", (item_id,))


def begun(db: sqlite3.Connection, item_id: int) -> frozenset[str]:
    """Actions of an item that were begun and not noted as done."""
    return frozenset(
        row[0] for row in db.execute("SELECT action FROM intents WHERE item = ?", (item_id,))
    )


def digests(db: sqlite3.Connection, item_id: int) -> frozenset[str]:
    """Digests, in lower case, of what was begun to be written for an item."""
    rows = db.execute("SELECT digest FROM intents WHERE item = ? AND digest != ''", (item_id,))
    return frozenset(row[0].lower() for row in rows)


def items(db: sqlite3.Connection, job: str) -> set[int]:
    """Items of a job with calls that were begun and not noted as done."""
    rows = db.execute("SELECT DISTINCT item FROM intents WHERE job = ?", (job,))
    return {row[0] for row in rows if row[0] is not None}


def mkdir_begun(db: sqlite3.Connection, job: str, parent: Location, name: str) -> bool:
    """Whether making this folder was begun by the job and not noted as done."""
    where = parent.node or pack_parts(parent.account, parent.parts).hex()
    row = db.execute(
        "SELECT 1 FROM intents WHERE job = ? AND action = 'mkdir' AND parent = ? AND name = ?",
        (job, where, pack_name(parent.account, name)),
    ).fetchone()
    return row is not None
