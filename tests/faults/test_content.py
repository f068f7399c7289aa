"""What comes down damaged, short, from the wrong place or by a link that ended is fetched again."""

from __future__ import annotations

import random

import pytest

from tests.cloud_stage import Stage, tree_of
from tests.crash.scenarios import VOID, files_of

CONTENT = {"pk": "pikpak.content", "pc": "pcloud.content"}
PATIENCE = ("--timeout", "3")
"""Silence need not be waited for long."""

DAMAGE: list[dict[str, object]] = [
    {"kind": "corrupt", "times": 1},
    {"kind": "corrupt", "times": 2},
    {"kind": "corrupt", "times": 3},
    {"kind": "stall", "seconds": 60, "times": 3},
    {"kind": "cut", "bytes": 500, "times": 3},
    {"kind": "expire_link", "times": 3},
    {"kind": "ignore_range", "times": 3},
    {"kind": "status", "code": 503, "times": 3},
    {"kind": "html", "times": 3},
]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda each: f"{each['kind']}-{each['times']}")
@pytest.mark.parametrize("place", ["pk", "pc"])
def test_it_arrives_whole(stage: Stage, place: str, damage: dict[str, object]) -> None:
    files, back = files_of(stage), stage.folder / "back"
    stage.plant(place, "/t", files, VOID)
    stage.admin.fault(**damage, listener=CONTENT[place], match="GET *")
    soon = PATIENCE if damage["kind"] == "stall" else ()
    stage.home.run("cp", "-r", f"{place}:/t", f"{back}", *soon).ok()
    assert stage.admin.faults() == []
    assert stage.tree("", str(back)) == tree_of(files, VOID)
    assert stage.litter() == []


@pytest.mark.parametrize("size", [70_000, 300_000])
@pytest.mark.parametrize("place", ["pk", "pc"])
def test_one_file_damaged_three_times_in_a_row(stage: Stage, place: str, size: int) -> None:
    content = random.Random(stage.username).randbytes(size)
    stage.put(place, "/t/file.bin", content)
    stage.admin.fault(kind="corrupt", times=3, listener=CONTENT[place], match="GET *")
    stage.home.run("cp", f"{place}:/t/file.bin", f"{stage.folder}/").ok()
    assert stage.admin.faults() == []
    assert (stage.folder / "file.bin").read_bytes() == content
    assert list(stage.folder.glob("*.bad")) == []
    assert stage.litter() == []
