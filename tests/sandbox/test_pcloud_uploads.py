"""pCloud's uploads, simple and resumable."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from cloudtui.sandbox.server import Sandbox
from tests.sandbox.rig import Rig, connected, received, request, until

MIB = 1024 * 1024


def multipart(
    fields: dict[str, str], files: list[tuple[str, bytes]]
) -> tuple[bytes, dict[str, str]]:
    """A form as browsers and HTTP libraries send it."""
    mark = "boundary-of-the-test"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, content in files:
        head = f'--{mark}\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'
        parts += [head.encode(), content, b"\r\n"]
    parts.append(f"--{mark}--\r\n".encode())
    return b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={mark}"}


@pytest.mark.parametrize("size", [1, 70_000, 5 * MIB, 17 * MIB])
def test_put_stores_and_answers_with_digests(rig: Rig, size: int) -> None:
    content = os.urandom(size)
    answer = rig.us.put("uploadfile", content, filename="a b€.bin", folderid=0, mtime=77)
    assert answer["fileids"] == [answer["metadata"][0]["fileid"]]
    assert answer["checksums"] == [
        {"sha1": hashlib.sha1(content).hexdigest(), "md5": hashlib.md5(content).hexdigest()}
    ]
    assert rig.us.download(answer["fileids"][0]).body == content
    stored = rig.us("stat", path="/a b€.bin", timeformat="timestamp")["metadata"]
    assert (stored["size"], stored["modified"]) == (size, 77)


def test_a_put_of_nothing_makes_no_file(rig: Rig) -> None:
    refused = rig.us.put("uploadfile", b"", filename="empty", folderid=0)
    assert refused["result"] != 0
    rig.switch("pcloud.empty_put", "empty")
    assert rig.us.put("uploadfile", b"", filename="empty", folderid=0) == {
        "result": 0,
        "fileids": [],
        "metadata": [],
        "checksums": [],
    }
    assert rig.us.names() == []


def test_multipart_takes_empty_files_several_files_and_quotes(rig: Rig) -> None:
    files = [("empty.txt", b""), ('quote\\"s.txt', b"q" * 300_000), ("漢字.txt", b"\r\n--boundary")]
    body, headers = multipart({"folderid": "0", "mtime": "5"}, files)
    url = f"{rig.us.url}/uploadfile?access_token={rig.us.token}"
    answer = request(url, "POST", body, headers).json()
    assert [entry["name"] for entry in answer["metadata"]] == [
        "empty.txt",
        'quote"s.txt',
        "漢字.txt",
    ]
    assert [entry["size"] for entry in answer["metadata"]] == [0, 300_000, 12]
    sums = [hashlib.sha1(content).hexdigest() for _, content in files]
    assert [entry["sha1"] for entry in answer["checksums"]] == sums
    assert rig.us.download(answer["fileids"][2]).body == b"\r\n--boundary"


def test_raw_post_and_chunked_bodies(rig: Rig) -> None:
    url = f"{rig.us.url}/uploadfile?access_token={rig.us.token}&filename=raw&folderid=0"
    stored = request(url, "POST", b"raw", {"Content-Type": "application/octet-stream"}).json()
    assert stored["metadata"][0]["size"] == 3
    target = url.removeprefix(rig.us.url)
    with connected(rig.us.url) as sock:
        head = f"PUT {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        sock.sendall(head.encode() + b"3\r\nabc\r\n0\r\n\r\n")
        assert received(sock).startswith(b"HTTP/1.1 400")


def test_clashes(rig: Rig) -> None:
    first = rig.us.upload("a.txt", b"one", folderid=0)
    second = rig.us.upload("a.txt", b"second", folderid=0)
    assert second["fileid"] == first["fileid"]
    assert second["hash"] != first["hash"]
    same = rig.us.upload("a.txt", b"second", folderid=0, mtime=9)
    assert same["hash"] == second["hash"]
    assert [r["size"] for r in rig.us("listrevisions", path="/a.txt")["revisions"]] == [3, 6]
    assert rig.us.upload("a.txt", b"3", folderid=0, renameifexists=1)["name"] == "a (2).txt"
    assert rig.us.upload("a.txt", b"4", folderid=0, renameifexists=1)["name"] == "a (3).txt"
    assert rig.us("userinfo")["usedquota"] == 8


def test_a_broken_upload_leaves_nothing_or_its_part(rig: Rig) -> None:
    for nopartial in (1, 0):
        query = urlencode(
            {"access_token": rig.us.token, "filename": f"p{nopartial}", "nopartial": nopartial}
        )
        with connected(rig.us.url) as sock:
            head = f"PUT /uploadfile?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"
            sock.sendall(head.encode() + b"x" * 4000)
            sock.shutdown(socket.SHUT_WR)
            assert received(sock) == b""
    contents = rig.us("listfolder", folderid=0)["metadata"]["contents"]
    assert [(entry["name"], entry["size"]) for entry in contents] == [("p0", 4000)]


def test_quota(rig: Rig) -> None:
    rig.sandbox.pcloud.admin("quota", {"bytes": 10})
    assert rig.us.put("uploadfile", b"x" * 11, filename="a", folderid=0)["result"] == 2008
    file = rig.us.upload("a", b"x" * 6, folderid=0)
    assert rig.us("copyfile", fileid=file["fileid"], tofolderid=0, toname="b")["result"] == 2008
    assert rig.us("upload_create", filesize=5)["result"] == 2008
    assert rig.us.names() == ["a"]


def created(rig: Rig) -> int:
    number: int = rig.us("upload_create")["uploadid"]
    return number


def write(rig: Rig, upload: int, offset: int, content: bytes) -> Any:
    return rig.us.put("upload_write", content, uploadid=upload, uploadoffset=offset)["result"]


@pytest.mark.parametrize("piece", [1000, 9 * MIB])
def test_a_session_in_order(rig: Rig, piece: int) -> None:
    content = os.urandom(2 * piece + 5)
    upload = created(rig)
    for start in range(0, len(content), piece):
        assert write(rig, upload, start, content[start : start + piece]) == 0
        so_far = content[: start + piece]
        info = rig.us("upload_info", uploadid=upload)
        assert (info["size"], info["sha1"]) == (len(so_far), hashlib.sha1(so_far).hexdigest())
        assert info["md5"] == hashlib.md5(so_far).hexdigest()
    saved = rig.us("upload_save", uploadid=upload, folderid=0, name="big.bin", mtime=8)
    assert rig.us.download(saved["metadata"]["fileid"]).body == content
    assert rig.us("upload_info", uploadid=upload)["result"] == 2067
    assert rig.us("upload_save", uploadid=upload, folderid=0, name="x")["result"] == 2067


def test_a_session_out_of_order_and_written_twice(rig: Rig) -> None:
    upload = created(rig)
    assert write(rig, upload, 5, b"world") == 0
    assert write(rig, upload, 0, b"HELLO") == 0
    assert write(rig, upload, 0, b"hello") == 0
    info = rig.us("upload_info", uploadid=upload)
    assert (info["size"], info["sha1"]) == (10, hashlib.sha1(b"helloworld").hexdigest())
    saved = rig.us("upload_save", uploadid=upload, folderid=0, name="x")["metadata"]
    assert rig.us.download(saved["fileid"]).body == b"helloworld"


def test_a_second_writer_is_refused_and_a_broken_write_keeps_what_came(rig: Rig) -> None:
    upload = created(rig)
    query = urlencode({"access_token": rig.us.token, "uploadid": upload, "uploadoffset": 0})
    with connected(rig.us.url) as sock:
        head = f"PUT /upload_write?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n"
        sock.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
        until(sock, b"100 Continue\r\n\r\n")  # the first writer holds the session now
        sock.sendall(b"x" * 4000)
        assert write(rig, upload, 0, b"second") == 2068
        assert rig.us("upload_save", uploadid=upload, folderid=0, name="x")["result"] == 2068
        sock.shutdown(socket.SHUT_WR)
        assert received(sock) == b""
    info = rig.us("upload_info", uploadid=upload)
    assert info["size"] == 4000
    assert write(rig, upload, 4000, b"y" * 5000) == 0
    assert rig.us("upload_info", uploadid=upload)["size"] == 9000


def test_sessions_run_side_by_side(rig: Rig) -> None:
    uploads = [created(rig) for _ in range(4)]
    threads = [
        threading.Thread(target=write, args=(rig, upload, 0, bytes([number]) * MIB))
        for number, upload in enumerate(uploads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sums = [rig.us("upload_info", uploadid=upload)["sha1"] for upload in uploads]
    assert sums == [hashlib.sha1(bytes([number]) * MIB).hexdigest() for number in range(4)]


@pytest.mark.parametrize("size", [70_000, 17 * MIB])
def test_announced_digests_are_taken_for_what_has_their_size(rig: Rig, size: int) -> None:
    announced = {"sha1": "1" * 40, "md5": "2" * 32}
    content = os.urandom(size)
    real = {"sha1": hashlib.sha1(content).hexdigest(), "md5": hashlib.md5(content).hexdigest()}
    shorter = hashlib.sha1(content[1:]).hexdigest()

    def put() -> object:
        return rig.us.put("uploadfile", content, filename="a", folderid=0)["checksums"][0]

    def by_session() -> object:
        upload = created(rig)
        write(rig, upload, 0, content)
        return rig.us("upload_info", uploadid=upload)["sha1"]

    assert (put(), by_session()) == (real, real["sha1"])
    rig.world.blobs.announce(size, announced)
    assert (put(), by_session()) == (announced, announced["sha1"])
    other = rig.us.put("uploadfile", content[1:], filename="b", folderid=0)["checksums"][0]
    assert other["sha1"] == shorter
    rig.world.blobs.announce(size, {})
    assert (put(), by_session()) == (real, real["sha1"])


@pytest.mark.parametrize("announced", [False, True])
def test_room_set_aside_leaves_nothing_behind_a_file(rig: Rig, *, announced: bool) -> None:
    content = os.urandom(70_000)
    digest = hashlib.sha1(content).hexdigest()
    if announced:
        sums = {"sha1": digest, "md5": hashlib.md5(content).hexdigest()}
        rig.world.blobs.announce(len(content), sums)
    rig.world.blobs.set_aside(100_000)
    answer = rig.us.put("uploadfile", content, filename="a", folderid=0)
    assert answer["checksums"][0]["sha1"] == digest
    rig.world.blobs.set_aside(100_000)
    upload = created(rig)
    write(rig, upload, 0, content)
    assert rig.us("upload_info", uploadid=upload)["sha1"] == digest
    saved = rig.us("upload_save", uploadid=upload, folderid=0, name="b")["metadata"]
    for file in (answer["fileids"][0], saved["fileid"]):
        assert rig.us.download(file).body == content
    sizes = {path.stat().st_size for path in rig.world.blobs.directory.iterdir()}
    assert sizes == {len(content)}


def test_saving_over_something(rig: Rig) -> None:
    there = rig.us.upload("a.txt", b"old", folderid=0)

    def save(content: bytes, **options: object) -> Any:
        upload = created(rig)
        write(rig, upload, 0, content)
        return rig.us("upload_save", uploadid=upload, folderid=0, name="a.txt", **options)[
            "metadata"
        ]

    renamed = save(b"1", renameifexists=1)
    assert renamed["name"] == "a (2).txt"
    kept = save(b"2", ifhash=there["hash"] + 1)
    assert kept["name"] == "a{CONFLICTED}.txt"
    assert save(b"3", ifhash="new")["name"] != "a.txt"
    over = save(b"4", ifhash=there["hash"])
    assert (over["name"], over["fileid"]) == ("a.txt", there["fileid"])
    assert save(b"5")["fileid"] == there["fileid"]
    assert [r["size"] for r in rig.us("listrevisions", path="/a.txt")["revisions"]] == [3, 1, 1]


def test_a_session_can_be_dropped_and_expires(rig: Rig) -> None:
    upload = created(rig)
    write(rig, upload, 0, b"x")
    assert rig.us("upload_delete", uploadid=upload)["result"] == 0
    assert write(rig, upload, 1, b"x") == 2067
    late = created(rig)
    rig.world.advance(4 * 24 * 3600)
    assert write(rig, late, 0, b"x") == 2067
    assert list(rig.world.blobs.directory.iterdir()) == []


def test_progress_of_an_upload(rig: Rig) -> None:
    assert rig.us("uploadprogress", progresshash="mine")["result"] == 1900
    rig.us.upload("a.bin", b"x" * 1000, folderid=0, progresshash="mine")
    progress = rig.us("uploadprogress", progresshash="mine")
    assert (progress["uploaded"], progress["total"], progress["finished"]) == (1000, 1000, True)


def test_an_unfinished_session_leaves_no_process_behind(tmp_path: Path) -> None:
    with Sandbox(data=tmp_path / "sandbox") as sandbox:
        rig = Rig(sandbox)
        upload = created(rig)
        assert write(rig, upload, 0, bytes(17 * MIB)) == 0
        running = sandbox.pcloud.us.uploads[upload]
        follower = running._follower
        assert follower is not None
        assert follower.is_running()
    assert not follower.is_running()
    assert not running.path.exists()
