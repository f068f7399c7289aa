"""Hashing beside the sending, out of the sender's own buffer."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtui.services.models import HashType
from cloudtui.services.transfers.digest import BESIDE_FROM, Beside, RunningDigest
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.threads import Threads
from tests.transfers.byte_server import ByteServer
from tests.transfers.handles import PartUpload
from tests.transfers.mover_rig import Rig, local, sha1

DATA = os.urandom(700_003)
PIECE = 50_000


class Watched(RunningDigest):
    """Remembers which thread fed it, and may be held up."""

    def __init__(self, size: int) -> None:
        super().__init__([HashType.SHA1], size)
        self.fed_by: set[str] = set()
        self.may_feed = threading.Event()
        self.may_feed.set()

    def feed(self, offset: int, view: memoryview) -> None:
        self.may_feed.wait()
        self.fed_by.add(threading.current_thread().name)
        super().feed(offset, view)


@pytest.fixture
def threads() -> Iterator[Threads]:
    with contextlib.closing(Threads(1, "beside")) as threads:
        yield threads


def _come_up(beside: Beside) -> None:
    """Wait until its thread serves."""
    up = threading.Event()
    while not beside._up:
        up.wait(0.001)


def _send(beside: Beside, data: bytes) -> None:
    """As a sender does: one buffer, filled again for every piece."""
    room = memoryview(bytearray(PIECE))
    for start in range(0, len(data), PIECE):
        piece = data[start : start + PIECE]
        beside.back()
        room[: len(piece)] = piece
        beside.lend(start, room[: len(piece)])
    beside.back()


def test_another_thread_hashes_what_is_lent(threads: Threads) -> None:
    running = Watched(len(DATA))
    with contextlib.closing(Beside(threads, running)) as beside:
        _come_up(beside)
        _send(beside, DATA)
    assert running.result() == {HashType.SHA1: sha1(DATA)}
    assert running.fed_by == {"beside"}


def test_what_is_lent_stays_until_it_is_back(threads: Threads) -> None:
    running = Watched(len(DATA))
    running.may_feed.clear()
    with contextlib.closing(Beside(threads, running)) as beside:
        _come_up(beside)
        room = memoryview(bytearray(DATA))
        beside.lend(0, room)  # returns while the other thread is held up
        back = threading.Thread(target=beside.back)
        back.start()
        assert running.result() == {}
        assert back.is_alive()
        running.may_feed.set()
        back.join()
        room[:10] = bytes(10)
    assert running.result() == {HashType.SHA1: sha1(DATA)}


def test_nobody_waits_for_a_thread(threads: Threads) -> None:
    held = threading.Event()
    threads.submit(lambda: (held.wait(), None)[1])
    running = Watched(len(DATA))
    with contextlib.closing(Beside(threads, running)) as beside:
        _send(beside, DATA)
    assert running.result() == {HashType.SHA1: sha1(DATA)}
    assert running.fed_by == {threading.current_thread().name}
    ended = threading.Event()
    threads.submit(ended.set)
    held.set()
    assert ended.wait(60), "its thread did not end"


async def test_large_files_are_hashed_beside_their_sending(
    server: ByteServer, pump: Pump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent: list[int] = []
    lend = Beside.lend

    def watched(self: Beside, offset: int, view: memoryview) -> None:
        lent.append(len(view))
        lend(self, offset, view)

    monkeypatch.setattr(Beside, "lend", watched)
    for size, expected in ((BESIDE_FROM - 1, 0), (BESIDE_FROM, BESIDE_FROM)):
        lent.clear()
        path = tmp_path / str(size)
        data = os.urandom(size)
        path.write_bytes(data)
        handle = PartUpload(server, "u", size, part_size=3 * 1024 * 1024, parts_at_once=1)
        moved = await Rig(pump).move(local(path), handle, verify=Verify.HASH)
        assert moved.checked
        assert handle.finished[0].hashes == {HashType.SHA1: sha1(data)}
        assert sum(lent) == expected
