"""Trying again as the error says, and never executing twice."""

from __future__ import annotations

import pytest

from cloudtui.services.errors import CloudError, NotFound, Offline, Retry, TooMany
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
