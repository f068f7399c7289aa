"""The same copy given twice at the same moment: one tree comes of it, and nothing is held up."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cloud_stage import Stage, disk_tree
from tests.cloudtui_process import make_tree
from tests.sandbox_process import SandboxProcess

FILES = {f"{folder}/{n}": f"{folder}{n}".encode() * 9 for folder in ("a", "b/c") for n in range(3)}


def until(processes: Sequence[subprocess.Popen[bytes]], reached: Callable[[], bool]) -> None:
    """Wait for something while these run."""
    limit = time.monotonic() + 200
    while not reached():
        with contextlib.suppress(subprocess.TimeoutExpired):
            processes[0].wait(0.02)  # the programs shall run, not this loop
        assert [each.poll() for each in processes] == [None] * len(processes)
        assert time.monotonic() < limit


def begun(stage: Stage) -> int:
    """How many copies are about to make a folder."""
    with stage.journal() as journal:
        found = journal.execute("SELECT count(*) FROM sqlite_master WHERE name = 'intents'")
        if found.fetchone() == (0,):
            return 0
        rows = journal.execute("SELECT count(DISTINCT job) FROM intents WHERE action = 'mkdir'")
        return int(rows.fetchone()[0])


@pytest.mark.parametrize("cloud", ["pk", "pc"])
def test_the_folder_another_program_is_making_is_taken_and_looked_into(
    stage: Stage, cloud: str
) -> None:
    """The call that makes the folder is held until the other program wants to make it, too."""
    source = make_tree(stage.folder / "source", FILES)
    match = "POST /drive/v1/files" if cloud == "pk" else "* /createfolder*"
    stage.admin.fault(kind="delay", seconds=200, times=-1, match=match)
    with contextlib.ExitStack() as stack:
        both = [
            stack.enter_context(stage.home.start("cp", "-r", str(source), f"{cloud}:/new/"))
            for _ in range(2)
        ]
        until(both, lambda: begun(stage) == 2)
        stage.admin.clear_faults()
        told = [each.communicate(timeout=200) for each in both]
    assert [each.returncode for each in both] == [0, 0], told
    assert stage.tree(cloud, "/new/source") == disk_tree(source)
    assert stage.trashed(cloud) == []


@pytest.mark.parametrize("size", [200_000, 700_000], ids=["in one piece", "in parts"])
def test_a_file_that_another_program_is_sending_is_not_sent_again(
    box: SandboxProcess, tmp_path: Path, size: int
) -> None:
    """PikPak holds the name for what is on its way; it must not be taken for a leftover."""
    options = {"pk": {"upload_cutoff": 300_000, "chunk_size": 262_144}}
    stage = Stage(box, tmp_path, vault=True, options=options)
    source = make_tree(tmp_path / "source", {"file": os.urandom(size)})
    since = len(stage.admin.log())
    # slow enough for the other program to start meanwhile, whatever else this machine has to do
    stage.admin.fault(kind="throttle", bytes_per_s=1_000, times=-1, match="PUT *")
    sent = partial(uploads, stage, since)
    with contextlib.ExitStack() as stack:
        words = ("cp", str(source / "file"), "pk:/new/")
        one = stack.enter_context(stage.home.start(*words))
        until([one], lambda: bool(sent("PUT", "pikpak.upload")))
        two = stack.enter_context(stage.home.start(*words))
        until([one, two], lambda: len(sent("POST", "pikpak.drive", "/drive/v1/files")) >= 3)
        stage.admin.clear_faults()
        told = [each.communicate(timeout=200) for each in (one, two)]
    assert [one.returncode, two.returncode] == [0, 0], told
    assert stage.tree("pk", "/new") == disk_tree(source)
    arrived = sum(entry["bytes_in"] for entry in sent("PUT", "pikpak.upload"))
    assert size <= arrived < 2 * size
    stage.close()


def uploads(
    stage: Stage, since: int, method: str, listener: str, path: str = ""
) -> list[dict[str, Any]]:
    """The requests of a kind, also those whose answer is still to come."""
    return [
        entry
        for entry in stage.admin.log()[since:]
        if (entry["method"], entry["listener"]) == (method, listener)
        and path in ("", entry["path"])
    ]
