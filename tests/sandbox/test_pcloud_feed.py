"""pCloud's change feed, trash and playlists."""

from __future__ import annotations

import threading
from typing import Any

from tests.sandbox.rig import Rig


def events(rig: Rig, since: int) -> list[tuple[str, str]]:
    entries = rig.us("diff", diffid=since)["entries"]
    return [(entry["event"], entry["metadata"]["name"]) for entry in entries]


def test_the_feed_tells_every_change(rig: Rig) -> None:
    start = rig.us("diff", last=0)
    assert start["entries"] == []
    folder = rig.us.folder("f")
    file = rig.us.upload("a.txt", b"1", folderid=folder)["fileid"]
    rig.us.upload("a.txt", b"22", folderid=folder)
    other = rig.us.upload("b.txt", b"1", folderid=folder)["fileid"]
    rig.us("renamefile", fileid=other, toname="a.txt")
    rig.us("renamefolder", folderid=folder, toname="g")
    rig.us("deletefolderrecursive", folderid=folder)
    assert events(rig, start["diffid"]) == [
        ("createfolder", "f"),
        ("createfile", "a.txt"),
        ("modifyfile", "a.txt"),
        ("createfile", "b.txt"),
        ("modifyfile", "a.txt"),
        ("modifyfolder", "g"),
        ("deletefile", "a.txt"),
        ("deletefolder", "g"),
    ]
    found = rig.us("diff", diffid=start["diffid"])
    assert found["entries"][4]["metadata"]["deletedfileid"] == file
    assert found["diffid"] == found["entries"][-1]["diffid"] > 2**32
    page = rig.us("diff", diffid=start["diffid"], limit=3)
    assert len(page["entries"]) == 3
    assert page["diffid"] == page["entries"][-1]["diffid"]
    assert len(rig.us("diff", last=2)["entries"]) == 2


def test_a_start_from_nothing_gets_a_reset_and_the_whole_state(rig: Rig) -> None:
    rig.sandbox.pcloud.seed("trash")
    entries = rig.us("diff", diffid=0)["entries"]
    assert entries[0]["event"] == "reset"
    assert {(e["event"], e["metadata"]["name"]) for e in entries[1:]} == {
        ("createfolder", "Drafts"),
        ("createfile", "kept.txt"),
    }


def test_a_blocked_call_waits_for_news_or_gives_up(rig: Rig) -> None:
    start = rig.us("diff", last=0)["diffid"]
    rig.switch("pcloud.diff_seconds", 0.05)
    assert rig.us("diff", diffid=start, block=1)["entries"] == []
    rig.switch("pcloud.diff_seconds", 20)
    found: list[Any] = []
    waiter = threading.Thread(target=lambda: found.append(rig.us("diff", diffid=start, block=1)))
    waiter.start()
    rig.us.folder("news")
    waiter.join(100)
    assert [entry["metadata"]["name"] for entry in found[0]["entries"]] == ["news"]


def test_the_trash_lists_and_restores(rig: Rig) -> None:
    session = rig.session()
    folder = session.folder("f")
    below = session.folder("below", folder)
    file = session.upload("a.txt", b"text", folderid=below)["fileid"]
    session("deletefile", fileid=file)
    listed = session("trash_list")["metadata"]["contents"]
    assert [(e["name"], e["origparentfolderid"], e["isdeleted"]) for e in listed] == [
        ("a.txt", below, True)
    ]
    way = session("trash_restorepath", fileid=file)
    assert way["destination"]["folderid"] == below
    session("deletefolderrecursive", folderid=folder)
    way = session("trash_restorepath", fileid=file)
    assert way["destination"]["folderid"] == 0
    restored = session("trash_restore", folderid=folder)["metadata"]
    assert (restored["isdeleted"], restored["parentfolderid"]) == (False, 0)
    assert [entry["name"] for entry in restored["contents"]] == ["below"]
    back = session("trash_restore", fileid=file)["metadata"]
    assert back["parentfolderid"] == below
    assert session.download(file).body == b"text"
    assert session("trash_list")["metadata"]["contents"] == []


def test_restoring_into_a_taken_name_and_elsewhere(rig: Rig) -> None:
    session = rig.session()
    file = session.upload("a.txt", b"old", folderid=0)["fileid"]
    session("deletefile", fileid=file)
    session.upload("a.txt", b"new", folderid=0)
    assert session("trash_restore", fileid=file)["metadata"]["name"] == "a (2).txt"
    session("deletefile", fileid=file)
    other = session.folder("other")
    assert session("trash_restore", fileid=file, restoreto=99)["result"] == 2005
    moved = session("trash_restore", fileid=file, restoreto=other)["metadata"]
    assert moved["parentfolderid"] == other


def test_emptying_the_trash(rig: Rig) -> None:
    rig.sandbox.pcloud.seed("trash")
    session = rig.session()
    tree = session("trash_list", recursive=1)["metadata"]["contents"]
    chapter = next(entry for entry in tree if entry["name"] == "chapter one")
    assert [entry["name"] for entry in chapter["contents"]] == ["notes.txt"]
    assert session("trash_clear", folderid=chapter["folderid"])["result"] == 0
    assert session("trash_clear", folderid=chapter["folderid"])["result"] == 2005
    assert session("trash_clear")["result"] == 1053
    assert len(session("trash_list")["metadata"]["contents"]) == 2
    everything = session("trash_restore", folderid=0)["restored"]
    assert {entry["name"] for entry in everything} == {"old letter.txt", "thrown away.txt"}
    session("deletefolderrecursive", path="/Drafts")
    session("trash_clear", folderid=0)
    state = rig.sandbox.pcloud.state()
    accounts = state["accounts"]
    assert isinstance(accounts, list)
    assert [node["path"] for node in accounts[0]["nodes"]] == ["/thrown away.txt"]


def test_playlists(rig: Rig) -> None:
    session = rig.session()
    songs = [session.upload(f"{n}.mp3", b"x", folderid=0)["fileid"] for n in range(3)]
    made = session("collection_create", name="mine", type=1, fileids=f"{songs[0]},77")
    number = made["collection"]["id"]
    assert [entry["result"] for entry in made["linkresult"]] == [0, 2009]
    assert session("collection_create", name="mine")["result"] == 2073
    session("collection_linkfiles", collectionid=number, fileids=f"{songs[1]},{songs[2]}")
    session("collection_move", collectionid=number, item=3, position=1)
    found = session("collection_details", collectionid=number)["collection"]["contents"]
    assert [entry["fileid"] for entry in found] == [songs[2], songs[0], songs[1]]
    session("collection_unlinkfiles", collectionid=number, positions="2")
    session("collection_rename", collectionid=number, name="yours")
    listed = session("collection_list", type=1, showfiles=1)["collections"]
    assert [(c["name"], c["system"], c["items"]) for c in listed] == [
        ("Most Listened", True, 0),
        ("yours", False, 2),
    ]
    assert session("collection_delete", collectionid=listed[0]["id"])["result"] == 2065
    assert session("collection_delete", collectionid=number)["result"] == 0


def test_tokens_can_be_listed_and_deleted_by_a_session(rig: Rig) -> None:
    session = rig.session()
    tokens = session("listtokens")["tokens"]
    assert len(tokens) == 2
    assert session("deletetoken", tokenid=1)["result"] == 2102
    session("deletetoken", tokenid=tokens[0]["tokenid"])
    assert rig.us("userinfo")["result"] == 2095
    assert session("userinfo")["result"] == 0
