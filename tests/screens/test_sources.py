"""The source chooser: what it says about the account under the cursor."""

from __future__ import annotations

from cloudtui.services.errors import CloudError, ServerTrouble
from cloudtui.services.models import Allowance, Plan
from cloudtui.services.transfers.orders import JobState
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import FakePlace, FakeRuntime, job, sample_runtime

GIB = 1 << 30


class Metered(FakePlace):
    """A place whose plan bounds what is moved."""

    answer: list[Allowance] | CloudError

    async def allowances(self) -> list[Allowance]:
        if isinstance(self.answer, CloudError):
            raise self.answer
        return self.answer

    async def plan(self) -> Plan:
        return Plan("platinum", 1_800_000_000 * 10**9)


def metered(answer: list[Allowance] | CloudError) -> FakeRuntime:
    runtime = sample_runtime()
    place = Metered("pikpak", "pikpak", "PikPak", runtime.places["pikpak"].tree)
    place.answer = answer
    runtime.places["pikpak"] = place
    return runtime


async def test_what_may_still_be_moved_is_shown_for_the_account_under_the_cursor() -> None:
    bounds = [
        Allowance("download", 4096 * GIB, 1229 * GIB),
        Allowance("download today", 20 * GIB, 3 * GIB),
        Allowance("upload", 1024 * GIB, 0),
    ]
    async with opened(metered(bounds)) as (app, pilot):

        def shown() -> str:
            return "\n".join(picture(app))

        await press(pilot, "at")
        await settle(pilot, lambda: "signed in" in shown())
        assert "transferred" not in shown()
        await press(pilot, "down")
        await settle(pilot, lambda: "transferred" in shown())
        assert "plan            platinum until 2027-01-1" in shown()
        assert "download        1.2T of 4.0T transferred" in shown()
        assert "download today  3.0G of 20G transferred" in shown()
        assert "upload          0 of 1.0T transferred" in shown()
        assert "Add a pCloud account" in shown()
        await press(pilot, "up")
        await settle(pilot, lambda: "transferred" not in shown())


async def test_a_service_that_does_not_tell_it_just_now_is_shown_all_the_same() -> None:
    async with opened(metered(ServerTrouble("PikPak is unwell."))) as (app, pilot):
        await press(pilot, "at", "down")
        await settle(pilot, lambda: "signed in" in "\n".join(picture(app)))
        assert "unwell" not in "\n".join(picture(app))


async def test_signing_out_names_the_jobs_that_will_stand() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [
        *(job(f"film-{number} [/b].mkv") for number in range(5)),
        job("done.mkv", JobState.DONE),
        job("elsewhere.mkv", sources=("/a",), target="other:/"),
    ]
    async with opened(runtime) as (app, pilot):

        def shown() -> str:
            return "\n".join(picture(app))

        await press(pilot, "at", "down", "x")
        await settle(pilot, lambda: "is forgotten on this machine" in shown())
        assert "5 jobs pause:" in shown()
        assert "film-0 [/b].mkv   film-1 [/b].mkv   film-2 [/b].mkv   2 more" in shown()
        assert "elsewhere" not in shown()
        runtime.transfers.jobs = []
        app.bridge.wake()
        await press(pilot, "escape", "x")
        await settle(pilot, lambda: "is forgotten on this machine" in shown())
        assert "pause" not in shown()
