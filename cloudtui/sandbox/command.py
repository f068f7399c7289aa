"""`cloudtui sandbox`: the servers alone, until SIGTERM or the parent's death."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from cloudtui.sandbox.server import Sandbox

PARENT_CHECK = 0.5


def run(
    data: Path | None,
    endpoints_file: Path | None,
    port_base: int = 0,
    seeds: Iterable[str] = (),
    allow_fetch: Iterable[str] = (),
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    parent_pid: int | None = None,
    ready_fd: int | None = None,
) -> int:
    """Serve until told to end; returns the exit code (0).

    The endpoints file (mode 0600) appears when all listeners answer and goes when they close. With
    `parent_pid` the servers end as soon as that process is no longer the parent. `ready_fd` is
    closed at the same moment the endpoints file appears, so that a parent can wait on a pipe
    instead of polling.

    Raises:
        ValueError: a seed that names nothing known.
        OSError: a port is taken, or the files cannot be written or read.
    """
    context: ssl.SSLContext | None = None
    if tls_cert is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls_cert, tls_key)
    ended = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal's signature
        ended.set()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with Sandbox(
            data=data,
            port_base=port_base,
            tls=context,
            seeds=seeds,
            allow_fetch=allow_fetch,
        ) as sandbox:
            if endpoints_file is not None:
                write_endpoints(endpoints_file, sandbox.endpoints)
            if ready_fd is not None:
                os.close(ready_fd)
            try:
                while not ended.wait(PARENT_CHECK):
                    if parent_pid is not None and os.getppid() != parent_pid:
                        break
            finally:
                if endpoints_file is not None:
                    endpoints_file.unlink(missing_ok=True)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0


def write_endpoints(path: Path, endpoints: dict[str, dict[str, object]]) -> None:
    """Write the file whole or not at all, readable by its owner only."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):  # a leftover of a killed process with our number
        part.unlink()
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        json.dump(endpoints, file, indent=2)
        file.write("\n")
    part.replace(path)
