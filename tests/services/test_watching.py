"""What the program changes in a place is told to the index of names, whoever asks for it."""

from __future__ import annotations

from pathlib import Path

from cloudtui.services.models import DISK, Location
from cloudtui.services.runtime import Overrides, open_runtime
from cloudtui.services.storage import HasTrash
from cloudtui.services.transfers.orders import JobState, Order, Source, Verb


def at(path: Path) -> Location:
    return Location(DISK, path.parts[1:])


async def test_changes_of_all_kinds_reach_the_index(tmp_path: Path) -> None:
    top, home = tmp_path / "top", tmp_path / "home"
    for name in ("renamed.txt", "removed.txt", "trashed.txt", "moved.txt", "stays.txt"):
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_text(name)
    (tmp_path / "other").mkdir()
    environ = {"CLOUDTUI_HOME": str(home), "HOME": str(home), "XDG_DATA_HOME": str(home / "share")}
    async with open_runtime(Overrides(environ=environ)) as runtime:
        disk = await runtime.storage(DISK)
        found = {}
        for folder in (top, tmp_path / "other"):
            entries = [entry async for page in disk.scan(at(folder)) for entry in page]
            runtime.known.note(at(folder), entries)
            for entry in entries:
                found[entry.name] = await disk.stat(at(folder).child(entry.name))

        async def names(word: str) -> list[str]:
            return sorted(str(hit.at) for hit in await runtime.known.search([word]))

        assert len(await names("txt")) == 5
        await disk.rename(found["renamed.txt"], "new name.txt")
        await disk.remove([found["removed.txt"]])
        assert isinstance(disk, HasTrash)
        gone = await disk.trash([found["trashed.txt"]])
        assert len(await names("trashed")) == 0
        await disk.restore(gone)
        assert await names("trashed") == [f"{tmp_path}/top/trashed.txt"]
        await disk.trash([found["trashed.txt"]])
        order = Order(Verb.MOVE, (Source(at(top / "moved.txt")),), at(tmp_path / "other"))
        job = await runtime.transfers.submit(order)
        assert (await runtime.transfers.wait(job)).state is JobState.DONE
        assert await names("txt") == [
            f"{tmp_path}/other/moved.txt",
            f"{tmp_path}/top/new name.txt",
            f"{tmp_path}/top/stays.txt",
        ]
