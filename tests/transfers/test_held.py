"""Between two services without a digest in common: small files are held in memory for it, larger
ones in the spool folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtui.services.models import HashType
from cloudtui.services.transfers.exchange import BUFFER
from cloudtui.services.transfers.orders import JobState
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.engine_rig import Rig, cloud, order, random_bytes
from tests.transfers.memory_storage import CLOUD, MemoryStorage, without

LIMIT = 4 * BUFFER


@pytest.fixture
def far() -> Iterator[ByteServer]:
    """Serves the source alone, so that its faults meet nothing else."""
    with ByteServer(tls=False) as server:
        yield server


@pytest.fixture
def near() -> Iterator[ByteServer]:
    """Takes the parts."""
    with ByteServer(tls=False) as server:
        yield server


@pytest.fixture
def clouds(far: ByteServer, near: ByteServer) -> dict[str, MemoryStorage]:
    caps = without(CLOUD, upload_hash=HashType.GCID, holds_in_memory=LIMIT)
    return {
        "alpha": MemoryStorage("alpha", far, CLOUD),
        "beta": MemoryStorage("beta", near, caps, part_size=2 * BUFFER - 5_000),
    }


WISH = order(cloud("/from"), cloud("/to", "beta"))


@pytest.mark.parametrize(("size", "on_disk"), [(0, False), (LIMIT, False), (LIMIT + 1, True)])
async def test_the_size_decides(
    clouds: dict[str, MemoryStorage], tmp_path: Path, size: int, on_disk: bool
) -> None:
    content = random_bytes(size)
    clouds["alpha"].put("/from/file", content)
    async with Rig(tmp_path / "home", clouds=clouds) as rig:
        view = await rig.run(WISH)
        assert (view.state, view.bytes_done) == (JobState.DONE, size)
        assert clouds["beta"].tree("/to/from") == {"file": content}
        # the folder comes with the first file in it
        assert rig.paths.spool_dir.exists() == on_disk


async def test_both_steps_are_told(clouds: dict[str, MemoryStorage], tmp_path: Path) -> None:
    stall = Fault("stall", "PUT")
    clouds["alpha"].put("/from/file", random_bytes(LIMIT))
    clouds["beta"].server.plan(stall)
    async with Rig(tmp_path / "home", clouds=clouds) as rig:
        job = await rig.engine.submit(WISH)
        await asyncio.to_thread(stall.reached.wait, 30)
        await rig.until(lambda: _says(rig, job).startswith("down 100 %, up "))
        stall.go.set()
        assert (await rig.wait(job)).state is JobState.DONE


def _says(rig: Rig, job: str) -> str:
    return rig.items(job)["file"].message


CUT = Fault("cut", after=BUFFER + 5_000)


@pytest.mark.parametrize(
    "faults",
    [
        [CUT, CUT, CUT],
        [Fault("reset-before")],
        [Fault("status", status=403), Fault("status", status=503)],
        [CUT, Fault("ignore-range"), CUT, Fault("ignore-range")],
    ],
    ids=["cut", "reset", "stale", "no ranges"],
)
async def test_what_breaks_goes_on(
    clouds: dict[str, MemoryStorage], far: ByteServer, tmp_path: Path, faults: list[Fault]
) -> None:
    content = random_bytes(LIMIT)
    clouds["alpha"].put("/from/file", content)
    far.plan(*(Fault(each.kind, after=each.after, status=each.status) for each in faults))
    async with Rig(tmp_path / "home", clouds=clouds) as rig:
        view = await rig.run(WISH)
        assert (view.state, view.bytes_done) == (JobState.DONE, LIMIT)
        assert not rig.paths.spool_dir.exists()
    assert clouds["beta"].tree("/to/from") == {"file": content}
    assert not far.faults


@pytest.mark.parametrize("times", [1, 3])
async def test_what_the_source_spoilt_is_fetched_again(
    clouds: dict[str, MemoryStorage], far: ByteServer, tmp_path: Path, times: int
) -> None:
    content = random_bytes(LIMIT)
    clouds["alpha"].put("/from/file", content)
    far.plan(*(Fault("corrupt") for _ in range(times)))
    async with Rig(tmp_path / "home", clouds=clouds) as rig:
        job = await rig.engine.submit(WISH)
        view = await rig.wait(job)
        spoilt = times == 3
        assert view.files_failed == spoilt
        assert spoilt == ("not what it says" in _says(rig, job))
    assert clouds["beta"].tree("/to/from") == ({} if spoilt else {"file": content})
    assert clouds["beta"].uploads == {}


async def test_parts_that_arrived_are_not_sent_again(
    clouds: dict[str, MemoryStorage], near: ByteServer, tmp_path: Path
) -> None:
    """A pause loses the memory, and nothing else."""
    content = random_bytes(LIMIT)
    clouds["alpha"].put("/from/file", content)
    stall = Fault("stall", "PUT")
    near.plan(Fault("none", "PUT"), Fault("none", "PUT"), stall)
    async with Rig(tmp_path / "home", clouds=clouds) as rig:
        job = await rig.engine.submit(WISH)
        await asyncio.to_thread(stall.reached.wait, 30)
        await rig.until(lambda: len(near.stored) == 2)
        await rig.engine.pause(job)
        await rig.engine.resume(job)
        assert (await rig.wait(job)).state is JobState.DONE
        assert not rig.paths.spool_dir.exists()
    stall.go.set()
    assert clouds["beta"].tree("/to/from") == {"file": content}
    assert len(near.requests("PUT")) == 4


async def test_what_was_begun_on_disk_goes_on_there(
    clouds: dict[str, MemoryStorage], far: ByteServer, tmp_path: Path
) -> None:
    """The limit was lower when it was begun."""
    content = random_bytes(LIMIT)
    clouds["alpha"].put("/from/file", content)
    beta = clouds["beta"]
    roomy, beta.caps = beta.caps, without(beta.caps, holds_in_memory=0)
    stall = Fault("stall", after=2 * BUFFER)
    far.plan(stall)
    async with Rig(tmp_path / "home", clouds=clouds) as rig:
        job = await rig.engine.submit(WISH)
        await asyncio.to_thread(stall.reached.wait, 30)
        await rig.until(lambda: rig.engine.view(job).bytes_done == BUFFER)  # two steps: half
        await rig.engine.pause(job)
        beta.caps = roomy
        before = far.served
        await rig.engine.resume(job)
        assert (await rig.wait(job)).state is JobState.DONE
        assert list(rig.paths.spool_dir.iterdir()) == []
    stall.go.set()
    assert clouds["beta"].tree("/to/from") == {"file": content}
    assert far.served - before == LIMIT - 2 * BUFFER
