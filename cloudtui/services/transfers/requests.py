"""What one process asks the owner of a job for: rows that the owner reads four times a second.

Owns the words of requests and their details. Only owners change jobs; everybody else asks here.
"""

from __future__ import annotations

import json
import sqlite3
from enum import StrEnum
from functools import partial
from typing import Final

from msgspec import Struct

from cloudtui.services.transfers import ledger
from cloudtui.services.transfers.journal import Journal
from cloudtui.services.transfers.ledger import pack_resolution, unpack_resolution
from cloudtui.services.transfers.orders import Resolution

POLL: Final = 0.25
"""Seconds between two looks of an owner."""


class Ask(StrEnum):
    """What can be asked for."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    ANSWER = "answer"


class Request(Struct, frozen=True):
    """One wish. `keep_parts` goes with CANCEL, `item` and `resolution` with ANSWER."""

    job: str
    ask: Ask
    keep_parts: bool = False
    item: int = 0
    resolution: Resolution | None = None


async def post(journal: Journal, request: Request) -> None:
    """Leave a wish for the owner of the job."""
    answer = request.resolution
    detail = json.dumps(
        [request.keep_parts, request.item, pack_resolution(answer).decode() if answer else None]
    ).encode("ascii")
    await journal.run(partial(_add, request.job, request.ask, detail))


async def take(journal: Journal, runner: str) -> list[Request]:
    """The wishes for the jobs of `runner`, oldest first; they are gone afterwards."""
    rows = journal.look(partial(_rows, runner))
    if not rows:
        return []
    await journal.run(partial(_drop, [row[0] for row in rows]))
    return [_request(job, ask, detail) for _, job, ask, detail in rows]


def _request(job: str, ask: str, detail: bytes) -> Request:
    keep_parts, item, answer = json.loads(detail)
    resolution = None if answer is None else unpack_resolution(answer.encode("ascii"))
    return Request(job, Ask(ask), bool(keep_parts), int(item), resolution)


def _add(job: str, ask: str, detail: bytes, db: sqlite3.Connection) -> None:
    ledger.add_request(db, job, ask, detail)


def _rows(runner: str, db: sqlite3.Connection) -> list[tuple[int, str, str, bytes]]:
    return ledger.requests_for(db, runner)


def _drop(ids: list[int], db: sqlite3.Connection) -> None:
    ledger.drop_requests(db, ids)
