"""Times as they can be written down. A leaf: no I/O."""

from __future__ import annotations

from typing import Final

_LAST: Final = (1 << 63) - 1


def noted_time(ns: int) -> int:
    """Nanoseconds since 1970 within the 64 bits a database takes: the years 1677 to 2262.

    Disks keep times far beyond that, and services may tell such; they count as the last one.
    """
    return max(-_LAST, min(ns, _LAST))
