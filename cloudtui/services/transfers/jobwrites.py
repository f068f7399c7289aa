"""What a running job reads and writes in the journal at one go.

Functions over a connection inside a transaction of `Journal`; none commits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from cloudtui.services.transfers import ledger, shelves
from cloudtui.services.transfers.orders import JobState
from cloudtui.services.transfers.rows import FolderRow, Hold, ItemRow, Totals


def count(job: str, db: sqlite3.Connection) -> Totals:
    """Totals from its items."""
    return shelves.count(db, job)


def folder(id_: int, db: sqlite3.Connection) -> FolderRow:
    """One folder pair."""
    return shelves.folder(db, id_)


def unfold(job: str, item: int, new: shelves.NewFolder, db: sqlite3.Connection) -> None:
    """An item becomes a folder to be walked."""
    shelves.drop_item(db, item)
    shelves.add_folder(db, job, new)
    ledger.set_counting(db, job)


def replan(job: str, item: ItemRow, db: sqlite3.Connection) -> None:
    """A folder that could not be planned is planned again."""
    shelves.drop_item(db, item.id)
    shelves.reopen_folder(db, item.folder)
    ledger.set_counting(db, job)


def save(job: str, picture: ledger.Picture, hold: Hold, db: sqlite3.Connection) -> None:
    """How the job stands from now on."""
    ledger.set_state(db, job, picture.state, hold, picture.message)
    ledger.set_picture(db, job, picture)


def again(items: Sequence[int], db: sqlite3.Connection) -> None:
    """Items that failed wait once more."""
    for id_ in items:
        shelves.settle(db, id_, JobState.WAITING, "", "")


def left_alone(job: str, db: sqlite3.Connection) -> dict[str, int]:
    """How many items were left alone for what they are, by their codes."""
    return shelves.left_alone(db, job)
