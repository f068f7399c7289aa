"""Ports of this machine for programs that must be told one before they listen on it."""

from __future__ import annotations

import contextlib
import errno
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from cloudtui.services.locks import FileLock

_PACE = threading.Event()
_LIMIT = 200.0


@contextlib.contextmanager
def reserved_port(port: int = 0) -> Iterator[int]:
    """This port, or any, which nobody is given by chance as long as the block lasts.

    It is bound on the loopback addresses and not listened on. So no outgoing connection gets it,
    while a program that asks for it by its number (with SO_REUSEADDR, as servers do) may listen.
    Waits until a named port is free: a connection that happened to have it blocks it for a minute
    after its end. Another run of these tests waits for its end too: both could reserve the port,
    but only the program of one listen on it.
    """
    end = time.monotonic() + _LIMIT
    with contextlib.ExitStack() as held:
        if port:
            lock = FileLock(Path(tempfile.gettempdir(), f"cloudtui-port-{port}.lock"))
            assert lock.acquire(_LIMIT), f"port {port} stays reserved"
            held.callback(lock.release)
        while not (found := _bound(port, held)):
            assert time.monotonic() < end, f"port {port} stays taken"
            _PACE.wait(0.2)
        yield found


def _bound(port: int, held: contextlib.ExitStack) -> int:
    """Bind sockets that `held` will close; their port, 0 where it is taken."""
    with contextlib.ExitStack() as tried:
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                sock = tried.enter_context(socket.socket(family, socket.SOCK_STREAM))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return 0
                if family is socket.AF_INET6:
                    continue  # this machine has no such address
                raise
            port = sock.getsockname()[1]
        held.enter_context(tried.pop_all())
    return port
