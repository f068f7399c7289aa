"""What every place promises, held against each of them: names, folders, files, uploads."""

from __future__ import annotations

import os

import pytest

from cloudtui.services.errors import Ambiguous, CloudError, Exists, Gone, Mismatch, NotFound
from cloudtui.services.models import Found, Kind, Location
from cloudtui.services.storage import ReadTicket
from tests.contract.conftest import Place
from tests.contract.executor import (
    MTIME,
    abort,
    begin,
    digest,
    facts_of,
    finish,
    on_disk,
    read,
    remote,
    send_parts,
    write,
)

SIZE = 500_000

NAMES = [
    "plain.txt",
    "two words.txt",
    " leading and trailing ",
    "dots...",
    "日本語.txt",
    "emoji 🎉👨‍👩‍👧.txt",
    "quotes ' \" `.txt",
    "a [b] [[c]",
    "esc \x1b[31m.txt",
    "tab\tline\nfeed",
    "colon:star*question?.txt",
    "back\\slash",
    "pipe|less<more>",
    "percent %41 & plus + hash #",
    "e\u0301 decomposed",
    "\xe9 composed",
    "~tilde",
    "-dash",
    ".hidden",
    "n" * 200,
]


@pytest.fixture
def big() -> bytes:
    """Half a megabyte that no service has ever seen: known bytes are never sent."""
    return os.urandom(SIZE)


# --- looking ---------------------------------------------------------------------------------


async def test_the_top_is_a_folder(place: Place) -> None:
    root = await place.storage.stat(Location(place.storage.account))
    assert root.entry.is_folder
    top = await place.storage.stat(place.top)
    assert top.entry.is_folder
    assert await place.names() == []


async def test_listing_and_stat_agree(place: Place) -> None:
    await place.folder("folder")
    await write(place.storage, place.top, "file.txt", b"hello")
    pages = [page async for page in place.storage.scan(place.top)]
    entries = {entry.name: entry for page in pages for entry in page}
    assert set(entries) == {"folder", "file.txt"}
    assert entries["folder"].kind is Kind.FOLDER
    assert entries["file.txt"].kind is Kind.FILE
    assert entries["file.txt"].size == 5
    for name, entry in entries.items():
        found = await place.found(name)
        assert (found.entry.id, found.entry.kind) == (entry.id, entry.kind)
        assert found.at.parts == place.top.child(name).parts
        if place.storage.account:
            assert found.at.node == entry.id
            by_id = await place.storage.stat(Location(place.storage.account, ("?",), entry.id))
            assert by_id.entry.name == name


async def test_what_is_not_there(place: Place) -> None:
    await write(place.storage, place.top, "file", b"x")
    for at in (
        place.top.child("nothing"),
        place.top.child("no").child("thing"),
        place.top.child("file").child("below"),
    ):
        with pytest.raises(NotFound):
            await place.storage.stat(Location(at.account, at.parts))
    gone = await place.folder("gone")
    await place.storage.remove([gone])
    with pytest.raises(NotFound):
        await place.names(gone.at)
    with pytest.raises(NotFound):
        await place.storage.mkdir(gone.at, "x")


async def test_long_listings_are_complete(place: Place) -> None:
    wanted = [f"{number:03d}" for number in range(210)]
    for name in wanted:
        await place.storage.mkdir(place.top, name)
    assert await place.names() == wanted


# --- names -----------------------------------------------------------------------------------


async def test_every_name_comes_back_as_it_went(place: Place) -> None:
    files = await place.folder("files")
    folders = await place.folder("folders")
    for name in NAMES:
        made = await write(place.storage, files.at, name, name.encode())
        assert made.entry.name == name
        assert (await place.folder(name, folders.at)).entry.name == name
    assert await place.names(files.at) == sorted(NAMES)
    assert await place.names(folders.at) == sorted(NAMES)
    for name in NAMES:
        found = await place.storage.stat(Location(files.at.account, files.at.child(name).parts))
        assert await read(place.storage, found) == name.encode()
    everything = [
        Found.of(parent.at, entry)
        for parent in (files, folders)
        async for page in place.storage.scan(parent.at)
        for entry in page
    ]
    await place.storage.remove(everything)
    assert await place.names(files.at) == []
    assert await place.names(folders.at) == []


@pytest.mark.parametrize(
    "name", ["colon:star*question?.txt", "日本語 🎉 ' \" [b]", "esc \x1b[31m..."]
)
async def test_renaming_to_awkward_names_and_back(place: Place, name: str) -> None:
    plain = await write(place.storage, place.top, "plain", b"x")
    renamed = await place.storage.rename(plain, name)
    assert renamed.name == name
    assert await place.names() == [name]
    await place.storage.rename(Found.of(place.top, renamed), "plain")
    assert await place.names() == ["plain"]


