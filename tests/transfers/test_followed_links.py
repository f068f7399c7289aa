"""Links of the disk in what is copied: never, to files, or all of them; loops are cut."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from cloudtui.services.transfers.orders import Follow, JobState, Verb
from tests.transfers.engine_rig import Rig, cloud, disk, order, plant, tree


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tree with links of every kind, out of itself and back into itself."""
    plant(tmp_path / "far", {"far.txt": b"far away", "deep/x.bin": b"x" * 5_000})
    top = plant(tmp_path / "src", {"real.txt": b"real", "sub/inner.txt": b"inner"})
    (top / "to file").symlink_to("real.txt")
    (top / "sub" / "again").symlink_to(tmp_path / "far" / "far.txt")
    (top / "to folder").symlink_to(tmp_path / "far")
    (top / "nowhere").symlink_to(tmp_path / "missing")
    (top / "sub" / "up").symlink_to(top)
    (tmp_path / "far" / "deep" / "back").symlink_to(top / "to folder")
    (top / "itself").symlink_to("itself")
    return top


REAL = {"real.txt": b"real", "sub": None, "sub/inner.txt": b"inner"}
FILES = {**REAL, "to file": b"real", "sub/again": b"far away"}
ALL = {
    **FILES,
    "to folder": None,
    "to folder/far.txt": b"far away",
    "to folder/deep": None,
    "to folder/deep/x.bin": b"x" * 5_000,
}


@pytest.mark.parametrize(
    ("follow", "wanted", "left"),
    [(Follow.NEVER, REAL, 6), (Follow.FILES, FILES, 4), (Follow.ALL, ALL, 4)],
)
@pytest.mark.parametrize("place", ["disk", "cloud"])
async def test_links_are_followed_as_asked(
    rig: Rig,
    source: Path,
    tmp_path: Path,
    place: str,
    follow: Follow,
    wanted: dict[str, bytes | None],
    left: int,
) -> None:
    goal = disk(tmp_path / "out") if place == "disk" else cloud("/out")
    wish = replace(order(disk(source), goal), follow=follow)
    planned = [line for line in await rig.engine.plan(wish) if line.deed.value == "copy"]
    view = await rig.run(wish)
    assert view.state is JobState.DONE
    there = tree(tmp_path / "out" / "src") if place == "disk" else rig.alpha.tree("/out/src")
    assert there == wanted
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))
    assert view.message == f"{left} links were not followed."
    assert view.files_skipped == left
    assert len(planned) == view.files_done


async def test_a_link_that_was_named_itself(rig: Rig, source: Path, tmp_path: Path) -> None:
    wish = replace(order(disk(source / "to file"), cloud("/out")), follow=Follow.FILES)
    assert (await rig.run(wish)).state is JobState.DONE
    assert rig.alpha.tree("/out") == {"to file": b"real"}


async def test_a_link_to_where_the_copy_goes_is_no_endless_one(rig: Rig, tmp_path: Path) -> None:
    top = plant(tmp_path / "src", {"a": b"a"})
    (tmp_path / "out").mkdir()
    (top / "there").symlink_to(tmp_path / "out")
    (top / "above").symlink_to(tmp_path)
    view = await rig.run(replace(order(disk(top), disk(tmp_path / "out")), follow=Follow.ALL))
    assert view.state is JobState.DONE
    assert tree(tmp_path / "out") == {"src": None, "src/a": b"a"}


async def test_moves_follow_nothing(rig: Rig, source: Path, tmp_path: Path) -> None:
    wish = order(disk(source), cloud("/out"), verb=Verb.MOVE)
    view = await rig.run(replace(wish, follow=Follow.ALL))
    assert rig.alpha.tree("/out/src") == REAL
    assert (source / "to file").is_symlink()
    assert (tmp_path / "far" / "far.txt").read_bytes() == b"far away"
    assert "links were not followed" in view.message


async def test_pipes_and_links_are_summed_up_in_one_sentence(rig: Rig, tmp_path: Path) -> None:
    top = plant(tmp_path / "src", {"a": b"a", "sub/b": b"b"})
    os.mkfifo(top / "pipe")
    os.mkfifo(top / "sub" / "pipe")
    (top / "link").symlink_to("a")
    view = await rig.run(order(disk(top), cloud("/out")))
    assert view.message == (
        "1 link was not followed and 2 things were skipped, "
        "being no regular file (device, pipe or socket)."
    )
    assert (view.files_done, view.files_skipped) == (2, 3)
    # other processes are told the same
    async with Rig(tmp_path / "home", clouds={}) as other:
        assert other.engine.view(view.id).message == view.message
