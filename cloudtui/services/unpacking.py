"""Which files are archives that services unpack, and those that a folder holds."""

from __future__ import annotations

from typing import Final

from cloudtui.services.errors import NotFound
from cloudtui.services.listing import order
from cloudtui.services.models import Entry, Found
from cloudtui.services.naming import display_name
from cloudtui.services.storage import Storage

ENDINGS: Final = (".zip", ".7z", ".rar")


def is_archive(entry: Entry) -> bool:
    """Whether the name of a file says that it is one."""
    return not entry.is_folder and entry.name.lower().endswith(ENDINGS)


async def archives_of(storage: Storage, found: Found) -> list[Found]:
    """The thing itself, or all archives right in it when it is a folder, in display order.

    Raises NotFound for a folder that holds none.
    """
    if not found.entry.is_folder:
        return [found]
    entries = [entry async for page in storage.scan(found.at) for entry in page]
    inside = [entries[at] for at in order(entries) if is_archive(entries[at])]
    if not inside:
        raise NotFound(f"{display_name(str(found.at))} holds no archive.")
    return [Found.of(found.at, entry) for entry in inside]
