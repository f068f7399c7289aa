"""Bandwidth, counting, stopping, threads, the pool: the small parts of the pump."""

from __future__ import annotations

import ast
import asyncio
import socket
import threading
from pathlib import Path

import pytest

import cloudtui
from cloudtui.services.errors import Interrupted
from cloudtui.services.transfers.bandwidth import Bandwidth
from cloudtui.services.transfers.connection import Connection
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.origin import Origin, target_of
from cloudtui.services.transfers.pool import ConnectionPool
from cloudtui.services.transfers.stop import Flight, Stop
from cloudtui.services.transfers.threads import Threads, settled


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_bandwidth_holds_over_time() -> None:
    clock = Clock()
    bucket = Bandwidth(1_000, clock=clock)
    clock.now = 100.0
    moved = 0
    while clock.now < 110.0:
        moved += 100
        clock.now += bucket.take(100)
    assert 10_000 <= moved <= 10_400
    bucket.set_rate(None)
    assert bucket.take(10**9) == 0.0


def test_processes_share_the_users_limit(tmp_path: Path) -> None:
    """Two processes take turns on one clock; together they keep to the limit."""
    clock = Clock()
    clock.now = 50.0
    mine, other = Bandwidth(1_000, clock=clock), Bandwidth(1_000, clock=clock)
    for each in (mine, other):
        each.share(tmp_path / "bandwidth")
    moved = 0
    free = {mine: 50.0, other: 50.0}
    while clock.now < 60.0:
        for each, at in free.items():
            if at <= clock.now:
                moved += 100
                free[each] = clock.now + each.take(100)
        clock.now = max(clock.now, min(free.values()))
    assert 10_000 <= moved <= 10_600
    mine.set_rate(None)
    assert mine.take(10**9) == 0.0  # who has no limit takes nothing from the others
    assert other.take(1) < 1.0
    clock.now = 1.0  # the machine was started anew
    assert Bandwidth(1_000, clock=clock).take(100) == pytest.approx(0.1)
    again = Bandwidth(1_000, clock=clock)
    again.share(tmp_path / "bandwidth")
    assert again.take(100) == pytest.approx(0.1)


def test_pieces_shrink_under_a_limit() -> None:
    assert Bandwidth(None).piece(262_144) == 262_144
    assert Bandwidth(100_000).piece(262_144) == 10_000
    assert Bandwidth(1).piece(262_144) == 4_096


def test_no_count_is_lost_between_threads() -> None:
    meter = Meter(done=5)

    def count() -> None:
        lane = meter.open()
        for _ in range(20_000):
            lane.done += 1
            lane.wired += 2
        meter.close(lane)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (meter.done, meter.wired) == (80_005, 160_000)
    lane = meter.open()
    lane.done += 7
    assert meter.done == 80_012
    meter.close(lane, keep=False)
    assert meter.done == 80_005


def test_a_set_stop_takes_no_new_flights() -> None:
    stop = Stop()
    calls: list[str] = []
    stop.on_set(lambda: calls.append("a"))
    undo = stop.on_set(lambda: calls.append("b"))
    undo()
    stop.set()
    stop.set()
    stop.on_set(lambda: calls.append("late"))
    assert calls == ["a", "late"]
    with pytest.raises(Interrupted):
        stop.open()
    with pytest.raises(Interrupted):
        stop.check()


def test_a_flight_shuts_what_it_holds() -> None:
    one, other = socket.socketpair()
    released, far = socket.socketpair()
    flight = Flight()
    flight.hold(one)
    flight.hold(released)
    flight.release(released)
    assert flight.end()
    assert one.recv(1) == b""
    far.sendall(b"x")
    assert released.recv(1) == b"x"
    with pytest.raises(Interrupted):
        flight.hold(one)
    for each in (one, other, released, far):
        each.close()


def test_a_landed_flight_must_be_waited_for() -> None:
    flight = Flight()
    flight.land()
    assert not flight.end()


