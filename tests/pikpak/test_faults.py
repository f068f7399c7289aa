"""Every operation, with one fault at each of its calls in turn: it succeeds all the same, and the
account holds exactly what was asked for, nothing twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cloudtui.services.errors import CloudError, Refused
from cloudtui.services.media import SMALL
from cloudtui.services.models import Found, Location, Secret
from cloudtui.services.shares import ShareLink, found_in
from cloudtui.services.unpacking import named_inside
from tests.pikpak.stage import ROOT, Stage
from tests.pikpak.test_shares import planted

FAULTS: dict[str, dict[str, Any]] = {
    "429": {"kind": "status", "code": 429},
    "429-after": {"kind": "status", "code": 429, "headers": {"Retry-After": "0"}},
    "500": {"kind": "status", "code": 500},
    "503": {"kind": "status", "code": 503, "body": "<html>busy</html>"},
    "reset-before": {"kind": "reset_before"},
    "reset-after": {"kind": "reset_after"},
    "cut": {"kind": "cut", "bytes": 3},
    "truncated": {"kind": "truncate_json"},
    "html": {"kind": "html"},
    "token": {"kind": "expire_token"},
    "captcha": {"kind": "expire_captcha"},
}
"""What goes wrong once."""

Operation = Callable[[Stage, Found], Awaitable[object]]


async def mkdir(stage: Stage, item: Found) -> None:
    await stage.storage.mkdir(ROOT, "new")


async def rename(stage: Stage, item: Found) -> None:
    await stage.storage.rename(item, "renamed")


async def move(stage: Stage, item: Found) -> None:
    await stage.storage.move(item, await there(stage), "file")


async def move_renamed(stage: Stage, item: Found) -> None:
    await stage.storage.move(item, await there(stage), "other")


async def copy(stage: Stage, item: Found) -> None:
    await stage.storage.copy(item, await there(stage), "file")


async def copy_renamed(stage: Stage, item: Found) -> None:
    await stage.storage.copy(item, ROOT, "second")


async def trash(stage: Stage, item: Found) -> None:
    await stage.storage.trash([item])


async def trash_and_back(stage: Stage, item: Found) -> None:
    await stage.storage.restore(await stage.storage.trash([item]))


async def remove(stage: Stage, item: Found) -> None:
    await stage.storage.remove([item])


async def upload(stage: Stage, item: Found) -> None:
    await stage.put(b"fresh bytes", "up")


async def upload_over(stage: Stage, item: Found) -> None:
    await stage.put(b"fresher bytes", "file", replace=item)


async def link(stage: Stage, item: Found) -> None:
    assert await stage.storage.direct_link(item)


async def film(stage: Stage, item: Found) -> None:
    await stage.storage.rename(item, "film.mp4")
    moving = await stage.storage.stat(ROOT.child("film.mp4"))
    assert len(await stage.storage.qualities(moving)) == 2
    assert await stage.storage.quality_link(moving, "720P")
    assert await stage.storage.thumbnail(moving, SMALL)


async def offline(stage: Stage, item: Found) -> None:
    await stage.storage.add_offline(f"magnet:?xt=urn:btih:{'ab' * 20}", await there(stage))


async def share(stage: Stage, item: Found) -> None:
    made = await stage.storage.share(item)
    assert [each["id"] for each in shares(stage) if not each["deleted"]] == [made.id]


async def unshare(stage: Stage, item: Found) -> None:
    await stage.storage.unshare([(await stage.storage.share(item)).id])
    assert all(each["deleted"] for each in shares(stage))


async def change_share(stage: Stage, item: Found) -> None:
    made = await stage.storage.share(item)
    changed = await stage.storage.change_share(made, password=Secret("c0de"), days=3)
    assert changed.protected
    assert [each["pass_code"] for each in shares(stage) if not each["deleted"]] == ["c0de"]


def of_others(stage: Stage) -> ShareLink:
    """A locked link to `show`, which somebody else made, a new one for every round."""
    other = f"other-{stage.username}"
    stage.admin.account("pikpak", username=other, password="pw")
    top = f"/{len(stage.admin.state('pikpak')['shares'])}/show"
    for path in ("one/a", "two/b", "two/c"):
        stage.admin.order("pikpak", "put", username=other, path=f"{top}/{path}", text=path)
    paths, code = [top], "c0de"
    made = stage.admin.order("pikpak", "share", username=other, paths=paths, pass_code=code)
    link = stage.storage.share_link(f"{made['url']}?pwd={code}")
    assert link is not None
    return link


async def look_into_share(stage: Stage, item: Found) -> None:
    link = of_others(stage)
    found = await found_in(stage.storage, link, "show/two/c")
    assert found is not None
    assert await stage.storage.shared_content(link, found)


async def save_parts(stage: Stage, item: Found) -> None:
    link = of_others(stage)
    found = [await found_in(stage.storage, link, f"show/{each}") for each in ("one", "two/c")]
    chosen = [each for each in found if each is not None]
    await stage.storage.save_share(link, await there(stage), chosen)


async def save_again(stage: Stage, item: Found) -> None:
    """Some of it, then the rest, unless a lost answer was reason enough to look."""
    link = of_others(stage)
    found = [await found_in(stage.storage, link, f"show/{each}") for each in ("two", "one/a")]
    chosen = [each for each in found if each is not None]
    stage.switch(save_fails=1, save_fails_after=2)
    stage.admin.age(60)  # the tasks of the rounds before are old
    try:
        await stage.storage.save_share(link, await there(stage), chosen)
    except Refused:
        await stage.storage.save_share(link, await there(stage), chosen)


async def extract(stage: Stage, item: Found) -> None:
    stage.switch(decompress_seconds=0)
    await planted(stage, "/there/a.zip")
    archive = await stage.storage.stat((await there(stage)).child("a.zip"))
    done = await stage.storage.extract(archive, delete_source=True)
    assert (done.decompressed, done.source_deleted, done.errors) == (1, 1, 0)


async def extract_some(stage: Stage, item: Found) -> None:
    stage.switch(decompress_seconds=0)
    await planted(stage, "/there/a.zip")
    archive = await stage.storage.stat((await there(stage)).child("a.zip"))
    only = await named_inside(stage.storage, archive, ["sub/"])
    assert (await stage.storage.extract(archive, only=only)).decompressed == 1


async def pack_and_back(stage: Stage, item: Found) -> None:
    await planted(stage, "/there/a.zip")
    await stage.storage.pack_folder(await stage.storage.stat(ROOT.child("there")))
    packed = await stage.storage.stat(ROOT.child("there.tar"))
    assert (await stage.storage.unpack_folder(packed)).name == "there"


async def look_inside(stage: Stage, item: Found) -> None:
    await planted(stage, "/there/a.zip")
    archive = await stage.storage.stat((await there(stage)).child("a.zip"))
    assert len(await stage.storage.list_archive(archive)) == 2


async def retry_and_forget(stage: Stage, item: Found) -> None:
    stage.switch(offline="error")
    added = await stage.storage.add_offline(f"magnet:?xt=urn:btih:{'ab' * 20}", ROOT)
    stage.admin.age(10)
    assert stage.admin.state("pikpak")  # brings the task up to its end
    stage.switch(offline="stuck")
    await stage.storage.retry_offline(added.id)
    await stage.storage.remove_offline([added.id], files=True)


async def look_behind_a_link(stage: Stage, item: Found) -> None:
    seen = await stage.storage.preview_link(f"magnet:?xt=urn:btih:{'ab' * 20}&dn=set")
    assert seen.count == 3


async def tell_files_of_a_task(stage: Stage, item: Found) -> None:
    stage.switch(offline="stuck")
    added = await stage.storage.add_offline(f"magnet:?xt=urn:btih:{'ab' * 20}&dn=set", ROOT)
    files = await stage.storage.task_files(added.id)
    assert files is not None
    assert len(files) == 3
    await stage.storage.remove_offline([added.id], files=True)


async def quota(stage: Stage, item: Found) -> None:
    assert (await stage.storage.quota()).total


async def star_and_off(stage: Stage, item: Found) -> None:
    there = await stage.storage.stat(ROOT.child("there"))
    await stage.storage.star([item, there], on=True)
    await stage.storage.star([there], on=False)
    starred = [one async for page in stage.storage.scan_starred() for one in page]
    assert [one.entry.id for one in starred] == [item.entry.id]


async def look_back(stage: Stage, item: Found) -> None:
    stage.switch(events_limit=1)
    lines = [line async for page in stage.storage.scan_history() for line in page]
    assert {line.name for line in lines} == {"file"}
    await stage.storage.forget_history([lines[0].id])
    left = [line.id async for page in stage.storage.scan_history() for line in page]
    assert left == [line.id for line in lines[1:]]
    await stage.storage.clear_history()
    assert await stage.storage.invite_code()


def shares(stage: Stage) -> list[dict[str, Any]]:
    made = stage.admin.state("pikpak")["shares"]
    mine = [each for each in made if each["owner"] == stage.username]
    return [each for each in mine if each["file_ids"][0] in live(stage)]


def live(stage: Stage) -> set[str]:
    account = stage.admin.state("pikpak")["accounts"][stage.username]
    return {node["id"] for node in account["nodes"]}


async def there(stage: Stage) -> Location:
    return (await stage.storage.stat(ROOT.child("there"))).at


ENDS: dict[Operation, list[str]] = {
    mkdir: ["/file", "/new", "/there"],
    rename: ["/renamed", "/there"],
    move: ["/there", "/there/file"],
    move_renamed: ["/there", "/there/other"],
    copy: ["/file", "/there", "/there/file"],
    copy_renamed: ["/file", "/second", "/there"],
    trash: ["/there", "trashed /file"],
    trash_and_back: ["/file", "/there"],
    remove: ["/there"],
    upload: ["/file", "/there", "/up"],
    upload_over: ["/file", "/there", "trashed /file"],
    link: ["/file", "/there"],
    film: ["/film.mp4", "/there"],
    offline: ["/file", "/there"],
    share: ["/file", "/there"],
    unshare: ["/file", "/there"],
    change_share: ["/file", "/there"],
    look_into_share: ["/file", "/there"],
    save_parts: ["/file", "/there", "/there/c", "/there/one", "/there/one/a"],
    save_again: ["/file", "/there", "/there/a", "/there/two", "/there/two/b", "/there/two/c"],
    extract: [
        "/file",
        "/there",
        "/there/a",
        "/there/a/a.txt",
        "/there/a/sub",
        "/there/a/sub/b.txt",
        "trashed /there/a.zip",
    ],
    extract_some: [
        "/file",
        "/there",
        "/there/a",
        "/there/a.zip",
        "/there/a/sub",
        "/there/a/sub/b.txt",
    ],
    pack_and_back: ["/file", "/there", "/there/a.zip"],
    look_inside: ["/file", "/there", "/there/a.zip"],
    retry_and_forget: ["/file", "/there"],
    look_behind_a_link: ["/file", "/there"],
    tell_files_of_a_task: ["/file", "/there"],
    quota: ["/file", "/there"],
    star_and_off: ["/file", "/there"],
    look_back: ["/file", "/there"],
}


def held(stage: Stage) -> list[str]:
    account = stage.admin.state("pikpak")["accounts"][stage.username]
    running = {task["file_id"] for task in account["tasks"] if task["type"] == "offline"}
    return sorted(
        ("trashed " if node["trashed"] else "") + node["path"]
        for node in account["nodes"]
        if node["name"] and node["id"] not in running
    )


async def cleared(stage: Stage) -> Found:
    """The same beginning for every round: one file and one empty folder."""
    stage.admin.clear_faults()
    await stage.storage.remove([Found.of(ROOT, entry) for entry in await stage.entries()])
    await stage.storage.empty_trash()
    tasks = [task.id async for page in stage.storage.scan_offline() for task in page]
    await stage.storage.remove_offline(tasks, files=True)
    await stage.storage.mkdir(ROOT, "there")
    await stage.put(b"content", "file")
    return await stage.storage.stat(ROOT.child("file"))


async def swept(stage: Stage, operation: Operation, fault: dict[str, Any]) -> int:
    """Run with the fault at each call in turn, until the operation ends before it strikes."""
    stage.switch(instant=False)
    for skip in range(40):
        item = await cleared(stage)
        stage.admin.fault(listener="pikpak.[du][rs]*", times=1, skip=skip, **fault)
        try:
            await operation(stage, item)
        except CloudError as error:
            pytest.fail(f"call {skip}: {error.code} {error} {error.detail}")
        struck = not stage.admin.faults()
        stage.admin.clear_faults()
        assert held(stage) == ENDS[operation], f"call {skip}"
        if not struck:
            return skip
    pytest.fail("the operation has more calls than expected")


FEW = ("429", "reset-before", "reset-after", "truncated", "captcha")
"""For what goes by the same calls as the rest: a kind each of what may be done about a fault."""
BRIEF = {
    quota,
    film,
    look_inside,
    extract_some,
    pack_and_back,
    look_behind_a_link,
    tell_files_of_a_task,
    unshare,
    change_share,
    look_into_share,
    retry_and_forget,
    star_and_off,
}
LONG: dict[Operation, tuple[str, ...]] = {save_again: ("500", "reset-before", "reset-after")}
"""Of many calls: only what is done about each of them matters."""
PAIRS = [
    pytest.param(operation, fault, id=f"{operation.__name__}-{fault}")
    for operation in ENDS
    for fault in LONG.get(operation, FEW if operation in BRIEF else tuple(FAULTS))
]


@pytest.mark.crash
@pytest.mark.parametrize(("operation", "fault"), PAIRS)
async def test_one_fault_at_every_call(stage: Stage, operation: Operation, fault: str) -> None:
    assert await swept(stage, operation, FAULTS[fault]) > 0


@pytest.mark.parametrize("operation", [mkdir, move, upload], ids=lambda each: each.__name__)
async def test_a_lost_answer_at_every_call(stage: Stage, operation: Operation) -> None:
    assert await swept(stage, operation, FAULTS["reset-after"]) > 0
