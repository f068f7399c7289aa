"""The planner over any tree, twins and look-alikes included, and stopped anywhere: each file
arrives once, none is lost, none is doubled."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudtui.services.models import Entry, Kind, Location
from cloudtui.services.transfers.orders import JobState
from tests.transfers.byte_server import ByteServer
from tests.transfers.engine_rig import Rig, cloud, disk, order, tree
from tests.transfers.memory_storage import CLOUD, MemoryStorage, without

PAGE = 2
NAMES = st.sampled_from(["a", "A", "a (1)", "b.txt", "b (1).txt", "e\u0301", "\u00e9", "x:y"])
PATHS = st.tuples(st.lists(NAMES, max_size=2), NAMES)
TWINS = without(CLOUD, duplicate_names=True)


class Paged(MemoryStorage):
    """Lists a few entries at a time; after so many pages somebody may step in."""

    def __init__(self, server: ByteServer, stop_after: int) -> None:
        super().__init__("alpha", server, TWINS)
        self.stop_after = stop_after
        self.reached = asyncio.Event()

    def plant(self, folders: Sequence[str], name: str, content: bytes) -> None:
        """A file in a folder, whatever else has its name there."""
        above = "root"
        for folder in folders:
            there = [each for each in self._children(above) if each.kind is Kind.FOLDER]
            fitting = [each.id for each in there if each.name == folder]
            above = fitting[0] if fitting else self._add(above, folder, Kind.FOLDER).id
        self._add(above, name, Kind.FILE, content)

    async def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        async for entries in super().scan(folder):
            for start in range(0, len(entries), PAGE):
                self.stop_after -= 1
                if self.stop_after < 0:
                    self.reached.set()
                yield entries[start : start + PAGE]


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(PATHS, max_size=12), st.integers(0, 6))
def test_every_file_arrives_once(paths: list[tuple[list[str], str]], stop_after: int) -> None:
    contents = {b"content %d" % number: path for number, path in enumerate(paths)}

    async def go(top: Path) -> None:
        with ByteServer(tls=False) as web:
            alpha = Paged(web, stop_after)
            alpha.put("/from", None)
            for content, (folders, name) in contents.items():
                alpha.plant(["from", *folders], name, content)
            wish = order(cloud("/from"), disk(top / "to"), contents=True)
            async with Rig(top / "home", clouds={"alpha": alpha}) as first:
                job = await first.engine.submit(wish)
                ended = asyncio.create_task(first.wait(job))
                reached = asyncio.create_task(alpha.reached.wait())
                await asyncio.wait({ended, reached}, return_when=asyncio.FIRST_COMPLETED)
                for task in (ended, reached):
                    task.cancel()
            async with Rig(top / "home", clouds={"alpha": alpha}) as second:
                if not second.engine.view(job).state.is_final:
                    await second.engine.resume(job)
                view = await second.wait(job)
                assert view.state is JobState.DONE
                assert view.files_total == view.files_done == len(contents)
        arrived = [data for data in tree(top / "to").values() if data is not None]
        assert sorted(arrived) == sorted(contents)

    with tempfile.TemporaryDirectory() as top:
        asyncio.run(go(Path(top)))
