"""A job of very many items, between two clouds that exist in memory only.

`python -m tests.benchmarks.crowd run HOME COUNT` works it off and prints seconds and resident
memory before and at its peak; `open HOME` prints how long a fresh process takes to show the queue.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from cloudtui.services.models import Capabilities, Entry, Found, HashType, Kind, Location
from cloudtui.services.network import Network
from cloudtui.services.paths import Paths
from cloudtui.services.storage import (
    PartReply,
    PartRequest,
    ReadTicket,
    Receipt,
    SourceFacts,
    Storage,
)
from cloudtui.services.transfers.engine import Transfers
from cloudtui.services.transfers.orders import Order, ServerSide, Source, Verb

PAGE: Final = 1_000
ROWS: Final = 60
"""What a screen shows of a job."""


class Accepted:
    """An upload that needs nothing sent."""

    part_size = 0
    parts_at_once = 1
    instant = True
    resumable = False
    verify_hash: HashType | None = None
    part_hash: HashType | None = None

    def __init__(self, name: str) -> None:
        self._name = name

    def state(self) -> bytes:
        return self._name.encode()

    async def part_request(self, number: int, offset: int, length: int) -> PartRequest:
        raise AssertionError("nothing is sent")

    def receipt(self, request: PartRequest, number: int, reply: PartReply) -> Receipt:
        raise AssertionError("nothing is sent")

    async def probe(self) -> list[Receipt]:
        return []

    async def finish(self, receipts: Sequence[Receipt], facts: SourceFacts) -> Entry:
        return Entry(self._name, self._name, Kind.FILE, facts.size)

    async def abort(self) -> None:
        """There is nothing."""


class Crowd:
    """`count` empty files, a thousand in a folder; takes any file and forgets it."""

    kind = "memory"

    def __init__(self, account: str, count: int) -> None:
        self.account = account
        self.title = account
        self.caps = Capabilities(uploads_at_once=32)
        self._folders = max(1, count // PAGE)
        self._each = count // self._folders

    async def stat(self, at: Location, *, want: Kind | None = None) -> Found:
        return Found(
            Location(at.account, at.parts, "/".join(at.parts) or "root"),
            Entry(at.name, "/".join(at.parts) or "root", Kind.FOLDER),
        )

    async def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        if self.account != "from":
            return
        if len(folder.parts) == 1:
            yield [Entry(f"{n:05}", f"d{n}", Kind.FOLDER) for n in range(self._folders)]
            return
        yield [
            Entry(f"file {n:05}.bin", f"{folder.name}/{n}", Kind.FILE, 0, 1)
            for n in range(self._each)
        ]

    async def hashes(self, item: Found) -> Mapping[HashType, str]:
        return {}

    async def mkdir(self, parent: Location, name: str) -> Entry:
        return Entry(name, f"{parent.node}/{name}", Kind.FOLDER)

    async def open_read(self, item: Found) -> ReadTicket:
        return ReadTicket(self.account, (), 0, "1")

    async def open_write(
        self, parent: Location, name: str, facts: SourceFacts, *, replace: Found | None, job: str
    ) -> Accepted:
        return Accepted(name)

    async def reopen_write(self, state: bytes) -> Accepted:
        return Accepted(state.decode())

    async def close(self) -> None:
        """There is nothing."""


def _resident() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * resource.getpagesize() / (1 << 20)


def _peak() -> float:
    # not ru_maxrss: that begins with what the parent held when it started this process
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _engine(home: str, count: int) -> Transfers:
    places = {name: cast("Storage", Crowd(name, count)) for name in ("from", "to")}

    async def storage(name: str) -> Storage:
        return places[name]

    return Transfers(paths=Paths.find({"CLOUDTUI_HOME": home}), storages=storage, network=Network())


async def run(home: str, count: int) -> dict[str, float]:
    """Work off a job of `count` items."""
    engine = _engine(home, count)
    before = _resident()
    began = time.perf_counter()
    source = Source(Location("from", ("all",)), contents=True)
    job = await engine.submit(
        Order(Verb.COPY, (source,), Location("to", ("here",)), server_side=ServerSide.NEVER)
    )
    view = await engine.wait(job)
    seconds = time.perf_counter() - began
    done = view.files_done
    await engine.aclose()
    return {"done": done, "seconds": seconds, "before": before, "peak": _peak()}


async def look(home: str) -> dict[str, float]:
    """Open the queue, and the first and the last page of its items."""
    began = time.perf_counter()
    engine = _engine(home, 0)
    views = engine.views()
    opened = time.perf_counter() - began
    began = time.perf_counter()
    count = len(engine.items(views[0].id, 0, ROWS))
    first = time.perf_counter() - began
    await engine.aclose()
    assert count == ROWS
    return {"open": opened, "items": first}


def main() -> None:
    """Do what the arguments say."""
    what, home = sys.argv[1:3]
    told = asyncio.run(run(home, int(sys.argv[3])) if what == "run" else look(home))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
