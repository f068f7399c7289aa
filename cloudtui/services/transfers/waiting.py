"""What a transfer waits for before its next try, and since when there are words for it.

Written by whoever tries, read by whoever paints. Must not wait itself.
"""

from __future__ import annotations

import time
from math import ceil

from msgspec import Struct

from cloudtui.services.errors import CloudError, TooMany
from cloudtui.services.transfers.orders import JobState


class Waiting(Struct):
    """The last wait there was."""

    until: float = 0.0
    """Monotonic second of the next try."""
    trouble: str = ""
    slowed: bool = False
    """The service asked to slow down; nothing is wrong else."""

    def tell(self, error: CloudError, seconds: float) -> None:
        """There is another try after `seconds`."""
        self.until = time.monotonic() + seconds
        self.trouble = error.text
        self.slowed = isinstance(error, TooMany)

    @property
    def seconds(self) -> float:
        """Seconds until the next try, 0 when nothing waits."""
        return max(0.0, self.until - time.monotonic())

    @property
    def state(self) -> JobState:
        """The word for it."""
        return JobState.SLOWED if self.slowed else JobState.RETRYING

    @property
    def words(self) -> str:
        """The sentences for it."""
        return f"{self.trouble} Next try in {ceil(self.seconds)} s."
