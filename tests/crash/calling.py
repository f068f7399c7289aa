"""Single calls: folders, names, signing in, links and what a service does by itself."""

from __future__ import annotations

import io
import zipfile

from tests.cloud_stage import Stage, sha1_of, tree_of
from tests.crash.scenarios import OVER_ALREADY, Case, Scenario, same


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

        words = ("offline", "add", url, "--to", f"{place}:/o")
        # pCloud fetches twice what it is asked for twice, so there it is only looked for
        again = ("offline", "ls", f"{place}:") if place == "pc" else ()
        return Case(words, check, again=again)

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

    return Case(("extract", "pk:/z/a.zip"), check)


def extract_and_delete(stage: Stage) -> Case:
    """The same, and the archive goes afterwards: by whoever is told to see it through."""
    packed = extract(stage)

    def check() -> None:
        tree = stage.tree("pk", "/z")
        assert [path for path in tree if path.endswith("inside.txt")] == ["a/inside.txt"]
        assert "a.zip" not in tree
        assert stage.trashed("pk") == ["a.zip"]
        assert stage.home.run("extract", "--resume", "--json").ok().value["Decompressed"] == 0

    return Case(
        ("extract", "--delete-source", packed.words[1]), check, again=("extract", "--resume")
    )


def pack(stage: Stage) -> Case:
    """A folder that PikPak makes a file of."""
    stage.put("pk", "/z/things/a.txt", b"content")

    def check() -> None:
        assert set(stage.tree("pk", "/z")) == {"things.tar"}

    return Case(("pack", "pk:/z/things"), check, OVER_ALREADY)


def unpack(stage: Stage) -> Case:
    """And a folder again of the file."""
    packed = pack(stage)
    stage.home.run(*packed.words).ok()

    def check() -> None:
        same(stage, "pk", "/z", tree_of({"things/a.txt": b"content"}))

    return Case(("unpack", "pk:/z/things.tar"), check, OVER_ALREADY)


def share(place: str) -> Scenario:
    """A public link."""

    def build(stage: Stage) -> Case:
        stage.put(place, "/p/file", b"content")

        def check() -> None:
            if place == "pc":
                (link,) = stage.account(place)["publinks"]
                assert not link["deleted"]
            else:
                assert len(stage.home.run("share", "ls", "--json", "pk:").ok().values) == 1
            same(stage, place, "/p", tree_of({"file": b"content"}))

        return Case(("share", "add", f"{place}:/p/file"), check)

    return build


def save(stage: Stage) -> Case:
    """Parts of somebody else's share, from two of its folders: two calls."""
    other = f"other-{stage.username}"
    stage.admin.account("pikpak", username=other, password="pw")
    for path in ("/s/one/a", "/s/two/b", "/s/two/c"):
        stage.admin.order("pikpak", "put", username=other, path=path, text=path)
    shared = stage.admin.order("pikpak", "share", username=other, paths=["/s"], pass_code="c0de")
    stage.put("pk", "/got/")

    def check() -> None:
        files = {"a": b"/s/one/a", "b": b"/s/two/b"}
        same(stage, "pk", "/got", tree_of(files))

    url = f"{shared['url']}?pwd=c0de"
    return Case(("share", "save", url, "s/one/a", "s/two/b", "pk:/got"), check)
