"""Which methods pCloud closes to this sign-in, remembered from run to run.

pCloud tells only by refusing, and differently for different kinds of tokens; what was learned with
one token is not believed of another. Must not do network I/O.
"""

from __future__ import annotations

import hashlib
import time
from typing import Final, Protocol

import msgspec

from cloudtui.services.models import Secret

_ITEM: Final = "refusals"
_BELIEVED: Final = 7 * 86400
"""Seconds. pCloud opens and closes methods without notice."""


class Memory(Protocol):
    """Where facts about an account are kept that are no secrets."""

    def recall(self, item: str) -> bytes:
        """What was remembered, empty when nothing was."""
        ...

    def remember(self, item: str, learned: bytes) -> None:
        """Keep it."""
        ...


class _Learned(msgspec.Struct):
    """`sign_in` tells tokens apart without telling them; `closed` is method to time."""

    sign_in: str = ""
    closed: dict[str, int] = {}


class Refusals:
    """The closed methods of one account."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._learned = _Learned()

    def begin(self, token: Secret, origin: str) -> None:
        """Take up what is known of this sign-in."""
        mark = hashlib.sha256(f"cloudtui refusals {origin} {token.reveal()}".encode()).hexdigest()
        known = self._read()
        self._learned = known if known.sign_in == mark[:16] else _Learned(mark[:16])

    def _read(self) -> _Learned:
        try:
            return msgspec.json.decode(self._memory.recall(_ITEM), type=_Learned)
        except msgspec.DecodeError:
            return _Learned()

    @property
    def methods(self) -> frozenset[str]:
        """The methods known to be closed."""
        since = time.time() - _BELIEVED
        return frozenset(name for name, when in self._learned.closed.items() if when > since)

    def __contains__(self, method: str) -> bool:
        return method in self._learned.closed and method in self.methods

    def add(self, method: str) -> None:
        """Remember a refusal, beside those that other processes learned meanwhile."""
        others = self._read()
        closed = dict(self._learned.closed)
        if others.sign_in == self._learned.sign_in:
            closed.update(others.closed)
        closed[method] = int(time.time())
        self._learned.closed = closed
        self._memory.remember(_ITEM, msgspec.json.encode(self._learned))

    def forget(self) -> None:
        """Believe nothing any more: everything is tried again."""
        self._learned.closed = {}
        self._memory.remember(_ITEM, msgspec.json.encode(self._learned))
