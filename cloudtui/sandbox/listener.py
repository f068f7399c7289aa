"""The HTTP/1.1 server under every listener: blocking sockets, one thread per connection.

Owns accepting, the request loop, keep-alive, and all transport-level faults. Blocking sockets
because uploads and downloads must be as fast as Python allows, and because faults need the raw
socket.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable
from email.utils import formatdate

from cloudtui.sandbox.channel import Channel
from cloudtui.sandbox.encrypted import Encrypted
from cloudtui.sandbox.faults import Fault, FaultKind
from cloudtui.sandbox.http import (
    BadRequest,
    Body,
    Disconnected,
    Drop,
    FileBody,
    Handler,
    Request,
    Response,
    body_length,
    parse_head,
    reason,
    split_target,
)
from cloudtui.sandbox.requestlog import LogEntry
from cloudtui.sandbox.world import World

BACKLOG = 512
JOINED_BODY = 64 * 1024
DRAIN_LIMIT = 8 * 1024 * 1024
CAPTIVE_PAGE = (
    "<!DOCTYPE html><html><head><title>Sign in to this network</title></head>"
    "<body><h1>Welcome to the guest network</h1><form><input name='room'></form></body></html>"
)
CHANGES_BODY = {FaultKind.CORRUPT, FaultKind.CUT, FaultKind.STALL, FaultKind.TRUNCATE_JSON}

_connection_numbers = itertools.count(1)


def keep_unless_closed(request: Request) -> bool:
    """HTTP/1.1's own rule: the connection stays unless the client asks for its end."""
    asked = (request.headers.get("connection") or "").lower()
    return "keep-alive" in asked if request.version == "HTTP/1.0" else "close" not in asked


def keep_when_asked(request: Request) -> bool:
    """pCloud's API rule: the connection ends after each answer unless keep-alive was asked for."""
    return "keep-alive" in (request.headers.get("connection") or "").lower()


def unpaced(sock: socket.socket) -> None:
    """Send as quickly as the other side reads: a system's own congestion control may space packets
    out by the clock (BBR does), which inside one machine only takes time."""
    with contextlib.suppress(OSError, AttributeError):  # not every system lets it be chosen
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")


