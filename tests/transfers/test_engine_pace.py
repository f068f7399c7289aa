"""What people see while a service asks to slow down, or is in trouble."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from cloudtui.services.errors import CloudError, ServerTrouble, TooMany
from cloudtui.services.models import Entry, Found, Location
from cloudtui.services.retry import Retries, retrying
from cloudtui.services.storage import SourceFacts
from cloudtui.services.transfers.orders import JobState
from tests.transfers.byte_server import ByteServer
from tests.transfers.engine_rig import Rig, cloud, disk, order, plant
from tests.transfers.memory_storage import CLOUD, MemoryStorage, MemoryWrite


class Paced(MemoryStorage):
    """A cloud whose calls are tried again inside, as those of real services are."""

    trouble: CloudError | None = None
    listing: CloudError | None = None

    async def _patient(self, error: CloudError | None) -> None:
        async def call() -> None:
            if error is not None:
                raise error

        await retrying(call, retries=Retries(attempts=3, first_wait=40, longest=80))

    async def open_write(
        self, parent: Location, name: str, facts: SourceFacts, *, replace: Found | None, job: str
    ) -> MemoryWrite:
        if name == "f1":
            await self._patient(self.trouble)
        return await super().open_write(parent, name, facts, replace=replace, job=job)

    async def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        await self._patient(self.listing)
        async for page in super().scan(folder):
            yield page


@pytest.fixture
def paced() -> Iterator[Paced]:
    with ByteServer(tls=False) as server:
        yield Paced("alpha", server, CLOUD)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (TooMany("They ask to slow down.", after=60.0), JobState.SLOWED),
        (ServerTrouble("They have trouble."), JobState.RETRYING),
    ],
)
async def test_a_wait_inside_a_call_is_told(
    paced: Paced, tmp_path: Path, error: CloudError, state: JobState
) -> None:
    source = plant(tmp_path / "src", {"f1": b"1", "f2": b"2"})
    paced.trouble = error
    home = tmp_path / "home"
    async with Rig(home, clouds={"alpha": paced}) as rig, Rig(home, clouds={}) as other:
        job = await rig.engine.submit(order(disk(source), cloud("/put")))
        await rig.until(lambda: rig.engine.view(job).state is state)
        view = rig.engine.view(job)
        assert re.fullmatch(re.escape(error.text) + r" Next try in \d\d s\.", view.message)
        item = rig.items(job)["f1"]
        assert (item.state, item.message) == (state, view.message)
        # other processes are told the same within a second
        await rig.until(lambda: other.engine.view(job).state is state)
        assert other.engine.view(job).message.startswith(error.text)
        await rig.engine.pause(job)
        stands = rig.engine.view(job)
        assert stands.state is JobState.PAUSED
        assert "Next try" not in stands.message
        paced.trouble = None
        await rig.engine.resume(job)
        done = await rig.wait(job)
        assert (done.state, done.message) == (JobState.DONE, "")


async def test_a_wait_while_counting_is_told(paced: Paced, tmp_path: Path) -> None:
    paced.put("/from/f2", b"2")
    paced.listing = TooMany("They ask to slow down.", after=60.0)
    async with Rig(tmp_path / "home", clouds={"alpha": paced}) as rig:
        job = await rig.engine.submit(order(cloud("/from"), disk(tmp_path / "out")))
        await rig.until(lambda: rig.engine.view(job).state is JobState.SLOWED)
        assert "Next try in" in rig.engine.view(job).message
