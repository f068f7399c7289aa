"""Between two services without a digest in common: what was computed on the way is remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cloudtui.services.models import Found, HashType
from cloudtui.services.transfers.orders import JobState, OnConflict, Verb
from tests.transfers.byte_server import ByteServer
from tests.transfers.engine_rig import Rig, cloud, order, random_bytes
from tests.transfers.memory_storage import CLOUD, MemoryStorage, without
from tests.transfers.mover_rig import gcid


class Gcids(MemoryStorage):
    """Wants the GCID before the bytes and tells no other digest."""

    async def hashes(self, item: Found) -> Mapping[HashType, str]:
        await super().hashes(item)
        return {HashType.GCID: gcid(self._resolve(item.at).data)}


@pytest.fixture
def clouds() -> Iterator[dict[str, MemoryStorage]]:
    caps = without(CLOUD, upload_hash=HashType.GCID, sets_mtime=False)
    with ByteServer(tls=False) as server:
        alpha = MemoryStorage("alpha", server, CLOUD)
        beta = Gcids("beta", server, caps)
        for name in ("one", "two"):
            alpha.put(f"/from/{name}", random_bytes(5_000))
        yield {"alpha": alpha, "beta": beta}


async def test_the_same_copy_again_knows_what_is_there(
    clouds: dict[str, MemoryStorage], tmp_path: Path
) -> None:
    alpha, beta = clouds["alpha"], clouds["beta"]
    wish = order(cloud("/from"), cloud("/to", "beta"), on_conflict=OnConflict.ASK)
    async with Rig(tmp_path / "home", clouds=clouds) as rig:
        assert (await rig.run(wish)).state is JobState.DONE
    async with Rig(tmp_path / "home", clouds=clouds) as rig:  # another process, another day
        again = await rig.run(wish)
        assert (again.state, again.files_skipped) == (JobState.DONE, 2)
        assert {each.message for each in rig.engine.items(again.id)} == {"Identical."}
        # another content of that size is another file
        node = next(each for each in alpha.nodes.values() if each.name == "one")
        node.data, node.mtime_ns = random_bytes(5_000), node.mtime_ns + 1
        asked = await rig.run(wish)
        assert (asked.state, asked.files_asking, asked.files_skipped) == (JobState.ASKS, 1, 1)
        # and so is another content at the target
        there = next(each for each in beta.nodes.values() if each.name == "two")
        there.data = random_bytes(5_000)
        asked = await rig.run(wish)
        assert (asked.state, asked.files_asking) == (JobState.ASKS, 2)


async def test_a_move_may_rely_on_it(clouds: dict[str, MemoryStorage], tmp_path: Path) -> None:
    """The digest is of all the bytes of this very version: proof enough to remove the source."""
    async with Rig(tmp_path / "home", clouds=clouds) as rig:
        assert (await rig.run(order(cloud("/from"), cloud("/to", "beta")))).state is JobState.DONE
        wish = order(
            cloud("/from"), cloud("/to", "beta"), verb=Verb.MOVE, on_conflict=OnConflict.ASK
        )
        moved = await rig.run(wish)
        assert (moved.state, moved.files_failed) == (JobState.DONE, 0)
    assert clouds["alpha"].tree() == {}
    assert set(clouds["beta"].tree("/to")) == {"from", "from/one", "from/two"}


async def test_nothing_learned_is_nothing_known(
    clouds: dict[str, MemoryStorage], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        node = next(each for each in clouds["alpha"].nodes.values() if each.name == name)
        clouds["beta"].put(f"/to/from/{name}", node.data)
    before = clouds["alpha"].called("open_read")
    async with Rig(tmp_path / "home", clouds=clouds) as rig:
        wish = order(cloud("/from"), cloud("/to", "beta"), on_conflict=OnConflict.ASK)
        view = await rig.run(wish)
        assert (view.state, view.files_asking) == (JobState.ASKS, 2)
    assert clouds["alpha"].called("open_read") == before  # and nobody was asked for it
