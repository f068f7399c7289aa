"""From one service to another through this machine, and from disk to disk."""

from __future__ import annotations

import asyncio
import errno
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

import cloudtui
from cloudtui.services.errors import Interrupted, Mismatch, NotSupported, SourceChanged
from cloudtui.services.models import HashType
from cloudtui.services.storage import ReadTicket, Receipt
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.stop import Stop
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.handles import PartFile, PartUpload
from tests.transfers.mover_rig import Remote, Rig, gcid, local, sha1, summed

MIB = 1024 * 1024
LARGE = os.urandom(9 * MIB + 5)
SHAPES = {"single": (0, 1), "session": (2 * MIB, 1), "multipart": (2 * MIB, 4)}


@pytest.fixture
def rig(pump: Pump) -> Rig:
    return Rig(pump)


@pytest.fixture
def far(authority: trustme.CA) -> Iterator[ByteServer]:
    with ByteServer(authority=authority) as server:
        yield server


def upload(server: ByteServer, shape: str, size: int = len(LARGE)) -> PartUpload:
    part_size, at_once = SHAPES[shape]
    return PartUpload(server, "u", size, part_size=part_size, parts_at_once=at_once)


@pytest.mark.parametrize("shape", SHAPES)
async def test_relay(server: ByteServer, far: ByteServer, rig: Rig, shape: str) -> None:
    handle = upload(far, shape)
    moved = await rig.move(Remote(server, LARGE, hashes={HashType.GCID: gcid(LARGE)}), handle)
    assert handle.content() == LARGE
    assert moved.sent == rig.meter.done == len(LARGE)
    assert moved.checked == (shape != "multipart")
    assert moved.note == ""
    assert server.served == len(LARGE)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset-before"),
        Fault("cut", after=MIB),
        Fault("status", status=403),
        Fault("status", status=503),
        Fault("status", status=429),
        Fault("reset-after", "PUT"),
        Fault("reset-before", "PUT"),
        Fault("status", "PUT", status=500),
    ],
    ids=lambda fault: f"{fault.method}-{fault.kind}{fault.status or ''}",
)
async def test_relay_through_three_faults(
    server: ByteServer, far: ByteServer, rig: Rig, shape: str, fault: Fault
) -> None:
    at = far if fault.method == "PUT" else server
    at.plan(*(Fault(fault.kind, fault.method, fault.after, fault.status) for _ in range(3)))
    handle = upload(far, shape)
    await rig.move(Remote(server, LARGE, hashes={HashType.SHA1: sha1(LARGE)}), handle)
    assert handle.content() == LARGE
    assert rig.meter.done == len(LARGE)


async def test_a_broken_source_connection_does_not_repeat_the_upload(
    server: ByteServer, far: ByteServer, rig: Rig
) -> None:
    server.plan(Fault("cut", after=5 * MIB), Fault("cut", after=3 * MIB))
    handle = upload(far, "single")
    await rig.move(Remote(server, LARGE), handle)
    assert handle.content() == LARGE
    assert len(far.seen) == 1
    assert server.served <= len(LARGE) + 2 * 262_144


async def test_a_relay_keeps_to_the_connections_of_its_source(
    server: ByteServer, far: ByteServer, rig: Rig
) -> None:
    """Four parts are sent at once, and read one after the other."""
    remote = Remote(server, LARGE, account_connections=1)
    handle = upload(far, "multipart")
    stall = Fault("stall", after=MIB)
    server.plan(stall)
    task = asyncio.create_task(rig.move(remote, handle))
    assert await asyncio.to_thread(stall.reached.wait, 60)
    ticket = await remote.open()
    assert isinstance(ticket, ReadTicket)
    waiting = asyncio.create_task(rig.pump.rooms.take(ticket, Stop()))
    done, _ = await asyncio.wait({waiting}, timeout=0)
    assert not done
    assert len(server.requests("GET")) == 1
    stall.go.set()
    (await waiting).give_back()
    await task
    assert handle.content() == LARGE


async def test_relay_of_what_the_source_spoilt(
    server: ByteServer, far: ByteServer, rig: Rig
) -> None:
    handle = upload(far, "session")
    remote = Remote(server, LARGE, hashes={HashType.SHA1: "0" * 40})
    with pytest.raises(Mismatch):
        await rig.move(remote, handle)
    assert handle.finished == []
    odd = Remote(server, LARGE, hashes={HashType.GCID: "0" * 40})
    moved = await Rig(rig.pump).move(odd, handle)
    assert moved.checked
    assert moved.note