async def test_a_pause_ends_with_the_stop() -> None:
    stop = Stop()
    task = asyncio.create_task(stop.pause(600))
    asyncio.get_running_loop().call_soon(stop.set)
    with pytest.raises(Interrupted):
        await task
    await Stop().pause(0.001)


async def test_cancelled_work_is_waited_for_unless_it_says_otherwise() -> None:
    threads = Threads(2, "test")
    started, go = threading.Event(), threading.Event()
    ended: list[bool] = []

    def work() -> None:
        started.set()
        go.wait(100)
        ended.append(True)

    def on_cancel() -> bool:
        go.set()
        return False

    task = asyncio.create_task(threads.run(work, on_cancel))
    await asyncio.to_thread(started.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]
    started.clear()
    go.clear()
    task = asyncio.create_task(threads.run(work, lambda: True))
    await asyncio.to_thread(started.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]
    go.set()
    assert await threads.run(lambda: 7) == 7
    threads.close()
    with pytest.raises(RuntimeError):
        await threads.run(lambda: 7)


async def test_threads_keep_to_their_limit_and_are_daemons() -> None:
    threads = Threads(3, "test")
    names: set[str] = set()
    daemons: set[bool] = set()

    def work() -> None:
        names.add(str(threading.get_ident()))
        daemons.add(threading.current_thread().daemon)

    await asyncio.gather(*(threads.run(work) for _ in range(50)))
    threads.close()
    assert len(names) <= 3
    assert daemons == {True}


def test_idle_connections_grow_old() -> None:
    clock = Clock()
    pool = ConnectionPool(clock=clock)
    origin = Origin("https", "a", 443)
    near, far = socket.socketpair()
    connection = Connection(near, origin)
    pool.give("one", connection)
    assert pool.take("two", origin) is None
    assert pool.take("one", Origin("https", "a", 444)) is None
    assert pool.take("one", origin) is connection
    pool.give("one", connection)
    clock.now = 31.0
    assert pool.take("one", origin) is None
    assert far.recv(1) == b""
    far.close()


def test_an_idle_connection_that_spoke_is_dead() -> None:
    pool = ConnectionPool()
    origin = Origin("https", "a", 443)
    near, far = socket.socketpair()
    pool.give("one", Connection(near, origin))
    far.sendall(b"HTTP/1.1 408 Too slow\r\n\r\n")
    assert pool.take("one", origin) is None
    far.close()


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://a.b/c?d=e", "a.b", "/c?d=e"),
        ("https://a.b:8443", "a.b:8443", "/"),
        ("http://[::1]:80/ä b\r\n", "[::1]", "/%C3%A4%20b"),
    ],
)
def test_origins_and_targets(url: str, authority: str, target: str) -> None:
    assert Origin.of(url).authority == authority
    assert target_of(url) == target


def test_nobody_shuts_a_tls_socket_by_its_own_method() -> None:
    """`SSLSocket.shutdown` drops encryption before the reader is done: the reader would then get
    ciphertext as data. The one shutdown in the package is the base class's, in `stop.py`."""
    found = []
    root = Path(cloudtui.__file__).parent / "services"
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("shutdown", "unwrap")
                and path.parent.name == "transfers"
            ):
                found.append((path.name, ast.unparse(node)))
    sockets = [each for each in found if "pool" not in each[1]]
    assert sockets == [("stop.py", "socket.socket.shutdown")]


async def test_what_must_settle_is_waited_for_through_cancellations() -> None:
    threads = Threads(1, "test")
    started, go = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        go.wait(100)

    inner = asyncio.create_task(threads.run(work))
    task = asyncio.create_task(settled(inner))
    await asyncio.to_thread(started.wait, 10)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert inner.done()
    threads.close()


async def test_many_that_finish_together_are_all_told() -> None:
    threads = Threads(16, "test")
    results = await asyncio.gather(*(threads.run(lambda n=n: n) for n in range(2_000)))  # type: ignore[misc]
    assert results == list(range(2_000))
    threads.close()
