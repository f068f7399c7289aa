"""TLS of the sandbox's listeners: bodies both ways, and clients that go away."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from cloudtui.sandbox.http import Disconnected, FileBody, Request, Response
from cloudtui.sandbox.listener import Server
from cloudtui.sandbox.world import World

CONTENT = os.urandom(3_000_001)


class Store:
    """A handler that gives one file and takes others; `came` is what arrived last."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "content"
        self._path.write_bytes(CONTENT)
        self.came = 0
        self.left = threading.Event()

    def __call__(self, request: Request) -> Response:
        if request.method == "GET":
            return Response(200, FileBody(self._path, 0, len(CONTENT)))
        digest = hashlib.sha256()
        self.came = 0
        try:
            for view in request.body.stream():
                digest.update(view)
                self.came += len(view)
        except Disconnected:
            self.left.set()
            raise
        return Response.text(digest.hexdigest())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def server(tmp_path: Path, store: Store, authority: trustme.CA) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    world = World(tmp_path / "world")
    server = Server("test", store, world, tls=context)
    server.start()
    yield server
    world.stopping.set()
    server.stop()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"]
)
def test_bodies_pass_both_ways_over_one_connection(
    server: Server, trusting: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    trusting.maximum_version = version
    client = http.client.HTTPSConnection("localhost", server.port, context=trusting, timeout=30)
    for size in (0, 1, 16_384, len(CONTENT)):
        client.request("PUT", "/", CONTENT[:size])
        assert client.getresponse().read().decode() == hashlib.sha256(CONTENT[:size]).hexdigest()
        client.request("GET", "/")
        assert client.getresponse().read() == CONTENT
    client.close()


def test_who_hangs_up_halfway_is_noticed(
    server: Server, store: Store, trusting: ssl.SSLContext
) -> None:
    raw = socket.create_connection(("127.0.0.1", server.port))
    with trusting.wrap_socket(raw, server_hostname="localhost") as sock:
        sock.sendall(b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        sock.sendall(CONTENT[:70_000])
        socket.socket.shutdown(sock, socket.SHUT_WR)  # closing would take back what is not read
        assert store.left.wait(30)
    assert store.came == 70_000


def test_who_does_not_speak_tls_is_turned_away(server: Server, trusting: ssl.SSLContext) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        told = b"".join(iter(lambda: raw.recv(100), b""))
    assert not told.startswith(b"HTTP")
    client = http.client.HTTPSConnection("localhost", server.port, context=trusting, timeout=30)
    client.request("GET", "/")
    assert client.getresponse().read() == CONTENT
    client.close()