# --- folders ---------------------------------------------------------------------------------


async def test_a_folder_is_made_once(place: Place) -> None:
    made = await place.folder("folder")
    inner = await place.folder("inner", made.at)
    assert await place.names(made.at) == ["inner"]
    with pytest.raises(Exists):
        await place.storage.mkdir(place.top, "folder")
    assert await place.names() == ["folder"]
    assert (await place.storage.stat(inner.at)).entry.is_folder


async def test_a_file_and_a_folder_of_one_name(place: Place) -> None:
    await write(place.storage, place.top, "x", b"file")
    if not place.storage.caps.file_and_folder_share_name:
        with pytest.raises(Exists):
            await place.storage.mkdir(place.top, "x")
        assert (await place.found("x")).entry.kind is Kind.FILE
        return
    try:
        await place.folder("x")
    except Exists:
        # such twins are only met where others made them
        assert (await place.found("x")).entry.kind is Kind.FILE
        return
    path = Location(place.top.account, place.top.child("x").parts)
    with pytest.raises(Ambiguous) as caught:
        await place.storage.stat(path)
    assert len(caught.value.ids) == 2
    assert (await place.storage.stat(path, want=Kind.FOLDER)).entry.is_folder
    assert (await place.storage.stat(path, want=Kind.FILE)).entry.kind is Kind.FILE


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 70_000, 204_800, SIZE])
async def test_bytes_come_back_as_they_went(place: Place, big: bytes, size: int) -> None:
    data = big[:size]
    made = await write(place.storage, place.top, "file.bin", data)
    assert made.entry.size == size
    found = await place.found("file.bin")
    assert found.entry.size == size
    assert await read(place.storage, found) == data
    assert await place.names() == ["file.bin"]
    if place.storage.caps.sets_mtime:
        assert found.entry.mtime_ns is not None
        assert abs(found.entry.mtime_ns - MTIME) < 1_000_000_000
    assert (found.entry.created_ns is not None) or not place.top.account  # the clouds tell it
    for kind, text in (await place.storage.hashes(found)).items():
        assert digest(data, kind) == text


async def test_ranges(place: Place, big: bytes) -> None:
    await write(place.storage, place.top, "file.bin", big)
    found = await place.found("file.bin")
    source = await place.storage.open_read(found)
    assert source.size == len(big)
    if isinstance(source, ReadTicket):
        assert source.ranges == place.storage.caps.ranged_read
        assert "://" not in repr(source)
    assert place.storage.caps.ranged_read
    assert await read(place.storage, found, 123_456, 1000) == big[123_456:124_456]


async def test_a_version_changes_with_the_content(place: Place) -> None:
    await write(place.storage, place.top, "file", b"one")
    first = await place.storage.open_read(await place.found("file"))
    again = await place.storage.open_read(await place.found("file"))
    assert first.version == again.version
    await write(place.storage, place.top, "file", b"two!", await place.found("file"))
    second = await place.storage.open_read(await place.found("file"))
    assert second.version != first.version


async def test_folders_are_not_read(place: Place) -> None:
    folder = await place.folder("folder")
    with pytest.raises(CloudError):
        await place.storage.open_read(folder)


async def test_a_taken_name_is_kept(place: Place) -> None:
    await write(place.storage, place.top, "file", b"old")

    async def attempt() -> None:
        handle = await begin(place.storage, place.top, "file", b"new!")
        try:
            receipts = await send_parts(handle, b"new!")
            await finish(place.storage, handle, receipts, b"new!")
        except CloudError:
            await abort(handle)
            raise

    with pytest.raises(Exists):
        await attempt()
    assert await place.names() == ["file"]
    assert await read(place.storage, await place.found("file")) == b"old"


@pytest.mark.parametrize("size", [0, 10, 300_000])
async def test_replacing_leaves_one_file(place: Place, big: bytes, size: int) -> None:
    await write(place.storage, place.top, "file", b"old")
    data = big[:size]
    await write(place.storage, place.top, "file", data, await place.found("file"))
    assert await place.names() == ["file"]
    assert await read(place.storage, await place.found("file")) == data


async def test_nothing_shows_before_it_is_whole(place: Place, big: bytes) -> None:
    handle = await begin(place.storage, place.top, "file", big)
    receipts = await send_parts(handle, big)
    assert await place.names() == []
    await finish(place.storage, handle, receipts, big)
    assert await place.names() == ["file"]


async def test_giving_up_leaves_nothing(place: Place, big: bytes) -> None:
    handle = await begin(place.storage, place.top, "file", big)
    await send_parts(handle, big, most=1)
    await abort(handle)
    await abort(handle)
    assert await place.names() == []
    await write(place.storage, place.top, "file", b"x")
    assert await place.names() == ["file"]


