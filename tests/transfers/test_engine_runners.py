"""Several processes and one queue: who owns what, pausing, going on, taking over, clearing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cloudtui.services.errors import NotFound, Refused
from cloudtui.services.locks import is_locked
from cloudtui.services.transfers import ledger
from cloudtui.services.transfers.orders import JobState, Order, Verb
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.engine_rig import Rig, cloud, disk, order, plant, random_bytes, tree
from tests.transfers.memory_storage import CLOUD, MemoryStorage
from tests.transfers.test_journal import Box

BIG = random_bytes(9_000_000)


@contextlib.contextmanager
def stalled(web: ByteServer, after: int = 1000, method: str = "GET") -> Iterator[Fault]:
    """The next request of a method hangs until the block ends."""
    fault = Fault("stall", method, after=after)
    web.plan(fault)
    try:
        yield fault
    finally:
        fault.go.set()


async def stalling(rig: Rig, fault: Fault, wish: Order) -> str:
    """A job that is in the middle of a file."""
    job = await rig.engine.submit(wish)
    await rig.until(fault.reached.is_set)
    return job


async def test_a_paused_job_goes_on_where_it_stood(
    rig: Rig, web: ByteServer, tmp_path: Path
) -> None:
    rig.alpha.put("/from/big", BIG)
    with stalled(web) as fault:
        wish = order(cloud("/from"), disk(tmp_path / "dst"), contents=True)
        job = await stalling(rig, fault, wish)
        # the other ranges arrive; the stalled one is all that is missing
        await rig.until(lambda: rig.engine.view(job).bytes_done > 4_000_000)
        await rig.engine.pause(job)
        view = rig.engine.view(job)
        assert (view.state, view.mine, view.orphan) == (JobState.PAUSED, True, False)
        assert tree(tmp_path / "dst").keys() == {
            name for name in tree(tmp_path / "dst") if name.endswith(".cloudtui-part")
        }
    held, served = view.bytes_done, web.served
    await rig.engine.resume(job)
    end = await rig.wait(job)
    assert end.state is JobState.DONE
    assert tree(tmp_path / "dst") == {"big": BIG}
    assert web.served - served <= len(BIG) - held + 2 * 64 * 1024


async def test_an_upload_in_parts_goes_on_in_another_process(
    tmp_path: Path, web: ByteServer
) -> None:
    alpha = MemoryStorage("alpha", web, CLOUD, part_size=1_000_000)
    source = plant(tmp_path / "src", {"big": BIG})
    wish = order(disk(source), cloud("/to"), contents=True)
    alpha.fail["finish"] = deque([Refused("Not now.")])
    async with Rig(tmp_path / "home", clouds={"alpha": alpha}, sealer=Box(lasting=True)) as rig:
        failed = await rig.run(wish)
        assert failed.state is JobState.FAILED
        sent = len(web.requests("PUT"))
        assert sent == 9
    async with Rig(tmp_path / "home", clouds={"alpha": alpha}, sealer=Box(lasting=True)) as rig:
        await rig.engine.retry(failed.id)
        end = await rig.wait(failed.id)
        assert end.state is JobState.DONE
    assert alpha.tree("/to") == {"big": BIG}
    assert len(web.requests("PUT")) == sent
    journal = (tmp_path / "home" / "state" / "journal.sqlite").read_bytes()
    assert b'"u' not in journal


async def test_without_a_key_store_an_upload_starts_over_and_says_so(
    tmp_path: Path, web: ByteServer
) -> None:
    alpha = MemoryStorage("alpha", web, CLOUD, part_size=1_000_000)
    source = plant(tmp_path / "src", {"big": BIG})
    alpha.fail["finish"] = deque([Refused("Not now.")])
    async with Rig(tmp_path / "home", clouds={"alpha": alpha}) as rig:
        job = await rig.engine.submit(order(disk(source), cloud("/to"), contents=True))
        view = await rig.wait(job)
        assert view.state is JobState.FAILED
        rows = rig.engine.journal.look(ledger.jobs)
        assert rows[0].volatile
    async with Rig(tmp_path / "home", clouds={"alpha": alpha}) as rig:
        await rig.engine.retry(job)
        assert (await rig.wait(job)).state is JobState.DONE
    assert len(web.requests("PUT")) == 18
    assert alpha.tree("/to") == {"big": BIG}


async def test_a_changed_source_is_never_mixed_with_the_old_one(
    rig: Rig, web: ByteServer, tmp_path: Path
) -> None:
    node = rig.alpha.put("/from/big", BIG)
    with stalled(web) as fault:
        job = await stalling(rig, fault, order(cloud("/from"), disk(tmp_path), contents=True))
        await rig.engine.pause(job)
    newer = random_bytes(len(BIG))
    node.data, node.mtime_ns = newer, node.mtime_ns + 1
    web.files[f"/alpha/{node.id}"] = newer
    await rig.engine.resume(job)
    end = await rig.wait(job)
    assert end.state is JobState.DONE
    assert (tmp_path / "big").read_bytes() == newer
    assert "copied from the start" in rig.items(job)["big"].message
    assert not any(name.endswith("part") for name in tree(tmp_path))


@pytest.mark.parametrize("keep", [True, False])
async def test_cancelling_keeps_or_drops_the_part(
    rig: Rig, web: ByteServer, tmp_path: Path, *, keep: bool
) -> None:
    rig.alpha.put("/from/big", BIG)
    with stalled(web) as fault:
        wish = order(cloud("/from"), disk(tmp_path / "dst"), contents=True)
        job = await stalling(rig, fault, wish)
        await rig.engine.cancel(job, keep_parts=keep)
    assert rig.engine.view(job).state is JobState.CANCELLED
    parts = [name for name in tree(tmp_path / "dst") if name.endswith(".cloudtui-part")]
    assert bool(parts) == keep
    if keep:
        await rig.engine.retry(job)
        assert (await rig.wait(job)).state is JobState.DONE
        assert tree(tmp_path / "dst") == {"big": BIG}
    assert await rig.engine.clear() == 1
    assert rig.engine.views() == []


async def test_clearing_a_cancelled_job_removes_its_kept_part(
    rig: Rig, web: ByteServer, tmp_path: Path
) -> None:
    rig.alpha.put("/from/big", BIG)
    with stalled(web) as fault:
        job = await stalling(rig, fault, order(cloud("/from/big"), disk(tmp_path / "dst")))
        await rig.engine.cancel(job, keep_parts=True)
    assert await rig.engine.clear(job) == 1
    assert tree(tmp_path / "dst") == {}
    with pytest.raises(NotFound):
        await rig.engine.resume(job)


async def test_closing_is_quick_and_the_next_process_finishes(
    tmp_path: Path, web: ByteServer
) -> None:
    async with Rig(tmp_path / "home", web) as first:
        first.alpha.put("/from/big", BIG)
        clouds = first.clouds
        with stalled(web) as fault:
            wish = order(cloud("/from"), disk(tmp_path / "dst"))
            job = await stalling(first, fault, wish)
            began = time.monotonic()
            await first.engine.aclose()
            assert time.monotonic() - began < 20  # the read itself would hang for a minute
    async with Rig(tmp_path / "home", clouds=clouds) as second:
        (view,) = second.engine.views()
        assert (view.id, view.state, view.orphan) == (job, JobState.PAUSED, True)
        # the same order takes up its orphan, however fast it shall go now
        assert await second.engine.submit(replace(wish, bandwidth=1 << 30)) == job
        assert (await second.wait(job)).state is JobState.DONE
        assert tree(tmp_path / "dst") == {"from": None, "from/big": BIG}


async def test_working_the_queue_leaves_what_was_paused_on_purpose(
    tmp_path: Path, web: ByteServer
) -> None:
    source = plant(tmp_path / "src", {"a": b"1"})
    async with Rig(tmp_path / "home", web) as first:
        clouds = first.clouds
        paused = Order(Verb.COPY, order(disk(source), cloud("/paused")).sources, cloud("/p"),
                       paused=True)  # fmt: skip
        held = await first.engine.submit(paused)
        first.alpha.put("/from/big", BIG)
        with stalled(web) as fault:
            job = await stalling(first, fault, order(cloud("/from"), disk(tmp_path / "dst")))
            await first.engine.aclose()
    async with Rig(tmp_path / "home", clouds=clouds) as second:
        ended = await asyncio.wait_for(second.engine.run_queue(), 30)
        assert [(view.id, view.state) for view in ended] == [(job, JobState.DONE)]
        assert second.engine.view(held).state is JobState.PAUSED
        assert "p" not in clouds["alpha"].tree("")


async def test_two_jobs_at_once_and_the_third_waits(
    rig: Rig, web: ByteServer, tmp_path: Path
) -> None:
    for name in "abc":
        rig.alpha.put(f"/{name}/big", BIG)
    faults = [Fault("stall", after=10) for _ in range(12)]
    web.plan(*faults)
    try:
        jobs = [
            await rig.engine.submit(order(cloud(f"/{name}"), disk(tmp_path / "dst")))
            for name in "abc"
        ]
        await rig.until(lambda: rig.engine.view(jobs[1]).state is JobState.RUNNING)
        await rig.until(lambda: sum(fault.reached.is_set() for fault in faults) >= 2)
        states = [rig.engine.view(job).state for job in jobs]
        assert states == [JobState.RUNNING, JobState.RUNNING, JobState.WAITING]
    finally:
        for fault in faults:
            fault.go.set()
    for job in jobs:
        assert (await rig.wait(job)).state is JobState.DONE


# --- other processes ---------------------------------------------------------------------------

_OTHER = """
import asyncio, json, sys
from pathlib import Path
from tests.transfers.engine_rig import Rig, disk, order
from tests.transfers.byte_server import ByteServer
from tests.transfers.memory_storage import MemoryStorage

