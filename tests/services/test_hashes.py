"""Digests against published vectors."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudtui.services.hashes import gcid_block, gcid_block_variants, hash_file, hasher
from cloudtui.services.models import HashType

MIB = 1024 * 1024


def pattern(size: int) -> bytes:
    block = bytes(range(251))
    return (block * (size // 251 + 1))[:size]


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        (b"", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"),
        (b"\0", "7AB8DC8456C25F132551F157C77A1888EF918FAC"),
        (b"hello", "6B4F89A54E2D27ECD7E8DA05B4AB8FD9D1D8B119"),
        (pattern(262143), "F3A2799D7AFDD7AF1C4C2851D1B329C5997BF8FA"),
        (pattern(262144), "F43C5D94B1F43CD4665DAC585073FF87FF44ED68"),
        (pattern(262145), "B49C2F0058570F636C866EA282DD5CC9463416E8"),
        (pattern(1000000), "37E7E2D62F86EA0BE29A12DC14932FD86F3F0C71"),
    ],
)
def test_gcid_of_known_content(content: bytes, digest: str, tmp_path: Path) -> None:
    streaming = hasher(HashType.GCID, len(content))
    for start in range(0, len(content), 100_003):
        streaming.update(memoryview(content)[start : start + 100_003])
    assert streaming.hexdigest() == digest
    file = tmp_path / "content"
    file.write_bytes(content)
    with file.open("rb") as opened:
        assert hash_file(opened.fileno(), len(content), {HashType.GCID}) == {HashType.GCID: digest}


@pytest.mark.parametrize(
    ("size", "block"),
    [
        (128 * MIB, 256 * 1024),
        (128 * MIB + 1, 512 * 1024),
        (256 * MIB, 512 * 1024),
        (256 * MIB + 1, MIB),
        (512 * MIB, MIB),
        (512 * MIB + 1, 2 * MIB),
        (9000 * MIB, 2 * MIB),
    ],
)
def test_gcid_block_edges(size: int, block: int) -> None:
    assert gcid_block(size) == block
    assert gcid_block_variants(size)[0] == block


def test_gcid_of_128_mib_of_zeros(tmp_path: Path) -> None:
    file = tmp_path / "zeros"
    with file.open("wb") as opened:
        os.truncate(opened.fileno(), 128 * MIB)
    with file.open("rb") as opened:
        found = hash_file(opened.fileno(), 128 * MIB, {HashType.GCID})
    assert found == {HashType.GCID: "239FE6CB403FF3498686FC3172EF958499B161F2"}


@settings(max_examples=20, deadline=None)
@given(content=st.binary(max_size=600_000))
def test_several_digests_in_one_pass(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("digest") / "content"
    file.write_bytes(content)
    seen: list[int] = []
    with file.open("rb") as opened:
        found = hash_file(
            opened.fileno(), len(content), {HashType.SHA1, HashType.MD5}, progress=seen.append
        )
    assert found[HashType.SHA1] == hashlib.sha1(content).hexdigest()
    assert found[HashType.MD5] == hashlib.md5(content).hexdigest()
    assert sum(seen) == len(content)


def test_a_short_file_gives_no_digest(tmp_path: Path) -> None:
    file = tmp_path / "short"
    file.write_bytes(b"12345")
    with file.open("rb") as opened:
        assert hash_file(opened.fileno(), 6, {HashType.SHA1}) == {}
        assert hash_file(opened.fileno(), 6, {HashType.GCID}, stop=lambda: True) == {}
