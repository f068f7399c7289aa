"""Folders of a job listed ahead as whole trees: how many listings it takes, how much waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest

from cloudtui.services.errors import NotFound, ServerTrouble
from cloudtui.services.models import Entry, Kind, Location
from cloudtui.services.storage import Storage
from cloudtui.services.walking import Ahead

Tree = Sequence[tuple[Location, Sequence[Entry]]]
TOP = Location("cloud", ("top",), "/top")


def folder(parent: str, name: str) -> Entry:
    return Entry(name, f"{parent}/{name}", Kind.FOLDER)


def file(parent: str, name: str) -> Entry:
    return Entry(name, f"{parent}/{name}", Kind.FILE, 1)


class Forest:
    """A place that gives trees; ids are paths. `refused`: depths whose trees it does not give."""

    def __init__(self, wide: int, deep: int, files: int = 1) -> None:
        self.asked: list[tuple[str, str]] = []
        self.refused: frozenset[int] = frozenset()
        self.broken = False
        self._wide, self._deep, self._files = wide, deep, files

    def inside(self, node: str) -> list[Entry]:
        depth = node.count("/") - 1
        wide = self._wide if depth < self._deep else 0
        folders = [folder(node, f"d{number}") for number in range(wide)]
        return [*folders, *(file(node, f"f{number}") for number in range(self._files))]

    async def scan(self, at: Location) -> AsyncIterator[Sequence[Entry]]:
        assert at.node is not None
        if at.node == "/gone":
            raise NotFound("It is gone.")
        self.asked.append(("alone", at.node))
        yield self.inside(at.node)

    async def list_tree(self, at: Location, *, most: int | None = None) -> Tree | None:
        assert at.node is not None
        self.asked.append(("tree", at.node))
        if self.broken:
            raise ServerTrouble("It broke off.")
        if at.node == "/gone":
            raise NotFound("It is gone.")
        if at.node.count("/") - 1 in self.refused:
            return None
        found: list[tuple[Location, Sequence[Entry]]] = []
        pending = [at]
        while pending:
            here = pending.pop()
            inside = self.inside(here.node or "")
            found.append((here, inside))
            pending += [here.child(each.name, each.id) for each in inside if each.is_folder]
        return None if most is not None and sum(len(each) for _, each in found) > most else found


def ahead_of(forest: Forest, *, most: int = 1000, hold: int = 3000) -> Ahead:
    async def storages(_account: str) -> Storage:
        return cast("Storage", forest)

    return Ahead(storages, most=most, hold=hold)


async def everything(ahead: Ahead, top: Location) -> list[str]:
    """Ids of all folders, walked as a job does: those found first, first."""
    pending, found = [top], []
    while pending:
        at = pending.pop(0)
        found.append(at.node or "")
        async for page in ahead.scan(at):
            pending += [at.child(each.name, each.id) for each in page if each.is_folder]
    return sorted(found)


async def test_a_tree_is_asked_for_once() -> None:
    forest = Forest(wide=3, deep=3)
    found = await everything(ahead_of(forest), TOP)
    assert len(found) == 1 + 3 + 9 + 27
    assert forest.asked == [("tree", "/top")]


async def test_a_folder_alone_costs_one_listing() -> None:
    forest = Forest(wide=0, deep=0, files=5000)
    ahead = ahead_of(forest, most=6000, hold=6000)
    pages = [page async for page in ahead.scan(TOP)]
    assert forest.asked == [("tree", "/top")]
    assert [len(page) for page in pages] == [2000, 2000, 1000]


async def test_a_place_without_trees_is_listed_as_ever() -> None:
    forest = Forest(wide=2, deep=1)

    class Plain:
        scan = forest.scan

    assert len(await everything(ahead_of(cast("Forest", Plain())), TOP)) == 3
    assert [how for how, _ in forest.asked] == ["alone"] * 3


async def test_what_is_too_large_is_taken_apart_and_asked_for_less_and_less_often() -> None:
    forest = Forest(wide=1, deep=12)
    forest.refused = frozenset(range(12))
    found = await everything(ahead_of(forest), TOP)
    assert len(found) == 13
    asked = [node.count("/") - 1 for how, node in forest.asked if how == "tree"]
    # the first three refusals make none, one and three levels go by
    assert asked == [0, 1, 3, 7]
    assert sum(how == "alone" for how, _ in forest.asked) == 13


async def test_what_breaks_off_or_is_gone_is_left_to_the_plain_listing() -> None:
    forest = Forest(wide=1, deep=1)
    forest.broken = True
    assert len(await everything(ahead_of(forest), TOP)) == 2
    forest.broken = False
    gone = Location("cloud", ("gone",), "/gone")
    with pytest.raises(NotFound):
        await everything(ahead_of(forest), gone)


async def test_no_more_waits_than_there_is_room_for() -> None:
    """Eight trees of 145 entries are found before the first of them is gone through."""
    forest = Forest(wide=8, deep=3)
    ahead = ahead_of(forest, most=200, hold=500)
    forest.refused = frozenset({0})
    most = 0
    pending = [TOP]
    while pending:
        at = pending.pop(0)
        async for page in ahead.scan(at):
            pending += [at.child(each.name, each.id) for each in page if each.is_folder]
        most = max(most, sum(len(held) + 1 for held in ahead._held.values()))
        assert ahead._count == sum(len(held) + 1 for held in ahead._held.values())
    assert 200 < most <= 500
    assert ahead._held == {}
    # a folder is asked for once at most: with its tree or alone
    listed = [node for _, node in forest.asked if node != "/top"]
    assert len(listed) == len(set(listed)) < 8 + 64 + 512
    assert ("alone", "/top/d7") in forest.asked


async def test_what_is_left_out_makes_room() -> None:
    forest = Forest(wide=3, deep=3)
    ahead = ahead_of(forest)
    async for page in ahead.scan(TOP):
        for entry in page:
            if entry.is_folder and entry.name != "d1":
                ahead.forget(TOP.child(entry.name, entry.id))
    assert all("/top/d1" in node for _, node in ahead._held)
    assert len(await everything(ahead, TOP.child("d1", "/top/d1"))) == 1 + 3 + 9
    assert (ahead._held, ahead._count) == ({}, 0)
    assert forest.asked == [("tree", "/top")]
