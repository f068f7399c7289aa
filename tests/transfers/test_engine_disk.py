"""What copies on this disk leave there: holes, and bytes that outlive their sources."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from cloudtui.services.errors import NotSupported
from cloudtui.services.transfers import ondisk, removals
from cloudtui.services.transfers.orders import JobState, Verb
from tests.transfers.engine_rig import Rig, disk, order, plant, tree


@pytest.mark.parametrize("kernel", [True, False], ids=["kernel", "buffer"])
@pytest.mark.parametrize(
    "spots",
    [(), (0,), (5 << 20,), (0, 3 << 20, (9 << 20) + 3)],
    ids=["nothing but a hole", "a hole at the end", "one in the middle", "between holes"],
)
async def test_holes_stay_holes(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: bool, spots: tuple[int, ...]
) -> None:
    if not kernel:
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    sparse_file(tmp_path / "from", 10 << 20, spots)
    view = await rig.run(order(disk(tmp_path / "from"), disk(tmp_path / "to")))
    assert (view.state, view.bytes_done) == (JobState.DONE, 10 << 20)
    copy = tmp_path / "to/from"
    assert copy.read_bytes() == (tmp_path / "from").read_bytes()
    assert copy.stat().st_blocks <= (tmp_path / "from").stat().st_blocks


async def test_a_hole_needs_no_room(rig: Rig, tmp_path: Path) -> None:
    facts = os.statvfs(tmp_path)
    size = facts.f_bavail * facts.f_frsize + (1 << 30)
    try:
        sparse_file(tmp_path / "from", size, (size - 5,))
    except OSError:
        pytest.skip("no file here is larger than the room there is")
    view = await rig.run(order(disk(tmp_path / "from"), disk(tmp_path / "to")))
    assert view.state is JobState.DONE, view
    assert (tmp_path / "to/from").stat().st_size == size
    with (tmp_path / "to/from").open("rb") as copy:
        copy.seek(size - 5)
        assert copy.read() == b"bytes"


def sparse_file(path: Path, size: int, spots: tuple[int, ...]) -> None:
    """A file that is one hole but for five bytes at each spot."""
    with path.open("wb") as file:
        file.truncate(size)
        for spot in spots:
            file.seek(spot)
            file.write(b"bytes")
    if path.stat().st_blocks * 512 >= min(size, 10 << 20):
        pytest.skip("this file system keeps no holes")


async def test_sources_go_only_after_their_copies_are_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"f{number:02}": bytes([number]) for number in range(40)}
    source = plant(tmp_path / "from", dict(files))
    synced: list[list[str]] = []
    real = ondisk.make_durable

    def recording(paths: Sequence[str]) -> list[OSError | None]:
        names = [Path(path).name for path in paths]
        assert all((source / name).exists() for name in names)
        synced.append(names)
        failures = real(paths)
        return [
            OSError(errno.EIO, "no") if name == "f07" else failure
            for name, failure in zip(names, failures, strict=True)
        ]

    monkeypatch.setattr(removals, "make_durable", recording)
    # all are waited for, however long their copies take
    monkeypatch.setattr(removals, "_GATHER", 600.0)
    monkeypatch.setattr(removals, "_MOST", len(files))
    async with Rig(tmp_path / "home") as rig:
        monkeypatch.setattr(rig.disk, "move", refusing)
        view = await rig.run(order(disk(source), disk(tmp_path / "to"), verb=Verb.MOVE))
        item = rig.items(view.id)["f07"]
    assert (view.state, view.files_done, view.files_failed) == (JobState.FAILED, 39, 1)
    assert "the source stays" in item.message
    assert tree(tmp_path / "to/from") == files
    assert tree(source) == {"f07": files["f07"]}
    # how many go together depends on how fast they are copied; each is waited for once
    assert sorted(name for names in synced for name in names) == sorted(files)


async def refusing(*_: object) -> None:
    raise NotSupported("Another disk.")


@pytest.mark.parametrize("together", [True, False, None], ids=["together", "alone", "failing"])
def test_each_file_is_made_durable_or_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: bool | None
) -> None:
    def sync(_fd: int) -> bool:
        if together is None:
            raise OSError(errno.EIO, "no")
        return together

    fsynced: list[int] = []
    monkeypatch.setattr(ondisk, "sync_filesystem", sync)
    monkeypatch.setattr(os, "fsync", fsynced.append)
    plant(tmp_path, {str(number): b"1" for number in range(6)})
    paths = [str(tmp_path / str(number)) for number in (0, 1, 2, 3, 4, 5, 99)]
    failures = ondisk.make_durable(paths)
    assert isinstance(failures.pop(), FileNotFoundError)
    assert [failure is not None for failure in failures] == [together is None] * 6
    assert len(fsynced) == (12 if together is False else 0)
    ondisk.make_durable(paths[:1])
    assert len(fsynced) == (14 if together is False else 2)
