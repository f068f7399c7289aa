"""Search does not find what was just changed here, by id, as PikPak knows things."""

from __future__ import annotations

from pathlib import Path

from cloudtui.services.known import Known
from cloudtui.services.watching import watch
from tests.pikpak.stage import ROOT, Stage


async def test_our_own_changes_are_known_at_once(stage: Stage, tmp_path: Path) -> None:
    known = Known(tmp_path / "catalogue.sqlite")
    storage = stage.storage
    watch(storage, known.changed)
    folder = await storage.mkdir(ROOT, "films")
    inside = ROOT.child("films", folder.id)
    for name in ("one", "two", "three"):
        await stage.put(name.encode(), f"{name}.mkv", inside)
    known.note(ROOT, await stage.entries())
    known.note(inside, await stage.entries(inside))

    async def names() -> list[str]:
        return sorted(hit.at.path for hit in await known.search(["mkv"]))

    assert await names() == ["/films/one.mkv", "/films/three.mkv", "/films/two.mkv"]
    await storage.trash([await storage.stat(inside.child("one.mkv"))])
    await storage.rename(await storage.stat(inside.child("two.mkv")), "2.mkv")
    await storage.move(await storage.stat(ROOT.child("films")), ROOT, "series")
    assert await names() == ["/series/2.mkv", "/series/three.mkv"]
    (again,) = await known.search(["2.mkv"])
    assert (await storage.stat(again.at)).entry.name == "2.mkv"
    await storage.trash([await storage.stat(ROOT.child("series"))])
    assert await names() == []
    await known.close()
