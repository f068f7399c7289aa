"""Reads of one account share a number of connections."""

from __future__ import annotations

import asyncio

import pytest

from cloudtui.services.errors import Interrupted
from cloudtui.services.transfers.pump import Pump
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.test_pump_read import DATA, Reader, ticket


async def test_an_account_reads_over_so_many_connections_and_no_more(
    server: ByteServer, pump: Pump
) -> None:
    stalls = [Fault("stall", after=1000) for _ in range(2)]
    server.plan(*stalls)
    limited = ticket(server, account_connections=2)
    held = [asyncio.create_task(Reader(pump).read(limited)) for _ in stalls]
    for stall in stalls:
        assert await asyncio.to_thread(stall.reached.wait, 60)
    third = asyncio.create_task(Reader(pump).read(limited))
    patient = Reader(pump)
    stopped = asyncio.create_task(patient.read(limited))
    for _ in range(5):
        assert await Reader(pump).read(ticket(server, account="two")) == DATA
    assert not third.done()
    patient.stop.set()
    with pytest.raises(Interrupted):
        await stopped
    for stall in stalls:
        stall.go.set()
    assert await third == DATA
    assert await asyncio.gather(*held) == [DATA, DATA]
    # every place is free again, the stopped one's included
    for _ in range(5):
        assert await Reader(pump).read(limited) == DATA
