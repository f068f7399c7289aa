"""The index of known listings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtui.services.catalogue import Catalogue
from cloudtui.services.models import Entry, Found, Kind, Location
from cloudtui.services.watching import Change

FILMS = Location("pk", ("Films",), "id-films")


def file(name: str) -> Entry:
    return Entry(name, f"id-{name}", Kind.FILE, 7, 9)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    made = Catalogue(tmp_path / "cache" / "catalogue.sqlite")
    made.keep(FILMS, [file("Café am Meer.mkv"), file("映画 予告編.mp4"), file("raw\udcff.bin")])
    made.keep(Location("pc"), [file("cafe.txt")])
    yield made
    made.close()


def found(catalogue: Catalogue, *words: str, below: Location | None = None) -> set[str]:
    return {str(hit.at) for hit in catalogue.search(words, below=below)}


def test_every_word_must_fit_blind_to_case_and_accents(catalogue: Catalogue) -> None:
    assert found(catalogue, "CAFE") == {"pk:/Films/Café am Meer.mkv", "pc:/cafe.txt"}
    assert found(catalogue, "meer", "café") == {"pk:/Films/Café am Meer.mkv"}
    assert found(catalogue, "予告") == {"pk:/Films/映画 予告編.mp4"}
    assert found(catalogue, "") == set()


def test_it_can_be_narrowed(catalogue: Catalogue) -> None:
    assert found(catalogue, "cafe", below=FILMS) == {"pk:/Films/Café am Meer.mkv"}
    assert found(catalogue, "cafe", below=Location("pc")) == {"pc:/cafe.txt"}
    assert {str(hit.at) for hit in catalogue.search(["cafe"], account="pc")} == {"pc:/cafe.txt"}


def test_a_new_listing_replaces_the_old_one(catalogue: Catalogue) -> None:
    catalogue.keep(FILMS, [file("new.mkv")])
    assert found(catalogue, "caf", below=FILMS) == set()
    (hit,) = catalogue.search(["new"])
    assert (hit.at.node, hit.entry.size, hit.entry.mtime_ns) == ("id-new.mkv", 7, 9)
    assert catalogue.knows(FILMS)
    assert not catalogue.knows(FILMS.child("deeper"))
    catalogue.forget("pk")
    assert found(catalogue, "new") == set()


def test_undecodable_names_come_back_as_they_were(catalogue: Catalogue) -> None:
    (hit,) = catalogue.search(["raw"])
    assert hit.entry.name == "raw\udcff.bin"


DEEP = FILMS.child("deep \udcff", "id-deep")
DEEPER = DEEP.child("deeper", "id-deeper")


def folder(at: Location) -> Entry:
    return Entry(at.name, at.node or at.name, Kind.FOLDER)


@pytest.fixture
def nested(catalogue: Catalogue) -> Catalogue:
    catalogue.keep(FILMS, [file("a.mkv"), file("b.mkv"), folder(DEEP)])
    catalogue.keep(DEEP, [file("in deep.mkv"), folder(DEEPER)])
    catalogue.keep(DEEPER, [file("in deeper.mkv")])
    catalogue.keep(Location("pk", ("Films, too",), "id-too"), [file("beside.mkv")])
    catalogue.keep(Location("pk", (), ""), [folder(FILMS)])
    return catalogue


def test_what_is_gone_is_not_found_nor_anything_in_it(nested: Catalogue) -> None:
    nested.change([Change(FILMS.child("a.mkv", "id-a.mkv"))])
    nested.change([Change(FILMS.child("a.mkv", "id-a.mkv"))])  # told twice
    assert found(nested, "a.mkv") == set()
    nested.change([Change(DEEP)])
    assert found(nested, "mkv") == {"pk:/Films/b.mkv", "pk:/Films, too/beside.mkv"}
    assert found(nested, "deep") == set()


def test_what_is_only_known_by_its_id_is_found_out(nested: Catalogue) -> None:
    nested.change([Change(Location("pk", (), "id-deep")), Change(Location("pk", (), "id-b.mkv"))])
    assert found(nested, "mkv") == {"pk:/Films/a.mkv", "pk:/Films, too/beside.mkv"}
    nested.change([Change(Location("other", ("Films", "a.mkv"), "id-a.mkv"))])
    assert "pk:/Films/a.mkv" in found(nested, "mkv")


def test_what_was_moved_or_renamed_is_found_where_it_is(nested: Catalogue) -> None:
    root = Location("pk")
    new = Entry("c.mkv", "id-a.mkv", Kind.FILE, 7, 9)
    nested.change([Change(FILMS.child("a.mkv", "id-a.mkv"), Found.of(FILMS, new))])
    assert found(nested, "a.mkv") == set()
    assert found(nested, "c.mkv") == {"pk:/Films/c.mkv"}
    moved = Found.of(root, Entry("shallow", "id-deep", Kind.FOLDER))
    nested.change([Change(DEEP, moved)])
    assert found(nested, "in") == {"pk:/shallow/in deep.mkv", "pk:/shallow/deeper/in deeper.mkv"}
    assert found(nested, "shallow") == {"pk:/shallow"}
    # into a folder that was never listed: not known there
    nowhere = Found.of(Location("pk", ("new",), "id-new"), new)
    nested.change([Change(FILMS.child("c.mkv", "id-a.mkv"), nowhere)])
    assert found(nested, "c.mkv") == set()


def test_a_folder_takes_the_place_of_what_was_known_there(nested: Catalogue) -> None:
    too = Location("pk", ("Films, too",), "id-too")
    nested.change([Change(too, Found.of(FILMS, Entry(DEEP.name, "id-too", Kind.FOLDER)))])
    assert found(nested, "beside") == {f"pk:/Films/{DEEP.name}/beside.mkv"}
    assert found(nested, "in deep.mkv") == set()


def test_a_twin_keeps_what_is_known_of_it(nested: Catalogue) -> None:
    nested.change([Change(FILMS.child(DEEP.name, "id-twin"))])
    assert "pk:/Films/deep \udcff/in deep.mkv" in found(nested, "mkv")


def test_names_of_the_disk_are_known_by_their_path(nested: Catalogue) -> None:
    here, there = Location("", ("here",)), Location("", ("there",))
    for each in (here, there):
        nested.keep(each, [Entry("same.txt", "same.txt", Kind.FILE)])
    nested.change([Change(here.child("same.txt"))])
    assert found(nested, "same") == {"/there/same.txt"}
    nested.change([Change(there)])
    assert found(nested, "same") == set()
