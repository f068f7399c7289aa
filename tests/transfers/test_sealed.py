"""TLS read in large pieces: the same bytes with fewer calls, and the same failures."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest
import trustme

from cloudtui.services.network import Network
from cloudtui.services.transfers.sealed import Sealed

RECORD = 16 * 1024


class Counting(socket.socket):
    """Counts how often it was asked for bytes."""

    asked = 0

    def recv_into(self, *args: object, **named: object) -> int:
        self.asked += 1
        return super().recv_into(*args, **named)  # type: ignore[arg-type]


class Pair:
    """A client's socket, and what the other side did. `serve` gets the other side under TLS."""

    def __init__(self, authority: trustme.CA, serve: Callable[[ssl.SSLSocket], None]) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        near, self._far = socket.socketpair()
        self.near = Counting(near.family, near.type, near.proto, near.detach())
        self.near.settimeout(30)
        self.failure: OSError | None = None
        self._context = context
        self._serve = serve
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._context.wrap_socket(self._far, server_side=True) as sock:
                self._serve(sock)
        except OSError as exc:
            self.failure = exc

    def close(self) -> None:
        self.near.close()
        self._thread.join(30)
        self._far.close()


@contextlib.contextmanager
def paired(authority: trustme.CA, serve: Callable[[ssl.SSLSocket], None]) -> Iterator[Pair]:
    pair = Pair(authority, serve)
    try:
        yield pair
    finally:
        pair.close()


def opened(pair: Pair, network: Network) -> Sealed:
    sealed = Sealed(pair.near, network.ssl_context, "localhost")
    sealed.handshake()
    return sealed


def all_of(sealed: Sealed, view: memoryview) -> bytes:
    whole = bytearray()
    while count := sealed.recv_into(view):
        whole += view[:count]
    return bytes(whole)


@pytest.mark.parametrize("room", [1, 1000, RECORD - 1, RECORD, 100_000])
def test_what_was_sent_arrives_whatever_the_room(
    authority: trustme.CA, network: Network, room: int
) -> None:
    sent = bytes(range(256)) * (8 if room == 1 else 1000)
    with paired(authority, lambda sock: sock.sendall(sent)) as pair:
        assert all_of(opened(pair, network), memoryview(bytearray(room))) == sent


def test_many_records_are_read_by_one_call(authority: trustme.CA, network: Network) -> None:
    records = 8  # they fit into the sockets: the sender waits for nobody
    wholly = threading.Event()

    def serve(sock: ssl.SSLSocket) -> None:
        sock.sendall(b"x")
        assert sock.recv(1) == b"!"
        for _ in range(records):
            sock.sendall(bytes(RECORD))
        wholly.set()
        assert sock.recv(1) == b"!"

    with paired(authority, serve) as pair:
        sealed = opened(pair, network)
        assert sealed.recv(1) == b"x"
        sealed.sendall(b"!")
        assert wholly.wait(30)
        before = pair.near.asked
        view = memoryview(bytearray(256 * 1024))
        assert sealed.recv_into(view) == records * RECORD
        assert pair.near.asked == before + 1
        sealed.sendall(b"!")
    assert pair.failure is None


def test_a_large_piece_is_sent_whole(authority: trustme.CA, network: Network) -> None:
    piece = bytes(range(256)) * 4096
    came = bytearray()

    def serve(sock: ssl.SSLSocket) -> None:
        while len(came) < len(piece):
            came.extend(sock.recv(65536))
        sock.sendall(b"done")

    with paired(authority, serve) as pair:
        sealed = opened(pair, network)
        sealed.sendall(memoryview(piece))
        assert sealed.recv(100) == b"done"
    assert came == piece


def test_an_end_without_goodbye_is_an_end(authority: trustme.CA, network: Network) -> None:
    def serve(sock: ssl.SSLSocket) -> None:
        sock.sendall(b"half")
        socket.socket.shutdown(sock, socket.SHUT_RDWR)

    with paired(authority, serve) as pair:
        sealed = opened(pair, network)
        view = memoryview(bytearray(100))
        assert all_of(sealed, view) == b"half"
        assert sealed.recv_into(view) == 0


def test_a_shut_socket_gives_no_foreign_bytes(authority: trustme.CA, network: Network) -> None:
    sent = threading.Event()
    over = threading.Event()

    def serve(sock: ssl.SSLSocket) -> None:
        sock.sendall(b"a" * 100)
        sent.set()
        over.wait(30)

    with paired(authority, serve) as pair:
        sealed = opened(pair, network)
        assert sent.wait(30)
        pair.near.shutdown(socket.SHUT_RDWR)
        assert all_of(sealed, memoryview(bytearray(50))) in (b"", b"a" * 100)
        over.set()


def test_a_stranger_is_refused_and_told_so(network: Network) -> None:
    def serve(sock: ssl.SSLSocket) -> None:
        assert sock.recv(1) == b""

    with (
        paired(trustme.CA(), serve) as pair,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        opened(pair, network)
    assert isinstance(pair.failure, ssl.SSLError)
    assert "ALERT" in str(pair.failure)


def test_bytes_that_wait_are_noticed(authority: trustme.CA, network: Network) -> None:
    over = threading.Event()

    def serve(sock: ssl.SSLSocket) -> None:
        sock.sendall(b"abc")
        over.wait(30)

    with paired(authority, serve) as pair:
        sealed = opened(pair, network)
        quiet = [sealed.quiet]
        assert sealed.recv(1) == b"a"
        quiet.append(sealed.quiet)
        assert sealed.recv(10) == b"bc"
        assert [*quiet, sealed.quiet] == [True, False, True]
        over.set()
