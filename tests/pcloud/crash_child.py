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
from tests.pcloud.rig import facts, place, remote, send

ROOT = Location("pc")
SMALL = b"a small file" * 100
LARGE = bytes(range(256)) * 800
OPTIONS = {"upload_cutoff": 100_000, "chunk_size": 65_536}


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


async def write(storage: PCloudStorage, home: Path, data: bytes) -> None:
    """Upload as the engine does: what was begun is written down before anything is sent."""
    state, told = home / "state", facts(data)
    if state.exists():
        handle = remote(await storage.reopen_write(state.read_bytes()))
    else:
        handle = remote(await storage.open_write(ROOT, "up", told, replace=None, job="job"))
        state.write_bytes(handle.state())
    receipts = await handle.probe() if handle.resumable or not handle.instant else []
    step = handle.part_size or len(data)
    offset = sum(receipt.length for receipt in receipts)
    while offset < len(data):
        length = min(step, len(data) - offset)
        request = await handle.part_request(len(receipts), offset, length)
        receipts.append(handle.receipt(request, len(receipts), await send(request, data)))
        offset += length
    await handle.finish(receipts, told)


async def small(storage: PCloudStorage, home: Path) -> None:
    """Upload by one PUT."""
    await write(storage, home, SMALL)


async def large(storage: PCloudStorage, home: Path) -> None:
    """Upload by a session."""
    await write(storage, home, LARGE)


WORKS = {work.__name__: work for work in (trash, restore, forget, empty, small, large)}


async def main(work: str, url: str, home: Path) -> None:
    """Do it."""
    token = Secret(os.environ["TEST_TOKEN"])
    storage = await place(home, url, token=token, options=OPTIONS)
    try:
        await WORKS[work](storage, home)
    finally:
        await storage.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
