"""What the journal says about the parts of a job: folders, items, receipts.

Functions over a connection inside a transaction of `Journal`; none commits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec import Struct

from cloudtui.services.models import Entry, Flag, Kind, Location
from cloudtui.services.storage import Receipt
from cloudtui.services.transfers import intents
from cloudtui.services.transfers.orders import JobState
from cloudtui.services.transfers.rows import (
    Action,
    FolderRow,
    FolderState,
    ItemRow,
    Totals,
    pack_entry,
    pack_name,
    pack_parts,
    unpack_entry,
    unpack_name,
    unpack_parts,
)

# --- folders ---------------------------------------------------------------------------------

_FOLDER = (
    "id, job, root, walk, state, made, fresh, keep, source_account, source_path, source_node, "
    "target_account, target_path, target_node, inner"
)


class NewFolder(Struct, frozen=True):
    """A pair of folders that is not in the frontier yet."""

    root: int
    walk: bool
    made: bool
    fresh: bool
    keep: bool
    source: Location
    target: Location
    inner: tuple[str, ...]


def add_folder(db: sqlite3.Connection, job: str, new: NewFolder) -> int:
    """The id of the folder pair, written down unless it already was."""
    source, target = new.source, new.target
    path = pack_parts(source.account, source.parts)
    db.execute(
        "INSERT OR IGNORE INTO frontier (job, root, walk, state, made, fresh, keep, "
        "source_account, source_path, source_node, target_account, target_path, target_node, "
        "inner) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            job,
            new.root,
            new.walk,
            FolderState.OPEN if new.walk else FolderState.LISTED,
            new.made,
            new.fresh,
            new.keep,
            source.account,
            path,
            source.node,
            target.account,
            pack_parts(target.account, target.parts),
            target.node,
            pack_parts(source.account, new.inner),
        ),
    )
    row = db.execute(
        "SELECT id FROM frontier WHERE job = ? AND root = ? AND walk = ? AND source_path = ? "
        "AND ifnull(source_node, '') = ?",
        (job, new.root, new.walk, path, source.node or ""),
    ).fetchone()
    return int(row[0])


def folders(
    db: sqlite3.Connection, job: str, state: FolderState, limit: int, *, last_first: bool = False
) -> list[FolderRow]:
    """Folder pairs in one state, in the order they were found (or backwards)."""
    rows = db.execute(
        f"SELECT {_FOLDER} FROM frontier WHERE job = ? AND state = ? "  # noqa: S608
        f"ORDER BY id {'DESC' if last_first else 'ASC'} LIMIT ?",
        (job, state, limit),
    )
    return [_folder(row) for row in rows]


def folder(db: sqlite3.Connection, id_: int) -> FolderRow:
    """One folder pair."""
    query = f"SELECT {_FOLDER} FROM frontier WHERE id = ?"  # noqa: S608
    return _folder(db.execute(query, (id_,)).fetchone())


def folders_below(db: sqlite3.Connection, parent: FolderRow) -> list[FolderRow]:
    """Folder pairs already found right below `parent` (few: those of one folder)."""
    prefix = pack_parts(parent.source.account, parent.source.parts)
    low = prefix + b"\0" if prefix else b""
    high = prefix + b"\1" if prefix else b"\xff"
    rows = db.execute(
        f"SELECT {_FOLDER} FROM frontier WHERE job = ? AND root = ? AND walk = 1 "  # noqa: S608
        "AND source_path >= ? AND source_path < ?",
        (parent.job, parent.root, low, high),
    )
    depth = len(parent.source.parts) + 1
    return [each for each in map(_folder, rows) if len(each.source.parts) == depth]


def roots(db: sqlite3.Connection, job: str) -> frozenset[int]:
    """Numbers of the order's sources that are being walked."""
    rows = db.execute("SELECT DISTINCT root FROM frontier WHERE job = ? AND walk = 1", (job,))
    return frozenset(row[0] for row in rows)


