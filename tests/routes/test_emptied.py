"""How a move ends that emptied many folders of an account."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud_stage import Stage, disk_tree, tree_of

FILES = {f"d{x}/e{y}/f.txt": b"%d %d" % (x, y) for x in range(4) for y in range(4)}
"""Twenty folders below the top, at two depths."""


def calls(stage: Stage, since: int, path: str) -> int:
    """How many calls there were to one path of the service."""
    return sum(row["path"] == path for row in stage.admin.log(since))


@pytest.mark.parametrize("cloud", ["pk", "pc"])
def test_emptied_folders_go_and_those_that_hold_something_stay(
    stage: Stage, tmp_path: Path, cloud: str
) -> None:
    stage.plant(cloud, "/t", {**FILES, "d3/e3/kept.log": b"kept"})
    since = max((row["seq"] for row in stage.admin.log()), default=0)
    there = tmp_path / "there"
    stage.home.run("mv", "--exclude", "*.log", f"{cloud}:/t", there).ok()
    assert disk_tree(there) == tree_of(FILES)
    assert stage.tree(cloud, "/t") == tree_of({"d3/e3/kept.log": b"kept"})
    if cloud == "pk":  # the files, then the folders of each depth: not a call for each folder
        assert calls(stage, since, "/drive/v1/files:batchTrash") <= 8
