"""Answers whose fields are not of the documented types: read as far as can be, never misread."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from cloudtui.services.errors import BadReply
from cloudtui.services.models import HashType, Kind, Location
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.entries import Names
from cloudtui.services.pcloud.links import digests
from tests.pcloud.rig import Script, place

_URL = "http://127.0.0.1:1"
_TOP = Location("pc", ())


def _file(**fields: object) -> dict[str, object]:
    return {"isfolder": False, "fileid": 7, "name": "a", "size": 3, "hash": 5, **fields}


def _folder(number: int, *entries: object, **fields: object) -> dict[str, object]:
    held = {"contents": list(entries)} if entries else {}
    return {"isfolder": True, "folderid": number, "name": f"n{number}", **held, **fields}


def _read(*entries: object) -> wire.Listing:
    body = {"result": 0, "metadata": _folder(0, *entries)}
    return wire.decode(json.dumps(body).encode(), wire.Listing)


@pytest.mark.parametrize(
    "odd",
    [
        {"ismine": None},
        {"isshared": "perhaps"},
        {"contenttype": 5},
        {"created": 1.5},
        {"modified": {"sec": 1}},
        {"candelete": []},
        {"isdeleted": None},
        {"parentfolderid": None},
    ],
)
def test_an_odd_value_costs_its_own_field_only(odd: dict[str, object]) -> None:
    [item] = (_read(_file(**odd)).metadata or wire.Folder()).contents or []
    assert (item.fileid, item.name, item.size, item.hash) == (7, "a", 3, 5)


@pytest.mark.parametrize(
    ("given", "node"),
    [
        ({"id": "f9", "isfolder": False}, "f9"),
        ({"id": "d9", "isfolder": True}, "d9"),
        ({"id": "d9"}, "d9"),
        ({"folderid": 9}, "d9"),
        ({"fileid": "9", "isfolder": 0}, "f9"),
        ({"folderid": 9.0, "isfolder": 1}, "d9"),
        ({"id": "d3", "folderid": 9, "isfolder": True}, "d9"),
    ],
)
def test_an_entry_is_known_by_what_there_is(given: dict[str, object], node: str) -> None:
    [item] = (_read({"name": "x", **given}).metadata or wire.Folder()).contents or []
    assert item.is_whole
    assert item.node == node


@pytest.mark.parametrize(
    "contents", ["nothing", {"a": 1}, 7, [_file(), "b"], [_file(), None], [_file(ismine=None), 4]]
)
def test_a_list_that_cannot_be_read_whole_is_no_answer(contents: object) -> None:
    body = json.dumps({"result": 0, "metadata": {"folderid": 0, "contents": contents}}).encode()
    with pytest.raises(wire.Misshapen):
        wire.decode(body, wire.Listing)


def test_no_contents_and_null_are_an_empty_folder() -> None:
    held: list[dict[str, object]] = [{}, {"contents": None}, {"contents": []}]
    for fields in held:
        body = json.dumps({"result": 0, "metadata": {"folderid": 0, "name": None, **fields}})
        assert not (wire.decode(body.encode(), wire.Listing).metadata or wire.Folder()).contents


@pytest.mark.parametrize("stamp", [2**70, -(2**40), str(2**70), "2026", None, "soon"])
def test_times_that_no_calendar_shows_are_none(stamp: int | str | None) -> None:
    known = 2026 if stamp == "2026" else None
    assert wire.seconds(stamp) == known
    assert wire.seconds("Thu, 21 Mar 2013 18:31:45 +0000") == 1363890705


@pytest.mark.parametrize("odd", ["", "x" * 40, "ab", "a" * 39 + "\x1b", "a" * 41])
def test_what_is_no_digest_counts_as_missing(odd: str) -> None:
    sums = wire.Sums(sha1=odd, md5="A" * 32)
    assert digests(sums) == {HashType.MD5: "a" * 32}


@pytest.mark.parametrize("mark", [-5, 2**64, 2**70, None])
def test_a_change_mark_that_is_none_is_not_known(mark: int | None) -> None:
    entry = Names().entry(wire.Item(name="a", fileid=7, size=-1, hash=mark))
    assert (entry.hash, entry.size) == (b"", None)


@pytest.mark.parametrize("odd", [{"name": None}, {"name": ""}, {"name": 7}])
async def test_an_entry_without_a_name_is_listed_under_its_id(
    tmp_path: Path, odd: dict[str, object]
) -> None:
    """One of them must not cost the whole folder; left out it would look deleted."""

    def respond(_method: str, _params: dict[str, str]) -> dict[str, object]:
        return {"result": 0, "metadata": _folder(0, _file(name="b", fileid=8), _file(**odd))}

    storage = await place(tmp_path, _URL, network=Script(respond))
    entries = [entry async for page in storage.scan(_TOP) for entry in page]
    odd_one = next(entry for entry in entries if entry.id == "f7")
    assert [entry.name for entry in entries] == ["b", "(no name) f7"]
    found = await storage.stat(_TOP.child(odd_one.name))
    assert found.entry == odd_one
    await storage.close()


@pytest.mark.parametrize("odd", [{"fileid": None}, {"fileid": -7}])
async def test_an_entry_that_cannot_be_named_is_not_left_out(
    tmp_path: Path, odd: dict[str, object]
) -> None:
    """Left out it would be deleted from the other side of a mirror."""

    def respond(_method: str, _params: dict[str, str]) -> dict[str, object]:
        return {"result": 0, "metadata": _folder(0, _file(name="b", fileid=8), _file(**odd))}

    storage = await place(tmp_path, _URL, network=Script(respond))
    with pytest.raises(BadReply):
        async for _ in storage.scan(_TOP):
            pass
    await storage.close()


@pytest.mark.parametrize(
    "body", [{}, {"error": "x"}, {"result": 0, "metadata": {"folderid": 0, "contents": "x"}}]
)
async def test_a_whole_answer_of_another_shape_is_not_asked_for_again(
    tmp_path: Path, body: dict[str, object]
) -> None:
    network = Script(lambda _method, _params: body)
    storage = await place(tmp_path, _URL, network=network)
    with pytest.raises(BadReply):
        async for _ in storage.scan(_TOP):
            pass
    assert network.methods == ["listfolder"]
    await storage.close()


async def test_odd_fields_in_a_listing_that_comes_in_pieces(tmp_path: Path) -> None:
    rows = [_file(fileid=number, name=f"n{number}", ismine=None) for number in range(3000)]
    body = json.dumps({"result": 0, "metadata": _folder(0, *rows)}).encode()
    network = Script(lambda _method, _params: httpx.Response(200, content=body))
    storage = await place(tmp_path, _URL, network=network)
    found = [entry.id async for page in storage.scan(_TOP) for entry in page]
    assert found == [f"f{number}" for number in range(3000)]
    await storage.close()


async def test_a_tree_that_came_as_one_level_is_listed_level_by_level(tmp_path: Path) -> None:
    """A service that no longer knows `recursive` answers one level, as if all below were empty."""
    tree = {
        5: _folder(5, _folder(6), _file()),
        6: _folder(6, _file(fileid=8, name="deep")),
    }

    def respond(method: str, params: dict[str, str]) -> dict[str, object]:
        assert method == "listfolder"
        return {"result": 0, "metadata": tree[int(params["folderid"])]}

    storage = await place(tmp_path, _URL, network=Script(respond))
    top = Location("pc", ("n5",), "d5")
    assert await storage.list_tree(top) is None
    deep = [entry async for page in storage.scan(top.child("n6", "d6")) for entry in page]
    assert [(entry.name, entry.kind) for entry in deep] == [("deep", Kind.FILE)]
    await storage.close()


def test_a_row_tells_when_it_was_made_where_the_answer_does() -> None:
    made, changed = "Thu, 21 Mar 2013 18:31:45 +0000", "Fri, 22 Mar 2013 18:31:45 +0000"
    held = _read(_file(created=made, modified=changed), _folder(8, created=made), _file())
    rows = [Names().entry(item) for item in (held.metadata or wire.Folder()).contents or []]
    assert [row.created_ns for row in rows] == [1363890705 * 10**9, 1363890705 * 10**9, None]
    assert rows[0].mtime_ns == (1363890705 + 86400) * 10**9
