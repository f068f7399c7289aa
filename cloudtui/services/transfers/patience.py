"""How often a piece of a transfer is tried again, and how long it waits in between.

One per piece: progress makes it patient again. Waits end at once when the transfer is stopped.
"""

from __future__ import annotations

from collections.abc import Callable

from cloudtui.services.errors import CloudError, Retry
from cloudtui.services.retry import Retries
from cloudtui.services.transfers.answers import Slept
from cloudtui.services.transfers.stop import Stop

OnWait = Callable[[CloudError, float], None]

_MOST_FRESH_LINKS = 5


class Patience:
    """Counts failures in a row and waits between tries; `on_wait` is told error and seconds."""

    def __init__(self, retries: Retries, stop: Stop, on_wait: OnWait | None = None) -> None:
        self._retries = retries
        self._stop = stop
        self._on_wait = on_wait
        self.failures = 0

    def renew(self) -> None:
        """There was progress: failures so far no longer count."""
        self.failures = 0

    async def again(self, error: CloudError) -> None:
        """Wait before the next try. Raises `error` when there is no point in one, Interrupted."""
        if isinstance(error, Slept):
            self._stop.check()
            return
        if error.retry is Retry.NEVER:
            raise error
        await self._wait(error, self._retries.attempts, at_once=False)

    async def again_fresh(self, error: CloudError) -> None:
        """The same for a refusal that a fresh link or signature may cure: the first try follows
        at once, and five in a row are taken as the service's last word."""
        lasting = error.retry is Retry.NEVER
        most = min(self._retries.attempts, _MOST_FRESH_LINKS) if lasting else self._retries.attempts
        await self._wait(error, most, at_once=lasting)

    async def _wait(self, error: CloudError, most: int, *, at_once: bool) -> None:
        self._stop.check()
        self.failures += 1
        if self.failures >= most:
            raise error
        if at_once and self.failures == 1:
            return
        seconds = self._retries.wait(self.failures, error)
        if self._on_wait is not None:
            self._on_wait(error, seconds)
        await self._stop.pause(seconds)
