"""The history of an account: paging by time, plays, forgetting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.sandbox.pikpak_rig import Rig

EVENTS = "/drive/v1/events"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def play(rig: Rig, node: str, kind: str = "TYPE_PLAY") -> None:
    event = {"type": kind, "file_id": node, "params": {"play_seconds": "7"}}
    assert rig.good("POST", EVENTS, {"event": event}) == {}


def listed(rig: Rig, *kinds: str, **query: str) -> list[dict[str, Any]]:
    """The events of a first page."""
    if kinds:
        query["filters"] = json.dumps({"type": {"in": ",".join(kinds)}})
    events: list[dict[str, Any]] = rig.good("GET", EVENTS, None, query)["events"]
    return events


def test_plays_come_only_when_asked_for(rig: Rig) -> None:
    node = rig.put("a.mp4", "x")
    play(rig, node, "TYPE_UPLOAD")
    play(rig, node)
    assert [event["type"] for event in listed(rig)] == ["TYPE_UPLOAD"]
    (played,) = listed(rig, "TYPE_PLAY")
    assert (played["file_id"], played["params"]) == (node, {"play_seconds": "7"})
    assert played["reference_resource"]["name"] == "a.mp4"
    assert len(listed(rig, "TYPE_PLAY", "TYPE_UPLOAD", "TYPE_RESTORE")) == 2
    assert rig.refused("POST", EVENTS, {"event": {"file_id": node}})[1] == "invalid_argument"
    assert rig.refused("POST", EVENTS, {"event": {"file_id": "VN"}})[1] == "file_not_found"


def test_what_is_gone_has_only_its_name(rig: Rig) -> None:
    node = rig.put("a.txt", "x")
    play(rig, node, "TYPE_UPLOAD")
    rig.good("DELETE", f"/drive/v1/files/{node}")
    (event,) = listed(rig)
    assert (event["file_name"], event["reference_resource"]) == ("a.txt", None)


@pytest.mark.parametrize("tokens", ["any", "encoded", "decoded"])
def test_pages_go_on_behind_a_token_that_is_encoded(rig: Rig, tokens: str) -> None:
    rig.switch(events_limit=2, event_tokens=tokens)
    nodes = [rig.put(f"{number}.txt", "x") for number in range(5)]
    for node in nodes:
        play(rig, node, "TYPE_UPLOAD")
    seen: list[str] = []
    token = ""
    while True:
        page = rig.good("GET", EVENTS, None, {"limit": "100", "page_token": token})
        seen += [event["file_id"] for event in page["events"]]
        given = page["next_page_token"]
        if not given:
            break
        assert "%" in given
        token = unquote(given) if tokens == "decoded" else given
    assert seen == nodes[::-1]


def test_a_token_in_the_wrong_form_is_refused_or_begins_anew(rig: Rig) -> None:
    rig.switch(events_limit=1)
    for name in "ab":
        play(rig, rig.put(name, "x"), "TYPE_UPLOAD")
    first = rig.good("GET", EVENTS, None, {})
    token = first["next_page_token"]
    rig.switch(event_tokens="decoded")
    assert rig.good("GET", EVENTS, None, {"page_token": token})["events"] == first["events"]
    rig.switch(event_tokens="encoded")
    assert rig.refused("GET", EVENTS, page_token=unquote(token)) == (3, "invalid_argument")
    assert rig.refused("GET", EVENTS, page_token="%20nonsense") == (3, "invalid_argument")


def test_lines_are_forgotten_by_id_or_all_at_once(rig: Rig) -> None:
    for name in "abc":
        play(rig, rig.put(name, "x"), "TYPE_UPLOAD")
    ids = [event["id"] for event in listed(rig)]
    rig.good("POST", f"{EVENTS}:delete", {"ids": [ids[1], "VEnone"]})
    assert [event["id"] for event in listed(rig)] == [ids[0], ids[2]]
    assert rig.refused("POST", f"{EVENTS}:delete", {}) == (3, "invalid_argument")
    assert len(listed(rig)) == 2
    rig.good("POST", f"{EVENTS}:clear", {})
    assert listed(rig) == []
    assert len(rig.names()) == 3
