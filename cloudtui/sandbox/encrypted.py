"""The server's side of TLS, kept apart from the socket.

An `SSLSocket` makes two system calls for each record of 16 KiB that it receives, a fifth of what
receiving costs. Here a megabyte of upload comes in with a few calls and is decrypted from memory.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import cast

RECEIVE = 64 * 1024


class Encrypted:
    """TLS on an accepted socket, used by one thread. The handshake happens on creation.

    Raises OSError, as sockets do (`ssl.SSLError` is one).
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._inbox, self._outbox = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._inbox, self._outbox, server_side=True)
        # any writable buffer will do, not only the bytearray of the type stubs
        self._read = cast("Callable[[int, memoryview], int]", self._session.read)
        try:
            self._until_done(self._session.do_handshake)
        finally:
            with contextlib.suppress(OSError):  # an alert may still reach the client
                self._post()

    def recv_into(self, view: memoryview) -> int:
        """What has arrived, as far as it fits; waits for the first byte. 0: the client is gone.

        Sealed bytes lie in a large `view` for a moment: the more come in with one call the better.
        """
        filled = 0
        while filled < len(view):
            if filled and not self._inbox.pending and not self._session.pending():
                break
            try:
                got = self._read(len(view) - filled, view[filled:])
            except ssl.SSLWantReadError:
                if filled:
                    break
                self._fetch(view)
                continue
            except ssl.SSLEOFError:
                got = 0
            if got == 0:
                break
            filled += got
        return filled

    def recv(self, size: int) -> bytes:
        """At most `size` bytes; none when the client is gone."""
        view = memoryview(bytearray(size))
        return bytes(view[: self.recv_into(view)])

    def sendall(self, data: memoryview) -> None:
        """Encrypt and send everything."""
        self._until_done(lambda: self._session.write(data))
        self._post()

    def _until_done(self, step: Callable[[], object]) -> None:
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                self._fetch()
            else:
                return

    def _fetch(self, room: memoryview | None = None) -> None:
        self._post()
        if room is not None and len(room) > RECEIVE:
            arrived: bytes | memoryview = room[: self._sock.recv_into(room)]
        else:
            arrived = self._sock.recv(RECEIVE)
        if arrived:
            self._inbox.write(arrived)
        else:
            self._inbox.write_eof()

    def _post(self) -> None:
        waiting = self._outbox.read()
        if waiting:
            self._sock.sendall(waiting)
