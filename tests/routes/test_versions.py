"""A version of a file on pCloud as the source of a copy: to disk, inside the account, to PikPak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud_stage import Stage, tree_of
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def earlier(stage: Stage, box: SandboxProcess) -> str:
    """The address of the earlier version of /e/essay.txt, which is "first"."""
    base = box.endpoints["pcloud"]["us_url"]
    head = {"Authorization": f"Bearer {stage.token}"}
    stage.put("pc", "/e/")
    where = {"path": "/e", "filename": "essay.txt", "nopartial": "1"}
    told: dict[str, Any] = {}
    for content in (b"first", b"second, longer"):
        answer = httpx.put(f"{base}/uploadfile", params=where, content=content, headers=head)
        told = answer.json()
        assert told["result"] == 0
    (file,) = told["fileids"]
    rows = stage.home.run("revisions", "pc:/e/essay.txt", "--json").ok().values
    (old,) = [row["id"] for row in rows if not row["current"]]
    return f"pc:#f{file}@{old}"


def test_it_is_saved_and_the_file_stays_as_it_is(
    stage: Stage, tmp_path: Path, earlier: str
) -> None:
    stage.home.run("cp", earlier, tmp_path / "old.txt").ok()
    assert (tmp_path / "old.txt").read_bytes() == b"first"
    stage.home.run("cp", earlier, "pc:/e/old.txt").ok()
    stage.home.run("cp", earlier, "pk:/kept/").ok()
    expected = {"essay.txt": b"second, longer", "old.txt": b"first"}
    assert stage.tree("pc", "/e") == tree_of(expected)
    assert stage.tree("pk", "/kept") == tree_of({"essay.txt": b"first"})


def test_a_move_of_it_leaves_the_file_alone(stage: Stage, tmp_path: Path, earlier: str) -> None:
    ended = stage.home.run("mv", earlier, tmp_path / "old.txt")
    assert ended.code != 0
    assert "it can be read and copied, not changed" in ended.err
    assert stage.tree("pc", "/e") == tree_of({"essay.txt": b"second, longer"})