def _folder(row: Sequence[Any]) -> FolderRow:
    source_account, target_account = row[8], row[11]
    return FolderRow(
        id=row[0],
        job=row[1],
        root=row[2],
        walk=bool(row[3]),
        state=FolderState(row[4]),
        made=bool(row[5]),
        fresh=bool(row[6]),
        keep=bool(row[7]),
        source=Location(source_account, unpack_parts(source_account, row[9]), row[10]),
        target=Location(target_account, unpack_parts(target_account, row[12]), row[13]),
        inner=unpack_parts(source_account, row[14]),
    )


def set_made(db: sqlite3.Connection, id_: int, node: str | None, *, fresh: bool) -> None:
    """The target folder is there."""
    db.execute(
        "UPDATE frontier SET made = 1, target_node = ?, fresh = ? WHERE id = ?", (node, fresh, id_)
    )


def reopen_folder(db: sqlite3.Connection, id_: int) -> None:
    """A folder is planned again."""
    set_folder_state(db, id_, FolderState.OPEN)


def set_folder_state(db: sqlite3.Connection, id_: int, state: FolderState) -> None:
    """Note how far a folder is."""
    db.execute("UPDATE frontier SET state = ? WHERE id = ?", (state, id_))


# --- items -----------------------------------------------------------------------------------

_ITEM = (
    "i.id, i.job, i.folder, i.tree, i.state, i.name, i.node, i.size, i.mtime_ns, i.hash, i.flags, "
    "i.target_name, i.existing, i.action, i.done, i.message, i.code, i.handle, i.version, "
    "i.spooled, f.source_account, f.target_account"
)
_FROM = "FROM items i JOIN frontier f ON f.id = i.folder"


class NewItem(Struct, frozen=True):
    """An item that is not in the journal yet."""

    folder: FolderRow
    tree: bool
    state: JobState
    entry: Entry
    target_name: str
    existing: Entry | None
    action: Action
    message: str = ""
    code: str = ""


def add_items(db: sqlite3.Connection, items: Iterable[NewItem]) -> Totals:
    """Write items down unless they already are; what the new ones add to the totals."""
    added = Totals()
    for item in items:
        entry, where = item.entry, item.folder
        done = db.execute(
            "INSERT OR IGNORE INTO items (job, folder, tree, state, name, node, size, mtime_ns, "
            "hash, flags, target_name, existing, action, message, code) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                where.job,
                where.id,
                item.tree,
                item.state,
                pack_name(where.source.account, entry.name),
                entry.id if where.source.account else "",
                entry.size,
                entry.mtime_ns,
                entry.hash,
                int(entry.flags),
                pack_name(where.target.account, item.target_name),
                pack_entry(item.existing),
                item.action,
                item.message,
                item.code,
            ),
        )
        if done.rowcount == 1:
            size = entry.size or 0
            left_out = item.state is JobState.SKIPPED
            added = added.add(
                Totals(
                    files=1,
                    failed=item.state is JobState.FAILED,
                    skipped=left_out,
                    asking=item.state is JobState.ASKS,
                    bytes_total=0 if left_out else size,
                )
            )
    return added


def waiting(db: sqlite3.Connection, job: str, after: int, limit: int) -> list[ItemRow]:
    """The next items to work on, in the order they were found."""
    rows = db.execute(
        f"SELECT {_ITEM} {_FROM} WHERE i.job = ? AND i.state = ? AND i.id > ? "
        "ORDER BY i.id LIMIT ?",
        (job, JobState.WAITING, after, limit),
    )
    return [_item(row) for row in rows]


def items(
    db: sqlite3.Connection, job: str, offset: int, limit: int, states: Collection[JobState]
) -> list[tuple[ItemRow, FolderRow]]:
    """A page of a job's items with their folders; `states` empty means all."""
    marks = ",".join("?" * len(states))
    only = f"AND i.state IN ({marks})" if states else ""
    rows = db.execute(
        f"SELECT {_ITEM} {_FROM} WHERE i.job = ? {only} ORDER BY i.id LIMIT ? OFFSET ?",
        (job, *states, limit, offset),
    ).fetchall()
    known: dict[int, FolderRow] = {}
    found: list[tuple[ItemRow, FolderRow]] = []
    for row in map(_item, rows):
        if row.folder not in known:
            known[row.folder] = folder(db, row.folder)
        found.append((row, known[row.folder]))
    return found


