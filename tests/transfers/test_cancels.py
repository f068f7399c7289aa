"""Cancelled at any moment over TLS: what lies on the disk is the source's, with holes at most."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trustme

from cloudtui.services.network import Network
from cloudtui.services.transfers.orders import JobState
from tests.transfers.byte_server import ByteServer
from tests.transfers.engine_rig import Rig, cloud, disk, order, tree

MOMENTS = 50
NO_HOLE = bytes(range(1, 256))
"""No source here has a zero byte, so a zero on the disk is a hole."""

SIZES = {"large": 5_000_001, "middle": 900_000, "small": 70_000, "tiny": 10}
TOTAL = sum(SIZES.values())


def sources(rng: random.Random) -> dict[str, bytes]:
    """Files that resemble neither one another nor a TLS record."""
    return {
        name: bytes(rng.choices(NO_HOLE, k=4099)) * (size // 4099 + 1)
        for name, size in SIZES.items()
    }


@pytest.fixture
def web(authority: trustme.CA) -> Iterator[ByteServer]:
    with ByteServer(authority=authority) as server:
        yield server


@pytest.fixture
async def rig(tmp_path: Path, web: ByteServer, trusted: Path) -> AsyncIterator[Rig]:
    async with Rig(
        tmp_path / "home", web, network=Network(ca_file=str(trusted), environ={})
    ) as rig:
        yield rig


def foreign(part: bytes, source: bytes) -> int | None:
    """Where something begins that is neither the source's nor a hole; None: nowhere."""
    if len(part) > len(source):
        return len(source)
    for run in re.finditer(rb"[^\0]+", part):
        if run[0] != source[run.start() : run.end()]:
            return run.start()
    return None


async def test_no_part_holds_foreign_bytes(rig: Rig, web: ByteServer, tmp_path: Path) -> None:
    rng = random.Random(7)
    files = {name: data[: SIZES[name]] for name, data in sources(rng).items()}
    for name, data in files.items():
        rig.alpha.put(f"/from/{name}", data)
    halves = 0
    for moment in range(MOMENTS):
        target = tmp_path / f"to-{moment}"
        moment_came = web.served_more(rng.randrange(TOTAL))
        job = await rig.engine.submit(order(cloud("/from"), disk(target), contents=True))
        assert await asyncio.to_thread(moment_came.wait, 60)
        if moment % 2:
            await rig.engine.pause(job)
        else:
            await rig.engine.cancel(job, keep_parts=True)
        for name, held in tree(target).items() if target.exists() else ():
            assert held is not None
            source = files[name.removeprefix(".").partition(".")[0]]
            if name.endswith(".cloudtui-part"):
                halves += 1
                at = foreign(held, source)
                assert at is None, f"moment {moment}: {name} holds something else at {at}"
            else:
                assert held == source, f"moment {moment}: {name} is not whole"
        if moment % 10:
            continue
        # whatever was kept is good for going on with
        state = rig.engine.view(job).state
        if state is JobState.PAUSED:
            await rig.engine.resume(job)
        elif state is JobState.CANCELLED:
            await rig.engine.retry(job)
        assert (await rig.wait(job)).state is JobState.DONE
        assert tree(target) == files
    assert halves >= MOMENTS // 2
