"""The HTTP server under all listeners, and the faults it applies."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.content import serve_blob
from cloudtui.sandbox.http import FileBody, Request, Response
from cloudtui.sandbox.listener import Server, keep_when_asked
from cloudtui.sandbox.world import World
from tests.sandbox.rig import connected, received, request, until

CONTENT = bytes(range(256)) * 1024


class Echo:
    """A handler that tells what it got; `/file` serves bytes from disk."""

    def __init__(self, folder: Path) -> None:
        path = folder / "content"
        path.write_bytes(CONTENT)
        self.blob = Blob(path, len(CONTENT))
        self.calls = 0

    def __call__(self, request: Request) -> Response:
        self.calls += 1
        if request.path == "/file":
            return serve_blob(request, self.blob, etag="one")
        if request.path == "/ignore":
            return Response.text("not read")
        if request.path == "/raise":
            raise KeyError("a bug")
        body = request.body.read()
        return Response.json(
            {
                "path": request.path,
                "query": request.query,
                "size": len(body),
                "head": body[:9].hex(),
            }
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


@pytest.fixture
def echo(tmp_path: Path) -> Echo:
    return Echo(tmp_path)


@pytest.fixture
def server(world: World, echo: Echo) -> Iterator[Server]:
    server = Server("test", echo, world)
    server.start()
    yield server
    world.stopping.set()
    server.stop()


def test_query_and_path_reach_the_handler_as_sent(server: Server) -> None:
    answer = request(server.url + "/a%20b/%E2%82%AC?x=1+2&x=%2B&empty=&caf%C3%A9=%F0%9F%98%80")
    assert answer.json()["path"] == "/a%20b/%E2%82%AC"
    assert answer.json()["query"] == [["x", "1 2"], ["x", "+"], ["empty", ""], ["café", "😀"]]
    assert answer.headers["content-length"] == str(len(answer.body))


def test_a_connection_serves_many_requests_and_closes_when_told(server: Server) -> None:
    with connected(server.url) as sock:
        sock.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n")
        sock.sendall(b"Connection: close\r\n\r\n")
        found = received(sock)
    assert found.count(b"HTTP/1.1 200 OK") == 2
    assert found.count(b"Connection: keep-alive") == 1
    assert found.index(b'"/1"') < found.index(b'"/2"')


def test_the_api_rule_closes_unless_keep_alive_is_asked_for(world: World, echo: Echo) -> None:
    server = Server("test", echo, world, keep_alive=keep_when_asked)
    server.start()
    try:
        with connected(server.url) as sock:
            sock.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"Connection: close" in received(sock)
        with connected(server.url) as sock:
            sock.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n")
            assert b"Connection: keep-alive" in sock.recv(65536)
            sock.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"Connection: close" in received(sock)
    finally:
        server.stop()


def test_bodies_with_length_in_chunks_and_after_100_continue(server: Server) -> None:
    with connected(server.url) as sock:
        sock.sendall(
            b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
            b"PUT /l HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        )
        assert b'"size":11' in until(sock, b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(b"abc")
        assert b'"size":3' in until(sock, b"}")


def test_a_body_nobody_read_is_drained_so_that_the_connection_goes_on(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        for _ in range(2):
            connection.request("PUT", "/ignore", bytes(3_000_000))
            assert connection.getresponse().read() == b"not read"
    finally:
        connection.close()


def test_a_head_that_is_not_http_gets_400(server: Server) -> None:
    for head in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"G" * 70_000):
        with connected(server.url) as sock:
            sock.sendall(head)
            assert received(sock).startswith(b"HTTP/1.1 400")


def test_a_bug_in_a_handler_is_a_500_and_not_a_dead_connection(server: Server) -> None:
    answer = request(server.url + "/raise")
    assert (answer.status, b"KeyError" in answer.body) == (500, True)


def test_whole_files_ranges_and_their_refusal(server: Server) -> None:
    url = server.url + "/file"
    whole = request(url)
    assert (whole.status, whole.body) == (200, CONTENT)
    assert request(url, "HEAD").headers["content-length"] == str(len(CONTENT))
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=262000-", 262000, 262144),
        ("bytes=-10", 262134, 262144),
        ("bytes=5-999999999", 5, 262144),
    ):
        part = request(url, headers={"Range": asked})
        assert (part.status, part.body) == (206, CONTENT[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/262144"
    beyond = request(url, headers={"Range": "bytes=262144-"})
    assert (beyond.status, beyond.headers["content-range"]) == (416, "bytes */262144")
    assert request(url, headers={"Range": "bytes=0-1,5-6"}).status == 200
    changed = request(url, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert changed.status == 200


def test_status_html_and_truncation(server: Server, world: World, echo: Echo) -> None:
    world.faults.add(
        {"kind": "status", "code": 503, "headers": {"Retry-After": "7"}, "body": "busy", "times": 2}
    )
    first, second, third = (request(server.url + "/x") for _ in range(3))
    assert (first.status, first.headers["retry-after"], first.body) == (503, "7", b"busy")
    assert (second.status, third.status, echo.calls) == (503, 200, 1)
    world.faults.add({"kind": "html", "match": "GET /y"})
    page = request(server.url + "/y")
    assert (page.status, page.body[:15], echo.calls) == (200, b"<!DOCTYPE html>", 1)
    world.faults.add({"kind": "truncate_json"})
    half = request(server.url + "/x")
    assert (half.status, len(half.body)) == (200, len(third.body) // 2)


def test_resets_before_and_after_the_handler(server: Server, world: World, echo: Echo) -> None:
    world.faults.add({"kind": "reset_before"})
    with pytest.raises(ConnectionResetError):
        request(server.url + "/x")
    assert echo.calls == 0
    world.faults.add({"kind": "reset_after"})
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        request(server.url + "/x")
    assert echo.calls == 1
    assert request(server.url + "/x").status == 200


@pytest.mark.parametrize("path", ["/file", "/x"])
def test_a_cut_answer_promises_more_than_it_gives(server: Server, world: World, path: str) -> None:
    world.faults.add({"kind": "cut", "bytes": 10})
    with connected(server.url) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = received(sock).partition(b"\r\n\r\n")
    assert len(body) <= 10
    assert b"Content-Length: 10\r\n" not in head + b"\r\n"


def test_a_cut_upload_never_reaches_the_end(server: Server, world: World) -> None:
    world.faults.add({"kind": "cut_upload", "bytes": 100_000, "match": "PUT /x"})
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        request(server.url + "/x", "PUT", bytes(5_000_000))
    assert world.log.entries()[0]["bytes_in"] == 100_000


def test_one_byte_is_corrupted(server: Server, world: World) -> None:
    world.faults.add({"kind": "corrupt"})
    wrong = request(server.url + "/file").body
    assert len(wrong) == len(CONTENT)
    assert sum(a != b for a, b in zip(wrong, CONTENT, strict=True)) == 1


def test_stalls_delays_and_throttles_take_their_time(server: Server, world: World) -> None:
    for spec, least in (
        ({"kind": "delay", "seconds": 0.15}, 0.15),
        ({"kind": "stall", "seconds": 0.15}, 0.15),
        ({"kind": "throttle", "bytes_per_s": 1_000_000}, 0.2),
    ):
        world.faults.add(spec)
        begin = time.monotonic()
        assert request(server.url + "/file").body == CONTENT
        assert time.monotonic() - begin >= least


def test_a_stall_ends_when_the_server_stops(server: Server, world: World) -> None:
    world.faults.add({"kind": "stall", "seconds": 1000})
    with connected(server.url) as sock:
        sock.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(10)
        world.stopping.set()
        server.stop()
        received(sock)
    assert not [thread for thread in threading.enumerate() if thread.name == "test-connection"]


def test_faults_skip_count_down_and_match_on_query(server: Server, world: World) -> None:
    world.faults.add({"kind": "status", "code": 500, "skip": 1, "times": 1, "query": "*name=b*"})
    hit = [request(f"{server.url}/x?name={name}").status for name in "abcbb"]
    assert hit == [200, 200, 200, 500, 200]
    standing = world.faults.add({"kind": "status", "code": 502, "times": -1, "listener": "te*"})
    assert [request(server.url + "/x").status for _ in range(3)] == [502] * 3
    world.faults.remove(standing)
    assert request(server.url + "/x").status == 200
    with pytest.raises(ValueError, match="nonsense"):
        world.faults.add({"kind": "nonsense"})
    with pytest.raises(ValueError, match="not a fault"):
        world.faults.add({"kind": "cut", "unknown": 1})


def test_the_log_tells_what_was_asked_and_answered(server: Server, world: World) -> None:
    request(server.url + "/x?secret=1", "PUT", b"12345", {"Authorization": "Bearer t"})
    request(server.url + "/file", headers={"Range": "bytes=0-3", "User-Agent": "me"})
    server.stop()
    first, second = world.log.entries()
    assert (first["method"], first["path"], first["query"]) == ("PUT", "/x", "secret=1")
    assert (first["bytes_in"], first["authorization"], first["done"]) == (5, True, True)
    assert (second["status"], second["range"], second["user_agent"]) == (206, "bytes=0-3", "me")
    assert second["authorization"] is False
    assert world.log.entries(since=1) == [second]


def test_a_file_body_is_sent_from_its_offset(world: World, echo: Echo) -> None:
    part = FileBody(echo.blob.path, 7, 1000)
    server = Server("test", lambda _: Response(200, part), world)
    server.start()
    try:
        assert request(server.url).body == CONTENT[7:1007]
    finally:
        server.stop()


def test_a_limit_lets_a_burst_through_and_then_its_rate(server: Server, world: World) -> None:
    world.faults.add(
        {"kind": "status", "code": 429, "times": -1, "per_second": 0.001, "burst": 3.0}
    )
    assert [request(server.url + "/x").status for _ in range(5)] == [200, 200, 200, 429, 429]
    world.faults.clear()
    world.faults.add({"kind": "status", "code": 429, "times": -1, "per_second": 1e6, "burst": 3.0})
    assert {request(server.url + "/x").status for _ in range(10)} == {200}
