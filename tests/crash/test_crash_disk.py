"""kill -9 at every step of the engine that concerns this disk: the next run finishes with equal
trees, nothing doubled, nothing half under a real name, no stray part."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudtui.services.failpoints import NAMES
from tests.crash.engine_process import Wish
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.engine_rig import plant, tree

pytestmark = pytest.mark.crash

CONTENT: dict[str, bytes | None] = {
    "a.txt": b"a" * 1000,
    "empty": b"",
    "deep/er/b.bin": os.urandom(200_000),
    "deep/c.bin": os.urandom(70_000),
    "hollow": None,
    **{f"many/f{n}": bytes([n]) * n for n in range(20)},
}
BIG = os.urandom(9_000_000)

COPY = {
    "plan.mkdir.intent", "plan.mkdir.made", "plan.mkdir.noted", "plan.page", "plan.folder",
    "plan.rooted", "plan.counted", "engine.job.created", "engine.job.finished",
    "engine.write.intent", "engine.write.opened", "engine.write.noted",
    "engine.copied", "engine.item.done", "mover.part_received", "mover.before_finish",
    "mover.after_finish", "disk.part_created", "disk.before_commit", "disk.after_commit",
}  # fmt: skip
DOWN = {"engine.copied", "mover.part_received", "mover.after_finish"}
LARGE = {"mover.range_durable", "engine.receipt"}
MOVE = {
    "engine.remove.durable", "engine.remove.intent", "engine.remove.done",
    "engine.folder.removed", "engine.copied",
}  # fmt: skip
RENAME = {"engine.server.intent", "engine.server.done", "engine.item.done", "plan.rooted"}
REPLACE = {"engine.replace.copied", "engine.replace.cleared", "engine.replace.named"}
OVERWRITE = {"disk.replace_trashed", "disk.before_commit", "disk.after_commit"}
SPOOL = {"engine.spool.filled", "engine.spool.hashed", "engine.spool.sent", "engine.write.noted"}


def passes(names: set[str], *counts: int) -> list[str]:
    return [f"{name}:{count}" for name in sorted(names) for count in counts]


def attempt(home: Path, wish: Wish, failpoint: str = "") -> dict[str, Any] | None:
    """The end of the job, None when the process was killed at the failpoint."""
    environ = {**os.environ, "CLOUDTUI_FAILPOINT": failpoint}
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.engine_process", str(home), wish.text()],
        env=environ,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def killed(home: Path, wish: Wish, failpoint: str) -> None:
    """The process must have died there; a later pass that is never reached kills nothing."""
    found = attempt(home, wish, failpoint)
    if not failpoint.endswith(":1"):
        return
    assert found is None, f"{failpoint} was never passed"


def no_leftovers(*places: Path) -> None:
    for place in places:
        stray = [path for path in place.rglob("*") if ".cloudtui-" in path.name]
        assert stray == []


def no_half_files(target: Path, content: dict[str, bytes | None]) -> None:
    """Whatever has a real name is whole."""
    for name, data in tree(target).items():
        if ".cloudtui-" not in name:
            assert name in content
            assert data == content[name]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return plant(tmp_path / "src", CONTENT)


def test_every_failpoint_here_has_a_name() -> None:
    mine = {name for name in NAMES if name.startswith(("engine.", "plan."))}
    mine -= {name for name in mine if name.startswith("engine.fetch.")}  # tests/routes kills there
    mine -= {"engine.held"}  # only on the way to a cloud: test_failpoints kills there
    covered = COPY | DOWN | MOVE | RENAME | REPLACE | OVERWRITE | SPOOL | LARGE
    assert covered <= NAMES
    assert mine <= covered


@pytest.mark.parametrize("failpoint", passes(COPY, 1, 7))
def test_copy(tmp_path: Path, source: Path, failpoint: str) -> None:
    wish = Wish("copy", f":{source}", f":{tmp_path}/out/dst")
    killed(tmp_path / "home", wish, failpoint)
    if (tmp_path / "out" / "dst").exists():
        no_half_files(tmp_path / "out" / "dst", tree(source))
    end = attempt(tmp_path / "home", wish)
    assert end is not None
    assert (end["state"], end["failed"]) == ("done", 0)
    assert tree(tmp_path / "out" / "dst") == tree(source)
    no_leftovers(tmp_path / "out")


@pytest.mark.parametrize("failpoint", passes(MOVE, 1, 3))
def test_move_across(tmp_path: Path, source: Path, failpoint: str) -> None:
    before = tree(source)
    wish = Wish("move", f":{source}", f":{tmp_path}/out", server_side="never")
    killed(tmp_path / "home", wish, failpoint)
    both = {**tree(source), **tree(tmp_path / "out")}
    assert {name for name in before if before[name] is not None} <= set(both)
    if source.exists():
        end = attempt(tmp_path / "home", wish)
        assert end is not None
        assert (end["state"], end["failed"]) == ("done", 0)
    assert tree(tmp_path / "out") == before
    assert tree(source) == {}
    no_leftovers(tmp_path / "out")


@pytest.mark.parametrize("failpoint", passes(RENAME, 1, 2))
def test_move_by_rename(tmp_path: Path, source: Path, failpoint: str) -> None:
    before = tree(source)
    wish = Wish("move", f":{source}", f":{tmp_path}/out")
    killed(tmp_path / "home", wish, failpoint)
    end = attempt(tmp_path / "home", wish)
    assert end is not None
    assert (end["state"], end["failed"]) == ("done", 0)
    assert tree(tmp_path / "out") == before
    assert tree(source) == {}


@pytest.mark.parametrize("failpoint", passes(REPLACE, 1, 2))
def test_replacing_by_rename(tmp_path: Path, failpoint: str) -> None:
    source = plant(tmp_path / "src", {"x": b"new x", "y": b"new y"})
    target = plant(tmp_path / "out", {"x": b"old", "y": b"old", "z": b"other"})
    wish = Wish("move", f":{source}", f":{target}", on_conflict="overwrite")
    killed(tmp_path / "home", wish, failpoint)
    end = attempt(tmp_path / "home", wish)
    assert end is not None
    assert (end["state"], end["failed"]) == ("done", 0)
    assert tree(target) == {"x": b"new x", "y": b"new y", "z": b"other"}
    assert tree(source) == {}


@pytest.mark.parametrize("failpoint", passes(OVERWRITE, 1, 2))
def test_overwriting(tmp_path: Path, failpoint: str) -> None:
    source = plant(tmp_path / "src", {"x": b"new x", "y": b"new y"})
    target = plant(tmp_path / "out", {"x": b"old", "y": b"old", "z": b"other"})
    wish = Wish("copy", f":{source}", f":{target}", on_conflict="overwrite")
    killed(tmp_path / "home", wish, failpoint)
    end = attempt(tmp_path / "home", wish)
    assert end is not None
    assert (end["state"], end["failed"]) == ("done", 0)
    assert tree(target) == {"x": b"new x", "y": b"new y", "z": b"other"}


@pytest.fixture
def web() -> Iterator[ByteServer]:
    with ByteServer(tls=False) as server:
        yield server


@pytest.mark.parametrize("failpoint", passes(DOWN, 1, 2))
def test_down(tmp_path: Path, web: ByteServer, failpoint: str) -> None:
    source = plant(tmp_path / "src", {"big": BIG, "small": b"s" * 5000})
    web.files = {"/big": BIG, "/small": b"s" * 5000}
    wish = Wish("copy", f"alpha:{source}", f":{tmp_path}/out", url=web.url)
    killed(tmp_path / "home", wish, failpoint)
    end = attempt(tmp_path / "home", wish)
    assert end is not None
    assert (end["state"], end["failed"]) == ("done", 0)
    assert tree(tmp_path / "out") == tree(source)
    no_leftovers(tmp_path / "out")


@pytest.mark.parametrize("failpoint", passes(LARGE, 1))
def test_a_large_file_between_two_syncs(tmp_path: Path, web: ByteServer, failpoint: str) -> None:
    large = BIG * 11  # with one range stalled, over 64 MiB of others: one sync on the way
    source = plant(tmp_path / "src", {"large": large})
    web.files = {"/large": large}
    web.plan(Fault("stall", after=1000))
    wish = Wish("copy", f"alpha:{source}", f":{tmp_path}/out", url=web.url)
    killed(tmp_path / "home", wish, failpoint)
    end = attempt(tmp_path / "home", wish)
    assert end is not None
    assert (end["state"], end["failed"]) == ("done", 0)
    assert (tmp_path / "out" / "large").read_bytes() == large
    no_leftovers(tmp_path / "out")


@pytest.mark.parametrize("failpoint", passes(SPOOL, 1, 2))
def test_by_spool(tmp_path: Path, web: ByteServer, failpoint: str) -> None:
    source = plant(tmp_path / "src", {"big": BIG, "small": b"s" * 5000})
    web.files = {"/big": BIG, "/small": b"s" * 5000}
    wish = Wish("copy", f"alpha:{source}", f"beta:{tmp_path}/out", url=web.url)
    killed(tmp_path / "home", wish, failpoint)
    end = attempt(tmp_path / "home", wish)
    assert end is not None
    assert (end["state"], end["failed"]) == ("done", 0)
    assert tree(tmp_path / "out") == tree(source)
    no_leftovers(tmp_path / "out")
    assert list((tmp_path / "home" / "state" / "spool").iterdir()) == []


def test_killed_again_and_again(tmp_path: Path, source: Path) -> None:
    wish = Wish("move", f":{source}", f":{tmp_path}/out", server_side="never")
    before = tree(source)
    ends = [attempt(tmp_path / "home", wish, f"engine.item.done:{n}") for n in (2, 3, 5)]
    ends += [attempt(tmp_path / "home", wish, f"engine.remove.done:{n}") for n in (2, 3)]
    assert ends == [None] * 5
    end = attempt(tmp_path / "home", wish)
    assert end is not None
    assert (end["state"], end["failed"]) == ("done", 0)
    assert tree(tmp_path / "out") == before
    assert tree(source) == {}
