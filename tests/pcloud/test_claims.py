"""A name on pCloud is given by one writer of this machine at a time."""

from __future__ import annotations

import asyncio
import gc
import os

import pytest

from cloudtui.services.errors import Exists
from cloudtui.services.models import Location
from cloudtui.services.pcloud import upload as uploads
from cloudtui.services.pcloud.storage import PCloudStorage
from cloudtui.services.storage import RemoteWrite
from tests.pcloud.rig import facts, remote, send, tree

ROOT = Location("pc")
DATA = os.urandom(1000)


async def begin(storage: PCloudStorage, job: str) -> RemoteWrite:
    """A small file that is about to be sent."""
    return remote(await storage.open_write(ROOT, "a", facts(DATA), replace=None, job=job))


async def test_who_comes_second_waits_and_is_told_to_look_again(storage: PCloudStorage) -> None:
    first, second = await begin(storage, "one"), await begin(storage, "two")
    request = await first.part_request(0, 0, len(DATA))
    waiting = asyncio.create_task(second.part_request(0, 0, len(DATA)))
    receipt = first.receipt(request, 0, await send(request, DATA))
    assert not waiting.done()
    await first.finish([receipt], facts(DATA))
    with pytest.raises(Exists):
        await waiting
    assert await tree(storage, ROOT) == {"a": DATA}


async def test_a_claim_ends_with_its_write(storage: PCloudStorage) -> None:
    first, second = await begin(storage, "one"), await begin(storage, "two")
    await first.part_request(0, 0, len(DATA))
    waiting = asyncio.create_task(second.part_request(0, 0, len(DATA)))
    await asyncio.sleep(0)
    assert not waiting.done()
    del first
    gc.collect()
    with pytest.raises(Exists):
        await waiting
    request = await second.part_request(0, 0, len(DATA))
    await second.finish([second.receipt(request, 0, await send(request, DATA))], facts(DATA))
    assert await tree(storage, ROOT) == {"a": DATA}


async def test_one_that_takes_too_long_is_not_waited_for(
    storage: PCloudStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await begin(storage, "one"), await begin(storage, "two")
    await first.part_request(0, 0, len(DATA))
    began = []
    over = storage._service._living.over

    async def patient(name: str, job: str, seconds: float) -> bool:
        began.append(seconds)
        return await over(name, job, 0.01)

    monkeypatch.setattr(storage._service._living, "over", patient)
    request = await second.part_request(0, 0, len(DATA))
    assert request.length == len(DATA)
    assert began == [uploads._OTHERS]
