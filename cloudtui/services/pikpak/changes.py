"""Making folders, renaming, moving, copying, deleting for ever.

PikPak never refuses a taken name for what arrives in a folder: it numbers the newcomer. So names
are looked at before, and the name that came out is read afterwards, by id. Nothing here ever
replaces anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudtui.services.errors import (
    BadName,
    Exists,
    NotFound,
    Refused,
    Retry,
    ServerTrouble,
)
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Entry, Found, Location
from cloudtui.services.naming import cut_name, decode_name, display_name, encode_name
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.client import FILES, Api
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.lately import Place, until_listed
from cloudtui.services.pikpak.listing import detail, entry_of
from cloudtui.services.retry import retrying

MAX_NAME_BYTES: Final = 255
"""In UTF-8, as most disks have it."""


class Changes:
    """What may be changed in the tree of one account."""

    def __init__(self, api: Api, folders: Folders) -> None:
        self._api = api
        self._profile = api.profile
        self._folders = folders

    def _stored(self, name: str) -> str:
        return encode_name(name, self._profile.rules)

    # --- folders -------------------------------------------------------------------------

    async def mkdir(self, parent: Location, name: str) -> Entry:
        """Make one folder. Raises Exists when the name is taken, NotFound without a parent."""
        where = display_name(str(parent.child(name)))
        check_length(name)
        parent_id = await self._folders.folder_id(parent)
        # the service would make a second one of that name for whoever looked at the same moment
        async with self._folders.lately.making(parent_id, name):
            if await self._folders.is_taken(parent_id, name):
                raise taken(where)
            row = await self.make_folder(parent_id, name, where)
            self._folders.added(parent_id, row)
        return entry_of(self._profile, row)

    async def make_folder(self, parent_id: str, name: str, where: str) -> wire.File:
        """The call that makes a folder, without looking first. Raises Exists."""

        async def adopt() -> wire.Created | None:
            """After a lost answer: the folder that is there now is the one we made."""
            rows = await self._folders.holders(parent_id, name, fresh=True)
            made = next((row for row in rows if row.is_folder), None)
            return wire.Created(file=made) if made is not None else None

        created = await self._api.call(
            wire.Created,
            "POST",
            FILES,
            body={
                "kind": wire.FOLDER,
                "parent_id": parent_id,
                "name": self._stored(name),
                "folder_type": "",
            },
            where=where,
            reconcile=until_listed(self._api, adopt),
        )
        failpoint("pikpak.mkdir.made")
        row = created.file
        if row is None or not row.id:
            row = (await adopt() or wire.Created()).file
        if row is None:
            raise ServerTrouble(
                f"PikPak did not say what became of the folder {where}.",
                hint="Reload to see whether it is there.",
                retry=Retry.NEVER,
            )
        if not row.name:
            row = await detail(self._api, row.id, where=where)
        row.kind, row.parent_id, row.name = wire.FOLDER, parent_id, row.name or self._stored(name)
        if row.name != self._stored(name):
            # somebody took the name in between and the service numbered ours: it is empty
            await self.delete([row.id], where=where)
            self._folders.forget()
            raise taken(where)
        return row

    # --- names ---------------------------------------------------------------------------

    async def rename(self, item: Found, name: str) -> Entry:
        """Give another name in the same folder. Raises Exists."""
        where = display_name(str(item.at))
        check_length(name)
        row = await detail(self._api, item.entry.id, where=where)
        if row.name == self._stored(name):
            return entry_of(self._profile, row)
        row.parent_id = await self._parent_of(row, item)
        rows = (await self._folders.names(row.parent_id)).get(name, [])
        if any(each.id != row.id for each in rows):
            raise taken(display_name(name))
        renamed = await self.set_name(row, name, where=where)
        return entry_of(self._profile, renamed)

    async def _parent_of(self, row: wire.File, item: Found) -> str:
        """The id of the folder `item` is in. Not to tell it means the top, or nothing."""
        return row.parent_id or await self._folders.folder_id(item.at.parent)

    async def set_name(self, row: wire.File, name: str, *, where: str = "") -> wire.File:
        """The PATCH that renames, without looking first. Raises Exists.

        Right after a move the service refuses for a moment; so it does right after the old holder
        of the name went to the trash, in the words of a taken name.
        """
        stored = self._stored(name)
        refusals = 0

        async def call() -> wire.File:
            try:
                return await self._api.attempt(
                    wire.File, "PATCH", f"{FILES}/{row.id}", (), {"name": stored}, where
                )
            except Refused as error:
                if "file_rename_to_same_name" in error.detail:
                    return row
                raise

        async def patient() -> wire.File:
            nonlocal refusals
            try:
                return await call()
            except Exists as error:
                refusals += 1
                if refusals < 4:
                    raise Exists(error.text, retry=Retry.SOON, detail=error.detail) from error
                raise

        await retrying(patient, retries=self._api.retries)
        failpoint("pikpak.rename.done")
        self._folders.forget()
        now = await detail(self._api, row.id, where=where)
        now.name, now.parent_id = now.name or stored, now.parent_id or row.parent_id
        if now.name != stored:
            raise Exists(
                f"PikPak gave {display_name(now.name)} instead of the name asked for.",
                hint="Reload to see what is there.",
            )
        self._folders.lately.put(now)
        return now

    # --- places --------------------------------------------------------------------------

    async def move(self, item: Found, parent: Location, name: str) -> Entry:
        """Move to a folder under a name. Raises Exists, Refused for a folder into itself."""
        where = display_name(str(item.at))
        target = await self._folders.folder_id(parent)
        row = await detail(self._api, item.entry.id, where=where)
        row.name = row.name or self._stored(item.entry.name)
        row.parent_id = await self._parent_of(row, item)
        if row.parent_id == target:
            return await self.rename(item, name)
        if (await self._folders.names(target)).get(name):
            raise taken(display_name(str(parent.child(name))))
        await self.put(row.id, target, where=where)
        failpoint("pikpak.move.done")
        now = await self.settled(row.id, target, where)
        if now.name != self._stored(name):
            try:
                now = await self.set_name(now, name, where=where)
            except Exists:
                await self._undo_move(row, where)
                raise
        return entry_of(self._profile, now)

    async def _undo_move(self, row: wire.File, where: str) -> None:
        """The name was taken although no listing showed it: back to where `row` was."""
        await self.put(row.id, row.parent_id, where=where)
        back = await self.settled(row.id, row.parent_id, where)
        if back.name != row.name:
            await self.set_name(back, decode_name(row.name, self._profile.rules), where=where)

    async def put(self, file_id: str, target: str, *, where: str = "") -> None:
        """Move one thing into a folder by id, whatever name it gets there."""
        self._folders.forget()
        await tasks.batch(
            self._api,
            "batchMove",
            [file_id],
            lambda each: self._is_in(each, target),
            parent=target,
            where=where,
        )
        self._folders.forget()

    async def _is_in(self, file_id: str, folder: str) -> bool:
        return (await detail(self._api, file_id)).parent_id == folder

    async def settled(self, file_id: str, folder: str, where: str) -> wire.File:
        """The row once it shows its new folder: the task may end a moment earlier."""

        async def look() -> wire.File:
            row = await detail(self._api, file_id, where=where)
            if row.parent_id != folder:
                raise ServerTrouble(
                    f"PikPak has not moved {where} yet.",
                    hint="It goes on by itself; look again in a while.",
                )
            return row

        now = await retrying(look, retries=self._api.retries)
        self._folders.lately.put(now)
        return now

    # --- out of here ---------------------------------------------------------------------

    async def remove(self, items: Sequence[Found]) -> None:
        """Delete for ever, folders with all they hold."""
        if any(not item.entry.id for item in items):
            raise Refused("The top of the account cannot be deleted.")
        where = display_name(str(items[0].at)) if len(items) == 1 else ""
        await self.delete([item.entry.id for item in items], where=where)

    async def delete(self, ids: Sequence[str], *, where: str = "") -> None:
        """Delete by id, from folders or from the trash."""
        self._folders.forget()
        await tasks.batch(self._api, "batchDelete", ids, self._is_deleted, where=where)
        self._folders.forget()
        self._folders.lately.left(ids, Place.NOWHERE)

    async def discard(self, ids: Sequence[str], *, where: str = "") -> None:
        """Move to the trash by id."""
        self._folders.forget()
        await tasks.batch(self._api, "batchTrash", ids, self._is_trashed, where=where)
        self._folders.forget()
        self._folders.lately.left(ids, Place.TRASH)

    def arrived(self, parent_id: str, row: wire.File) -> None:
        """An upload put `row` into a folder."""
        self._folders.added(parent_id, row)

    async def _is_trashed(self, file_id: str) -> bool:
        try:
            return (await detail(self._api, file_id)).trashed
        except NotFound as error:
            if tasks.is_gone(error):
                raise
            return True

    async def _is_deleted(self, file_id: str) -> bool:
        try:
            await detail(self._api, file_id)
        except NotFound as error:
            return tasks.is_gone(error)
        return False


def check_length(name: str) -> None:
    """Raise BadName for a name that no disk could hold; the service's own limit is not known."""
    if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise BadName(
            f"{display_name(cut_name(name, 40))}... is too long a name for PikPak"
            f" ({MAX_NAME_BYTES} bytes at most).",
            hint="Choose a shorter one; nothing was changed.",
        )


def taken(where: str) -> Exists:
    """The error for a name that somebody holds."""
    return Exists(f"{where} is there already.", hint="Nothing was changed.")


def is_numbered(name: str, original: str) -> bool:
    """Whether `name` is `original`, or what the service makes of it when the name is taken:
    `a(1).txt`, with a space before the bracket in some reports."""
    if name == original:
        return True
    stem, dot, extension = original.rpartition(".")
    if not dot or not stem:
        stem, extension = original, ""
    for cut, ending in ((stem, dot + extension), (original, "")):
        middle = name[len(cut) : len(name) - len(ending)].strip()
        if (
            name.startswith(cut)
            and name.endswith(ending)
            and len(name) > len(cut) + len(ending)
            and middle.startswith("(")
            and middle.endswith(")")
            and middle[1:-1].isdigit()
        ):
            return True
    return False
