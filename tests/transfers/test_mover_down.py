"""From a service to this disk."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from cloudtui.services.errors import (
    CloudError,
    Denied,
    Full,
    Interrupted,
    Mismatch,
    NotFound,
    Offline,
    SourceChanged,
)
from cloudtui.services.models import HashType
from cloudtui.services.network import ServerClock
from cloudtui.services.storage import Receipt
from cloudtui.services.transfers import durable
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.pump import Pump
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.handles import PartFile
from tests.transfers.mover_rig import Remote, Rig, gcid, md5, names, sha1

MIB = 1024 * 1024
SMALL = os.urandom(300_001)
LARGE = os.urandom(21 * MIB + 5)


@pytest.fixture
def rig(pump: Pump) -> Rig:
    return Rig(pump)


@pytest.mark.parametrize("data", [b"", b"x", SMALL, LARGE], ids=["empty", "one", "small", "large"])
@pytest.mark.parametrize("kind", [HashType.SHA1, HashType.GCID, HashType.MD5, None])
async def test_whole_files(
    server: ByteServer, rig: Rig, tmp_path: Path, data: bytes, kind: HashType | None
) -> None:
    digest = {HashType.SHA1: sha1, HashType.GCID: gcid, HashType.MD5: md5}
    remote = Remote(server, data, hashes={kind: digest[kind](data)} if kind else {})
    moved = await rig.move(remote, PartFile(tmp_path / "t", len(data)))
    assert (tmp_path / "t").read_bytes() == data
    assert moved.checked == (kind is not None)
    assert moved.sent == rig.meter.done == len(data)
    assert remote.opened == 1


async def test_small_files_take_one_request_without_a_range(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    await rig.move(Remote(server, SMALL), PartFile(tmp_path / "t", len(SMALL)))
    assert [each.headers.get("range") for each in server.seen] == [None]


async def test_large_files_come_over_four_connections(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    stalls = [Fault("stall", after=1000) for _ in range(4)]
    server.plan(*stalls)
    task = asyncio.create_task(
        rig.move(Remote(server, LARGE), PartFile(tmp_path / "t", len(LARGE)))
    )
    for each in stalls:
        await asyncio.to_thread(each.reached.wait, 10)
    assert server.connections == 4
    for each in stalls:
        each.go.set()
    await task
    assert (tmp_path / "t").read_bytes() == LARGE


@pytest.mark.parametrize("most", [1, 2])
async def test_the_users_limit_of_connections_is_kept(
    server: ByteServer, rig: Rig, tmp_path: Path, most: int
) -> None:
    handle = PartFile(tmp_path / "t", len(LARGE))
    await rig.move(Remote(server, LARGE, connections=8), handle, connections=most)
    assert server.connections <= most
    assert (tmp_path / "t").read_bytes() == LARGE


async def test_size_only(server: ByteServer, rig: Rig, tmp_path: Path) -> None:
    remote = Remote(server, SMALL, hashes={HashType.SHA1: "0" * 40})
    moved = await rig.move(remote, PartFile(tmp_path / "t", len(SMALL)), verify=Verify.SIZE)
    assert not moved.checked


@pytest.mark.parametrize("data", [SMALL, LARGE[: 9 * MIB]], ids=["small", "large"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset-before"),
        Fault("cut", after=100_000),
        Fault("corrupt"),
        Fault("ignore-range"),
        Fault("wrong-range"),
        *(Fault("status", status=status) for status in (401, 403, 404, 410, 416, 429, 500, 503)),
    ],
    ids=lambda fault: fault.kind + (str(fault.status) if fault.status else ""),
)
async def test_three_faults_in_a_row_end_well(
    server: ByteServer, rig: Rig, tmp_path: Path, fault: Fault, data: bytes
) -> None:
    server.plan(*(Fault(fault.kind, after=fault.after, status=fault.status) for _ in range(3)))
    remote = Remote(server, data, hashes={HashType.SHA1: sha1(data)})
    moved = await rig.move(remote, PartFile(tmp_path / "t", len(data)))
    assert (tmp_path / "t").read_bytes() == data
    assert moved.checked
    assert rig.meter.done == len(data)


async def test_a_broken_block_goes_on_where_it_stopped(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    data = LARGE[: 6 * MIB]
    server.plan(Fault("cut", after=4 * MIB), Fault("cut", after=MIB))
    await rig.move(Remote(server, data), PartFile(tmp_path / "t", len(data)))
    starts = [each.headers.get("range") for each in server.seen]
    assert starts[0] is None
    assert starts[1] is not None
    assert starts[2] is not None
    assert int(starts[1][6:].split("-")[0]) >= 3 * MIB
    assert server.served <= len(data) + 2 * 262_144


async def test_a_refused_link_is_renewed_at_once(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    server.plan(Fault("status", status=403))
    remote = Remote(server, SMALL)
    await rig.move(remote, PartFile(tmp_path / "t", len(SMALL)))
    assert remote.opened == 2
    assert rig.waits == []


@pytest.mark.parametrize(("status", "error"), [(403, Denied), (404, NotFound)])
async def test_a_lasting_refusal_ends_it(
    server: ByteServer, rig: Rig, tmp_path: Path, status: int, error: type[CloudError]
) -> None:
    server.plan(*(Fault("status", status=status) for _ in range(20)))
    handle = PartFile(tmp_path / "t", len(SMALL))
    with pytest.raises(error):
        await rig.move(Remote(server, SMALL), handle)
    assert len(server.seen) == 5
    assert handle._fd < 0


async def test_lasting_resets_end_as_offline(server: ByteServer, rig: Rig, tmp_path: Path) -> None:
    server.plan(*(Fault("reset-before") for _ in range(20)))
    with pytest.raises(Offline):
        await rig.move(Remote(server, SMALL), PartFile(tmp_path / "t", len(SMALL)))
    assert len(rig.waits) == 7


@pytest.mark.parametrize("what", ["version", "size"])
async def test_a_source_that_changes_under_way_is_told(
    server: ByteServer, rig: Rig, tmp_path: Path, what: str
) -> None:
    remote = Remote(server, LARGE)
    stall = Fault("stall", after=1000)
    server.plan(stall)
    task = asyncio.create_task(rig.move(remote, PartFile(tmp_path / "t", len(LARGE))))
    await asyncio.to_thread(stall.reached.wait, 10)
    if what == "version":
        remote.version = "v2"
    else:
        remote.data = LARGE + b"x"
    # several: hanging up may cut off the answer to a request that met the first one
    server.plan(*(Fault("status", status=403) for _ in range(8)))
    server.hang_up()
    stall.go.set()
    with pytest.raises(SourceChanged):
        await task
    assert not (tmp_path / "t").exists()


async def test_another_size_than_planned(server: ByteServer, rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(SourceChanged):
        await rig.move(Remote(server, SMALL), PartFile(tmp_path / "t", 5), size=5)


async def test_what_was_received_is_not_fetched_again(
    server: ByteServer, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "SYNC_BYTES", 4 * MIB)
    remote = Remote(server, LARGE, hashes={HashType.SHA1: sha1(LARGE)})
    stalls = [Fault("stall", after=3 * MIB) for _ in range(20)]
    server.plan(*stalls)
    task = asyncio.create_task(rig.move(remote, PartFile(tmp_path / "t", len(LARGE))))
    await rig.until_wired(12 * MIB)
    rig.stop.set()
    with pytest.raises(Interrupted):
        await task
    server.faults.clear()
    for each in stalls:
        each.go.set()
    held = sum(each.length for each in rig.receipts)
    assert 11 * MIB <= held <= 12 * MIB
    assert len({each.number for each in rig.receipts}) == len(rig.receipts)
    server.served = 0
    again = Rig(rig.pump)
    moved = await again.move(remote, PartFile(tmp_path / "t", len(LARGE)), done=list(rig.receipts))
    assert server.served == len(LARGE) - held
    assert moved.sent == len(LARGE) - held
    assert again.meter.done == len(LARGE)
    assert moved.checked
    assert (tmp_path / "t").read_bytes() == LARGE


async def test_ranges_are_told_only_after_a_sync(
    server: ByteServer, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "SYNC_SECONDS", 0.02)
    events: list[str] = []

    class Loud(PartFile):
        def sync(self) -> None:
            super().sync()
            events.append("sync")

    stalls = [Fault("stall", after=3 * MIB) for _ in range(4)]
    server.plan(*stalls)
    rig.receipts = _Recorder(events)
    task = asyncio.create_task(rig.move(Remote(server, LARGE), Loud(tmp_path / "t", len(LARGE))))
    await rig.until(lambda: "told" in events)
    for each in stalls:
        each.go.set()
    await task
    assert events[0] == "sync"
    assert (tmp_path / "t").read_bytes() == LARGE


class _Recorder(list[Receipt]):
    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self._events = events

    def append(self, receipt: Receipt) -> None:
        self._events.append("told")
        super().append(receipt)


async def test_a_server_without_ranges_sends_one_stream(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    remote = Remote(server, LARGE, ranges=False, hashes={HashType.GCID: gcid(LARGE)})
    server.plan(Fault("cut", after=9 * MIB))
    moved = await rig.move(remote, PartFile(tmp_path / "t", len(LARGE)))
    assert moved.checked
    assert [each.headers.get("range") for each in server.seen] == [None, None]
    assert rig.meter.done == len(LARGE)
    assert (tmp_path / "t").read_bytes() == LARGE


async def test_lasting_corruption_keeps_a_bad_file(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    server.plan(*(Fault("corrupt") for _ in range(9)))
    remote = Remote(server, SMALL, hashes={HashType.SHA1: sha1(SMALL)})
    with pytest.raises(Mismatch) as caught:
        await rig.move(remote, PartFile(tmp_path / "t", len(SMALL)))
    assert "t.bad" in caught.value.text
    assert names(tmp_path) == ["t.bad"]


async def test_a_gcid_that_fits_nothing_is_reported_and_the_file_kept(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    remote = Remote(server, SMALL, hashes={HashType.GCID: "A" * 40})
    moved = await rig.move(remote, PartFile(tmp_path / "t", len(SMALL)))
    assert (moved.checked, bool(moved.note)) == (False, True)
    assert (tmp_path / "t").read_bytes() == SMALL
    assert rig.meter.done == len(SMALL)
    assert moved.sent == server.served


async def test_an_odd_gcid_with_a_fitting_md5_is_checked(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    remote = Remote(server, SMALL, hashes={HashType.GCID: "A" * 40, HashType.MD5: md5(SMALL)})
    moved = await rig.move(remote, PartFile(tmp_path / "t", len(SMALL)))
    assert moved.checked
    assert moved.sent == len(SMALL)


async def test_corrected_metadata_settle_it(server: ByteServer, rig: Rig, tmp_path: Path) -> None:
    remote = Remote(server, SMALL, hashes={HashType.SHA1: "0" * 40})
    original = remote.open

    async def corrected() -> object:
        if remote.opened:
            remote.hashes = {HashType.SHA1: sha1(SMALL)}
        return await original()

    remote.open = corrected  # type: ignore[method-assign,assignment]
    moved = await rig.move(remote, PartFile(tmp_path / "t", len(SMALL)))
    assert moved.checked
    assert moved.sent == len(SMALL)


async def test_a_full_disk_is_told_and_nothing_else_runs(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    class FullDisk(PartFile):
        def fd(self) -> int:
            if self._fd < 0:
                self._fd = os.open("/dev/full", os.O_RDWR)
            return self._fd

        def sync(self) -> None:
            return

    with pytest.raises(Full):
        await rig.move(Remote(server, LARGE), FullDisk(tmp_path / "t", len(LARGE)))
    assert rig.waits == []


async def test_an_expired_ticket_is_renewed_before_it_is_used(
    server: ByteServer, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudtui.services.transfers.tickets._YOUNG", 0.0)
    now = 1_000_000.0
    monkeypatch.setattr(ServerClock, "now", lambda *_: now)
    remote = Remote(server, LARGE, expires_at=now + 60)
    stalls = [Fault("stall", after=1000) for _ in range(4)]
    server.plan(*stalls)
    task = asyncio.create_task(rig.move(remote, PartFile(tmp_path / "t", len(LARGE))))
    for each in stalls:
        await asyncio.to_thread(each.reached.wait, 10)
    now += 55
    remote.expires_at = now + 60
    for each in stalls:
        each.go.set()
    await task
    assert remote.opened == 2


async def test_a_clock_that_makes_every_ticket_expired_is_not_believed(
    server: ByteServer, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudtui.services.transfers.tickets._YOUNG", 0.0)
    remote = Remote(server, LARGE, expires_at=1.0)
    await rig.move(remote, PartFile(tmp_path / "t", len(LARGE)))
    assert remote.opened == 1


async def test_a_passing_failure_of_open_is_repeated(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    remote = Remote(server, SMALL, errors=[Offline("No."), Offline("No.")])
    await rig.move(remote, PartFile(tmp_path / "t", len(SMALL)))
    assert len(rig.waits) == 2
    remote = Remote(server, SMALL, errors=[NotFound("Gone.")])
    with pytest.raises(NotFound):
        await rig.move(remote, PartFile(tmp_path / "t", len(SMALL)))


@pytest.mark.parametrize("seed", range(12))
async def test_stopped_at_any_moment_only_source_bytes_are_on_disk(
    server: ByteServer, rig: Rig, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    server.plan(
        *(Fault("stall", after=chance.randrange(1, 5 * MIB)) for _ in range(4)),
    )
    stalls = list(server.faults)
    handle = PartFile(tmp_path / "t", len(LARGE))
    task = asyncio.create_task(rig.move(Remote(server, LARGE), handle))
    await asyncio.to_thread(stalls[chance.randrange(4)].reached.wait, 10)
    if seed % 2:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        rig.stop.set()
        with pytest.raises(Interrupted):
            await task
    for each in stalls:
        each.go.set()
    part = handle.part.read_bytes()
    assert len(part) == len(LARGE)
    step = 4096
    for at in range(0, len(part), step):
        piece = part[at : at + step]
        if piece != LARGE[at : at + step]:
            kept = len(piece.rstrip(b"\0"))
            assert piece[:kept] == LARGE[at : at + kept]
    for receipt in rig.receipts:
        end = receipt.offset + receipt.length
        assert part[receipt.offset : end] == LARGE[receipt.offset : end]
    again = Rig(rig.pump)
    await again.move(Remote(server, LARGE), handle, done=rig.receipts)
    assert (tmp_path / "t").read_bytes() == LARGE


@pytest.mark.parametrize("answer", ["right", "wrong", "refused"])
async def test_digests_that_must_be_asked_for(
    server: ByteServer, rig: Rig, tmp_path: Path, answer: str
) -> None:
    asked: list[str] = []

    async def ask() -> dict[HashType, str]:
        asked.append(answer)
        if answer == "refused":
            raise Denied("No.")
        return {HashType.SHA1: sha1(SMALL) if answer == "right" else "0" * 40}

    rig.claims = (HashType.SHA1, ask)
    handle = PartFile(tmp_path / "t", len(SMALL))
    if answer == "wrong":
        with pytest.raises(Mismatch):
            await rig.move(Remote(server, SMALL), handle)
        assert len(asked) == 2
        return
    moved = await rig.move(Remote(server, SMALL), handle)
    assert moved.checked == (answer == "right")
    await Rig(rig.pump, claims=rig.claims).move(
        Remote(server, SMALL), PartFile(tmp_path / "u", len(SMALL)), verify=Verify.SIZE
    )
    told = Remote(server, SMALL, hashes={HashType.MD5: md5(SMALL)})
    moved = await Rig(rig.pump, claims=rig.claims).move(told, PartFile(tmp_path / "v", len(SMALL)))
    assert moved.checked
    assert len(asked) == 1
