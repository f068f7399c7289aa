"""One process that runs the engine over folders of this disk, some of which play clouds.

Run as a program: `python -m tests.crash.engine_process HOME ORDER`; ORDER is JSON. Prints the
job's end as JSON. Killed by `CLOUDTUI_FAILPOINT` in the tests.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cloudtui.services.local.storage import LocalStorage
from cloudtui.services.models import DISK, Capabilities, Found, HashType, Kind, Location
from cloudtui.services.network import Network
from cloudtui.services.paths import Paths
from cloudtui.services.storage import ReadSource, ReadTicket, Storage
from cloudtui.services.transfers.engine import Transfers
from cloudtui.services.transfers.orders import OnConflict, Order, ServerSide, Source, Verb


class Reading(LocalStorage):
    """A folder that is read over HTTP like a cloud: `url` and the path give the address."""

    def __init__(self, account: str, url: str) -> None:
        super().__init__()
        self.account = account
        self._url = url

    @property
    def caps(self) -> Capabilities:
        return replace(super().caps, server_move=False)

    async def stat(self, at: Location, *, want: Kind | None = None) -> Found:
        return _here(self.account, await super().stat(at, want=want))

    async def open_read(self, item: Found) -> ReadSource:
        size = item.entry.size or 0
        url = f"{self._url}/{item.entry.name}"
        return ReadTicket(self.account, (url,), size, f"v{item.entry.mtime_ns}")


class Demanding(LocalStorage):
    """A folder that wants the GCID of a file before it is written, as some clouds do."""

    def __init__(self, account: str) -> None:
        super().__init__()
        self.account = account

    @property
    def caps(self) -> Capabilities:
        return replace(super().caps, upload_hash=HashType.GCID, server_move=False)

    async def stat(self, at: Location, *, want: Kind | None = None) -> Found:
        return _here(self.account, await super().stat(at, want=want))


def _here(account: str, found: Found) -> Found:
    return Found(Location(account, found.at.parts), found.entry)


@dataclass(frozen=True)
class Wish:
    """An order as the test writes it down: `account:path` texts."""

    verb: str
    source: str
    target: str
    contents: bool = True
    on_conflict: str = "skip"
    server_side: str = "auto"
    url: str = ""

    def text(self) -> str:
        return json.dumps(self.__dict__)


def place(text: str) -> Location:
    account, _, path = text.partition(":")
    return Location(account, tuple(part for part in path.split("/") if part))


async def work(home: Path, wish: Wish) -> dict[str, Any]:
    places: dict[str, Storage] = {
        DISK: LocalStorage({"HOME": str(home), "XDG_DATA_HOME": str(home / "share")}),
        "alpha": Reading("alpha", wish.url),
        "beta": Demanding("beta"),
    }

    async def storage(name: str) -> Storage:
        return places[name]

    engine = Transfers(
        paths=Paths.find({"CLOUDTUI_HOME": str(home)}),
        storages=storage,
        network=Network(environ={}),
    )
    order = Order(
        Verb(wish.verb),
        (Source(place(wish.source), wish.contents),),
        place(wish.target),
        on_conflict=OnConflict(wish.on_conflict),
        server_side=ServerSide(wish.server_side),
    )
    job = await engine.submit(order)
    async with asyncio.timeout(200):
        view = await engine.wait(job)
    await engine.aclose()
    return {
        "job": view.id,
        "state": view.state,
        "message": view.message,
        "done": view.files_done,
        "skipped": view.files_skipped,
        "failed": view.files_failed,
        "total": view.files_total,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(work(Path(sys.argv[1]), Wish(**json.loads(sys.argv[2]))))))
