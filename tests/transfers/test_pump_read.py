"""Ranged reads over TLS: what arrives, what is refused, what is kept after a failure."""

from __future__ import annotations

import asyncio
import os

import pytest
import trustme

from cloudtui.services.errors import (
    BadReply,
    Interrupted,
    Offline,
    Refused,
    Retry,
    ServerTrouble,
    TooMany,
)
from cloudtui.services.network import Network
from cloudtui.services.storage import ReadTicket
from cloudtui.services.transfers.answers import RangeIgnored, StaleLink
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.sinks import MemorySink
from cloudtui.services.transfers.stop import Stop
from tests.transfers.byte_server import ByteServer, Fault

DATA = os.urandom(1_500_000)


def ticket(server: ByteServer, **changes: object) -> ReadTicket:
    server.files.setdefault("/f", DATA)
    values: dict[str, object] = {
        "account": "one",
        "urls": (f"{server.url}/f",),
        "size": len(server.files["/f"]),
        "version": "v1",
        "headers": (("Authorization", "Bearer x"), ("X-Amz-Security-Token", "st")),
    }
    return ReadTicket(**{**values, **changes})  # type: ignore[arg-type]


class Reader:
    """One read and what came of it."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.meter = Meter()
        self.stop = Stop()
        self.sink = MemorySink(8 << 20)

    async def read(self, what: ReadTicket, offset: int = 0, length: int | None = None) -> bytes:
        self.sink = MemorySink(8 << 20)
        wanted = what.size - offset if length is None else length
        await self.pump.read_range(what, offset, wanted, self.sink, self.meter, self.stop)
        return self.sink.data


@pytest.fixture
def reader(pump: Pump) -> Reader:
    return Reader(pump)


async def test_reads_ranges_and_wholes(server: ByteServer, reader: Reader) -> None:
    assert await reader.read(ticket(server)) == DATA
    assert await reader.read(ticket(server), 777_777, 300_001) == DATA[777_777:1_077_778]
    whole, part = server.requests("GET")
    assert "range" not in whole.headers
    assert part.headers["range"] == "bytes=777777-1077777"
    assert part.headers["accept-encoding"] == "identity"
    assert part.headers["accept"] == "*/*"
    assert part.headers["authorization"] == "Bearer x"
    assert reader.meter.done == reader.meter.wired == len(DATA) + 300_001


async def test_a_connection_is_kept_but_not_for_another_account(
    server: ByteServer, reader: Reader
) -> None:
    for _ in range(3):
        await reader.read(ticket(server), 5, 10)
    assert server.connections == 1
    await reader.read(ticket(server, account="two"), 5, 10)
    assert server.connections == 2


async def test_a_dead_idle_connection_is_replaced_for_free(
    server: ByteServer, reader: Reader
) -> None:
    await reader.read(ticket(server), 5, 10)
    server.plan(Fault("reset-before"))
    assert await reader.read(ticket(server), 5, 10) == DATA[5:15]
    server.hang_up()
    assert await reader.read(ticket(server), 5, 10) == DATA[5:15]


@pytest.mark.parametrize("kind", ["chunked", "no-length"])
async def test_other_framings(server: ByteServer, reader: Reader, kind: str) -> None:
    server.plan(Fault(kind))
    assert await reader.read(ticket(server), 10, 200_000) == DATA[10:200_010]
    assert await reader.read(ticket(server), 10, 20) == DATA[10:30]


async def test_a_cut_body_is_an_error_and_what_came_stays(
    server: ByteServer, reader: Reader
) -> None:
    server.plan(Fault("cut", after=600_000))
    with pytest.raises(Offline) as caught:
        await reader.read(ticket(server))
    assert caught.value.retry is Retry.SOON
    assert reader.sink.data == DATA[: reader.sink.received]
    assert 262_144 <= reader.sink.received <= 600_000
    assert reader.meter.done == reader.sink.received


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, TooMany), (500, ServerTrouble), (502, ServerTrouble), (418, Refused)],
)
async def test_statuses(
    server: ByteServer, reader: Reader, status: int, error: type[Exception]
) -> None:
    server.plan(Fault("status", status=status, headers=(("Retry-After", "7"),)))
    with pytest.raises(error) as caught:
        await reader.read(ticket(server))
    if status != 418:
        assert caught.value.after == 7.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [401, 403, 404, 406, 410, 416, 503])
async def test_statuses_that_a_fresh_link_may_cure(
    server: ByteServer, reader: Reader, status: int
) -> None:
    server.plan(Fault("status", status=status))
    with pytest.raises(StaleLink):
        await reader.read(ticket(server))


async def test_an_ignored_range_is_told_before_anything_is_written(
    server: ByteServer, reader: Reader
) -> None:
    server.plan(Fault("ignore-range"))
    with pytest.raises(RangeIgnored):
        await reader.read(ticket(server), 100, 200)
    assert reader.sink.received == 0


async def test_answers_that_contradict_the_request(server: ByteServer, reader: Reader) -> None:
    server.plan(Fault("wrong-range"))
    with pytest.raises(BadReply):
        await reader.read(ticket(server), 100, 200)
    with pytest.raises(BadReply):
        await reader.read(ticket(server, size=len(DATA) + 1))
    with pytest.raises(BadReply):
        await reader.read(ticket(server, size=len(DATA) - 1), 0, 100)
    assert reader.sink.received == 0


async def test_redirects_keep_the_token_at_home(
    server: ByteServer, reader: Reader, authority: trustme.CA
) -> None:
    with ByteServer(authority=authority) as other:
        other.files["/g"] = DATA
        server.plan(
            Fault("redirect", status=302, location="/f?again"),
            Fault("redirect", status=307, location=f"{other.url}/g"),
        )
        assert await reader.read(ticket(server), 3, 9) == DATA[3:12]
        assert [each.headers.get("authorization") for each in server.seen] == ["Bearer x"] * 2
        assert [each.headers.get("x-amz-security-token") for each in server.seen] == ["st"] * 2
        assert [each.headers.get("authorization") for each in other.seen] == [None]
        assert [each.headers.get("x-amz-security-token") for each in other.seen] == [None]
        assert other.seen[0].headers["range"] == "bytes=3-11"
        assert other.seen[0].headers["host"] == f"127.0.0.1:{other.port}"


async def test_redirects_end(server: ByteServer, reader: Reader) -> None:
    server.plan(*(Fault("redirect", status=302, location="/f") for _ in range(6)))
    with pytest.raises(BadReply):
        await reader.read(ticket(server))
    assert len(server.seen) == 6


async def test_plain_http_is_spoken_with_this_machine_only(reader: Reader) -> None:
    where = ReadTicket("one", ("http://192.0.2.1/f",), 5, "v")
    with pytest.raises(Refused):
        await reader.read(where)


async def test_a_redirect_may_not_leave_encryption(server: ByteServer, reader: Reader) -> None:
    server.plan(Fault("redirect", status=302, location="http://192.0.2.1/f"))
    with pytest.raises(Refused):
        await reader.read(ticket(server))


async def test_the_next_address_is_tried(server: ByteServer, reader: Reader) -> None:
    with ByteServer(tls=False) as gone:
        dead = gone.url
    what = ticket(server)
    what = ticket(server, urls=(f"{dead}/f", *what.urls))
    assert await reader.read(what, 1, 2) == DATA[1:3]


async def test_an_unknown_authority_is_refused(server: ByteServer) -> None:
    pump = Pump(Network(environ={}, timeout=5.0))
    try:
        with pytest.raises(Offline) as caught:
            await Reader(pump).read(ticket(server))
        assert caught.value.retry is Retry.NEVER
        assert server.seen == []
    finally:
        pump.close()


async def test_a_silent_server_times_out(server: ByteServer, trusted: object) -> None:
    pump = Pump(Network(ca_file=str(trusted), environ={}, timeout=0.2))
    stall = Fault("stall", after=10)
    server.plan(stall)
    try:
        with pytest.raises(Offline):
            await Reader(pump).read(ticket(server))
    finally:
        stall.go.set()
        pump.close()


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_stop_and_cancel_wake_a_blocked_read(
    server: ByteServer, reader: Reader, how: str
) -> None:
    stall = Fault("stall", after=400_000)
    server.plan(stall)
    task = asyncio.create_task(reader.read(ticket(server)))
    await asyncio.to_thread(stall.reached.wait, 10)
    if how == "stop":
        reader.stop.set()
        with pytest.raises(Interrupted):
            await task
    else:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    received = reader.sink.received
    stall.go.set()
    assert reader.sink.data == DATA[:received]
    assert received <= 400_000


async def test_a_stop_before_the_connection_leaves_no_thread_behind(
    server: ByteServer, reader: Reader
) -> None:
    reader.stop.set()
    with pytest.raises(Interrupted):
        await reader.read(ticket(server))
    assert server.connections == 0
