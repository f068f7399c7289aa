"""Listings, folders, names, batches, trash, stars: the drive without uploads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.pikpak_rig import Rig

FILES = "/drive/v1/files"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def batch(rig: Rig, verb: str, ids: list[str], to: dict[str, str] | None = None) -> str:
    body: dict[str, object] = {"ids": ids}
    if to is not None:
        body["to"] = to
    return str(rig.good("POST", f"{FILES}:batch{verb}", body)["task_id"])


def phase(rig: Rig, task_id: str) -> str:
    return str(rig.good("GET", f"/drive/v1/tasks/{task_id}")["phase"])


def entry(rig: Rig, parent: str, name: str, trashed: bool | None = None) -> dict[str, object]:
    query = {"parent_id": parent}
    if trashed is not None:
        query["filters"] = json.dumps({"trashed": {"eq": trashed}})
    found = rig.good("GET", FILES, None, query)["files"]
    item: dict[str, object] = next(item for item in found if item["name"] == name)
    return item


def test_entries_have_the_types_that_rclone_decodes(rig: Rig) -> None:
    rig.mkdir("folder")
    rig.put("file.txt", "hello")
    for item in rig.good("GET", FILES)["files"]:
        assert isinstance(item["links"], dict)
        assert item["size"].isdigit()
        assert item["revision"].isdigit()
        assert item["modified_time"].endswith("+08:00")
        assert item["original_file_index"] == 0
        assert item["delete_time"] == ""
    shown = entry(rig, "", "file.txt")
    assert shown["hash"] == "6B4F89A54E2D27ECD7E8DA05B4AB8FD9D1D8B119"
    assert (shown["size"], shown["mime_type"]) == ("5", "text/plain")


def test_pages_hold_what_the_first_one_saw(rig: Rig) -> None:
    folder = rig.mkdir("many")
    ids = [rig.put(f"many/{number:03d}", "x") for number in range(25)]
    query = {"parent_id": folder, "limit": "10", "page_token": "", "filters": '{"trashed": {}}'}
    first = rig.good("GET", FILES, None, query)
    rig.good("DELETE", f"{FILES}/{ids[12]}")
    rig.put("many/late", "x")
    second = rig.good("GET", FILES, None, {**query, "page_token": first["next_page_token"]})
    third = rig.good("GET", FILES, None, {**query, "page_token": second["next_page_token"]})
    names = [item["name"] for page in (first, second, third) for item in page["files"]]
    assert names == [f"{number:03d}" for number in range(25) if number != 12]
    assert third["next_page_token"] == ""


def test_filters(rig: Rig) -> None:
    rig.mkdir("folder")
    rig.put("file.bin", "x")
    assert rig.names(kind={"eq": "drive#folder"}) == ["folder"]
    assert rig.names(kind={"eq": "drive#file"}, nonsense={"eq": 1}) == ["file.bin"]
    assert rig.names(phase={"in": "PHASE_TYPE_PENDING,PHASE_TYPE_ERROR"}) == []
    assert rig.names(modified_time={"gt": "2001-01-01T00:00:00Z"}) == ["folder", "file.bin"]
    assert rig.names(modified_time={"lt": "2001-01-01T00:00:00Z"}) == []
    assert rig.drive("GET", FILES, None, {"filters": '{"name":{"eq":"x"}}'}).status == 404
    assert rig.refused("GET", FILES, filters="{") == (3, "invalid_argument")
    assert rig.names("VNnowhere") == []


def test_rename_takes_the_name_and_nothing_else(rig: Rig) -> None:
    node = rig.put("a.txt", "hello")
    rig.put("b.txt", "x")
    never = "0001-01-01T00:00:00Z"
    body = {
        "name": "c.txt",
        "created_time": never,
        "modified_time": never,
        "size": "0",
        "tags": None,
    }
    shown = rig.good("PATCH", f"{FILES}/{node}", body)
    assert (shown["name"], shown["size"], shown["links"]) == ("c.txt", "5", {})
    assert not shown["modified_time"].startswith("0001")
    path = f"{FILES}/{node}"
    assert rig.refused("PATCH", path, {"name": "b.txt"}) == (3, "file_duplicated_name")
    assert rig.refused("PATCH", path, {"name": "c.txt"}) == (3, "file_rename_to_same_name")
    assert rig.refused("PATCH", path, {"name": ""}) == (3, "file_name_empty")
    assert rig.refused("PATCH", f"{FILES}/VNnone", {"name": "x"}) == (5, "file_not_found")


def test_mkdir_on_a_taken_name_doubles_or_refuses(rig: Rig) -> None:
    first, second = rig.mkdir("same"), rig.mkdir("same")
    assert first != second
    assert rig.names() == ["same", "same"]
    rig.switch(mkdir_duplicates="refuse")
    body = {"kind": "drive#folder", "name": "same", "parent_id": None}
    assert rig.refused("POST", FILES, body) == (3, "file_duplicated_name")


def test_names_may_hold_anything_but_a_slash_unless_strict(rig: Rig) -> None:
    for name in ("a:b", "tab\there", "\U0001f600", ' "quoted" '):
        rig.mkdir(name)
    body = {"kind": "drive#folder", "name": "a/b"}
    assert rig.refused("POST", FILES, body) == (3, "invalid_argument")
    rig.switch(strict_names=True)
    body["name"] = "a:b"
    assert rig.refused("POST", FILES, body) == (3, "invalid_argument")


def test_move_numbers_what_clashes_and_accepts_an_empty_target(rig: Rig) -> None:
    folder = rig.mkdir("folder")
    inner = rig.put("folder/a.tar.gz", "1")
    rig.put("a.tar.gz", "2")
    assert phase(rig, batch(rig, "Move", [inner], {})) == "PHASE_TYPE_COMPLETE"
    assert sorted(rig.names()) == ["a.tar(1).gz", "a.tar.gz", "folder"]
    assert rig.names(folder) == []
    again = {"ids": [inner], "to": {"parent_id": ""}}
    assert rig.refused("POST", f"{FILES}:batchMove", again) == (9, "file_move_or_copy_to_cur")


def test_a_folder_does_not_move_or_copy_into_itself(rig: Rig) -> None:
    outer = rig.mkdir("outer")
    inner = rig.mkdir("inner", outer)
    for verb in ("Move", "Copy"):
        body = {"ids": [outer], "to": {"parent_id": inner}}
        assert rig.refused("POST", f"{FILES}:batch{verb}", body)[1] == "file_move_or_copy_to_cur"


def test_copy_makes_new_ids_all_the_way_down(rig: Rig) -> None:
    source = rig.mkdir("source")
    rig.put("source/sub/deep.txt", "deep")
    target = rig.mkdir("target")
    task = rig.good("GET", f"/drive/v1/tasks/{batch(rig, 'Copy', [source], {'parent_id': target})}")
    assert task["file_id"] not in ("", source)
    sub = entry(rig, task["file_id"], "sub")
    copied = entry(rig, str(sub["id"]), "deep.txt")
    assert copied["hash"] == entry_of(rig, "/source/sub/deep.txt")["gcid"]


def entry_of(rig: Rig, path: str) -> dict[str, object]:
    accounts = rig.service.state()["accounts"]
    assert isinstance(accounts, dict)
    (account,) = accounts.values()
    found: dict[str, object] = next(item for item in account["nodes"] if item["path"] == path)
    return found


def test_slow_batches_act_when_their_time_is_up(rig: Rig) -> None:
    rig.switch(batch_seconds=5)
    folder = rig.mkdir("folder")
    node = rig.put("file", "x")
    task = batch(rig, "Move", [node], {"parent_id": folder})
    assert phase(rig, task) == "PHASE_TYPE_RUNNING"
    assert rig.names(folder) == []
    assert rig.refused("PATCH", f"{FILES}/{node}", {"name": "y"}) == (9, "file_rename_uncompleted")
    rig.world.advance(5)
    assert rig.names(folder) == ["file"]
    assert phase(rig, task) == "PHASE_TYPE_COMPLETE"


def test_listings_may_lag_while_ids_tell_the_truth(rig: Rig) -> None:
    node = rig.put("file", "x")
    other = rig.put("other", "x")
    rig.switch(listing_lag=30)
    rig.good("PATCH", f"{FILES}/{node}", {"name": "renamed"})
    rig.mkdir("new")
    rig.good("DELETE", f"{FILES}/{other}")
    assert rig.names() == ["file", "other"]
    assert rig.good("GET", f"{FILES}/{node}")["name"] == "renamed"
    assert rig.drive("GET", f"{FILES}/{other}").status == 404
    rig.world.advance(31)
    assert rig.names() == ["renamed", "new"]


def test_batches_can_fail_and_have_a_longest_length(rig: Rig) -> None:
    node = rig.put("file", "x")
    rig.switch(batch_fails=1)
    assert phase(rig, batch(rig, "Trash", [node])) == "PHASE_TYPE_ERROR"
    assert rig.names() == ["file"]
    body = {"ids": [f"VN{number}" for number in range(501)]}
    refused = rig.refused("POST", f"{FILES}:batchTrash", body)
    assert refused == (11, "operating_file_count_exceeded")


def test_trash_keeps_the_origin(rig: Rig) -> None:
    folder = rig.mkdir("folder")
    node = rig.put("folder/a.txt", "hello")
    batch(rig, "Trash", [node])
    assert rig.names(folder) == []
    shown = entry(rig, "*", "a.txt", trashed=True)
    assert (shown["parent_id"], shown["trashed"]) == (folder, True)
    assert str(shown["delete_time"]) > str(shown["modified_time"])
    assert rig.refused("GET", f"{FILES}/{node}") == (9, "file_in_recycle_bin")
    body = {"ids": [node]}
    assert rig.refused("POST", f"{FILES}:batchTrash", body) == (9, "file_in_recycle_bin")
    quota = rig.good("GET", "/drive/v1/about")["quota"]
    assert (quota["usage"], quota["usage_in_trash"]) == ("5", "5")
    rig.put("folder/a.txt", "other")
    batch(rig, "Untrash", [node])
    assert rig.names(folder) == ["a.txt", "a(1).txt"]
    assert phase(rig, batch(rig, "Untrash", [node])) == "PHASE_TYPE_COMPLETE"


def test_restore_may_land_in_the_root(rig: Rig) -> None:
    rig.switch(untrash="root")
    rig.mkdir("folder")
    node = rig.put("folder/a.txt", "hello")
    batch(rig, "Trash", [node])
    batch(rig, "Untrash", [node])
    assert rig.names() == ["folder", "a.txt"]


def test_restore_goes_to_the_root_when_its_folder_is_gone(rig: Rig) -> None:
    folder = rig.mkdir("folder")
    node = rig.put("folder/a.txt", "hello")
    batch(rig, "Trash", [node])
    batch(rig, "Trash", [folder])
    batch(rig, "Untrash", [node])
    assert rig.names() == ["a.txt"]


def test_children_of_a_trashed_folder_carry_the_mark_only_by_switch(rig: Rig) -> None:
    folder = rig.mkdir("folder")
    rig.put("folder/a.txt", "hello")
    batch(rig, "Trash", [folder])
    assert rig.names("*", trashed={"eq": True}) == ["folder"]
    assert rig.names(folder, trashed={"eq": False}) == ["a.txt"]
    rig.switch(trash_marks_children=True)
    assert rig.names(folder, trashed={"eq": False}) == []


def test_empty_trash_may_linger_in_its_listing(rig: Rig) -> None:
    node = rig.put("a.txt", "hello")
    batch(rig, "Trash", [node])
    rig.switch(trash_lingers=3600)
    task = rig.good("PATCH", f"{FILES}/trash:empty")["task_id"]
    assert phase(rig, task) == "PHASE_TYPE_COMPLETE"
    assert rig.names("*", trashed={"eq": True}) == ["a.txt"]
    assert rig.refused("GET", f"{FILES}/{node}") == (5, "file_not_found")
    assert rig.good("GET", "/drive/v1/about")["quota"]["usage"] == "0"
    rig.world.advance(3601)
    assert rig.names("*", trashed={"eq": True}) == []


def test_stars_are_tags(rig: Rig) -> None:
    folder = rig.mkdir("folder")
    node = rig.put("folder/a.txt", "hello")
    assert rig.good("POST", f"{FILES}:star", {"ids": [node]}) == {}
    assert rig.names("*", system_tag={"in": "STAR"}, trashed={"eq": False}) == ["a.txt"]
    shown = entry(rig, folder, "a.txt")
    assert (shown["starred"], shown["tags"]) == (False, [{"name": "STAR"}])
    rig.good("POST", f"{FILES}:unstar", {"ids": [node]})
    assert rig.names("*", system_tag={"in": "STAR"}) == []


def test_tasks_are_bare_and_unknown_ones_missing(rig: Rig) -> None:
    task = batch(rig, "Trash", [rig.put("a", "x")])
    assert rig.good("GET", f"/drive/v1/tasks/{task}")["id"] == task
    assert rig.drive("GET", "/drive/v1/tasks/VNnone").status == 404
    assert rig.drive("GET", "/drive/v1/tasks/").status == 404


def test_seeds_plant_the_same_tree_twice(rig: Rig, tmp_path: Path) -> None:
    rig.service.seed("library")
    rig.service.seed("trash")
    rig.service.seed("wide=200")
    assert rig.names()[:2] == ["Documents", "Pictures"]
    assert sorted(rig.names("*", trashed={"eq": True})) == [
        "chapter one",
        "old letter.txt",
        "thrown away.txt",
    ]
    with Rig(tmp_path / "second") as other:
        other.service.seed("library")
        first = entry_of(rig, "/Pictures/IMG_0001.png")
        second = entry_of(other, "/Pictures/IMG_0001.png")
    assert (first["id"], first["sha1"]) == (second["id"], second["sha1"])


def test_hostile_names_survive(rig: Rig) -> None:
    rig.service.seed("hostile-names")
    folder = str(entry(rig, "", "hostile-names")["id"])
    assert {"a [/b]", "new\nline", "zero\u200bwidth"} <= set(rig.names(folder))
