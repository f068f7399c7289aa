"""Archives and packed folders: exercised where a place claims them, refused where it does not."""

from __future__ import annotations

import asyncio
import io
import zipfile
from typing import cast

import pytest

from cloudtui.services.errors import NotSupported
from cloudtui.services.models import ArchiveEntry, Found, Kind
from cloudtui.services.unpackers import Archives, PacksFolders
from tests.contract.conftest import Place, content, needs
from tests.contract.executor import write


async def test_archives_are_unpacked_where_they_can_be(place: Place) -> None:
    if not needs(place, "archives", Archives):
        assert not isinstance(place.storage, Archives)
        return
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner/file", b"content")
    made = await write(place.storage, place.top, "pack.zip", packed.getvalue())
    goal = await place.folder("goal")
    storage = cast("Archives", place.storage)
    seen: list[int] = []
    work = asyncio.create_task(
        storage.extract(made, goal.at, delete_source=True, on_progress=seen.append)
    )
    while not work.done():  # a task of the service goes on with its clock
        await asyncio.wait([work], timeout=0.05)
        assert place.sandbox is not None
        place.sandbox.admin.age(1)
    done = work.result()
    assert (done.decompressed, done.source_deleted, done.errors) == (1, 1, 0)
    assert seen[-1] == 100
    assert await place.names() == ["goal"]
    folder, found = goal.at, set[str]()
    for _ in range(3):
        found |= set(names := await place.names(folder))
        folder = folder.child(names[0])
        if "file" in found:
            break
    assert "file" in found


async def test_parts_of_archives_are_unpacked_or_refused(place: Place) -> None:
    if not place.storage.caps.allows("archives"):
        assert not place.storage.caps.archive_parts
        return
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner/file", b"content")
        archive.writestr("rest", b"left")
    made = await write(place.storage, place.top, "pack.zip", packed.getvalue())
    goal = await place.folder("goal")
    storage = cast("Archives", place.storage)
    inner = [ArchiveEntry("inner", Kind.FOLDER)]
    if not place.storage.caps.allows("archive_parts"):
        with pytest.raises(NotSupported, match="whole, not parts"):
            await storage.extract(made, goal.at, only=inner)
        assert await place.names(goal.at) == []
        return
    assert inner[0] in await storage.list_archive(made)
    work = asyncio.create_task(storage.extract(made, goal.at, only=inner))
    while not work.done():  # a task of the service goes on with its clock
        await asyncio.wait([work], timeout=0.05)
        assert place.sandbox is not None
        place.sandbox.admin.age(1)
    into = work.result().into
    assert into is not None
    assert await place.names(into) == ["inner"]


async def test_a_folder_is_packed_and_comes_back_where_it_can_be(place: Place) -> None:
    if not needs(place, "packs", PacksFolders):
        assert not isinstance(place.storage, PacksFolders)
        return
    storage = cast("PacksFolders", place.storage)
    folder = await place.folder("things")
    await write(place.storage, folder.at, "file", b"content")
    file = Found.of(place.top, await storage.pack_folder(folder))
    assert (file.entry.id, file.entry.is_folder) == (folder.entry.id, False)
    assert await place.names() == [file.entry.name]
    back = await storage.unpack_folder(file)
    assert (back.id, back.is_folder) == (folder.entry.id, True)
    assert await content(Place(place.storage, folder.at), "file") == b"content"
