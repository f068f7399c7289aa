"""The connections of an account are counted over all processes."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudtui.services.errors import Interrupted
from cloudtui.services.storage import ReadTicket
from cloudtui.services.transfers.rooms import Place, Rooms
from cloudtui.services.transfers.stop import Stop

COUNT = 4
TICKET = ReadTicket("one", ("https://files.example/f",), 1, "v1", account_connections=COUNT)
PATIENCE = 60.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "rooms"


def process(folder: Path | None) -> Rooms:
    """What one process has."""
    rooms = Rooms()
    if folder is not None:
        rooms.share(folder)
    return rooms


async def take(rooms: Rooms, stop: Stop | None = None) -> Place:
    async with asyncio.timeout(PATIENCE):
        return await rooms.take(TICKET, stop or Stop())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # locks tell nobody
            await asyncio.sleep(0)


def begin(rooms: Rooms, stop: Stop | None = None) -> asyncio.Task[Place]:
    return asyncio.create_task(take(rooms, stop))


async def test_two_processes_have_no_more_than_one(folder: Path) -> None:
    one, two = process(folder), process(folder)
    held = [await take(one) for _ in range(COUNT)]
    waiting = begin(two)
    alone = await take(process(None))  # knows of nobody
    assert not (await asyncio.wait({waiting}, timeout=0))[0]
    held.pop().give_back()
    (await waiting).give_back()
    alone.give_back()
    again = [await take(two) for _ in range(COUNT - len(held))]
    for place in (*held, *again):
        place.give_back()
    for place in [await take(two) for _ in range(COUNT)]:
        place.give_back()
        place.give_back()  # once is meant


async def test_who_has_much_to_read_leaves_others_their_share(folder: Path) -> None:
    greedy, modest = process(folder), process(folder)
    held = [await take(greedy) for _ in range(COUNT)]
    queue = [begin(greedy) for _ in range(20)]
    other = begin(modest)
    room = greedy._rooms["one"]
    await until(lambda: room._share == COUNT // 2)
    held.pop().give_back()
    place = await other
    assert not any(task.done() for task in queue)
    place.give_back()
    # nobody else reads any more: all of them are its own again
    for each in held:
        each.give_back()
    taken: list[Place] = []
    for task in queue:
        taken.append(await task)
        if len(taken) == COUNT:
            assert room._share == COUNT
            for each in taken:
                each.give_back()
            taken.clear()


async def test_whoever_is_stopped_or_cancelled_leaves_the_queue(folder: Path) -> None:
    rooms = process(folder)
    held = [await take(rooms) for _ in range(COUNT)]
    stop = Stop()
    stopped, cancelled, patient = begin(rooms, stop), begin(rooms), begin(rooms)
    await asyncio.wait({patient}, timeout=0)
    stop.set()
    cancelled.cancel()
    with pytest.raises(Interrupted):
        await stopped
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    held.pop().give_back()
    held.append(await patient)
    for place in held:
        place.give_back()
    assert len([await take(rooms) for _ in range(COUNT)]) == COUNT


HOLDER = """
import asyncio, sys
from pathlib import Path
from tests.transfers.test_rooms import COUNT, process, take

async def main():
    rooms = process(Path(sys.argv[1]))
    places = [await take(rooms) for _ in range(COUNT)]
    print("held", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


def holding(folder: Path) -> subprocess.Popen[bytes]:
    """Another process that takes every place."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )


async def test_a_killed_process_frees_its_places(folder: Path) -> None:
    holder = holding(folder)
    try:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
        rooms = process(folder)
        waiting = begin(rooms)
        assert not (await asyncio.wait({waiting}, timeout=0))[0]
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    places = [await waiting, *[await take(rooms) for _ in range(COUNT - 1)]]
    assert len(places) == COUNT


async def test_a_folder_that_cannot_be_written_holds_nobody_up(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder")
    rooms = process(in_the_way / "rooms")
    held = [await take(rooms) for _ in range(COUNT)]
    waiting = begin(rooms)
    assert not (await asyncio.wait({waiting}, timeout=0))[0]
    held[0].give_back()
    (await waiting).give_back()
