"""One upload session among processes: one that died is gone on with, a living one is left alone."""

from __future__ import annotations

import contextlib
import random
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.cloud_stage import Stage, sha1_of
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.crash

MIB = 1 << 20
PART = 4 * MIB
SIZE = 10 * PART


@pytest.fixture
def stage(sandbox: SandboxProcess, tmp_path: Path) -> Iterator[Stage]:
    """Files from 8 MiB go in parts of 4 MiB."""
    options = {"pc": {"upload_cutoff": 8 * MIB, "chunk_size": PART}}
    made = Stage(sandbox, tmp_path, vault=True, options=options)
    (tmp_path / "file.bin").write_bytes(random.Random(made.email).randbytes(SIZE))
    yield made
    made.close()


def slow_down(stage: Stage, *, after: int, seconds: float) -> None:
    """Let so many parts pass, and each of the others take so long until `stage.close()`."""
    stage.admin.fault(
        kind="throttle",
        bytes_per_s=int(PART / seconds),
        times=-1,
        skip=after,
        listener="pcloud.us",
        match="PUT /upload_write",
    )


def writes(stage: Stage, since: int) -> dict[str, list[dict[str, Any]]]:
    """Requests that wrote to upload sessions, by session."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in stage.admin.log()[since:]:
        if entry["path"] == "/upload_write":
            found[parse_qs(entry["query"])["uploadid"][0]].append(entry)
    return found


def until(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> None:
    limit = time.monotonic() + 200
    while not reached():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)  # the program shall run, not this loop
        assert process.poll() is None, "it ended before it could be looked at"
        assert time.monotonic() < limit


def arrived(stage: Stage, since: int) -> int:
    """Whole parts the service has taken."""
    return sum(
        each["done"] and each["status"] == 200 and each["bytes_in"] == PART
        for session in writes(stage, since).values()
        for each in session
    )


def test_an_upload_killed_at_sixty_percent_sends_one_part_more_at_most(stage: Stage) -> None:
    source = stage.folder / "file.bin"
    slow_down(stage, after=6, seconds=200)
    since = len(stage.admin.log())
    with stage.home.start("cp", str(source), "pc:/x/") as process:
        until(process, lambda: arrived(stage, since) == 6)
        process.kill()
        process.communicate()
    stage.close()
    stage.home.run("cp", source, "pc:/x/").ok()
    (session,) = writes(stage, since).values()
    assert sum(each["bytes_in"] for each in session) <= SIZE + PART
    assert stage.tree("pc", "/x") == {"file.bin": sha1_of(source.read_bytes())}


def test_two_processes_never_write_one_upload(stage: Stage) -> None:
    source = stage.folder / "file.bin"
    slow_down(stage, after=1, seconds=1)
    since = len(stage.admin.log())
    with stage.home.start("cp", str(source), "pc:/x/") as process:
        until(process, lambda: arrived(stage, since) == 1)
        (job,) = stage.home.run("jobs", "ls", "--json").ok().values
        (mine,) = writes(stage, since)
        # others are asked to go on with it, and to do the same: not one byte of theirs goes there
        resumed = stage.home.run("jobs", "resume", job["id"])
        stage.home.run("cp", "--on-conflict", "skip", source, "pc:/x/")
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, (out, err, resumed)
    stage.close()
    session = writes(stage, since)[mine]
    offsets = [int(parse_qs(each["query"])["uploadoffset"][0]) for each in session]
    assert offsets == [number * PART for number in range(10)]
    assert all(each["status"] == 200 for each in session)
    assert stage.tree("pc", "/x") == {"file.bin": sha1_of(source.read_bytes())}


def test_two_equal_copies_send_a_small_file_once(stage: Stage) -> None:
    """Sent twice, one of them would lie under a numbered name until it is taken back."""
    source = stage.folder / "small.bin"
    source.write_bytes(random.Random(stage.email).randbytes(MIB))
    stage.admin.fault(
        kind="throttle",
        bytes_per_s=MIB // 4,
        times=-1,
        listener="pcloud.us",
        match="PUT /uploadfile",
    )
    since = len(stage.admin.log())

    def puts() -> list[dict[str, Any]]:
        return [each for each in stage.admin.log()[since:] if each["path"] == "/uploadfile"]

    with stage.home.start("cp", str(source), "pc:/x/") as process:
        until(process, lambda: len(puts()) == 1)
        second = stage.home.run("cp", source, "pc:/x/").ok()
        process.communicate(timeout=200)
        assert process.returncode == 0
    assert len(puts()) == 1, second
    assert stage.tree("pc", "/x") == {"small.bin": sha1_of(source.read_bytes())}
