"""Public links: made, limited, listed, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudtui.services.errors import Denied, NotFound, NotSupported, Refused, UsageError
from cloudtui.services.models import Flag, Kind, Location, Secret, Share
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.rig import PLAIN, Script, asked, file_item, folder_item, mark, place, tree, upload
from tests.sandbox_process import SandboxProcess

ROOT = Location("pc")
API = "https://api.pcloud.com"


async def shares(storage: PCloudStorage) -> list[Share]:
    return [share async for page in storage.scan_shares() for share in page]


def stranger(url: str, base: str, **more: str) -> dict[str, Any]:
    """What somebody without an account gets behind a link."""
    code = httpx.URL(url).params["code"]
    told: dict[str, Any] = httpx.get(f"{base}/showpublink", params={"code": code, **more}).json()
    return told


async def test_a_link_is_made_limited_listed_and_revoked(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await storage.mkdir(ROOT, "d")
    await upload(storage, ROOT.child("d"), "a b.txt", b"a")
    a = await storage.stat(ROOT.child("d").child("a b.txt"))
    made = await storage.share(a)
    base = storage.client.base
    assert stranger(made.url, base)["metadata"]["name"] == "a b.txt"
    assert (made.expires_ns, made.most_downloads, made.protected) == (None, None, False)
    # limits go on the link there is
    limited = await storage.share(a, days=2, password=Secret("open sesame"), most_downloads=3)
    assert (limited.id, limited.url) == (made.id, made.url)
    assert limited.protected
    assert limited.password == Secret("open sesame")
    assert stranger(made.url, base)["result"] != 0
    assert stranger(made.url, base, linkpassword="open sesame")["result"] == 0
    d = await storage.share(await storage.stat(ROOT.child("d")))
    (first, second) = await shares(storage)
    by_id = {share.id: share for share in (first, second)}
    listed = by_id[made.id]
    assert (listed.name, listed.kind, listed.url) == ("a b.txt", Kind.FILE, made.url)
    assert listed.at is not None
    assert listed.at.parts == ("d", "a b.txt")
    assert (listed.most_downloads, listed.downloads, listed.protected) == (3, 0, True)
    now = storage.client.now()
    assert listed.expires_ns is not None
    assert abs(listed.expires_ns / 1e9 - now - 2 * 86400) < 60
    assert by_id[d.id].kind is Kind.FOLDER
    # nothing given changes nothing, zero takes a limit off
    assert (await storage.share(a)).most_downloads == 3
    free = await storage.share(a, days=0, password=Secret(""), most_downloads=0)
    assert (free.expires_ns, free.most_downloads, free.protected) == (None, None, False)
    assert stranger(made.url, base)["result"] == 0
    await storage.unshare([made.id])
    await storage.unshare([made.id])
    assert stranger(made.url, base)["result"] == 7002
    assert [share.id for share in await shares(storage)] == [d.id]


async def test_a_password_is_never_in_a_request_line(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await upload(storage, ROOT, "a", b"a")
    since = mark(sandbox)
    await storage.share(await storage.stat(ROOT.child("a")), password=Secret("p4ss-w0rd"))
    lines = asked(sandbox, since)
    assert any("getfilepublink" in line for line in lines)
    assert not any("p4ss-w0rd" in line for line in lines)


async def test_what_no_longer_works_is_told(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await upload(storage, ROOT, "a", b"a")
    await upload(storage, ROOT, "b", b"b")
    old = await storage.share(await storage.stat(ROOT.child("a")))
    used = await storage.share(await storage.stat(ROOT.child("b")), most_downloads=1)
    past = int(storage.client.now()) - 10
    await storage.client.call(
        "changepublink", {"linkid": int(old.id), "expire": past}, wire.Answer, change=True
    )
    code = httpx.URL(used.url).params["code"]
    async with PLAIN.client() as http:
        told = await http.get(f"{storage.client.base}/getpublinkdownload", params={"code": code})
        link = told.json()
        (url,) = [f"http://{host}{link['path']}" for host in link["hosts"]]
        assert (await http.get(url)).content == b"b"
    notes = {share.id: share.note for share in await shares(storage)}
    assert notes == {old.id: "It has expired.", used.id: "Its downloads are used up."}


async def test_what_cannot_be_shared_is_refused(storage: PCloudStorage) -> None:
    with pytest.raises(UsageError):
        await storage.share(await storage.stat(ROOT))
    await upload(storage, ROOT, "a", b"a")
    a = await storage.stat(ROOT.child("a"))
    with pytest.raises(UsageError):
        await storage.share(a, days=-1)
    await storage.remove([a])
    with pytest.raises(NotFound):
        await storage.share(a)
    with pytest.raises(NotFound):
        await storage.unshare(["x1"])


async def test_links_are_made_where_they_may_not_be_listed(tmp_path: Path) -> None:
    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        if method == "listpublinks":
            return {"result": 1000, "error": "Log in required."}
        if method == "getfilepublink":
            return {"result": 0, "linkid": 9, "code": "c", "link": "https://u.pcloud.link/c"}
        if method == "stat":
            return {"result": 0, "metadata": file_item(5, "a", 0)}
        return {"result": 0, "metadata": folder_item(0, "/", None, [file_item(5, "a", 0)])}

    script = Script(respond)
    storage = await place(tmp_path, API, network=script)
    made = await storage.share(await storage.stat(ROOT.child("a")), days=1)
    assert made.url == "https://u.pcloud.link/c"
    assert made.expires_ns is not None
    with pytest.raises(NotSupported, match="does not show"):
        await shares(storage)


async def test_a_limit_that_wants_a_paid_plan_is_told(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    await upload(storage, ROOT, "a", b"a")
    sandbox.admin.fault(kind="api_code", code=2261, match="POST /getfilepublink", times=1)
    with pytest.raises(Refused, match="paid plan"):
        await storage.share(await storage.stat(ROOT.child("a")), days=3)


async def test_folders_of_other_people_are_marked_and_refusals_explained(
    storage: PCloudStorage, sandbox: SandboxProcess
) -> None:
    for name in ("look", "add"):
        await storage.mkdir(ROOT, name)
        await upload(storage, ROOT.child(name), "theirs", b"t")
    await upload(storage, ROOT, "mine", b"m")
    who = await storage.client.call("userinfo", {}, wire.UserInfo)
    for name, rights in (("look", ["read"]), ("add", ["read", "create"])):
        sandbox.admin.order("pcloud", "foreign", email=who.email, path=f"/{name}", rights=rights)
    entries = {entry.name: entry async for page in storage.scan(ROOT) for entry in page}
    assert entries["look"].flags == Flag.SHARED | Flag.READ_ONLY
    assert Flag.SHARED not in entries["mine"].flags
    mine = await storage.stat(ROOT.child("mine"))
    theirs = await storage.stat(ROOT.child("look").child("theirs"))
    with pytest.raises(Denied, match="put nothing there"):
        await storage.move(mine, ROOT.child("look"), "mine")
    with pytest.raises(Denied, match="does not let you move"):
        await storage.rename(theirs, "ours")
    with pytest.raises(Denied, match="between your own files and a share"):
        await storage.move(mine, ROOT.child("add"), "mine")
    with pytest.raises(Denied):
        await storage.trash([theirs])
    # what is allowed goes, copies both ways included
    await storage.copy(mine, ROOT.child("add"), "given")
    await storage.copy(theirs, ROOT, "taken")
    assert await tree(storage, ROOT) == {
        "add/": {"given": b"m", "theirs": b"t"},
        "look/": {"theirs": b"t"},
        "mine": b"m",
        "taken": b"t",
    }
