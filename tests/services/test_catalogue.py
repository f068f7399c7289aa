"""The index of known listings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtui.services.catalogue import Catalogue
from cloudtui.services.models import Entry, Kind, Location

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
