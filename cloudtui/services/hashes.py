"""Digests, streaming and over files: SHA-1, MD5, SHA-256 and PikPak's GCID.

A leaf: standard library only. `hash_file` blocks and belongs on worker threads; hashlib releases
the interpreter lock for pieces over 2 KiB, so GCID blocks really are hashed in parallel.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from cloudtui.services.models import HashType

_KIB = 1024
_MIB = 1024 * 1024
_READ = 1 * _MIB


class Hasher(Protocol):
    """A digest in the making."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take the next bytes."""
        ...

    def hexdigest(self) -> str:
        """The digest so far as hex text: upper case for GCID, lower case otherwise."""
        ...


def gcid_block(size: int) -> int:
    """The GCID block size for a file of `size` bytes, as rclone 1.75 computes it.

    256 KiB up to 128 MiB, 512 KiB up to 256 MiB, 1 MiB up to 512 MiB, 2 MiB above.
    """
    block = 256 * _KIB
    while size > block * 512 and block < 2 * _MIB:
        block *= 2
    return block


def gcid_block_variants(size: int) -> tuple[int, ...]:
    """Block sizes other clients are known to use for `size`: ours first, then the class above
    when the size lies exactly on an edge (128, 256 or 512 MiB)."""
    block = gcid_block(size)
    if size == block * 512 and block < 2 * _MIB:
        return (block, 2 * _MIB if size == 256 * _MIB else block * 2)
    return (block,)


class Gcid:
    """SHA-1 over the SHA-1s of equal blocks; the whole size decides the block size."""

    def __init__(self, size: int, block: int | None = None) -> None:
        self._block = block or gcid_block(size)
        self._outer = hashlib.sha1(usedforsecurity=False)
        self._inner = hashlib.sha1(usedforsecurity=False)
        self._room = self._block

    def update(self, data: bytes | memoryview, /) -> None:
        """Take the next bytes, however they are cut."""
        view = memoryview(data)
        while len(view) >= self._room:
            self._inner.update(view[: self._room])
            view = view[self._room :]
            self._outer.update(self._inner.digest())
            self._inner = hashlib.sha1(usedforsecurity=False)
            self._room = self._block
        if len(view):
            self._inner.update(view)
            self._room -= len(view)

    def hexdigest(self) -> str:
        """Upper-case hex; of no bytes at all it is SHA-1 of nothing."""
        outer = self._outer.copy()
        if self._room < self._block:
            outer.update(self._inner.digest())
        return outer.hexdigest().upper()


def hasher(kind: HashType, size: int) -> Hasher:
    """A fresh digest of `kind` for content of `size` bytes. CHANGE marks cannot be computed."""
    match kind:
        case HashType.SHA1:
            return hashlib.sha1(usedforsecurity=False)
        case HashType.MD5:
            return hashlib.md5(usedforsecurity=False)
        case HashType.SHA256:
            return hashlib.sha256(usedforsecurity=False)
        case HashType.GCID:
            return Gcid(size)
        case HashType.CHANGE:
            msg = "a change mark is the service's own and cannot be computed"
            raise ValueError(msg)


def never() -> bool:
    """The stop condition of a pass that runs to its end."""
    return False


def hash_file(
    fd: int,
    size: int,
    kinds: Collection[HashType],
    *,
    stop: Callable[[], bool] = never,
    progress: Callable[[int], None] | None = None,
) -> dict[HashType, str]:
    """Digests of the first `size` bytes of an open file, read once.

    GCID alone is hashed on all cores. Returns an empty dict when `stop` became true or the file
    turned out shorter than `size`. `progress` gets byte counts from several threads.
    """
    if set(kinds) == {HashType.GCID}:
        return _parallel_gcid(fd, size, stop, progress)
    hashers = {kind: hasher(kind, size) for kind in kinds}
    buffer = bytearray(_READ)
    view = memoryview(buffer)
    offset = 0
    while offset < size:
        if stop():
            return {}
        got = os.preadv(fd, [view[: min(_READ, size - offset)]], offset)
        if got == 0:
            return {}
        for each in hashers.values():
            each.update(view[:got])
        offset += got
        if progress is not None:
            progress(got)
    return {kind: each.hexdigest() for kind, each in hashers.items()}


def _parallel_gcid(
    fd: int, size: int, stop: Callable[[], bool], progress: Callable[[int], None] | None
) -> dict[HashType, str]:
    block = gcid_block(size)
    offsets = range(0, size, block)

    def digest(offset: int) -> bytes:
        if stop():
            return b""
        length = min(block, size - offset)
        inner = hashlib.sha1(usedforsecurity=False)
        done = 0
        while done < length:
            data = os.pread(fd, min(256 * _KIB, length - done), offset + done)
            if not data:
                return b""
            inner.update(data)
            done += len(data)
        if progress is not None:
            progress(length)
        return inner.digest()

    outer = hashlib.sha1(usedforsecurity=False)
    if len(offsets) <= 1:
        digests = [digest(offset) for offset in offsets]
    else:
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1), "gcid") as pool:
            digests = list(pool.map(digest, offsets))
    for each in digests:
        if not each:
            return {}
        outer.update(each)
    return {HashType.GCID: outer.hexdigest().upper()}
