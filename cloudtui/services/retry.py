"""Trying a call again, as its error says.

Retryability is a property of the error. A lost answer is reconciled before the call is repeated,
so that nothing is executed twice. Must not know any provider.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar

from msgspec import Struct

from cloudtui.services.errors import CloudError, Retry

T = TypeVar("T")

Listener = Callable[[CloudError, float], None]

hears_waits: ContextVar[Listener | None] = ContextVar("hears_waits", default=None)
"""Told the error and the seconds before each new attempt of the calls made in this context: by
whom something is wanted is known there, and not by who makes the call."""


class Retries(Struct, frozen=True):
    """How patient to be: `attempts` in all; waits in seconds, growing from `first_wait` by two up
    to `longest`, with full jitter."""

    attempts: int = 8
    first_wait: float = 0.5
    longest: float = 30.0

    def wait(self, attempt: int, error: CloudError) -> float:
        """Seconds before attempt number `attempt + 1`; what the service asked for wins."""
        grown = min(self.longest, self.first_wait * 2 ** (attempt - 1))
        jittered = random.uniform(grown / 2, grown)
        return max(jittered, error.after) if error.after is not None else jittered


async def retrying(
    call: Callable[[], Awaitable[T]],
    *,
    retries: Retries,
    reconcile: Callable[[], Awaitable[T | None]] | None = None,
    on_wait: Callable[[CloudError, float], None] | None = None,
    safe: bool = True,
) -> T:
    """The result of `call`, tried again while its errors allow it.

    `safe` calls may be repeated blindly after a lost answer. For others `reconcile` looks first
    whether the lost call took effect: its result then counts as the call's, None repeats the call.
    An unsafe call without `reconcile` is not repeated after a lost answer. `on_wait` is told the
    error and the seconds before each new attempt. Raises the last error.
    """
    lost = False
    attempt = 1

    def again(exc: Exception) -> float | bool:
        nonlocal lost
        if not isinstance(exc, CloudError) or exc.retry is Retry.NEVER:
            return False
        if exc.retry is Retry.RECONCILE:
            if not safe and reconcile is None:
                return False
            lost = not safe
        seconds = retries.wait(attempt, exc)
        if attempt < retries.attempts:
            for listener in (on_wait, hears_waits.get()):
                if listener is not None:
                    listener(exc, seconds)
        return seconds

    try:
        # nearly every call succeeds at once: the machinery below is loaded by the first that fails
        return await call()
    except CloudError as exc:
        seconds = again(exc)
        if seconds is False or retries.attempts <= 1:
            raise
    await asyncio.sleep(seconds)
    import stamina

    _silence()
    async for each in stamina.retry_context(
        on=again, attempts=retries.attempts - 1, timeout=None, wait_max=max(retries.longest, 600.0)
    ):
        with each:
            attempt = each.num + 1
            if lost and reconcile is not None:
                known = await reconcile()
                if known is not None:
                    return known
                lost = False
            return await call()
    msg = "the retry loop ended without a result"
    raise AssertionError(msg)


_silenced = False


def _silence() -> None:
    """stamina logs arguments of retried calls; ours may hold secrets, so its hooks go."""
    global _silenced
    if not _silenced:
        from stamina import instrumentation

        instrumentation.set_on_retry_hooks([])
        _silenced = True
