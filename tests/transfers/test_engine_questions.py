"""Questions: parked, answered one by one or all at once, and never in anybody's way."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from cloudtui.services.transfers.job import RunningJob
from cloudtui.services.transfers.orders import (
    Answer,
    Conflict,
    JobState,
    JobView,
    OnConflict,
    Resolution,
)
from tests.transfers.byte_server import ByteServer
from tests.transfers.engine_rig import Rig, cloud, disk, order, plant, tree

NEW = {"a.txt": b"new a", "b.txt": b"new b", "free": b"f", "deep/c.txt": b"new c!"}
OLD = {"a.txt": b"old a!", "b.txt": b"o", "deep/c.txt": b"old c"}


async def asked(rig: Rig, tmp_path: Path) -> tuple[JobView, dict[str, Conflict]]:
    """A job with three questions, everything else done."""
    source = plant(tmp_path / "src", dict(NEW))
    plant(tmp_path / "dst", dict(OLD))
    view = await rig.run(
        order(disk(source), disk(tmp_path / "dst"), contents=True, on_conflict=OnConflict.ASK)
    )
    assert (view.state, view.files_asking, view.files_done) == (JobState.ASKS, 3, 1)
    found = {conflict.source.name: conflict for conflict in rig.engine.conflicts()}
    assert set(found) == {"a.txt", "b.txt", "c.txt"}
    return view, found


async def test_questions_show_both_sides(rig: Rig, tmp_path: Path) -> None:
    view, found = await asked(rig, tmp_path)
    one = found["a.txt"]
    assert (one.job, one.source.size, one.target.size) == (view.id, 5, 6)
    assert one.where == str(tmp_path / "dst")
    assert not one.overwrite_is_final
    assert tree(tmp_path / "dst")["free"] == b"f"


async def test_each_answer_does_what_it_says(rig: Rig, tmp_path: Path) -> None:
    view, found = await asked(rig, tmp_path)
    answer = rig.engine.answer
    await answer(view.id, found["a.txt"].item, Resolution(Answer.OVERWRITE))
    await answer(view.id, found["b.txt"].item, Resolution(Answer.RENAME, name="mine.txt"))
    await answer(view.id, found["c.txt"].item, Resolution(Answer.KEEP_BOTH))
    end = await rig.wait(view.id)
    assert (end.state, end.files_done, end.files_asking) == (JobState.DONE, 4, 0)
    assert tree(tmp_path / "dst") == {
        "a.txt": b"new a",
        "b.txt": b"o",
        "mine.txt": b"new b",
        "free": b"f",
        "deep": None,
        "deep/c.txt": b"old c",
        "deep/c (1).txt": b"new c!",
    }


async def test_one_answer_leaves_the_other_questions(rig: Rig, tmp_path: Path) -> None:
    view, found = await asked(rig, tmp_path)
    await rig.engine.answer(view.id, found["a.txt"].item, Resolution(Answer.SKIP))
    still = await rig.wait(view.id)
    assert (still.state, still.files_asking, still.files_skipped) == (JobState.ASKS, 2, 1)
    # answering again, or something that does not ask, changes nothing
    await rig.engine.answer(view.id, found["a.txt"].item, Resolution(Answer.OVERWRITE))
    again = await rig.wait(view.id)
    assert (again.files_skipped, tree(tmp_path / "dst")["a.txt"]) == (1, b"old a!")


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (Answer.SKIP, OLD),
        (Answer.OVERWRITE, NEW),
        (Answer.LARGER, {"a.txt": b"old a!", "b.txt": b"new b", "deep/c.txt": b"new c!"}),
    ],
)
async def test_an_answer_for_all(
    rig: Rig, tmp_path: Path, answer: Answer, kept: dict[str, bytes]
) -> None:
    view, found = await asked(rig, tmp_path)
    await rig.engine.answer(view.id, found["b.txt"].item, Resolution(answer, for_all=True))
    end = await rig.wait(view.id)
    assert end.state is JobState.DONE
    after = {name: data for name, data in tree(tmp_path / "dst").items() if data is not None}
    assert after == {"free": b"f", **kept}


async def test_a_new_name_that_is_taken_asks_again(rig: Rig, tmp_path: Path) -> None:
    view, found = await asked(rig, tmp_path)
    taken = Resolution(Answer.RENAME, name="b.txt")
    await rig.engine.answer(view.id, found["a.txt"].item, taken)
    end = await rig.wait(view.id)
    assert (end.state, end.files_asking) == (JobState.ASKS, 3)
    assert tree(tmp_path / "dst")["b.txt"] == b"o"


async def test_a_target_that_is_gone_meanwhile_needs_no_answer_any_more(
    rig: Rig, tmp_path: Path
) -> None:
    view, found = await asked(rig, tmp_path)
    (tmp_path / "dst" / "a.txt").unlink()
    await rig.engine.answer(view.id, found["a.txt"].item, Resolution(Answer.OVERWRITE))
    await rig.wait(view.id)
    assert tree(tmp_path / "dst")["a.txt"] == b"new a"


async def test_a_folder_onto_a_file_can_only_keep_both(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {"x/inside": b"1"})
    plant(tmp_path / "dst", {"x": b"a file"})
    wish = order(disk(source), disk(tmp_path / "dst"), contents=True, on_conflict=OnConflict.ASK)
    view = await rig.run(wish)
    (conflict,) = rig.engine.conflicts()
    await rig.engine.answer(view.id, conflict.item, Resolution(Answer.KEEP_BOTH))
    end = await rig.wait(view.id)
    assert (end.state, end.files_failed) == (JobState.DONE, 0)
    assert tree(tmp_path / "dst") == {"x": b"a file", "x (1)": None, "x (1)/inside": b"1"}


async def test_questions_outlive_their_process(tmp_path: Path, web: ByteServer) -> None:
    source = plant(tmp_path / "src", {"a": b"new"})
    clouds = None
    async with Rig(tmp_path / "home", web) as first:
        first.alpha.put("/to/a", b"older")
        clouds = first.clouds
        wish = order(disk(source), cloud("/to"), contents=True, on_conflict=OnConflict.ASK)
        view = await first.run(wish)
        assert view.state is JobState.ASKS
    async with Rig(tmp_path / "home", clouds=clouds) as second:
        (seen,) = second.engine.views()
        assert (seen.state, seen.orphan, seen.files_asking) == (JobState.ASKS, True, 1)
        (conflict,) = second.engine.conflicts()
        assert conflict.overwrite_is_final
        resolution = Resolution(Answer.OVERWRITE)
        await second.engine.answer(view.id, conflict.item, resolution)
        end = await second.wait(view.id)
        assert end.state is JobState.DONE
        assert clouds["alpha"].tree("/to") == {"a": b"new"}


async def test_an_answer_that_comes_while_the_job_sits_down_is_carried_out(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has counted what is left and writes down that it asks: the answer must not be lost."""
    end, given = RunningJob._end, iter([Answer.SKIP, Answer.OVERWRITE])

    async def answered_meanwhile(job: RunningJob) -> None:
        await end(job)
        for answer in itertools.islice(given, 2):
            item = next(each.item for each in rig.engine.conflicts() if each.job == job.id)
            await rig.engine.answer(job.id, item, Resolution(answer))

    monkeypatch.setattr(RunningJob, "_end", answered_meanwhile)
    source = plant(tmp_path / "src", {"a": b"new", "b": b"new"})
    plant(tmp_path / "dst", {"a": b"old!", "b": b"old!"})
    view = await rig.run(
        order(disk(source), disk(tmp_path / "dst"), contents=True, on_conflict=OnConflict.ASK)
    )
    assert (view.state, view.files_done, view.files_skipped) == (JobState.DONE, 1, 1)
