"""One blocking HTTP/1.1 connection for file bytes.

Owns the socket, the framing of heads and bodies, and nothing else: no retries, no redirects, no
knowledge of services. Bodies go straight into the caller's buffer: through the general-purpose
clients the same bytes cost two to five times the processor. Network failures leave here as
`OSError`; `Broken` (one of them) is an answer that breaks the protocol or ends too early.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from cloudtui.services.errors import NotSupported, Refused
from cloudtui.services.transfers.origin import Origin
from cloudtui.services.transfers.sealed import Sealed
from cloudtui.services.transfers.stop import Flight
from cloudtui.services.way import Way

if TYPE_CHECKING:
    from cloudtui.services.network import Network

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 30.0
_MAX_HEAD = 64 * 1024
_READ = 16 * 1024


class Broken(ConnectionError):
    """The other side broke the protocol or ended a body before its promised length."""


class Head(Struct, frozen=True):
    """Status and headers of an answer; names in lower case, repeated ones joined by commas."""

    status: int
    headers: dict[str, str]
    keep_alive: bool


class Connection:
    """A connection that carries one request and its answer at a time. `sock` is the socket itself;
    with `sealed` every byte passes through that."""

    def __init__(self, sock: socket.socket, origin: Origin, sealed: Sealed | None = None) -> None:
        self.sock = sock
        self.origin = origin
        self.way: Way | None = None
        self._sealed = sealed
        self._wire: socket.socket | Sealed = sealed or sock
        self.used = False
        """It has carried a whole exchange before the current one."""
        self.sent = False
        """The whole current request has been handed to the system."""
        self._spare = bytearray()
        self._left: int | None = 0
        self._chunked = False
        self._keep = False

    # --- opening and closing -----------------------------------------------------------------

    @classmethod
    def open(
        cls, origin: Origin, network: Network, flight: Flight, way: Way | None = None
    ) -> Connection:
        """Connect, by `way` or through the proxy where there is one, and shake hands.

        Raises OSError (10 s at most per address), Refused when a proxy wants credentials.
        """
        url = f"{origin.scheme}://{origin.authority}/"
        proxy = network.proxy_for(url) if way is None else way.proxy
        if proxy is None:
            sock = _dial(origin.host, origin.port, flight, 0 if way is None else way.family)
        else:
            sock = _dial_through(proxy, origin, flight)
        try:
            sealed = None
            sock.settimeout(CONNECT_SECONDS)
            if origin.scheme == "https":
                sealed = Sealed(sock, network.ssl_context, origin.host)
                sealed.handshake()
            sock.settimeout(min(IDLE_SECONDS, network.timeout))
        except BaseException:
            flight.release(sock)
            sock.close()
            raise
        connection = cls(sock, origin, sealed)
        connection.way = way
        return connection

    def close(self) -> None:
        """Close the socket. Only the thread that uses the connection may call this."""
        with contextlib.suppress(OSError):  # it is gone either way
            self.sock.close()

    # --- sending -----------------------------------------------------------------------------

    def send_head(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | memoryview = b"",
    ) -> None:
        """Send a request head, together with a small body or its beginning in one write."""
        lines = [f"{method} {target} HTTP/1.1"]
        for name, value in headers:
            if "\r" in value or "\n" in value or "\0" in value:
                raise Refused("The service named a header that cannot be sent; nothing was sent.")
            lines.append(f"{name}: {value}")
        lines.append("\r\n")
        head = "\r\n".join(lines).encode("latin-1", "replace")
        self.sent = False
        self._keep = False
        self._wire.sendall(head + bytes(body) if body else head)

    def send(self, data: memoryview) -> None:
        """Send a piece of the body; under TLS one call encrypts it all outside the lock."""
        self._wire.sendall(data)

    # --- receiving ---------------------------------------------------------------------------

    def read_head(self, *, method: str) -> Head:
        """The head of the answer, interim ones skipped, and how its body is framed."""
        while True:
            head, version = self._parse_head()
            if head.status >= 200:
                break
        headers = head.headers
        self._chunked = False
        if method == "HEAD" or head.status in (204, 304):
            self._left = 0
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            self._chunked = True
            self._left = 0
            self._next_chunk(first=True)
        elif (length := headers.get("content-length")) is not None:
            if not length.isascii() or not length.isdigit():
                raise Broken("unreadable Content-Length")
            self._left = int(length)
        else:
            self._left = None
        wish = headers.get("connection", "").lower()
        self._keep = self._left is not None and (
            "close" not in wish if version == "HTTP/1.1" else "keep-alive" in wish
        )
        return Head(head.status, headers, self._keep)

    @property
    def length(self) -> int | None:
        """Bytes left of a body whose length the head gave; None when it gave none."""
        return None if self._chunked else self._left

    @property
    def reusable(self) -> bool:
        """Whether the answer was read to its end and another request may follow."""
        return self._keep and self._left == 0 and not self._chunked and not self._spare

    @property
    def quiet(self) -> bool:
        """Whether nothing that was read from the socket waits to be taken."""
        return not self._spare and (self._sealed is None or self._sealed.quiet)

    def fill(self, view: memoryview, deadline: float) -> int:
        """Read body bytes into `view` until it is full, the body ends, or `deadline`
        (`time.monotonic`) has passed with something read. Returns how many; 0 is the end.

        Raises Broken when the connection ends before the body does.
        """
        want = len(view)
        got = 0
        monotonic = time.monotonic
        while got < want:
            left = self._left
            if left is None or left > 0:
                room = want - got if left is None else min(want - got, left)
                if self._spare:
                    count = min(room, len(self._spare))
                    view[got : got + count] = self._spare[:count]
                    del self._spare[:count]
                elif left is None or self._chunked:
                    count = self._wire.recv_into(view[got : got + room])
                else:
                    # The hot loop: nothing but reads until the buffer or the body is full.
                    recv_into = self._wire.recv_into
                    end = got + room
                    start = got
                    while got < end:
                        count = recv_into(view[got:end])
                        if count == 0:
                            self._left = left - (got - start)
                            raise Broken("the body ended early")
                        got += count
                        if monotonic() > deadline:
                            break
                    self._left = left - (got - start)
                    return got
                if count == 0:
                    if left is not None:
                        raise Broken("the body ended early")
                    self._left = 0
                    return got
                got += count
                if left is not None:
                    self._left = left - count
                if self._chunked and self._left == 0:
                    self._next_chunk(first=False)
            else:
                break
            if monotonic() > deadline:
                break
        return got

    def read_all(self, limit: int) -> bytes:
        """The rest of a small body. Raises Broken when it is longer than `limit`."""
        whole = bytearray()
        buffer = memoryview(bytearray(min(limit, _READ)))
        while count := self.fill(buffer, time.monotonic() + IDLE_SECONDS):
            whole += buffer[:count]
            if len(whole) > limit:
                raise Broken("the answer is too long")
        return bytes(whole)

    def spoil(self) -> None:
        """Not to be used again, whatever the answer said."""
        self._keep = False

    def drain(self, limit: int = 64 * 1024) -> bool:
        """Read the rest of a body away, so that the connection can be used again; False when it
        is too long for that to pay."""
        if self._left is None or (self._left > limit and not self._chunked):
            return False
        try:
            self.read_all(limit)
        except OSError:
            return False
        return self.reusable

    # --- parsing -----------------------------------------------------------------------------

    def _more(self) -> None:
        data = self._wire.recv(_READ)
        if not data:
            raise Broken("the connection was closed")
        self._spare += data

    def _parse_head(self) -> tuple[Head, str]:
        start = 0
        while (end := self._spare.find(b"\r\n\r\n", start)) < 0:
            start = max(0, len(self._spare) - 3)
            if len(self._spare) > _MAX_HEAD:
                raise Broken("the head of the answer is too long")
            self._more()
        lines = self._spare[:end].decode("latin-1").split("\r\n")
        del self._spare[: end + 4]
        version, _, rest = lines[0].partition(" ")
        code = rest[:3]
        if version not in ("HTTP/1.1", "HTTP/1.0") or not code.isascii() or not code.isdigit():
            raise Broken("the answer is not HTTP")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise Broken("unreadable header")
            key, text = name.lower(), value.strip()
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        return Head(int(code), headers, keep_alive=False), version

    def _line(self) -> bytes:
        while (end := self._spare.find(b"\r\n")) < 0:
            if len(self._spare) > _MAX_HEAD:
                raise Broken("a chunk line is too long")
            self._more()
        line = bytes(self._spare[:end])
        del self._spare[: end + 2]
        return line

    def _next_chunk(self, *, first: bool) -> None:
        """Read the size of the next chunk; after the last one the trailer goes too."""
        if not first and self._line():
            raise Broken("a chunk does not end where it should")
        digits = self._line().partition(b";")[0].strip()
        try:
            size = int(digits, 16)
        except ValueError as exc:
            raise Broken("unreadable chunk size") from exc
        if size < 0:
            raise Broken("unreadable chunk size")
        self._left = size
        if size == 0:
            while self._line():
                pass
            self._chunked = False


# --- connecting ------------------------------------------------------------------------------


def _dial(host: str, port: int, flight: Flight, wanted: int = 0) -> socket.socket:
    """A connected socket, held by the flight. Tries each address for 10 s, those of the family
    `wanted` only, where there are any."""
    last: OSError | None = None
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found = [each for each in found if each[0] == wanted] or found
    for family, kind, proto, _, address in found:
        flight.check()
        sock = socket.socket(family, kind, proto)
        try:
            sock.settimeout(CONNECT_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            flight.hold(sock)
            sock.connect(address)
        except BaseException as exc:
            flight.release(sock)
            sock.close()
            if not isinstance(exc, OSError):
                raise
            last = exc
        else:
            return sock
    raise last or OSError(f"{host} has no address")


def _dial_through(proxy: str, origin: Origin, flight: Flight) -> socket.socket:
    parts = urlsplit(proxy)
    if parts.scheme != "http" or not parts.hostname:
        raise NotSupported(
            "The proxy that is set cannot carry file contents.",
            hint="Use an http:// proxy, or except the service's hosts with NO_PROXY.",
        )
    sock = _dial(parts.hostname, parts.port or 80, flight)
    tunnel = Connection(sock, origin)
    headers = [("Host", origin.address)]
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        token = base64.b64encode(pair.encode()).decode()
        headers.append(("Proxy-Authorization", f"Basic {token}"))
    try:
        tunnel.send_head("CONNECT", origin.address, headers)
        head, _ = tunnel._parse_head()
        if head.status == 407:
            raise Refused(
                "The proxy wants a user name and password.", hint="Put them into its URL."
            )
        if not 200 <= head.status < 300:
            raise Broken(f"the proxy answered {head.status}")
        if tunnel._spare:
            raise Broken("the proxy spoke before the server")
    except BaseException:
        flight.release(sock)
        sock.close()
        raise
    return sock
