"""kill -9 at random moments of jobs that do a bit of everything: in the end the trees are equal,
nothing is doubled or left about, and hardly a byte was sent again."""

from __future__ import annotations

import contextlib
import itertools
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cloud_stage import Stage, Tree, tree_of
from tests.crash.scenarios import OPTIONS, RESUME, Files, under
from tests.sandbox_process import SandboxProcess, start_sandbox

pytestmark = pytest.mark.crash

CUTOFF = 200_000
"""Files from here on go in parts, as the stage's accounts are set."""
LARGE = 3
"""Files in parts of each tree."""
PARTS_AT_ONCE = {"pk": 4, "pc": 1}
UPLOADS = {
    "pk": ("pikpak.upload", ("partNumber=", "x-id=PutObject")),
    "pc": ("pcloud.us", ("uploadoffset=", "/uploadfile")),
}
MOVED = 10
"""Deaths of the move."""


def mixed(stage: Stage, salt: str) -> Files:
    """Small files, empty ones, and some that go in parts, all of them new to every cloud."""
    rng = random.Random(f"{stage.username}/{salt}")
    files = {f"{salt}{n % 3}/{n}.txt": rng.randbytes(rng.randrange(40_000)) for n in range(15)}
    files |= {f"big/{n}-{salt}.bin": rng.randbytes(CUTOFF * (n + 2)) for n in range(LARGE)}
    return {**files, "empty": b"", "stands.bin": rng.randbytes(60_000)}


def size_of(files: Files, below: int | None = None) -> int:
    """Bytes of all of them, or of those below a size."""
    return sum(len(each) for each in files.values() if below is None or len(each) < below)


def sent(entries: list[dict[str, Any]], place: str) -> int:
    """Bytes of files that went up, by the log of requests."""
    listener, marks = UPLOADS[place]
    return sum(
        each["bytes_in"]
        for each in entries
        if each["listener"] == listener
        and each["method"] == "PUT"
        and any(mark in f"{each['path']}?{each['query']}" for mark in marks)
    )


@dataclass
class Job:
    """Words that are killed again and again until they come through."""

    stage: Stage
    words: tuple[str, ...]
    rng: random.Random
    step: int
    """About so many bytes pass between two deaths."""
    kills: int = 0
    begun: int = 0
    """The last request before it began."""

    def __post_init__(self) -> None:
        self.begun = self.last(0)

    def last(self, since: int) -> int:
        """The number of the last request so far."""
        return max((each["seq"] for each in self.stage.admin.log(since)), default=since)

    def seen(self) -> list[dict[str, Any]]:
        """Its requests, none of which is still going on."""
        limit = time.monotonic() + 200
        while True:
            found = self.stage.admin.log(self.begun)
            if all(each["done"] for each in found):
                return found
            assert time.monotonic() < limit

    def moved(self, since: int) -> int:
        """Bytes that answered requests brought in either direction."""
        return sum(each["bytes_in"] + each["bytes_out"] for each in self.stage.admin.log(since))

    def through(self, most: int) -> bool:
        """Kill it at most so often; whether it came through."""
        since = self.begun
        while self.kills < most:
            since = self.last(since)
            wanted = self.rng.randrange(self.step)
            known = self.stage.jobs()
            if known and known[-1] == "done":
                return True  # killed after the very end
            words = RESUME if known and self.rng.random() < 0.5 else self.words
            with self.stage.home.start(*words) as process:
                while process.poll() is None and self.moved(since) < wanted:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(0.02)  # the program shall run, not this loop
                process.kill()
                _, err = process.communicate()
            if process.returncode == 0:
                return True
            assert process.returncode == -9, err.decode()
            self.kills += 1
        return False

    def finish(self) -> None:
        """Let it come to its end."""
        if self.stage.jobs()[-1:] != ["done"]:
            self.stage.home.run(*(RESUME if self.stage.jobs() else self.words)).ok()
        assert self.stage.jobs() == ["done"]


def rounds(box: SandboxProcess, folder: Path) -> Iterator[Stage]:
    """Fresh stages on which about as much passes in a second as lies between two deaths."""
    for number in itertools.count():
        top = folder / f"round-{number}"
        top.mkdir()
        stage = Stage(box, top, vault=True, options=OPTIONS)
        stage.home.environ["CLOUDTUI_ACCOUNT__PK__HASH_MEMORY_LIMIT"] = str(CUTOFF)
        stage.admin.fault(kind="throttle", bytes_per_s=1_500_000, times=-1, listener="p*.[uc]*")
        yield stage
        stage.close()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Servers of its own: their log of requests is read again and again, so it has to be short."""
    with start_sandbox(tmp_path_factory.mktemp("moments")) as running:
        yield running


@pytest.mark.parametrize(("place", "most"), [("pc", 20), ("pk", 10)])
def test_copies_from_here_and_from_the_other_cloud(
    box: SandboxProcess, tmp_path: Path, place: str, most: int
) -> None:
    """Up, across (relayed to pCloud; to PikPak through memory or by a spool file) and over what
    stands there."""
    other = {"pc": "pk", "pk": "pc"}[place]
    kills = 0
    for stage in rounds(box, tmp_path):
        here, there = mixed(stage, "a"), mixed(stage, "b")
        del there["stands.bin"], there["empty"]
        source = stage.folder / "src"
        stage.plant("", str(source), here)
        stage.plant(other, "/t", there)
        stage.put(place, "/x/src/stands.bin", b"what stood there before")

        way = ("-r", "--server-side", "never", "--on-conflict", "overwrite")
        words = ("cp", *way, str(source), f"{other}:/t", f"{place}:/x/")
        total, small = (
            size_of(here) + size_of(there),
            size_of(here, CUTOFF) + size_of(there, CUTOFF),
        )
        job = Job(stage, words, random.Random(f"{place}{kills}"), total // 12)
        job.through(most - kills)
        job.finish()

        wanted: Tree = {"src": None, "t": None}
        wanted |= under("src", tree_of(here)) | under("t", tree_of(there))
        assert stage.tree(place, "/x") == dict(sorted(wanted.items()))
        assert stage.tree(other, "/t") == tree_of(there)
        assert stage.tree("", str(source)) == tree_of(here)
        assert stage.litter() == []
        window = 2 * LARGE * PARTS_AT_ONCE[place] * int(OPTIONS[place]["chunk_size"])
        again = sent(job.seen(), place) - total
        assert again <= job.kills * window + small
        kills += job.kills
        if kills >= most:
            break


def test_a_move_from_both_clouds(box: SandboxProcess, tmp_path: Path) -> None:
    """Each source goes once its copy is safe."""
    kills = 0
    for stage in rounds(box, tmp_path):
        one, other, back = mixed(stage, "a"), mixed(stage, "b"), stage.folder / "back"
        stage.plant("pk", "/t", one)
        stage.plant("pc", "/u", other)
        rng = random.Random(f"down{kills}")
        step = (size_of(one) + size_of(other)) // 8
        job = Job(stage, ("mv", "pk:/t", "pc:/u", f"{back}/"), rng, step)
        job.through(MOVED - kills)
        job.finish()
        wanted: Tree = {"t": None, "u": None}
        wanted |= under("t", tree_of(one)) | under("u", tree_of(other))
        assert stage.tree("", str(back)) == dict(sorted(wanted.items()))
        assert "t" not in stage.tree("pk")
        assert "u" not in stage.tree("pc")
        assert stage.litter() == []
        kills += job.kills
        if kills >= MOVED:
            break
