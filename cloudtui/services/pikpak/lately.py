"""What this account's own programs changed moments ago, because PikPak's listings run behind.

A folder just made, a file just moved or trashed may be missing from a listing, or still be in it,
for seconds; its id tells the truth at once. So every change of ours is noted for half a minute,
for this process and the next, and a listing that disagrees with a note is put right by asking for
that id. Knows no endpoint but the one for details; a note is never believed against the service.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from cloudtui.services.accounts import Keys
from cloudtui.services.errors import NotFound
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.listing import detail

T = TypeVar("T")

_ITEM: Final = "lately"
_LIFE: Final = 30.0
"""Seconds for which a listing may run behind; the panes lay their own changes over it as long."""

_MOST: Final = 1000
"""Notes that are kept, and as many of folders; a job of small files makes some hundreds in half a
minute."""

_FEW: Final = 16
"""Up to so many disagreements in one listing are looked up by id; of more the notes are taken."""

_PAUSE: Final = 0.3
"""Seconds over which notes are gathered before they are written down."""


_LOOKS: Final = 4
"""How often what a lost call may have made is looked for, with pauses of 0.5, 1 and 2 seconds."""


def until_listed(
    api: Api, look: Callable[[], Awaitable[T | None]]
) -> Callable[[], Awaitable[T | None]]:
    """`look`, patient at its first use: after an answer was lost, what is not in the listings is
    not made only when it does not come up for some seconds, else it would be made twice."""
    pauses = [api.retries.first_wait * 2**each for each in range(_LOOKS - 1)]

    async def found() -> T | None:
        known = await look()
        while known is None and pauses:
            await asyncio.sleep(pauses.pop(0))
            known = await look()
        return known

    return found


class Place(StrEnum):
    """Where a change left something."""

    FOLDER = "folder"
    TRASH = "trash"
    NOWHERE = "nowhere"


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change: what it left where, at `at` seconds since the epoch."""

    at: float
    place: Place
    id: str
    kind: str = ""
    parent_id: str = ""
    name: str = ""
    size: int | None = None
    hash: str = ""
    created_time: str = ""
    modified_time: str = ""

    def row(self) -> wire.File:
        """The thing as a listing would show it."""
        return wire.File(
            id=self.id,
            kind=self.kind,
            parent_id=self.parent_id,
            name=self.name,
            size=self.size,
            hash=self.hash,
            phase=wire.COMPLETE,
            trashed=self.place is Place.TRASH,
            created_time=self.created_time,
            modified_time=self.modified_time,
        )


def _note(place: Place, row: wire.File) -> Note:
    return Note(
        time.time(),
        place,
        row.id,
        row.kind,
        row.parent_id,
        row.name,
        row.size,
        row.hash,
        row.created_time,
        row.modified_time,
    )