class Server:
    """One listener. `handler` runs on the connection's thread; exceptions in it become a 500."""

    def __init__(
        self,
        name: str,
        handler: Handler,
        world: World,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        keep_alive: Callable[[Request], bool] = keep_unless_closed,
        logged: bool = True,
    ) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.tls = tls
        self.logged = logged
        self._handler = handler
        self._world = world
        self._keep_alive = keep_alive
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._acceptor: threading.Thread | None = None
        self._stopped = False

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def start(self) -> None:
        """Bind and accept; `port` is known afterwards.

        Raises:
            OSError: the port is taken.
        """
        # IPPROTO_TCP by name: with the default protocol number Nagle's delay stays on for some
        # stacks.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            unpaced(sock)
            sock.bind((self.host, self.port))
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        self._socket = sock
        self._acceptor = threading.Thread(target=self._accept, name=self.name, daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Close the listener and every connection; waits for their threads at most 2 s."""
        self.close()
        self.join(time.monotonic() + 2)

    def close(self) -> None:
        """Accept nothing more and break every connection, without waiting."""
        with self._lock:
            self._stopped = True
            connections = list(self._open)
        if self._socket is not None:
            # shutdown of a listening socket is refused on some systems
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        for sock in connections:
            with contextlib.suppress(OSError):  # it may have ended between the two lines
                sock.shutdown(socket.SHUT_RDWR)

    def join(self, deadline: float) -> None:
        """Wait for all threads until a moment of the monotonic clock; they are daemons."""
        with self._lock:
            threads = list(self._open.values())
        if self._acceptor is not None:
            threads.append(self._acceptor)
        for thread in threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def _accept(self) -> None:
        listening = self._socket
        assert listening is not None
        while not self._stopped:
            try:
                sock, address = listening.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:  # we stop, or that client is gone, or too many files are open just now
                self._world.stopping.wait(0.01)
                continue
            thread = threading.Thread(
                target=self._connection,
                args=(sock, address[0]),
                name=f"{self.name}-connection",
                daemon=True,
            )
            thread.start()

    def _connection(self, sock: socket.socket, client_ip: str) -> None:
        encrypted: Encrypted | None = None
        if self.tls is not None:
            try:
                encrypted = Encrypted(sock, self.tls)
            except OSError:
                sock.close()
                return
        with self._lock:
            if self._stopped:
                sock.close()
                return
            self._open[sock] = threading.current_thread()
        channel = Channel(sock, self._world.stopping, encrypted)
        number = next(_connection_numbers)
        try:
            memory: dict[str, object] = {}
            while self._exchange(channel, client_ip, number, memory):
                continue
            channel.finish()
        except BadRequest as exc:
            with contextlib.suppress(Drop):  # the client did not wait for our complaint
                self._send(channel, None, Response.text(str(exc), 400), keep=False)
            channel.finish()
        except Drop:
            channel.reset()
        finally:
            with self._lock:
                self._open.pop(sock, None)

    def _exchange(
        self, channel: Channel, client_ip: str, number: int, memory: dict[str, object]
    ) -> bool:
        """One request and its answer; whether the connection goes on."""
        head = channel.head()
        if head is None:
            return False
        method, target, version, headers = parse_head(head)
        path, query = split_target(target)
        length, chunked = body_length(headers)
        expect = (headers.get("expect") or "").lower() == "100-continue"
        request = Request(
            method=method,
            target=target,
            path=path,
            query=query,
            headers=headers,
            body=Body(channel, length, chunked=chunked, expect=expect),
            client_ip=client_ip,
            scheme="https" if self.tls else "http",
            listener=self.name,
            version=version,
            connection=memory,
        )
        raw_query = target.partition("?")[2]
        faults = self._world.faults.take(self.name, f"{method} {path}", raw_query)
        request.faults = faults
        entry = self._log(request, raw_query, number)
        channel.sent = 0
        channel.throttle = None
        channel.read_budget = None
        try:
            return self._answer(channel, request, faults, entry)
        finally:
            if entry is not None:
                entry.bytes_in = request.body.received
                entry.bytes_out = channel.sent
                entry.done = True

    def _log(self, request: Request, raw_query: str, number: int) -> LogEntry | None:
        if not self.logged:
            return None
        return self._world.log.open(
            time=self._world.clock(),
            listener=self.name,
            method=request.method,
            path=request.path,
            query=raw_query,
            host=request.host,
            client_ip=request.client_ip,
            user_agent=request.headers.get("user-agent") or "",
            range=request.headers.get("range") or "",
            authorization="authorization" in request.headers,
            connection=number,
            faults=tuple(fault.kind.value for fault in request.faults),
        )

    def _answer(
        self, channel: Channel, request: Request, faults: list[Fault], entry: LogEntry | None
    ) -> bool:
        planned: Response | None = None
        for fault in faults:
            match fault.kind:
                case FaultKind.DELAY:
                    channel.hold(fault)
                case FaultKind.RESET_BEFORE:
                    raise Drop
                case FaultKind.THROTTLE:
                    channel.throttle = fault
                case FaultKind.CUT_UPLOAD:
                    channel.read_budget = fault.bytes
                case FaultKind.STATUS:
                    planned = Response(
                        fault.number(), fault.body.encode(), list(fault.headers.items())
                    )
                case FaultKind.HTML:
                    planned = Response.html(CAPTIVE_PAGE)
                case _:
                    pass
        response = planned if planned is not None else self._handled(request)
        try:
            return self._reply(channel, request, faults, entry, response)
        finally:
            if response.done is not None:
                response.done()

    def _reply(
        self,
        channel: Channel,
        request: Request,
        faults: list[Fault],
        entry: LogEntry | None,
        response: Response,
    ) -> bool:
        if entry is not None:
            entry.status = response.status
            entry.bytes_in = request.body.received
            result = next((v for k, v in response.headers if k == "X-Error"), None)
            entry.result = int(result) if result is not None else None
        drained = self._drain(request.body)
        if request.fault(FaultKind.RESET_AFTER) is not None:
            raise Drop
        keep = drained and response.close is not True and self._keep_alive(request)
        changes = [fault for fault in faults if fault.kind in CHANGES_BODY]
        if changes:
            self._send_changed(channel, request, response, changes, keep=keep)
        else:
            self._send(channel, request, response, keep=keep)
        return keep

    def _handled(self, request: Request) -> Response:
        try:
            return self._handler(request)
        except (Drop, BadRequest):
            raise
        except Exception as exc:  # a fault of ours must not look like a dead network
            return Response.text(f"sandbox: {type(exc).__name__}: {exc}", 500)

    def _drain(self, body: Body) -> bool:
        """Read what the handler left, so that the client can finish sending; False: too much,
        close.
        """
        if body.finished:
            return True
        if body.awaits_continue or (body.length or 0) > DRAIN_LIMIT:
            return False
        with contextlib.suppress(Disconnected):  # an answer may still reach a half-closed client
            return all(body.received <= DRAIN_LIMIT for _ in body.stream())
        return False

    def _head(self, response: Response, length: int, *, keep: bool) -> bytes:
        lines = [f"HTTP/1.1 {response.status} {reason(response.status)}"]
        names = {name.lower() for name, _ in response.headers}
        if "date" not in names:
            lines.append(f"Date: {formatdate(self._world.clock(), usegmt=True)}")
        lines += [f"{name}: {value}" for name, value in response.headers]
        if "content-length" not in names and response.status not in (204, 304):
            lines.append(f"Content-Length: {length}")
        lines.append(f"Connection: {'keep-alive' if keep else 'close'}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _send(
        self, channel: Channel, request: Request | None, response: Response, *, keep: bool
    ) -> None:
        head = self._head(response, response.length, keep=keep)
        body = response.body
        if request is not None and request.method == "HEAD":
            channel.send(head)
        elif isinstance(body, FileBody):
            channel.send(head)
            channel.send_file(body)
        elif len(body) <= JOINED_BODY:
            channel.send(head + body)
        else:
            channel.send(head)
            channel.send(body)

    def _send_changed(
        self,
        channel: Channel,
        request: Request,
        response: Response,
        faults: list[Fault],
        *,
        keep: bool,
    ) -> None:
        body = _bytes_of(response)
        promised = len(body)
        cut: int | None = None
        stall = 0.0
        for fault in faults:
            if fault.kind is FaultKind.CORRUPT and body:
                middle = len(body) // 2
                body = body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]
            elif fault.kind is FaultKind.TRUNCATE_JSON:
                body = body[: len(body) // 2]
                promised = len(body)
            elif fault.kind is FaultKind.CUT:
                cut = min(fault.bytes, len(body))
            elif fault.kind is FaultKind.STALL:
                stall = fault.seconds
        channel.send(self._head(response, promised, keep=keep))
        if request.method == "HEAD":
            return
        view = memoryview(body)
        if cut is not None:
            channel.send(view[:cut])
            raise Drop
        half = len(view) // 2 if stall else len(view)
        channel.send(view[:half])
        if stall:
            channel.wait(stall)
            channel.send(view[half:])


def _bytes_of(response: Response) -> bytes:
    body = response.body
    if isinstance(body, bytes):
        return body
    with body.path.open("rb") as file:
        file.seek(body.offset)
        return file.read(body.length)