async def test_relay_goes_on_with_the_missing_parts(
    server: ByteServer, far: ByteServer, rig: Rig
) -> None:
    handle = upload(far, "session")
    far.stored["/u/0"] = LARGE[: 2 * MIB]
    far.stored["/u/1"] = LARGE[2 * MIB : 4 * MIB]
    done = [Receipt(0, 0, 2 * MIB), Receipt(1, 2 * MIB, 2 * MIB)]
    moved = await rig.move(Remote(server, LARGE), handle, done=done)
    assert handle.content() == LARGE
    assert server.served == len(LARGE) - 4 * MIB
    assert not moved.checked


async def test_relay_from_a_source_without_ranges(
    server: ByteServer, far: ByteServer, rig: Rig
) -> None:
    remote = Remote(server, LARGE, ranges=False)
    await rig.move(remote, upload(far, "single"))
    with pytest.raises(NotSupported):
        await rig.move(remote, upload(far, "session"))


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_relay_stopped_while_the_source_is_silent(
    server: ByteServer, far: ByteServer, rig: Rig, how: str
) -> None:
    stall = Fault("stall", after=3 * MIB)
    server.plan(stall)
    task = asyncio.create_task(rig.move(Remote(server, LARGE), upload(far, "single")))
    await asyncio.to_thread(stall.reached.wait, 10)
    if how == "stop":
        rig.stop.set()
        with pytest.raises(Interrupted):
            await task
    else:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    stall.go.set()
    assert far.stored == {}


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("size", [0, 1, 9 * MIB + 3])
async def test_disk_to_disk(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: bool, size: int
) -> None:
    if not kernel:

        def refuse(*_: object) -> int:
            raise OSError(errno.EXDEV, "no")

        monkeypatch.setattr(os, "copy_file_range", refuse)
    (tmp_path / "s").write_bytes(LARGE[:size])
    moved = await rig.move(local(tmp_path / "s"), PartFile(tmp_path / "t", size))
    assert (tmp_path / "t").read_bytes() == LARGE[:size]
    assert (moved.checked, moved.sent, rig.meter.done) == (False, size, size)


async def test_disk_to_disk_takes_up_where_it_stopped(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(LARGE)
    handle = PartFile(tmp_path / "t", len(LARGE))
    os.pwrite(handle.fd(), b"kept", MIB)
    done = [Receipt(4, MIB, 4, summed(b"kept"))]
    moved = await rig.move(local(tmp_path / "s"), handle, done=done)
    assert moved.sent == len(LARGE) - 4
    content = (tmp_path / "t").read_bytes()
    assert content == LARGE[:MIB] + b"kept" + LARGE[MIB + 4 :]


async def test_disk_to_disk_strict(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(LARGE)
    handle = PartFile(tmp_path / "t", len(LARGE))
    moved = await rig.move(local(tmp_path / "s"), handle, verify=Verify.STRICT)
    assert moved.checked
    handle = PartFile(tmp_path / "u", len(LARGE))
    handle.fd()
    done = [Receipt(0, 0, 9, summed(bytes(9)))]
    with pytest.raises(Mismatch):
        await rig.move(local(tmp_path / "s"), handle, verify=Verify.STRICT, done=done)
    assert (tmp_path / "u.bad").exists()


async def test_disk_to_disk_of_a_changed_source(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(LARGE)
    planned = local(tmp_path / "s")
    os.utime(tmp_path / "s", ns=(1, 1))
    with pytest.raises(SourceChanged):
        await rig.move(planned, PartFile(tmp_path / "t", len(LARGE)))


async def test_a_stop_before_disk_to_disk(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(LARGE)
    rig.stop.set()
    with pytest.raises(Interrupted):
        await rig.move(local(tmp_path / "s"), PartFile(tmp_path / "t", len(LARGE)))
    assert not (tmp_path / "t").exists()


async def test_a_relay_needs_little_memory(server: ByteServer, far: ByteServer, rig: Rig) -> None:
    handle = upload(far, "single")
    await rig.move(Remote(server, LARGE), handle)
    far.stored.clear()
    far.seen.clear()
    tracemalloc.start()
    try:
        await rig.move(Remote(server, LARGE), handle)
        snapshot = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    # by the package's own folder: the one around the tests may have its name
    package = str(Path(cloudtui.__file__).parent / "*")
    ours = snapshot.filter_traces([tracemalloc.Filter(inclusive=True, filename_pattern=package)])
    assert ours.traces
    assert sum(each.size for each in ours.statistics("filename")) < MIB
