"""Deleting, restoring, and what is in a trash."""

from __future__ import annotations

from tests.cloud_stage import Stage, tree_of
from tests.crash.scenarios import OVER_ALREADY, VOID, Case, Scenario, files_of, same, under


def remove(place: str) -> Scenario:
    """A tree and a file to the trash."""

    def build(stage: Stage) -> Case:
        files = files_of(stage)
        top = "/d" if place else str(stage.folder / "home" / "d")
        stage.plant(place, f"{top}/tree", files, VOID)
        stage.plant(place, top, {"one.txt": b"one", "stays.txt": b"stays"})
        locations = [f"{place}:{top}" if place else top][0]
        words = ("rm", "-r", f"{locations}/tree", f"{locations}/one.txt")

        def check() -> None:
            same(stage, place, top, tree_of({"stays.txt": b"stays"}))
            back = stage.home.run("trash", "restore", *words[2:]).ok()
            assert len(back.out.splitlines()) == 2
            whole = under("tree", tree_of(files, VOID)) | {"tree": None}
            whole |= tree_of({"one.txt": b"one", "stays.txt": b"stays"})
            same(stage, place, top, dict(sorted(whole.items())))
            assert stage.home.run("trash", "ls", f"{place}:" if place else top).ok().out == ""

        return Case(words, check, OVER_ALREADY)

    return build


def restore(place: str) -> Scenario:
    """Out of the trash, into the folder they came from. Where that can be known without it, it is
    gone meanwhile; PikPak puts things into the top folder here, as it does for some."""

    def build(stage: Stage) -> Case:
        files = files_of(stage)
        top = "/d" if place else str(stage.folder / "home" / "d")
        stage.plant(place, f"{top}/in/tree", files, VOID)
        stage.plant(place, f"{top}/in", {"one.txt": b"one"})
        at = f"{place}:{top}" if place else top
        stage.home.run("rm", "-r", f"{at}/in/tree", f"{at}/in/one.txt").ok()
        if place == "pk":
            stage.switch("pikpak.untrash", "root")
        else:
            stage.home.run("rm", "-r", "--forever", f"{at}/in").ok()

        def check() -> None:
            whole = under("in/tree", tree_of(files, VOID)) | {"in": None, "in/tree": None}
            whole |= tree_of({"in/one.txt": b"one"})
            same(stage, place, top, dict(sorted(whole.items())))
            assert stage.home.run("trash", "ls", f"{place}:" if place else top).ok().out == ""

        words = ("trash", "restore", f"{at}/in/tree", f"{at}/in/one.txt")
        return Case(words, check, OVER_ALREADY)

    return build


def unlinked(stage: Stage) -> Case:
    """Deleting what has a public link: pCloud's move would keep the link alive."""
    stage.put("pc", "/d/file", b"content")
    stage.home.run("share", "add", "pc:/d/file").ok()

    def check() -> None:
        same(stage, "pc", "/d", {})
        assert stage.trashed("pc") == ["file"]
        assert all(link["deleted"] for link in stage.account("pc")["publinks"])

    return Case(("rm", "pc:/d/file"), check, OVER_ALREADY)


def forever(place: str) -> Scenario:
    """Past the trash, and out of the trash."""

    def build(stage: Stage) -> Case:
        stage.plant(place, "/d", {"one.txt": b"one", "two.txt": b"two", "stays.txt": b"stays"})

        def check() -> None:
            same(stage, place, "/d", tree_of({"stays.txt": b"stays"}))
            assert stage.trashed(place) == []

        words = ("rm", "--forever", f"{place}:/d/one.txt", f"{place}:/d/two.txt")
        return Case(words, check, OVER_ALREADY)

    return build


def empty(place: str) -> Scenario:
    """Everything in the trash for ever."""

    def build(stage: Stage) -> Case:
        stage.plant(place, "/d", {"one.txt": b"one", "sub/two.txt": b"two", "stays.txt": b"stays"})
        stage.home.run("rm", f"{place}:/d/one.txt").ok()
        stage.home.run("rm", "-r", f"{place}:/d/sub").ok()

        def check() -> None:
            same(stage, place, "/d", tree_of({"stays.txt": b"stays"}))
            assert stage.trashed(place) == []
            assert stage.home.run("trash", "ls", f"{place}:").ok().out == ""

        return Case(("trash", "empty", "--yes", f"{place}:"), check)

    return build


def forget(place: str) -> Scenario:
    """One thing in the trash for ever."""

    def build(stage: Stage) -> Case:
        stage.plant(place, "/d", {"one.txt": b"one", "two.txt": b"two"})
        stage.home.run("rm", f"{place}:/d/one.txt", f"{place}:/d/two.txt").ok()

        def check() -> None:
            assert stage.trashed(place) == ["two.txt"]

        return Case(("trash", "rm", "--yes", f"{place}:/d/one.txt"), check, OVER_ALREADY)

    return build
