"""What comes down damaged, short, from the wrong place or by a link that ended is fetched again."""

from __future__ import annotations

import pytest

from tests.cloud_stage import Stage, tree_of
from tests.crash.scenarios import VOID, files_of

CONTENT = {"pk": "pikpak.content", "pc": "pcloud.content"}
DAMAGE: list[dict[str, object]] = [
    {"kind": "corrupt", "times": 1},
    {"kind": "cut", "bytes": 500, "times": 3},
    {"kind": "expire_link", "times": 2},
    {"kind": "ignore_range", "times": 3},
    {"kind": "status", "code": 503, "times": 3},
    {"kind": "html", "times": 2},
]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda each: str(each["kind"]))
@pytest.mark.parametrize("place", ["pk", "pc"])
def test_it_arrives_whole(stage: Stage, place: str, damage: dict[str, object]) -> None:
    files, back = files_of(stage), stage.folder / "back"
    stage.plant(place, "/t", files, VOID)
    stage.admin.fault(**damage, listener=CONTENT[place], match="GET *")
    stage.home.run("cp", "-r", f"{place}:/t", f"{back}").ok()
    assert stage.admin.faults() == []
    assert stage.tree("", str(back)) == tree_of(files, VOID)
    assert stage.litter() == []
