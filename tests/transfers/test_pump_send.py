"""Sending parts over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from pathlib import Path

import pytest
import trustme

from cloudtui.services.errors import Interrupted, Offline, Retry, SourceChanged
from cloudtui.services.storage import PartReply, PartRequest
from cloudtui.services.transfers.bodies import BytesBody, FileBody, WatchedBody
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.stop import Stop
from tests.transfers.byte_server import ByteServer, Fault

DATA = os.urandom(3_000_000)


def put(server: ByteServer, length: int, **changes: object) -> PartRequest:
    values: dict[str, object] = {
        "account": "one",
        "method": "PUT",
        "url": f"{server.url}/up",
        "headers": (("Content-Type", "x/y"), ("accept", "q/r")),
        "offset": 0,
        "length": length,
    }
    return PartRequest(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, 60_000, 3_000_000])
async def test_bytes_arrive_framed(server: ByteServer, pump: Pump, size: int) -> None:
    meter = Meter()
    request = put(server, size, head=b"<<", tail=b">>")
    reply = await pump.send(request, BytesBody(DATA[:size]), meter, Stop())
    assert (reply.status, reply.body) == (200, b"{}")
    assert server.stored["/up"] == b"<<" + DATA[:size] + b">>"
    seen = server.seen[0]
    assert seen.headers["content-length"] == str(size + 4)
    assert seen.headers["accept"] == "q/r"
    assert "transfer-encoding" not in seen.headers
    assert meter.done == size


async def test_a_part_of_a_file(server: ByteServer, pump: Pump, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(DATA)
    fd = os.open(path, os.O_RDONLY)
    seen: list[int] = []
    try:
        body = WatchedBody(FileBody(fd, 1_000, 900_000), lambda _, view: seen.append(len(view)))
        await pump.send(put(server, 900_000), body, Meter(), Stop())
        assert server.stored["/up"] == DATA[1_000:901_000]
        assert sum(seen) == 900_000
        short = FileBody(fd, 2_900_000, 200_000)
        with pytest.raises(SourceChanged):
            await pump.send(put(server, 200_000), short, Meter(), Stop())
    finally:
        os.close(fd)


async def test_a_lost_answer_is_told_apart(server: ByteServer, pump: Pump) -> None:
    meter = Meter()
    server.plan(Fault("reset-after", "PUT"))
    with pytest.raises(Offline) as caught:
        await pump.send(put(server, 9), BytesBody(b"123456789"), meter, Stop())
    assert caught.value.retry is Retry.RECONCILE
    assert meter.done == 0
    assert server.stored["/up"] == b"123456789"


async def test_no_server_is_no_lost_answer(pump: Pump) -> None:
    with ByteServer(tls=False) as gone:
        pass
    with pytest.raises(Offline) as caught:
        await pump.send(put(gone, 1), BytesBody(b"1"), Meter(), Stop())
    assert caught.value.retry is Retry.SOON


async def test_a_whole_request_on_a_dead_idle_connection_is_not_repeated(
    server: ByteServer, pump: Pump
) -> None:
    await pump.send(put(server, 1), BytesBody(b"1"), Meter(), Stop())
    server.plan(Fault("reset-after", "PUT"))
    with pytest.raises(Offline) as caught:
        await pump.send(put(server, 1), BytesBody(b"2"), Meter(), Stop())
    assert caught.value.retry is Retry.RECONCILE
    assert len(server.seen) == 2


async def test_an_answer_before_the_body_is_heard(server: ByteServer, pump: Pump) -> None:
    server.plan(Fault("early", "PUT", status=413))
    reply: PartReply | None = None
    # The reset may overtake the answer: then it is a failure that may be repeated.
    with contextlib.suppress(Offline):
        reply = await pump.send(put(server, len(DATA)), BytesBody(DATA), Meter(), Stop())
    assert reply is None or reply.status == 413
    assert "/up" not in server.stored


async def test_a_temporary_redirect_sends_the_body_again(
    server: ByteServer, pump: Pump, authority: trustme.CA
) -> None:
    with ByteServer(authority=authority) as other:
        server.plan(Fault("redirect", "PUT", status=307, location=f"{other.url}/there"))
        meter = Meter()
        await pump.send(put(server, len(DATA)), BytesBody(DATA), meter, Stop())
        assert other.stored["/there"] == DATA
        assert meter.done == len(DATA)


async def test_stop_ends_a_send(server: ByteServer, pump: Pump) -> None:
    stop = Stop()
    reached, go = threading.Event(), threading.Event()

    def watch(at: int, view: memoryview) -> None:
        reached.set()
        go.wait(100)

    body = WatchedBody(BytesBody(DATA), watch)
    meter = Meter()
    task = asyncio.create_task(pump.send(put(server, len(DATA)), body, meter, stop))
    await asyncio.to_thread(reached.wait, 10)
    stop.set()
    go.set()
    with pytest.raises(Interrupted):
        await task
    assert "/up" not in server.stored
    assert meter.done == 0
