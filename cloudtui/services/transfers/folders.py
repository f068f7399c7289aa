"""Target folders: found, or made with an intent before each call.

Owns mkdir for transfers. After a kill or a lost answer it looks before it makes one again, since
some clouds would make a second folder of the same name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

from cloudtui.services.errors import CloudError, Exists, NotFound, Retry, UsageError
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Entry, Kind, Location
from cloudtui.services.naming import display_name
from cloudtui.services.storage import Storage
from cloudtui.services.transfers import intents
from cloudtui.services.transfers.journal import Journal

Storages = Callable[[str], Awaitable[Storage]]


class Folders:
    """The target folders of one job."""

    def __init__(
        self,
        journal: Journal,
        storages: Storages,
        job: str,
        made: Callable[[Location], None],
    ) -> None:
        self._journal = journal
        self._storages = storages
        self._job = job
        self._told = made

    async def ensure(self, at: Location) -> tuple[Location, bool]:
        """`at` with its id, made with all missing parents; whether it is new.

        Raises UsageError when a file is in the way.
        """
        storage = await self._storages(at.account)
        try:
            found = await storage.stat(at, want=Kind.FOLDER)
        except NotFound:
            if not at.parts or at.node is not None:
                raise
            parent, _ = await self.ensure(at.parent)
            return await self.make(parent, at.name)
        if not found.entry.is_folder:
            raise file_in_the_way(at)
        return found.at, False

    async def make(
        self, parent: Location, name: str, note: Callable[[str | None, bool], None] | None = None
    ) -> tuple[Location, bool]:
        """Make one folder where none of that name is; adopt the one a cut call left behind or
        somebody else made meanwhile. The folder, and whether it is new: in one that was there
        something may be in the way.

        `note` is given both, by id, for the journal before the intent is dropped.
        """
        storage = await self._storages(parent.account)
        job = self._job
        entry: Entry | None = None
        if await self._journal.read(lambda db: intents.mkdir_begun(db, job, parent, name)):
            entry = await self._look(storage, parent, name)
        intent = intents.Intent(job, None, "mkdir", parent, name)
        intent_id = await self._journal.run(lambda db: intents.add(db, intent))
        failpoint("plan.mkdir.intent")
        new = False
        if entry is None:
            entry, new = await self._mkdir(storage, parent, name)
        failpoint("plan.mkdir.made")
        node = entry.id if parent.account else None
        if note is not None:
            note(node, new)
        self._journal.post(lambda db: intents.drop(db, intent_id))
        failpoint("plan.mkdir.noted")
        self._told(parent)
        return parent.child(entry.name, node), new

    async def _mkdir(self, storage: Storage, parent: Location, name: str) -> tuple[Entry, bool]:
        try:
            return await storage.mkdir(parent, name), True
        except Exists:
            found = await self._look(storage, parent, name)
            if found is None:
                raise
            return found, False
        except CloudError as exc:
            if exc.retry is not Retry.RECONCILE:
                raise
            found = await self._look(storage, parent, name)
            if found is not None:
                return found, False
            return await storage.mkdir(parent, name), True

    async def _look(self, storage: Storage, parent: Location, name: str) -> Entry | None:
        # By listing, not by path: a cloud may hold twins, and the first one is as good.
        with contextlib.suppress(NotFound):
            async for page in storage.scan(parent):
                for entry in page:
                    if entry.name == name and entry.is_folder:
                        return entry
        return None


def file_in_the_way(at: Location) -> UsageError:
    """A folder is needed where a file stands."""
    return UsageError(
        f"{display_name(str(at))} is a file, not a folder.", hint="Nothing was changed."
    )
