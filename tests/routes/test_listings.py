"""How often pCloud is asked for listings while whole folders are copied, compared and mirrored."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.cloud_stage import Stage

FILES = {
    f"d{x}/e{y}/f{z}.txt": b"%d%d%d" % (x, y, z) for x in range(3) for y in range(3) for z in (1, 2)
}
"""Thirteen folders with the one around them, nested."""


def listings(stage: Stage, *words: str | Path) -> list[str]:
    """The queries of all listings that one command makes."""
    before = max((row["seq"] for row in stage.admin.log()), default=0)
    stage.home.run(*words).ok()
    return [row["query"] for row in stage.admin.log(before) if row["path"] == "/listfolder"]


def whole(queries: list[str]) -> int:
    return sum("recursive=1" in query for query in queries)


def on_disk(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_nested_folder_is_read_in_one_listing(stage: Stage, tmp_path: Path) -> None:
    stage.plant("pc", "/t", FILES, ["d0/empty"])
    asked = listings(stage, "cp", "-r", "pc:/t", tmp_path / "out")
    assert on_disk(tmp_path / "out") == FILES
    assert (tmp_path / "out" / "d0" / "empty").is_dir()
    # the top, to find it there; itself, which the job does anew; and the tree
    assert (len(asked), whole(asked)) == (3, 1)
    # once more: nothing is copied, nothing is listed one by one
    asked = listings(stage, "cp", "-r", "--on-conflict", "skip", "pc:/t/", tmp_path / "out")
    assert (len(asked), whole(asked)) == (3, 1)


def test_one_folder_costs_no_more_than_ever(stage: Stage, tmp_path: Path) -> None:
    stage.plant("pc", "/t", {"a": b"a", "b": b"b"})
    assert len(listings(stage, "cp", "-r", "pc:/t", tmp_path / "out")) == 3
    assert on_disk(tmp_path / "out") == {"a": b"a", "b": b"b"}


@pytest.mark.parametrize("touched", [False, True])
def test_a_target_that_stands_is_read_in_one_listing_too(
    stage: Stage, tmp_path: Path, touched: bool
) -> None:
    stage.plant("pc", "/t", FILES)
    here = tmp_path / "in"
    stage.home.run("cp", "-r", "pc:/t/", here).ok()  # with the times of the files there
    if touched:
        for name in FILES:
            os.utime(here / name, (0, 0))
    (here / "d2/e2/new.txt").write_bytes(b"new")
    asked = listings(stage, "cp", "-r", f"{here}/", "pc:/t")
    assert whole(asked) == 1
    # where times differ, digests are compared: with what stands there at that moment
    assert len(asked) <= 5 + touched * len(FILES)
    sums = {name: hashlib.sha1(content).hexdigest() for name, content in FILES.items()}
    found = {name: sha1 for name, sha1 in stage.tree("pc", "/t").items() if sha1 is not None}
    assert found == {**sums, "d2/e2/new.txt": hashlib.sha1(b"new").hexdigest()}


def test_a_dry_run_and_a_comparison_read_trees(stage: Stage, tmp_path: Path) -> None:
    stage.plant("pc", "/t", FILES)
    stage.plant("", str(tmp_path / "in"), FILES)
    asked = listings(stage, "cp", "-r", "-n", "pc:/t", tmp_path / "out")
    assert whole(asked) == 1
    assert len(asked) <= 5
    asked = listings(stage, "check", "pc:/t", tmp_path / "in")
    assert whole(asked) == 1
    assert len(asked) <= 3
    # compared first, then planned as a copy
    asked = listings(stage, "sync", "-n", f"{tmp_path}/in", "pc:/t")
    assert whole(asked) == 2
    assert len(asked) <= 8


@pytest.mark.parametrize("stands", [False, True])
def test_large_files_cost_no_listing_each(stage: Stage, tmp_path: Path, stands: bool) -> None:
    stage.home.environ["CLOUDTUI_ACCOUNT__PC__UPLOAD_CUTOFF"] = "1000"
    files = {f"f{number}": bytes([number]) * 3000 for number in range(9)}
    stage.plant("", str(tmp_path / "in"), files)
    if stands:
        stage.plant("pc", "/there", {"old": b"old"})
    before = max((row["seq"] for row in stage.admin.log()), default=0)
    asked = listings(stage, "cp", "-r", f"{tmp_path}/in/", "pc:/there")
    saved = [row for row in stage.admin.log(before) if row["path"] == "/upload_save"]
    assert len(saved) == len(files)
    assert len(asked) <= 5
    there = stage.tree("pc", "/there")
    assert {name for name in there if name != "old"} == set(files)


@pytest.mark.crash
@pytest.mark.parametrize("failpoint", ["plan.page", "plan.folder", "plan.mkdir.made"])
def test_a_plan_cut_short_goes_on_where_it_was(
    stage: Stage, tmp_path: Path, failpoint: str
) -> None:
    stage.plant("pc", "/t", FILES)
    stage.die(failpoint, "cp", "-r", "pc:/t", str(tmp_path / "out"))
    stage.home.run("jobs", "resume").ok()
    assert on_disk(tmp_path / "out") == FILES
