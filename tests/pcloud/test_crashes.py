"""Processes killed at each of pCloud's failpoints: everything is there exactly once afterwards,
and the same work again ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cloudtui.services.models import Location
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.rig import names, tree, upload
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.crash

ROOT = Location("pc")
HERE = Path(__file__).parents[2]


async def run(storage: PCloudStorage, work: str, home: Path, failpoint: str = "") -> None:
    """The work in a child; with a failpoint the child must die there."""
    token = await storage.client.token()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.pcloud.crash_child", work, storage.client.base, str(home)],
        env={**os.environ, "TEST_TOKEN": token.reveal(), "CLOUDTUI_FAILPOINT": failpoint},
        cwd=HERE,
        capture_output=True,
        timeout=200,
    )
    wanted = -signal.SIGKILL if failpoint else 0
    assert done.returncode == wanted, done.stderr.decode()


async def plant(storage: PCloudStorage) -> dict[str, object]:
    await storage.mkdir(ROOT, "d")
    await upload(storage, ROOT.child("d"), "x", b"xx")
    for name in ("a", "b"):
        await upload(storage, ROOT, name, name.encode())
        await storage.share(await storage.stat(ROOT.child(name)))
    return await tree(storage, ROOT)


async def everywhere(storage: PCloudStorage, sandbox: SandboxProcess) -> list[str]:
    """Names of what was planted, wherever it is: one picture taken at once, for the last request of
    a killed process may still be under way."""
    who = await storage.client.call("userinfo", {}, wire.UserInfo)
    accounts = sandbox.admin.state("pcloud")["accounts"]
    (account,) = [each for each in accounts if each["userid"] == who.userid]
    planted = ("a", "b", "d")
    return sorted(
        node["name"] for node in account["nodes"] if node["name"] in planted and not node["trashed"]
    )


@pytest.mark.parametrize(
    "failpoint",
    [
        "pcloud.trash.batch",
        "pcloud.trash.manifest",
        "pcloud.trash.unlinked",
        "pcloud.trash.moved",
        "pcloud.trash.moved:2",
        "pcloud.trash.moved:3",
    ],
)
async def test_deleting(
    storage: PCloudStorage, sandbox: SandboxProcess, tmp_path: Path, failpoint: str
) -> None:
    before = await plant(storage)
    await run(storage, "trash", tmp_path, failpoint)
    assert await everywhere(storage, sandbox) == ["a", "b", "d"]
    await run(storage, "trash", tmp_path)
    assert await names(storage, ROOT) == []
    assert await storage.links.public_links() == []
    items = [item async for page in storage.scan_trash() for item in page]
    assert sorted(item.entry.name for item in items) == ["a", "b", "d"]
    await storage.restore(items)
    assert await tree(storage, ROOT) == before


@pytest.mark.parametrize(
    "failpoint",
    ["pcloud.restore.moved", "pcloud.restore.moved:2", "pcloud.delete", "pcloud.trash.tidied"],
)
async def test_restoring(
    storage: PCloudStorage, sandbox: SandboxProcess, tmp_path: Path, failpoint: str
) -> None:
    before = await plant(storage)
    await run(storage, "trash", tmp_path)
    await run(storage, "restore", tmp_path, failpoint)
    assert await everywhere(storage, sandbox) == ["a", "b", "d"]
    await run(storage, "restore", tmp_path)
    assert await tree(storage, ROOT) == before


@pytest.mark.parametrize(
    ("work", "failpoint"),
    [
        ("forget", "pcloud.trash.deleted"),
        ("forget", "pcloud.delete:3"),
        ("forget", "pcloud.trash.tidied"),
        ("empty", "pcloud.delete"),
        ("empty", "pcloud.trash.emptied"),
    ],
)
async def test_emptying(
    storage: PCloudStorage, sandbox: SandboxProcess, tmp_path: Path, work: str, failpoint: str
) -> None:
    await plant(storage)
    await run(storage, "trash", tmp_path)
    await run(storage, work, tmp_path, failpoint)
    await run(storage, work, tmp_path)
    assert await everywhere(storage, sandbox) == []
