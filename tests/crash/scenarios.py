"""What is done while the process is killed, and what must be true once it was done again.

Every scenario prepares a stage and answers with the command and the check of the end.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cloud_stage import Stage, Tree, sha1_of, tree_of

Files = dict[str, bytes]
VOID = ("void",)

OPTIONS = {
    "pk": {"upload_cutoff": 200_000, "chunk_size": 102_400},
    "pc": {"upload_cutoff": 200_000, "chunk_size": 65_536},
}
"""Files of 300 KB go in parts."""

DONE = frozenset({0})
OVER_ALREADY = frozenset({0, 3})
"""Where the work can be over although the process died: then its source is not found any more."""


@dataclass(frozen=True)
class Case:
    """One prepared scenario. `codes` are exit codes with which the second run may end; `again` is
    what is run then, the same words when it is empty."""

    words: tuple[str, ...]
    check: Callable[[], None]
    codes: frozenset[int] = DONE
    again: tuple[str, ...] = ()


Scenario = Callable[[Stage], Case]
RESUME = ("jobs", "resume")


def files_of(stage: Stage, salt: str = "") -> Files:
    """A small tree that no other stage ever had: PikPak takes known content without its bytes."""
    rng = random.Random(f"{stage.username}/{salt}")
    return {
        "a.txt": rng.randbytes(1_000),
        "big.bin": rng.randbytes(300_000),
        "sub/b.bin": rng.randbytes(70_000),
        "sub/empty": b"",
    }


def same(stage: Stage, place: str, top: str, wanted: Tree) -> None:
    """The tree is what it should be, and nothing unfinished lies around."""
    assert stage.tree(place, top) == wanted
    assert stage.litter() == []


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
            (after,) = stage.home.run("jobs", "ls", "--json").ok().values
            assert after["state"] == "cancelled"

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


def make(place: str) -> Scenario:
    """Folders, the first of which is there."""

    def build(stage: Stage) -> Case:
        stage.put(place, "/m/")

        def check() -> None:
            same(stage, place, "/m", {"a": None, "a/b": None, "a/b/c": None})

        return Case(("mkdir", "-p", f"{place}:/m/a/b/c"), check)

    return build


def rename(place: str) -> Scenario:
    """Another name."""

    def build(stage: Stage) -> Case:
        stage.put(place, "/n/old", b"content")

        def check() -> None:
            same(stage, place, "/n", tree_of({"new": b"content"}))

        return Case(("rename", f"{place}:/n/old", "new"), check, OVER_ALREADY)

    return build


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


def across(source: str, target: str, verb: str) -> Scenario:
    """From one cloud to the other, by bytes through this machine."""

    def build(stage: Stage) -> Case:
        files = files_of(stage)
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


def sign_in(stage: Stage) -> Case:
    """The first use of a password that lies in the environment."""
    stage.put("pk", "/s/file", b"content")

    def check() -> None:
        assert stage.home.run("ls", "pk:/s").ok().out == "file\n"

    return Case(("ls", "pk:/s"), check)


def refresh(stage: Stage) -> Case:
    """An access token that ended: the refresh token is good for one use only."""
    stage.put("pk", "/s/file", b"content")
    stage.home.run("ls", "pk:/s").ok()
    stage.admin.age(8_000)

    def check() -> None:
        assert stage.home.run("ls", "pk:/s").ok().out == "file\n"

    return Case(("ls", "pk:/s"), check)


def offline(place: str) -> Scenario:
    """A link for the service to fetch."""

    def build(stage: Stage) -> Case:
        stage.put(place, "/from/file.bin", b"content")
        stage.put(place, "/o/")
        url = stage.home.run("link", f"{place}:/from/file.bin").ok().out.strip()

        def check() -> None:
            (row,) = stage.home.run("offline", "ls", "--json", f"{place}:").ok().values
            assert row["url"] == url
            assert len(stage.tree(place, "/o")) <= 1

        # Asked for twice it is fetched twice, so it is only looked for.
        words = ("offline", "add", url, "--to", f"{place}:/o")
        return Case(words, check, again=("offline", "ls", f"{place}:"))

    return build


def extract(stage: Stage) -> Case:
    """An archive that PikPak unpacks: it goes on without us."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inside.txt", b"content")
    stage.put("pk", "/z/a.zip", packed.getvalue())

    def check() -> None:
        stage.admin.age(60)
        tree = stage.tree("pk", "/z")
        assert [path for path in tree if path.endswith("inside.txt")] == ["a/inside.txt"]
        assert tree["a.zip"] == sha1_of(packed.getvalue())

    return Case(("extract", "pk:/z/a.zip"), check, again=("ls", "pk:/z"))


def share(place: str) -> Scenario:
    """A public link; to make it again gives another one on PikPak, which does not hurt."""

    def build(stage: Stage) -> Case:
        stage.put(place, "/p/file", b"content")

        def check() -> None:
            if place == "pc":
                (link,) = stage.account(place)["publinks"]
                assert not link["deleted"]
            same(stage, place, "/p", tree_of({"file": b"content"}))

        return Case(("share", "add", f"{place}:/p/file"), check)

    return build


def within(top: str, tree: Tree) -> Tree:
    """The tree as the only thing in a folder, called `top`."""
    return {top: None, **under(top, tree)}


def under(top: str, tree: Tree) -> Tree:
    """The tree with `top/` before every path."""
    return {f"{top}/{path}": sha1 for path, sha1 in tree.items()}
