"""Any tree, any trouble that ends: equal trees, nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import deque
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudtui.services.errors import CloudError, Offline, Retry, ServerTrouble, TooMany
from cloudtui.services.transfers.orders import JobState, OnConflict, Verb
from tests.transfers.byte_server import ByteServer, Fault
from tests.transfers.engine_rig import Rig, cloud, disk, order, plant, tree
from tests.transfers.memory_storage import CLOUD, MemoryStorage

NAMES = st.sampled_from(["a", "b", "a (1)", "c.txt", "日本", "e\u0301", "[/b]", " x ", "\x1b[31m"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, st.none() | st.binary(max_size=40), max_size=8)
ERRORS = st.sampled_from(
    [
        lambda: ServerTrouble("Unwell."),
        lambda: Offline("Cut."),
        lambda: Offline("Lost.", retry=Retry.RECONCILE),
        lambda: TooMany("Slower.", after=0.01),
    ]
)
METHODS = ["open_write", "finish", "mkdir", "open_read", "copy", "move", "remove", "stat"]
TROUBLE = st.dictionaries(st.sampled_from(METHODS), st.lists(ERRORS, max_size=2), max_size=3)
FAULTS = st.lists(
    st.builds(
        Fault,
        st.sampled_from(["reset-before", "cut", "corrupt", "status", "ignore-range"]),
        st.sampled_from(["GET", "PUT"]),
        after=st.integers(0, 10),
        status=st.sampled_from([500, 503, 429]),
    ),
    max_size=3,
)
FEW = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def possible(wanted: dict[str, bytes | None]) -> dict[str, bytes | None]:
    """The tree without paths that lie below a file."""
    return {
        name: data
        for name, data in wanted.items()
        if not any(
            other != name and name.startswith(other + "/") and wanted[other] is not None
            for other in wanted
        )
    }


class Shown:
    """What people see of a job while it runs, at every turn of the loop."""

    def __init__(self, rig: Rig, job: str) -> None:
        self._rig = rig
        self._job = job
        self._last = rig.engine.view(job)
        self.looks = 0

    def look(self) -> None:
        """Never above 99 % before the end; never less than before unless something was added."""
        view, last = self._rig.engine.view(self._job), self._last
        self.looks += 1
        self._last = view
        if view.percent is None:
            assert not view.counted
            return
        assert (view.percent == 100) == (view.state is JobState.DONE), view
        assert 0 <= view.percent <= 100
        added = view.bytes_total > last.bytes_total or view.files_total > last.files_total
        again = last.state.is_final or last.state is JobState.PAUSED
        if last.percent is not None and not added and not again:
            assert view.percent >= last.percent, (last, view)
            assert view.bytes_done >= last.bytes_done or view.bytes_total < last.bytes_total

    async def watch(self) -> None:
        """Look until somebody cancels this."""
        while True:
            self.look()
            await asyncio.sleep(0)


async def settled(rig: Rig, job: str) -> JobState:
    """The end, going on as a user would when the job stands; every picture of it makes sense."""
    shown = Shown(rig, job)
    watching = asyncio.create_task(shown.watch())
    try:
        state = await _settled(rig, job)
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching  # raises what it saw
    shown.look()
    assert shown.looks > 1
    return state


async def _settled(rig: Rig, job: str) -> JobState:
    for _ in range(6):
        view = await rig.wait(job)
        if view.state is JobState.FAILED:
            await rig.engine.retry(job)
        elif view.state is JobState.PAUSED:
            await rig.engine.resume(job)
        else:
            return view.state
    return (await rig.wait(job)).state


@FEW
@given(TREES, TROUBLE, FAULTS, st.sampled_from(Verb), st.booleans())
def test_there_and_back_again(
    wanted: dict[str, bytes | None],
    trouble: dict[str, list[object]],
    faults: list[Fault],
    verb: Verb,
    parts: bool,
) -> None:
    content = possible(wanted)

    async def go(top: Path) -> None:
        source = plant(top / "src", content)
        before = tree(source)
        with ByteServer(tls=False) as web:
            alpha = MemoryStorage("alpha", web, CLOUD, part_size=16 if parts else 0)
            async with Rig(top / "home", clouds={"alpha": alpha}) as rig:

                def spoil() -> None:
                    for name, errors in trouble.items():
                        made: list[CloudError] = [each() for each in errors]  # type: ignore[operator]
                        alpha.fail[name] = deque(made)
                    web.plan(*(Fault(f.kind, f.method, f.after, f.status) for f in faults))

                spoil()
                alpha.fail.pop("stat", None)  # looking before anything is begun may simply fail
                up = order(disk(source), cloud("/to"), contents=True, verb=verb)
                job = await rig.engine.submit(up)
                assert await settled(rig, job) is JobState.DONE
                alpha.fail.clear()
                assert alpha.tree("/to") == before
                assert (tree(source) == before) if verb is Verb.COPY else not tree(source)
                spoil()
                alpha.fail.pop("stat", None)
                across = order(cloud("/to"), cloud("/on"), contents=True, verb=verb)
                assert await settled(rig, await rig.engine.submit(across)) is JobState.DONE
                spoil()
                alpha.fail.pop("stat", None)
                down = order(cloud("/on"), disk(top / "back"), contents=True, verb=verb)
                assert await settled(rig, await rig.engine.submit(down)) is JobState.DONE
                assert tree(top / "back") == before

    with tempfile.TemporaryDirectory() as top:
        asyncio.run(go(Path(top)))


@FEW
@given(TREES, TREES, st.sampled_from([each for each in OnConflict if each is not OnConflict.ASK]))
def test_what_stood_there_is_replaced_only_by_wish(
    wanted: dict[str, bytes | None], standing: dict[str, bytes | None], policy: OnConflict
) -> None:
    async def go(top: Path) -> None:
        source = plant(top / "src", possible(wanted))
        target = plant(top / "dst", possible(standing))
        old, new = tree(target), tree(source)
        async with Rig(top / "home") as rig:
            view = await rig.run(
                order(disk(source), disk(target), contents=True, on_conflict=policy)
            )
            assert view.state in (JobState.DONE, JobState.FAILED)
        after = tree(target)
        assert tree(source) == new
        assert set(old) <= set(after)
        for name, data in old.items():
            if after[name] != data:
                assert policy in (OnConflict.OVERWRITE, OnConflict.NEWER, OnConflict.LARGER)
                assert after[name] == new[name]
        if policy is OnConflict.KEEP_BOTH:
            held = sorted(data for data in after.values() if data is not None)
            assert all(data in held for data in new.values() if data is not None)

    with tempfile.TemporaryDirectory() as top:
        asyncio.run(go(Path(top)))