async def test_giving_up_a_replacement_keeps_the_old(place: Place, big: bytes) -> None:
    await write(place.storage, place.top, "file", b"old")
    handle = await begin(place.storage, place.top, "file", big, await place.found("file"))
    await send_parts(handle, big, most=1)
    await abort(handle)
    assert await place.names() == ["file"]
    assert await read(place.storage, await place.found("file")) == b"old"


async def test_an_upload_is_taken_up_where_it_was_left(place: Place, big: bytes) -> None:
    assert place.storage.caps.resume_upload
    handle = await begin(place.storage, place.top, "file", big)
    disk = on_disk(handle)
    if disk is not None:
        os.pwrite(disk.fd(), big[:1000], 0)
        disk.close()
        taken = on_disk(await place.storage.reopen_write(disk.state()))
        assert taken is not None
        assert os.pread(taken.fd(), 1000, 0) == big[:1000]
        await send_parts(taken, big)
        taken.finish(facts_of(big))
    else:
        assert remote(handle).resumable
        sent = await send_parts(handle, big, most=2)
        again = remote(await place.storage.reopen_write(handle.state()))
        held = await again.probe()
        assert {receipt.number for receipt in held} >= {receipt.number for receipt in sent}
        receipts = await send_parts(again, big, held=held)
        await finish(place.storage, again, receipts, big)
    assert await read(place.storage, await place.found("file")) == big


async def test_finishing_twice_is_finishing_once(place: Place, big: bytes) -> None:
    handle = await begin(place.storage, place.top, "file", big)
    receipts = await send_parts(handle, big)
    state = handle.state()
    first = await finish(place.storage, handle, receipts, big)
    again = await place.storage.reopen_write(state)
    second = await finish(place.storage, again, receipts, big)
    assert (second.id, second.size) == (first.id, len(big))
    assert await place.names() == ["file"]


async def test_a_lost_upload_is_gone(place: Place, big: bytes) -> None:
    handle = await begin(place.storage, place.top, "file", big)
    await send_parts(handle, big, most=1)
    state = handle.state()
    await abort(handle)

    async def take_up() -> None:
        await remote(await place.storage.reopen_write(state)).probe()

    with pytest.raises(Gone):
        await take_up()


async def test_wrong_bytes_get_no_name(place: Place, big: bytes) -> None:
    handle = await begin(place.storage, place.top, "file", big)
    wrong = b"?" + big[1:]
    disk = on_disk(handle)
    if disk is not None:
        os.ftruncate(disk.fd(), 10)
        with pytest.raises(Mismatch):
            disk.finish(facts_of(big))
    elif remote(handle).verify_hash is None:
        # the service confirms no digest: what it stores is compared by its parts
        kind = remote(handle).part_hash
        assert kind is not None
        receipts = await send_parts(handle, wrong)
        assert receipts[0].tag == digest(wrong[: remote(handle).part_size], kind)
    else:
        receipts = await send_parts(handle, wrong)
        with pytest.raises(Mismatch):
            await finish(place.storage, handle, receipts, big)
    await abort(handle)
    assert await place.names() == []


# --- renaming and removing -------------------------------------------------------------------


async def test_renaming_never_replaces(place: Place) -> None:
    one = await write(place.storage, place.top, "one", b"1")
    await write(place.storage, place.top, "two", b"2")
    folder = await place.folder("folder")
    with pytest.raises(Exists):
        await place.storage.rename(one, "two")
    renamed = await place.storage.rename(folder, "new folder")
    assert renamed.is_folder
    moved = await place.storage.rename(one, "uno")
    if place.storage.account:
        assert moved.id == one.entry.id
    assert await place.names() == ["new folder", "two", "uno"]
    assert await read(place.storage, await place.found("two")) == b"2"
    assert await read(place.storage, await place.found("uno")) == b"1"


async def test_removing_takes_folders_with_all_they_hold(place: Place) -> None:
    folder = await place.folder("folder")
    inner = await place.folder("inner", folder.at)
    await write(place.storage, inner.at, "file", b"x")
    single = await write(place.storage, place.top, "single", b"x")
    await write(place.storage, place.top, "kept", b"x")
    await place.storage.remove([folder, single])
    assert await place.names() == ["kept"]
    for found in (folder, inner, single):
        with pytest.raises(NotFound):
            await place.storage.stat(Location(found.at.account, found.at.parts))


async def test_reading_what_was_removed(place: Place) -> None:
    made = await write(place.storage, place.top, "file", b"x")
    await place.storage.remove([made])
    with pytest.raises(NotFound):
        await place.storage.open_read(made)
