"""A service that lets only so many calls through: many small files all arrive, each once.

By hand with 2,000 files and 20 calls a second: 204 s, 13 rejections, nothing failed.
"""

from __future__ import annotations

from tests.cloud_stage import Stage, tree_of
from tests.crash.scenarios import within


def test_many_small_files_arrive_once(stage: Stage) -> None:
    stage.switch("pikpak.instant", value=False)
    files = {f"d{n % 7}/{n:03}.txt": f"content {n}".encode() for n in range(80)}
    source = stage.folder / "src"
    stage.plant("", str(source), files)
    busy = {"kind": "status", "code": 429, "listener": "pikpak.drive"}
    stage.admin.fault(**busy, times=-1, per_second=15.0, burst=5.0)
    # on a slow machine nothing may come too fast: some are rejected in any case
    stage.admin.fault(**busy, match="POST /drive/v1/files", times=5, skip=20)
    since = len(stage.admin.log())
    stage.home.run("cp", "-r", source, "pk:/x/").ok()
    stage.admin.clear_faults()
    rejected = [each for each in stage.admin.log(since) if each["status"] == 429]
    assert rejected
    assert stage.tree("pk", "/x") == within("src", tree_of(files))
    assert stage.trashed("pk") == []
    (job,) = stage.home.run("jobs", "ls", "--json").ok().values
    assert (job["state"], job["files_done"]) == ("done", 80)
