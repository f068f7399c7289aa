"""One piece of work in a process of its own, which a failpoint may kill.

`python -m tests.pcloud.crash_child WORK URL HOME`, the token in TEST_TOKEN.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from cloudtui.services.models import Found, Location, Secret
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.rig import place

ROOT = Location("pc")


async def top(storage: PCloudStorage) -> list[Found]:
    """Everything at the top."""
    return [Found.of(ROOT, entry) async for page in storage.scan(ROOT) for entry in page]


async def trash(storage: PCloudStorage, _home: Path) -> None:
    """Delete everything at the top."""
    await storage.trash(await top(storage))


async def restore(storage: PCloudStorage, _home: Path) -> None:
    """Take everything back."""
    await storage.restore([item async for page in storage.scan_trash() for item in page])


async def forget(storage: PCloudStorage, _home: Path) -> None:
    """Delete everything in the trash, piece by piece."""
    await storage.delete_forever([item async for page in storage.scan_trash() for item in page])


async def empty(storage: PCloudStorage, _home: Path) -> None:
    """Empty the trash."""
    await storage.empty_trash()


WORKS = {work.__name__: work for work in (trash, restore, forget, empty)}


async def main(work: str, url: str, home: Path) -> None:
    """Do it."""
    token = Secret(os.environ["TEST_TOKEN"])
    storage = await place(home, url, token=token)
    try:
        await WORKS[work](storage, home)
    finally:
        await storage.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
