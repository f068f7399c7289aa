"""GCID (identity of content) and CID (a hint from three samples), computed from files on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

KIB = 1024
EMPTY_GCID = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"
SAMPLE = 0x5000
WHOLE = 0xF000


def block_size(size: int) -> int:
    """Bytes per block of a file of `size` bytes: 256 KiB up to 128 MiB, 2 MiB from 512 MiB on."""
    block = 256 * KIB
    while size / block > 512 and block < 2048 * KIB:
        block *= 2
    return block


def gcid(path: Path, size: int) -> str:
    """Upper-case hex SHA-1 over the SHA-1 of each block; empty content hashes nothing."""
    block = block_size(size)
    outer = hashlib.sha1()
    buffer = memoryview(bytearray(block))
    with path.open("rb", buffering=0) as file:
        left = size
        while left > 0:
            filled = 0
            want = min(block, left)
            while filled < want:
                got = file.readinto(buffer[filled:want])
                if not got:
                    break
                filled += got
            if not filled:
                break
            outer.update(hashlib.sha1(buffer[:filled]).digest())
            left -= filled
    return outer.hexdigest().upper()


def cid(path: Path, size: int) -> str:
    """Upper-case hex SHA-1 of the whole file up to 60 KiB, else of its start, third and end."""
    digest = hashlib.sha1()
    with path.open("rb") as file:
        if size <= WHOLE:
            digest.update(file.read(size))
        else:
            for offset in (0, size // 3, size - SAMPLE):
                file.seek(offset)
                digest.update(file.read(SAMPLE))
    return digest.hexdigest().upper()
