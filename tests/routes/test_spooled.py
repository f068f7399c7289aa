"""pCloud to PikPak by a file on this disk; PikPak to another PikPak account by digest alone."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.cloud_stage import Stage, tree_of

SIZE = 600_000


@pytest.fixture(autouse=True)
def nothing_in_memory(stage: Stage) -> None:
    """So small a file would be held there."""
    stage.home.environ["CLOUDTUI_ACCOUNT__PK__HASH_MEMORY_LIMIT"] = "0"


def spooled(stage: Stage) -> list[Path]:
    """Whatever lies in the spool folder."""
    return [path for path in stage.folder.rglob("spool/*") if path.is_file()]


def test_both_steps_are_told_and_no_more_than_one_copy_lies_here(stage: Stage) -> None:
    content = random.Random(stage.username).randbytes(SIZE)
    stage.put("pc", "/t/file.bin", content)
    # so slow that it would take a minute and more; free as soon as it was seen on its way
    stage.admin.fault(kind="throttle", listener="pcloud.content", bytes_per_s=8_000, times=-1)
    process = stage.home.start("cp", "pc:/t/file.bin", "pk:/x/")
    said, most = "", 0
    try:
        while process.poll() is None and not re.match(r"down \d+ %, up \d+ %", said):
            jobs = stage.home.run("jobs", "ls", "--json").ok().values
            said = jobs[0]["message"] if jobs else ""
            most = max(most, sum(path.stat().st_size for path in spooled(stage)))
        stage.admin.clear_faults()
        out, err = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert out == b""
    assert re.match(r"down \d+ %, up \d+ %", said), said
    assert 0 < most <= SIZE
    assert spooled(stage) == []
    assert stage.tree("pk", "/x") == tree_of({"file.bin": content})


@pytest.mark.crash
@pytest.mark.parametrize("failpoint", ["mover.part_received", "engine.spool.filled"])
@pytest.mark.parametrize("words", [("resume",), ("cancel", "--drop-parts")])
def test_nothing_of_it_stays_after_a_kill(
    stage: Stage, failpoint: str, words: tuple[str, ...]
) -> None:
    content = random.Random(stage.username).randbytes(SIZE)
    stage.put("pc", "/t/file.bin", content)
    stage.die(failpoint, "cp", "pc:/t/file.bin", "pk:/x/")
    assert spooled(stage)
    (job,) = stage.home.run("jobs", "ls", "--json").ok().values
    stage.home.run("jobs", words[0], *words[1:], job["id"]).ok()
    assert spooled(stage) == []
    wanted = {"file.bin": content} if words == ("resume",) else {}
    assert stage.tree("pk", "/x") == tree_of(wanted)


def test_another_account_of_pikpak_needs_no_bytes(stage: Stage) -> None:
    who = f"other-{stage.username}"
    password = stage.admin.account("pikpak", username=who, password="another pw")["password"]
    settings = stage.home.folder / "cloudtui" / "settings.toml"
    text = settings.read_text()
    start = text.index("[accounts.pk]")
    table = text[start : text.index("[accounts.", start + 1)]
    table = table.replace("[accounts.pk]", "[accounts.two]").replace(stage.username, who)
    settings.write_text(text + table)
    stage.home.environ["CLOUDTUI_ACCOUNT__TWO__PASSWORD"] = password
    content = random.Random(who).randbytes(SIZE)
    stage.put("pk", "/t/file.bin", content)
    before = max((row["seq"] for row in stage.admin.log()), default=0)
    stage.home.run("cp", "pk:/t/file.bin", "two:/x/").ok()
    nodes = stage.admin.state("pikpak")["accounts"][who]["nodes"]
    (file,) = [node for node in nodes if node["kind"] != "folder"]
    assert (file["name"], file["size"]) == ("file.bin", SIZE)
    moved = [row for row in stage.admin.log(before) if row["listener"] != "pikpak.drive"]
    assert sum(row["bytes_in"] + row["bytes_out"] for row in moved) < 50_000
