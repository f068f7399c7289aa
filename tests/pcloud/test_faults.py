"""Faults that pass: every call ends in success and nothing happens twice. Faults that stay: one
sentence, and nothing half done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from cloudtui.services.errors import CloudError, Offline
from cloudtui.services.media import SMALL
from cloudtui.services.models import Found, Location, OfflineTask, TaskPhase
from cloudtui.services.pcloud.storage import PCloudStorage
from cloudtui.services.pcloud.tokens import Verdict
from cloudtui.services.walking import walk
from tests.pcloud.rig import tree, upload
from tests.sandbox_process import SandboxProcess

ROOT = Location("pc")

Work = Callable[[PCloudStorage], Awaitable[object]]


async def found(storage: PCloudStorage, *parts: str) -> Found:
    return await storage.stat(Location("pc", parts))


async def mkdir(storage: PCloudStorage) -> None:
    await storage.mkdir(ROOT, "new")


async def rename_file(storage: PCloudStorage) -> None:
    await storage.rename(await found(storage, "a"), "new")


async def rename_folder(storage: PCloudStorage) -> None:
    await storage.rename(await found(storage, "d"), "new")


async def move_file(storage: PCloudStorage) -> None:
    await storage.move(await found(storage, "a"), ROOT.child("d"), "new")


async def copy_file(storage: PCloudStorage) -> None:
    await storage.copy(await found(storage, "a"), ROOT.child("d"), "new")


async def copy_folder(storage: PCloudStorage) -> None:
    await storage.copy(await found(storage, "d"), ROOT, "new")


async def remove(storage: PCloudStorage) -> None:
    await storage.remove([await found(storage, "a"), await found(storage, "d")])


async def trash(storage: PCloudStorage) -> None:
    await storage.trash([await found(storage, "a"), await found(storage, "d")])


async def trash_and_back(storage: PCloudStorage) -> None:
    await trash(storage)
    items = [item async for page in storage.scan_trash() for item in page]
    await storage.restore(items)


async def trash_and_empty(storage: PCloudStorage) -> None:
    await trash(storage)
    await storage.empty_trash()


async def share(storage: PCloudStorage) -> None:
    await storage.share(await found(storage, "a"))


async def limit_link(storage: PCloudStorage) -> None:
    await share(storage)
    await storage.share(await found(storage, "a"), days=3, most_downloads=5)


async def unshare(storage: PCloudStorage) -> None:
    made = await storage.share(await found(storage, "a"))
    await storage.unshare([made.id])


async def bring_back(storage: PCloudStorage) -> None:
    a = await found(storage, "a")
    await upload(storage, ROOT, "a", b"later", replace=a)
    rows = [row async for page in storage.scan_revisions(a) for row in page]
    await storage.restore_revision(a, rows[-1].id)


async def empty_file(storage: PCloudStorage) -> None:
    await upload(storage, ROOT, "new", b"")


async def large_file(storage: PCloudStorage) -> None:
    storage._cutoff = 1
    await upload(storage, ROOT, "new", b"large")


async def large_over_old(storage: PCloudStorage) -> None:
    storage._cutoff = 1
    await upload(storage, ROOT, "a", b"newer", replace=await found(storage, "a"))


async def fetch(storage: PCloudStorage) -> None:
    link = await storage.direct_link(await found(storage, "a"))
    ordered = await storage.add_offline(link, ROOT, name="new")
    task: OfflineTask | None = None
    while task is None or task.phase not in (TaskPhase.DONE, TaskPhase.FAILED):
        (task,) = [one async for page in storage.scan_offline() for one in page]
    assert (task.id, task.phase, task.message) == (ordered.id, TaskPhase.DONE, "")


async def film(storage: PCloudStorage) -> None:
    await storage.rename(await found(storage, "a"), "a.mp4")
    moving = await found(storage, "a.mp4")
    assert len(await storage.qualities(moving)) == 5
    assert await storage.quality_link(moving, "hls")
    assert await storage.thumbnail(moving, SMALL)


async def walk_all(storage: PCloudStorage) -> None:
    found: dict[str, int] = {}
    async for at, listed in walk(storage, ROOT):
        if isinstance(listed, CloudError):
            raise listed
        found[at.path] = len(listed)
    assert found == {"/": 2, "/d": 1}


BEFORE: dict[str, object] = {"a": b"aa", "d/": {"x": b"xx"}}
WORKS: dict[Work, tuple[str, dict[str, object]]] = {
    mkdir: ("POST /createfolder", {**BEFORE, "new/": {}}),
    rename_file: ("POST /renamefile", {"new": b"aa", "d/": {"x": b"xx"}}),
    rename_folder: ("POST /renamefolder", {"a": b"aa", "new/": {"x": b"xx"}}),
    move_file: ("POST /renamefile", {"d/": {"x": b"xx", "new": b"aa"}}),
    copy_file: ("POST /copyfile", {"a": b"aa", "d/": {"x": b"xx", "new": b"aa"}}),
    copy_folder: ("POST /copyfolder", {**BEFORE, "new/": {"x": b"xx"}}),
    remove: ("POST /delete*", {}),
    trash: ("POST /*", {}),
    trash_and_back: ("POST /rename*", BEFORE),
    trash_and_empty: ("POST /delete*", {}),
    share: ("POST /getfilepublink", BEFORE),
    limit_link: ("POST /changepublink", BEFORE),
    unshare: ("POST /deletepublink", BEFORE),
    bring_back: ("POST /revertrevision", BEFORE),
    empty_file: ("POST /uploadfile", {**BEFORE, "new": b""}),
    large_file: ("* /upload_[cis]*", {**BEFORE, "new": b"large"}),
    large_over_old: ("POST /upload_save", {**BEFORE, "a": b"newer"}),
    fetch: ("* /*load*", {**BEFORE, "new": b"aa"}),
    film: ("GET /get*", {"a.mp4": b"aa", "d/": {"x": b"xx"}}),
    walk_all: ("GET /listfolder", BEFORE),
}

PASSING = {
    "reset before": {"kind": "reset_before"},
    "reset after": {"kind": "reset_after"},
    "cut answer": {"kind": "truncate_json"},
    "html": {"kind": "html"},
    "bad gateway": {"kind": "status", "code": 502},
    "throttled": {"kind": "api_code", "code": 4006},
    "internal": {"kind": "api_code", "code": 5000},
}


async def plant(storage: PCloudStorage) -> None:
    await storage.mkdir(ROOT, "d")
    await upload(storage, ROOT.child("d"), "x", b"xx")
    await upload(storage, ROOT, "a", b"aa")


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
async def test_passing_faults(
    storage: PCloudStorage, sandbox: SandboxProcess, work: Work, fault: dict[str, object]
) -> None:
    await plant(storage)
    match, after = WORKS[work]
    sandbox.admin.fault(**fault, listener="pcloud.*", match=match, times=2)
    await work(storage)
    sandbox.admin.clear_faults()
    assert await tree(storage, ROOT) == after
    links = await storage.links.public_links()
    assert links is not None
    assert len(links) == (work in (share, limit_link))


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "truncate_json", "html"])
async def test_passing_faults_of_reading(
    storage: PCloudStorage, sandbox: SandboxProcess, fault: str
) -> None:
    await plant(storage)
    sandbox.admin.fault(kind=fault, listener="pcloud.*", match="GET /*", times=3)
    assert await tree(storage, ROOT) == BEFORE
    sandbox.admin.fault(kind=fault, listener="pcloud.*", match="GET /*", times=3)
    assert (await storage.quota()).used == 4


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
async def test_a_dead_server_is_one_sentence(
    storage: PCloudStorage, sandbox: SandboxProcess, work: Work
) -> None:
    await plant(storage)
    sandbox.admin.fault(kind="reset_before", listener="pcloud.*", times=-1)
    with pytest.raises(Offline) as caught:
        await work(storage)
    assert str(caught.value).count("\n") == 0
    sandbox.admin.clear_faults()
    assert await tree(storage, ROOT) == BEFORE


@pytest.mark.parametrize("fault", ["reset_after", "truncate_json"])
async def test_passing_faults_make_no_method_closed(
    storage: PCloudStorage, sandbox: SandboxProcess, fault: str
) -> None:
    sandbox.admin.fault(kind=fault, listener="pcloud.*", match="* /userinfo", times=2)
    sandbox.admin.fault(kind=fault, listener="pcloud.*", match="* /*list*", times=3)
    verdicts = await storage.tokens.probe()
    assert verdicts["listfolder"] is verdicts["listrevisions"] is Verdict.OPEN
    assert verdicts["trash_list"] is Verdict.CLOSED


async def test_a_method_that_does_not_answer_is_not_called_open(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    sandbox.admin.fault(
        kind="api_code", code=5000, listener="pcloud.*", match="* /search", times=-1
    )
    assert (await storage.tokens.probe())["search"] is Verdict.UNKNOWN


async def test_quota_and_permission_stop_without_a_trace(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await plant(storage)
    for code in (2008, 2003):
        sandbox.admin.fault(
            kind="api_code", code=code, listener="pcloud.*", match="* /uploadfile", times=1
        )
        with pytest.raises(CloudError):
            await upload(storage, ROOT, "new", b"data")
    assert await tree(storage, ROOT) == BEFORE
