"""Unfinished files on this disk that nobody works on, by the folder in which they lie.

One query that begins at the receipts: only writes that are under way have any, so a journal of a
million items costs what its few open writes cost. Changes nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from cloudtui.services.errors import CloudError
from cloudtui.services.models import DISK, Location
from cloudtui.services.naming import sort_key
from cloudtui.services.storage import DiskWrite, Storage
from cloudtui.services.transfers.orders import JobState, JobView, PartView
from cloudtui.services.transfers.rows import pack_parts, unpack_name
from cloudtui.services.transfers.seals import Envelope

if TYPE_CHECKING:
    from cloudtui.services.transfers.engine import Transfers

MOST: Final = 200
"""Parts of one folder that are told of."""

# `item` leads the key of the receipts: each step of the walk seeks the next item that has any.
_QUERY: Final = """
WITH RECURSIVE begun (item) AS (
    SELECT min(item) FROM receipts
    UNION ALL
    SELECT (SELECT min(item) FROM receipts WHERE item > begun.item)
    FROM begun WHERE begun.item IS NOT NULL
)
SELECT i.id, i.job, i.target_name, i.size, i.handle,
    (SELECT sum(length) FROM receipts WHERE item = i.id)
FROM begun
CROSS JOIN items i ON i.id = begun.item
CROSS JOIN frontier f ON f.id = i.folder
WHERE f.target_account = ? AND f.target_path = ? AND i.handle IS NOT NULL
ORDER BY i.id
"""

_Row = tuple[int, str, bytes, int | None, bytes, int]


async def parts_in(transfers: Transfers, disk: Storage, folder: Location) -> list[PartView]:
    """The parts in `folder` of this disk whose jobs stand, by name; `MOST` at most. The journal is
    not asked when no job stands. Raises what the journal raises."""
    standing = {view.id: view for view in transfers.views() if view.stands}
    if folder.account != DISK or not standing:
        return []
    rows = await transfers.journal.read(partial(_begun, folder, standing))
    found = [
        PartView(
            item=item,
            job=job,
            name=unpack_name(DISK, name),
            state=_word(standing[job].state),
            done=done,
            size=size,
        )
        for item, job, name, size, kept, done in rows
        if await _is_there(disk, item, kept)
    ]
    return sorted(found, key=lambda part: (sort_key(part.name), part.item))


def _begun(folder: Location, jobs: Mapping[str, JobView], db: sqlite3.Connection) -> list[_Row]:
    """What was begun below a folder by these jobs and is not finished."""
    found: list[_Row] = []
    for row in db.execute(_QUERY, (DISK, pack_parts(DISK, folder.parts))):
        if row[1] in jobs:
            found.append(row)
            if len(found) == MOST:
                break
    return found


def _word(state: JobState) -> JobState:
    """How a job stands: one that nobody works on is paused, whatever it did last."""
    return state if state.is_final else JobState.PAUSED


async def _is_there(disk: Storage, item: int, kept: bytes) -> bool:
    """Whether the part still lies where it was noted: people remove what they find."""
    try:
        state = await Envelope(None).open(item, kept)
        if state is None:
            return False
        handle = cast("DiskWrite", await disk.reopen_write(state))
    except CloudError:
        return False
    await asyncio.to_thread(handle.close)
    return True
