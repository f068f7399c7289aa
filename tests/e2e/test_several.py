"""The full screen, two copies of other processes and a word from a fourth: each does what it says,
and a killed one takes nobody with it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cloud_stage import Stage, sha1_of
from tests.cloudtui_process import make_tree
from tests.e2e.terminal import Terminal
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.e2e

SIZE = 6 * 1024 * 1024
OPTIONS = {"pc": {"upload_cutoff": 1024 * 1024, "chunk_size": 256 * 1024}}
"""Small parts, so that a server that is slow no longer is so at once."""


def test_each_process_does_what_it_says(box: SandboxProcess, tmp_path: Path) -> None:
    stage = Stage(box, tmp_path, vault=True, options=OPTIONS)
    files = {name: os.urandom(SIZE) for name in ("ours.bin", "one.bin", "two.bin")}
    here = make_tree(tmp_path / "here", {"ours.bin": files.pop("ours.bin")})
    there = make_tree(tmp_path / "there", files)
    stage.admin.fault(
        kind="throttle", bytes_per_s=32 * 1024, times=-1, listener="pcloud.us", match="PUT *"
    )

    def jobs() -> dict[str, dict[str, Any]]:
        return {
            Path(row["sources"][0]).name: row
            for row in stage.home.run("jobs", "ls", "--json").ok().values
        }

    def until(reached: Callable[[], bool], *alive: subprocess.Popen[bytes]) -> None:
        while not reached():
            assert [process.poll() for process in alive] == [None] * len(alive)

    words = stage.home.command(str(here), "pc:/")
    with Terminal(words, stage.home.environment(), size=(100, 30), folder=here) as screen:
        screen.until("ours.bin")
        screen.keys("Down", "F5")
        screen.until("Copy to")
        screen.keys("Enter")
        one, two = (stage.home.start("cp", str(there / f"{n}.bin"), "pc:/") for n in ("one", "two"))
        with one, two:
            until(lambda: [row["state"] for row in jobs().values()] == ["running"] * 3, one, two)
            screen.keys("w")
            screen.until(lambda text: all(f"{n}.bin" in text for n in ("ours", "one", "two")))

            stage.home.run("jobs", "pause", jobs()["one.bin"]["id"]).ok()
            until(lambda: jobs()["one.bin"]["state"] == "paused", one, two)
            screen.until("paused")
            assert {name: row["state"] for name, row in jobs().items()} == {
                "ours.bin": "running",
                "one.bin": "paused",
                "two.bin": "running",
            }

            two.kill()
            two.communicate()
            found = jobs()  # the very next look: its lock went with it
            assert {name: row["orphan"] for name, row in found.items()} == {
                "ours.bin": False,
                "one.bin": False,
                "two.bin": True,
            }
            stage.admin.clear_faults()
            stage.home.run("jobs", "resume", found["two.bin"]["id"]).ok()
            assert jobs()["two.bin"]["state"] == "done"
            assert jobs()["one.bin"]["state"] == "paused"
            assert one.poll() is None

            stage.home.run("jobs", "resume", found["one.bin"]["id"]).ok()
            _, told = one.communicate(timeout=200)
            assert one.returncode == 0, told
        screen.until(lambda text: text.count("100%") == 3, "all three done")
    wanted = {
        path.name: sha1_of(path.read_bytes()) for top in (here, there) for path in top.iterdir()
    }
    assert stage.tree("pc") == wanted
    assert stage.jobs() == ["done"] * 3
    stage.close()
