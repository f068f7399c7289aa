"""The same copy given twice at the same moment: one tree comes of it, and nothing is held up."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Sequence

import pytest

from tests.cloud_stage import Stage, disk_tree
from tests.cloudtui_process import make_tree

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
