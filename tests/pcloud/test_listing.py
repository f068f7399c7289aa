"""Listings that are read while they arrive."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudtui.services.errors import BadReply, LoginNeeded, NotFound
from cloudtui.services.models import Flag, Location
from cloudtui.services.pcloud.listing import PAGE, Splitter
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.pcloud.rig import Script, file_item, folder_item, place

API = "https://api.pcloud.com"
ROOT = Location("pc")

nasty = st.text(
    alphabet=st.sampled_from(['"', "\\", "{", "}", "[", "]", ",", ":", " ", "a", "é", "😀", "\n"]),
    max_size=12,
)


def listing(contents: list[dict[str, Any]]) -> dict[str, Any]:
    return {"result": 0, "metadata": folder_item(0, "/", None, contents)}


@given(
    names=st.lists(nasty, max_size=8),
    cuts=st.lists(st.integers(0, 4000), max_size=12),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
)
def test_any_cutting_of_the_body_gives_the_same_entries(
    names: list[str], cuts: list[int], indent: int | None, ascii_only: bool
) -> None:
    contents = [
        folder_item(number, name, 0, []) if number % 3 == 2 else file_item(number, name, 0)
        for number, name in enumerate(names)
    ]
    body = json.dumps(listing(contents), indent=indent, ensure_ascii=ascii_only).encode()
    splitter = Splitter()
    found: list[str] = []
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    for start, end in pairwise(edges):
        found += [item.name for item in splitter.feed(body[start:end])]
    end_of_it = splitter.end()
    assert end_of_it.metadata is not None
    found += [item.name for item in end_of_it.metadata.contents or ()]
    assert found == names


@given(cut=st.integers(0, 700))
def test_a_body_that_was_cut_short_is_never_taken_for_whole(cut: int) -> None:
    body = json.dumps(listing([file_item(1, "a", 0), file_item(2, "b", 0)])).encode()
    splitter = Splitter()
    splitter.feed(body[: min(cut, len(body) - 1)])
    with pytest.raises(ValueError, match=r".*"):
        splitter.end()


class Chunks(httpx.AsyncByteStream):
    """A body that arrives in pieces, and breaks off where `fail` says so."""

    def __init__(self, pieces: list[bytes], *, fail: bool = False) -> None:
        self._pieces = pieces
        self._fail = fail
        self.given = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.given += 1
            yield piece
        if self._fail:
            raise httpx.ReadError("broken")


def pieces(body: bytes, size: int = 300_000) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


async def ids(storage: PCloudStorage) -> list[str]:
    return [entry.id async for page in storage.scan(ROOT) for entry in page]


async def test_pages_are_bounded_and_whole(tmp_path: Path) -> None:
    body = json.dumps(listing([file_item(n, f"n{n}", 0) for n in range(9000)])).encode()
    script = Script(lambda _method, _params: httpx.Response(200, stream=Chunks(pieces(body))))
    storage = await place(tmp_path, API, network=script)
    pages = [page async for page in storage.scan(ROOT)]
    assert max(len(page) for page in pages) <= PAGE
    assert [entry.id for page in pages for entry in page] == [f"f{n}" for n in range(9000)]
    assert len(pages) > 5


async def test_a_listing_that_breaks_off_goes_on_without_doubles(tmp_path: Path) -> None:
    body = json.dumps(listing([file_item(n, f"n{n}", 0) for n in range(9000)])).encode()
    parts = pieces(body)

    def respond(method: str, params: Mapping[str, str]) -> httpx.Response:
        done = len(script.requests) >= 3
        stream = Chunks(parts if done else parts[: 2 * len(script.requests)], fail=not done)
        return httpx.Response(200, stream=stream)

    script = Script(respond)
    storage = await place(tmp_path, API, network=script)
    assert await ids(storage) == [f"f{n}" for n in range(9000)]
    assert len(script.requests) == 3


async def test_a_listing_that_always_breaks_off_fails(tmp_path: Path) -> None:
    body = json.dumps(listing([file_item(n, f"n{n}", 0) for n in range(9000)])).encode()
    parts = pieces(body)[:3]
    script = Script(lambda _method, _params: httpx.Response(200, stream=Chunks(parts)))
    storage = await place(tmp_path, API, network=script)
    with pytest.raises(BadReply):
        await ids(storage)


@pytest.mark.parametrize(("code", "expected"), [(2005, NotFound), (2094, LoginNeeded)])
async def test_refusals(tmp_path: Path, code: int, expected: type[Exception]) -> None:
    script = Script(lambda _method, _params: {"result": code, "error": "no"})
    storage = await place(tmp_path, API, network=script)
    with pytest.raises(expected):
        await ids(storage)


async def test_the_token_of_the_other_region_lists_there(tmp_path: Path) -> None:
    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        if script.requests[-1].url.host == "eapi.pcloud.com":
            return listing([file_item(1, "a", 0)])
        return {"result": 2094, "error": "no"}

    script = Script(respond)
    storage = await place(tmp_path, API, network=script)
    assert await ids(storage) == ["f1"]


async def test_a_deep_walk_holds_no_connection_per_level(tmp_path: Path) -> None:
    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        number = int(params["folderid"])
        below = [] if number >= 40 else [folder_item(number + 1, f"d{number + 1}", number)]
        return {"result": 0, "metadata": folder_item(number, "x", None, below)}

    script = Script(respond)
    storage = await place(tmp_path, API, network=script)

    async def walk(at: Location) -> int:
        async for page in storage.scan(at):
            for entry in page:
                return 1 + await walk(at.child(entry.name, entry.id))
        return 0

    assert await walk(ROOT) == 40


async def test_flags_and_odd_entries(tmp_path: Path) -> None:
    contents = [
        {"name": "min", "isfolder": False, "fileid": "7"},
        file_item(8, "shared", 0, ismine=False, canmodify=False),
        {**folder_item(9, "crypt", 0), "encrypted": True},
    ]
    script = Script(lambda _method, _params: listing(contents))
    storage = await place(tmp_path, API, network=script)
    entries = [entry async for page in storage.scan(ROOT) for entry in page]
    assert [(entry.id, entry.size, entry.mtime_ns) for entry in entries[:1]] == [("f7", None, None)]
    assert entries[1].flags == Flag.SHARED | Flag.READ_ONLY
    assert entries[2].flags == Flag.ENCRYPTED | Flag.READ_ONLY