class Remote(MemoryStorage):
    "Reads a file that the parent's server holds."

async def main():
    home, url, target, size = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    with ByteServer(tls=False) as own:
        alpha = Remote("alpha", own)
        alpha.put("/from/big", b"x" * size)
        own.url = url
        async with Rig(home, clouds={"alpha": alpha}) as rig:
            from tests.transfers.engine_rig import cloud
            job = await rig.engine.submit(order(cloud("/from"), disk(target), contents=True))
            print(job, flush=True)
            view = await rig.engine.wait(job)
            print(json.dumps([view.state, view.message]), flush=True)

asyncio.run(main())
"""


def other(home: Path, web: ByteServer, target: Path) -> tuple[subprocess.Popen[str], str]:
    """Another process that copies a file of ours; its job."""
    web.files["/alpha/n2"] = b"x" * len(BIG)
    words = [sys.executable, "-c", _OTHER, str(home), web.url, str(target), str(len(BIG))]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


async def test_another_process_pauses_and_resumes_ours(
    rig: Rig, web: ByteServer, tmp_path: Path
) -> None:
    with stalled(web) as fault:
        process, job = await asyncio.to_thread(other, tmp_path / "home", web, tmp_path / "dst")
        await rig.until(fault.reached.is_set)
        await rig.until(lambda: rig.engine.view(job).state is JobState.RUNNING)
        view = rig.engine.view(job)
        assert (view.mine, view.orphan) == (False, False)
        with pytest.raises(Refused, match="Another cloudtui"):
            await rig.engine.adopt(job)
        await rig.engine.pause(job)
        await rig.until(lambda: rig.engine.view(job).state is JobState.PAUSED)
        assert not rig.engine.view(job).orphan
    await rig.engine.resume(job)
    out, _ = await asyncio.to_thread(process.communicate, timeout=30)
    assert json.loads(out) == ["done", ""]
    assert tree(tmp_path / "dst") == {"big": b"x" * len(BIG)}
    assert (await rig.wait(job)).state is JobState.DONE


async def test_a_killed_process_leaves_an_orphan_that_can_be_taken_at_once(
    rig: Rig, web: ByteServer, tmp_path: Path
) -> None:
    rig.alpha.put("/from/big", b"x" * len(BIG))
    mine = order(cloud("/from"), disk(tmp_path / "mine"))
    with stalled(web) as fault, stalled(web) as another:
        job = await stalling(rig, fault, mine)
        process, theirs = await asyncio.to_thread(other, tmp_path / "home", web, tmp_path / "dst")
        await rig.until(another.reached.is_set)
        process.kill()
        await asyncio.to_thread(process.wait)
        await rig.engine.adopt(theirs)  # its lock went with it: nobody waits, nobody asks again
        assert rig.engine.view(theirs).mine
        assert not rig.engine.view(job).orphan
    assert (await rig.wait(theirs)).state is JobState.DONE
    assert (await rig.wait(job)).state is JobState.DONE
    assert tree(tmp_path / "dst") == {"big": b"x" * len(BIG)}
    assert process.stdout is not None
    process.stdout.close()


async def test_dead_runners_are_swept(tmp_path: Path, web: ByteServer) -> None:
    async with Rig(tmp_path / "home", web) as rig:
        source = plant(tmp_path / "src", {"a": b"1"})
        await rig.run(order(disk(source), cloud("/to")))
        locks = list(rig.paths.runners_dir.iterdir())
        assert [is_locked(path) for path in locks] == [True]
        rig.engine.journal.run_blocking(lambda db: ledger.add_runner(db, "dead", 1, "here"))
    async with Rig(tmp_path / "home", web) as rig:
        await rig.engine.run_queue()
        rows = rig.engine.journal.look(ledger.runners)
        assert len(rows) == 1
        assert "dead" not in rows
    assert list(rig.paths.runners_dir.iterdir()) == []


async def test_a_move_that_was_done_when_its_process_was_killed_is_known(
    web: ByteServer, tmp_path: Path
) -> None:
    """Its sources are gone, so the same words would mean nothing any more."""
    home = tmp_path / "home"
    wish = order(disk(plant(tmp_path / "src", {"f": b"1"})), disk(tmp_path / "dst"), verb=Verb.MOVE)
    async with Rig(home, web) as one:
        job = (await one.run(wish)).id
        marked = one.engine._runner.id

        def died(db: sqlite3.Connection) -> None:
            db.execute("UPDATE jobs SET runner = ?", (marked,))

        assert await one.engine.ended_unseen([wish]) is None  # its process lives
    async with Rig(home, web) as other:
        assert await other.engine.ended_unseen([wish]) is None  # it could tell
        await other.engine.journal.run(died)
        await other.engine.journal.run(lambda db: ledger.add_runner(db, marked, 1, "here"))
        await other.engine.run_queue()  # sweeps dead runners off their jobs
        assert await other.engine.ended_unseen([replace(wish, verb=Verb.COPY)]) is None
        assert await other.engine.ended_unseen([wish]) == job
        assert (await other.wait(job)).state is JobState.DONE
    async with Rig(home, web) as last:
        assert await last.engine.ended_unseen([wish]) is None  # told now
