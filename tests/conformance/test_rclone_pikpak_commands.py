"""The rest of what rclone's PikPak backend can do: every feature, option and command of it that
the first file leaves out, and its ways with refusals."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from pathlib import Path

import pytest

from tests.cloudtui_process import make_tree, tree
from tests.conformance.rclone_on_pikpak import ACCOUNT, Setup

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.xdist_group("rclone-pikpak-commands"),
    pytest.mark.usefixtures("usual_switches"),
]
MIB = 1024 * 1024
MAGNET = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=Long%20ferry"
LISTS = "GET /drive/v1/files"
STARTS = "POST /drive/v1/files"
ONCE = ("--retries", "1", "--low-level-retries", "1")

FEATURES = {
    "About",
    "CanHaveEmptyDirectories",
    "CleanUp",
    "Command",
    "Copy",
    "DirCacheFlush",
    "DirMove",
    "Move",
    "NoMultiThreading",
    "PublicLink",
    "Purge",
    "ReadMimeType",
    "UserInfo",
}
"""What the backend says it can do; a feature that is not here is tested nowhere."""

OPTIONS = {
    "chunk-size",
    "description",
    "device-id",
    "encoding",
    "hash-memory-limit",
    "no-media-link",
    "pass",
    "root-folder-id",
    "trashed-only",
    "upload-concurrency",
    "upload-cutoff",
    "use-trash",
    "user",
    "user-agent",
}


def zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return target.getvalue()


def test_the_backend_has_no_feature_option_or_command_that_is_tested_nowhere(
    setup: Setup,
) -> None:
    told = json.loads(setup.rclone.ok("backend", "features", "pp:"))
    assert {name for name, able in told["Features"].items() if able} == FEATURES
    assert told["Hashes"] == ["md5"]
    shown = setup.rclone.ok("help", "backend", "pikpak")
    assert set(re.findall(r"--pikpak-([a-z-]+)", shown)) == OPTIONS
    commands = setup.rclone.ok("backend", "help", "pikpak")
    assert re.findall(r"rclone backend (\w+) remote: \[options\]", commands) == [
        "addurl",
        "decompress",
    ]


def test_sync_makes_the_remote_like_the_source_and_nothing_more(
    setup: Setup, tmp_path: Path
) -> None:
    rclone = setup.rclone
    up = make_tree(
        tmp_path / "up",
        {"a.txt": b"a", "b.txt": b"b", "sub/deep/d.txt": b"d"},
        ["hollow"],
    )
    rclone.ok("sync", "--create-empty-src-dirs", str(up), "pp:sync")
    rclone.ok("check", "--download", str(up), "pp:sync")
    with setup.requests() as again:
        rclone.ok("sync", "--create-empty-src-dirs", str(up), "pp:sync")
    assert {entry["method"] for entry in again} == {"GET"}
    (up / "a.txt").write_text("another length")
    (up / "b.txt").unlink()
    differ = rclone.run("check", str(up), "pp:sync", *ONCE)
    assert (differ.returncode, "2 differences" in differ.stderr) == (1, True)
    rclone.ok("sync", "--create-empty-src-dirs", str(up), "pp:sync")
    rclone.ok("copy", "--create-empty-src-dirs", "pp:sync", str(tmp_path / "down"))
    assert tree(tmp_path / "down") == tree(up)
    # replaced and superfluous files lie in the trash
    assert set(setup.nodes(trashed=True)) >= {"/sync/b.txt"}


def test_listings(setup: Setup) -> None:
    ids = {path: setup.put(f"lists/{path}", "12345") for path in ("a.png", "sub/b.txt")}
    rows = json.loads(setup.rclone.ok("lsjson", "-R", "pp:lists"))
    assert {row["Path"]: (row["Size"], row["MimeType"], row["IsDir"]) for row in rows} == {
        "a.png": (5, "image/png", False),
        "sub": (-1, "inode/directory", True),
        "sub/b.txt": (5, "text/plain", False),
    }
    assert {row["Path"]: row["ID"] for row in rows if not row["IsDir"]} == ids
    assert json.loads(setup.rclone.ok("size", "--json", "pp:lists"))["bytes"] == 10
    setup.switch(md5="always")
    sums = setup.rclone.ok("hashsum", "md5", "pp:lists").split()
    assert sums[::2] == [hashlib.md5(b"12345").hexdigest()] * 2


def test_folders_are_copied_moved_and_cleared_on_the_service(setup: Setup, tmp_path: Path) -> None:
    rclone = setup.rclone
    setup.put("places/from/sub/b.txt", "b")
    with setup.requests() as seen:
        rclone.ok("copy", "pp:places/from", "pp:places/copy")
        rclone.ok("move", "pp:places/copy", "pp:places/inner/moved")
    assert not [entry for entry in seen if entry["listener"] == "pikpak.content"]
    assert rclone.lines("lsf", "-R", "--files-only", "pp:places") == [
        "from/sub/b.txt",
        "inner/moved/sub/b.txt",
    ]
    # a copy beside itself goes through this machine: the service refuses it
    rclone.ok("copyto", "pp:places/from/sub/b.txt", "pp:places/from/sub/twin.txt")
    assert rclone.ok("cat", "pp:places/from/sub/twin.txt") == "b"
    rclone.ok("delete", "pp:places/inner")
    rclone.ok("rmdirs", "pp:places/inner")
    assert rclone.lines("lsf", "pp:places") == ["from/"]
    up = make_tree(tmp_path / "up", {"x.txt": b"x"})
    rclone.ok("move", "--delete-empty-src-dirs", str(up), "pp:places/arrived")
    assert (tree(up), rclone.ok("cat", "pp:places/arrived/x.txt")) == ({}, "x")


def test_parts_of_files(setup: Setup) -> None:
    content = "".join(f"{number:07d}\n" for number in range(2000))
    setup.put("parts/a.txt", content)
    with setup.requests() as seen:
        assert setup.rclone.ok("cat", "--offset", "24", "--count", "8", "pp:parts/a.txt") == (
            "0000003\n"
        )
        assert setup.rclone.ok("cat", "--head", "16", "pp:parts/a.txt") == content[:16]
        assert setup.rclone.ok("cat", "--tail", "8", "pp:parts/a.txt") == "0001999\n"
    ranges = [entry["range"] for entry in seen if entry["listener"] == "pikpak.content"]
    assert ranges[0].startswith("bytes=24-")
    assert ranges[2].startswith("bytes=15992-")


def test_names_that_occur_twice(setup: Setup, tmp_path: Path) -> None:
    for content in ("first", "the second"):
        setup.put("twins/same.txt", content)
    assert setup.rclone.lines("lsf", "--format", "ps", "pp:twins") == [
        "same.txt;10",
        "same.txt;5",
    ]
    setup.rclone.ok("copy", "pp:twins", str(tmp_path / "down"))
    assert tree(tmp_path / "down") == {"same.txt": b"first"}
    setup.rclone.ok("deletefile", "pp:twins/same.txt")
    assert setup.rclone.ok("cat", "pp:twins/same.txt") == "the second"
    done = setup.rclone.run("dedupe", "skip", "pp:twins")
    assert "Can't have duplicate names here" in done.stderr


def test_what_lies_in_the_trash_keeps_its_place(setup: Setup) -> None:
    rclone, top = setup.rclone, "pp:bin"
    for name in ("kept.txt", "sub/gone.txt", "gone too.txt"):
        setup.put(f"bin/{name}", name)
    rclone.ok("delete", "--include", "gone*", top)
    assert rclone.lines("lsf", "-R", "--pikpak-trashed-only", top) == [
        "gone too.txt",
        "sub/",
        "sub/gone.txt",
    ]
    # rclone trashes once more what is trashed; what the service says to that is not known
    for again in ("refuse", "ignore"):
        setup.switch(trash_again=again)
        done = rclone.run("deletefile", "--pikpak-trashed-only", f"{top}/gone too.txt", *ONCE)
        assert (done.returncode == 0) is (again == "ignore")
    unread = rclone.run("cat", "--pikpak-trashed-only", f"{top}/gone too.txt", *ONCE)
    assert "file_in_recycle_bin" in unread.stderr
    # a folder that holds nothing but trash may go
    rclone.ok("rmdir", f"{top}/sub")
    rclone.ok(
        *("deletefile", "--pikpak-trashed-only", "--pikpak-use-trash=false"),
        f"{top}/gone too.txt",
    )
    assert rclone.lines("lsf", "--files-only", "--pikpak-trashed-only", top) == []
    assert rclone.lines("lsf", "-R", top) == ["kept.txt"]
    rclone.ok("purge", "--pikpak-use-trash=false", top)
    rclone.ok("cleanup", "pp:")
    assert not [path for path in setup.nodes(trashed=True) if path.startswith("/bin/")]


def test_emptied_trash_that_lingers_is_still_shown(setup: Setup) -> None:
    setup.switch(trash_lingers=86400)
    setup.put("lingers/a.txt", "a")
    setup.rclone.ok("deletefile", "pp:lingers/a.txt")
    setup.rclone.ok("cleanup", "pp:")
    assert setup.rclone.lines("lsf", "--pikpak-trashed-only", "pp:lingers") == ["a.txt"]


def test_another_root(setup: Setup) -> None:
    setup.put("root/inner/f.txt", "inside")
    root = ("--pikpak-root-folder-id", setup.nodes()["/root"]["id"])
    assert setup.rclone.lines("lsf", "-R", *root, "pp:") == ["inner/", "inner/f.txt"]
    setup.rclone.ok("mkdir", *root, "pp:made/here")
    setup.rclone.ok("moveto", *root, "pp:inner/f.txt", "pp:made/here/g.txt")
    assert setup.rclone.ok("cat", "pp:root/made/here/g.txt") == "inside"
    assert "can't purge root" in setup.rclone.run("purge", *root, "pp:", *ONCE).stderr


def test_links_with_and_without_an_end(setup: Setup) -> None:
    setup.put("linked/a.txt", "a")
    with setup.requests() as seen:
        first = setup.rclone.ok("link", "--expire", "50h", "pp:linked/a.txt").strip()
        folder = setup.rclone.ok("link", "--unlink", "pp:linked").strip()
    assert sum(entry["path"] == "/drive/v1/share" for entry in seen) == 2
    shares = {share["id"]: share for share in setup.sandbox.admin.state("pikpak")["shares"]}
    kept = [shares[link.rpartition("/")[2]] for link in (first, folder)]
    assert [share["file_ids"] for share in kept] == [
        [setup.nodes()[path]["id"]] for path in ("/linked/a.txt", "/linked")
    ]
    assert [share["days"] for share in kept] == [3, -1]


def test_where_offline_downloads_go(setup: Setup) -> None:
    rclone = setup.rclone
    setup.put("origin/o.bin", "somewhere to go")
    rclone.ok("backend", "addurl", "pp:", MAGNET)
    rclone.ok("backend", "addurl", "pp:no such place", MAGNET)
    setup.sandbox.admin.age(10)
    places = [path for path in setup.nodes() if path.endswith("/Long ferry/readme.txt")]
    assert sorted(places) == ["/Long ferry/readme.txt", "/My Pack/Long ferry/readme.txt"]
    page = rclone.ok("link", "pp:origin/o.bin").strip()
    named = ("backend", "addurl", "pp:origin", page, "-o", "name=a: page?.html")
    assert json.loads(rclone.ok(*named))["name"] == "a： page？.html"
    while "/origin/a： page？.html" not in setup.nodes():
        continue  # the service is fetching
    while setup.nodes()["/origin/a： page？.html"]["phase"] != "PHASE_TYPE_COMPLETE":
        continue
    assert "<title>Share</title>" in rclone.ok("cat", "pp:origin/a: page?.html")
    for url, words in (
        ("ftp://example.org/x", "task_url_unsupported"),
        ("magnet:?xt=urn:btih:zz", "task_url_resolve_error"),
    ):
        assert words in rclone.run("backend", "addurl", "pp:origin", url).stderr
    setup.switch(daily_tasks=1, vip=True)
    refused = rclone.run("backend", "addurl", "pp:origin", MAGNET)
    assert "task_daily_create_limit_vip" in refused.stderr


def test_archives_of_a_folder_with_and_without_passwords(setup: Setup) -> None:
    rclone = setup.rclone
    setup.sandbox.admin.seed("pikpak:library")
    for name in ("one", "two"):
        setup.put(f"many/{name}.zip", zipped({f"{name}.txt": name.encode()}))
    setup.put("many/three.txt", "no archive")
    told = json.loads(rclone.ok("backend", "decompress", "pp:many", "-o", "delete-src-file"))
    assert told == {"Decompressed": 2, "SourceDeleted": 2, "Errors": 0}
    setup.put("bad/one.zip", zipped({"a.txt": b"a"}))
    for name in ("x.7z", "y.rar"):
        setup.put(f"bad/{name}", "not really")
    failed = rclone.run("backend", "decompress", "pp:bad")
    assert (failed.returncode, failed.stderr.count("E_INVALID_FORMAT")) == (1, 2)
    beside = rclone.run("backend", "decompress", "pp:bad/one.zip")
    assert "is a file not a directory" in beside.stderr
    locked = ("backend", "decompress", "pp:Archives", "locked.zip")
    assert "PASS_WORD_EMPTY" in rclone.run(*locked).stderr
    assert "PASS_WORD_ERROR" in rclone.run(*locked, "-o", "password=wrong").stderr
    told = json.loads(
        rclone.ok(
            *(*locked, "-o", "password=harbour", "-o", "delete-src-file"),
            "--pikpak-use-trash=false",
        )
    )
    assert told == {"Decompressed": 1, "SourceDeleted": 1, "Errors": 0}
    setup.sandbox.admin.age(10)
    assert rclone.lines("lsf", "-R", "--files-only", "pp:many") == [
        "one/one.txt",
        "three.txt",
        "two/two.txt",
    ]
    assert "/Archives/locked/project/readme.txt" in setup.nodes()
    assert "/Archives/locked.zip" not in setup.nodes(trashed=True)


def test_streams_are_uploaded_and_times_are_not_set(setup: Setup, tmp_path: Path) -> None:
    rclone = setup.rclone
    content = os.urandom(12 * MIB)
    rclone.ok("rcat", "--pikpak-hash-memory-limit", "1Mi", "pp:streams/s.bin", given=content)
    stored = setup.nodes()["/streams/s.bin"]
    assert stored["sha1"] == hashlib.sha1(content).hexdigest()
    assert stored["gcid"] == stored["gcid_of_bytes"]
    rclone.ok("touch", "pp:streams/new.txt")
    assert rclone.ok("cat", "pp:streams/new.txt") == ""
    assert "can't set modified time" in rclone.run("touch", "pp:streams/s.bin", *ONCE).stderr


def test_options_reach_the_wire(setup: Setup, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(os.urandom(3 * MIB))
    with setup.requests() as seen:
        setup.rclone.ok(
            *("copyto", "--pikpak-upload-cutoff", "1Mi", "--pikpak-chunk-size", "512Ki"),
            *("--pikpak-upload-concurrency", "2", "--pikpak-user-agent", "Tester/1"),
            *("--pikpak-device-id", "f" * 32, "--pikpak-encoding", "Slash"),
            *(str(source), "pp:options/a:b?c.bin"),
        )
    assert sum("partNumber" in entry["query"] for entry in seen) == 6
    assert {entry["user_agent"] for entry in seen} == {"Tester/1"}
    assert "/options/a:b?c.bin" in setup.nodes()
    assert setup.rclone.lines("lsf", "pp:options") == ["a:b?c.bin"]


def test_videos_come_by_their_media_link_when_it_is_the_same_content(
    setup: Setup, tmp_path: Path
) -> None:
    setup.put("films/clip.mp4", b"movie" * 1000)
    for options, media in (((), True), (("--pikpak-no-media-link",), False)):
        with setup.requests() as seen:
            setup.rclone.ok("copy", *options, "pp:films", str(tmp_path / str(media)))
        (asked,) = [entry for entry in seen if entry["listener"] == "pikpak.content"]
        assert ("media=origin" in asked["query"]) is media
        assert (tmp_path / str(media) / "clip.mp4").read_bytes() == b"movie" * 1000


def test_the_profile_and_a_new_sign_in(setup: Setup) -> None:
    shown = setup.rclone.ok("config", "userinfo", "--json", "pp:")
    told = json.loads(shown)
    assert (told["Email"], told["Password"], told["VIPType"]) == (
        "d***o@example.com",
        "SET",
        "platinum",
    )
    before = json.loads(setup.rclone.ok("config", "dump"))["pp"]["token"]
    setup.rclone.ok("config", "reconnect", "pp:", given=b"y\n")
    assert json.loads(setup.rclone.ok("config", "dump"))["pp"]["token"] != before
    assert "quota" not in setup.rclone.ok("about", "pp:")


def test_throttling_and_breakdowns_are_sat_out(setup: Setup, tmp_path: Path) -> None:
    source = make_tree(tmp_path / "up", {"a.bin": os.urandom(1000)})
    admin = setup.sandbox.admin
    retry = {"Retry-After": "1"}
    admin.fault(kind="status", listener="pikpak.drive", match=LISTS, code=429, headers=retry)
    admin.fault(kind="status", listener="pikpak.drive", match=STARTS, code=503)
    admin.fault(kind="reset_before", listener="pikpak.drive", match=LISTS, skip=2)
    admin.fault(kind="status", listener="pikpak.drive", match="GET /drive/v1/tasks/*", code=500)
    setup.rclone.ok("copy", str(source), "pp:weather")
    assert admin.faults() == []
    assert setup.rclone.lines("lsf", "pp:weather") == ["a.bin"]


def test_an_upload_that_is_refused_leaves_nothing(setup: Setup, tmp_path: Path) -> None:
    source = tmp_path / "a.bin"
    source.write_bytes(os.urandom(2 * MIB))
    admin, place = setup.sandbox.admin, "pp:refused/a.bin"
    setup.rclone.ok("mkdir", "pp:refused")
    admin.fault(kind="api_code", listener="pikpak.upload", code="AccessDenied")
    assert setup.rclone.run("copyto", str(source), place, *ONCE).returncode == 1
    parts = ("--pikpak-upload-cutoff", "1Mi", "--pikpak-chunk-size", "1Mi")
    admin.fault(kind="api_code", listener="pikpak.upload", match="PUT *", code="AccessDenied")
    with setup.requests() as seen:
        assert setup.rclone.run("copyto", *parts, str(source), place, *ONCE).returncode == 1
    assert [entry["method"] for entry in seen if entry["listener"] == "pikpak.upload"][-1] == (
        "DELETE"
    )
    setup.switch(quota=1)
    assert setup.rclone.run("copyto", str(source), place, *ONCE).returncode == 7
    assert [path for path in setup.nodes() if path.startswith("/refused/")] == []
    account = admin.state("pikpak")["accounts"][ACCOUNT]
    assert [
        task
        for task in account["tasks"]
        if task["type"] == "upload" and task["phase"] != "PHASE_TYPE_COMPLETE"
    ] == []


def test_whichever_way_the_service_answers(setup: Setup, tmp_path: Path) -> None:
    """Everything about which sources differ, the other way round."""
    setup.switch(
        captcha_required=True,
        captcha_scope="split",
        complete_answer="json",
        list_limit=2,
        list_order="reverse",
        md5="detail",
        mkdir_duplicates="refuse",
        trash_marks_children=True,
        untrash="root",
        upload_task=False,
    )
    files = {f"sub/{number}.bin": os.urandom(1000) for number in range(5)}
    up = make_tree(tmp_path / "up", {**files, "big.bin": os.urandom(3 * MIB), "empty": b""})
    parts = ("--pikpak-upload-cutoff", "2Mi", "--pikpak-chunk-size", "1Mi")
    setup.rclone.ok("copy", *parts, str(up), "pp:otherwise")
    setup.rclone.ok("copy", "pp:otherwise", str(tmp_path / "down"))
    assert tree(tmp_path / "down") == tree(up)
    setup.rclone.ok("moveto", "pp:otherwise/sub", "pp:otherwise/moved")
    setup.rclone.ok("delete", "pp:otherwise/moved")
    assert setup.rclone.lines("lsf", "-R", "pp:otherwise") == ["big.bin", "empty", "moved/"]
    setup.rclone.ok("purge", "pp:otherwise")
    assert "otherwise/" not in setup.rclone.lines("lsf", "pp:")
