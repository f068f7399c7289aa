"""Receipts of what lies in a part: with the checksums made on the way, and read where none is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudtui.services.transfers import blocks
from cloudtui.services.transfers.blocks import noted
from cloudtui.services.transfers.positioned import read_at
from cloudtui.services.transfers.ranges import BLOCK
from cloudtui.services.transfers.sinks import FileSink
from cloudtui.services.transfers.sums import Piece, Pieces
from tests.transfers.mover_rig import summed

KIB = 1024
CONTENT = os.urandom(100 * KIB)


def tag(start: int, end: int) -> str:
    return summed(CONTENT[start:end])


def piece(start: int, end: int) -> Piece:
    return Piece(end, tag(start, end))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What was read back: offsets and lengths."""
    seen: list[tuple[int, int]] = []

    def reading(fd: int, view: memoryview, offset: int) -> int:
        seen.append((offset, len(view)))
        return read_at(fd, view, offset)

    monkeypatch.setattr(blocks, "read_at", reading)
    return seen


def test_known_pieces_are_not_read_again(tmp_path: Path, read: list[tuple[int, int]]) -> None:
    (tmp_path / "part").write_bytes(CONTENT)
    known = {start: piece(start, start + 10 * KIB) for start in (0, 30 * KIB, 85 * KIB)}
    spans = [(0, 45 * KIB), (60 * KIB, 90 * KIB)]
    with (tmp_path / "part").open("rb") as file:
        receipts = noted(file.fileno(), 7, spans, known)
    assert [each.number for each in receipts] == list(range(7, 7 + len(receipts)))
    told = [(each.offset // KIB, each.length // KIB, each.tag) for each in receipts]
    assert told == [
        (0, 10, tag(0, 10 * KIB)),
        (10, 20, tag(10 * KIB, 30 * KIB)),
        (30, 10, tag(30 * KIB, 40 * KIB)),
        (40, 5, tag(40 * KIB, 45 * KIB)),
        (60, 25, tag(60 * KIB, 85 * KIB)),
        (85, 5, tag(85 * KIB, 90 * KIB)),  # the piece goes on where the range ends
    ]
    assert [(at // KIB, length // KIB) for at, length in read] == [
        (10, 20),
        (40, 5),
        (60, 25),
        (85, 5),
    ]


def test_a_piece_longer_than_a_block_is_cut(
    tmp_path: Path, read: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 40 * KIB)
    (tmp_path / "part").write_bytes(CONTENT)
    with (tmp_path / "part").open("rb") as file:
        receipts = noted(file.fileno(), 0, [(0, 100 * KIB)], {0: piece(0, 100 * KIB)})
    assert [each.length // KIB for each in receipts] == [40, 40, 20]
    assert len(read) == 3
    assert BLOCK > 40 * KIB


def test_a_sink_sums_what_it_takes(tmp_path: Path) -> None:
    with (tmp_path / "part").open("wb") as file:
        summing = FileSink(file.fileno, summed=True)
        plain = FileSink(file.fileno)
        for at in range(0, len(CONTENT), 7_001):
            view = memoryview(CONTENT)[at : at + 7_001]
            summing.write(at, view)
            plain.write(at, view)
    assert summing.pieces() == {0: piece(0, len(CONTENT))}
    assert plain.pieces() == {}


def test_pieces_end_where_blocks_do() -> None:
    pieces = Pieces(30 * KIB)
    for at in range(10 * KIB, len(CONTENT), 7_001):
        pieces.add(at, memoryview(CONTENT)[at : at + 7_001])
    starts = (10 * KIB, 40 * KIB, 70 * KIB)
    assert pieces.end() == {at: piece(at, min(at + 30 * KIB, len(CONTENT))) for at in starts}


def test_what_is_noted_can_be_read_by_later_versions() -> None:
    assert summed(b"cloudtui") == "gmac:d490c46a809952902d674217577df609"
