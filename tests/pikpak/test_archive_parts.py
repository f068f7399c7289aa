"""Only some of what an archive holds is unpacked."""

from __future__ import annotations

import base64
import io
import zipfile

import pytest

from cloudtui.sandbox.seed import ZIP_PASSWORD, archive
from cloudtui.services.errors import NotFound, PasswordNeeded, Refused, UsageError
from cloudtui.services.models import ArchiveEntry, Entry, Found, Kind, Location, Secret
from cloudtui.services.pikpak import archives
from cloudtui.services.unpacking import named_inside, outermost
from tests.pikpak.stage import ROOT, Stage
from tests.pikpak.test_begun import Death, another
from tests.pikpak.test_shares import planted

TREE = ("top.txt", "sub/b.txt", "sub/deep/c.txt", "sub/deep/d.txt", "subway.txt", "other/e.txt")


async def tree(stage: Stage) -> Found:
    """An archive with folders in folders."""
    stage.switch(decompress_seconds=0)
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        for name in TREE:
            packed.writestr(name, name)
    await planted(stage, "/tree.zip", base64.b64encode(raw.getvalue()).decode())
    return await stage.storage.stat(ROOT.child("tree.zip"))


def unpacked(stage: Stage, below: str) -> set[str]:
    """Paths of the files below a folder."""
    nodes = stage.admin.state("pikpak")["accounts"][stage.username]["nodes"]
    return {
        node["path"].removeprefix(below) for node in nodes
        if node["kind"] == "file" and node["path"].startswith(below)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("only", "wanted"),
    [
        (["top.txt"], {"top.txt"}),
        (["sub/deep"], {"sub/deep/c.txt", "sub/deep/d.txt"}),
        (["/sub//deep/", "./other/e.txt"], {"sub/deep/c.txt", "sub/deep/d.txt", "other/e.txt"}),
        (["sub", "sub/b.txt"], {"sub/b.txt", "sub/deep/c.txt", "sub/deep/d.txt"}),
    ],
)
async def test_the_named_things_come_and_nothing_else(
    stage: Stage, only: list[str], wanted: set[str]
) -> None:
    item = await tree(stage)
    chosen = outermost(await named_inside(stage.storage, item, only))
    there = await stage.storage.mkdir(ROOT, "there")
    done = await stage.storage.extract(item, ROOT.child("there", there.id), only=chosen)
    assert (done.decompressed, done.source_deleted, done.errors) == (1, 0, 0)
    assert unpacked(stage, "/there/tree/") == wanted
    assert await stage.names() == ["there", "tree.zip"]


async def test_what_is_not_inside_is_told_before_anything_begins(stage: Stage) -> None:
    item = await tree(stage)
    with pytest.raises(NotFound, match=r"does not hold nope, sub/x\.txt, no/way, top\.txt/\."):
        await named_inside(stage.storage, item, ["sub", "nope", "sub/x.txt", "no/way", "top.txt/"])
    with pytest.raises(UsageError, match="names nothing inside"):
        await named_inside(stage.storage, item, ["/"])
    assert await stage.names() == ["tree.zip"]


async def test_a_part_of_a_locked_archive_wants_its_password(stage: Stage) -> None:
    stage.switch(decompress_seconds=0)
    await planted(stage, "/locked.zip", base64.b64encode(archive(ZIP_PASSWORD)).decode())
    item = await stage.storage.stat(ROOT.child("locked.zip"))
    with pytest.raises(PasswordNeeded):
        await named_inside(stage.storage, item, ["project/data"])
    password = Secret(ZIP_PASSWORD)
    chosen = await named_inside(stage.storage, item, ["project/data"], password)
    done = await stage.storage.extract(item, None, password, only=chosen)
    assert done.into is not None
    assert unpacked(stage, "/locked/") == {"project/data/numbers.csv"}


async def test_an_archive_of_which_a_part_is_wanted_is_never_deleted(stage: Stage) -> None:
    item = await tree(stage)
    since = len(stage.admin.log())
    with pytest.raises(Refused, match="only a part of it would be unpacked"):
        await stage.storage.extract(
            item, only=[ArchiveEntry("top.txt", Kind.FILE)], delete_source=True
        )
    assert stage.admin.log(since) == []


async def test_other_parts_are_other_wishes(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process that died began is taken up by the same words only."""

    def die(name: str) -> None:
        raise Death(name)

    item = await tree(stage)
    one, two = ArchiveEntry("top.txt", Kind.FILE), ArchiveEntry("other", Kind.FOLDER)
    monkeypatch.setattr(archives, "failpoint", die)
    with pytest.raises(Death):
        await stage.storage.extract(item, only=[one, two])
    monkeypatch.undo()
    async with another(stage) as storage:
        await storage.extract(item, only=[two, one])
        assert unpacked(stage, "/tree/") == {"top.txt", "other/e.txt"}
        assert unpacked(stage, "/tree(1)/") == set()
        await storage.extract(item, only=[one])
        assert unpacked(stage, "/tree(1)/") == {"top.txt"}


def test_what_lies_in_a_chosen_folder_is_not_named_again() -> None:
    def entry(path: str) -> ArchiveEntry:
        return ArchiveEntry(path.rstrip("/"), Kind.FOLDER if path.endswith("/") else Kind.FILE)

    rows = [entry(path) for path in ("a/b/c", "a/", "a/b/", "ab", "c/d", "c", "c/d", "a")]
    assert outermost(rows) == [entry("a/"), entry("ab"), entry("c/d"), entry("c"), entry("a")]


async def test_a_file_and_a_folder_of_one_name_are_told_apart_by_the_slash() -> None:
    both = [ArchiveEntry("a", Kind.FOLDER), ArchiveEntry("a", Kind.FILE, 1)]

    class Place:
        async def list_archive(
            self, item: Found, password: Secret | None = None, *, inside: str = ""
        ) -> list[ArchiveEntry]:
            return [ArchiveEntry("a/b", Kind.FILE, 2)] if inside else both

    place: object = Place()
    item = Found(Location("pk", ("x.zip",), "n"), Entry("x.zip", "n", Kind.FILE))
    found = await named_inside(place, item, ["a", "a/", "a/b"])  # type: ignore[arg-type]
    assert [(each.path, each.kind) for each in found] == [
        ("a", Kind.FILE), ("a", Kind.FOLDER), ("a/b", Kind.FILE),
    ]  # fmt: skip
