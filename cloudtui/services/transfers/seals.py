"""How the state of unfinished writes is kept: sealed where it may hold secrets.

Owns the envelope. Parts on this disk hold no secrets and stand open, so that downloads go on
after a restart even where no keyring is.
"""

from __future__ import annotations

from typing import Protocol

from cloudtui.services.errors import Gone

_OPEN = b"o"
_SEALED = b"s"


class Seals(Protocol):
    """What the engine needs of the sealer."""

    lasting: bool

    async def prepare(self) -> bool:
        """Load the key; whether another process will be able to open the seals."""
        ...

    def seal(self, data: bytes) -> bytes:
        """Close."""
        ...

    def open(self, box: bytes) -> bytes:
        """Open. Raises Gone."""
        ...


class Envelope:
    """Closes and opens the states of one process. Without a lasting key the states of uploads
    stay in this process."""

    def __init__(self, seals: Seals | None) -> None:
        self._seals = seals
        self._memory: dict[int, bytes] = {}

    async def close(self, item: int, state: bytes, *, secret: bool) -> bytes | None:
        """What may be written down, None when it may only be remembered here."""
        if not secret:
            return _OPEN + state
        if self._seals is not None and await self._seals.prepare():
            return _SEALED + self._seals.seal(state)
        self._memory[item] = state
        return None

    async def open(self, item: int, kept: bytes | None) -> bytes | None:
        """The state again, None when there is none. Raises Gone when its key is gone."""
        if kept is None:
            return self._memory.get(item)
        if kept[:1] == _OPEN:
            return kept[1:]
        if self._seals is None:
            raise Gone("The key of this upload is not here.", hint="The upload starts anew.")
        await self._seals.prepare()
        return self._seals.open(kept[1:])

    @property
    def remembered(self) -> frozenset[int]:
        """Items whose state is here and nowhere else."""
        return frozenset(self._memory)

    @staticmethod
    def is_open(kept: bytes | None) -> bool:
        """Whether a kept state is that of a part on this disk."""
        return kept is not None and kept[:1] == _OPEN

    def forget(self, item: int) -> None:
        """The write is over."""
        self._memory.pop(item, None)
