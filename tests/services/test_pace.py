"""The pace of an account against servers with and without limits, on a clock that jumps."""

from __future__ import annotations

import asyncio
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudtui.services.locks import FileLock, is_locked
from cloudtui.services.pace import FIRST_SLOTS, Pace
from cloudtui.services.pace_book import BELIEVED, PaceBook
from cloudtui.services.pace_rate import Rate
from tests.virtual_time import elapse, run_virtually


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


@pytest.mark.parametrize("until", [2.0, 15.0])
def test_a_hiccup_at_the_start_teaches_nothing_that_lasts(until: float) -> None:
    """Calls refused for other reasons than their number: soon all is as if nothing had been."""

    @dataclass
    class Hiccup(Server):
        def takes(self) -> bool:
            if 0.2 <= asyncio.get_running_loop().time() < until:
                self.refused += 1
                return False
            return True

    async def scenario() -> float:
        pace = Pace(rate=40, ceiling=1000, concurrency=32)
        server = Hiccup()
        await drive(pace, server, 3_000)
        assert server.refused <= 10
        assert pace.limit is None
        assert pace.rate > 100
        return asyncio.get_running_loop().time()

    assert run_virtually(scenario()) < until + 45


def test_an_emptied_window_of_ten_seconds_is_waited_for() -> None:
    """Some services count by the clock and not with a bucket."""

    @dataclass
    class Windows(Server):
        window: int = -1
        left: int = 0

        def takes(self) -> bool:
            self.calls += 1
            window = int(asyncio.get_running_loop().time() // 10)
            if window != self.window:
                self.window, self.left = window, int(10 * self.rate)
            self.left -= 1
            self.refused += self.left < 0
            return self.left >= 0

    pace = Pace(rate=40, ceiling=1000, concurrency=32)
    server = Windows(rate=5.0)
    done = run_virtually(drive(pace, server, 2_000))
    assert max(done) < 2_000 / 5.0 * 2
    assert server.refused <= 0.03 * server.calls


def test_calls_that_were_slow_to_be_refused_count_with_the_first() -> None:
    """Many were under way: the late answers tell nothing that the first one did not."""

    async def scenario() -> float:
        pace = Pace(rate=100, ceiling=100, concurrency=8)
        gone = asyncio.Event()

        async def refused() -> None:
            async with pace.slot():
                await gone.wait()
            pace.rejected()

        calls = [asyncio.create_task(refused()) for _ in range(7)]
        await elapse(1)
        pace.rejected()
        after_one = pace.rate
        await elapse(10)  # long after the pause for that one is over
        gone.set()
        await asyncio.gather(*calls)
        assert pace.rate == after_one
        return pace.rejections

    assert run_virtually(scenario()) == 8


# --- several processes -------------------------------------------------------------------------


def book(folder: Path) -> Pace:
    """The account as another process sees it."""
    return PaceBook(folder).of("pc", rate=40, ceiling=1000, concurrency=32)


def test_processes_share_one_rate(tmp_path: Path) -> None:
    server = Server(rate=20.0)

    async def scenario() -> list[list[float]]:
        each = [drive(book(tmp_path / "pace"), server, 500, workers=8) for _ in range(4)]
        return await asyncio.gather(*each)

    shares = run_virtually(scenario())
    done = [at for share in shares for at in share]
    later = [at for at in done if 30 < at < 90]
    assert len(later) / 60 >= 0.9 * server.rate
    assert server.refused <= 0.02 * server.calls
    ends = [max(share) for share in shares]
    assert min(ends) > 0.8 * max(ends)  # none waited for the others


def test_a_rejection_of_one_holds_the_others_back(tmp_path: Path) -> None:
    async def scenario() -> float:
        one, other = book(tmp_path / "pace"), book(tmp_path / "pace")
        one.rejected(after=7.0)
        async with other.slot():
            return asyncio.get_running_loop().time()

    assert run_virtually(scenario()) >= 7.0


async def test_one_that_stopped_with_the_lock_holds_nobody_up(tmp_path: Path) -> None:
    pace = book(tmp_path / "pace")
    pace.rate = 1000.0
    with FileLock(tmp_path / "pace" / "pc.lock"):
        for _ in range(20):
            await pace.turn()
        assert pace.rate >= 1000.0


_CALLER = """
import asyncio, sys
from pathlib import Path
from cloudtui.services.pace_book import PaceBook

async def call():
    pace = PaceBook(Path(sys.argv[1])).of("pc", rate=40, ceiling=1000, concurrency=32)
    pace.rejected()
    print("calling", flush=True)
    while True:
        await pace.turn()

asyncio.run(call())
"""


async def test_a_killed_process_leaves_what_it_learned_and_no_lock(tmp_path: Path) -> None:
    caller = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CALLER, str(tmp_path / "pace"), stdout=asyncio.subprocess.PIPE
    )
    assert caller.stdout is not None
    assert await caller.stdout.readline() == b"calling\n"
    pace = book(tmp_path / "pace")
    await pace.turn()
    assert pace.rate < 40  # told by the other process, and the calls of both count
    caller.kill()
    await caller.wait()
    assert not is_locked(tmp_path / "pace" / "pc.lock")
    await pace.turn()


def test_what_was_learned_is_known_to_the_next_run_for_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "pace"
    now = book(folder)
    run_virtually(drive(now, Server(rate=5.0), 600))
    path = folder / "pc.rate"
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in folder.iterdir()) == ["pc.lock", "pc.rate"]
    kept = path.read_bytes()

    # the clock of the tests began anew, as after a restart of the machine
    later = book(folder).limit
    assert later == pytest.approx(5.0, rel=0.1)

    def aged(days: float) -> bytes:
        # after the mark and the time of writing come the numbers of the rate
        learned = struct.pack("<d", time.time() - days * BELIEVED)
        at = 16 + 8 * Rate.__struct_fields__.index("learned_at")
        return kept[:at] + learned + kept[at + 8 :]

    path.write_bytes(aged(0.9))
    assert book(folder).limit == later
    path.write_bytes(aged(1.1))
    assert book(folder).limit is None
    path.write_bytes(b"nonsense")
    assert book(folder).limit is None


def test_a_limit_learned_from_few_calls_is_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "pace"
    pace = book(folder)
    run_virtually(drive(pace, Server(rate=5.0, saved=0.0, burst=1.0), 60))
    assert book(folder).limit is None
    assert book(folder).rate == 40


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    pace = book(tmp_path / "file" / "pace")
    done = run_virtually(drive(pace, Server(), 100))
    assert len(done) == 100
