"""PikPak and pCloud as one local server.

Owns starting and stopping all listeners and the endpoints they are found at. Emulation itself lives
in the cloud packages.
"""

from __future__ import annotations

import secrets
import shutil
import ssl
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from cloudtui.sandbox.admin import Admin
from cloudtui.sandbox.cloud import Cloud
from cloudtui.sandbox.listener import Server, keep_unless_closed, keep_when_asked
from cloudtui.sandbox.pcloud.service import PCloud
from cloudtui.sandbox.pikpak.service import PikPak
from cloudtui.sandbox.seed import parse
from cloudtui.sandbox.world import World

# The order decides the ports counted from --port-base.
ORDER = (
    "admin",
    "pikpak.user",
    "pikpak.drive",
    "pikpak.upload",
    "pikpak.content",
    "pcloud.us",
    "pcloud.eu",
    "pcloud.authorize",
    "pcloud.content",
)
# A supervisor that sends SIGTERM gives 8 s.
STOP_SECONDS = 4.0
ASKED_KEEP_ALIVE = {"pcloud.us", "pcloud.eu"}


class Sandbox:
    """All listeners of one sandbox. `endpoints` is filled by `start`.

    Args:
        data: where blobs lie; a temporary folder, removed by `stop`, when None.
        port_base: first of nine ports in a row; 0 takes free ones.
        tls: serves every listener but the admin's over TLS.
        seeds: specs as `seed` reads them.
        allow_fetch: hosts a cloud may download from besides its own listeners.
    """

    def __init__(
        self,
        *,
        data: Path | None = None,
        port_base: int = 0,
        tls: ssl.SSLContext | None = None,
        seeds: Iterable[str] = (),
        allow_fetch: Iterable[str] = (),
    ) -> None:
        self._temporary = data is None
        self._seeds = tuple(seeds)
        for spec in self._seeds:
            parse(spec)
        folder = data if data is not None else Path(tempfile.mkdtemp(prefix="cloudtui-sandbox-"))
        self.world = World(folder, set(allow_fetch))
        self.pikpak = PikPak(self.world)
        self.pcloud = PCloud(self.world)
        self.clouds: dict[str, Cloud] = {"pikpak": self.pikpak, "pcloud": self.pcloud}
        self.admin_token = secrets.token_urlsafe(24)
        self.endpoints: dict[str, dict[str, object]] = {}
        handlers = {**self.pikpak.handlers, **self.pcloud.handlers}
        handlers["admin"] = Admin(self.world, self.clouds, self.admin_token)
        self._servers = [
            Server(
                name,
                handlers[name],
                self.world,
                port=port_base + index if port_base else 0,
                tls=None if name == "admin" else tls,
                keep_alive=keep_when_asked if name in ASKED_KEEP_ALIVE else keep_unless_closed,
                logged=name != "admin",
            )
            for index, name in enumerate(ORDER)
        ]

    def start(self) -> None:
        """Open all listeners, then plant the seeds.

        Raises:
            OSError: a port is taken; nothing is left open.
        """
        started: list[Server] = []
        try:
            for server in self._servers:
                server.start()
                started.append(server)
        except OSError:
            for server in started:
                server.stop()
            raise
        self.world.urls.update({server.name: server.url for server in self._servers})
        for spec in self._seeds:
            seed = parse(spec)
            for name in seed.clouds:
                self.clouds[name].seed(seed.spec)
        self.endpoints = {name: cloud.endpoints() for name, cloud in self.clouds.items()}
        self.endpoints["admin"] = {"url": self.world.urls["admin"], "token": self.admin_token}

    def stop(self) -> None:
        """Close everything; a temporary data folder is removed."""
        self.world.stopping.set()
        with self.world.changed:
            self.world.changed.notify_all()
        for server in self._servers:
            server.close()
        deadline = time.monotonic() + STOP_SECONDS
        for server in self._servers:
            server.join(deadline)
        self.pcloud.close()
        if self._temporary:
            shutil.rmtree(self.world.data, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
