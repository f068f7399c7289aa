"""Parts that were touched between two runs: what is taken up is compared with what was noted."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudtui.services.errors import Interrupted
from cloudtui.services.models import HashType
from cloudtui.services.storage import Receipt
from cloudtui.services.transfers.orders import Verify
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.ranges import BLOCK
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.handles import PartFile, PartUpload
from tests.transfers.mover_rig import Remote, Rig, local, md5, sha1, summed

MIB = 1024 * 1024
LARGE = os.urandom(12 * MIB + 7)


@pytest.fixture
def rig(pump: Pump) -> Rig:
    return Rig(pump)


def flip(path: Path) -> None:
    """One byte becomes another."""
    with path.open("r+b") as file:
        file.seek(MIB)
        byte = file.read(1)
        file.seek(MIB)
        file.write(bytes([byte[0] ^ 1]))


def cut(path: Path) -> None:
    """The second half is gone; the length is made good with nothing."""
    os.truncate(path, 5 * MIB)
    os.truncate(path, len(LARGE))


def shorten(path: Path) -> None:
    """The file ends early."""
    os.truncate(path, 5 * MIB)


async def interrupted(rig: Rig, server: ByteServer, remote: Remote, part: PartFile) -> None:
    """Fetch most of the file and stop."""
    stalls = [Fault("stall", after=3 * MIB) for _ in range(20)]
    server.plan(*stalls)
    task = asyncio.create_task(rig.move(remote, part))
    await rig.until_wired(9 * MIB)
    rig.stop.set()
    with pytest.raises(Interrupted):
        await task
    server.faults.clear()
    for each in stalls:
        each.go.set()


@pytest.mark.parametrize("damage", [flip, cut, shorten])
@pytest.mark.parametrize("verify", [Verify.SIZE, Verify.HASH])
async def test_a_damaged_download_is_mended(
    server: ByteServer, rig: Rig, tmp_path: Path, damage: Callable[[Path], None], verify: Verify
) -> None:
    remote = Remote(server, LARGE, hashes={HashType.SHA1: sha1(LARGE)})
    part = PartFile(tmp_path / "t", len(LARGE))
    await interrupted(rig, server, remote, part)
    assert rig.receipts
    damage(part.part)
    again = Rig(rig.pump)
    moved = await again.move(
        remote, PartFile(tmp_path / "t", len(LARGE)), done=list(rig.receipts), verify=verify
    )
    assert (tmp_path / "t").read_bytes() == LARGE
    assert moved.note == "What was there of it was damaged and was fetched again."
    assert moved.checked is (verify is Verify.HASH)
    assert again.meter.done == len(LARGE)
    assert {each.number for each in again.receipts}.isdisjoint(each.number for each in rig.receipts)


def crc(data: bytes) -> str:
    """What earlier versions noted of a block."""
    return f"crc32:{zlib.crc32(data):08x}"


@pytest.mark.parametrize("tag_of", [summed, crc])
async def test_only_the_damaged_block_comes_again(
    server: ByteServer, rig: Rig, tmp_path: Path, tag_of: Callable[[bytes], str]
) -> None:
    part = PartFile(tmp_path / "t", len(LARGE))
    os.pwrite(part.fd(), LARGE, 0)
    done = [
        Receipt(at // MIB, at, MIB, tag_of(LARGE[at : at + MIB])) for at in range(0, 12 * MIB, MIB)
    ]
    flip(part.part)
    moved = await rig.move(Remote(server, LARGE), part, done=done)
    assert (tmp_path / "t").read_bytes() == LARGE
    assert moved.sent == MIB + 7


async def test_what_was_noted_without_a_checksum_is_not_believed(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    part = PartFile(tmp_path / "t", len(LARGE))
    done = [Receipt(0, 0, len(LARGE))]
    await rig.move(Remote(server, LARGE), part, done=done, verify=Verify.SIZE)
    assert (tmp_path / "t").read_bytes() == LARGE


async def test_a_damaged_copy_on_disk_is_mended(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(LARGE)
    part = PartFile(tmp_path / "t", len(LARGE))
    os.pwrite(part.fd(), LARGE[: 4 * MIB], 0)
    done = [
        Receipt(0, 0, 2 * MIB, summed(LARGE[: 2 * MIB])),
        Receipt(1, 2 * MIB, 2 * MIB, summed(LARGE[2 * MIB : 4 * MIB])),
    ]
    flip(part.part)
    moved = await rig.move(local(tmp_path / "s"), part, done=done)
    assert (tmp_path / "t").read_bytes() == LARGE
    assert moved.sent == len(LARGE) - 2 * MIB


async def test_large_ranges_are_noted_block_by_block(
    server: ByteServer, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudtui.services.transfers.blocks.BLOCK", MIB)
    remote = Remote(server, LARGE)
    await interrupted(rig, server, remote, PartFile(tmp_path / "t", len(LARGE)))
    assert BLOCK > MIB
    assert max(each.length for each in rig.receipts) == MIB
    for each in rig.receipts:
        assert each.tag == summed(LARGE[each.offset : each.offset + each.length])


async def test_strict_compares_parts_of_an_earlier_run(
    server: ByteServer, rig: Rig, tmp_path: Path
) -> None:
    """A part that the service holds under another digest goes again; an equal one does not."""
    (tmp_path / "s").write_bytes(LARGE)
    handle = PartUpload(
        server, "u", len(LARGE), part_size=4 * MIB, verify_hash=None, part_hash=HashType.MD5
    )
    parts = [LARGE[at : at + 4 * MIB] for at in range(0, len(LARGE), 4 * MIB)]
    for number, data in enumerate(parts[:2]):
        server.stored[handle.path(number)] = data
    server.stored[handle.path(1)] = b"?" * (4 * MIB)
    done = [
        Receipt(0, 0, 4 * MIB, f'"{md5(parts[0]).upper()}"'),
        Receipt(1, 4 * MIB, 4 * MIB, f'"{md5(b"?" * 4 * MIB)}"'),
    ]
    moved = await rig.move(local(tmp_path / "s"), handle, done=done, verify=Verify.STRICT)
    assert moved.sent == len(LARGE) - 4 * MIB
    assert moved.checked
    assert server.stored[handle.path(1)] == parts[1]
