"""Blocking calls of a `DiskWrite`, made on the disk threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cloudtui.services.transfers.positioned import disk_error
from cloudtui.services.transfers.pump import Pump

T = TypeVar("T")


async def on_disk(pump: Pump, call: Callable[[], T], doing: str = "writing the file") -> T:
    """The result of `call`; what the system refuses becomes Full, Denied or Refused."""

    def work() -> T:
        try:
            return call()
        except OSError as exc:
            raise disk_error(exc, doing) from exc

    return await pump.disk.run(work)
