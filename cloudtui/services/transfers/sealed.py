"""TLS over one connected socket, read in large pieces.

The ssl module's own socket asks the system twice for every 16 KiB record, which is a fifth of the
processor time of a download. Here what has arrived is read in one go and opened record by record
from memory. Owns the TLS state; the socket is its maker's, who may shut it to wake a reader. For
one thread at a time.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final, cast

_LEAST: Final = 16 * 1024
"""Views smaller than a record get the sealed bytes by way of a piece of memory of their own."""
_PIECE: Final = 64 * 1024


class Sealed:
    """The inside of a TLS connection. Failures leave as OSError, of the socket or of TLS."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._sock = sock
        self._came = ssl.MemoryBIO()
        self._goes = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_hostname=host)

    def handshake(self) -> None:
        """Agree on keys and check who is there. Raises OSError, ssl.SSLError among it."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._more()
            except ssl.SSLError:
                with contextlib.suppress(OSError):  # the reason is worth telling, not worth more
                    self._flush()
                raise
        self._flush()

    def recv_into(self, view: memoryview) -> int:
        """Open into `view` what is there, waiting only while nothing is; 0 at the end.

        Beyond the bytes it counts, `view` may hold sealed ones afterwards.
        """
        got, want = 0, len(view)
        # The stubs know only bytearray and the call without one; it takes any writable buffer.
        read = cast("Callable[[int, memoryview], int]", self._tls.read)
        while got < want:
            try:
                count = read(want - got, view[got:])
            except ssl.SSLWantReadError:
                if got:
                    break
                self._flush()
                self._more(view)
                continue
            except ssl.SSLEOFError:
                break  # hung up without a goodbye; whoever was promised more bytes will say so
            if not count:
                break
            got += count
        return got

    def recv(self, most: int) -> bytes:
        """At most `most` bytes, at least one unless the connection has ended."""
        view = memoryview(bytearray(most))
        return bytes(view[: self.recv_into(view)])

    def sendall(self, data: bytes | memoryview) -> None:
        """Seal and send all of it."""
        with memoryview(data) as view:
            sent = 0
            while sent < len(view):
                try:
                    sent += self._tls.write(view[sent:])
                except ssl.SSLWantReadError:
                    self._flush()
                    self._more()
                    continue
                self._flush()

    @property
    def quiet(self) -> bool:
        """Whether nothing that arrived waits to be opened."""
        return not self._came.pending and not self._tls.pending()

    def _flush(self) -> None:
        if self._goes.pending:
            self._sock.sendall(self._goes.read())

    def _more(self, room: memoryview | None = None) -> None:
        """Wait for sealed bytes. They lie in `room` for a moment where it is large enough, so that
        no connection needs a second buffer."""
        if room is not None and len(room) >= _LEAST:
            arrived: bytes | memoryview = room[: self._sock.recv_into(room)]
        else:
            arrived = self._sock.recv(_PIECE)
        if arrived:
            self._came.write(arrived)
        else:
            self._came.write_eof()
