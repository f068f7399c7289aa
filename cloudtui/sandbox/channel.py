"""One accepted connection: buffered reading, paced and limited writing.

Owns the socket. Knows HTTP only as far as "a head ends with an empty line".
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time

from cloudtui.sandbox.encrypted import Encrypted
from cloudtui.sandbox.faults import Fault
from cloudtui.sandbox.http import BadRequest, Disconnected, Drop, FileBody

HEAD_LIMIT = 64 * 1024
SEND_SIZE = 1024 * 1024
PACED_SIZE = 16 * 1024
GOODBYE_IDLE = 10.0  # s without a byte after our end; a busy machine stops a client for seconds
GOODBYE = 30.0  # s that a client may go on sending after our end
LOOK = 0.05  # s between two looks whether what is held back may go


class Channel:
    """A connection seen by its one thread, through TLS where `encrypted` is given. `throttle` and
    `read_budget` are set by faults.
    """

    def __init__(
        self,
        sock: socket.socket,
        stopping: threading.Event,
        encrypted: Encrypted | None = None,
    ) -> None:
        self.sock = sock
        self.encrypted = encrypted is not None
        self._wire: socket.socket | Encrypted = encrypted or sock
        self.throttle: Fault | None = None
        self.read_budget: int | None = None
        self.sent = 0
        self._stopping = stopping
        self._buffer = bytearray()
        self._scratch: memoryview | None = None

    # reading

    def head(self) -> bytes | None:
        """The next request's head without its empty line; None when the client closed the
        connection.
        """
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end >= 0:
                head = bytes(self._buffer[:end])
                del self._buffer[: end + 4]
                return head.lstrip(b"\r\n")
            if len(self._buffer) > HEAD_LIMIT:
                raise BadRequest("The head is too long.")
            piece = self._receive(HEAD_LIMIT)
            if not piece:
                return None
            self._buffer += piece

    def readline(self, limit: int) -> bytes:
        """One line (without its end) of a chunked body."""
        while True:
            end = self._buffer.find(b"\n")
            if end >= 0:
                line = bytes(self._buffer[: end + 1])
                del self._buffer[: end + 1]
                return line.rstrip(b"\r\n")
            if len(self._buffer) > limit:
                raise BadRequest("A line of the body is too long.")
            piece = self._receive(HEAD_LIMIT)
            if not piece:
                raise Disconnected
            self._buffer += piece

    @property
    def pace(self) -> int:
        """Bytes in a second, 0 for no limit. It is lifted when the fault is cleared."""
        return self.throttle.bytes_per_s if self.throttle is not None else 0

    def recv_into(self, view: memoryview) -> int:
        """Body bytes into `view`; 0 when the client closed the connection."""
        if self.read_budget is not None:
            if self.read_budget <= 0:
                raise Drop
            view = view[: self.read_budget]
        if self.pace:
            view = view[:PACED_SIZE]
        if self._buffer:
            got = min(len(view), len(self._buffer))
            view[:got] = self._buffer[:got]
            del self._buffer[:got]
        else:
            try:
                got = self._wire.recv_into(view)
            except OSError as exc:
                raise Disconnected from exc
        if self.read_budget is not None:
            self.read_budget -= got
        self._wait_for(got)
        return got

    def send_continue(self) -> None:
        self.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _receive(self, size: int) -> bytes:
        try:
            return self._wire.recv(size)
        except OSError:
            return b""

    # writing

    def send(self, data: bytes | memoryview) -> None:
        """All of `data`; Disconnected when the client is gone."""
        view = memoryview(data)
        try:
            if not self.pace:
                self._wire.sendall(view)
                self.sent += len(view)
                return
            for start in range(0, len(view), PACED_SIZE):
                piece = view[start : start + PACED_SIZE]
                self._wire.sendall(piece)
                self.sent += len(piece)
                self._wait_for(len(piece))
        except OSError as exc:
            raise Disconnected from exc

    def send_file(self, body: FileBody) -> None:
        """A stretch of a file: by the kernel on a plain socket, through 1 MiB pieces under TLS."""
        fd = os.open(body.path, os.O_RDONLY)
        try:
            if self.encrypted or self.pace or not hasattr(os, "sendfile"):
                self._copy_file(fd, body.offset, body.length)
            else:
                self._kernel_file(fd, body.offset, body.length)
        finally:
            os.close(fd)

    def _kernel_file(self, fd: int, offset: int, length: int) -> None:
        end = offset + length
        try:
            while offset < end:
                done = os.sendfile(self.sock.fileno(), fd, offset, end - offset)
                if done == 0:
                    raise Drop
                offset += done
                self.sent += done
        except OSError as exc:
            raise Disconnected from exc

    def _copy_file(self, fd: int, offset: int, length: int) -> None:
        if self._scratch is None:
            self._scratch = memoryview(bytearray(min(SEND_SIZE, max(length, PACED_SIZE))))
        elif len(self._scratch) < min(SEND_SIZE, length):
            self._scratch = memoryview(bytearray(SEND_SIZE))
        while length:
            got = os.preadv(fd, [self._scratch[:length]], offset)
            if got == 0:
                raise Drop
            self.send(self._scratch[:got])
            offset += got
            length -= got

    def _wait_for(self, count: int) -> None:
        pace = self.pace
        if not pace:
            return
        end = time.monotonic() + count / pace
        while self.pace and not self._stopping.is_set():
            left = end - time.monotonic()
            if left <= 0:
                return
            self.wait(min(left, LOOK))

    def wait(self, seconds: float) -> None:
        """Let time pass, but not longer than the sandbox runs."""
        self._stopping.wait(seconds)

    def hold(self, fault: Fault) -> None:
        """Let its seconds pass, or less when it is cleared meanwhile."""
        end = time.monotonic() + fault.seconds
        while fault.seconds and not self._stopping.is_set():
            left = end - time.monotonic()
            if left <= 0:
                return
            self.wait(min(left, LOOK))

    # ending

    def reset(self) -> None:
        """End with RST, as a dying server or a cut cable behind a router does."""
        with contextlib.suppress(OSError):  # the client may have closed it already
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def finish(self) -> None:
        """Say goodbye, swallow what the client still sends for a moment, close."""
        with contextlib.suppress(OSError):  # the client may have closed it already
            self.sock.shutdown(socket.SHUT_WR)
            # closed with bytes unread, the answer could be lost to a client that is still sending
            self.sock.settimeout(GOODBYE_IDLE)
            deadline = time.monotonic() + GOODBYE
            while time.monotonic() < deadline and self.sock.recv(HEAD_LIMIT):
                continue
        self.sock.close()
