"""The pace of an account against servers with and without limits, on a clock that jumps."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudtui.services.pace import FIRST_SLOTS, Pace
from cloudtui.services.pace_book import BELIEVED, PaceBook
from tests.virtual_time import run_virtually


@dataclass
class Server:
    """Answers after `latency`; accepts `rate` calls a second and a burst of `burst`."""

    latency: float = 0.04
    rate: float = float("inf")
    burst: float = 10.0
    saved: float = 10.0
    seen: float = 0.0
    calls: int = 0
    refused: int = 0

    def takes(self) -> bool:
        now = asyncio.get_running_loop().time()
        self.saved = min(self.burst, self.saved + (now - self.seen) * self.rate)
        self.seen = now
        self.calls += 1
        if self.saved < 1:
            self.refused += 1
            return False
        self.saved -= 1
        return True


async def drive(pace: Pace, server: Server, calls: int, workers: int = 64) -> list[float]:
    """Make that many calls succeed; when each did."""
    done: list[float] = []
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            while True:
                async with pace.slot():
                    await asyncio.sleep(server.latency / 2)
                    taken = server.takes()
                    await asyncio.sleep(server.latency / 2)
                    if not taken:
                        pace.rejected()
                if taken:
                    break
            done.append(asyncio.get_running_loop().time())

    await asyncio.gather(*(worker() for _ in range(workers)))
    return done


def test_without_a_limit_two_thousand_calls_take_about_their_round_trips() -> None:
    pace = Pace(rate=40, ceiling=1000, concurrency=32)
    done = run_virtually(drive(pace, Server(), 2_000))
    floor = 2_000 * 0.04 / 32
    assert max(done) < 2 * floor
    assert pace.slots == 32
    assert pace.limit is None


@pytest.mark.parametrize("rate", [2.0, 5.0, 20.0, 80.0])
def test_a_limit_is_found_and_kept(rate: float) -> None:
    """Nine tenths of what is allowed, from the thirtieth second on, with hardly a refusal."""
    pace = Pace(rate=40, ceiling=1000, concurrency=32)
    server = Server(rate=rate)
    done = run_virtually(drive(pace, server, max(2_000, int(60 * rate))))
    later = [at for at in done if at > 30]
    assert len(later) / (max(done) - 30) >= 0.9 * rate
    assert server.refused <= 0.02 * server.calls


def test_a_limit_that_goes_away_is_left_behind() -> None:
    pace = Pace(rate=40, ceiling=1000, concurrency=32, limit=5.0)
    done = run_virtually(drive(pace, Server(), 6_000))
    assert pace.rate > 100
    assert max(done) < 6_000 / 5.0 / 2


def test_the_words_of_the_server_hold_all_calls_back() -> None:
    async def scenario() -> float:
        pace = Pace(rate=1000, ceiling=1000, concurrency=2)
        async with pace.slot():
            pace.rejected(after=7.0)
        async with pace.slot():
            return asyncio.get_running_loop().time()

    assert run_virtually(scenario()) >= 7.0


def test_rejections_of_calls_that_were_under_way_count_once() -> None:
    async def scenario() -> float:
        pace = Pace(rate=100, ceiling=100, concurrency=8)
        for _ in range(8):
            pace.rejected()
        return pace.rate

    assert run_virtually(scenario()) == FIRST_SLOTS / 2


def test_slots_limit_what_is_under_way_and_shrink_when_they_bring_only_waiting() -> None:
    @dataclass
    class Narrow(Server):
        """Works on one call at a time."""

        free_at: float = 0.0

    async def scenario() -> tuple[int, int]:
        pace = Pace(rate=10_000, ceiling=10_000, concurrency=32)
        server = Narrow()
        running = most = 0
        loop = asyncio.get_running_loop()

        async def worker() -> None:
            nonlocal running, most
            for _ in range(20):
                async with pace.slot():
                    running += 1
                    most = max(most, running)
                    server.free_at = max(server.free_at, loop.time()) + 0.01
                    await asyncio.sleep(server.free_at - loop.time())
                    running -= 1

        await asyncio.gather(*(worker() for _ in range(64)))
        return most, pace.slots

    most, slots = run_virtually(scenario())
    assert most <= 32
    assert slots == FIRST_SLOTS


async def test_a_cancelled_wait_gives_its_place_on() -> None:
    pace = Pace(rate=10_000, ceiling=10_000, concurrency=1)
    entered = asyncio.Event()
    leave = asyncio.Event()

    async def hold() -> None:
        async with pace.slot():
            entered.set()
            await leave.wait()

    async def pass_through() -> str:
        async with pace.slot():
            return "through"

    first = asyncio.create_task(hold())
    await entered.wait()
    second, third = asyncio.create_task(hold()), asyncio.create_task(pass_through())
    await asyncio.sleep(0)
    second.cancel()
    leave.set()
    assert await third == "through"
    await first
    with pytest.raises(asyncio.CancelledError):
        await second


def test_what_was_learned_is_known_to_the_next_run_for_a_day(tmp_path: Path) -> None:
    def book() -> Pace:
        return books[-1].of("pc", rate=40, ceiling=1000, concurrency=32)

    books = [PaceBook(tmp_path / "pace")]
    run_virtually(drive(book(), Server(rate=5.0), 300))
    learned = book().limit
    books[-1].save()
    assert learned is not None

    books.append(PaceBook(tmp_path / "pace"))
    assert book().limit == pytest.approx(learned, rel=0.01)
    assert book().rate == book().limit

    path = tmp_path / "pace" / "pc.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in (tmp_path / "pace").iterdir()] == ["pc.json"]
    path.write_text(f'{{"limit": 5.0, "at": {int(time.time() - BELIEVED - 60)}}}')
    books.append(PaceBook(tmp_path / "pace"))
    assert book().limit is None
    path.write_text("nonsense")
    books.append(PaceBook(tmp_path / "pace"))
    assert book().limit is None


def test_nothing_is_written_down_when_nothing_was_learned(tmp_path: Path) -> None:
    book = PaceBook(tmp_path / "pace")
    run_virtually(drive(book.of("pc", rate=40, ceiling=1000, concurrency=8), Server(), 100))
    book.save()
    assert not (tmp_path / "pace").exists()
