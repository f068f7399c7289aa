"""Earlier versions of files, and archives unpacked inside the account."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from cloudtui.services.errors import NotFound, NotSupported, PasswordNeeded, Refused, UsageError
from cloudtui.services.models import Found, HashType, Location, Revision, Secret
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.rig import PLAIN, asked, download, mark, names, tree, upload
from tests.sandbox_process import SandboxProcess

ROOT = Location("pc")


async def versions(storage: PCloudStorage, item: Found) -> list[Revision]:
    return [one async for page in storage.scan_revisions(item) for one in page]


async def three(storage: PCloudStorage) -> Found:
    """A file with two earlier versions."""
    await upload(storage, ROOT, "a", b"one")
    for content in (b"two two", b"three"):
        old = await storage.stat(ROOT.child("a"))
        await upload(storage, ROOT, "a", content, replace=old)
    return await storage.stat(ROOT.child("a"))


async def test_versions_are_listed_read_and_brought_back(storage: PCloudStorage) -> None:
    a = await three(storage)
    rows = await versions(storage, a)
    assert [(row.size, row.is_current) for row in rows] == [(5, True), (7, False), (3, False)]
    assert rows[0].hash == a.entry.hash
    ticket = await storage.open_revision(a, rows[1].id)
    assert ticket.size == 7
    async with PLAIN.client() as http:
        assert (await http.get(ticket.urls[0])).content == b"two two"
    entry = await storage.restore_revision(a, rows[2].id)
    assert (entry.id, entry.size) == (a.entry.id, 3)
    assert await download(storage, await storage.stat(ROOT.child("a"))) == b"one"
    # what it held became a version itself
    assert {row.size for row in await versions(storage, a)} == {3, 5, 7}
    assert await names(storage, ROOT) == ["a"]


async def test_a_lost_answer_brings_back_once(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    a = await three(storage)
    first = (await versions(storage, a))[-1]
    before = len(await versions(storage, a))
    sandbox.admin.fault(kind="reset_after", match="POST /revertrevision", times=1)
    entry = await storage.restore_revision(a, first.id)
    assert entry.size == 3
    assert len(await versions(storage, a)) == before + 1


async def test_versions_that_are_not_there(storage: PCloudStorage) -> None:
    a = await three(storage)
    with pytest.raises(NotFound, match="no version"):
        await storage.restore_revision(a, "12345")
    with pytest.raises(NotFound):
        await storage.open_revision(a, "x")
    await storage.mkdir(ROOT, "d")
    with pytest.raises(UsageError, match="folder"):
        await versions(storage, await storage.stat(ROOT.child("d")))


async def test_a_version_is_read_and_copied_like_a_file(storage: PCloudStorage) -> None:
    a = await three(storage)
    rows = await versions(storage, a)
    old = storage.as_file(a, rows[1])
    assert (old.entry.name, old.entry.size, old.entry.id) == ("a", 7, f"{a.entry.id}@{rows[1].id}")
    assert await download(storage, old) == b"two two"
    assert (await storage.hashes(old))[HashType.SHA1] == hashlib.sha1(b"two two").hexdigest()
    # found again by its id alone, as a job does that goes on after a restart
    again = await storage.stat(Location("pc", (), old.at.node))
    assert (again.at.parts, again.entry) == (("a",), old.entry)
    made = await storage.copy(old, ROOT, "b")
    assert (made.size, made.mtime_ns) == (7, rows[1].mtime_ns)
    assert await tree(storage, ROOT) == {"a": b"three", "b": b"two two"}


async def test_a_version_cannot_be_changed_by_itself(storage: PCloudStorage) -> None:
    a = await three(storage)
    old = storage.as_file(a, (await versions(storage, a))[1])
    with pytest.raises(UsageError, match="not changed"):
        await storage.rename(old, "b")
    with pytest.raises(UsageError, match="not changed"):
        await storage.move(old, ROOT, "b")
    with pytest.raises(UsageError, match="not changed"):
        await storage.remove([old])
    with pytest.raises(UsageError, match="not changed"):
        await storage.trash([old])
    with pytest.raises(UsageError, match="not changed"):
        await storage.share(old)
    assert await tree(storage, ROOT) == {"a": b"three"}
    with pytest.raises(NotFound, match="no version"):
        await storage.stat(Location("pc", (), f"{a.entry.id}@12345"))


def packed(**files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/"), content)
    return target.getvalue()


@pytest.mark.parametrize("slow", [False, True])
async def test_archives_are_unpacked(
    storage: PCloudStorage, sandbox: SandboxProcess, slow: bool
) -> None:
    async def at_once(_seconds: float) -> None:
        return

    storage.unpacking._sleep = at_once
    await upload(storage, ROOT, "a.zip", packed(x=b"x", inner__y=b"yy"))
    await storage.mkdir(ROOT, "in")
    archive = await storage.stat(ROOT.child("a.zip"))
    sandbox.admin.switch("pcloud.slow_extract", slow)
    seen: list[int] = []
    try:
        done = await storage.extract(
            archive, ROOT.child("in"), delete_source=True, on_progress=seen.append
        )
    finally:
        sandbox.admin.switch("pcloud.slow_extract", value=False)
    assert (done.decompressed, done.source_deleted, done.errors) == (1, 1, 0)
    assert seen[-1] == 100
    assert await tree(storage, ROOT) == {"in/": {"x": b"x", "inner/": {"y": b"yy"}}}


async def test_what_is_no_archive_stays(storage: PCloudStorage, tmp_path: Path) -> None:
    await upload(storage, ROOT, "a.zip", b"no archive at all")
    archive = await storage.stat(ROOT.child("a.zip"))
    with pytest.raises(Refused, match="cannot read this archive"):
        await storage.extract(archive, delete_source=True)
    assert await names(storage, ROOT) == ["a.zip"]
    with pytest.raises(NotSupported):
        await storage.list_archive(archive)


async def test_an_archive_that_wants_a_password(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await upload(storage, ROOT, "a.zip", packed(x=b"x"))
    archive = await storage.stat(ROOT.child("a.zip"))
    sandbox.admin.fault(kind="api_code", code=7009, match="POST /extractarchive", times=1)
    since = mark(sandbox)
    with pytest.raises(PasswordNeeded):
        await storage.extract(archive, password=Secret("wr0ng-one"))
    assert not any("wr0ng-one" in line for line in asked(sandbox, since))


@pytest.mark.parametrize("fault", ["reset_after", "truncate_json"])
async def test_an_extraction_whose_answer_was_lost_is_not_repeated(
    storage: PCloudStorage, sandbox: SandboxProcess, fault: str
) -> None:
    await upload(storage, ROOT, "a.zip", packed(x=b"x"))
    archive = await storage.stat(ROOT.child("a.zip"))
    sandbox.admin.fault(kind=fault, match="POST /extractarchive", times=1)
    with pytest.raises(Refused, match="may go on"):
        await storage.extract(archive, delete_source=True)
    assert await names(storage, ROOT) == ["a.zip", "x"]
