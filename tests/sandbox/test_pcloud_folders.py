"""pCloud's folders and files: listing, making, moving, copying, deleting."""

from __future__ import annotations

import pytest

from tests.sandbox.rig import Rig

CONTENT = b"some content"


def test_the_root_and_one_answer_for_a_whole_folder(rig: Rig) -> None:
    rig.us.folder("a")
    rig.us.upload("b.txt", CONTENT, folderid=0)
    root = rig.us("listfolder", folderid=0)["metadata"]
    assert (root["name"], root["path"], root["folderid"], root["id"]) == ("/", "/", 0, "d0")
    assert "parentfolderid" not in root
    assert [entry["name"] for entry in root["contents"]] == ["a", "b.txt"]
    assert rig.us.names(nofiles=1) == ["a"]
    assert rig.us("listfolder", path="/a")["metadata"]["contents"] == []


def test_recursion_is_refused_at_the_root_and_when_too_deep(rig: Rig) -> None:
    rig.sandbox.pcloud.seed("deep=45")
    top = rig.us("listfolder", path="/deep-45")["metadata"]["folderid"]
    assert rig.us("listfolder", folderid=0, recursive=1)["result"] == 1101
    assert rig.us("listfolder", folderid=top, recursive=1)["result"] == 5000
    rig.sandbox.pcloud.seed("library")
    tree = rig.us("listfolder", path="/Documents", recursive=1)["metadata"]
    reports = next(entry for entry in tree["contents"] if entry["name"] == "Reports")
    assert "Drafts" in [entry["name"] for entry in reports["contents"]]
    assert all("path" not in entry for entry in reports["contents"])
    rig.switch("pcloud.recursive_entries", 3)
    assert rig.us("listfolder", path="/Documents", recursive=1)["result"] == 5000
    rig.switch("pcloud.recursive_entries", 10**6)
    rig.switch("pcloud.root_recursive", value=True)
    assert rig.us("listfolder", path="/Music", recursive=1)["result"] == 0


def test_making_folders(rig: Rig) -> None:
    made = rig.us("createfolder", folderid=0, name="a")["metadata"]
    assert rig.us("createfolder", folderid=0, name="a")["result"] == 2004
    again = rig.us("createfolderifnotexists", folderid=0, name="a")
    assert (again["created"], again["metadata"]["folderid"]) == (False, made["folderid"])
    assert rig.us("createfolderifnotexists", path="/a/b")["created"] is True
    assert rig.us("createfolder", path="/none/c")["result"] == 2002
    assert rig.us("createfolder", folderid=99, name="c")["result"] == 2005
    assert rig.us("createfolder", folderid=0)["result"] == 1001
    for bad in ("", "a/b", "a\\b", "nul\0", "x" * 1024, "ü" * 512):
        assert rig.us("createfolder", folderid=0, name=bad)["result"] == 2001, bad
    for good in ("x" * 1023, "..", " lead", "trail.", "esc\x1b[0m", "a: *?"):
        assert rig.us("createfolder", folderid=0, name=good)["metadata"]["name"] == good


def test_a_file_and_a_folder_may_share_a_name(rig: Rig) -> None:
    folder = rig.us.folder("same")
    file = rig.us.upload("same", CONTENT, folderid=0)
    assert rig.us.names() == ["same", "same"]
    assert rig.us("listfolder", path="/same")["metadata"]["folderid"] == folder
    assert rig.us("stat", path="/same")["metadata"]["fileid"] == file["fileid"]
    assert rig.us("stat", path="/same/")["metadata"]["folderid"] == folder
    assert rig.us("stat", path="/none")["result"] == 2055
    assert rig.us("stat", fileid=5)["result"] == 2055


def test_moving_folders(rig: Rig) -> None:
    a, b = rig.us.folder("a"), rig.us.folder("b")
    below = rig.us.folder("below", a)
    assert rig.us("renamefolder", folderid=a, toname="b")["result"] == 2004
    assert rig.us("renamefolder", folderid=0, toname="x")["result"] == 2042
    assert rig.us("renamefolder", folderid=a, tofolderid=below)["result"] == 2043
    assert rig.us("renamefolder", folderid=a)["result"] == 1037
    moved = rig.us("renamefolder", folderid=a, tofolderid=b, toname="c")["metadata"]
    assert (moved["folderid"], moved["parentfolderid"], moved["name"]) == (a, b, "c")
    assert rig.us("listfolder", path="/b/c/below")["metadata"]["folderid"] == below
    back = rig.us("renamefolder", path="/b/c", topath="/")["metadata"]
    assert (back["name"], back["parentfolderid"]) == ("c", 0)


