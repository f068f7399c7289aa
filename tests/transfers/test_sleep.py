"""A laptop that slept: connections are dead without having said so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cloudtui.services.awake import SLEPT, Awake
from cloudtui.services.network import Network
from cloudtui.services.storage import ReadTicket
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.orders import JobState
from cloudtui.services.transfers.pool import IDLE_SECONDS, ConnectionPool
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.sinks import MemorySink
from cloudtui.services.transfers.stop import Stop
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.engine_rig import Rig, cloud, disk, order, plant, random_bytes
from tests.transfers.memory_storage import CLOUD, MemoryStorage

SIZE = 300_000


class Clock:
    """A clock that jumps when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def plain() -> Iterator[ByteServer]:
    with ByteServer(tls=False) as server:
        yield server


def clouds(server: ByteServer) -> dict[str, MemoryStorage]:
    return {"alpha": MemoryStorage("alpha", server, CLOUD)}


@pytest.mark.parametrize("way", ["down", "up"])
async def test_what_was_under_way_goes_on_at_once(
    plain: ByteServer, tmp_path: Path, way: str
) -> None:
    """More sleeps than there are tries: none of them counts, and nobody waits for a time-out."""
    clock = Clock()
    data = random_bytes(SIZE)
    method = "GET" if way == "down" else "PUT"
    faults = [Fault("stall", method=method, after=1_000) for _ in range(4)]
    plain.faults.extend(faults)
    made = clouds(plain)
    if way == "down":
        made["alpha"].put("/from/f", data)
        wish = order(cloud("/from"), disk(tmp_path / "out"))
    else:
        wish = order(disk(plant(tmp_path / "from", {"f": data})), cloud("/out"))
    network = Network(timeout=600.0, environ={})
    async with Rig(tmp_path / "home", clouds=made, network=network, awake=Awake(clock)) as rig:
        job = await rig.engine.submit(wish)
        for fault in faults:
            await rig.until(fault.reached.is_set)
            clock.now += SLEPT + 1
        done = await rig.wait(job)
        assert (done.state, done.message) == (JobState.DONE, "")
    if way == "down":
        (there,) = (tmp_path / "out").rglob("f")
        assert there.read_bytes() == data
    else:
        assert made["alpha"].tree("/out")["from/f"] == data


async def test_a_short_look_away_breaks_nothing(plain: ByteServer, tmp_path: Path) -> None:
    clock = Clock()
    fault = Fault("stall", after=1_000)
    plain.faults.append(fault)
    made = clouds(plain)
    made["alpha"].put("/from/f", random_bytes(SIZE))
    async with Rig(tmp_path / "home", clouds=made, awake=Awake(clock)) as rig:
        job = await rig.engine.submit(order(cloud("/from"), disk(tmp_path / "out")))
        await rig.until(fault.reached.is_set)
        clock.now += SLEPT - 1
        fault.go.set()
        assert (await rig.wait(job)).state is JobState.DONE
    assert len([each for each in plain.seen if each.method == "GET"]) == 1


async def test_a_lost_connection_is_tried_again_on_waking(
    plain: ByteServer, tmp_path: Path
) -> None:
    """A job that stands because nothing could be reached does not wait another half minute."""
    clock = Clock()
    made = clouds(plain)
    for number in range(4):
        made["alpha"].put(f"/from/f{number}", b"x" * 10)
    plain.faults.extend(Fault("reset-before") for _ in range(200))
    async with Rig(tmp_path / "home", clouds=made, awake=Awake(clock)) as rig:
        job = await rig.engine.submit(order(cloud("/from"), disk(tmp_path / "out")))
        stands = await rig.wait(job)
        assert (stands.state, stands.files_failed) == (JobState.PAUSED, 0)
        plain.faults.clear()
        clock.now += SLEPT + 1
        await rig.until(lambda: rig.engine.view(job).state.is_final)
        assert rig.engine.view(job).state is JobState.DONE


async def test_an_idle_connection_ages_while_the_machine_sleeps(plain: ByteServer) -> None:
    clock = Clock()
    network = Network(timeout=5.0, environ={})
    pump = Pump(network)
    pump._pool = pump._exchanger._pool = ConnectionPool(clock=clock)
    plain.files["/f"] = b"hello"
    ticket = ReadTicket("alpha", (f"{plain.url}/f",), 5, "v1")
    try:
        for jump, connections in ((0.0, 1), (0.0, 1), (IDLE_SECONDS + 1, 2)):
            clock.now += jump
            sink = MemorySink(10)
            await pump.read_range(ticket, 0, 5, sink, Meter(), Stop())
            assert sink.data == b"hello"
            assert plain.connections == connections
    finally:
        pump.close()


async def test_a_call_under_way_ends_on_waking() -> None:
    """The answer to it will never come."""
    network = Network(timeout=600.0, environ={})
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, network.client() as client:
        call = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/"))
        await asked.wait()
        network.wake()
        with pytest.raises(httpx.TransportError):
            await call
