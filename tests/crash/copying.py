"""Copies and moves between this disk and a cloud."""

from __future__ import annotations

import random
from pathlib import Path

from tests.cloud_stage import Stage, tree_of
from tests.crash.scenarios import OVER_ALREADY, RESUME, VOID, Case, Scenario, files_of, same, within


def up(place: str, *, resumed: bool = False) -> Scenario:
    """A tree that the cloud has never seen."""

    def build(stage: Stage) -> Case:
        files, source = files_of(stage), str(stage.folder / "src")
        stage.plant("", source, files, VOID)

        def check() -> None:
            same(stage, place, "/x", within("src", tree_of(files, VOID)))
            same(stage, "", source, tree_of(files, VOID))

        return Case(("cp", "-r", source, f"{place}:/x/"), check, again=RESUME if resumed else ())

    return build


def up_renamed(place: str) -> Scenario:
    """The target names the new folder: after the crash it is there already, half full."""

    def build(stage: Stage) -> Case:
        files, source = files_of(stage), str(stage.folder / "src")
        stage.plant("", source, files, VOID)

        def check() -> None:
            same(stage, place, "/new", tree_of(files, VOID))

        return Case(("cp", "-r", source, f"{place}:/new"), check)

    return build


def forgetful(scenario: Scenario) -> Scenario:
    """Without a place for secrets: whoever goes on cannot open what was written down."""

    def build(stage: Stage) -> Case:
        stage.home.environ["CLOUDTUI_SECRETS"] = "memory"
        del stage.home.environ["CLOUDTUI_VAULT_PASSPHRASE_FILE"]
        return scenario(stage)

    return build


def down(place: str, *, resumed: bool = False, renamed: bool = False) -> Scenario:
    """A tree to a folder of this disk."""

    def build(stage: Stage) -> Case:
        files, back = files_of(stage), stage.folder / "back"
        stage.plant(place, "/t", files, VOID)

        def check() -> None:
            got = tree_of(files, VOID)
            same(stage, "", str(back), got if renamed else within("t", got))
            same(stage, place, "/t", got)

        goal = str(back) if renamed else f"{back}/"
        return Case(("cp", "-r", f"{place}:/t", goal), check, again=RESUME if resumed else ())

    return build


def move_up(place: str) -> Scenario:
    """The source goes once its copy is verified."""

    def build(stage: Stage) -> Case:
        files, source = files_of(stage), stage.folder / "src"
        stage.plant("", str(source), files, VOID)

        def check() -> None:
            same(stage, place, "/x", within("src", tree_of(files, VOID)))
            assert not source.exists()

        return Case(("mv", str(source), f"{place}:/x/"), check, OVER_ALREADY)

    return build


def move_down(place: str) -> Scenario:
    """The same from the cloud: removals there."""

    def build(stage: Stage) -> Case:
        files, back = files_of(stage), stage.folder / "back"
        stage.plant(place, "/t", files, VOID)

        def check() -> None:
            same(stage, "", str(back), tree_of(files, VOID))
            assert "t" not in stage.tree(place)

        return Case(("mv", f"{place}:/t", str(back)), check, OVER_ALREADY)

    return build


def replace_up(place: str, size: int) -> Scenario:
    """A file that stands there with other content."""

    def build(stage: Stage) -> Case:
        rng = random.Random(stage.username)
        old, new = rng.randbytes(50_000), rng.randbytes(size)
        stage.put(place, "/r/file.bin", old)
        source = str(stage.folder / "file.bin")
        Path(source).write_bytes(new)

        def check() -> None:
            same(stage, place, "/r", tree_of({"file.bin": new}))
            if place == "pk":
                assert stage.trashed(place) == ["file.bin"]
            else:
                (node,) = [n for n in stage.account(place)["nodes"] if n["name"] == "file.bin"]
                assert node["revisions"] == 1

        return Case(("cp", "--on-conflict", "overwrite", source, f"{place}:/r/"), check)

    return build


def replace_down(stage: Stage) -> Case:
    """On the disk the old file goes to the desktop's trash."""
    rng = random.Random(stage.username)
    old, new = rng.randbytes(50_000), rng.randbytes(60_000)
    stage.put("pc", "/r/file.bin", new)
    target = stage.folder / "home" / "r"
    stage.plant("", str(target), {"file.bin": old})

    def check() -> None:
        same(stage, "", str(target), tree_of({"file.bin": new}))
        (kept,) = (stage.folder / "home" / "share" / "Trash" / "files").iterdir()
        assert kept.read_bytes() == old

    return Case(("cp", "--on-conflict", "overwrite", "pc:/r/file.bin", f"{target}/"), check)


def dropped(place: str) -> Scenario:
    """An upload killed half way is cancelled, and its parts with it."""

    def build(stage: Stage) -> Case:
        source = stage.folder / "big.bin"
        source.write_bytes(files_of(stage)["big.bin"])
        stage.put(place, "/c/")
        stage.die("mover.part_sent:2", "cp", str(source), f"{place}:/c/")
        (job,) = stage.home.run("jobs", "ls", "--json").ok().values

        def check() -> None:
            same(stage, place, "/c", {})
            assert stage.jobs() == ["cancelled"]

        return Case(("jobs", "cancel", "--drop-parts", job["id"]), check)

    return build


def twin(stage: Stage) -> Case:
    """Somebody takes the name between our look and our upload: pCloud numbers ours, we take it
    back, and the policy speaks."""
    source = stage.folder / "file.bin"
    source.write_bytes(b"ours")
    words = ("cp", "--on-conflict", "skip", str(source), "pc:/c/")
    stage.put("pc", "/c/")
    stage.die("engine.write.noted", *words)
    stage.put("pc", "/c/file.bin", b"somebody else's")

    def check() -> None:
        same(stage, "pc", "/c", tree_of({"file.bin": b"somebody else's"}))

    return Case(words, check)
