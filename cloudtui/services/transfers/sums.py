"""Checksums of what lies in a part on this disk, between two runs.

They find what accidents do to a file and prove nothing against somebody who means harm: their key
is no secret. GMAC, because processors with instructions for AES-GCM take twenty gigabytes of it a
second, five times as much as CRC-32, which earlier journals hold.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext

_KEY: Final = b"cloudtui: blocks"
_NONCE: Final = bytes(12)
_CRC32: Final = "crc32:"
_GMAC: Final = "gmac:"


class Sum(Protocol):
    """The checksum of bytes that pass in order."""

    def update(self, view: memoryview) -> None:
        """More of them."""
        ...

    def tag(self) -> str:
        """What is noted: the kind and the checksum of all that passed. Asked for once."""
        ...


class Piece(Struct, frozen=True):
    """Bytes that arrived in one go: where they end, and what is noted of all of them."""

    end: int
    tag: str


class _Crc32:
    def __init__(self) -> None:
        self._crc = 0

    def update(self, view: memoryview) -> None:
        self._crc = zlib.crc32(view, self._crc)

    def tag(self) -> str:
        return f"{_CRC32}{self._crc:08x}"


class _Gmac:
    def __init__(self, context: AEADEncryptionContext) -> None:
        self._context = context

    def update(self, view: memoryview) -> None:
        self._context.authenticate_additional_data(view)

    def tag(self) -> str:
        self._context.finalize()
        return f"{_GMAC}{self._context.tag.hex()}"


def new_sum() -> Sum:
    """A checksum of the kind that is noted today. Imports on its first call: for threads."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return _Gmac(Cipher(algorithms.AES(_KEY), modes.GCM(_NONCE)).encryptor())


def sum_like(tag: str) -> Sum:
    """A checksum to compare with `tag`, which may be of an earlier kind."""
    return _Crc32() if tag.startswith(_CRC32) else new_sum()


class Pieces:
    """What is to be noted of bytes that land in order, cut where blocks of `size` end."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._found: dict[int, Piece] = {}
        self._sum: Sum | None = None
        self._start = 0
        self._at = 0

    def add(self, offset: int, view: memoryview) -> None:
        """These landed at `offset`, right behind the last ones."""
        while view:
            if self._sum is None:
                self._sum, self._start, self._at = new_sum(), offset, offset
            count = min(len(view), self._start + self._size - offset)
            self._sum.update(view[:count])
            offset += count
            view = view[count:]
            self._at = offset
            if offset - self._start == self._size:
                self._cut()

    def _cut(self) -> None:
        assert self._sum is not None
        self._found[self._start] = Piece(self._at, self._sum.tag())
        self._sum = None

    def end(self) -> dict[int, Piece]:
        """All pieces by where they start; nothing comes after this."""
        if self._sum is not None:
            self._cut()
        return self._found
