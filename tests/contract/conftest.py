"""The places that the contract is held against, one fixture value each.

Every test gets a storage of its own (a fresh account, an empty folder) and the folder to work in.
Part sizes are small, so that a file of half a megabyte goes in several parts.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudtui.services.local.names import location_of
from cloudtui.services.local.storage import LocalStorage
from cloudtui.services.models import Found, Location, Secret
from cloudtui.services.storage import Storage
from tests.contract.executor import read
from tests.pcloud.rig import place as pcloud_place
from tests.pikpak.stage import staged
from tests.sandbox_process import SandboxProcess, start_sandbox

PLACES = ("disk", "pikpak", "pcloud", "pcloud-session")
KIB = 1024

_numbers = itertools.count(1)


@dataclass
class Place:
    """A storage under test and the empty folder that belongs to the test."""

    storage: Storage
    top: Location
    sandbox: SandboxProcess | None = None

    async def names(self, folder: Location | None = None) -> list[str]:
        """Sorted names of a folder (default: the top)."""
        scan = self.storage.scan(folder or self.top)
        return sorted([entry.name async for page in scan for entry in page])

    async def found(self, name: str, folder: Location | None = None) -> Found:
        """What stands under a name."""
        return await self.storage.stat((folder or self.top).child(name))

    async def folder(self, name: str, parent: Location | None = None) -> Found:
        """A new folder."""
        parent = parent or self.top
        return Found.of(parent, await self.storage.mkdir(parent, name))


@pytest.fixture(scope="session")
def shared_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with start_sandbox(tmp_path_factory.mktemp("contract")) as sandbox:
        yield sandbox


@pytest.fixture(params=PLACES)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Each place in turn."""
    if request.param == "disk":
        top = tmp_path / "top"
        top.mkdir()
        disk = LocalStorage({"HOME": str(tmp_path / "home")})
        yield Place(disk, location_of(str(top)))
        await disk.close()
        return
    sandbox: SandboxProcess = request.getfixturevalue("shared_servers")
    user = f"contract{next(_numbers)}@example.com"
    if request.param == "pikpak":
        sizes = {"upload_cutoff": 200 * KIB, "chunk_size": 100 * KIB}
        async with staged(sandbox, tmp_path / "home", user, **sizes) as stage:
            yield await _prepared(stage.storage, sandbox)
        return
    region, kind = ("us", "oauth") if request.param == "pcloud" else ("eu", "session")
    admin = sandbox.admin
    told = admin.order("pcloud", "add_accounts", region=region, email=user)
    token = told["token"]
    if kind != "oauth":
        token = admin.order("pcloud", "add_tokens", region=region, email=user, kind=kind)["token"]
    options = {"upload_cutoff": 200 * KIB, "chunk_size": 64 * KIB}
    storage = await pcloud_place(
        tmp_path / "home", told["url"], token=Secret(token), options=options
    )
    yield await _prepared(storage, sandbox)
    await storage.close()


async def _prepared(storage: Storage, sandbox: SandboxProcess) -> Place:
    root = Location(storage.account)
    entry = await storage.mkdir(root, "contract")
    return Place(storage, root.child("contract", entry.id), sandbox)


def needs(place: Place, capability: str, shape: type) -> bool:
    """Whether the place claims it; then it has the methods too."""
    claimed = place.storage.caps.allows(capability)
    if claimed:
        assert isinstance(place.storage, shape)
    return claimed


async def content(place: Place, *parts: str) -> bytes:
    at = place.top
    for part in parts:
        at = at.child(part)
    return await read(place.storage, await place.storage.stat(Location(at.account, at.parts)))
