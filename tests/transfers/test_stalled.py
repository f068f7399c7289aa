"""A job through which no byte comes says so, in seconds, and only while that is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudtui.services.transfers import gauge
from cloudtui.services.transfers.gauge import Gauge
from cloudtui.services.transfers.orders import JobState
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.engine_rig import Rig, cloud, disk, order


def test_ten_seconds_without_a_byte_are_told_until_the_next_byte() -> None:
    samples = Gauge()
    told = []
    for second in range(15):
        samples.sample(float(second), min(second, 2) * 1000)
        told.append(samples.stalled())
    assert told == [0] * 12 + [10, 11, 12]
    samples.sample(15.5, 2001)
    assert samples.stalled() == 0
    samples.sample(40.0, 2001)
    assert samples.stalled() == 24
    samples.reset()
    assert samples.stalled() == 0


async def test_the_picture_of_a_running_job_tells_it(
    rig: Rig, web: ByteServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauge, "_STALLED_AFTER", 1.0)
    rig.alpha.put("/from/small", b"x" * 5000)
    fault = Fault("stall", "GET", after=1000)
    web.plan(fault)
    job = await rig.engine.submit(order(cloud("/from"), disk(tmp_path / "dst"), contents=True))
    try:
        await rig.until(lambda: rig.engine.view(job).stalled >= 1)
        assert rig.engine.view(job).state is JobState.RUNNING
    finally:
        fault.go.set()
    end = await rig.wait(job)
    assert (end.state, end.stalled) == (JobState.DONE, 0)
