"""From this disk to a service."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from cloudtui.services.errors import (
    CloudError,
    Denied,
    Gone,
    Interrupted,
    Mismatch,
    NotFound,
    ServerTrouble,
    SourceChanged,
)
from cloudtui.services.models import Entry, HashType
from cloudtui.services.storage import Receipt, SourceFacts
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.pump import Pump
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.handles import PartUpload
from tests.transfers.mover_rig import Rig, local, sha1

MIB = 1024 * 1024
SMALL = os.urandom(300_001)
LARGE = os.urandom(9 * MIB + 5)
SHAPES = {
    "single": (0, 1),
    "session": (2 * MIB, 1),
    "multipart": (2 * MIB, 4),
}


@pytest.fixture
def rig(pump: Pump) -> Rig:
    return Rig(pump)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "f"
    path.write_bytes(LARGE)
    return path


def upload(server: ByteServer, size: int, shape: str, **more: object) -> PartUpload:
    part_size, at_once = SHAPES[shape]
    return PartUpload(
        server,
        "u",
        size,
        part_size=part_size,
        parts_at_once=at_once,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("data", [b"", b"x", SMALL, LARGE], ids=["empty", "one", "small", "large"])
async def test_whole_files(
    server: ByteServer, rig: Rig, tmp_path: Path, data: bytes, shape: str
) -> None:
    (tmp_path / "f").write_bytes(data)
    handle = upload(server, len(data), shape)
    moved = await rig.move(local(tmp_path / "f"), handle)
    assert handle.content() == data
    assert handle.finished[0].hashes == {HashType.SHA1: sha1(data)}
    assert moved.checked
    assert moved.sent == rig.meter.done == len(data)
    assert handle.probes == 0


@pytest.mark.parametrize("shape", ["single", "session"])
async def test_what_goes_in_order_is_not_read_twice_for_its_digest(
    server: ByteServer, rig: Rig, path: Path, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, view: memoryview, offset: int) -> int:
        raise AssertionError(f"{len(view)} bytes of {fd} at {offset} are read behind the sending")

    monkeypatch.setattr("cloudtui.services.transfers.digest.read_at", refuse)
    server.plan(Fault("reset-before", "PUT"))
    handle = upload(server, len(LARGE), shape)
    moved = await rig.move(local(path), handle)
    assert moved.checked
    assert handle.finished[0].hashes == {HashType.SHA1: sha1(LARGE)}


async def test_parts_go_in_order_or_at_once(server: ByteServer, rig: Rig, path: Path) -> None:
    await rig.move(local(path), upload(server, len(LARGE), "session"))
    assert [each.path for each in server.seen] == [f"/u/{number}" for number in range(5)]
    assert server.connections == 1
    stalls = [Fault("stall", "PUT") for _ in range(4)]
    server.plan(*stalls)
    task = asyncio.create_task(rig.move(local(path), upload(server, len(LARGE), "multipart")))
    for each in stalls:
        await asyncio.to_thread(each.reached.wait, 10)
    assert server.connections == 4
    for each in stalls:
        each.go.set()
    await task


@pytest.mark.parametrize(
    ("verify", "kind", "known"),
    [
        (Verify.SIZE, HashType.SHA1, False),
        (Verify.HASH, None, False),
        (Verify.HASH, HashType.SHA1, True),
    ],
)
async def test_only_digests_that_are_of_use_are_computed(
    server: ByteServer, rig: Rig, path: Path, verify: Verify, kind: HashType | None, known: bool
) -> None:
    hashes = {HashType.SHA1: sha1(LARGE)} if known else {}
    handle = upload(server, len(LARGE), "single", verify_hash=kind)
    moved = await rig.move(local(path), handle, verify=verify, hashes=hashes)
    assert handle.finished[0].hashes == hashes
    assert moved.checked == known


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset-before"),
        Fault("reset-after"),
        *(Fault("status", status=status) for status in (401, 403, 429, 500, 503)),
    ],
    ids=lambda fault: fault.kind + (str(fault.status) if fault.status else ""),
)
async def test_three_faults_in_a_row_end_well(
    server: ByteServer, rig: Rig, path: Path, fault: Fault, shape: str
) -> None:
    server.plan(*(Fault(fault.kind, "PUT", status=fault.status) for _ in range(3)))
    handle = upload(server, len(LARGE), shape)
    moved = await rig.move(local(path), handle)
    assert handle.content() == LARGE
    assert moved.checked
    assert rig.meter.done == len(LARGE)


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_lost_answer_is_looked_up_and_nothing_sent_twice(
    server: ByteServer, rig: Rig, path: Path, shape: str
) -> None:
    server.plan(Fault("reset-after", "PUT"))
    handle = upload(server, len(LARGE), shape)
    await rig.move(local(path), handle)
    paths = [each.path for each in server.seen]
    assert len(paths) == len(set(paths))
    assert handle.probes == 1


async def test_a_lasting_refusal_ends_it(server: ByteServer, rig: Rig, path: Path) -> None:
    server.plan(*(Fault("status", "PUT", status=403) for _ in range(20)))
    with pytest.raises(Denied):
        await rig.move(local(path), upload(server, len(LARGE), "single"))
    assert len(server.seen) == 5
    assert rig.meter.done == 0


async def test_a_forgotten_upload_is_told(server: ByteServer, rig: Rig, path: Path) -> None:
    handle = upload(server, len(LARGE), "session")
    handle.gone = True
    server.plan(Fault("reset-before", "PUT"), Fault("reset-before", "PUT"))
    with pytest.raises(Gone):
        await rig.move(local(path), handle)


@pytest.mark.parametrize("shape", ["session", "multipart"])
async def test_parts_with_receipts_are_not_sent_again(
    server: ByteServer, rig: Rig, path: Path, shape: str
) -> None:
    handle = upload(server, len(LARGE), shape)

    def note(receipt: Receipt) -> None:
        rig.receipts.append(receipt)
        if len(rig.receipts) == 3:
            rig.stop.set()

    first = Rig(rig.pump, stop=rig.stop)
    first.receipts = _Calling(note)
    with pytest.raises(Interrupted):
        await first.move(local(path), handle)
    held = {each.number for each in rig.receipts}
    assert len(held) >= 3
    before = len(server.seen)
    again = Rig(rig.pump)
    moved = await again.move(local(path), handle, done=rig.receipts)
    # A part of the first try may be seen only now: what was moved is counted below.
    sent = {int(each.path.rpartition("/")[2]) for each in server.seen[before:]}
    assert sent == set(range(5)) - held
    assert handle.content() == LARGE
    assert again.meter.done == len(LARGE)
    assert moved.checked
    assert moved.sent == len(LARGE) - sum(each.length for each in rig.receipts)


class _Calling(list[Receipt]):
    def __init__(self, call: object) -> None:
        super().__init__()
        self._call = call

    def append(self, receipt: Receipt) -> None:
        self._call(receipt)  # type: ignore[operator]


def spoil(path: Path, change: str) -> None:
    """Make a planned source something else."""
    match change:
        case "content":
            os.utime(path, ns=(1, 1))
        case "size":
            path.write_bytes(LARGE + b"x")
        case "replaced":
            path.rename(path.with_name("old"))
            path.write_bytes(LARGE)
        case "gone":
            path.unlink()
        case _:
            path.unlink()
            os.mkfifo(path)


@pytest.mark.parametrize("change", ["content", "size", "replaced", "gone", "fifo"])
async def test_a_source_that_is_not_what_was_planned(
    server: ByteServer, rig: Rig, path: Path, change: str
) -> None:
    planned = local(path)
    spoil(path, change)
    error: type[CloudError] = NotFound if change == "gone" else SourceChanged
    with pytest.raises(error):
        await rig.move(planned, upload(server, len(LARGE), "single"))
    assert server.seen == []


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", ["grown", "cut", "touched"])
async def test_a_source_that_changes_while_it_is_sent(
    server: ByteServer, rig: Rig, path: Path, shape: str, how: str
) -> None:
    handle = upload(server, len(LARGE), shape)
    original = handle.part_request

    async def spoiling(number: int, offset: int, length: int) -> object:
        if how == "cut":
            os.truncate(path, 1000)
        elif how == "grown":
            os.truncate(path, len(LARGE) + 1)
        else:
            os.utime(path, ns=(5, 5))
        return await original(number, offset, length)

    handle.part_request = spoiling  # type: ignore[method-assign,assignment]
    with pytest.raises(SourceChanged):
        await rig.move(local(path), handle)
    assert handle.finished == []


async def test_strict_compares_the_parts(server: ByteServer, rig: Rig, path: Path) -> None:
    handle = upload(server, len(LARGE), "multipart", verify_hash=None, part_hash=HashType.MD5)
    moved = await rig.move(local(path), handle, verify=Verify.STRICT)
    assert moved.checked
    server.plan(Fault("corrupt", "PUT"))
    moved = await Rig(rig.pump).move(local(path), handle, verify=Verify.STRICT)
    assert moved.checked
    server.plan(*(Fault("corrupt", "PUT") for _ in range(99)))
    with pytest.raises(Mismatch):
        await rig.move(local(path), handle, verify=Verify.STRICT)
    assert len(handle.finished) == 2
    assert not (await Rig(rig.pump).move(local(path), handle)).checked


async def test_an_instant_upload_sends_nothing(server: ByteServer, rig: Rig, path: Path) -> None:
    class Instant(PartUpload):
        instant = True

        async def finish(self, receipts: object, facts: SourceFacts) -> Entry:
            self.server.stored[self.path(0)] = LARGE
            return await super().finish([], facts)

    moved = await rig.move(local(path), Instant(server, "u", len(LARGE), verify_hash=None))
    assert server.seen == []
    assert (moved.sent, rig.meter.done, moved.checked) == (0, len(LARGE), False)


async def test_finish_is_repeated_while_it_may_pass(
    server: ByteServer, rig: Rig, path: Path
) -> None:
    handle = upload(server, len(LARGE), "single")
    original, calls = handle.finish, []

    async def unwell(receipts: object, facts: SourceFacts) -> Entry:
        calls.append(receipts)
        if len(calls) < 4:
            raise ServerTrouble("Unwell.")
        return await original([], facts)

    handle.finish = unwell  # type: ignore[method-assign]
    await rig.move(local(path), handle)
    assert len(calls) == 4
    assert len(handle.finished) == 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_stopped_while_sending(
    server: ByteServer, rig: Rig, path: Path, shape: str, how: str
) -> None:
    handle = upload(server, len(LARGE), shape)
    task = asyncio.create_task(rig.move(local(path), handle))
    await rig.until_wired(MIB)
    if how == "stop":
        rig.stop.set()
        with pytest.raises(Interrupted):
            await task
    else:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert handle.finished == []
    again = Rig(rig.pump)
    await again.move(local(path), handle, done=rig.receipts)
    assert handle.content() == LARGE
