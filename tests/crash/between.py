"""Copies and moves inside one cloud and from one to the other."""

from __future__ import annotations

from tests.cloud_stage import Stage, Tree, tree_of
from tests.crash.scenarios import (
    DONE,
    OVER_ALREADY,
    RESUME,
    VOID,
    Case,
    Scenario,
    files_of,
    same,
    within,
)


def inside(place: str, verb: str) -> Scenario:
    """The service copies or moves by itself."""

    def build(stage: Stage) -> Case:
        files = files_of(stage)
        stage.plant(place, "/from/t", files, VOID)
        stage.put(place, "/to/")

        def check() -> None:
            whole = tree_of(files, VOID)
            same(stage, place, "/to", within("t", whole))
            left = {} if verb == "mv" else within("t", whole)
            same(stage, place, "/from", left)

        words = (verb, *(["-r"] if verb == "cp" else []), f"{place}:/from/t", f"{place}:/to/")
        return Case(words, check, OVER_ALREADY if verb == "mv" else DONE)

    return build


def inside_renamed(place: str, verb: str) -> Scenario:
    """The service copies or moves a file to another name."""

    def build(stage: Stage) -> Case:
        stage.put(place, "/from/file.bin", b"content")
        stage.put(place, "/to/")

        def check() -> None:
            assert swept(stage.tree(place, "/to")) == tree_of({"other": b"content"})
            left = {} if verb == "mv" else {"file.bin": b"content"}
            same(stage, place, "/from", tree_of(left))
            assert stage.trashed(place) == []

        words = (verb, f"{place}:/from/file.bin", f"{place}:/to/other")
        return Case(words, check, OVER_ALREADY if verb == "mv" else DONE)

    return build


def swept(tree: Tree) -> Tree:
    """Without an empty hidden folder, which PikPak's copies leave when they are killed after their
    last move; the next copy an hour later sweeps it."""
    hidden = [path for path in tree if path.endswith(".cloudtui-part") and "/" not in path]
    assert all(tree[path] is None for path in hidden)
    return {path: sha1 for path, sha1 in tree.items() if path not in hidden}


def inside_replace(place: str, verb: str) -> Scenario:
    """The service copies or moves, and a file of that name stands there."""

    def build(stage: Stage) -> Case:
        stage.put(place, "/from/file.bin", b"the new content")
        stage.put(place, "/to/file.bin", b"what stood there before")

        def check() -> None:
            assert swept(stage.tree(place, "/to")) == tree_of({"file.bin": b"the new content"})
            left = {} if verb == "mv" else {"file.bin": b"the new content"}
            same(stage, place, "/from", tree_of(left))
            assert stage.trashed(place) == ["file.bin"]

        words = (verb, "--on-conflict", "overwrite", f"{place}:/from/file.bin", f"{place}:/to/")
        return Case(words, check, OVER_ALREADY if verb == "mv" else DONE)

    return build


def across(source: str, target: str, verb: str, *, held: bool = False) -> Scenario:
    """From one cloud to the other, by bytes through this machine: to PikPak by way of the spool
    folder, or with `held` through memory."""

    def build(stage: Stage) -> Case:
        files = files_of(stage)
        limit = max(map(len, files.values())) if held else 0
        stage.home.environ["CLOUDTUI_ACCOUNT__PK__HASH_MEMORY_LIMIT"] = str(limit)
        stage.plant(source, "/t", files, VOID)

        def check() -> None:
            whole = tree_of(files, VOID)
            same(stage, target, "/x", within("t", whole))
            if verb == "cp":
                same(stage, source, "/t", whole)
            else:
                assert "t" not in stage.tree(source)

        way = ("--server-side", "never", *(["-r"] if verb == "cp" else []))
        words = (verb, *way, f"{source}:/t", f"{target}:/x/")
        return Case(words, check, again=RESUME if verb == "cp" else ())

    return build


def fetched(verb: str) -> Scenario:
    """pCloud fetches PikPak's links itself (an empty file has none)."""

    def build(stage: Stage) -> Case:
        files = {name: content for name, content in files_of(stage).items() if content}
        stage.plant("pk", "/t", files, VOID)
        stage.admin.age(3_600)  # the copies are younger than their sources

        def check() -> None:
            whole = tree_of(files, VOID)
            same(stage, "pc", "/x", within("t", whole))
            if verb == "cp":
                same(stage, "pk", "/t", whole)
            else:
                assert "t" not in stage.tree("pk")

        way = ("--server-side", "only", *(["-r"] if verb == "cp" else []))
        return Case((verb, *way, "pk:/t", "pc:/x/"), check)

    return build
