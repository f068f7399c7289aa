"""PikPak to pCloud: pCloud fetches the files itself, by links that PikPak gives to anybody."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.cloud_stage import Stage, tree_of

Files = dict[str, bytes]

CRASHES = (
    *("engine.fetch.intent", "engine.fetch.noted", "engine.fetch.ordered", "pcloud.fetch.ordered"),
    *("engine.fetch.arrived", "engine.fetch.finished", "pcloud.fetch.timed", "engine.item.done"),
)


def large_files(stage: Stage) -> Files:
    """Files none of which is worth a relay."""
    rng = random.Random(stage.username)
    return {
        "one.bin": rng.randbytes(3_000_000),
        "sub/two, with: 100%.bin": rng.randbytes(1_500_000),
        "sub/three.bin": rng.randbytes(70_000),
        "sub/four.bin": rng.randbytes(80_000),
    }


def since(stage: Stage) -> int:
    """The number of the last request so far."""
    return max((row["seq"] for row in stage.admin.log()), default=0)


def calls(stage: Stage, after: int, path: str) -> int:
    """How often a method was called since then; what a dying process did not say to its end was
    never carried out."""
    return sum(row["path"] == path and row["status"] > 0 for row in stage.admin.log(after))


def through_here(stage: Stage, after: int) -> list[dict[str, Any]]:
    """Content that came to this program: what the service itself fetches names no program."""
    return [
        row
        for row in stage.admin.log(after)
        if row["listener"] == "pikpak.content" and row["user_agent"]
    ]


def bytes_of_ours(stage: Stage, after: int) -> int:
    """All bytes of all requests of this program, both ways."""
    return sum(
        row["bytes_in"] + row["bytes_out"] for row in stage.admin.log(after) if row["user_agent"]
    )


def test_no_byte_of_them_passes_this_machine(stage: Stage) -> None:
    files = large_files(stage)
    stage.plant("pk", "/t", files)
    stage.admin.age(3_600)  # the copies are younger than their sources
    before = since(stage)
    stage.home.run("cp", "-r", "pk:/t", "pc:/x/").ok()
    assert stage.tree("pc", "/x") == {"t": None} | {
        f"t/{path}": sha1 for path, sha1 in tree_of(files).items()
    }
    assert through_here(stage, before) == []
    assert bytes_of_ours(stage, before) < 1 << 20
    assert calls(stage, before, "/downloadfileasync") == len(files)
    # they have their sources' times, so that the same again has nothing to do
    again = since(stage)
    stage.home.run("cp", "-r", "pk:/t", "pc:/x/").ok()
    assert calls(stage, again, "/downloadfileasync") == 0
    assert through_here(stage, again) == []


def test_a_move_removes_its_sources_afterwards(stage: Stage) -> None:
    files = large_files(stage)
    stage.plant("pk", "/t", files)
    before = since(stage)
    stage.home.run("mv", "pk:/t", "pc:/x").ok()
    assert stage.tree("pc", "/x") == tree_of(files)
    assert stage.tree("pk") == {}
    assert through_here(stage, before) == []


def test_digests_that_both_know_are_compared(stage: Stage) -> None:
    stage.switch("pikpak.md5", "always")
    stage.plant("pk", "/t", {"file.bin": random.Random(1).randbytes(100_000)})
    before = since(stage)
    stage.home.run("cp", "pk:/t/file.bin", "pc:/x/").ok()
    assert through_here(stage, before) == []
    assert calls(stage, before, "/checksumfile") == 1
    # a wrong file is not kept: the relay brings the right one
    stage.admin.fault(kind="corrupt", listener="pikpak.content")
    stage.home.run("cp", "pk:/t/file.bin", "pc:/y/").ok()
    assert stage.tree("pc", "/y") == stage.tree("pk", "/t")
    assert through_here(stage, before)


def test_a_strict_order_goes_through_here_without_such_digests(stage: Stage) -> None:
    stage.plant("pk", "/t", {"file.bin": random.Random(2).randbytes(100_000)})
    before = since(stage)
    stage.home.run("cp", "--verify", "strict", "pk:/t/file.bin", "pc:/x/").ok()
    assert calls(stage, before, "/downloadfileasync") == 0
    assert stage.tree("pc", "/x") == stage.tree("pk", "/t")


@pytest.mark.parametrize("refusal", ["closed", "failed"])
def test_refused_once_it_is_relayed_and_remembered(stage: Stage, refusal: str) -> None:
    files = large_files(stage)
    stage.plant("pk", "/t", files)
    if refusal == "closed":
        stage.admin.fault(
            kind="refuse", listener="pcloud.us", match="POST /downloadfileasync", times=-1
        )
    else:
        # what is fetched by the service ends badly; ours comes after it
        stage.admin.fault(kind="status", code=403, listener="pikpak.content", times=1)
    before = since(stage)
    stage.home.run("cp", "-r", "pk:/t", "pc:/x").ok()
    assert stage.tree("pc", "/x") == tree_of(files)
    assert calls(stage, before, "/downloadfileasync") == 1
    assert len(through_here(stage, before)) >= len(files)
    stage.admin.clear_faults()
    again = since(stage)
    stage.home.run("cp", "-r", "pk:/t", "pc:/y").ok()
    assert stage.tree("pc", "/y") == tree_of(files)
    assert calls(stage, again, "/downloadfileasync") == 0
    if refusal == "closed":
        return  # which the account remembers as well
    (stage.home.folder / "cloudtui" / "state" / "routes.json").unlink()
    later = since(stage)
    stage.home.run("cp", "-r", "pk:/t", "pc:/z").ok()
    assert calls(stage, later, "/downloadfileasync") == len(files)


def test_only_by_the_service_fails_where_it_refuses(stage: Stage) -> None:
    stage.plant("pk", "/t", {"file.bin": random.Random(3).randbytes(100_000)})
    stage.admin.fault(
        kind="refuse", listener="pcloud.us", match="POST /downloadfileasync", times=-1
    )
    before = since(stage)
    ended = stage.home.run("cp", "--server-side", "only", "pk:/t/file.bin", "pc:/x/")
    assert ended.code == 8
    assert "by itself" in ended.err
    assert through_here(stage, before) == []
    assert stage.tree("pc", "/x") == {}


@pytest.mark.crash
@pytest.mark.parametrize("verb", ["cp", "mv"])
@pytest.mark.parametrize("failpoint", CRASHES)
def test_killed_there_and_run_again(stage: Stage, verb: str, failpoint: str) -> None:
    files = large_files(stage)
    stage.plant("pk", "/t", files)
    stage.admin.age(3_600)
    words = (verb, *(["-r"] if verb == "cp" else []), "pk:/t", "pc:/x")
    before = since(stage)
    stage.die(failpoint, *words)
    stage.home.run(*words).ok()
    assert stage.tree("pc", "/x") == tree_of(files)  # twins would have other names
    assert stage.tree("pk", "/t") == ({} if verb == "mv" else tree_of(files))
    assert through_here(stage, before) == []
    assert calls(stage, before, "/downloadfileasync") == len(files)
    jobs = stage.home.run("jobs", "ls", "--json").ok().values
    assert [row["state"] for row in jobs] == ["done"]


@pytest.mark.parametrize("killed", [False, True])
def test_somebody_takes_the_name_meanwhile(stage: Stage, killed: bool) -> None:
    """What came under a number is removed, and the policy speaks."""
    stage.plant("pk", "/t", {"file.bin": random.Random(4).randbytes(100_000)})
    stage.put("pc", "/x/")
    words = ("cp", "--on-conflict", "skip", "pk:/t/file.bin", "pc:/x/")
    stage.die("engine.fetch.noted", *words)
    stage.put("pc", "/x/file.bin", b"somebody else's")
    if killed:
        stage.die("pcloud.fetch.twin", *words)
    stage.home.run(*words).ok()
    assert stage.tree("pc", "/x") == tree_of({"file.bin": b"somebody else's"})


def test_a_cancelled_one_leaves_no_upload(stage: Stage) -> None:
    stage.plant("pk", "/t", {"file.bin": random.Random(5).randbytes(100_000)})
    stage.die("engine.fetch.arrived", "cp", "pk:/t/file.bin", "pc:/x/")
    (job,) = stage.home.run("jobs", "ls", "--json").ok().values
    stage.home.run("jobs", "cancel", "--drop-parts", job["id"]).ok()
    assert stage.tree("pc", "/x") == {}


def test_the_service_is_asked_how_far_it_is(stage: Stage) -> None:
    """A stopped process goes on with the same order."""
    stage.plant("pk", "/t", {"file.bin": random.Random(6).randbytes(300_000)})
    slow = stage.admin.fault(
        kind="throttle", listener="pikpak.content", bytes_per_s=8_000, times=-1
    )
    assert slow
    before = since(stage)
    process = stage.home.start("cp", "pk:/t/file.bin", "pc:/x/")
    try:
        while not calls(stage, before, "/uploadprogress"):
            assert process.poll() is None
        process.terminate()
        _, err = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode == 143, err
    assert stage.tree("pc", "/x") == {}
    stage.admin.clear_faults()
    stage.home.run("jobs", "resume").ok()
    assert stage.tree("pc", "/x") == stage.tree("pk", "/t")
    assert calls(stage, before, "/downloadfileasync") == 1
