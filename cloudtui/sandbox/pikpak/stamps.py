"""Times and ids as PikPak writes them; knows no account."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from itertools import count

ZONE = timezone(timedelta(hours=8))
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


@lru_cache(maxsize=8192)
def stamp(seconds: float) -> str:
    """RFC 3339 with milliseconds and zone; 0 means never and becomes an empty string.

    The zone must be there: rclone fails a whole listing over one time without it.
    """
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, ZONE).isoformat(timespec="milliseconds")


def read_stamp(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time; raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


class Ids:
    """Ids of 26 characters, the same ones for the same sequence of calls."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._numbers: Iterator[int] = count(1)

    def new(self, prefix: str = "VN") -> str:
        """A fresh id that starts with `prefix` (VN for entries and tasks, VO for shares)."""
        raw = f"{self._seed}:{prefix}:{next(self._numbers)}".encode()
        digest = hashlib.blake2b(raw, digest_size=26 - len(prefix)).digest()
        return prefix + "".join(_ALPHABET[byte & 63] for byte in digest)
