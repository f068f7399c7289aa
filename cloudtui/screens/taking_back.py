"""Undo of copies and moves: what a job brought to new names goes to the trash, or back.

Only a job whose names were all free in the target and that did everything it was asked for can be
taken back: anything else would touch what somebody else put there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloudtui import present
from cloudtui.screens.browser import Browser
from cloudtui.services.errors import CloudError, NotFound, Refused
from cloudtui.services.models import Found, Location, TrashKind
from cloudtui.services.storage import HasTrash, Storage
from cloudtui.services.transfers.orders import JobState, JobView, OnConflict, Order, Source, Verb

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


@dataclass(frozen=True, slots=True)
class Sent:
    """What a job was asked for: these items of `source`, each to a free name in `target`."""

    verb: Verb
    items: tuple[Found, ...]
    source: Location
    target: Location


async def can_be_taken_back(sent: Sent, storage: Storage, pane: Browser) -> bool:
    """Whether the end of this job may become a step of the undo list. `storage` is the target's;
    `pane` may show the target already, and then nothing is listed for this."""
    if sent.verb is Verb.MOVE and sent.source.account != sent.target.account:
        return False
    if any(item.at.parts[:-1] != sent.source.parts for item in sent.items):
        return False  # taken from several folders, moving back would not sort them
    if sent.verb is Verb.COPY and _trash_of(storage) is None:
        return False
    wanted = {item.entry.name for item in sent.items}
    if pane.at == sent.target and not pane.loading and pane.error is None:
        return wanted.isdisjoint(entry.name for entry in pane.view.entries)
    try:
        async for page in storage.scan(sent.target):
            if not wanted.isdisjoint(entry.name for entry in page):
                return False
    except NotFound:
        return True  # the job makes it
    except CloudError:
        return False
    return True


def way_back(
    screen: MainScreen, sent: Sent, view: JobView
) -> tuple[str, Callable[[], Awaitable[str]]] | None:
    """Words and way of the undo step for a job that ended; None where there is none."""
    whole = view.state is JobState.DONE and not (view.files_failed or view.files_skipped)
    if not whole:
        return None
    what = present.count(len(sent.items), "item")
    if sent.verb is Verb.MOVE:
        return f"move {what}", lambda: _move_back(screen, sent)
    expected = (view.files_done, view.bytes_total)
    return f"copy {what}", lambda: _trash_copies(screen, sent, expected)


def _trash_of(storage: Storage) -> HasTrash | None:
    if isinstance(storage, HasTrash) and storage.caps.trash is not TrashKind.NONE:
        return storage
    return None


async def _copies(storage: Storage, sent: Sent) -> list[Found]:
    return [await storage.stat(sent.target.child(item.entry.name)) for item in sent.items]


async def _trash_copies(screen: MainScreen, sent: Sent, expected: tuple[int, int]) -> str:
    """Trash the copies, if as many files and bytes are there as were copied."""
    from cloudtui.services.walking import walk

    runtime = await screen.runtime()
    storage = await runtime.storage(sent.target.account)
    keeper = _trash_of(storage)
    if keeper is None:
        raise Refused("There is no trash any more, so the copies stay.")
    copies = await _copies(storage, sent)
    files = [item.entry for item in copies if not item.entry.is_folder]
    for top in (item.at for item in copies if item.entry.is_folder):
        async for _, listed in walk(storage, top):
            if isinstance(listed, CloudError):
                raise listed
            files += [entry for entry in listed if not entry.is_folder]
    there = (len(files), sum(entry.size or 0 for entry in files))
    if there != expected:
        raise Refused(
            f"The copies changed since: {present.count(expected[0], 'file')} and"
            f" {present.size_long(expected[1])} were copied, {present.count(there[0], 'file')} and"
            f" {present.size_long(there[1])} are there. They stay."
        )
    gone = await keeper.trash(copies)
    screen.overlay(sent.target.account, [one.entry.id for one in gone], gone=True)
    screen.folder_changed(sent.target)
    return f"Moved the copies to the trash: {present.count(len(gone), 'item')}."


async def _move_back(screen: MainScreen, sent: Sent) -> str:
    runtime = await screen.runtime()
    storage = await runtime.storage(sent.target.account)
    order = Order(
        Verb.MOVE,
        tuple(Source(item.at) for item in await _copies(storage, sent)),
        sent.source,
        on_conflict=OnConflict.SKIP,
    )
    job = await runtime.transfers.submit(order)
    screen.bridge.leave_to_others(job)
    screen.bridge.wake()
    view = await runtime.transfers.wait(job)
    what = present.count(len(sent.items), "item")
    if view.state is JobState.DONE and not (view.files_failed or view.files_skipped):
        return f"Moved back: {what}."
    return f"Not all of {what} could be moved back.  w shows why"