def test_renaming_a_file_replaces_what_is_in_the_way(rig: Rig) -> None:
    first = rig.us.upload("a.txt", b"one", folderid=0)
    second = rig.us.upload("b.txt", b"two", folderid=0)
    moved = rig.us("renamefile", fileid=second["fileid"], toname="a.txt")["metadata"]
    assert moved["deletedfileid"] == first["fileid"]
    assert rig.us.names() == ["a.txt"]
    assert rig.us.download(second["fileid"]).body == b"two"
    assert rig.us("stat", fileid=first["fileid"])["result"] == 2055
    revisions = rig.us("listrevisions", fileid=second["fileid"])["revisions"]
    assert [revision["size"] for revision in revisions] == [3, 3]


def test_copying_files_and_setting_times(rig: Rig) -> None:
    file = rig.us.upload("a.txt", CONTENT, folderid=0, mtime=1_600_000_000)
    folder = rig.us.folder("f")
    stamps = {"timeformat": "timestamp"}
    copy = rig.us("copyfile", fileid=file["fileid"], tofolderid=folder, **stamps)["metadata"]
    assert copy["fileid"] != file["fileid"]
    assert (copy["hash"], copy["size"]) == (file["hash"], len(CONTENT))
    assert copy["modified"] > 1_600_000_000
    again = {"fileid": file["fileid"], "tofolderid": folder, "toname": "a.txt"}
    assert rig.us("copyfile", noover=1, **again)["result"] == 2004
    assert rig.us("copyfile", hash=1, **again)["result"] == 2009
    timed = rig.us("copyfile", mtime=5, ctime=4, **again, **stamps)["metadata"]
    assert (timed["fileid"], timed["modified"], timed["created"]) == (copy["fileid"], 5, 4)
    itself = rig.us(
        "copyfile", fileid=file["fileid"], tofolderid=0, toname="a.txt", mtime=7, ctime=6, **stamps
    )["metadata"]
    assert (itself["fileid"], itself["modified"]) == (file["fileid"], 7)


@pytest.mark.parametrize("option", ["", "noover", "skipexisting", "copycontentonly"])
def test_copying_folders(rig: Rig, option: str) -> None:
    source, target = rig.us.folder("source"), rig.us.folder("target")
    rig.us.upload("a.txt", CONTENT, folderid=source)
    rig.us.upload("b.txt", CONTENT, folderid=rig.us.folder("below", source))
    twin = rig.us.folder("source", target)
    rig.us.upload("a.txt", b"other", folderid=twin)
    options = {option: 1} if option else {}
    answer = rig.us("copyfolder", folderid=source, tofolderid=target, **options)
    sizes = {
        path: rig.us("stat", path=path).get("metadata", {}).get("size")
        for path in ("/target/source/a.txt", "/target/source/below/b.txt", "/target/a.txt")
    }
    content = len(CONTENT)
    expected = {
        "": (0, content, content, None),
        "noover": (2004, 5, None, None),
        "skipexisting": (0, 5, content, None),
        "copycontentonly": (0, 5, None, content),
    }[option]
    assert (answer["result"], *sizes.values()) == expected
    assert rig.us("copyfolder", folderid=source, tofolderid=source)["result"] == 2043


def test_deleting(rig: Rig) -> None:
    folder = rig.us.folder("f")
    file = rig.us.upload("a.txt", CONTENT, folderid=folder)
    rig.us.folder("below", folder)
    assert rig.us("deletefolder", folderid=folder)["result"] == 2006
    assert rig.us("deletefolder", folderid=0)["result"] == 2007
    gone = rig.us("deletefolderrecursive", folderid=folder)
    assert (gone["deletedfiles"], gone["deletedfolders"]) == (1, 2)
    assert rig.us("deletefolderrecursive", folderid=folder)["result"] == 2005
    assert rig.us("deletefile", fileid=file["fileid"])["result"] == 2009
    assert rig.us("userinfo")["usedquota"] == 0
    single = rig.us.upload("b.txt", CONTENT, folderid=0)
    assert rig.us("deletefile", fileid=single["fileid"])["metadata"]["isdeleted"] is True
    deleted = rig.us("listfolder", folderid=0, showdeleted=1)["metadata"]["contents"]
    assert {(entry["name"], entry["isdeleted"]) for entry in deleted} == {
        ("f", True),
        ("b.txt", True),
    }
    assert rig.us.names() == []


def test_a_wide_folder_is_planted_and_listed_whole(rig: Rig) -> None:
    rig.sandbox.pcloud.seed("wide=20000")
    listed = rig.us("listfolder", path="/wide-20000")["metadata"]["contents"]
    assert len(listed) == 20000
    assert len({entry["id"] for entry in listed}) == 20000
    # One blob serves all files: the disk holds no 20,000 of them.
    assert len(list(rig.world.blobs.directory.iterdir())) == 1


def test_hostile_names_survive_the_journey(rig: Rig) -> None:
    rig.sandbox.pcloud.seed("hostile-names")
    names = rig.us.names(rig.us("listfolder", path="/hostile-names")["metadata"]["folderid"])
    assert {"esc\x1b[31mred\x1b[0m", "a [\uff0fb]", "new\nline", "Case.txt", "case.TXT"} <= set(
        names
    )
