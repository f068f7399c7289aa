"""The journal's rows as values, and how names, places and orders are written into them.

Pure conversions. Names go in as bytes: local ones as the disk has them, those of clouds as UTF-8.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cloudtui.services.models import DISK, Entry, Flag, Kind, Location
from cloudtui.services.transfers.orders import (
    Direction,
    Follow,
    JobState,
    OnConflict,
    Order,
    Resolution,
    ServerSide,
    Source,
    Verb,
    Verify,
)


class Hold(StrEnum):
    """Why a job stands still although something is left to do."""

    NONE = ""
    USER = "user"
    LOGIN = "login"
    FULL = "full"
    OFFLINE = "offline"


class Action(StrEnum):
    """What is to be done with an item when its turn comes."""

    NEW = "new"
    """The target name was free when it was planned."""
    COMPARE = "compare"
    """Something stands there: compare, then decide by policy."""
    REPLACE = "replace"
    """Decided: what stands there is replaced."""
    KEEP = "keep"
    """Decided: it gets the first free number."""
    REMOVE = "remove"
    """Copied and checked; only the source is left to be removed."""


class FolderState(StrEnum):
    """How far a folder of the frontier is."""

    OPEN = "open"
    LISTED = "listed"
    REMOVED = "removed"


class Totals(Struct, frozen=True):
    """Counts of files and bytes of a job; `bytes_total` leaves skipped items out."""

    files: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    asking: int = 0
    bytes_total: int = 0
    bytes_done: int = 0

    @property
    def waiting(self) -> int:
        """Files that still have something ahead of them."""
        return self.files - self.done - self.failed - self.skipped - self.asking

    def add(self, other: Totals, sign: int = 1) -> Totals:
        """The sum (or difference) of both."""
        return Totals(
            self.files + sign * other.files,
            self.done + sign * other.done,
            self.failed + sign * other.failed,
            self.skipped + sign * other.skipped,
            self.asking + sign * other.asking,
            self.bytes_total + sign * other.bytes_total,
            self.bytes_done + sign * other.bytes_done,
        )


class JobRow(Struct, frozen=True):
    """A job as it stands in the journal."""

    id: str
    order: Order
    runner: str | None
    state: JobState
    hold: Hold
    direction: Direction
    title: str
    fingerprint: str
    created_ns: int
    finished_ns: int | None = None
    rooted: bool = False
    counted: bool = False
    totals: Totals = Totals()
    speed: float | None = None
    time_left: float | None = None
    current: str = ""
    message: str = ""
    codes: tuple[str, ...] = ()
    answer: Resolution | None = None
    volatile: bool = False
    """Secrets of its uploads are in memory only: those uploads start over after a restart."""


class FolderRow(Struct, frozen=True):
    """A pair of folders: where things come from and where they go.

    `walk` False: only single items of it belong to the job. `made`: the target folder is there
    (its id in `target.node`). `fresh`: it was not there before, so nothing in it is in the way.
    `keep`: a move leaves the source folder itself. `inner` is its path below the job's source.
    """

    id: int
    job: str
    root: int
    walk: bool
    state: FolderState
    made: bool
    fresh: bool
    keep: bool
    source: Location
    target: Location
    inner: tuple[str, ...]


class ItemRow(Struct, frozen=True):
    """One file, or one whole folder that the service handles by itself (`tree`)."""

    id: int
    job: str
    folder: int
    tree: bool
    state: JobState
    entry: Entry
    target_name: str
    existing: Entry | None
    action: Action
    done: int = 0
    message: str = ""
    code: str = ""
    handle: bytes | None = None
    version: str = ""
    spooled: bool = False

    @property
    def totals(self) -> Totals:
        """What this item adds to its job's totals."""
        size = self.entry.size or 0
        match self.state:
            case JobState.DONE:
                return Totals(files=1, done=1, bytes_total=size, bytes_done=size)
            case JobState.SKIPPED:
                return Totals(files=1, skipped=1)
            case JobState.FAILED:
                return Totals(files=1, failed=1, bytes_total=size)
            case JobState.ASKS:
                return Totals(files=1, asking=1, bytes_total=size)
            case _:
                return Totals(files=1, bytes_total=size)


# --- names and places ------------------------------------------------------------------------


def _errors(account: str) -> str:
    # Local bytes that are no text carry escapes; a cloud's JSON may hold lone surrogates.
    return "surrogateescape" if account == DISK else "surrogatepass"


def pack_name(account: str, name: str) -> bytes:
    """A name as bytes."""
    return name.encode("utf-8", _errors(account))


def unpack_name(account: str, data: bytes) -> str:
    """The name again."""
    return data.decode("utf-8", _errors(account))


def pack_parts(account: str, parts: Sequence[str]) -> bytes:
    """Path parts as bytes; NUL parts them because no place allows it in names, while some allow
    the slash."""
    return b"\0".join(pack_name(account, part) for part in parts)


def unpack_parts(account: str, data: bytes) -> tuple[str, ...]:
    """The parts again."""
    return tuple(unpack_name(account, part) for part in data.split(b"\0")) if data else ()


def pack_entry(entry: Entry | None) -> bytes | None:
    """An entry as JSON; lone surrogates survive as escapes."""
    if entry is None:
        return None
    fields = [entry.name, entry.id, entry.kind, entry.size, entry.mtime_ns, entry.hash.hex()]
    return json.dumps([*fields, int(entry.flags)]).encode("ascii")


def unpack_entry(data: bytes | None) -> Entry | None:
    """The entry again."""
    if data is None:
        return None
    name, node, kind, size, mtime_ns, digest, flags = json.loads(data)
    return Entry(name, node, Kind(kind), size, mtime_ns, bytes.fromhex(digest), Flag(flags))


# --- orders ----------------------------------------------------------------------------------

_OPTIONS: Final = (
    "on_conflict",
    "verify",
    "server_side",
    "include",
    "exclude",
    "bandwidth",
    "follow",
)


def pack_options(order: Order) -> bytes:
    """Everything of an order but its verb and places."""
    return json.dumps({name: getattr(order, name) for name in _OPTIONS}).encode("ascii")


def unpack_order(verb: str, sources: Sequence[Source], target: Location, options: bytes) -> Order:
    """The order again."""
    found = json.loads(options)
    return Order(
        verb=Verb(verb),
        sources=tuple(sources),
        target=target,
        on_conflict=OnConflict(found["on_conflict"]),
        verify=Verify(found["verify"]),
        server_side=ServerSide(found["server_side"]),
        include=tuple(found["include"]),
        exclude=tuple(found["exclude"]),
        bandwidth=found["bandwidth"],
        follow=Follow(found.get("follow", Follow.NEVER)),
    )


def fingerprint(order: Order) -> str:
    """Equal for orders that ask for the same; ids that were looked up do not count, nor how fast
    it shall go."""
    options = json.loads(pack_options(replace(order, bandwidth=None)))
    marks: list[object] = [order.verb, options]
    for source in order.sources:
        at = source.at
        marks.append([at.account, at.parts, source.contents, source.name])
    marks.append([order.target.account, order.target.parts])
    return hashlib.sha256(json.dumps(marks, sort_keys=True).encode("ascii")).hexdigest()[:32]


def direction_of(order: Order) -> Direction:
    """The word in front of the job's name."""
    target = order.target.account
    accounts = {source.at.account for source in order.sources}
    if accounts == {target}:
        return Direction.HERE
    if target == DISK:
        return Direction.DOWN
    return Direction.UP if accounts == {DISK} else Direction.ACROSS


def without_node(at: Location) -> Location:
    """The place by its path alone."""
    return replace(at, node=None)
