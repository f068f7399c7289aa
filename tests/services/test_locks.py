"""Locks between processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from cloudtui.services.locks import FileLock, is_locked

HOLDER = """
import sys
from pathlib import Path
from cloudtui.services.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
assert lock.try_acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_two_objects_exclude_each_other(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "l"), FileLock(tmp_path / "l")
    assert first.try_acquire()
    assert first.try_acquire()
    assert not second.try_acquire()
    assert not second.acquire(timeout=0)
    first.release()
    first.release()
    assert second.try_acquire()
    second.release()


def test_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "l"
    assert not is_locked(path)
    assert not path.exists()
    with FileLock(path):
        assert is_locked(path)
    assert not is_locked(path)


def test_a_killed_process_frees_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "l"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        assert is_locked(path)
        child.kill()
        child.wait()
        lock = FileLock(path)
        assert lock.try_acquire()
        lock.release()


async def test_waiting_does_not_block_the_loop(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "l"), FileLock(tmp_path / "l")
    first.try_acquire()
    waiter = asyncio.create_task(second.acquire_async(timeout=30))
    await asyncio.sleep(0)
    assert not waiter.done()
    first.release()
    assert await waiter
    second.release()
    assert not await _never(tmp_path)


async def _never(folder: Path) -> bool:
    async with FileLock(folder / "l"):
        return await FileLock(folder / "l").acquire_async(timeout=0.01)


def test_the_file_stays(tmp_path: Path) -> None:
    with FileLock(tmp_path / "l"):
        pass
    assert (tmp_path / "l").exists()


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    def fail() -> None:
        with FileLock(tmp_path / "l"):
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert not is_locked(tmp_path / "l")
