"""Copies between disk and clouds: equal trees, honest counts, nothing overwritten unasked."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from pathlib import Path

import pytest

from cloudtui.services.errors import (
    CloudError,
    LoginNeeded,
    NotFound,
    NotSupported,
    Offline,
    ServerTrouble,
    UsageError,
)
from cloudtui.services.models import HashType, Kind
from cloudtui.services.transfers.engine import FolderChanged
from cloudtui.services.transfers.orders import (
    Direction,
    JobState,
    OnConflict,
    ServerSide,
    Verb,
)
from tests.transfers.byte_server import ByteServer
from tests.transfers.engine_rig import Rig, cloud, disk, order, plant, random_bytes, tree
from tests.transfers.memory_storage import CLOUD, MemoryStorage, without

CONTENT: dict[str, bytes | None] = {
    "one.txt": b"one",
    "empty": b"",
    "deep/er/two.bin": random_bytes(300_000),
    "deep/names": None,
    "a [/b] \x1b[31m": b"marked",
    "\udcff\udcfe".encode("utf-8", "surrogateescape").decode("utf-8", "replace"): b"odd",
}


async def test_disk_to_disk_is_equal_and_counted(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", CONTENT)
    view = await rig.run(order(disk(source), disk(tmp_path / "made" / "on the way")))
    assert view.state is JobState.DONE
    assert tree(tmp_path / "made" / "on the way" / "src") == tree(source)
    files = [each for each in CONTENT.values() if each is not None]
    assert (view.files_done, view.files_total) == (len(files), len(files))
    assert view.bytes_done == view.bytes_total == sum(map(len, files))
    assert view.percent == 100
    assert view.direction is Direction.HERE


async def test_undecodable_names_arrive_as_they_are(rig: Rig, tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "caf\udce9").write_bytes(b"latin")
    view = await rig.run(order(disk(source), disk(tmp_path / "dst")))
    assert view.state is JobState.DONE
    assert (tmp_path / "dst" / "src" / "caf\udce9").read_bytes() == b"latin"


async def test_up_and_down_again_is_equal(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", CONTENT)
    up = await rig.run(order(disk(source), cloud("/put"), contents=True))
    assert (up.state, up.direction) == (JobState.DONE, Direction.UP)
    assert rig.alpha.tree("/put") == tree(source)
    down = await rig.run(order(cloud("/put"), disk(tmp_path / "back"), contents=True))
    assert (down.state, down.direction) == (JobState.DONE, Direction.DOWN)
    assert tree(tmp_path / "back") == tree(source)


async def test_a_copy_onto_itself_skips_everything(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", CONTENT)
    wish = order(disk(source), disk(tmp_path / "dst"), on_conflict=OnConflict.OVERWRITE)
    await rig.run(wish)
    again = await rig.run(wish)
    assert again.state is JobState.DONE
    assert again.files_skipped == again.files_total == 5
    assert again.bytes_total == 0


async def test_equal_size_and_other_bytes_are_told_apart_by_digest(
    rig: Rig, tmp_path: Path
) -> None:
    source = plant(tmp_path / "src", {"same": b"abcd", "other": b"efgh"})
    rig.alpha.put("/put/same", b"abcd")
    rig.alpha.put("/put/other", b"EFGH")
    wish = order(disk(source), cloud("/put"), contents=True, on_conflict=OnConflict.OVERWRITE)
    view = await rig.run(wish)
    assert (view.files_done, view.files_skipped) == (1, 1)
    assert rig.alpha.tree("/put") == {"same": b"abcd", "other": b"efgh"}
    assert [name for call, name in rig.alpha.calls if call == "open_write"] == ["other"]


async def test_keep_both_takes_the_first_free_number(rig: Rig, tmp_path: Path) -> None:
    plant(tmp_path / "dst", {"a.txt": b"old", "a (1).txt": b"older"})
    source = plant(tmp_path / "src", {"a.txt": b"brand new"})
    view = await rig.run(
        order(disk(source / "a.txt"), disk(tmp_path / "dst"), on_conflict=OnConflict.KEEP_BOTH)
    )
    assert view.state is JobState.DONE
    expected = {"a.txt": b"old", "a (1).txt": b"older", "a (2).txt": b"brand new"}
    assert tree(tmp_path / "dst") == expected
    assert "a (2).txt" in rig.items(view.id)["a.txt"].message


async def test_overwrite_leaves_the_old_one_in_the_trash(rig: Rig, tmp_path: Path) -> None:
    plant(tmp_path / "dst", {"a.txt": b"old"})
    source = plant(tmp_path / "src", {"a.txt": b"brand new"})
    wish = order(disk(source), disk(tmp_path / "dst"), contents=True)
    skipped = await rig.run(wish)
    assert (skipped.files_skipped, tree(tmp_path / "dst")) == (1, {"a.txt": b"old"})
    view = await rig.run(
        order(
            disk(source),
            disk(tmp_path / "dst"),
            contents=True,
            on_conflict=OnConflict.OVERWRITE,
        )
    )
    assert (view.state, view.message) == (JobState.DONE, "")
    assert tree(tmp_path / "dst") == {"a.txt": b"brand new"}
    kept = [data for name, data in tree(tmp_path).items() if name.endswith("files/a.txt")]
    assert kept == [b"old"]


async def test_twins_of_a_cloud_get_numbers_on_disk(tmp_path: Path, web: ByteServer) -> None:
    twins = MemoryStorage("alpha", web, without(CLOUD, duplicate_names=True))
    folder = twins.put("/box", None)
    for data in (b"first", b"second"):
        twins._add(folder.id, "same.txt", Kind.FILE, data)
    async with Rig(tmp_path / "home", clouds={"alpha": twins}) as rig:
        view = await rig.run(order(cloud("/box"), disk(tmp_path / "dst"), contents=True))
        assert view.state is JobState.DONE
        assert tree(tmp_path / "dst") == {"same.txt": b"first", "same (1).txt": b"second"}
        again = await rig.run(order(cloud("/box"), disk(tmp_path / "dst"), contents=True))
        assert again.files_total == 2
        assert sorted(tree(tmp_path / "dst")) == ["same (1).txt", "same.txt"]


async def test_names_that_a_case_blind_place_cannot_tell_apart(
    tmp_path: Path, web: ByteServer
) -> None:
    blind = MemoryStorage("alpha", web, without(CLOUD, case_sensitive=False))
    names = {"Read": b"1", "read": b"2", "r\u00e9": b"3", "re\u0301": b"4"}
    source = plant(tmp_path / "src", dict(names))
    async with Rig(tmp_path / "home", clouds={"alpha": blind}) as rig:
        view = await rig.run(order(disk(source), cloud("/dst"), contents=True))
        assert view.state is JobState.DONE
        stored = blind.tree("/dst")
        assert sorted(stored.values(), key=bytes) == [b"1", b"2", b"3", b"4"]  # type: ignore[arg-type]
        assert len({name.casefold() for name in stored}) == 4


async def test_copies_on_disk_permit_what_their_source_permits(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {"program": b"1", "private": b"2", "plain": b"3"})
    for name, mode in (("program", 0o755), ("private", 0o600), ("plain", 0o644)):
        (source / name).chmod(mode)
    await rig.run(order(disk(source), disk(tmp_path / "dst"), contents=True))
    modes = {each.name: each.lstat().st_mode & 0o777 for each in (tmp_path / "dst").iterdir()}
    assert modes == {"program": 0o755, "private": 0o600, "plain": 0o644}
    await rig.run(order(disk(source), cloud("/up"), contents=True))
    await rig.run(order(cloud("/up"), disk(tmp_path / "down"), contents=True))
    assert (tmp_path / "down" / "program").lstat().st_mode & 0o111 == 0


async def test_filters_leave_out_files_and_whole_folders(rig: Rig, tmp_path: Path) -> None:
    source = plant(
        tmp_path / "src",
        {"a.txt": b"1", "a.log": b"2", "build/b.txt": b"3", "deep/c.txt": b"4", "deep/d.md": b"5"},
    )
    await rig.run(
        order(
            disk(source),
            disk(tmp_path / "dst"),
            contents=True,
            include=("*.txt",),
            exclude=("build/",),
        )
    )
    assert tree(tmp_path / "dst") == {"a.txt": b"1", "deep": None, "deep/c.txt": b"4"}


async def test_links_and_pipes_are_counted_and_left_alone(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {"real": b"1"})
    (source / "link").symlink_to(source / "real")
    os.mkfifo(source / "pipe")
    view = await rig.run(order(disk(source), disk(tmp_path / "dst"), contents=True))
    assert (view.state, view.files_done, view.files_skipped) == (JobState.DONE, 1, 2)
    assert tree(tmp_path / "dst") == {"real": b"1"}


@pytest.mark.parametrize("inside", ["", "/below", "/below/more"])
async def test_a_folder_never_goes_into_itself(rig: Rig, tmp_path: Path, inside: str) -> None:
    source = plant(tmp_path / "src", {"a": b"1", "below": None})
    with pytest.raises(UsageError, match="into itself"):
        await rig.engine.submit(order(disk(source), disk(f"{source}{inside}")))
    (tmp_path / "detour").symlink_to(source)
    with pytest.raises(UsageError, match="into itself"):
        await rig.engine.submit(order(disk(source), disk(f"{tmp_path}/detour{inside}")))
    assert tree(source) == {"a": b"1", "below": None}
    assert rig.engine.views() == []


async def test_orders_that_cannot_be_meant_are_refused(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {"a": b"1", "b/c": b"2"})
    with pytest.raises(UsageError, match="the same"):
        await rig.engine.submit(order(disk(source / "a"), disk(source)))
    with pytest.raises(UsageError, match="not a folder"):
        await rig.engine.submit(order(disk(source / "b"), disk(source / "a")))
    wish = order(disk(source / "b"), disk(source), name="a", on_conflict=OnConflict.OVERWRITE)
    with pytest.raises(UsageError, match="something else"):
        await rig.engine.submit(wish)
    with pytest.raises(NotFound):
        await rig.engine.submit(order(disk(source / "nothing"), disk(tmp_path)))
    rig.alpha.put("/x/y", None)
    with pytest.raises(UsageError, match="into itself"):
        await rig.engine.submit(order(cloud("/x"), cloud("/x/y"), verb=Verb.MOVE))
    assert rig.engine.views() == []


async def test_a_second_copy_in_the_same_folder_is_numbered(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {"a.txt": b"1"})
    wish = order(disk(source / "a.txt"), disk(source), on_conflict=OnConflict.KEEP_BOTH)
    assert (await rig.run(wish)).state is JobState.DONE
    assert tree(source) == {"a.txt": b"1", "a (1).txt": b"1"}


async def test_moves_remove_sources_and_emptied_folders(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", CONTENT)
    before = tree(source)
    view = await rig.run(order(disk(source), cloud("/put"), verb=Verb.MOVE))
    assert view.state is JobState.DONE
    assert not source.exists()
    assert rig.alpha.tree("/put/src") == before
    view = await rig.run(order(cloud("/put/src"), disk(tmp_path / "back"), verb=Verb.MOVE))
    assert view.state is JobState.DONE
    assert tree(tmp_path / "back" / "src") == before
    assert rig.alpha.tree("/put") == {}


async def test_a_move_keeps_what_it_could_not_copy(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {"a": b"1", "b": b"22", "in/c": b"3"})
    rig.alpha.put("/put/b", b"other")
    view = await rig.run(order(disk(source), cloud("/put"), contents=True, verb=Verb.MOVE))
    assert (view.state, view.files_skipped) == (JobState.DONE, 1)
    assert tree(source) == {"b": b"22"}
    assert rig.alpha.tree("/put") == {"a": b"1", "b": b"other", "in": None, "in/c": b"3"}


async def test_inside_one_account_the_service_does_it(rig: Rig, web: ByteServer) -> None:
    rig.alpha.put("/from/deep/a", b"1")
    rig.alpha.put("/from/b", b"2")
    view = await rig.run(order(cloud("/from"), cloud("/copy")))
    assert (view.state, rig.alpha.called("copy")) == (JobState.DONE, 1)
    view = await rig.run(order(cloud("/from"), cloud("/moved"), verb=Verb.MOVE))
    assert (view.state, rig.alpha.called("move")) == (JobState.DONE, 1)
    expected = {"from": None, "from/deep": None, "from/deep/a": b"1", "from/b": b"2"}
    assert rig.alpha.tree("/copy") == rig.alpha.tree("/moved") == expected
    assert "from" not in rig.alpha.tree("")
    assert web.requests("GET") == web.requests("PUT") == []


async def test_a_service_that_refuses_to_copy_is_replaced_by_this_machine(
    tmp_path: Path, web: ByteServer
) -> None:
    refusing = MemoryStorage("alpha", web, without(CLOUD, server_copy=True))
    refusing.put("/from/deep/a", b"1")
    refusing.fail["copy"] = deque([NotSupported("No."), NotSupported("No.")])
    async with Rig(tmp_path / "home", clouds={"alpha": refusing}) as rig:
        view = await rig.run(order(cloud("/from"), cloud("/to")))
        assert view.state is JobState.DONE
        assert refusing.tree("/to/from") == {"deep": None, "deep/a": b"1"}
        refusing.fail["copy"] = deque([NotSupported("No.")])
        wish = order(cloud("/from"), cloud("/only"), server_side=ServerSide.ONLY)
        only = await rig.run(wish)
        assert (only.state, only.error_codes) == (JobState.FAILED, ("not_supported",))


async def test_replacing_inside_one_account_never_leaves_a_gap(rig: Rig) -> None:
    rig.alpha.put("/from/a", b"new one")
    rig.alpha.put("/to/a", b"old")
    wish = order(cloud("/from"), cloud("/to"), contents=True, on_conflict=OnConflict.OVERWRITE)
    view = await rig.run(wish)
    assert view.state is JobState.DONE
    assert rig.alpha.tree("/to") == {"a": b"new one"}
    steps = [call for call, _ in rig.alpha.calls if call in ("copy", "remove", "rename")]
    assert steps == ["copy", "remove", "rename"]


async def test_cloud_to_cloud_passes_through_memory(rig: Rig, tmp_path: Path) -> None:
    big = random_bytes(700_000)
    rig.alpha.put("/from/big", big)
    rig.alpha.put("/from/small", b"s")
    view = await rig.run(order(cloud("/from"), cloud("/to", "beta")))
    assert (view.state, view.direction) == (JobState.DONE, Direction.ACROSS)
    assert rig.beta.tree("/to/from") == {"big": big, "small": b"s"}
    assert not rig.paths.spool_dir.exists()


async def test_a_target_that_wants_the_digest_first_is_fed_from_a_spool_file(
    tmp_path: Path, web: ByteServer
) -> None:
    alpha = MemoryStorage("alpha", web, without(CLOUD, verify_hash=HashType.SHA1))
    beta = MemoryStorage("beta", web, without(CLOUD, upload_hash=HashType.GCID))
    big = random_bytes(700_000)
    alpha.put("/from/big", big)
    source = plant(tmp_path / "src", {"local": b"12345"})
    async with Rig(tmp_path / "home", clouds={"alpha": alpha, "beta": beta}) as rig:
        view = await rig.run(order(cloud("/from"), cloud("/to", "beta")))
        assert (view.state, view.bytes_done) == (JobState.DONE, len(big))
        up = await rig.run(order(disk(source), cloud("/to", "beta")))
        assert up.state is JobState.DONE
        assert beta.tree("/to") == {
            "from": None, "from/big": big, "src": None, "src/local": b"12345",
        }  # fmt: skip
        assert list(rig.paths.spool_dir.iterdir()) == []


async def test_trouble_that_ends_ends_well(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {"a": b"1", "b/c": b"2"})
    rig.alpha.fail["open_write"] = deque([ServerTrouble("Unwell."), ServerTrouble("Unwell.")])
    rig.alpha.fail["finish"] = deque([Offline("Cut.")])
    view = await rig.run(order(disk(source), cloud("/put")))
    assert view.state is JobState.DONE
    assert rig.alpha.tree("/put/src") == tree(source)


async def test_one_bad_file_does_not_hold_up_the_others(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {f"f{n}": bytes([n]) for n in range(10)})
    (source / "f4").chmod(0)
    rig.alpha.fail["open_write"] = deque([CloudError("Only this one.")])
    view = await rig.run(order(disk(source), cloud("/put")))
    assert view.state is JobState.FAILED
    assert view.files_failed >= 1
    assert view.files_done == 10 - view.files_failed
    failed = rig.engine.items(view.id, states=(JobState.FAILED,))
    assert any("Only this one." in item.message for item in failed)
    (source / "f4").chmod(0o600)
    await rig.engine.retry(view.id)
    again = await rig.wait(view.id)
    assert (again.state, again.files_failed) == (JobState.DONE, 0)
    assert rig.alpha.tree("/put/src") == tree(source)


async def test_a_lapsed_sign_in_pauses_and_keeps_everything(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {f"f{n}": bytes([n]) for n in range(10)})
    lapsed = LoginNeeded("Signed out.")
    rig.alpha.fail["open_write"] = deque([lapsed] * 3)
    view = await rig.run(order(disk(source), cloud("/put")))
    assert (view.state, view.error_codes) == (JobState.PAUSED, ("login_needed",))
    assert "Signed out." in view.message
    rig.alpha.fail.clear()
    await rig.engine.resume(view.id)
    again = await rig.wait(view.id)
    assert again.state is JobState.DONE
    assert rig.alpha.tree("/put/src") == tree(source)


async def test_without_a_connection_the_job_waits_as_a_whole(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {f"f{n}": bytes([n]) for n in range(20)})
    rig.alpha.fail["open_write"] = deque([Offline("No connection.")] * 500)
    view = await rig.run(order(disk(source), cloud("/put")))
    assert (view.state, view.error_codes) == (JobState.PAUSED, ("offline",))
    assert view.files_failed <= 3
    rig.alpha.fail.clear()
    await rig.engine.retry(view.id)
    again = await rig.wait(view.id)
    assert again.state is JobState.DONE
    assert rig.alpha.tree("/put/src") == tree(source)


async def test_panes_are_told_which_folders_changed(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {"a": b"1"})
    told: list[object] = []
    end = rig.engine.subscribe(told.append)
    await rig.run(order(disk(source), disk(tmp_path / "dst"), contents=True))
    end()
    folders = {event.at.path for event in told if isinstance(event, FolderChanged)}
    assert {str(tmp_path), str(tmp_path / "dst")} <= folders
    before = len(told)
    await rig.run(order(disk(source / "a"), disk(tmp_path / "other")))
    assert len(told) == before


async def test_a_dry_run_tells_and_touches_nothing(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {"new": b"1", "same": b"2", "deep/x": b"3", "there": None})
    plant(tmp_path / "dst", {"same": b"22", "there": None})
    lines = await rig.engine.plan(order(disk(source), disk(tmp_path / "dst"), contents=True))
    deeds = {line.source.name: line.deed for line in lines}
    assert deeds == {
        "new": "copy", "same": "skip", "deep": "make folder", "x": "copy", "there": "merge",
    }  # fmt: skip
    assert tree(tmp_path / "dst") == {"same": b"22", "there": None}
    assert not rig.paths.journal_file.exists()


async def test_progress_never_goes_down_and_ends_at_hundred(rig: Rig, tmp_path: Path) -> None:
    source = plant(tmp_path / "src", {f"f{n}": random_bytes(200_000) for n in range(30)})
    job = await rig.engine.submit(order(disk(source), cloud("/put")))
    seen: list[int] = []
    percents: list[int | None] = []

    async def watch() -> None:
        while True:
            view = rig.engine.view(job)
            seen.append(view.bytes_done)
            percents.append(view.percent)
            if view.state.is_final:
                return
            await asyncio.sleep(0)

    await asyncio.wait_for(watch(), 30)
    assert seen == sorted(seen)
    assert percents[-1] == 100
    assert all(each is None or each <= 99 for each in percents[:-1])
