"""An engine over real folders and clouds in memory, for tests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from cloudtui.services.awake import Awake
from cloudtui.services.local.storage import LocalStorage
from cloudtui.services.models import DISK, Location
from cloudtui.services.network import Network
from cloudtui.services.paths import Paths
from cloudtui.services.retry import Retries
from cloudtui.services.storage import Storage
from cloudtui.services.transfers.engine import Limits, Transfers
from cloudtui.services.transfers.orders import (
    ItemView,
    JobView,
    OnConflict,
    Order,
    ServerSide,
    Source,
    Verb,
)
from cloudtui.services.transfers.seals import Seals
from tests.transfers.byte_server import ByteServer
from tests.transfers.memory_storage import CLOUD, MemoryStorage

PATIENCE = 30.0


def disk(path: Path | str) -> Location:
    """A path as a location."""
    return Location(DISK, tuple(part for part in str(path).split("/") if part))


def cloud(path: str, account: str = "alpha") -> Location:
    """A path of a cloud in memory."""
    return Location(account, tuple(part for part in path.split("/") if part))


def order(
    source: Location | list[Location],
    target: Location,
    *,
    verb: Verb = Verb.COPY,
    contents: bool = False,
    name: str | None = None,
    on_conflict: OnConflict = OnConflict.SKIP,
    server_side: ServerSide = ServerSide.AUTO,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
) -> Order:
    """An order with a test's usual wishes."""
    sources = source if isinstance(source, list) else [source]
    return Order(
        verb,
        tuple(Source(each, contents, name) for each in sources),
        target,
        on_conflict=on_conflict,
        server_side=server_side,
        include=include,
        exclude=exclude,
    )


def tree(path: Path) -> dict[str, bytes | None]:
    """Every path below a folder with its bytes, None for folders."""
    found: dict[str, bytes | None] = {}
    for each in sorted(path.rglob("*")):
        found[str(each.relative_to(path))] = None if each.is_dir() else each.read_bytes()
    return found


def plant(path: Path, content: dict[str, bytes | None]) -> Path:
    """A folder with files (bytes) and folders (None)."""
    path.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        here = path / name
        if data is None:
            here.mkdir(parents=True, exist_ok=True)
        else:
            here.parent.mkdir(parents=True, exist_ok=True)
            here.write_bytes(data)
    return path


class Rig:
    """One process's engine. Several rigs of one home are several runners."""

    def __init__(
        self,
        home: Path,
        server: ByteServer | None = None,
        *,
        clouds: dict[str, MemoryStorage] | None = None,
        sealer: Seals | None = None,
        limits: Limits | None = None,
        network: Network | None = None,
        awake: Awake | None = None,
    ) -> None:
        self.paths = Paths.find({"CLOUDTUI_HOME": str(home)})
        self.disk = LocalStorage({"HOME": str(home), "XDG_DATA_HOME": str(home / "share")})
        if clouds is None:
            names = ("alpha", "beta") if server is not None else ()
            clouds = {name: MemoryStorage(name, server, CLOUD) for name in names if server}
        self.clouds = clouds
        self.network = network or Network(timeout=5.0, environ={})
        self.engine = Transfers(
            paths=self.paths,
            storages=self.storage,
            network=self.network,
            sealer=sealer,
            retries=Retries(attempts=3, first_wait=0.01, longest=0.02),
            limits=limits,
            awake=awake,
        )
        self._stack = AsyncExitStack()

    @property
    def alpha(self) -> MemoryStorage:
        return self.clouds["alpha"]

    @property
    def beta(self) -> MemoryStorage:
        return self.clouds["beta"]

    async def storage(self, name: str) -> Storage:
        return self.disk if name == DISK else self.clouds[name]

    async def __aenter__(self) -> Self:
        self._stack.push_async_callback(self.disk.close)
        self._stack.push_async_callback(self.engine.aclose)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def run(self, wish: Order) -> JobView:
        """Submit and wait."""
        job = await self.engine.submit(wish)
        return await self.wait(job)

    async def wait(self, job: str) -> JobView:
        async with asyncio.timeout(PATIENCE):
            return await self.engine.wait(job)

    def items(self, job: str) -> dict[str, ItemView]:
        """Items by the last part of their path."""
        return {view.path.split("/")[-1]: view for view in self.engine.items(job)}

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that another task or process brings about."""
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110  # the other side may be a process
                await asyncio.sleep(0)


def random_bytes(size: int) -> bytes:
    """Bytes nobody can guess or compress."""
    return os.urandom(size)
