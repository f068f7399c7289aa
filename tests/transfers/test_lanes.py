"""How many connections a file comes over: fewer where the processor is the limit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from cloudtui.services.transfers.lanes import Effort, Lanes, Take
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.ranges import BLOCK, BlockQueue, Ranges

MIB = 1024 * 1024


@dataclass
class Line:
    """A line on which nobody waits: each block takes the time that `rate` says."""

    share: float
    """Of one processor, while several connections run."""
    alone: tuple[float, float] = (1.0, 1.0)
    """Bytes per second of a connection alone, as a share of what all bring; its processor share."""
    seconds: float = 0.0
    cpu: float = 0.0
    wired: int = 0
    running: int = 0
    seen: list[int] = field(default_factory=list)
    """How many connections ran, block by block."""

    async def drain(self, take: Take) -> None:
        self.running += 1
        await asyncio.sleep(0)  # until all have begun
        while (block := take()) is not None:
            rate, share = (1.0, self.share) if self.running > 1 else self.alone
            took = (block[1] - block[0]) / (rate * 500 * MIB)
            self.seconds += took
            self.cpu += took * share
            self.wired += block[1] - block[0]
            self.seen.append(self.running)
            await asyncio.sleep(0)
        self.running -= 1

    async def fetch(self, blocks: int, most: int = 4) -> None:
        queue = BlockQueue(blocks * BLOCK, Ranges(), 4)
        effort = Effort(lambda: self.wired, clock=lambda: self.seconds, cpu=lambda: self.cpu)
        async with asyncio.TaskGroup() as group:
            Lanes(group, queue, self.drain, Meter(), most, effort).start(min(4, most))
        assert queue.empty


async def test_where_the_processor_is_the_limit_one_goes_on_alone() -> None:
    line = Line(share=1.3)
    await line.fetch(64)
    assert line.seen[0] == 4
    assert set(line.seen[8:]) == {1}
    assert line.wired == 64 * BLOCK


async def test_where_the_line_is_the_limit_all_go_on() -> None:
    line = Line(share=0.5)
    await line.fetch(64)
    assert max(line.seen[-8:]) == 4
    assert line.wired == 64 * BLOCK


@pytest.mark.parametrize(
    ("rate", "share", "end"),
    [(0.4, 0.3, 4), (0.4, 1.0, 1), (0.9, 0.5, 1)],
    ids=["it was the line after all", "busy alone too", "nearly as fast"],
)
async def test_one_that_is_slow_without_need_gets_the_others_back(
    rate: float, share: float, end: int
) -> None:
    line = Line(share=1.3, alone=(rate, share))
    await line.fetch(200)
    assert 1 in line.seen[:12]
    assert max(line.seen[-12:-4]) == end
    assert line.wired == 200 * BLOCK


async def test_a_look_too_soon_says_nothing() -> None:
    line = Line(share=2.0)
    effort = Effort(lambda: line.wired, clock=lambda: line.seconds, cpu=lambda: line.cpu)
    line.seconds, line.cpu, line.wired = 0.01, 0.02, 5
    assert effort.look() is None
    line.seconds, line.cpu, line.wired = 0.1, 0.05, 500
    assert effort.look() == pytest.approx((0.5, 5_000))
