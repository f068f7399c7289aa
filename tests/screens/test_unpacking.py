"""Extractions that an earlier run left: seen through by the next start, in the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from cloudtui.screens import unpacking
from cloudtui.services.errors import CloudError, Offline, Refused
from cloudtui.services.models import ArchiveEntry, Extracted, Found, Location, Secret
from cloudtui.services.unpacking import Unpacking
from tests.screens.driving import opened, picture, settle
from tests.screens.fake_runtime import FakePlace, FakeRuntime, sample_runtime

LEFT = Unpacking(Location("pikpak", ("Media", "a [/b].zip"), "n7"), None, "t1")


class Unpacker(FakePlace):
    """A place that unpacks; `answers` are how its extractions end, in order."""

    answers: list[Extracted | CloudError]

    async def list_archive(
        self, item: Found, password: Secret | None = None, *, inside: str = ""
    ) -> Sequence[ArchiveEntry]:
        raise AssertionError("nothing is looked at")

    async def extract(
        self,
        item: Found,
        into: Location | None = None,
        password: Secret | None = None,
        *,
        only: Sequence[ArchiveEntry] = (),
        delete_source: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Extracted:
        raise AssertionError("nothing new is begun")

    async def begin_extract(
        self, item: Found, into: Location | None, password: Secret | None
    ) -> str:
        raise AssertionError("nothing new is begun")

    async def end_extract(
        self,
        item: Found,
        task: str,
        *,
        delete_source: bool,
        on_progress: Callable[[int], None] | None = None,
    ) -> Extracted:
        assert (item.entry.id, task, delete_source) == ("n7", "t1", True)
        answer = self.answers.pop(0)
        if isinstance(answer, CloudError):
            raise answer
        return answer


def left_by_an_earlier_run(*answers: Extracted | CloudError) -> tuple[FakeRuntime, Unpacker]:
    runtime = sample_runtime()
    old = runtime.places["pikpak"]
    place = Unpacker("pikpak", "pikpak", "PikPak", old.tree)
    place.answers = list(answers)
    runtime.places["pikpak"] = place
    runtime.unpackings.abandoned = [LEFT]
    return runtime, place


async def test_the_next_start_sees_it_through() -> None:
    runtime, place = left_by_an_earlier_run(Extracted(1, 1, 0))
    async with opened(runtime) as (app, pilot):
        told = "a [/b].zip: Decompressed 1   SourceDeleted 1   Errors 0"
        await settle(pilot, lambda: told in "\n".join(picture(app)))
        assert runtime.unpackings.all() == []
        assert place.answers == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Refused("PikPak could not unpack it."), "a [/b].zip: PikPak could not unpack it."),
        (Extracted(1, 0, 1, ("It is unpacked but stayed.",)), "It is unpacked but stayed."),
    ],
)
async def test_how_it_failed_is_told(answer: Extracted | CloudError, told: str) -> None:
    runtime, _ = left_by_an_earlier_run(answer)
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: told in "\n".join(picture(app)))
        assert runtime.unpackings.all() == []


async def test_a_service_that_is_not_reached_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unpacking, "_EVERY", 0.0)
    runtime, _ = left_by_an_earlier_run(Offline("No line."), Offline("No."), Extracted(1, 1, 0))
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: "SourceDeleted 1" in "\n".join(picture(app)))
        assert runtime.unpackings.all() == []


async def test_an_account_that_is_signed_out_keeps_it() -> None:
    runtime, _ = left_by_an_earlier_run(Extracted(1, 1, 0))
    runtime.unpackings.abandoned = [Unpacking(Location("gone", ("a.zip",), "n7"), None, "t1"), LEFT]
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: "SourceDeleted 1" in "\n".join(picture(app)))
        assert [each.account for each in runtime.unpackings.left()] == ["gone"]
