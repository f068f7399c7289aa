"""The first folder of a start on the disk, listed before settings, accounts and engine are loaded.

Those take longer to load than a folder takes to list. Whoever shows the rows lists again with the
real place; anything that goes wrong here is met, with its sentence, there.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Sequence

from cloudtui.services.errors import CloudError
from cloudtui.services.models import Entry, Location

FirstLook = Callable[[str], Awaitable[tuple[Location, Sequence[Entry]] | None]]
_PATHS = ("/", ".", "~")


async def first_look(address: str) -> tuple[Location, Sequence[Entry]] | None:
    """The folder of an address as typed (empty: the working folder) with its first entries; None
    when it may not lie on this disk, or cannot be listed."""
    if address and not address.startswith(_PATHS):
        return None
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, importlib.import_module, "cloudtui.services.local.storage")
    from cloudtui.services.addresses import local_location
    from cloudtui.services.local.storage import LocalStorage

    disk = LocalStorage()
    try:
        at = local_location(address or ".")
        async for page in disk.scan(at):
            return at, page
    except (CloudError, OSError):
        return None
    finally:
        await disk.close()
    return None