class Lately:
    """The latest changes of one account, over all processes."""

    def __init__(self, api: Api, keys: Keys) -> None:
        self._api = api
        self.keys = keys
        self._notes: dict[str, Note] = {}
        self._unwritten = False
        self._writer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    # --- what changed --------------------------------------------------------------------

    def put(self, row: wire.File) -> None:
        """Something is in the folder it says, under the name it says."""
        self._add([_note(Place.FOLDER, row)])

    def trashed(self, rows: Iterable[wire.File]) -> None:
        """Things went to the trash from where they say they were."""
        self._add([_note(Place.TRASH, row) for row in rows])

    def left(self, ids: Iterable[str], place: Place) -> None:
        """Things are in no folder any more; nothing else is told of them."""
        now = time.time()
        self._add([Note(now, place, each) for each in ids])

    def _add(self, notes: Iterable[Note]) -> None:
        for note in notes:
            self._notes.pop(note.id, None)
            self._notes[note.id] = note
        self._notes = {note.id: note for note in _cut(self._notes.values())}
        self._unwritten = True
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write_soon())

    def is_noted(self, folder: str, name: str) -> bool:
        """Whether one of our programs put something of that stored name into a folder lately, as
        far as they wrote it down."""
        return any(note.name == name and _is_in(note, folder) for note in self._current().values())

    @asynccontextmanager
    async def making(self, folder: str, name: str) -> AsyncIterator[None]:
        """The one among all our programs that looks whether a folder has a name, and makes it.
        The next one will know what was noted meanwhile."""
        async with self.keys.turn(f"{folder}/{name}"):
            yield
            await self._write_now()

    # --- listings put right --------------------------------------------------------------

    async def in_folder(
        self, folder: str, listed: AsyncIterator[list[wire.File]]
    ) -> AsyncIterator[list[wire.File]]:
        """The pages of a folder's listing with our own changes in them."""
        notes = self._current()
        missing = {each.id for each in notes.values() if _is_in(each, folder)}
        above = notes.get(folder)
        if above is not None and above.place is not Place.FOLDER:
            missing.clear()

        def fits(row: wire.File) -> bool:
            return not row.trashed and row.parent_id == folder

        async for rows in listed:
            missing.difference_update(row.id for row in rows)
            yield await self._right(
                rows, notes, lambda note, row: _is_in(note, folder) and note.name == row.name, fits
            )
        late = [row for row in (await self._truth(missing, notes)).values() if row is not None]
        fitting = [row for row in late if fits(row)]
        if fitting:
            yield fitting

    async def in_trash(
        self, listed: AsyncIterator[list[wire.File]]
    ) -> AsyncIterator[list[wire.File]]:
        """The pages of the trash's listing with our own changes in them."""
        notes = self._current()
        missing = {note.id for note in notes.values() if note.place is Place.TRASH and note.kind}
        async for rows in listed:
            missing.difference_update(row.id for row in rows)
            yield await self._right(
                rows, notes, lambda note, _: note.place is Place.TRASH, lambda row: row.trashed
            )
        truth = await self._truth(missing, notes)
        late = [row for row in truth.values() if row is not None and row.trashed]
        if late:
            yield late

    async def _right(
        self,
        rows: Sequence[wire.File],
        notes: dict[str, Note],
        agrees: Callable[[Note, wire.File], bool],
        fits: Callable[[wire.File], bool],
    ) -> list[wire.File]:
        """Rows of a listing; those that a note contradicts as their ids tell now."""
        doubted = [row.id for row in rows if row.id in notes and not agrees(notes[row.id], row)]
        if not doubted:
            return list(rows)
        truth = await self._truth(doubted, notes)
        right = (truth.get(row.id, row) for row in rows)
        return [row for row in right if row is not None and (row.id not in truth or fits(row))]

    async def _truth(
        self, ids: Iterable[str], notes: dict[str, Note]
    ) -> dict[str, wire.File | None]:
        """What each id is now; None for what is nowhere."""
        wanted = list(ids)
        if len(wanted) > _FEW:
            return {
                each: None if notes[each].place is Place.NOWHERE else notes[each].row()
                for each in wanted
            }
        rows = await asyncio.gather(*(self._look(notes[each]) for each in wanted))
        return dict(zip(wanted, rows, strict=True))

    async def _look(self, note: Note) -> wire.File | None:
        try:
            return await detail(self._api, note.id)
        except NotFound as error:
            # the service closes the details of what lies in the trash
            trashed = note.place is Place.TRASH and "file_in_recycle_bin" in error.detail
            return note.row() if trashed else None

    # --- kept for other processes --------------------------------------------------------

    def _current(self) -> dict[str, Note]:
        """The notes that still count, other processes' included; the latest of each id. None with
        `trashed_only`, whose listings follow other rules."""
        if self._api.profile.trashed_only:
            return {}
        notes = _fresh([*_decoded(self.keys.recall(_ITEM)), *self._notes.values()])
        self._notes = {key: note for key, note in self._notes.items() if key in notes}
        return notes

    async def _write_soon(self) -> None:
        while self._unwritten:
            await asyncio.sleep(_PAUSE)
            await self._write_now()

    async def _write_now(self) -> None:
        async with self._writing:  # who comes second finds it done, and then it is
            if self._unwritten:
                self._unwritten = False
                await asyncio.to_thread(self._write, list(self._notes.values()))

    def _write(self, notes: list[Note]) -> None:
        def with_ours(kept: bytes) -> bytes:
            return msgspec.json.encode(_cut(_fresh([*_decoded(kept), *notes]).values()))

        self.keys.revise(_ITEM, with_ours)

    async def close(self) -> None:
        """Write down what is not yet."""
        writer, self._writer = self._writer, None
        if writer is not None and not writer.done():
            writer.cancel()
            await asyncio.wait([writer])
        if self._unwritten:
            await self._write_now()


def _decoded(kept: bytes) -> list[Note]:
    try:
        return msgspec.json.decode(kept or b"[]", type=list[Note])
    except ValueError:
        return []  # damaged: listings are taken as they come


def _cut(notes: Iterable[Note]) -> list[Note]:
    """The latest notes, folders' apart: many small files must not drive them out, since a folder
    that nobody remembers is made twice."""
    folders: list[Note] = []
    others: list[Note] = []
    for note in notes:
        (folders if note.kind == wire.FOLDER else others).append(note)
    return [*folders[-_MOST:], *others[-_MOST:]]


def _fresh(notes: Iterable[Note]) -> dict[str, Note]:
    """The latest note of each id, oldest first. A clock that was set back ends them all."""
    now = time.time()
    counting = [note for note in notes if 0 <= now - note.at + 1 <= _LIFE]
    return {note.id: note for note in sorted(counting, key=lambda note: note.at)}


def _is_in(note: Note, folder: str) -> bool:
    return note.place is Place.FOLDER and note.parent_id == folder
