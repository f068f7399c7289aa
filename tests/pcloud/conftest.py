"""One sandbox for the tests of a worker; each test has an account of its own in it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from cloudtui.services.models import Secret
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.rig import place
from tests.sandbox_process import SandboxProcess, start_sandbox

_numbers = itertools.count()

Open = Callable[..., Coroutine[None, None, PCloudStorage]]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The servers."""
    with start_sandbox(tmp_path_factory.mktemp("pcloud-sandbox")) as process:
        yield process


@pytest.fixture
async def opened(sandbox: SandboxProcess, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens a storage on a fresh account; `region`, `kind` of token, `seed` and options may be
    given."""
    made: list[PCloudStorage] = []

    async def make(
        *, region: str = "us", kind: str = "oauth", seed: str = "", **options: object
    ) -> PCloudStorage:
        email = f"pc{next(_numbers)}@example.com"
        told = sandbox.admin.order("pcloud", "add_accounts", region=region, email=email, seed=seed)
        token = told["token"]
        if kind != "oauth":
            token = sandbox.admin.order(
                "pcloud", "add_tokens", region=region, email=email, kind=kind
            )["token"]
        storage = await place(tmp_path / email, told["url"], token=Secret(token), options=options)
        made.append(storage)
        return storage

    yield make
    for storage in made:
        await storage.close()


@pytest.fixture
async def storage(opened: Open) -> PCloudStorage:
    """An empty account in the US, with an OAuth token."""
    return await opened()


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """Faults of a test end with it."""
    yield
    if "sandbox" in request.fixturenames:
        request.getfixturevalue("sandbox").admin.clear_faults()