def item(db: sqlite3.Connection, id_: int) -> ItemRow | None:
    """One item, None when it is gone."""
    query = f"SELECT {_ITEM} {_FROM} WHERE i.id = ?"
    row = db.execute(query, (id_,)).fetchone()
    return None if row is None else _item(row)


def claimed(db: sqlite3.Connection, where: FolderRow) -> list[tuple[str, str, str]]:
    """Source name, source id and target name of the items of one folder."""
    rows = db.execute("SELECT name, node, target_name FROM items WHERE folder = ?", (where.id,))
    source, target = where.source.account, where.target.account
    return [(unpack_name(source, a), b, unpack_name(target, c)) for a, b, c in rows]


def _item(row: Sequence[Any]) -> ItemRow:
    source, target = row[20], row[21]
    tree = bool(row[3])
    name = unpack_name(source, row[5])
    kind = Kind.FOLDER if tree else Kind.FILE
    entry = Entry(name, row[6] or name, kind, row[7], row[8], row[9], Flag(row[10]))
    return ItemRow(
        id=row[0],
        job=row[1],
        folder=row[2],
        tree=tree,
        state=JobState(row[4]),
        entry=entry,
        target_name=unpack_name(target, row[11]),
        existing=unpack_entry(row[12]),
        action=Action(row[13]),
        done=row[14],
        message=row[15],
        code=row[16],
        handle=row[17],
        version=row[18],
        spooled=bool(row[19]),
    )


def settle(
    db: sqlite3.Connection,
    id_: int,
    state: JobState,
    message: str | None,
    code: str,
    *,
    size: int | None = None,
    done: int = 0,
) -> None:
    """How an item ended (or that it asks, or waits again); `message` None keeps the old one,
    `size` what it turned out to be."""
    db.execute(
        "UPDATE items SET state = ?, message = ifnull(?, message), code = ?, done = ?, "
        "size = ifnull(?, size) WHERE id = ?",
        (state, message, code, done, size, id_),
    )
    if state in (JobState.DONE, JobState.SKIPPED):
        forget_write(db, id_)
        intents.drop_all(db, id_)


def drop_item(db: sqlite3.Connection, id_: int) -> None:
    """An item becomes something else: a folder to walk."""
    forget_write(db, id_)
    intents.drop_all(db, id_)
    db.execute("DELETE FROM items WHERE id = ?", (id_,))


def set_plan(
    db: sqlite3.Connection,
    id_: int,
    action: Action,
    target_name: str,
    account: str,
    note: str | None,
) -> None:
    """Change what is to be done with an item; `note` None keeps what was said about it."""
    db.execute(
        "UPDATE items SET action = ?, target_name = ?, message = ifnull(?, message) WHERE id = ?",
        (action, pack_name(account, target_name), note, id_),
    )


def set_action(db: sqlite3.Connection, id_: int, action: Action) -> None:
    """Change what is left to do."""
    db.execute("UPDATE items SET action = ? WHERE id = ?", (action, id_))


def set_existing(db: sqlite3.Connection, id_: int, existing: Entry) -> None:
    """What the question about an item shows."""
    db.execute("UPDATE items SET existing = ? WHERE id = ?", (pack_entry(existing), id_))


def name_given(db: sqlite3.Connection, where: FolderRow, name: str) -> bool:
    """Whether an item of the folder pair arrives under `name`."""
    row = db.execute(
        "SELECT 1 FROM items WHERE folder = ? AND target_name = ?",
        (where.id, pack_name(where.target.account, name)),
    ).fetchone()
    return row is not None


def note_write(db: sqlite3.Connection, id_: int, handle: bytes | None, version: str) -> None:
    """Keep what is needed to go on with a write; of the source version `version`."""
    db.execute("UPDATE items SET handle = ?, version = ? WHERE id = ?", (handle, version, id_))


def forget_write(db: sqlite3.Connection, id_: int) -> None:
    """There is no unfinished write any more."""
    db.execute("UPDATE items SET handle = NULL WHERE id = ?", (id_,))
    db.execute("DELETE FROM receipts WHERE item = ?", (id_,))


