"""Long transfers ended by SIGTERM or kill -9 in the middle: what arrived is not moved again."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cloud_stage import Stage, Tree, sha1_of, tree_of
from tests.crash.scenarios import files_of, within
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.crash

MIB = 1 << 20
SIZE = 64 * MIB
PART = 4 * MIB
OPTIONS = {
    "pk": {"upload_cutoff": 8 * MIB, "chunk_size": PART, "upload_concurrency": 2},
    "pc": {"upload_cutoff": 8 * MIB, "chunk_size": PART},
}
UPLOADS = {"pk": ("pikpak.upload", "PUT *"), "pc": ("pcloud.us", "PUT /upload_write")}
CONTENT = {"pk": "pikpak.content", "pc": "pcloud.content"}


@pytest.fixture
def big(box: SandboxProcess, tmp_path: Path) -> Stage:
    """Files from 8 MiB go in parts of 4 MiB."""
    return Stage(box, tmp_path, vault=True, options=OPTIONS)


def until(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> None:
    """Ask again and again until it is so; the process must be running still."""
    limit = time.monotonic() + 200
    while not reached():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)  # the program shall run, not this loop
        assert process.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < limit


def moved(entries: list[dict[str, Any]], listener: str, direction: str) -> int:
    """Bytes that went over a listener in one direction."""
    return sum(each[direction] for each in entries if each["listener"] == listener)


def the_job(stage: Stage) -> dict[str, Any]:
    (job,) = stage.home.run("jobs", "ls", "--json").ok().values
    return job


@pytest.mark.parametrize("place", ["pk", "pc"])
def test_an_upload_killed_half_way_sends_no_part_twice(big: Stage, place: str) -> None:
    content = random.Random(big.username).randbytes(SIZE)
    source = big.folder / "file.bin"
    source.write_bytes(content)
    listener, match = UPLOADS[place]
    # the parts after the fifth would take minutes each
    slow = {"kind": "throttle", "bytes_per_s": PART // 200, "times": -1, "skip": 5}
    big.admin.fault(**slow, listener=listener, match=match)
    since = len(big.admin.log())

    def parts() -> int:
        return sum(
            each["done"] and each["status"] == 200 and each["bytes_in"] == PART
            for each in big.admin.log(since)
        )

    with big.home.start("cp", str(source), f"{place}:/x/") as process:
        until(process, lambda: parts() >= 4)
        process.kill()
        process.communicate()
    big.close()
    assert the_job(big)["orphan"]
    whole = parts()
    between = len(big.admin.log())
    big.home.run("cp", source, f"{place}:/x/").ok()
    sent = moved(big.admin.log(between), listener, "bytes_in")
    # what was under way when it died goes again: as many parts as go at once
    assert sent <= SIZE - whole * PART + PART
    assert sent < SIZE - 3 * PART
    assert big.tree(place, "/x") == {"file.bin": sha1_of(content)}


@pytest.mark.parametrize("place", ["pk", "pc"])
def test_a_download_killed_half_way_fetches_no_durable_range_twice(big: Stage, place: str) -> None:
    content = random.Random(big.username).randbytes(SIZE + SIZE // 2)
    local, back = big.folder / "up.bin", big.folder / "back"
    local.write_bytes(content)
    back.mkdir()
    big.home.run("cp", local, f"{place}:/x/file.bin").ok()
    words = ("cp", f"{place}:/x/file.bin", str(back))
    big.admin.fault(kind="throttle", bytes_per_s=3 * MIB, times=-1, listener=CONTENT[place])
    big.die("mover.range_durable", *words)
    (part,) = back.iterdir()
    assert part.name.endswith(".cloudtui-part")

    with big.home.start(*words) as process:
        until(process, lambda: durable(big) > 0)
        process.kill()
        process.communicate()
    big.close()
    noted = durable(big)
    since = len(big.admin.log())
    big.home.run("jobs", "resume").ok()
    assert moved(big.admin.log(since), CONTENT[place], "bytes_out") <= len(content) - noted + MIB
    assert (back / "file.bin").read_bytes() == content
    assert big.litter() == []


def durable(stage: Stage) -> int:
    """Bytes on this disk that the journal vouches for."""
    with stage.journal() as journal:
        (found,) = journal.execute("SELECT coalesce(sum(length), 0) FROM receipts").fetchone()
    return int(found)


@pytest.mark.parametrize("place", ["pk", "pc"])
def test_sigterm_pauses_at_once(big: Stage, place: str) -> None:
    """The parts under way would take three minutes each: they are broken off, not waited for."""
    files, source = files_of(big), big.folder / "src"
    files["large.bin"] = random.Random(big.email).randbytes(24 * MIB)
    big.plant("", str(source), files)
    listener, match = UPLOADS[place]
    slow = {"kind": "throttle", "bytes_per_s": PART // 200, "times": -1, "skip": 2}
    query = {"pk": "partNumber=*", "pc": "*"}[place]
    big.admin.fault(**slow, listener=listener, match=match, query=query)
    since = len(big.admin.log())

    def slowed() -> list[dict[str, Any]]:
        return [each for each in big.admin.log(since) if "throttle" in each["faults"]]

    with big.home.start("cp", "-r", str(source), f"{place}:/x/") as process:
        until(process, lambda: bool(slowed()))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=100)
    assert process.returncode == 143, err
    assert b"Traceback" not in err
    assert all(each["bytes_in"] < PART for each in slowed())
    big.close()
    job = the_job(big)
    assert (job["state"], job["orphan"]) == ("paused", True)
    big.home.run("jobs", "resume").ok()
    assert big.tree(place, "/x") == within("src", tree_of(files))
    assert the_job(big)["state"] == "done"
    assert big.litter() == []


@pytest.mark.parametrize("place", ["pk", "pc"])
def test_three_processes_at_once(big: Stage, place: str) -> None:
    """Each copies a tree of its own into one folder of one account, signed in by one refresh
    token."""
    trees = {f"tree-{n}": files_of(big, str(n)) for n in range(3)}
    for name, files in trees.items():
        big.plant("", str(big.folder / name), files, ["void"])
    big.put(place, "/x/")
    big.home.run("ls", f"{place}:/").ok()
    processes = [
        big.home.start("cp", "-r", str(big.folder / name), f"{place}:/x/") for name in trees
    ]
    for process in processes:
        with process:
            _, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
    wanted: Tree = {}
    for name, files in trees.items():
        wanted |= within(name, tree_of(files, ["void"]))
    assert big.tree(place, "/x") == wanted
    states = [row["state"] for row in big.home.run("jobs", "ls", "--json").ok().values]
    assert states == ["done"] * 3
    assert big.litter() == []
