"""Listings put into the index from the loop, and searched, without waiting for the disk there."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudtui.services import known as known_module
from cloudtui.services.errors import Refused
from cloudtui.services.known import Known
from cloudtui.services.models import Entry, Kind, Location
from cloudtui.services.watching import Change

FILMS = Location("pk", ("Films",), "n1")


def entry(name: str) -> Entry:
    return Entry(name, f"id-{name}", Kind.FILE, 3, None)


async def names(known: Known, *words: str, most: int = 500) -> list[str]:
    return [hit.entry.name for hit in await known.search(words, most=most)]


async def test_what_is_noted_is_found_and_the_newest_listing_counts(tmp_path: Path) -> None:
    known = Known(tmp_path / "catalogue.sqlite")
    known.note(FILMS, [entry("old.mkv")])
    known.note(FILMS, [entry("new.mkv"), entry("newer.mkv")])
    known.note(Location("pk"), [entry("news.txt")])
    assert sorted(await names(known, "new")) == ["new.mkv", "newer.mkv", "news.txt"]
    assert await names(known, "old") == []
    assert len(await names(known, "new", most=2)) == 2
    (hit,) = await known.search(["newer"], below=FILMS)
    assert hit.at == Location("pk", ("Films", "newer.mkv"), "id-newer.mkv")
    await known.close()
    again = Known(tmp_path / "catalogue.sqlite")
    assert await names(again, "newer") == ["newer.mkv"]
    await again.close()


async def test_what_waits_is_written_before_the_end(tmp_path: Path) -> None:
    known = Known(tmp_path / "catalogue.sqlite")
    known.note(FILMS, [entry("last.mkv")])
    await known.close()
    again = Known(tmp_path / "catalogue.sqlite")
    assert await names(again, "last") == ["last.mkv"]
    await again.close()


async def test_a_large_folder_that_changes_all_the_time_is_written_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Known(tmp_path / "catalogue.sqlite")
    many = [entry(f"{number}.bin") for number in range(2_001)]
    known.note(FILMS, many)
    await known.settled()
    known.note(FILMS, [*many, entry("late.bin")])
    assert await names(known, "late") == []
    monkeypatch.setattr(known_module, "_AGAIN", 0.0)
    known.note(FILMS, [*many, entry("late.bin")])
    assert await names(known, "late") == ["late.bin"]
    await known.close()


async def test_trouble_with_the_file_stops_nobody_but_the_searcher(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.sqlite"
    file.write_bytes(b"this is no database, and long enough to be told from one" * 20)
    known = Known(file)
    known.note(FILMS, [entry("a.mkv")])
    await known.settled()
    with pytest.raises(Refused, match="cannot be read"):
        await known.search(["a"])
    await known.close()


async def test_what_we_change_is_known_at_once(tmp_path: Path) -> None:
    known = Known(tmp_path / "catalogue.sqlite")
    gone = Change(FILMS.child("old.mkv", "id-old.mkv"))
    known.changed([gone])  # nothing is known yet: nothing is written
    await known.settled()
    assert not known.opened
    known.note(FILMS, [entry("old.mkv"), entry("older.mkv")])
    known.changed([gone])  # the listing waits still
    assert await names(known, "old") == ["older.mkv"]
    known.changed([Change(FILMS.child("older.mkv", "id-older.mkv"))])
    await known.close()
    known.changed([gone])  # too late; nobody opens the file again
    again = Known(tmp_path / "catalogue.sqlite")
    assert await names(again, "old") == []
    again.note(FILMS, [entry("old.mkv")])
    await again.close()
    third = Known(tmp_path / "catalogue.sqlite")
    third.changed([gone])  # of what another process noted
    assert await names(third, "old") == []
    await third.close()
