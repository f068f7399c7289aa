"""API calls over real sockets against a server that answers exactly what a test wrote."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from cloudtui.services.network import Network
from tests.reserved_port import reserved_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Scripted:
    """Answers the n-th request with the n-th script; None hangs up without a word."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.answers: list[bytes | None] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.hang_up_from: int | None = None
        """After the answer to this request, the first is 1, and after every later one."""
        self.hung_up = threading.Event()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._exchanges(sock)
        sock.close()
        self.hung_up.set()

    def _exchanges(self, sock: socket.socket) -> None:
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = sock.recv(65536)
                if not piece:
                    return
                head += piece
            head, _, body = head.partition(b"\r\n\r\n")
            length = next(
                (
                    int(line.partition(b":")[2])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                ),
                0,
            )
            while len(body) < length:
                body += sock.recv(65536)
            self.requests.append(head + b"\r\n\r\n" + body)
            answer = self.answers.pop(0)
            if answer is None:
                return
            sock.sendall(answer)
            if self.hang_up_from is not None and len(self.requests) >= self.hang_up_from:
                return

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def server() -> Iterator[Scripted]:
    made = Scripted()
    yield made
    made.close()


async def test_calls_one_after_the_other_share_a_connection(server: Scripted) -> None:
    server.answers = [OK, OK]
    async with Network(environ={}).client() as client:
        assert (await client.get(f"{server.url}/a?b=c")).text == "ok"
        assert (await client.post(server.url, content=b"x" * 600_000)).text == "ok"
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert server.requests[1].endswith(b"x" * 600_000)


async def test_chunks_interim_answers_and_bodies_up_to_the_end(server: Scripted) -> None:
    server.answers = [
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        OK,
        b"HTTP/1.1 200 OK\r\n\r\nall of it",
    ]
    server.hang_up_from = 4
    async with Network(environ={}).client() as client:
        assert (await client.get(server.url)).text == "abcde"
        assert (await client.get(server.url)).status_code == 204
        assert (await client.get(server.url)).text == "ok"
        assert (await client.get(server.url)).text == "all of it"
    assert server.connections == 1


async def test_a_connection_the_server_closed_is_replaced_unseen(server: Scripted) -> None:
    server.answers = [OK, OK]
    server.hang_up_from = 1
    async with Network(environ={}).client() as client:
        assert (await client.get(server.url)).text == "ok"
        await asyncio.to_thread(server.hung_up.wait)
        assert (await client.get(server.url)).text == "ok"
    assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"200 OK", b"200 OK\r\nConnection: close"),
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
async def test_such_a_connection_carries_no_other_call(server: Scripted, answer: bytes) -> None:
    server.answers = [answer, OK]
    async with Network(environ={}).client() as client:
        assert (await client.get(server.url)).text == "ok"
        assert (await client.get(server.url)).text == "ok"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, httpx.RemoteProtocolError),
        (b"nonsense\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", httpx.RemoteProtocolError),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            httpx.RemoteProtocolError,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", httpx.RemoteProtocolError),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            httpx.RemoteProtocolError,
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000 + b"\r\n\r\n", httpx.RemoteProtocolError),
    ],
)
async def test_broken_answers_are_told_and_the_next_call_is_sound(
    server: Scripted, answer: bytes | None, error: type[Exception]
) -> None:
    server.answers = [answer]
    server.hang_up_from = 1
    async with Network(environ={}).client() as client:
        with pytest.raises(error):
            await client.get(server.url)
        server.answers = [OK]
        assert (await client.get(server.url)).text == "ok"


async def test_who_asks_hears_when_a_request_is_on_its_way(server: Scripted) -> None:
    heard: list[str] = []

    async def trace(event: str, _: object) -> None:
        heard.append(event)

    server.answers = [OK]
    async with Network(environ={}).client() as client:
        await client.post(server.url, content=b"x", extensions={"trace": trace})
    assert heard == ["http11.send_request_body.complete"]


async def test_no_cookie_is_kept(server: Scripted) -> None:
    server.answers = [OK.replace(b"200 OK", b"200 OK\r\nSet-Cookie: a=b; Path=/"), OK]
    async with Network(environ={}).client() as client:
        await client.get(server.url)
        await client.get(server.url)
    assert b"ookie" not in server.requests[1]


async def test_silence_is_given_up(server: Scripted) -> None:
    server.answers = [b"HTTP/1.1 200 OK\r\n"]
    async with Network(environ={}, timeout=0.05).client() as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(server.url)


async def test_nobody_there_is_a_failed_connection() -> None:
    with reserved_port() as port:
        async with Network(environ={}).client() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"http://127.0.0.1:{port}")


async def test_a_proxy_is_asked_with_its_credentials_and_its_refusal_told(
    server: Scripted,
) -> None:
    server.answers = [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"]
    proxy = server.url.replace("http://", "http://ana:p%40ss@")
    async with Network(environ={"HTTPS_PROXY": proxy}).client() as client:
        with pytest.raises(httpx.ProxyError, match="407"):
            await client.get("https://api.example.com/x")
    assert server.requests[0].startswith(b"CONNECT api.example.com:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic YW5hOnBAc3M=\r\n" in server.requests[0]


async def test_header_values_cannot_smuggle_lines(server: Scripted) -> None:
    async with Network(environ={}).client() as client:
        with pytest.raises((httpx.LocalProtocolError, ValueError)):
            await client.get(server.url, headers={"X": "a\r\nY: b"})
    assert server.requests == []
