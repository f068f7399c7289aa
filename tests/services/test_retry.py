"""Trying again as the error says, and never executing twice."""

from __future__ import annotations

import asyncio

import pytest

from cloudtui.services.errors import CloudError, NotFound, Offline, Retry, TooMany
from cloudtui.services.pace import Pace
from cloudtui.services.retry import Retries, retrying

QUICK = Retries(attempts=4, first_wait=0.001, longest=0.002)


class Script:
    """A call that plays a list of outcomes."""

    def __init__(self, *outcomes: CloudError | str) -> None:
        self.left = list(outcomes)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        outcome = self.left.pop(0)
        if isinstance(outcome, str):
            return outcome
        raise outcome


async def test_three_failures_end_in_success() -> None:
    waits: list[float] = []
    call = Script(Offline("a"), TooMany("b", after=0.003), Offline("c"), "done")
    assert (
        await retrying(call, retries=QUICK, on_wait=lambda _error, wait: waits.append(wait))
        == "done"
    )
    assert len(waits) == 3
    assert waits[1] >= 0.003


async def test_a_standing_failure_is_raised_after_the_last_attempt() -> None:
    call = Script(*[Offline("down") for _ in range(9)])
    with pytest.raises(Offline):
        await retrying(call, retries=QUICK)
    assert call.calls == 4


async def test_what_cannot_get_better_is_not_repeated() -> None:
    call = Script(NotFound("gone"), "never")
    with pytest.raises(NotFound):
        await retrying(call, retries=QUICK)
    assert call.calls == 1


async def test_a_lost_answer_is_looked_up_before_the_call_is_repeated() -> None:
    call = Script(Offline("lost", retry=Retry.RECONCILE), "second")

    async def took_effect() -> str | None:
        return "first"

    assert await retrying(call, retries=QUICK, reconcile=took_effect, safe=False) == "first"
    assert call.calls == 1


async def test_a_lost_call_without_effect_is_repeated() -> None:
    call = Script(Offline("lost", retry=Retry.RECONCILE), "second")

    async def nothing() -> str | None:
        return None

    assert await retrying(call, retries=QUICK, reconcile=nothing, safe=False) == "second"


async def test_an_unsafe_call_without_a_look_is_not_repeated() -> None:
    call = Script(Offline("lost", retry=Retry.RECONCILE), "second")
    with pytest.raises(Offline):
        await retrying(call, retries=QUICK, safe=False)
    assert call.calls == 1


async def test_pace_halves_on_a_rejection_and_holds_calls_back() -> None:
    pace = Pace(rate=1000, ceiling=1000, concurrency=2)
    async with pace.slot():
        pass
    pace.rejected(after=0.05)
    assert pace.rate == 500
    loop = asyncio.get_running_loop()
    before = loop.time()
    async with pace.slot():
        assert loop.time() - before >= 0.045


async def test_pace_limits_what_is_under_way() -> None:
    pace = Pace(rate=10_000, ceiling=10_000, concurrency=2)
    running = most = 0
    release = asyncio.Event()

    async def call() -> None:
        nonlocal running, most
        async with pace.slot():
            running += 1
            most = max(most, running)
            if running == 2:
                release.set()
            await release.wait()
            running -= 1

    await asyncio.gather(*(call() for _ in range(8)))
    assert most == 2