def set_spooled(db: sqlite3.Connection, id_: int, *, spooled: bool) -> None:
    """Whether the spool file of an item is complete; its own write is over then."""
    db.execute("UPDATE items SET spooled = ? WHERE id = ?", (spooled, id_))
    forget_write(db, id_)


def retry_items(db: sqlite3.Connection, job: str) -> int:
    """Put failed and cancelled items back; how many."""
    changed = db.execute(
        "UPDATE items SET state = ?, message = '', code = '' WHERE job = ? AND state IN (?, ?)",
        (JobState.WAITING, job, JobState.FAILED, JobState.CANCELLED),
    )
    return changed.rowcount


def ask_again(db: sqlite3.Connection, job: str) -> None:
    """An answer for all came: everything that asks is looked at with it."""
    db.execute(
        "UPDATE items SET state = ?, action = ? WHERE job = ? AND state = ?",
        (JobState.WAITING, Action.COMPARE, job, JobState.ASKS),
    )


def cancel_items(db: sqlite3.Connection, job: str) -> None:
    """Nothing more is done with what is left."""
    db.execute(
        "UPDATE items SET state = ? WHERE job = ? AND state IN (?, ?)",
        (JobState.CANCELLED, job, JobState.WAITING, JobState.ASKS),
    )


def open_writes(
    db: sqlite3.Connection, job: str, also: Collection[int] = ()
) -> list[tuple[ItemRow, str]]:
    """Items with a kept unfinished write (and those of `also`), with the target account."""
    query = f"SELECT {_ITEM} {_FROM} WHERE i.job = ? AND i.handle IS NOT NULL"
    found = [(_item(row), row[21]) for row in db.execute(query, (job,)).fetchall()]
    for id_ in also:
        query = f"SELECT {_ITEM} {_FROM} WHERE i.job = ? AND i.id = ?"
        found += [(_item(row), row[21]) for row in db.execute(query, (job, id_)).fetchall()]
    return found


def count(db: sqlite3.Connection, job: str) -> Totals:
    """Totals of a job from its items: after taking over a job whose counts were cut short."""
    totals = Totals()
    rows = db.execute(
        "SELECT state, count(*), coalesce(sum(size), 0) FROM items WHERE job = ? GROUP BY state",
        (job,),
    )
    for state, files, size in rows:
        here = JobState(state)
        totals = totals.add(
            Totals(
                files=files,
                done=files if here is JobState.DONE else 0,
                failed=files if here is JobState.FAILED else 0,
                skipped=files if here is JobState.SKIPPED else 0,
                asking=files if here is JobState.ASKS else 0,
                bytes_total=0 if here is JobState.SKIPPED else size,
                bytes_done=size if here is JobState.DONE else 0,
            )
        )
    return totals


def codes(db: sqlite3.Connection, job: str) -> tuple[str, ...]:
    """The different error codes of failed items."""
    rows = db.execute(
        "SELECT DISTINCT code FROM items WHERE job = ? AND state = ? AND code != ''",
        (job, JobState.FAILED),
    )
    return tuple(sorted(row[0] for row in rows))


def left_alone(db: sqlite3.Connection, job: str) -> dict[str, int]:
    """How many items were left alone for what they are, by their codes."""
    rows = db.execute(
        "SELECT code, count(*) FROM items WHERE job = ? AND state = ? AND code != '' GROUP BY code",
        (job, JobState.SKIPPED),
    )
    return dict(rows.fetchall())


# --- receipts --------------------------------------------------------------------------------


def add_receipt(db: sqlite3.Connection, id_: int, receipt: Receipt) -> None:
    """A part is stored for good."""
    db.execute(
        "INSERT OR REPLACE INTO receipts VALUES (?,?,?,?,?)",
        (id_, receipt.number, receipt.offset, receipt.length, receipt.tag),
    )


def receipts(db: sqlite3.Connection, id_: int) -> list[Receipt]:
    """Parts of an item that are stored."""
    rows = db.execute(
        "SELECT number, offset, length, tag FROM receipts WHERE item = ? ORDER BY number", (id_,)
    )
    return [Receipt(*row) for row in rows]
